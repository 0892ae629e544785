from circuitos import CircuitDB, QueryException
from circuitos.testing import CircuitTest, test

FIVE_UP = "parent.parent.parent.parent.parent.name"
ROOTS = ("created_by", "modified_by", "owner")
# Three users, 17 relations of each, and the account make 55.
PARENTS = [f"{root}.{path}.id" for root in ROOTS for path in (
    "manager", "manager.manager", "manager.manager.manager", "manager.manager.manager.manager",
    "created_by", "created_by.manager", "created_by.manager.manager", "created_by.created_by",
    "modified_by", "modified_by.manager", "modified_by.manager.manager", "modified_by.created_by",
    "modified_by.modified_by", "manager.created_by", "manager.modified_by", "created_by.modified_by",
    "manager.manager.created_by",
)] + ["account.id"]


def children(depth):
    return "SELECT id FROM parts" if depth == 1 else f"SELECT id, ({children(depth - 1)}) FROM parts"


# The query, words of the reason, and the place.
REFUSALS = [
    ("SELECT id FROM Node LIMIT 1 OFFSET 2001", "at most 2000", 1, 36),
    ("SELECT COUNT(id) FROM Node LIMIT 1", "needs GROUP BY", 1, 34),
    ("SELECT MAX(amount), MIN(amount) FROM Node WHERE amount > 1 LIMIT 5", "needs GROUP BY", 1, 66),
    ("SELECT COUNT(), id FROM Node", "only thing selected", 1, 8),
    ("SELECT id, COUNT() FROM Node", "only thing selected", 1, 12),
    ("SELECT COUNT() FROM Node ORDER BY name", "cannot be ordered", 1, 35),
    ("SELECT COUNT() FROM Node GROUP BY name", "COUNT\\(id\\) with GROUP BY", 1, 26),
    ("SELECT name, COUNT(id) FROM Node", "add it to GROUP BY", 1, 8),
    ("SELECT name, amount FROM Node GROUP BY name", "add it to GROUP BY", 1, 14),
    ("SELECT name FROM Node GROUP BY name ORDER BY amount", "add it to GROUP BY", 1, 46),
    ("SELECT name FROM Node GROUP BY name HAVING amount > 1", "add it to GROUP BY", 1, 44),
    ("SELECT twice, COUNT(id) FROM Node GROUP BY twice", "a formula", 1, 44),
    ("SELECT COUNT(id) FROM Node GROUP BY labels", "multipicklist", 1, 37),
    ("SELECT name FROM Node HAVING COUNT(id) > 1", "HAVING needs GROUP BY", 1, 18),
    ("SELECT COUNT(id) FROM Contact GROUP BY ROLLUP(title), email", "cannot be mixed", 1, 53),
    ("SELECT COUNT(id) FROM Contact GROUP BY email, ROLLUP(title)", "cannot be mixed", 1, 47),
    ("SELECT COUNT(id) FROM Contact GROUP BY CUBE(title), email", "cannot be mixed", 1, 51),
    ("SELECT COUNT(id) FROM Contact GROUP BY ROLLUP(title, email, phone, company)", "at most 3", 1, 68),
    ("SELECT COUNT(id) FROM Contact GROUP BY CUBE(title, email, phone, company)", "at most 3", 1, 66),
    ("SELECT GROUPING(title) FROM Contact GROUP BY title", "ROLLUP and CUBE", 1, 8),
    (
        "SELECT COUNT(id) FROM Contact GROUP BY account HAVING account IN (SELECT id FROM Account)",
        "HAVING cannot",
        1,
        82,
    ),
    ("SELECT id FROM Contact ORDER BY id FOR UPDATE", "FOR UPDATE", 1, 33),
    ("SELECT id FROM Contact ALL ROWS FOR UPDATE", "ALL ROWS", 1, 24),
    ("SELECT id FROM Contact FOR UPDATE ALL ROWS", "ALL ROWS", 1, 35),
    ("SELECT COUNT(id) FROM Contact FOR UPDATE", "FOR UPDATE", 1, 35),
    ("SELECT id FROM Contact WHERE title = 'a' AND title = 'b' OR title = 'c'", "parentheses", 1, 58),
    ("SELECT id FROM Contact WHERE title = 'a' OR title = 'b' AND title = 'c'", "parentheses", 1, 57),
    (
        "SELECT id FROM Contact WHERE account IN (SELECT id FROM Account) AND id IN (SELECT who FROM Task) "
        "AND owner IN (SELECT id FROM User)",
        "at most 2 semi-joins",
        1,
        128,
    ),
    (
        "SELECT id FROM Contact WHERE account IN (SELECT id FROM Account) AND id NOT IN (SELECT who FROM Task) "
        "AND owner NOT IN (SELECT id FROM User)",
        "at most 2 semi-joins",
        1,
        136,
    ),
    ("SELECT id FROM Contact WHERE NOT (account IN (SELECT id FROM Account))", "write NOT IN", 1, 30),
    ("SELECT id FROM Contact WHERE title = 'a' OR account IN (SELECT id FROM Account)", "in an OR", 1, 42),
    ("SELECT id FROM Contact WHERE account IN (SELECT id FROM Account LIMIT 5)", "has no ORDER BY", 1, 57),
    ("SELECT id FROM Contact WHERE account IN (SELECT id FROM Account ALL ROWS)", "belongs to the whole", 1, 65),
    ("SELECT id FROM Contact WHERE account IN (SELECT id FROM Account WITH USER_MODE)", "belongs to the whole", 1, 70),
    ("SELECT id FROM Contact WHERE account IN (SELECT id them FROM Account)", "no alias", 1, 52),
    ("SELECT id FROM Contact WHERE account IN (SELECT id, name FROM Account)", "selects one field", 1, 63),
    ("SELECT id FROM Contact WHERE account IN (SELECT name FROM Account)", "an id or a lookup", 1, 49),
    ("SELECT id FROM Contact WHERE account IN (SELECT account.owner FROM Contact)", "of its own object", 1, 49),
    ("SELECT id FROM Contact WHERE title IN (SELECT id FROM Account)", "compares an id", 1, 30),
    ("SELECT id FROM Contact WHERE id IN (SELECT account FROM Contact)", "never meet", 1, 44),
    (
        "SELECT id FROM Contact WHERE account IN (SELECT id FROM Account WHERE owner IN (SELECT id FROM User))",
        "within another one",
        1,
        96,
    ),
    (f"SELECT parent.{FIVE_UP} FROM Node", "at most 5 parents", 1, 8),
    (f"SELECT {', '.join(PARENTS)}, account.owner.id FROM Contact", "at most 55 relations", None, None),
    (f"SELECT id, ({children(6)}) FROM Node", "at most 5 deep", None, None),
    (f"SELECT id{', (SELECT id FROM parts)' * 21} FROM Node", "at most 20 child", None, None),
    ("SELECT id, (SELECT COUNT(id) FROM parts) FROM Node", "cannot hold aggregates", 1, 35),
    ("SELECT FIELDS(ALL) FROM Contact", "LIMIT of at most 200", 1, 8),
    ("SELECT FIELDS(CUSTOM) FROM Contact LIMIT 201", "LIMIT of at most 200", 1, 8),
    ("SELECT id FROM Contact WHERE COUNT(id) > 1", "of many records", 1, 30),
    ("SELECT SUM(name) FROM Node", "takes numbers", 1, 12),
    ("SELECT MAX(is_red) FROM Node", "an order", 1, 12),
    ("SELECT SUM(MAX(amount)) FROM Node", "takes a field", 1, 12),
    ("SELECT id FROM Node WHERE CALENDAR_YEAR(name) = 3", "takes a date", 1, 41),
    ("SELECT HOUR_IN_DAY(on_day) FROM Node GROUP BY HOUR_IN_DAY(on_day)", "takes a time", None, None),
    ("SELECT convertTimezone(at) FROM Node", "within a date function", 1, 8),
    ("SELECT name n, amount n, COUNT(id) FROM Node GROUP BY name, amount", "Two columns", 1, 23),
    ("SELECT id FROM Node WHERE name = 3", "is not written as one", 1, 34),
    ("SELECT id FROM Node WHERE amount = '3'", "is not written as one", 1, 36),
    ("SELECT id FROM Node WHERE is_red = 'true'", "is not written as one", 1, 36),
    ("SELECT id FROM Node WHERE on_day = '2025-01-01'", "is not written as one", 1, 36),
    ("SELECT id FROM Node WHERE at = 2025-01-01", "is not written as one", 1, 32),
    ("SELECT id FROM Node WHERE on_day = 2025-01-01T00:00:00Z", "is not written as one", 1, 36),
    ("SELECT id FROM Node WHERE name = TODAY", "TODAY is a date", 1, 34),
    ("SELECT id FROM Node WHERE amount LIKE '1%'", "LIKE compares texts", 1, 39),
    ("SELECT id FROM Node WHERE name INCLUDES ('a')", "multi-select", 1, 27),
    ("SELECT id FROM Node WHERE is_red > false", "does not compare", 1, 36),
    ("SELECT id FROM Node WHERE extra = 'x'", "does not compare", 1, 35),
]


