import contextlib
import sys
import threading
import time

from circuitos import CircuitDB, CircuitGovernor, CircuitHTTP, GovernorLimitException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def exceed():
    """Pass the limit of queries."""
    for _ in range(101):
        CircuitDB.query("SELECT id FROM Contact LIMIT 1")


def save():
    CircuitDB.insert("Account", {"name": "after the breach"})


@test
class Uncatchable:
    @test("X02 except Exception does not catch a breach", expects_limit="queries")
    def except_exception(self):
        try:
            exceed()
        except Exception:
            save()

    @test("X02 a bare except catches nothing of use", expects_limit="queries")
    def bare_except(self):
        try:
            exceed()
        except:  # noqa: E722
            pass
        save()

    @test("X02 finally can be entered, and cannot save", expects_limit="queries")
    def in_finally(self):
        try:
            exceed()
        finally:
            save()

    @test("X02 a return in finally does not swallow the breach", expects_limit="queries")
    def return_in_finally(self):
        try:
            exceed()
        finally:
            return  # noqa: B012

    @test("X02 a context manager that swallows everything does not help", expects_limit="queries")
    def swallowed(self):
        with contextlib.suppress(BaseException):
            exceed()
        with contextlib.suppress(BaseException):
            save()

    @test("X02 a generator's close cannot save", expects_limit="queries")
    def generator(self):
        def rows():
            try:
                yield from range(3)
            finally:
                save()

        running = rows()
        next(running)
        with contextlib.suppress(BaseException):
            exceed()
        with contextlib.suppress(BaseException):
            running.close()

    @test("X02 a thread cannot go on after a breach, nor hide one", expects_limit="queries")
    def thread(self):
        def work():
            with contextlib.suppress(BaseException):
                exceed()
            with contextlib.suppress(BaseException):
                save()

        running = threading.Thread(target=work)
        running.start()
        running.join()

    @test("X02 switching off tracing does not help", expects_limit="queries")
    def settrace(self):
        with contextlib.suppress(BaseException):
            exceed()
        sys.settrace(None)
        save()

    @test("X02 a breach in a trigger that catches it ends everything", expects_limit="queries")
    def in_trigger(self):
        def handler(context):
            with contextlib.suppress(BaseException):
                exceed()

        Behaviour.on("Contact", "beforeInsert", handler)
        with contextlib.suppress(BaseException):
            CircuitDB.insert("Contact", {"last_name": "X"}, all_or_none=False)

    @test("X02 CircuitTest.raises does not catch it either", expects_limit="queries")
    def raises(self):
        with CircuitTest.raises(GovernorLimitException):
            exceed()

    @test("X02 code that spins after a breach is ended", expects_limit="queries")
    def spinning(self):
        with contextlib.suppress(BaseException):
            exceed()
        while True:
            pass


@test
class Numbers:
    @test("X01 get_usage and get_limit stand at the limit without passing it")
    def at_the_limit(self):
        for _ in range(20):
            CircuitDB.search("FIND {nothing} RETURNING Contact(id)")
        for _ in range(150):
            CircuitDB.savepoint()

        for name in ("sosl_queries", "dml_statements"):
            assert CircuitGovernor.get_usage(name) == CircuitGovernor.get_limit(name)

    @test("X01 ten thousand rows of DML are fine, in one statement or in several")
    def dml_rows(self):
        CircuitDB.insert("Task", [{"subject": "x"}] * 9_999)
        CircuitDB.insert("Task", {"subject": "x"})
        assert CircuitGovernor.get_usage("dml_rows") == 10_000

    @test("X01 the ten-thousand-and-first row breaks", expects_limit="dml_rows")
    def dml_rows_over(self):
        CircuitDB.insert("Task", [{"subject": "x"}] * 9_999)
        CircuitDB.insert("Task", [{"subject": "x"}] * 2)

    @test("X01 fifty thousand rows are read")
    def query_rows(self):
        CircuitDB.insert("Task", [{"subject": "x"}] * 10_000)
        for _ in range(5):
            assert len(CircuitDB.query("SELECT id FROM Task")) == 10_000
        assert CircuitGovernor.get_usage("query_rows") == 50_000

    @test("X01 one row more breaks", expects_limit="query_rows")
    def query_rows_over(self):
        CircuitDB.insert("Task", [{"subject": "x"}] * 10_000)
        for _ in range(5):
            CircuitDB.query("SELECT id FROM Task")
        CircuitDB.query("SELECT id FROM Task LIMIT 1")

    @test("X01 run_as, savepoints, rollbacks and the recycle bin are statements", expects_limit="dml_statements")
    def statements(self):
        contact = CircuitTest.create("Contact", last_name="X")
        CircuitDB.delete("Contact", contact)
        CircuitDB.empty_recycle_bin("Contact", contact)
        with CircuitTest.run_as({"profile": "Standard"}):
            for _ in range(73):
                CircuitDB.rollback(CircuitDB.savepoint())
        assert CircuitGovernor.get_usage("dml_statements") == 150
        CircuitDB.savepoint()

    @test("X01 statements of triggers count with the others", expects_limit="dml_statements")
    def of_triggers(self):
        Behaviour.on("Contact", "afterInsert", lambda context: CircuitDB.insert("Account", {"name": "A"}))
        for _ in range(76):
            CircuitDB.insert("Contact", {"last_name": "X"})

    @test("X04 waiting costs no CPU")
    def waiting(self):
        before = CircuitGovernor.get_usage("cpu_ms")
        time.sleep(0.3)
        assert CircuitGovernor.get_usage("cpu_ms") - before < 100

    @test("X04 what the database does costs no CPU")
    def database(self):
        CircuitDB.insert("Task", [{"subject": f"Task number {number}"} for number in range(5_000)])
        cpu = CircuitGovernor.get_usage("cpu_ms")
        began = time.perf_counter()
        for _ in range(20):
            CircuitDB.count("SELECT COUNT() FROM Task WHERE subject LIKE '%9%8%' OR subject LIKE '%x%y%z%'")
        waited_ms = (time.perf_counter() - began) * 1000

        assert CircuitGovernor.get_usage("cpu_ms") - cpu < max(30, waited_ms / 2)

    @test("The alias of the seed names the same counter")
    def alias(self):
        CircuitTest.set_http_mock(lambda request: {})
        CircuitHTTP.get("https://api.example.com/")
        assert CircuitGovernor.get_usage("api_callouts") == CircuitGovernor.get_usage("callouts") == 1
        assert CircuitGovernor.snapshot()["callouts"].limit == CircuitGovernor.get_limit("api_callouts") == 50
