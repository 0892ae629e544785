from circuitos import CircuitDB, CircuitGovernor, DmlException, Record, RecordException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour

TOO_MANY = "Too many batch retries in the presence of Apex triggers and partial failures."


def contacts(count):
    return [Record("Contact", last_name=f"C{number}") for number in range(count)]


def refuse(*names, field=None):
    def handler(context):
        for record in context.new_records or context.old_records:
            if record.last_name in names:
                record.add_error(f"No {record.last_name}", field)

    return handler


def refuse_first_of_each_pass(context):
    context.new_records[0].add_error("first")


@test
class AddError:
    @test("T06 errors of triggers, rules and fields are all reported, over all chunks")
    def all_rows(self):
        Behaviour.on("Contact", "beforeInsert", refuse("C3", "C399"))
        records = contacts(400)
        records[5].email = "no address"
        records[250].last_name = None
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", records)

        failures = {index: errors[0].status_code for index, _id, errors in caught.value.failures}
        assert failures == {
            3: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            5: "INVALID_EMAIL_ADDRESS",
            250: "REQUIRED_FIELD_MISSING",
            399: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        }
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0
        assert all(record.id is None for record in records)

    @test("T06 the exception's text names the first row; the failures have index, id and errors")
    def text(self):
        Behaviour.on("Contact", "beforeInsert", refuse("C1", field="last_name"))
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", contacts(3))

        assert str(caught.value) == (
            "Insert failed. First exception on row 1; first error: "
            "FIELD_CUSTOM_VALIDATION_EXCEPTION, No C1: [last_name]"
        )
        ((index, record_id, errors),) = caught.value.failures
        assert (index, record_id) == (1, None)
        assert [(error.status_code, error.message, error.fields) for error in errors] == [
            ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No C1", ["last_name"])
        ]

    @test("T06 an error without a field has no fields, and two errors on a record are both reported")
    def two_errors(self):
        def twice(context):
            context.new_records[0].add_error("one")
            context.new_records[0].add_error("two", "email")

        Behaviour.on("Contact", "afterInsert", twice)
        (result,) = CircuitDB.insert("Contact", contacts(1), all_or_none=False)

        assert [(error.message, error.fields) for error in result.errors] == [("one", []), ("two", ["email"])]
        assert (result.id, result.success, result.created) == (None, False, False)

    @test("T06 an error on old forbids a delete; the failure carries the id")
    def delete(self):
        ids = [result.id for result in CircuitDB.insert("Contact", contacts(3))]
        Behaviour.on("Contact", "beforeDelete", refuse("C2"))
        with CircuitTest.raises(DmlException, match="Delete failed. First exception on row 2 with id") as caught:
            CircuitDB.delete("Contact", ids)

        assert [(index, record_id) for index, record_id, _errors in caught.value.failures] == [(2, ids[2])]
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 3

    @test("T06 an error in after update undoes the update")
    def update(self):
        contact = CircuitTest.create("Contact", last_name="C0", title="before")
        Behaviour.on("Contact", "afterUpdate", refuse("C0"))
        with CircuitTest.raises(DmlException, match="No C0"):
            CircuitDB.update("Contact", {"id": contact.id, "title": "after"})

        assert CircuitDB.query_one("SELECT title FROM Contact").title == "before"

    @test("T06 add_error outside a trigger, and after it, raises")
    def outside(self):
        kept = []
        Behaviour.on("Contact", "beforeInsert", lambda context: kept.extend(context.new_records))
        CircuitDB.insert("Contact", contacts(1))
        for record in (Record("Contact", last_name="X"), kept[0]):
            with CircuitTest.raises(RecordException):
                record.add_error("no")


@test
class SeveralHandlers:
    @test("T06 a handler gets the records that one before it refused, and may refuse them too")
    def all_records(self):
        Behaviour.on("Lead", "beforeInsert", lambda context: context.new_records[0].add_error("first handler"))
        Behaviour.on("Lead", "beforeInsert again", lambda context: [r.add_error("second") for r in context.new_records])
        results = CircuitDB.insert("Lead", [{"last_name": "A"}, {"last_name": "B"}], all_or_none=False)

        assert [[error.message for error in result.errors] for result in results] == [["first handler", "second"], ["second"]]

    @test("T16 after an exception the handlers that follow do not run")
    def exception(self):
        def fail(context):
            raise ValueError("broken")

        ran = []
        Behaviour.on("Lead", "beforeInsert", fail)
        Behaviour.on("Lead", "beforeInsert again", lambda context: ran.append(context.size))
        with CircuitTest.raises(DmlException, match="broken"):
            CircuitDB.insert("Lead", {"last_name": "A"})

        assert ran == []


