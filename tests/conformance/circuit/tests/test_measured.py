from circuitos import CircuitDB, CircuitException, CircuitGovernor
from circuitos.testing import CircuitTest, test, test_setup

from classes.behaviour import Behaviour


def query(times):
    for _ in range(times):
        CircuitDB.query("SELECT id FROM Contact LIMIT 1")


@test
class Measured:
    @test("U03 98 queries before leave two after the measured part")
    def two_left(self):
        query(98)
        CircuitTest.start_test()
        assert CircuitGovernor.get_usage("queries") == 0
        query(100)
        CircuitTest.stop_test()
        assert CircuitGovernor.get_usage("queries") == 98
        query(2)

    @test("U03 the third query after it is too many", expects_limit="queries")
    def third(self):
        query(98)
        CircuitTest.start_test()
        query(100)
        CircuitTest.stop_test()
        query(3)

    @test("U03 the measured part has a limit of its own", expects_limit="queries")
    def own_limit(self):
        with CircuitTest.measure():
            query(101)

    @test("U03 all counters are fresh within, and go on after it")
    def all_counters(self):
        point = CircuitDB.savepoint()
        CircuitDB.insert("Task", [{"subject": "x"}] * 3)
        CircuitDB.rollback(point)
        with CircuitTest.measure():
            names = ("queries", "query_rows", "dml_statements", "dml_rows")
            assert [CircuitGovernor.get_usage(name) for name in names] == [0, 0, 0, 0]
            CircuitDB.insert("Task", {"subject": "x"})
        assert CircuitGovernor.get_usage("dml_statements") == 3
        assert CircuitGovernor.get_usage("dml_rows") == 3

    @test("U03 CPU is counted apart too")
    def cpu(self):
        while CircuitGovernor.get_usage("cpu_ms") < 150:
            sum(range(100_000))
        with CircuitTest.measure():
            assert CircuitGovernor.get_usage("cpu_ms") < 100
        assert CircuitGovernor.get_usage("cpu_ms") >= 150

    @test("U04 the measured part comes once, and ends only when it began")
    def once(self):
        with CircuitTest.raises(CircuitException, match="Testing not started"):
            CircuitTest.stop_test()
        CircuitTest.start_test()
        with CircuitTest.raises(CircuitException, match="Testing already started"):
            CircuitTest.start_test()
        CircuitTest.stop_test()
        with CircuitTest.raises(CircuitException):
            CircuitTest.start_test()
        with CircuitTest.raises(CircuitException):
            CircuitTest.stop_test()

    @test("U04 start and stop release savepoints")
    def savepoints(self):
        for change in (CircuitTest.start_test, CircuitTest.stop_test):
            point = CircuitDB.savepoint()
            change()
            with CircuitTest.raises(CircuitException):
                CircuitDB.rollback(point)


@test
class Setup:
    @test_setup
    def rows(cls):
        query(60)
        CircuitDB.insert("Contact", {"last_name": "From the setup"})

    @test("U02 the setup's rows are there, its counters and statics are not")
    def fresh(self):
        assert CircuitGovernor.get_usage("queries") == CircuitGovernor.get_usage("dml_statements") == 0
        assert CircuitDB.query_one("SELECT last_name FROM Contact").last_name == "From the setup"
        assert Behaviour.calls == []
        query(99)

    @test("U02 what another test did to them is undone")
    def restored(self):
        CircuitDB.delete("Contact", CircuitDB.query("SELECT id FROM Contact"))
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0
        CircuitDB.insert("Contact", {"last_name": "Other"})

    @test("U02 and once more")
    def restored_again(self):
        self.restored()
