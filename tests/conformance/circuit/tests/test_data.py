import datetime as dt
from decimal import Decimal

from circuitos import CircuitDB, CircuitGovernor, CircuitScript, DmlException, QueryException, Record, RecordException
from circuitos.testing import CircuitTest, test


def new(**fields):
    return CircuitDB.insert("Contact", {"last_name": "X", **fields})[0].id


def status_of(function):
    try:
        function()
    except DmlException as error:
        return error.failures[0][2][0].status_code
    return None


@test
class Data:
    @test("D01 deleted rows are seen by ALL ROWS only; emptying the bin ends undelete and costs one statement")
    def d01(self):
        record = new()
        CircuitDB.delete("Contact", record)
        assert CircuitDB.query("SELECT id FROM Contact") == []
        assert len(CircuitDB.query("SELECT id FROM Contact ALL ROWS")) == 1
        CircuitDB.undelete("Contact", record)
        CircuitDB.delete("Contact", record)
        used = CircuitGovernor.get_usage("dml_statements")
        CircuitDB.empty_recycle_bin("Contact", record)
        assert CircuitGovernor.get_usage("dml_statements") == used + 1
        with CircuitTest.raises(DmlException):
            CircuitDB.undelete("Contact", record)

    @test("D02 after a rollback the record keeps its id, and cannot be inserted again")
    def d02(self):
        point = CircuitDB.savepoint()
        record = Record("Contact", last_name="X")
        CircuitDB.insert("Contact", record)
        CircuitDB.rollback(point)
        assert record.id is not None
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0
        with CircuitTest.raises(DmlException, match="cannot specify Id in an insert call"):
            CircuitDB.insert("Contact", record)

    @test("D03 rolling back to A kills B")
    def d03(self):
        first = CircuitDB.savepoint()
        second = CircuitDB.savepoint()
        CircuitDB.rollback(first)
        with CircuitTest.raises(DmlException):
            CircuitDB.rollback(second)

    @test("D04 savepoint and rollback cost two statements and no rows")
    def d04(self):
        point = CircuitDB.savepoint()
        CircuitDB.rollback(point)
        assert CircuitGovernor.get_usage("dml_statements") == 2
        assert CircuitGovernor.get_usage("dml_rows") == 0

    @test("D05 a field that was not queried cannot be read")
    def d05(self):
        new()
        record = CircuitDB.query_one("SELECT id FROM Contact")
        with CircuitTest.raises(
            RecordException, match="SObject row was retrieved via SOQL without querying the requested field: Contact.email"
        ):
            record.email

    @test("D06 one row is wanted where none or two are")
    def d06(self):
        with CircuitTest.raises(QueryException, match="List has no rows for assignment to SObject"):
            CircuitDB.query_one("SELECT id FROM Contact")
        new()
        new()
        with CircuitTest.raises(QueryException, match="List has more than 1 row for assignment to SObject"):
            CircuitDB.query_one("SELECT id FROM Contact")

    @test("D07 bad rows have Salesforce's status codes")
    def d07(self):
        record = new()
        insert = lambda **fields: status_of(lambda: CircuitDB.insert("Contact", {"last_name": "X", **fields}))
        assert insert(id=record) == "INVALID_FIELD_FOR_INSERT_UPDATE"
        assert status_of(lambda: CircuitDB.update("Contact", {"last_name": "Y"})) == "MISSING_ARGUMENT"
        assert insert(last_name="x" * 81) == "STRING_TOO_LONG"
        assert insert(last_name=None) == "REQUIRED_FIELD_MISSING"
        assert status_of(lambda: CircuitDB.insert("Invoice", {"name": "a", "status": "Lost"})) == (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        )
        assert insert(email="no address") == "INVALID_EMAIL_ADDRESS"
        assert insert(account=record) == "FIELD_INTEGRITY_EXCEPTION"
        assert insert(birthdate="not a date") == "INVALID_TYPE_ON_FIELD_IN_RECORD"
        new(ghl_id="a")
        assert insert(ghl_id="a") == "DUPLICATE_VALUE"

    @test("D08 the same id six times in one update: five pass, the sixth errors")
    def d08(self):
        record = new()
        rows = [{"id": record, "title": str(number)} for number in range(6)]
        results = CircuitDB.update("Contact", rows, all_or_none=False)
        assert [result.success for result in results] == [True] * 5 + [False]
        assert CircuitDB.query_one("SELECT title FROM Contact").title == "4"

    @test("D09 upsert and references by external id; a missing parent fails")
    def d09(self):
        CircuitDB.upsert("Contact", [{"ghl_id": "g1", "last_name": "A"}], "ghl_id")
        results = CircuitDB.upsert(
            "Contact", [{"ghl_id": "g1", "last_name": "B"}, {"ghl_id": "g2", "last_name": "C"}], "ghl_id"
        )
        assert [result.created for result in results] == [False, True]
        CircuitDB.insert("Account", {"name": "Acme", "salesforce_id": "S1"})
        parent = Record("Account", salesforce_id="S1")
        CircuitDB.insert("Contact", {"last_name": "Child", "account": parent})
        child = CircuitDB.query_one("SELECT account.name FROM Contact WHERE last_name = 'Child'")
        assert child.account.name == "Acme"
        with CircuitTest.raises(DmlException):
            CircuitDB.insert("Contact", {"last_name": "Orphan", "account": Record("Account", salesforce_id="nope")})

    @test("D11 set-up and other objects do not mix, except within run_as")
    def d11(self):
        user = {"last_name": "U", "username": "u@x.com"}
        new()
        with CircuitTest.raises(DmlException, match="MIXED_DML_OPERATION"):
            CircuitDB.insert("User", user)
        with CircuitTest.run_as({"profile": "Standard"}):
            CircuitDB.insert("User", user)

    @test("Values come back as they were")
    def values(self):
        moment = dt.datetime(2025, 11, 13, 17, 45, 23, tzinfo=dt.timezone.utc)
        record = CircuitDB.insert("Ticket", {"subject": "é|🎉", "due": dt.date(2024, 2, 29), "done_at": moment})[0]
        ticket = CircuitDB.query_one("SELECT subject, due, done_at FROM Ticket WHERE id = :id", id=record.id)
        assert (ticket.subject, ticket.due, ticket.done_at) == ("é|🎉", dt.date(2024, 2, 29), moment)
        invoice = CircuitDB.insert("Invoice", {"name": "I"})[0]
        CircuitDB.insert("InvoiceLine", {"invoice": invoice.id, "amount": Decimal("2.345"), "labels": ["blue", "red"]})
        line = CircuitDB.query_one("SELECT amount, labels FROM InvoiceLine")
        assert line.amount == Decimal("2.35")
        assert sorted(line.labels) == ["blue", "red"]


