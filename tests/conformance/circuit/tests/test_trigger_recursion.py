from circuitos import CircuitDB, DmlException, Record
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def errors_of(function):
    try:
        function()
    except DmlException as error:
        return [each.status_code for failure in error.failures for each in failure.errors]
    return []


def statuses(event, function):
    """What becomes of DML on a contact in its own trigger."""
    seen = []

    def handler(context):
        if not seen:
            seen.append("…")
            record = (context.new_records or context.old_records)[0]
            seen[0] = errors_of(lambda: function(record.id))

    Behaviour.on("Contact", event, handler)
    contact = CircuitTest.create("Contact", last_name="Self")
    if event.endswith("Update"):
        CircuitDB.update("Contact", {"id": contact.id, "title": "x"})
    if event.endswith("elete"):
        CircuitDB.delete("Contact", contact.id)
    if event == "afterUndelete":
        CircuitDB.undelete("Contact", contact.id)
    return seen[0]


def update(record_id):
    CircuitDB.update("Contact", {"id": record_id, "department": "set in its trigger"})


def delete(record_id):
    CircuitDB.delete("Contact", record_id)


@test
class SameRow:
    @test("T09 before update refuses to update and to delete its row")
    def before_update(self):
        assert statuses("beforeUpdate", update) == ["SELF_REFERENCE_FROM_TRIGGER"]

    @test("T09 before update refuses to delete its row")
    def before_update_delete(self):
        assert statuses("beforeUpdate", delete) == ["SELF_REFERENCE_FROM_TRIGGER"]

    @test("T09 before delete may update its row")
    def before_delete_update(self):
        assert statuses("beforeDelete", update) == []

    @test("T09 before delete refuses to delete its row")
    def before_delete(self):
        assert statuses("beforeDelete", delete) == ["SELF_REFERENCE_FROM_TRIGGER"]

    @test("T09 after insert may update its row")
    def after_insert(self):
        assert statuses("afterInsert", update) == []
        assert CircuitDB.query_one("SELECT department FROM Contact").department == "set in its trigger"

    @test("T09 after insert may delete its row")
    def after_insert_delete(self):
        assert statuses("afterInsert", delete) == []
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T09 after update may update its row")
    def after_update(self):
        assert statuses("afterUpdate", update) == []

    @test("T09 after update may delete its row")
    def after_update_delete(self):
        assert statuses("afterUpdate", delete) == []
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T09 after undelete may update its row")
    def after_undelete(self):
        assert statuses("afterUndelete", update) == []

    @test("T09 after undelete may delete its row")
    def after_undelete_delete(self):
        assert statuses("afterUndelete", delete) == []
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T09 a detour through another object is refused too")
    def detour(self):
        account = CircuitTest.create("Account", name="Acme")
        contact = CircuitTest.create("Contact", last_name="X", account=account.id)
        Behaviour.on("Contact", "beforeUpdate", lambda context: CircuitDB.update("Account", {"id": account.id, "phone": "1"}))
        Behaviour.on("Account", "afterUpdate", lambda context: CircuitDB.update("Contact", {"id": contact.id, "phone": "2"}))
        with CircuitTest.raises(DmlException, match="SELF_REFERENCE_FROM_TRIGGER"):
            CircuitDB.update("Contact", {"id": contact.id, "title": "x"})

        assert CircuitDB.query_one("SELECT phone FROM Account").phone is None

    @test("T09 another row of the same object may be updated in before update")
    def another_row(self):
        first, second = (CircuitTest.create("Contact", last_name=name) for name in "AB")

        def other(context):
            if context.new_records[0].id == first.id:
                CircuitDB.update("Contact", {"id": second.id, "title": "other"})

        Behaviour.on("Contact", "beforeUpdate", other)
        CircuitDB.update("Contact", {"id": first.id, "title": "own"})

        titles = [record.title for record in CircuitDB.query("SELECT title FROM Contact ORDER BY last_name")]
        assert titles == ["own", "other"]


@test
class Depth:
    @test("T10 an after update that saves its row again ends at depth 16")
    def after_update(self):
        def again(context):
            for record in context.new_records:
                CircuitDB.update("Contact", Record("Contact", id=record.id, title="again"))

        contact = CircuitTest.create("Contact", last_name="X")
        Behaviour.on("Contact", "afterUpdate", again)
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.update("Contact", {"id": contact.id, "title": "once"})

        text = str(caught.value)
        assert "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, Maximum trigger depth exceeded\n" in text
        assert text.count("Contact trigger event AfterUpdate") == 16
        assert not isinstance(caught.value, RecursionError)
        assert [event for event, _size in Behaviour.events("Contact")].count("afterUpdate") == 16
        assert CircuitDB.query_one("SELECT title FROM Contact").title is None

    @test("T10 an after insert that inserts another ends at depth 16")
    def after_insert(self):
        Behaviour.on("Contact", "afterInsert", lambda context: CircuitDB.insert("Contact", {"last_name": "child"}))
        with CircuitTest.raises(DmlException, match="(?i)maximum trigger depth exceeded"):
            CircuitDB.insert("Contact", {"last_name": "X"})

        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T10 sixteen levels are fine")
    def sixteen(self):
        def fifteen_more(context):
            level = int(context.new_records[0].title)
            if level < 16:
                CircuitDB.insert("Contact", {"last_name": "X", "title": str(level + 1)})

        Behaviour.on("Contact", "afterInsert", fifteen_more)
        CircuitDB.insert("Contact", {"last_name": "X", "title": "1"})

        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 16

    @test("T10 the seventeenth level can be caught, and is not a limit")
    def caught(self):
        statuses = []

        def again(context):
            try:
                CircuitDB.insert("Contact", {"last_name": "X"})
            except DmlException as error:
                statuses.append(error.failures[0].errors[0].status_code)

        Behaviour.on("Contact", "afterInsert", again)
        CircuitDB.insert("Contact", {"last_name": "X"})

        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 16
        assert statuses == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]

    @test("T10 recursion over two objects counts both")
    def two_objects(self):
        Behaviour.on("Contact", "afterInsert", lambda context: CircuitDB.insert("Account", {"name": "A"}))
        Behaviour.on("Account", "afterInsert", lambda context: CircuitDB.insert("Contact", {"last_name": "C"}))
        with CircuitTest.raises(DmlException, match="(?i)maximum trigger depth exceeded"):
            CircuitDB.insert("Contact", {"last_name": "X"})

        inserts = [event for _name, event, _size in Behaviour.calls if event == "afterInsert"]
        assert len(inserts) == 16
