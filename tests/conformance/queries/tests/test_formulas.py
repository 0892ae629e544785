import datetime as dt

from circuitos import CircuitDB, DmlException
from circuitos.testing import CircuitTest, test, test_setup
from triggers.parts import Parts


def node(name):
    return CircuitDB.query_one("SELECT id FROM Node WHERE name = :name", name=name).id


def inserted(**fields):
    """The part as a query reads it."""
    fields["id"] = CircuitDB.insert("Part", fields)[0].id
    return CircuitDB.query_one("SELECT FIELDS(STANDARD), note, root_name, parent_twice, is_parent_red, third, "
                               "weight, beyond FROM Part WHERE id = :id", id=fields["id"])


@test
class Formulas:
    @test_setup
    def rows(cls):
        root = CircuitDB.insert("Node", {"name": "root", "amount": 10, "is_red": True})[0].id
        calm = CircuitDB.insert("Node", {"name": "calm", "amount": 7})[0].id
        CircuitDB.insert("Node", [
            {"name": "of red", "parent": root, "amount": 1},
            {"name": "of calm", "parent": calm, "amount": 5, "is_red": True},
        ])

    @test("Q09 a validation rule reads fields of a parent")
    def of_parent(self):
        with CircuitTest.raises(DmlException, match="no more than its node"):
            inserted(node=node("of calm"), weight=6)
        assert inserted(node=node("of calm"), weight=5).weight == 5
        assert inserted(weight=99).weight == 99

    @test("Q09 a validation rule reads fields of a parent's parent")
    def of_grandparent(self):
        with CircuitTest.raises(DmlException, match="parent is red"):
            inserted(node=node("of red"))

    @test("Q09 a rule of many records reads each one's own parent")
    def of_many(self):
        nodes = [node("of calm"), node("root"), None]
        saved = CircuitDB.insert(
            "Part", [{"node": nodes[place % 3], "weight": 7} for place in range(300)], all_or_none=False
        )
        assert [result.success for result in saved] == [False, True, True] * 100

    @test("Q09 ISCHANGED compares what the old and the new parent say")
    def changed(self):
        part = inserted(node=node("root"))
        with CircuitTest.raises(DmlException, match="nodes of one name"):
            CircuitDB.update("Part", {"id": part.id, "node": node("calm")})
        twin = CircuitDB.insert("Node", {"name": "ROOT", "amount": 3})[0].id
        CircuitDB.update("Node", {"id": twin, "name": "root"})
        CircuitDB.update("Part", {"id": part.id, "node": twin})

    @test("Q09 a field update sets what a parent says")
    def updated(self):
        assert inserted(node=node("of calm"), note="root").note == "of calm"

    @test("Q09 formula fields over parents are the same in queries, conditions and order")
    def queried(self):
        account = CircuitDB.insert("Account", {"name": "Acme"})[0].id
        part = inserted(node=node("of calm"), owner_of=account, weight=1)
        assert (part.parent_twice, part.root_name, part.is_parent_red, str(part.third)) == (10, "calm/Acme", True, "0.33")
        lone = inserted()
        assert (lone.parent_twice, lone.root_name, lone.is_parent_red, lone.third) == (None, "none/", False, None)
        for condition in ("parent_twice = 10", "root_name = 'CALM/acme'", "is_parent_red = true", "third = 0.33"):
            assert [found.id for found in CircuitDB.query(f"SELECT id FROM Part WHERE {condition}")] == [part.id]
        assert [found.id for found in CircuitDB.query("SELECT id FROM Part WHERE is_parent_red = false")] == [lone.id]
        ordered = CircuitDB.query("SELECT id FROM Part ORDER BY parent_twice DESC NULLS LAST")
        assert [found.id for found in ordered] == [part.id, lone.id]

    @test("Q09 formula fields over parents are there in triggers, too")
    def in_triggers(self):
        inserted(node=node("of calm"), owner_of=node("root"), weight=2)
        assert Parts.seen[-1] == (10, "calm/root", True, "0.67")

    @test("Q09 a formula follows a lookup to whatever object it leads to")
    def polymorphic(self):
        contact = CircuitTest.create("Contact", last_name="Ada", company="Engines")
        lead = CircuitTest.create("Lead", last_name="Bob", company="Looms")
        CircuitDB.insert("Task", [{"subject": "a", "who": contact.id}, {"subject": "b", "who": lead.id}])
        found = CircuitDB.query("SELECT company_of_who FROM Task ORDER BY subject")
        assert [task.company_of_who for task in found] == ["Engines", "Looms"]

    @test("Q02 TODAY() in a rule is the day of the project's time zone")
    def today(self):
        CircuitTest.set_time(dt.datetime(2025, 3, 2, 3, 0, tzinfo=dt.UTC))  # still the first in New York
        inserted(made_on=dt.date(2025, 3, 1))
        with CircuitTest.raises(DmlException, match="in the future"):
            inserted(made_on=dt.date(2025, 3, 2))

    @test("Q09 a formula's result with more digits than its field has is null, in queries and in triggers")
    def too_large(self):
        part = inserted(weight=10**14)
        assert part.beyond is None and Parts.beyond[-1] is None
        assert inserted(weight=2).beyond == 2_000_000
