from circuitos import CalloutException, CircuitDB, CircuitGovernor, CircuitHTTP, Record
from circuitos.testing import CircuitTest, test

from classes.seen import Seen


def answer(request):
    return {"ok": True}


@test
class Apex:
    @test("T17 a callout directly in a trigger is refused")
    def t17(self):
        CircuitTest.set_http_mock(answer)
        CircuitDB.insert("Contact", {"last_name": "X"})
        assert Seen.messages == ["Callout from triggers are currently not supported."]

    @test("C01 a callout after DML is refused with Salesforce's text")
    def c01(self):
        CircuitTest.set_http_mock(answer)
        CircuitDB.insert("Account", {"name": "X"})
        with CircuitTest.raises(CalloutException, match="You have uncommitted work pending. Please commit or rollback"):
            CircuitHTTP.get("https://api.example.com/")

    @test("C02 an open savepoint stands in the way; rolled back and released it does not")
    def c02(self):
        CircuitTest.set_http_mock(answer)
        point = CircuitDB.savepoint()
        CircuitDB.insert("Account", {"name": "X"})
        with CircuitTest.raises(CalloutException, match="All active Savepoints must be released"):
            CircuitHTTP.get("https://api.example.com/")
        CircuitDB.rollback(point)
        CircuitDB.release(point)
        assert CircuitHTTP.get("https://api.example.com/").json() == {"ok": True}

    @test("C03 the 101st callout is too many", expects_limit="callouts")
    def c03(self):
        CircuitTest.set_http_mock(answer)
        for _ in range(101):
            CircuitHTTP.get("https://api.example.com/")

    @test("C03 timeouts outside 1 to 120,000 ms are refused")
    def c03_timeout(self):
        CircuitTest.set_http_mock(answer)
        for timeout_s in (0, 121):
            with CircuitTest.raises(CalloutException):
                CircuitHTTP.get("https://api.example.com/", timeout_s=timeout_s)

    @test("C04 without a mock a test calls nobody; DML before start_test does not matter")
    def c04(self):
        with CircuitTest.raises(CalloutException):
            CircuitHTTP.get("https://api.example.com/")
        CircuitDB.insert("Account", {"name": "X"})
        CircuitTest.start_test()
        CircuitTest.set_http_mock(answer)
        assert CircuitHTTP.get("https://api.example.com/").status_code == 200
        CircuitTest.stop_test()

    @test("X01 a statement's 10,000 records fit into the heap")
    def x01_rows_and_heap(self):
        rows = [Record("Account", name=f"Account {n}", website=f"https://{n}.example.com") for n in range(10_000)]
        assert len(CircuitDB.insert("Account", rows)) == 10_000
        assert CircuitGovernor.get_usage("dml_rows") == CircuitGovernor.get_limit("dml_rows")

    @test("X01 apex has Salesforce's numbers")
    def numbers(self):
        wanted = {"cpu_ms": 10_000, "heap_bytes": 6_000_000, "callouts": 100, "queries": 100, "future_calls": 50}
        assert {name: CircuitGovernor.get_limit(name) for name in wanted} == wanted