@test
class Limits:
    @test("X01 the 101st query is too many", expects_limit="queries")
    def queries(self):
        for _ in range(101):
            CircuitDB.query("SELECT id FROM Contact")

    @test("X01 a hundred queries pass")
    def queries_pass(self):
        for _ in range(100):
            CircuitDB.query("SELECT id FROM Contact")
        assert CircuitGovernor.get_usage("queries") == CircuitGovernor.get_limit("queries") == 100

    @test("X01 the 151st statement is too many", expects_limit="dml_statements")
    def statements(self):
        for number in range(151):
            CircuitDB.insert("Account", {"name": str(number)})

    @test("X01 10,001 rows are too many", expects_limit="dml_rows")
    def rows(self):
        CircuitDB.insert("Account", [{"name": str(number)} for number in range(10_001)])

    @test("X01 the 21st search is too many", expects_limit="sosl_queries")
    def searches(self):
        for _ in range(21):
            CircuitDB.search("FIND {x} RETURNING Contact(id)")

    @test("X02 nothing lets a transaction go on after a breach", expects_limit="queries")
    def uncatchable(self):
        while True:
            try:
                CircuitDB.query("SELECT id FROM Contact")
            except BaseException:
                pass
            finally:
                try:
                    CircuitDB.insert("Account", {"name": "after"})
                except BaseException:
                    pass

    @test("X06 child sub-queries count apart, their rows count as rows")
    def children(self):
        invoice = CircuitDB.insert("Invoice", {"name": "I"})[0]
        CircuitDB.insert("InvoiceLine", [{"invoice": invoice.id, "amount": 1} for _ in range(3)])
        CircuitDB.query("SELECT id, (SELECT id FROM invoice_lines) FROM Invoice")
        assert CircuitGovernor.get_usage("queries") == 1
        assert CircuitGovernor.get_usage("aggregate_queries") == 1
        assert CircuitGovernor.get_usage("query_rows") == 4

    @test("X09 the profile circuit has its eight numbers")
    def numbers(self):
        wanted = {
            "wall_ms": 30_000,
            "cpu_ms": 30_000,
            "heap_bytes": 512 * 1024 * 1024,
            "callouts": 50,
            "queries": 100,
            "query_rows": 50_000,
            "dml_statements": 150,
            "dml_rows": 10_000,
        }
        assert {name: CircuitGovernor.get_limit(name) for name in wanted} == wanted

    @test("U03 counters begin afresh between start and stop, and go on afterwards")
    def measured(self):
        for _ in range(98):
            CircuitDB.query("SELECT id FROM Contact")
        CircuitTest.start_test()
        for _ in range(100):
            CircuitDB.query("SELECT id FROM Contact")
        CircuitTest.stop_test()
        CircuitDB.query("SELECT id FROM Contact")
        assert CircuitGovernor.get_usage("queries") == 99
