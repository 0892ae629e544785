from circuitos import CircuitDB, QueryException
from circuitos.testing import CircuitTest, test, test_setup

UNDERSTOOD = """
SELECT id FROM Contact
select Id, LastName, Account.Name from contact
SELECT id, name FROM Account a WHERE a.name = 'Acme'
SELECT COUNT() FROM Contact c, c.account a WHERE a.name = 'Acme'
SELECT c.last_name, o.name FROM Contact c, c.account a, a.owner o WHERE o.is_active = true
SELECT id FROM Contact USING SCOPE everything WHERE last_name != null
SELECT id FROM Contact USING SCOPE Mine
SELECT id FROM Contact WHERE last_name = 'a' WITH SECURITY_ENFORCED
SELECT id FROM Contact WITH SYSTEM_MODE
SELECT id FROM Contact WITH USER_MODE LIMIT 1
SELECT title, COUNT(id) FROM Contact GROUP BY title HAVING COUNT(id) > 1
SELECT title, email, COUNT(id) FROM Contact GROUP BY CUBE(title, email)
SELECT title, email, COUNT(id) FROM Contact GROUP BY ROLLUP(title, email) ORDER BY GROUPING(title)
SELECT id FROM Contact ORDER BY last_name ASC NULLS LAST, email DESC NULLS FIRST
SELECT id FROM Contact ORDER BY account.name LIMIT 10 OFFSET 2000
SELECT id FROM Contact ALL ROWS
SELECT id FROM Contact FOR VIEW
SELECT id FROM Contact FOR REFERENCE
SELECT id FROM Contact FOR VIEW FOR REFERENCE
SELECT id FROM Contact FOR UPDATE
SELECT id FROM Contact UPDATE TRACKING
SELECT id FROM Contact FOR VIEW UPDATE TRACKING, VIEWSTAT
SELECT FIELDS(STANDARD) FROM Contact
SELECT FIELDS(ALL) FROM Contact LIMIT 200
SELECT FIELDS(CUSTOM) FROM Node LIMIT 1
SELECT * FROM Contact
SELECT id, (SELECT * FROM contacts) FROM Account
SELECT AVG(amount), SUM(amount), MIN(amount), MAX(amount), COUNT(amount), COUNT_DISTINCT(amount) FROM Node
SELECT toLabel(lead_source) FROM Contact WHERE toLabel(lead_source) = 'Web'
SELECT FORMAT(amount) shown, amount FROM Node
SELECT FORMAT(MIN(at)) first_of_all FROM Node
SELECT id, (SELECT id, (SELECT id FROM tasks) FROM contacts WHERE title = 'x' ORDER BY last_name LIMIT 3) FROM Account
SELECT TYPEOF who WHEN Contact THEN last_name, email WHEN Lead THEN company ELSE id END FROM Task
SELECT who.type, who.name, who.owner.name FROM Task WHERE who.type IN ('Lead', 'Contact')
SELECT id FROM Node WHERE FORMULA('amount * 2 + 1') > 7
SELECT id FROM Contact WHERE (last_name = 'a' OR last_name = 'b') AND NOT (email = null)
SELECT id FROM Contact WHERE NOT last_name LIKE 'a%'
SELECT id FROM Contact WHERE last_name LIKE ('a%', '_b%')
SELECT id FROM Contact WHERE last_name IN ('a', 'b', null) AND title NOT IN ('c')
SELECT id FROM Contact WHERE account IN (SELECT id FROM Account WHERE name LIKE 'A%')
SELECT id FROM Account WHERE id NOT IN (SELECT account FROM Contact) AND id IN (SELECT account FROM Opportunity)
SELECT id FROM Node WHERE labels INCLUDES ('red;green', 'blue') AND labels EXCLUDES ('amber')
SELECT id FROM Node WHERE amount >= -3.5 AND amount <> +7 AND amount < 1e3
SELECT id FROM Node WHERE at >= 2025-01-02T03:04:05Z AND at < 2026-01-02T03:04:05.678-08:00
SELECT id FROM Node WHERE on_day = 2024-02-29 OR on_day IN (TODAY, YESTERDAY, 2025-01-01)
SELECT id FROM Node WHERE is_red = TRUE OR is_red = null
SELECT id FROM Node WHERE name = 'it\\'s \\"quoted\\" \\\\ \\u0041 \\n'
SELECT HOUR_IN_DAY(convertTimezone(at)) h, COUNT(id) FROM Node GROUP BY HOUR_IN_DAY(convertTimezone(at))
SELECT id FROM Contact WHERE Account__r.Name = 'Acme'
SELECT id -- what is left out is a comment
""".strip().splitlines()[:-1]

