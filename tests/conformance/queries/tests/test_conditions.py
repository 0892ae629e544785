import datetime as dt
from decimal import Decimal

from circuitos import CircuitDB, QueryException
from circuitos.testing import CircuitTest, test, test_setup

INJECTIONS = [
    "x' OR name != '",
    "x'; DROP TABLE o_node; --",
    "' UNION SELECT id FROM User --",
    "\\' OR 1=1 --",
    "%' OR '%' = '",
    ":name",
    "${name}",
    "?",
    "%s",
    "\x01\x02",
    "a\nb",
]


def names(condition, **binds):
    return [
        record.name
        for record in CircuitDB.query(f"SELECT name FROM Node WHERE {condition} ORDER BY name", **binds)
    ]


@test
class Nulls:
    @test_setup
    def rows(cls):
        CircuitDB.insert(
            "Node",
            [
                {"name": "a", "amount": 1, "code": "Xy", "labels": ["red", "green"], "is_red": True},
                {"name": "B", "amount": 2, "labels": ["green"]},
                {"name": "c", "on_day": dt.date(2025, 1, 1)},
            ],
        )

    @test("Q05 nulls come first, descending too, and last where that is asked")
    def order(self):
        def ordered(clause):
            return [record.name for record in CircuitDB.query(f"SELECT name FROM Node ORDER BY {clause}")]

        assert ordered("amount") == ["c", "a", "B"]
        assert ordered("amount NULLS LAST") == ["a", "B", "c"]
        assert ordered("amount DESC") == ["c", "B", "a"]
        assert ordered("amount DESC NULLS LAST") == ["B", "a", "c"]
        assert ordered("amount ASC NULLS FIRST") == ["c", "a", "B"]
        assert ordered("name DESC") == ["c", "B", "a"]

    @test("Q05 what is null fits != and NOT, and nothing else")
    def nulls(self):
        assert names("amount = null") == ["c"]
        assert names("amount != null") == ["a", "B"]
        assert names("amount != 1") == ["B", "c"]
        assert names("amount < 5") == ["a", "B"]
        assert names("NOT (amount = 1)") == ["B", "c"]
        assert names("NOT (amount < 5)") == ["c"]
        assert names("NOT (code LIKE 'X%')") == ["B", "c"]
        assert names("amount NOT IN (1, 7)") == ["B", "c"]
        assert names("amount NOT IN (1, null)") == ["B"]
        assert names("amount IN (1, null)") == ["a", "c"]
        assert names("labels EXCLUDES ('red')") == ["B", "c"]
        with CircuitTest.raises(QueryException, match="null cannot be compared"):
            names("amount > null")

    @test("Q05 a checkbox is never null: null means false")
    def checkboxes(self):
        assert names("is_red = null") == ["B", "c"]
        assert names("is_red != null") == ["a"]
        assert names("is_red = :nothing", nothing=None) == ["B", "c"]
        assert names("is_red = false") == ["B", "c"]
        assert names("parent.is_red = false") == ["a", "B", "c"]

    @test("INCLUDES takes any of its texts, and all parts of each")
    def choices(self):
        assert names("labels INCLUDES ('red;green')") == ["a"]
        assert names("labels INCLUDES ('RED', 'blue')") == ["a"]
        assert names("labels INCLUDES ('green')") == ["a", "B"]
        assert names("labels INCLUDES (:one, 'blue')", one="red;green") == ["a"]
        assert names("labels INCLUDES :many", many={"green;amber", "red"}) == ["a"]
        assert names("labels EXCLUDES :many", many=["green"]) == ["c"]
        assert names("labels = 'red;green'") == ["a"]


@test
class Texts:
    @test_setup
    def rows(cls):
        CircuitDB.insert(
            "Node",
            [
                {"name": "Straße 1", "code": "AbC"},
                {"name": "ÜNLÜ", "code": "abc"},
                {"name": "50% off_sale", "code": "x"},
                {"name": "back\\slash", "code": "y"},
                {"name": "it's", "code": "z"},
            ],
        )

    @test("Q06 texts compare in any case with =, !=, IN, LIKE and <")
    def folded(self):
        for condition in (
            "name = 'ünlü'",
            "name = 'ÜNLÜ'",
            "name IN ('ünlü')",
            "name IN ('x', 'ÜNLÜ')",
            "name LIKE 'ün%'",
            "name LIKE '_NL_'",
            "name LIKE ('x', 'ü%')",
        ):
            assert names(condition) == ["ÜNLÜ"], condition
        assert len(names("name != 'ünlü'")) == 4
        assert len(names("name NOT IN ('ünlü', 'STRASSE 1')")) in (3, 4)
        assert names("name = 'IT\\'S'") == ["it's"]
        assert names("name < 'BACK'") == ["50% off_sale"]
        assert names("name = :name", name="Ünlü") == ["ÜNLÜ"]
        assert names("name IN :some", some={"ünlÜ", "IT'S"}) == ["it's", "ÜNLÜ"]
        assert names("name LIKE :pattern", pattern="üN%") == ["ÜNLÜ"]
        assert names("name LIKE :patterns", patterns=["üN%", "IT%"]) == ["it's", "ÜNLÜ"]

    @test("Q06 a case-sensitive unique field compares exactly")
    def exact(self):
        assert names("code = 'AbC'") == ["Straße 1"]
        assert names("code IN ('abc')") == ["ÜNLÜ"]
        assert names("code != 'abc' AND code LIKE 'A%'") == ["Straße 1"]

    @test("Q06 LIKE has % and _, and a backslash makes them plain")
    def wildcards(self):
        assert names(r"name LIKE '50\% off\_%'") == ["50% off_sale"]
        assert names(r"name LIKE 'back\\%'") == ["back\\slash"]
        assert names("name LIKE :pattern", pattern="50\\% off\\_%") == ["50% off_sale"]
        assert names("name LIKE :pattern", pattern="%slash\\") == []
        assert names("name LIKE '%'") == names("name != null")
        assert names("name LIKE '____'") == ["it's", "ÜNLÜ"]


