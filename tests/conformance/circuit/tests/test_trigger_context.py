from circuitos import CircuitDB, CircuitGovernor, CircuitTrigger, DmlException, Record, RecordException, TriggerOperation
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour

EVENTS = ("beforeInsert", "afterInsert", "beforeUpdate", "afterUpdate", "beforeDelete", "afterDelete", "afterUndelete")


def on_every_event(function):
    for event in EVENTS:
        Behaviour.on("Contact", event, function)


def one_life(**fields):
    """Insert, update, delete and undelete one contact."""
    contact = Record("Contact", last_name="Life", **fields)
    CircuitDB.insert("Contact", contact)
    CircuitDB.update("Contact", {"id": contact.id, "title": "changed"})
    CircuitDB.delete("Contact", contact)
    CircuitDB.undelete("Contact", contact)
    return contact.id


@test
class Chunks:
    @test("T01 the chunks of one statement share statics, limits and one transaction")
    def chunks(self):
        contacts = [Record("Contact", last_name=f"C{number}") for number in range(450)]
        results = CircuitDB.insert("Contact", contacts)

        assert Behaviour.events("Contact") == [
            ("beforeInsert", 200),
            ("afterInsert", 200),
            ("beforeInsert", 200),
            ("afterInsert", 200),
            ("beforeInsert", 50),
            ("afterInsert", 50),
        ]
        assert len({result.id for result in results}) == 450
        assert [contact.id for contact in contacts] == [result.id for result in results]
        assert all(result.success and result.created and not result.errors for result in results)

    @test("T01 queries of the chunks add up in one counter")
    def one_counter(self):
        Behaviour.on("Contact", "beforeInsert", lambda context: CircuitDB.query("SELECT id FROM Account LIMIT 1"))
        CircuitDB.insert("Contact", [{"last_name": f"C{number}"} for number in range(401)])

        assert CircuitGovernor.get_usage("queries") == 3

    @test("T01 updates and deletes come in chunks of 200 too")
    def updates(self):
        ids = [result.id for result in CircuitDB.insert("Contact", [{"last_name": "C"} for _ in range(250)])]
        Behaviour.calls.clear()
        CircuitDB.update("Contact", [{"id": each, "title": "x"} for each in ids])
        CircuitDB.delete("Contact", ids)
        CircuitDB.undelete("Contact", ids)

        sizes = {event: [] for event in EVENTS}
        for event, size in Behaviour.events("Contact"):
            sizes[event].append(size)
        assert sizes["beforeUpdate"] == sizes["afterUpdate"] == sizes["beforeDelete"] == [200, 50]
        assert sizes["afterDelete"] == sizes["afterUndelete"] == [200, 50]

    @test("T01 a failure in the last chunk undoes the first ones")
    def last_chunk_fails(self):
        contacts = [{"last_name": f"C{number}"} for number in range(450)]
        contacts[449]["email"] = "no address"
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", contacts)

        assert [failure.index for failure in caught.value.failures] == [449]
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0


