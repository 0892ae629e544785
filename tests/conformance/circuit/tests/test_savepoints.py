from circuitos import CircuitDB, CircuitException, CircuitGovernor, DmlException, Record
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def names():
    return sorted(record.name for record in CircuitDB.query("SELECT name FROM Account"))


def account(name):
    CircuitDB.insert("Account", {"name": name})


@test
class Savepoints:
    @test("D02 a rolled-back insert leaves the id on the Record and on the dict; both cannot be inserted again")
    def ids_stay(self):
        point = CircuitDB.savepoint()
        record, plain = Record("Contact", last_name="A"), {"last_name": "B"}
        CircuitDB.insert("Contact", [record, plain])
        CircuitDB.rollback(point)

        for again in (record, plain):
            assert again["id"].startswith("003")
            with CircuitTest.raises(DmlException, match="INVALID_FIELD_FOR_INSERT_UPDATE"):
                CircuitDB.insert("Contact", again)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("D02 with its id taken off the record can be inserted again")
    def without_id(self):
        point = CircuitDB.savepoint()
        record = Record("Contact", last_name="A")
        CircuitDB.insert("Contact", record)
        first = record.id
        CircuitDB.rollback(point)
        record.id = None
        CircuitDB.insert("Contact", record)

        assert CircuitDB.query_one("SELECT id FROM Contact").id == record.id != first

    @test("D02 a statement that failed leaves no id")
    def failed_statement(self):
        records = [Record("Contact", last_name="A"), Record("Contact", first_name="B")]
        with CircuitTest.raises(DmlException):
            CircuitDB.insert("Contact", records)
        assert [record.id for record in records] == [None, None]

    @test("D02 statics are not rolled back")
    def statics(self):
        point = CircuitDB.savepoint()
        account("A")
        CircuitDB.rollback(point)
        assert Behaviour.events("Account") == [("beforeInsert", 1), ("afterInsert", 1)]
        assert names() == []

    @test("D03 rolling back to an earlier savepoint ends the later ones, not the earlier")
    def later_ones(self):
        first = CircuitDB.savepoint()
        account("A")
        second = CircuitDB.savepoint()
        account("B")
        CircuitDB.rollback(first)
        with CircuitTest.raises(CircuitException):
            CircuitDB.rollback(second)
        account("C")
        CircuitDB.rollback(first)

        assert names() == []

    @test("D03 rolling back to the later savepoint keeps the earlier")
    def inner(self):
        first = CircuitDB.savepoint()
        account("A")
        second = CircuitDB.savepoint()
        account("B")
        CircuitDB.rollback(second)
        assert names() == ["A"]
        CircuitDB.rollback(first)
        assert names() == []

    @test("D03 a released savepoint cannot be rolled back to, and what it kept stays")
    def released(self):
        point = CircuitDB.savepoint()
        account("A")
        CircuitDB.release(point)
        with CircuitTest.raises(DmlException):
            CircuitDB.rollback(point)
        assert names() == ["A"]

    @test("D04 savepoint and rollback cost a statement each; a release costs none")
    def cost(self):
        counts = []
        point = CircuitDB.savepoint()
        counts.append(CircuitGovernor.get_usage("dml_statements"))
        CircuitDB.rollback(point)
        counts.append(CircuitGovernor.get_usage("dml_statements"))
        CircuitDB.release(point)
        counts.append(CircuitGovernor.get_usage("dml_statements"))

        assert counts == [1, 2, 2]
        assert CircuitGovernor.get_usage("dml_rows") == 0

    @test("D04 a rollback gives back neither statements nor rows")
    def not_given_back(self):
        point = CircuitDB.savepoint()
        account("A")
        CircuitDB.rollback(point)
        assert CircuitGovernor.get_usage("dml_statements") == 3
        assert CircuitGovernor.get_usage("dml_rows") == 1


@test
class AcrossTriggers:
    @test("A savepoint does not reach into a trigger: rolling back to it there is refused")
    def into_trigger(self):
        refused = []
        account("before")
        point = CircuitDB.savepoint()

        def roll_back(context):
            try:
                CircuitDB.rollback(point)
            except DmlException as error:
                refused.append(str(error))

        Behaviour.on("Contact", "afterInsert", roll_back)
        CircuitDB.insert("Contact", {"last_name": "X"})

        assert len(refused) == 1
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 1
        CircuitDB.rollback(point)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0
        assert names() == ["before"]

    @test("A savepoint of a trigger does not outlive it")
    def out_of_trigger(self):
        points = []
        Behaviour.on("Contact", "afterInsert", lambda context: points.append(CircuitDB.savepoint()))
        CircuitDB.insert("Contact", {"last_name": "X"})
        with CircuitTest.raises(DmlException):
            CircuitDB.rollback(points[0])
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 1

    @test("A trigger may roll back to a savepoint of its own")
    def own(self):
        def handler(context):
            account("kept")
            point = CircuitDB.savepoint()
            account("dropped")
            CircuitDB.rollback(point)
            account("later")

        Behaviour.on("Contact", "afterInsert", handler)
        CircuitDB.insert("Contact", {"last_name": "X"})
        assert names() == ["kept", "later"]
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 1

    @test("A trigger's savepoint is gone in the second pass of a partial success")
    def partial(self):
        def handler(context):
            point = CircuitDB.savepoint()
            account("dropped")
            CircuitDB.rollback(point)
            context.new_records[0].add_error("no") if context.size == 3 else None

        Behaviour.on("Contact", "beforeInsert", handler)
        results = CircuitDB.insert("Contact", [{"last_name": n} for n in "ABC"], all_or_none=False)
        assert [result.success for result in results] == [False, True, True]
        assert names() == []
