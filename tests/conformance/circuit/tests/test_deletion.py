from circuitos import CircuitDB, CircuitGovernor, DmlException, Record
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def contact(**fields):
    return CircuitDB.insert("Contact", {"last_name": "X", **fields})[0].id


def codes(function):
    try:
        function()
    except DmlException as error:
        return [errors[0].status_code for _index, _id, errors in error.failures]
    return []


def family():
    """An account with an invoice that has two lines."""
    account = CircuitTest.create("Account", name="Acme").id
    invoice = CircuitDB.insert("Invoice", {"name": "I", "account": account})[0].id
    lines = [result.id for result in CircuitDB.insert("InvoiceLine", [{"invoice": invoice, "amount": 1}] * 2)]
    Behaviour.calls.clear()
    return account, invoice, lines


@test
class Cascade:
    @test("T15 details go with their master and come back with it, without triggers of their own")
    def details(self):
        _account, invoice, _lines = family()
        CircuitDB.delete("Invoice", invoice)
        assert CircuitDB.count("SELECT COUNT() FROM InvoiceLine") == 0
        assert len(CircuitDB.query("SELECT id FROM InvoiceLine ALL ROWS")) == 2
        CircuitDB.undelete("Invoice", invoice)

        assert CircuitDB.count("SELECT COUNT() FROM InvoiceLine") == 2
        assert Behaviour.calls == [
            ("Invoice", "beforeDelete", 1),
            ("Invoice", "afterDelete", 1),
            ("Invoice", "afterUndelete", 1),
        ]

    @test("T15 a detail that was deleted before its master stays deleted")
    def deleted_before(self):
        _account, invoice, lines = family()
        CircuitDB.delete("InvoiceLine", lines[0])
        CircuitDB.delete("Invoice", invoice)
        CircuitDB.undelete("Invoice", invoice)

        assert [line.id for line in CircuitDB.query("SELECT id FROM InvoiceLine")] == [lines[1]]
        assert CircuitDB.query_one("SELECT line_count FROM Invoice").line_count == 1

    @test("T15 a detail cannot come back without its master")
    def without_master(self):
        _account, invoice, lines = family()
        CircuitDB.delete("Invoice", invoice)
        assert codes(lambda: CircuitDB.undelete("InvoiceLine", lines[0])) == ["UNDELETE_FAILED"]

    @test("T15 a child that forbids it keeps its parent, until it goes itself")
    def restricted(self):
        account = CircuitTest.create("Account", name="Acme").id
        ticket = CircuitDB.insert("Ticket", {"subject": "x", "account": account})[0].id
        assert codes(lambda: CircuitDB.delete("Account", account)) == ["DELETE_FAILED"]
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 1
        CircuitDB.delete("Ticket", ticket)
        CircuitDB.delete("Account", account)
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 0

    @test("T15 a lookup is cleared when its parent goes and set again when it comes back")
    def lookup(self):
        account, invoice, _lines = family()
        CircuitDB.delete("Account", account)
        assert CircuitDB.query_one("SELECT account FROM Invoice").account is None
        CircuitDB.undelete("Account", account)
        assert CircuitDB.query_one("SELECT account FROM Invoice").account == account
        assert [name for name, _event, _size in Behaviour.calls if name == "Invoice"] == []

    @test("T15 a lookup that was replaced meanwhile stays replaced")
    def replaced(self):
        account, invoice, _lines = family()
        other = CircuitTest.create("Account", name="Other").id
        CircuitDB.delete("Account", account)
        CircuitDB.update("Invoice", {"id": invoice, "account": other})
        CircuitDB.undelete("Account", account)
        assert CircuitDB.query_one("SELECT account FROM Invoice").account == other


@test
class RecycleBin:
    @test("D01 ALL ROWS sees deleted rows and says so")
    def all_rows(self):
        kept, gone = contact(title="kept"), contact(title="gone")
        CircuitDB.delete("Contact", gone)

        rows = CircuitDB.query("SELECT id, is_deleted FROM Contact ALL ROWS")
        assert {(row.id, row.is_deleted) for row in rows} == {(kept, False), (gone, True)}
        assert [row.id for row in CircuitDB.query("SELECT id FROM Contact")] == [kept]

    @test("D01 undelete brings the record back with its values; its results are like a save's")
    def undelete(self):
        record = contact(title="T")
        CircuitDB.delete("Contact", [record])
        (result,) = CircuitDB.undelete("Contact", Record("Contact", id=record))

        assert (result.id, result.success, result.created, result.errors) == (record, True, False, [])
        assert CircuitDB.query_one("SELECT title FROM Contact").title == "T"

    @test("D01 an emptied bin cannot be undeleted, and ALL ROWS sees nothing")
    def emptied(self):
        record = contact()
        CircuitDB.delete("Contact", record)
        before = CircuitGovernor.snapshot()
        CircuitDB.empty_recycle_bin("Contact", [record])
        after = CircuitGovernor.snapshot()

        assert after["dml_statements"].used - before["dml_statements"].used == 1
        assert CircuitDB.query("SELECT id FROM Contact ALL ROWS") == []
        with CircuitTest.raises(DmlException):
            CircuitDB.undelete("Contact", record)

    @test("D01 emptying the bin of a master takes its details along")
    def emptied_master(self):
        _account, invoice, _lines = family()
        CircuitDB.delete("Invoice", invoice)
        CircuitDB.empty_recycle_bin("Invoice", invoice)
        assert CircuitDB.query("SELECT id FROM InvoiceLine ALL ROWS") == []

    @test("D01 what is not in the bin cannot be undeleted or emptied")
    def not_there(self):
        record = contact()
        assert codes(lambda: CircuitDB.undelete("Contact", record)) == ["UNDELETE_FAILED"]
        with CircuitTest.raises(DmlException):
            CircuitDB.empty_recycle_bin("Contact", record)

    @test("D01 undelete checks unique values again")
    def unique(self):
        record = contact(ghl_id="g")
        CircuitDB.delete("Contact", record)
        contact(ghl_id="g")
        assert codes(lambda: CircuitDB.undelete("Contact", record)) == ["DUPLICATE_VALUE"]

    @test("D01 deleting twice, and updating what is deleted, fail")
    def twice(self):
        record = contact()
        assert codes(lambda: CircuitDB.delete("Contact", [record, record])) == ["DUPLICATE_VALUE"]
        CircuitDB.delete("Contact", record)
        assert codes(lambda: CircuitDB.delete("Contact", record)) == ["ENTITY_IS_DELETED"]
        assert codes(lambda: CircuitDB.update("Contact", {"id": record, "title": "x"})) == ["ENTITY_IS_DELETED"]

    @test("D01 only what lies in the recycle bin can be removed from it")
    def not_in_the_bin(self):
        with CircuitTest.raises(DmlException, match="^Empty recycle bin failed. First exception on row 0 with id"):
            CircuitDB.empty_recycle_bin("Contact", contact())