REFUSED = {
    "": (1, 1, "SELECT is expected"),
    "SELECT": (1, 7, "a field is expected"),
    "SELECT FROM Contact": (1, 8, "a field is expected"),
    "SELECT id": (1, 10, "FROM is expected"),
    "SELECT id FROM": (1, 15, "an object is expected"),
    "SELECT id, FROM Contact": (1, 12, "a field is expected"),
    "SELECT id FROM Contact WHERE": (1, 29, "a field is expected"),
    "SELECT id FROM Contact WHERE last_name": (1, 39, "a comparison"),
    "SELECT id FROM Contact WHERE last_name =": (1, 41, "a value is expected"),
    "SELECT id FROM Contact WHERE last_name = Ada": (1, 42, "no value"),
    "SELECT id FROM Contact WHERE last_name == 'a'": (1, 40, "a comparison"),
    "SELECT id FROM Contact WHERE last_name = 'a": (1, 42, "not closed"),
    'SELECT id FROM Contact WHERE last_name = "a"': (1, 42, "a value is expected"),
    "SELECT id FROM Contact WHERE (last_name = 'a'": (1, 46, "\\) is expected"),
    "SELECT id FROM Contact WHERE last_name = 'a' 'b'": (1, 46, "the end of the query"),
    "SELECT id FROM Contact WHERE last_name = 'a\\q'": (1, 44, "no escape"),
    "SELECT id FROM Contact;": (1, 23, "no meaning"),
    "SELECT id\nFROM Contact\nWHERE nope = 1": (3, 7, "no field 'nope'"),
    "SELECT id FROM Contact ORDER last_name": (1, 30, "BY is expected"),
    "SELECT id FROM Contact ORDER BY last_name NULLS": (1, 48, "FIRST or LAST"),
    "SELECT id FROM Contact LIMIT many": (1, 30, "a whole number"),
    "SELECT id FROM Contact LIMIT -1": (1, 30, "a whole number"),
    "SELECT id FROM Contact LIMIT 1.5": (1, 30, "a whole number"),
    "SELECT id FROM Contact OFFSET 5 LIMIT 5": (1, 33, "the end of the query"),
    "SELECT id FROM Contact FOR SALE": (1, 28, "UPDATE or VIEW or REFERENCE"),
    "SELECT id FROM Contact GROUP BY": (1, 32, "a field is expected"),
    "SELECT id FROM Contact WITH NOTHING": (1, 29, "SECURITY_ENFORCED"),
    "SELECT id FROM Contact WITH UserId = 'x'": (1, 29, "WHERE"),
    "SELECT id FROM Contact WITH DATA CATEGORY Geography__c AT usa__c": (1, 29, "knowledge"),
    "SELECT id FROM Contact USING SCOPE team": (1, 36, "scope"),
    "SELECT id FROM Node WHERE DISTANCE(place, GEOLOCATION(37, 122), 'mi') < 20": (1, 27, "place"),
    "SELECT convertCurrency(amount) FROM Node": (1, 8, "one currency"),
    "SELECT id FROM Node WHERE amount > USD5000": (1, 36, "one currency"),
    "SELECT id FROM Node WHERE at > 10:30:00Z": (1, 32, "time of day"),
    "SELECT id FROM Node WHERE on_day = 2023-02-29": (1, 36, "no date"),
    "SELECT id FROM Node WHERE on_day = LAST_N_DAYS": (1, 47, ": is expected"),
    "SELECT id FROM Node WHERE on_day = LAST_N_DAYS:-2": (1, 49, "-2"),
    "SELECT id FROM Node WHERE on_day = LAST_N_YEARS:99999": (1, 36, "beyond the calendar"),
    "SELECT NOPE(amount) FROM Node": (1, 8, "no function"),
    "SELECT id FROM Nod": (1, 16, "Did you mean Node"),
    "SELECT amout FROM Node": (1, 8, "Did you mean amount"),
    "SELECT nope.name FROM Node": (1, 8, "no relation"),
    "SELECT name x FROM Node": (1, 13, "alias"),
    "SELECT id, (SELECT id FROM pieces) FROM Node": (1, 28, "no children"),
    "SELECT id, (SELECT id FROM parts) alias FROM Node": (1, 35, "alias"),
    "SELECT TYPEOF who WHEN User THEN name END FROM Task": (1, 24, "never leads"),
    "SELECT TYPEOF who THEN name END FROM Task": (1, 19, "WHEN is expected"),
    "SELECT id FROM Node WHERE FORMULA('nope + 1') > 2": (1, 27, "nope"),
    "SELECT id FROM Contact WHERE id = :lead.id": (1, 35, "give its value a name"),
}


@test
class Grammar:
    @test_setup
    def rows(cls):
        account = CircuitDB.insert("Account", {"name": "Acme"})[0].id
        CircuitDB.insert("Contact", [{"last_name": "Ada", "account": account}, {"last_name": "Bob"}])
        CircuitDB.insert("Node", {"name": "n", "amount": 4})

    @test("Q01 every form of the grammar that has a meaning here is understood")
    def understood(self):
        for soql in UNDERSTOOD:
            try:
                CircuitDB.query(soql)
            except QueryException as error:
                raise AssertionError(f"{soql}: {error}") from error

    @test("Q01 a star selects every field, of any number of records")
    def star(self):
        rows = CircuitDB.query("SELECT * FROM Contact WHERE Id IN :ids", ids=CircuitDB.query("SELECT id FROM Contact"))
        assert {(row.last_name, row.email, row.is_deleted) for row in rows} == {
            ("Ada", None, False),
            ("Bob", None, False),
        }

    @test("Q01 everything else is refused with a reason, a line and a column")
    def refused(self):
        for soql, (line, column, reason) in REFUSED.items():
            with CircuitTest.raises(QueryException) as caught:
                raise AssertionError(f"understood: {soql!r} {CircuitDB.query(soql)}")
            told = str(caught.value)
            assert told.endswith(f"(line {line}, column {column})"), (soql, told)
            with CircuitTest.raises(QueryException, match=reason):
                CircuitDB.query(soql)

    @test("Q01 names and keywords are the same in any case")
    def any_case(self):
        for soql in (
            "sElEcT LASTNAME fRoM CONTACT wHeRe lastName = 'ADA'",
            "SELECT Last_Name FROM contact WHERE Last_Name = 'ada'",
        ):
            assert [record.last_name for record in CircuitDB.query(soql)] == ["Ada"]
