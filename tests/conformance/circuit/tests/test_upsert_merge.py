from circuitos import CircuitDB, CircuitGovernor, DmlException, Record
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def contact(**fields):
    return CircuitDB.insert("Contact", {"last_name": "X", **fields})[0].id


def failures(function):
    try:
        function()
    except DmlException as error:
        return [(index, errors[0].status_code) for index, _id, errors in error.failures]
    return []


@test
class Upsert:
    @test("T14 D09 an upsert by external id inserts, updates and says which; both sets of triggers run")
    def both(self):
        for key in ("a", "b"):
            contact(ghl_id=key)
        Behaviour.calls.clear()
        rows = [Record("Contact", last_name=f"N{key}", ghl_id=key) for key in "abcd"]
        results = CircuitDB.upsert("Contact", rows, "ghl_id")

        assert [(result.success, result.created) for result in results] == [(True, False)] * 2 + [(True, True)] * 2
        assert {(event, size) for event, size in Behaviour.events("Contact")} == {
            ("beforeInsert", 2),
            ("afterInsert", 2),
            ("beforeUpdate", 2),
            ("afterUpdate", 2),
        }
        assert [row.id for row in rows] == [result.id for result in results]
        names = [record.last_name for record in CircuitDB.query("SELECT last_name FROM Contact ORDER BY ghl_id")]
        assert names == ["Na", "Nb", "Nc", "Nd"]

    @test("T14 an upsert is one statement and counts its rows once")
    def counted(self):
        CircuitDB.upsert("Contact", [{"last_name": "A", "ghl_id": "a"}, {"last_name": "B", "ghl_id": "b"}], external_id="ghl_id")

        assert CircuitGovernor.get_usage("dml_statements") == 1
        assert CircuitGovernor.get_usage("dml_rows") == 2

    @test("T14 without an external id the id decides")
    def by_id(self):
        known = contact()
        results = CircuitDB.upsert("Contact", [{"id": known, "title": "T"}, {"last_name": "New"}])

        assert [result.created for result in results] == [False, True]
        assert results[0].id == known

    @test("D09 external ids match in any case, and the field's name in any spelling")
    def any_case(self):
        invoice = CircuitDB.insert("Invoice", {"name": "I"})[0].id
        known = CircuitDB.insert("InvoiceLine", {"invoice": invoice, "code": "AbC"})[0].id
        (result,) = CircuitDB.upsert("invoiceline", {"CODE": "aBc", "amount": 1}, "Code")

        assert (result.id, result.created) == (known, False)

    @test("D09 what an upsert cannot match fails with a status of its own")
    def refused(self):
        contact(ghl_id="a")
        upsert = lambda *rows: failures(lambda: CircuitDB.upsert("Contact", list(rows), "ghl_id"))

        assert upsert({"last_name": "no key"}) == [(0, "MISSING_ARGUMENT")]
        assert upsert({"last_name": "A", "ghl_id": "new"}, {"last_name": "B", "ghl_id": "new"}) == [(1, "DUPLICATE_VALUE")]
        with CircuitTest.raises(DmlException, match="title"):
            CircuitDB.upsert("Contact", {"last_name": "A", "title": "x"}, "title")

    @test("D09 an upsert saves the good rows where not all have to be saved")
    def partial(self):
        contact(ghl_id="a")
        rows = [{"ghl_id": "a", "title": "T"}, {"ghl_id": "b"}, {"ghl_id": "c", "last_name": "C"}]
        results = CircuitDB.upsert("Contact", rows, "ghl_id", all_or_none=False)

        assert [(result.success, result.created) for result in results] == [(True, False), (False, False), (True, True)]
        assert results[1].errors[0].status_code == "REQUIRED_FIELD_MISSING"

    @test("D09 an upsert with the id of a deleted record fails")
    def deleted(self):
        gone = contact()
        CircuitDB.delete("Contact", gone)
        assert failures(lambda: CircuitDB.upsert("Contact", {"id": gone, "title": "T"})) == [(0, "ENTITY_IS_DELETED")]


