from circuitos import CircuitDB, CircuitGovernor, DmlException, RecordException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def contacts(count, **fields):
    return [{"last_name": f"C{number}", **fields} for number in range(count)]


@test
class Triggers:
    @test("T01 450 rows come in chunks of 200, 200 and 50, with one set of limits")
    def t01(self):
        CircuitDB.insert("Contact", contacts(450))

        assert [size for event, size in Behaviour.events("Contact") if event == "beforeInsert"] == [200, 200, 50]
        assert CircuitGovernor.get_usage("dml_statements") == 1
        assert CircuitGovernor.get_usage("dml_rows") == 450

    @test("T02 a field set in before is stored and costs no DML")
    def t02(self):
        def set_title(context):
            for record in context.new_records:
                record.title = "Set before"

        Behaviour.on("Contact", "beforeInsert", set_title)
        CircuitDB.insert("Contact", contacts(1))

        assert CircuitDB.query_one("SELECT title FROM Contact").title == "Set before"
        assert CircuitGovernor.get_usage("dml_statements") == 1

    @test("T03 new is read-only in after, old anywhere")
    def t03(self):
        seen = []

        def write(records):
            for record in records:
                try:
                    record.title = "no"
                except Exception as error:
                    seen.append(type(error).__name__)

        Behaviour.on("Contact", "afterInsert", lambda context: write(context.new_records))
        Behaviour.on("Contact", "beforeUpdate", lambda context: write(context.old_records))
        Behaviour.on("Contact", "afterUpdate", lambda context: write(context.new_records))
        record = CircuitDB.insert("Contact", contacts(1))[0]
        CircuitDB.update("Contact", {"id": record.id, "first_name": "A"})

        assert len(seen) == 3, seen

    @test("T04 new, old and their maps are there as the table says")
    def t04(self):
        table = {}

        def look(event):
            def note(context):
                table[event] = tuple(
                    value is not None
                    for value in (context.new_records, context.new_map, context.old_records, context.old_map)
                )

            return note

        for event in ("beforeInsert", "afterInsert", "beforeUpdate", "afterUpdate", "beforeDelete", "afterDelete"):
            Behaviour.on("Contact", event, look(event))
        Behaviour.on("Contact", "afterUndelete", look("afterUndelete"))
        record = CircuitDB.insert("Contact", contacts(1))[0]
        CircuitDB.update("Contact", {"id": record.id, "first_name": "A"})
        CircuitDB.delete("Contact", record.id)
        CircuitDB.undelete("Contact", record.id)

        assert table == {
            "beforeInsert": (True, False, False, False),
            "afterInsert": (True, True, False, False),
            "beforeUpdate": (True, True, True, True),
            "afterUpdate": (True, True, True, True),
            "beforeDelete": (False, False, True, True),
            "afterDelete": (False, False, True, True),
            "afterUndelete": (True, True, False, False),
        }

    @test("T05 the operation has seven values and one flag of each kind is true")
    def t05(self):
        operations = []

        def note(context):
            kinds = (context.is_insert, context.is_update, context.is_delete, context.is_undelete)
            assert sum(kinds) == 1
            assert context.is_before != context.is_after
            operations.append(context.operation.name)

        for event in ("beforeInsert", "afterInsert", "beforeUpdate", "afterUpdate", "beforeDelete", "afterDelete"):
            Behaviour.on("Contact", event, note)
        Behaviour.on("Contact", "afterUndelete", note)
        record = CircuitDB.insert("Contact", contacts(1))[0]
        CircuitDB.update("Contact", {"id": record.id, "first_name": "A"})
        CircuitDB.delete("Contact", record.id)
        CircuitDB.undelete("Contact", record.id)

        assert len(set(operations)) == 7, operations

    @test("T06 add_error undoes the whole insert and reports every bad row")
    def t06(self):
        def refuse(context):
            for record in context.new_records:
                if record.last_name in ("C7", "C9"):
                    record.add_error("No", "last_name")

        Behaviour.on("Contact", "beforeInsert", refuse)
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", contacts(200))

        assert [index for index, _id, _errors in caught.value.failures] == [7, 9]
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("T07 with partial success 199 are stored, triggers ran on 200 and 199, the first pass costs nothing")
    def t07(self):
        def refuse(context):
            CircuitDB.query("SELECT id FROM Account LIMIT 1")
            for record in context.new_records:
                if record.last_name == "C7":
                    record.add_error("No")

        Behaviour.on("Contact", "beforeInsert", refuse)
        results = CircuitDB.insert("Contact", contacts(200), all_or_none=False)

        assert [result.success for result in results].count(True) == 199
        assert [size for event, size in Behaviour.events("Contact") if event == "beforeInsert"] == [200, 199]
        assert CircuitGovernor.get_usage("queries") == 1
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 199

    @test("T08 three failing passes end in the text for too many retries")
    def t08(self):
        def refuse_first(context):
            context.new_records[0].add_error("No")

        Behaviour.on("Contact", "beforeInsert", refuse_first)
        results = CircuitDB.insert("Contact", contacts(10), all_or_none=False)

        assert not any(result.success for result in results)
        assert results[9].errors[0].message.startswith("Too many batch retries")

    @test("T09 a record cannot be saved by DML within its own before update, also on a detour")
    def t09(self):
        messages = []

        def again(context):
            try:
                CircuitDB.update("Contact", {"id": context.new_records[0].id, "title": "again"})
            except DmlException as error:
                messages.append(str(error))

        Behaviour.on("Contact", "beforeUpdate", again)
        record = CircuitDB.insert("Contact", contacts(1))[0]
        CircuitDB.update("Contact", {"id": record.id, "first_name": "A"})

        assert len(messages) == 1
        assert "cannot recursively update itself" in messages[0]

    @test("T10 recursion of triggers ends at depth 16 with a named error")
    def t10(self):
        def again(context):
            record = context.new_records[0]
            CircuitDB.update("Contact", {"id": record.id, "title": str(int(record.title or 0) + 1)})

        Behaviour.on("Contact", "afterUpdate", again)
        record = CircuitDB.insert("Contact", contacts(1))[0]
        with CircuitTest.raises(DmlException, match="[Mm]aximum trigger depth exceeded"):
            CircuitDB.update("Contact", {"id": record.id, "title": "0"})

        assert len([event for event, _size in Behaviour.events("Contact") if event == "afterUpdate"]) == 16

    @test("T11 the validation rule sees what the before trigger set, the after trigger sees the id")
    def t11(self):
        seen = {}

        def before(context):
            seen["id before"] = context.new_records[0].id
            context.new_records[0].subject = "forbidden"

        Behaviour.on("Ticket", "beforeInsert", before)
        with CircuitTest.raises(DmlException, match="This subject is forbidden"):
            CircuitDB.insert("Ticket", {"subject": "fine"})
        Behaviour.handlers.clear()
        Behaviour.on("Ticket", "afterInsert", lambda context: seen.update(id_after=context.new_records[0].id))
        CircuitDB.insert("Ticket", {"subject": "fine"})

        assert seen["id before"] is None
        assert len(seen["id_after"]) == 18

    @test("T12 a roll-up updates the parent and fires its triggers")
    def t12(self):
        invoice = CircuitDB.insert("Invoice", {"name": "One"})[0]
        Behaviour.calls.clear()
        CircuitDB.insert("InvoiceLine", [{"invoice": invoice.id, "amount": 2}, {"invoice": invoice.id, "amount": 3.5}])

        stored = CircuitDB.query_one("SELECT total, line_count, number FROM Invoice")
        assert (float(stored.total), stored.line_count) == (5.5, 2)
        assert stored.number == "INV-0001"
        assert Behaviour.events("Invoice") == [("beforeUpdate", 1), ("afterUpdate", 1)]

    @test("T13 a field update fires update triggers once more, and old holds the first value")
    def t13(self):
        old = []
        Behaviour.on("Ticket", "afterUpdate", lambda context: old.append(context.old_records[0].subject))
        record = CircuitDB.insert("Ticket", {"subject": "plain"})[0]
        Behaviour.calls.clear()
        CircuitDB.update("Ticket", {"id": record.id, "subject": "stamp"})

        assert [event for event, _size in Behaviour.events("Ticket")] == [
            "beforeUpdate",
            "afterUpdate",
            "beforeUpdate",
            "afterUpdate",
        ]
        assert old == ["plain", "plain"]
        assert CircuitDB.query_one("SELECT stage FROM Ticket").stage == "stamped"

    @test("T14 upsert fires both sets of triggers, merge deletes losers and updates the winner")
    def t14(self):
        existing = CircuitDB.insert("Contact", contacts(2))
        Behaviour.calls.clear()
        rows = [{"id": result.id, "title": "old"} for result in existing] + contacts(2, title="new")
        results = CircuitDB.upsert("Contact", rows)
        assert [result.created for result in results] == [False, False, True, True]
        assert sorted(Behaviour.events("Contact")) == [
            ("afterInsert", 2),
            ("afterUpdate", 2),
            ("beforeInsert", 2),
            ("beforeUpdate", 2),
        ]
        masters = {}
        Behaviour.on("Contact", "beforeDelete", lambda c: masters.update(before=c.old_records[0].get("master_record_id")))
        Behaviour.on("Contact", "afterDelete", lambda c: masters.update(after=c.old_records[0].get("master_record_id")))
        Behaviour.calls.clear()
        CircuitDB.merge("Contact", {"id": existing[0].id, "title": "merged"}, [existing[1].id])
        assert [event for event, _size in Behaviour.events("Contact")] == [
            "beforeDelete",
            "afterDelete",
            "beforeUpdate",
            "afterUpdate",
        ]
        assert masters == {"before": None, "after": existing[0].id}

    @test("T15 cascade delete fires no child triggers; undelete brings the children back")
    def t15(self):
        invoice = CircuitDB.insert("Invoice", {"name": "One"})[0]
        CircuitDB.insert("InvoiceLine", {"invoice": invoice.id, "amount": 2})
        Behaviour.calls.clear()
        CircuitDB.delete("Invoice", invoice.id)
        assert CircuitDB.count("SELECT COUNT() FROM InvoiceLine") == 0
        CircuitDB.undelete("Invoice", invoice.id)

        assert CircuitDB.count("SELECT COUNT() FROM InvoiceLine") == 1
        assert Behaviour.events("InvoiceLine") == []
        assert Behaviour.events("Invoice") == [("beforeDelete", 1), ("afterDelete", 1), ("afterUndelete", 1)]

    @test("T16 an exception in a trigger marks every row and undoes the statement")
    def t16(self):
        def fail(context):
            CircuitDB.insert("Account", {"name": "Side effect"})
            raise ValueError("broken")

        Behaviour.on("Contact", "afterInsert", fail)
        with CircuitTest.raises(DmlException, match="broken") as caught:
            CircuitDB.insert("Contact", contacts(3))

        assert [index for index, _id, _errors in caught.value.failures] == [0, 1, 2]
        assert caught.value.failures[0][2][0].status_code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 0
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("Formula fields are there in triggers and queries")
    def formulas(self):
        seen = []
        Behaviour.on("Ticket", "afterInsert", lambda context: seen.append(context.new_records[0].shout))
        CircuitDB.insert("Ticket", {"subject": "hey"})

        assert seen == ["HEY!"]
        assert CircuitDB.query_one("SELECT shout FROM Ticket WHERE shout = 'hey!'").shout == "HEY!"

    @test("A formula follows what a before trigger changed, in the new and not in the old records")
    def formulas_follow_changes(self):
        seen = []

        def change(context):
            seen.append([record.shout for record in context.new_records])
            context.new_records[1].subject = f"{context.new_records[1].subject} again"

        def look(context):
            seen.append([record.shout for record in context.new_records])
            seen.append([record.shout for record in context.old_records or ()])

        for event, handler in (("beforeInsert", change), ("afterInsert", look)):
            Behaviour.on("Ticket", event, handler)
        for event, handler in (("beforeUpdate", change), ("afterUpdate", look)):
            Behaviour.on("Ticket", event, handler)
        saved = CircuitDB.insert("Ticket", [{"subject": "a"}, {"subject": "b"}])
        CircuitDB.update("Ticket", [{"id": saved[0].id, "subject": "c"}, {"id": saved[1].id, "subject": "d"}])

        inserted = [["A!", "B!"], ["A!", "B AGAIN!"], []]
        updated = [["C!", "D!"], ["C!", "D AGAIN!"], ["A!", "B AGAIN!"]]
        assert seen == inserted + updated

    @test("A formula of the last, smaller chunk has a value for each of its records")
    def formulas_of_chunks(self):
        seen = []
        Behaviour.on("Ticket", "afterInsert", lambda context: seen.append([each.shout for each in context.new_records]))
        CircuitDB.insert("Ticket", [{"subject": "same"}] * 203)

        assert [len(shouts) for shouts in seen] == [200, 3]
        assert {shout for shouts in seen for shout in shouts} == {"SAME!"}


@test
class Errors:
    @test("RecordException for a field that does not exist")
    def unknown_field(self):
        with CircuitTest.raises((RecordException, DmlException)):
            CircuitDB.insert("Contact", {"last_nam": "x"})