@test
class Binds:
    @test_setup
    def rows(cls):
        root = CircuitDB.insert("Node", {"name": "root"})[0].id
        CircuitDB.insert(
            "Node",
            [
                {
                    "name": "a",
                    "parent": root,
                    "amount": 1.5,
                    "at": dt.datetime(2025, 1, 1, 12, tzinfo=dt.UTC),
                    "on_day": dt.date(2025, 1, 1),
                },
                {"name": "b", "parent": root, "amount": 2, "is_red": True},
                {"name": "c", "amount": 3},
            ],
        )

    @test("Q08 scalars of every type are bound as values")
    def scalars(self):
        assert names("name = :n", n="a") == ["a"]
        assert names("amount = :n", n=1.5) == ["a"]
        assert names("amount = :n", n=Decimal("1.50")) == ["a"]
        assert names("amount >= :n", n=2) == ["b", "c"]
        assert names("is_red = :n", n=True) == ["b"]
        assert names("on_day = :n", n=dt.date(2025, 1, 1)) == ["a"]
        assert names("at = :n", n=dt.datetime(2025, 1, 1, 12, tzinfo=dt.UTC)) == ["a"]
        assert names("amount = :n", n=None) == ["root"]
        assert names("amount != :n", n=None) == ["a", "b", "c"]
        found = CircuitDB.query("SELECT name FROM Node ORDER BY name LIMIT :n OFFSET :m", {"n": 2, "m": 1})
        assert [record.name for record in found] == ["b", "c"]

    @test("Q08 lists, tuples, sets and what a loop takes are members of IN; an empty one fits nothing")
    def lists(self):
        keyed = {"a": "c", "c": "a"}
        for members in (["a", "c"], ("a", "c"), {"a", "c"}, frozenset({"a", "c"}), keyed.keys(), keyed.values()):
            assert names("name IN :members", members=members) == ["a", "c"]
        assert names("name IN :members", members=(letter for letter in "ac")) == ["a", "c"]
        assert names("name NOT IN :members", members=["a", "c"]) == ["b", "root"]
        assert names("name IN :members", members=[]) == []
        assert names("name NOT IN :members", members=[]) == ["a", "b", "c", "root"]
        assert names("name IN (:one, 'c')", one="a") == ["a", "c"]
        assert names("amount IN :members", members=[1.5, None]) == ["a", "root"]
        assert names("amount NOT IN :members", members=[1.5, None]) == ["b", "c"]
        assert names("name IN :members", members=[f"n{number}" for number in range(3000)] + ["b"]) == ["b"]

    @test("Q08 records stand for their ids, alone, in lists and in sets")
    def records(self):
        root = CircuitDB.query_one("SELECT id, name FROM Node WHERE name = 'root'")
        assert names("parent = :root", root=root) == ["a", "b"]
        assert names("parent IN :roots", roots=[root]) == ["a", "b"]
        assert names("id IN :roots", roots={root}) == ["root"]
        assert names("parent.id = :root", root=root.id) == ["a", "b"]
        assert names("parent = :root", root=root.id[:15]) == ["a", "b"]

    @test("Q08 any expression of Python is a bind's value")
    def expressions(self):
        wanted = " A "
        assert names("name = :wanted", wanted=wanted.strip().lower()) == ["a"]
        assert names("amount > :least", least=sum([1, 0.5])) == ["b", "c"]

    @test("Q08 nothing that a bind or a literal holds is ever part of the query")
    def injection(self):
        for text in INJECTIONS:
            assert names("name = :name", name=text) == [], text
            assert names("name IN :names", names=[text]) == [], text
            literal = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
            assert names(f"name = '{literal}'") == [], text
        kept = CircuitDB.insert("Node", [{"name": text} for text in INJECTIONS if len(text) <= 40])
        assert len(kept) == len(INJECTIONS)
        for text in INJECTIONS:
            assert names("name = :name", name=text) == [text]
        assert len(names("name LIKE :pattern", pattern="%")) == 4 + len(INJECTIONS)

    @test("Q08 a bind without a value, or of a wrong type, is refused where it stands")
    def wrong(self):
        for condition, binds, reason in (
            ("name = :missing", {}, "no value; given are none"),
            ("name = :x AND name = :y", {"x": 1}, "given are :x"),
            ("name = :names", {"names": ["a"]}, "is a list; compare it with IN"),
            ("amount = :n", {"n": "many"}, "many"),
            ("name LIKE :n", {"n": 3}, "LIKE compares texts"),
            ("is_red = :n", {"n": "perhaps"}, "perhaps"),
            ("on_day = :n", {"n": "someday"}, "someday"),
        ):
            with CircuitTest.raises(QueryException, match=reason):
                names(condition, **binds)
        for bad in (-1, 1.5, True, "3", None):
            with CircuitTest.raises(QueryException, match="no number of rows"):
                CircuitDB.query("SELECT id FROM Node LIMIT :n", n=bad)
        with CircuitTest.raises(QueryException, match="OFFSET is 2001; at most 2000"):
            CircuitDB.query("SELECT id FROM Node OFFSET :n", n=2001)