@test
class References:
    @test("D09 a parent can be named by its external id, as a Record or a mapping")
    def by_external_id(self):
        account = CircuitDB.insert("Account", {"name": "Acme", "salesforce_id": "S1"})[0].id
        for parent in (Record("Account", salesforce_id="s1"), {"salesforce_id": "S1"}):
            created = contact(account=parent)
            stored = CircuitDB.query_one("SELECT account FROM Contact WHERE id = :i", i=created)
            assert stored.account == account

    @test("D09 a parent Record with an id, and its plain id, are the same")
    def by_record(self):
        account = CircuitTest.create("Account", name="Acme")
        ids = [contact(account=account), contact(account=account.id), contact(account=account.id[:15])]

        stored = CircuitDB.query("SELECT account FROM Contact WHERE id IN :ids", ids=ids)
        assert [record.account for record in stored] == [account.id] * 3

    @test("D09 a parent that does not exist fails, by external id and by id")
    def missing(self):
        account = CircuitTest.create("Account", name="Acme")
        CircuitDB.delete("Account", account.id)

        by_key = failures(lambda: contact(account={"salesforce_id": "nope"}))
        by_id = failures(lambda: contact(account=account.id))
        assert (by_key, by_id) == ([(0, "INVALID_FIELD")], [(0, "INVALID_CROSS_REFERENCE_KEY")])

    @test("D09 the text for a missing external id names it, the field and the object")
    def missing_text(self):
        with CircuitTest.raises(
            DmlException, match="Foreign key external ID: nope not found for field salesforce_id in entity Account"
        ):
            contact(account={"salesforce_id": "nope"})


@test
class Merge:
    @test("T14 a merge deletes losers, updates the winner, and moves children without triggers")
    def triggers(self):
        master, first, second = contact(title="kept"), contact(), contact()
        task = CircuitDB.insert("Task", {"subject": "T", "who": second})[0].id
        Behaviour.calls.clear()
        CircuitDB.merge("Contact", {"id": master, "phone": "1"}, [first, second])

        assert Behaviour.events("Contact") == [("beforeDelete", 2), ("afterDelete", 2), ("beforeUpdate", 1), ("afterUpdate", 1)]
        assert CircuitDB.query_one("SELECT who FROM Task WHERE id = :i", i=task).who == master
        (stored,) = CircuitDB.query("SELECT id, title, phone FROM Contact")
        assert (stored.id, stored.title, stored.phone) == (master, "kept", "1")

    @test("T14 the master's id is on the losers in after delete only")
    def master_id(self):
        seen = {}

        def look(context):
            seen.setdefault(context.operation.value, []).append(context.old_records[0].master_record_id)

        for event in ("beforeDelete", "afterDelete"):
            Behaviour.on("Contact", event, look)
        master, loser, other = contact(), contact(), contact()
        CircuitDB.merge("Contact", master, loser)
        CircuitDB.delete("Contact", other)

        assert seen == {"beforeDelete": [None, None], "afterDelete": [master, None]}

    @test("T14 a merge is one statement; its results begin with the master")
    def result(self):
        master, loser = contact(), contact()
        used = CircuitGovernor.get_usage("dml_statements")
        results = CircuitDB.merge("Contact", Record("Contact", id=master), [Record("Contact", id=loser)])

        assert [(result.id, result.success) for result in results] == [(master, True), (loser, True)]
        assert CircuitGovernor.get_usage("dml_statements") == used + 1

    @test("T14 a merge refuses a master among the losers, and more than two of them")
    def refused(self):
        ids = [contact() for _ in range(4)]
        for losers in ([ids[0]], ids[1:]):
            with CircuitTest.raises(DmlException):
                CircuitDB.merge("Contact", ids[0], losers)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 4

    @test("T14 a loser that its trigger keeps undoes the whole merge")
    def loser_refused(self):
        master, loser = contact(), contact()
        task = CircuitDB.insert("Task", {"subject": "T", "who": loser})[0].id
        Behaviour.on("Contact", "beforeDelete", lambda context: context.old_records[0].add_error("stays"))
        with CircuitTest.raises(DmlException, match="stays"):
            CircuitDB.merge("Contact", master, loser)

        assert CircuitDB.query_one("SELECT who FROM Task WHERE id = :i", i=task).who == loser
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 2

    @test("T14 children that a merge moves count in the master's roll-ups")
    def rollups(self):
        master, loser = (CircuitDB.insert("Invoice", {"name": name})[0].id for name in ("M", "L"))
        CircuitDB.insert("InvoiceLine", [{"invoice": master, "amount": 1}, {"invoice": loser, "amount": 2}])
        CircuitDB.merge("Invoice", master, loser)

        stored = CircuitDB.query_one("SELECT total, line_count FROM Invoice")
        assert (float(stored.total), stored.line_count) == (3.0, 2)