@test
class PartialSuccess:
    @test("T07 199 of 200 are stored; triggers ran on 200, then on 199")
    def one_bad(self):
        Behaviour.on("Contact", "beforeInsert", refuse("C42"))
        records = contacts(200)
        results = CircuitDB.insert("Contact", records, all_or_none=False)

        assert [idx for idx, result in enumerate(results) if not result.success] == [42]
        assert results[42].errors[0].message == "No C42"
        assert Behaviour.events("Contact") == [("beforeInsert", 200), ("beforeInsert", 199), ("afterInsert", 199)] or (
            Behaviour.events("Contact")
            == [("beforeInsert", 200), ("afterInsert", 199), ("beforeInsert", 199), ("afterInsert", 199)]
        )
        assert (records[42].id, records[41].id) == (None, results[41].id)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 199

    @test("T07 the first pass is not charged, statics keep both, its side effects are undone")
    def not_charged(self):
        def side_effects(context):
            CircuitDB.query("SELECT id FROM Account")
            CircuitDB.insert("Account", [{"name": "one"}, {"name": "two"}])

        Behaviour.on("Contact", "beforeInsert", side_effects)
        Behaviour.on("Contact", "beforeInsert", refuse("C1"))
        CircuitDB.insert("Contact", contacts(3), all_or_none=False)

        usage = CircuitGovernor.snapshot()
        assert (usage["queries"].used, usage["dml_statements"].used, usage["dml_rows"].used) == (1, 2, 5)
        assert [event for event, _size in Behaviour.events("Contact")].count("beforeInsert") == 2
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 2

    @test("T07 a row that fails in the second pass is set aside for the third")
    def second_pass(self):
        def one_more_each_time(context):
            passes = len([1 for event, _size in Behaviour.events("Contact") if event == "beforeInsert"])
            if passes <= 2:
                context.new_records[0].add_error(f"pass {passes}")

        Behaviour.on("Contact", "beforeInsert", one_more_each_time)
        results = CircuitDB.insert("Contact", contacts(5), all_or_none=False)

        assert [result.success for result in results] == [False, False, True, True, True]
        assert [result.errors[0].message for result in results[:2]] == ["pass 1", "pass 2"]
        assert [size for event, size in Behaviour.events("Contact") if event == "beforeInsert"] == [5, 4, 3]

    @test("T07 updates and deletes save what can be saved")
    def update_and_delete(self):
        ids = [result.id for result in CircuitDB.insert("Contact", contacts(3))]
        Behaviour.on("Contact", "beforeUpdate", refuse("C1"))
        Behaviour.on("Contact", "beforeDelete", refuse("C2"))
        updated = CircuitDB.update("Contact", [{"id": each, "title": "x"} for each in ids], all_or_none=False)
        deleted = CircuitDB.delete("Contact", ids, all_or_none=False)

        assert [result.success for result in updated] == [True, False, True]
        assert [result.success for result in deleted] == [True, True, False]
        assert [result.id for result in updated + deleted] == ids + ids
        assert not any(result.created for result in updated + deleted)
        assert [record.title for record in CircuitDB.query("SELECT title FROM Contact")] == ["x"]

    @test("T07 an exception in a trigger fails every row also with partial success")
    def exception(self):
        def fail(context):
            raise ValueError("broken")

        Behaviour.on("Contact", "afterInsert", fail)
        results = CircuitDB.insert("Contact", contacts(3), all_or_none=False)

        assert not any(result.success for result in results)
        assert all("ValueError: broken" in result.errors[0].message for result in results)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T08 after three failing passes nothing is stored, and the others have the text")
    def three_passes(self):
        Behaviour.on("Contact", "beforeInsert", refuse_first_of_each_pass)
        results = CircuitDB.insert("Contact", contacts(6), all_or_none=False)

        assert [result.success for result in results] == [False] * 6
        assert [result.errors[0].message for result in results] == ["first"] * 3 + [TOO_MANY] * 3
        assert [size for event, size in Behaviour.events("Contact") if event == "beforeInsert"] == [6, 5, 4]
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T08 the text is there also where the third pass leaves no row")
    def no_row_left(self):
        Behaviour.on("Contact", "beforeInsert", refuse_first_of_each_pass)
        results = CircuitDB.insert("Contact", contacts(3), all_or_none=False)

        assert any(error.message == TOO_MANY for result in results for error in result.errors)


@test
class Exceptions:
    @test("T16 every row is marked, with the trigger, the event and the cause")
    def marks_all(self):
        def fail(context):
            raise KeyError("missing")

        Behaviour.on("Contact", "beforeInsert", fail)
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", contacts(3))

        assert [failure.index for failure in caught.value.failures] == [0, 1, 2]
        for failure in caught.value.failures:
            assert failure.errors[0].status_code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
            assert "ContactEvents: execution of BeforeInsert" in failure.errors[0].message
            assert "caused by: KeyError: 'missing'" in failure.errors[0].message

    @test("T16 a caught failure undoes its statement and no more")
    def statement_only(self):
        def fail(context):
            CircuitDB.insert("Account", {"name": "inner"})
            raise ValueError("broken")

        Behaviour.on("Contact", "afterInsert", fail)
        CircuitDB.insert("Account", {"name": "outer"})
        with CircuitTest.raises(DmlException):
            CircuitDB.insert("Contact", contacts(1))

        assert [account.name for account in CircuitDB.query("SELECT name FROM Account")] == ["outer"]

    @test("T16 a trigger that catches the failure of its own statement goes on")
    def caught_inside(self):
        def try_it(context):
            try:
                CircuitDB.insert("Account", {"description": "has no name"})
            except DmlException as error:
                context.new_records[0].title = error.failures[0].errors[0].status_code

        Behaviour.on("Contact", "beforeInsert", try_it)
        CircuitDB.insert("Contact", contacts(1))

        assert CircuitDB.query_one("SELECT title FROM Contact").title == "REQUIRED_FIELD_MISSING"

    @test("T16 the failure of a nested statement shows its own cause at the top")
    def nested(self):
        Behaviour.on("Contact", "afterInsert", lambda context: CircuitDB.insert("Account", {"phone": "1"}))
        with CircuitTest.raises(DmlException, match="REQUIRED_FIELD_MISSING"):
            CircuitDB.insert("Contact", contacts(1))

    @test("T16 sys.exit in a trigger fails the rows, it does not end the script")
    def system_exit(self):
        def leave(context):
            raise SystemExit(3)

        Behaviour.on("Contact", "beforeInsert", leave)
        with CircuitTest.raises(DmlException, match="SystemExit"):
            CircuitDB.insert("Contact", contacts(1))
