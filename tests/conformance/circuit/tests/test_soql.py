import datetime as dt

from circuitos import CircuitDB, CircuitScript, QueryException, Record
from circuitos.testing import CircuitTest, test, test_setup


def names(soql, **binds):
    return [record.last_name for record in CircuitDB.query(soql, **binds)]


@test
class Queries:
    @test_setup
    def rows(cls):
        accounts = CircuitDB.insert("Account", [{"name": "Acme", "rating": "Hot"}, {"name": "Beta"}])
        CircuitDB.insert(
            "Contact",
            [
                {"last_name": "Ada", "email": "ADA@x.com", "account": accounts[0].id, "title": "CEO"},
                {"last_name": "bob", "email": "bob@x.com", "account": accounts[0].id, "do_not_contact": True},
                {"last_name": "Cyd", "account": accounts[1].id, "birthdate": dt.date(2000, 2, 29), "tags": ["a", "b"]},
                {"last_name": "Dan", "title": "50% off_sale", "tags": ["b"]},
            ],
        )
        contact = CircuitDB.query_one("SELECT id FROM Contact WHERE last_name = 'Ada'")
        CircuitDB.insert("Task", [{"subject": "Call", "who": contact.id}, {"subject": "None"}])

    @test("Q04 aggregates without an alias are expr0, expr1")
    def q04(self):
        row = CircuitDB.query("SELECT COUNT(id), MIN(last_name) lowest, COUNT_DISTINCT(account) FROM Contact")[0]
        assert (row["expr0"], row["lowest"], row["expr1"]) == (4, "Ada", 2)

    @test("Q05 nulls come first, or last where that is asked")
    def q05(self):
        assert names("SELECT last_name FROM Contact ORDER BY email, last_name")[:2] == ["Cyd", "Dan"]
        assert names("SELECT last_name FROM Contact ORDER BY email NULLS LAST, last_name")[-2:] == ["Cyd", "Dan"]

    @test("Q06 texts compare in any case")
    def q06(self):
        assert names("SELECT last_name FROM Contact WHERE last_name = 'BOB'") == ["bob"]
        assert names("SELECT last_name FROM Contact WHERE email LIKE 'ada%'") == ["Ada"]
        assert names("SELECT last_name FROM Contact WHERE last_name IN ('ADA', 'cyd') ORDER BY last_name") == ["Ada", "Cyd"]
        assert names("SELECT Last_Name FROM contact WHERE LastName = 'ada' AND Id != null") == ["Ada"]

    @test("Q07 forms that have no meaning are refused with a reason")
    def q07(self):
        for soql in (
            "SELECT id FROM Contact LIMIT 1 OFFSET 2001",
            "SELECT COUNT(id) FROM Contact LIMIT 1",
            "SELECT id FROM Contact WHERE account IN (SELECT id FROM Account) AND id IN (SELECT who FROM Task) "
            "AND owner IN (SELECT id FROM User)",
            "SELECT COUNT(id) FROM Contact GROUP BY ROLLUP(title), email",
            "SELECT title FROM Contact GROUP BY title HAVING title IN (SELECT id FROM Account)",
            "SELECT id FROM Contact ORDER BY id FOR UPDATE",
            "SELECT id FROM Contact FOR UPDATE ALL ROWS",
            "SELECT id FROM Contact WHERE title = 'a' AND title = 'b' OR title = 'c'",
            "SELECT FIELDS(ALL) FROM Contact",
            "SELECT nope FROM Contact",
            "SELECT id FROM Nope",
            "SELECT id FROM Contact WHERE title = 3",
            "SELECT id FROM",
        ):
            with CircuitTest.raises(QueryException, match=r"line \d+, column \d+"):
                CircuitDB.query(soql)

    @test("Q08 binds are values: scalars, lists, sets, records; nothing is spliced")
    def q08(self):
        account = CircuitDB.query_one("SELECT id FROM Account WHERE name = 'Acme'")
        assert names("SELECT last_name FROM Contact WHERE last_name = :name", name="x' OR last_name != '") == []
        assert names("SELECT last_name FROM Contact WHERE last_name IN :these ORDER BY last_name", these={"Ada", "Dan"}) == [
            "Ada",
            "Dan",
        ]
        assert len(names("SELECT last_name FROM Contact WHERE account IN :accounts", accounts=[account])) == 2
        assert len(names("SELECT last_name FROM Contact WHERE account = :account", account=account)) == 2
        assert names("SELECT last_name FROM Contact WHERE last_name IN :none", none=[]) == []
        assert len(names("SELECT last_name FROM Contact WHERE email = :nothing", nothing=None)) == 2
        assert len(names("SELECT last_name FROM Contact LIMIT :most", most=3)) == 3
        with CircuitTest.raises(QueryException, match="no value"):
            CircuitDB.query("SELECT id FROM Contact WHERE id = :missing")

    @test("Q09 parents through null, five levels, children as lists, TYPEOF")
    def q09(self):
        rows = CircuitDB.query("SELECT last_name, account.name, account.owner.email FROM Contact ORDER BY last_name")
        assert [row.account.name if row.account else None for row in rows] == ["Acme", "Acme", "Beta", None]
        assert rows[0].account.owner.email
        accounts = CircuitDB.query("SELECT name, (SELECT last_name FROM contacts ORDER BY last_name DESC) FROM Account ORDER BY name")
        assert [[child.last_name for child in account.contacts] for account in accounts] == [["bob", "Ada"], ["Cyd"]]
        task = CircuitDB.query("SELECT subject, TYPEOF who WHEN Contact THEN last_name, email WHEN Lead THEN company END FROM Task ORDER BY subject")
        assert [row.who.last_name if row.who else None for row in task] == ["Ada", None]

    @test("Conditions of every kind")
    def conditions(self):
        assert names("SELECT last_name FROM Contact WHERE do_not_contact = true") == ["bob"]
        assert len(names("SELECT last_name FROM Contact WHERE do_not_contact = null")) == 3
        assert len(names("SELECT last_name FROM Contact WHERE title != 'CEO'")) == 3
        assert names("SELECT last_name FROM Contact WHERE tags INCLUDES ('a;b')") == ["Cyd"]
        assert len(names("SELECT last_name FROM Contact WHERE tags INCLUDES ('b', 'x')")) == 2
        assert len(names("SELECT last_name FROM Contact WHERE tags EXCLUDES ('a')")) == 3
        assert names(r"SELECT last_name FROM Contact WHERE title LIKE '50\% off\_%'") == ["Dan"]
        assert len(names("SELECT last_name FROM Contact WHERE created_at = TODAY")) == 4
        assert names("SELECT last_name FROM Contact WHERE birthdate < 2001-01-01") == ["Cyd"]
        assert names("SELECT last_name FROM Contact WHERE CALENDAR_YEAR(birthdate) = 2000") == ["Cyd"]
        assert names("SELECT last_name FROM Contact WHERE id IN (SELECT who FROM Task)") == ["Ada"]
        assert len(names("SELECT last_name FROM Contact WHERE id NOT IN (SELECT who FROM Task)")) == 3
        assert len(names("SELECT last_name FROM Contact WHERE NOT (last_name = 'Ada')")) == 3

    @test("Q03 ROLLUP and CUBE add the rows of totals")
    def q03(self):
        rollup = CircuitDB.query(
            "SELECT account.name a, COUNT(id) n, GROUPING(account.name) g FROM Contact GROUP BY ROLLUP(account.name)"
        )
        assert sorted((row["g"], row["a"] or "", row["n"]) for row in rollup) == [
            (0, "", 1),
            (0, "Acme", 2),
            (0, "Beta", 1),
            (1, "", 4),
        ]
        cube = CircuitDB.query("SELECT account.name a, title t, COUNT(id) n FROM Contact GROUP BY CUBE(account.name, title)")
        assert len(cube) == 4 + 3 + 3 + 1

    @test("HAVING, ORDER BY an aggregate, GROUP BY a date function")
    def grouped(self):
        rows = CircuitDB.query(
            "SELECT account.name, COUNT(id) n FROM Contact GROUP BY account.name HAVING COUNT(id) > 1 ORDER BY COUNT(id)"
        )
        assert [(row["name"], row["n"]) for row in rows] == [("Acme", 2)]
        years = CircuitDB.query("SELECT CALENDAR_YEAR(created_at) y, COUNT(id) n FROM Contact GROUP BY CALENDAR_YEAR(created_at)")
        assert [(row["y"], row["n"]) for row in years] == [(CircuitScript.now().year, 4)]

    @test("COUNT() is a number, search gives lists")
    def counting(self):
        assert CircuitDB.count("SELECT COUNT() FROM Contact WHERE account != null") == 3
        assert CircuitDB.search("FIND {ada} RETURNING Contact(id)") == [[]]
        found = CircuitDB.query_one("SELECT id FROM Contact WHERE last_name = 'Ada'")
        CircuitTest.set_search_results([found.id])
        ((hit,),) = CircuitDB.search("FIND {whatever} RETURNING Contact(last_name WHERE last_name = 'Ada')")
        assert hit.last_name == "Ada"