@test
class Fields:
    @test("T02 what a before update sets is stored, and what it does not touch stays")
    def before_update(self):
        contact = CircuitTest.create("Contact", last_name="A", phone="1", title="t")

        def set_phone(context):
            for new, old in context.pairs():
                new.phone = old.phone + "2"

        Behaviour.on("Contact", "beforeUpdate", set_phone)
        CircuitDB.update("Contact", {"id": contact.id, "title": "u"})

        stored = CircuitDB.query_one("SELECT last_name, phone, title FROM Contact")
        assert (stored.last_name, stored.phone, stored.title) == ("A", "12", "u")
        assert CircuitGovernor.get_usage("dml_rows") == 2

    @test("T02 items and attributes are the same fields, in any case")
    def items(self):
        def fill(context):
            record = context.new_records[0]
            record["Title"] = "Boss"
            record.FirstName = "Ann"

        Behaviour.on("Contact", "beforeInsert", fill)
        CircuitDB.insert("Contact", {"LastName": "X"})

        stored = CircuitDB.query_one("SELECT Title, first_name, LastName FROM Contact")
        assert (stored.title, stored["FirstName"], stored.last_name) == ("Boss", "Ann", "X")

    @test("T02 a required field may be filled in by the before trigger")
    def required(self):
        def fill(context):
            context.new_records[0].last_name = "Filled"

        Behaviour.on("Contact", "beforeInsert", fill)
        CircuitDB.insert("Contact", {"first_name": "A"})

        assert CircuitDB.query_one("SELECT name FROM Contact").name == "A Filled"

    @test("T02 a value that a before trigger sets is validated")
    def validated(self):
        def fill(context):
            context.new_records[0].title = "x" * 129

        Behaviour.on("Contact", "beforeInsert", fill)
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", {"last_name": "A"})

        error = caught.value.failures[0].errors[0]
        assert (error.status_code, error.fields) == ("STRING_TOO_LONG", ["title"])

    @test("T03 writing new in after and old anywhere raises in every event")
    def read_only(self):
        refused = []

        def write(context):
            event = context.operation.value
            for name, records in (("new", context.new_records), ("old", context.old_records)):
                for record in records or ():
                    try:
                        record.title = f"written in {event}"
                    except RecordException:
                        refused.append((event, name))

        on_every_event(write)
        record_id = one_life()

        assert refused == [
            ("afterInsert", "new"),
            ("beforeUpdate", "old"),
            ("afterUpdate", "new"),
            ("afterUpdate", "old"),
            ("beforeDelete", "old"),
            ("afterDelete", "old"),
            ("afterUndelete", "new"),
        ]
        assert CircuitDB.query_one("SELECT title FROM Contact WHERE id = :i", i=record_id).title == (
            "written in beforeUpdate"
        )

    @test("T03 a write in an after trigger that nobody catches fails the statement")
    def uncaught(self):
        def write(context):
            context.new_records[0]["title"] = "no"

        Behaviour.on("Contact", "afterInsert", write)
        with CircuitTest.raises(DmlException, match="read-only"):
            CircuitDB.insert("Contact", {"last_name": "A"})

        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T03 new and old cannot be passed to DML, also not by their maps")
    def not_for_dml(self):
        refused = []

        def save(context):
            for records in (context.new_records, context.old_records):
                if records:
                    try:
                        CircuitDB.update("Contact", records)
                    except RecordException as error:
                        refused.append(str(error))

        Behaviour.on("Contact", "afterUpdate", save)
        contact = CircuitTest.create("Contact", last_name="A")
        CircuitDB.update("Contact", {"id": contact.id, "title": "x"})

        assert refused == ["DML statement cannot operate on trigger.new or trigger.old"] * 2


@test
class Context:
    @test("T04 lists and maps hold the same records; their keys are the ids")
    def maps(self):
        seen = []

        def look(context):
            for records, by_id in ((context.new_records, context.new_map), (context.old_records, context.old_map)):
                if by_id is not None:
                    assert [record.id for record in records] == list(by_id)
                    assert all(by_id[record.id] is record for record in records)
            seen.append((context.operation.value, context.size, context.object_name))

        on_every_event(look)
        one_life()

        assert seen == [(event, 1, "Contact") for event in EVENTS]

    @test("T04 a map that Apex does not have is None, not empty")
    def absent(self):
        table = {}

        def note(context):
            table[context.operation] = [
                name
                for name in ("new_records", "new_map", "old_records", "old_map")
                if getattr(context, name) is not None
            ]

        on_every_event(note)
        one_life()

        both = ["new_records", "new_map", "old_records", "old_map"]
        assert table == {
            TriggerOperation.BEFORE_INSERT: ["new_records"],
            TriggerOperation.AFTER_INSERT: ["new_records", "new_map"],
            TriggerOperation.BEFORE_UPDATE: both,
            TriggerOperation.AFTER_UPDATE: both,
            TriggerOperation.BEFORE_DELETE: ["old_records", "old_map"],
            TriggerOperation.AFTER_DELETE: ["old_records", "old_map"],
            TriggerOperation.AFTER_UNDELETE: ["new_records", "new_map"],
        }

    @test("T04 new has every field of the record, not only those sent")
    def full(self):
        seen = {}

        def look(context):
            new, old = next(iter(context.pairs()))
            seen.update(new=(new.last_name, new.phone, new.title), old=(old.last_name, old.phone, old.title))

        Behaviour.on("Contact", "afterUpdate", look)
        contact = CircuitTest.create("Contact", last_name="A", phone="1")
        CircuitDB.update("Contact", {"id": contact.id, "title": "x"})

        assert seen == {"new": ("A", "1", "x"), "old": ("A", "1", None)}

    @test("T05 every operation says once before or after, and once what it does")
    def flags(self):
        flags = {}

        def note(context):
            kinds = [context.is_insert, context.is_update, context.is_delete, context.is_undelete]
            flags[context.operation.name] = (context.is_before, context.is_after, kinds.index(True), sum(kinds))

        on_every_event(note)
        one_life()

        assert flags == {
            "BEFORE_INSERT": (True, False, 0, 1),
            "AFTER_INSERT": (False, True, 0, 1),
            "BEFORE_UPDATE": (True, False, 1, 1),
            "AFTER_UPDATE": (False, True, 1, 1),
            "BEFORE_DELETE": (True, False, 2, 1),
            "AFTER_DELETE": (False, True, 2, 1),
            "AFTER_UNDELETE": (False, True, 3, 1),
        }
        assert len(TriggerOperation) == 7