@test
class Refusals:
    @test("Q07 each documented refusal has its reason and its place")
    def all_of_them(self):
        for soql, reason, line, column in REFUSALS:
            with CircuitTest.raises(QueryException, match=reason) as caught:
                raise AssertionError(f"understood: {soql} {CircuitDB.query(soql)}")
            if line is not None:
                assert str(caught.value).endswith(f"(line {line}, column {column})"), (soql, str(caught.value))

    @test("Q07 what lies just within each bound is understood")
    def within(self):
        for soql in (
            "SELECT id FROM Node LIMIT 1 OFFSET 2000",
            "SELECT name, COUNT(id) FROM Node GROUP BY name LIMIT 1",
            "SELECT id FROM Contact WHERE account IN (SELECT id FROM Account) AND id NOT IN (SELECT who FROM Task)",
            f"SELECT {FIVE_UP} FROM Node",
            f"SELECT id, ({children(5)}) FROM Node",
            "SELECT FIELDS(ALL) FROM Contact LIMIT 200",
            f"SELECT {', '.join(PARENTS)} FROM Contact",
        ):
            CircuitDB.query(soql)

    @test("Q07 a refused query costs nothing")
    def free(self):
        from circuitos import CircuitGovernor

        with CircuitTest.raises(QueryException):
            CircuitDB.query("SELECT nope FROM Node")
        assert CircuitGovernor.get_usage("queries") == 0
