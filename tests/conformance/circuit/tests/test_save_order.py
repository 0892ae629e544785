from decimal import Decimal

from circuitos import CircuitDB, DmlException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def invoice(name="One"):
    return CircuitDB.insert("Invoice", {"name": name})[0].id


def total(record_id):
    stored = CircuitDB.query_one("SELECT total, line_count FROM Invoice WHERE id = :i", i=record_id)
    return stored.total, stored.line_count


@test
class Order:
    @test("T11 before triggers see what is not saved yet, after triggers find it saved")
    def saved_between(self):
        seen = {}

        def look(context):
            record = context.new_records[0]
            stored = CircuitDB.query_one("SELECT title FROM Contact WHERE id = :i", i=record.id)
            seen["before" if context.is_before else "after"] = (record.title, stored.title)

        contact = CircuitTest.create("Contact", last_name="X", title="old")
        Behaviour.on("Contact", "beforeUpdate", look)
        Behaviour.on("Contact", "afterUpdate", look)
        CircuitDB.update("Contact", {"id": contact.id, "title": "new"})

        assert seen == {"before": ("new", "old"), "after": ("new", "new")}

    @test("T11 before insert finds no row and no id, after insert both, with system fields")
    def insert(self):
        seen = []

        def look(context):
            record = context.new_records[0]
            seen.append((record.id is not None, CircuitDB.count("SELECT COUNT() FROM Ticket"), record.created_at is not None))

        Behaviour.on("Ticket", "beforeInsert", look)
        Behaviour.on("Ticket", "afterInsert", look)
        CircuitDB.insert("Ticket", {"subject": "x"})

        assert seen == [(False, 0, False), (True, 1, True)]

    @test("T11 a validation rule stops a record after its before trigger and before its after trigger")
    def rule(self):
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Ticket", {"subject": "forbidden"})

        assert Behaviour.events("Ticket") == [("beforeInsert", 1)]
        error = caught.value.failures[0].errors[0]
        assert (error.status_code, error.message, list(error.fields)) == (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "This subject is forbidden",
            ["subject"],
        )

    @test("T11 a before trigger can mend what a validation rule would refuse")
    def mended(self):
        def mend(context):
            context.new_records[0].subject = "allowed"

        Behaviour.on("Ticket", "beforeInsert", mend)
        CircuitDB.insert("Ticket", {"subject": "forbidden"})

        assert CircuitDB.query_one("SELECT subject FROM Ticket").subject == "allowed"

    @test("T11 values and references are checked before the before triggers run")
    def system_validation(self):
        contact = CircuitTest.create("Contact", last_name="X")
        Behaviour.calls.clear()
        for fields in ({"email": "no address"}, {"account": contact.id}, {"title": "x" * 129}):
            with CircuitTest.raises(DmlException):
                CircuitDB.insert("Contact", {"last_name": "Y", **fields})

        assert Behaviour.calls == []

    @test("Triggers of one event run by their order, then by their names, and see what the one before set")
    def trigger_order(self):
        CircuitDB.insert("Lead", {"last_name": "L", "company": "start"})

        assert CircuitDB.query_one("SELECT company FROM Lead").company == "start>LateNamed>Zeta>Alpha>Beta"


@test
class Rollups:
    @test("T12 inserting, changing, moving, deleting and undeleting children keep the parents' figures right")
    def figures(self):
        first, second = invoice("One"), invoice("Two")
        lines = [result.id for result in CircuitDB.insert("InvoiceLine", [{"invoice": first, "amount": n} for n in (1, 2)])]
        assert total(first) == (Decimal(3), 2)
        CircuitDB.update("InvoiceLine", {"id": lines[0], "amount": 5})
        assert total(first) == (Decimal(7), 2)
        CircuitDB.update("InvoiceLine", {"id": lines[0], "invoice": second})
        assert (total(first), total(second)) == ((Decimal(2), 1), (Decimal(5), 1))
        CircuitDB.delete("InvoiceLine", lines[1])
        assert total(first) == (Decimal(0), 0)
        CircuitDB.undelete("InvoiceLine", lines[1])
        assert total(first) == (Decimal(2), 1)

    @test("T12 the parent's triggers see its old and new figure, once for each chunk")
    def parent_triggers(self):
        seen = []

        def look(context):
            for new, old in context.pairs():
                seen.append((old.line_count, new.line_count))

        record_id = invoice()
        Behaviour.on("Invoice", "afterUpdate", look)
        CircuitDB.insert("InvoiceLine", [{"invoice": record_id, "amount": 1} for _ in range(250)])

        assert seen == [(0, 200), (200, 250)] or seen == [(None, 200), (200, 250)]

    @test("T12 a parent that refuses its figure fails the children, each with the parent's error")
    def parent_refuses(self):
        good, bad = invoice("Good"), invoice("Bad")

        def refuse(context):
            for record in context.new_records:
                if record.name == "Bad":
                    record.add_error("closed")

        Behaviour.on("Invoice", "beforeUpdate", refuse)
        results = CircuitDB.insert(
            "InvoiceLine",
            [{"invoice": bad, "amount": 1}, {"invoice": good, "amount": 2}, {"invoice": bad, "amount": 3}],
            all_or_none=False,
        )

        assert [result.success for result in results] == [False, True, False]
        assert "closed" in results[0].errors[0].message
        assert (total(bad)[1] or 0, total(good)) == (0, (Decimal(2), 1))

    @test("T12 a roll-up costs no DML statement and no rows of its own")
    def free(self):
        from circuitos import CircuitGovernor

        record_id = invoice()
        before = CircuitGovernor.snapshot()
        CircuitDB.insert("InvoiceLine", {"invoice": record_id, "amount": 1})
        after = CircuitGovernor.snapshot()

        assert after["dml_statements"].used == before["dml_statements"].used + 1
        assert after["dml_rows"].used == before["dml_rows"].used + 1


@test
class FieldUpdates:
    @test("T13 a field update after an insert fires update triggers once, with old as inserted")
    def insert(self):
        seen = []
        Behaviour.on("Ticket", "beforeUpdate", lambda c: seen.append((c.old_records[0].stage, c.new_records[0].stage)))
        Behaviour.on("Ticket", "afterUpdate", lambda c: seen.append((c.old_records[0].stage, c.new_records[0].stage)))
        CircuitDB.insert("Ticket", {"subject": "stamp"})

        assert [event for event, _size in Behaviour.events("Ticket")] == [
            "beforeInsert",
            "afterInsert",
            "beforeUpdate",
            "afterUpdate",
        ]
        assert seen == [(None, "stamped")] * 2

    @test("T13 the triggers of the second save see all of its records at once")
    def bulk(self):
        CircuitDB.insert("Ticket", [{"subject": "stamp"} for _ in range(30)])

        assert Behaviour.events("Ticket") == [
            ("beforeInsert", 30),
            ("afterInsert", 30),
            ("beforeUpdate", 30),
            ("afterUpdate", 30),
        ]
        assert CircuitDB.count("SELECT COUNT() FROM Ticket WHERE stage = 'stamped'") == 30

    @test("T13 custom rules are not asked again for the second save, system validation is")
    def second_validation(self):
        def spoil(context):
            context.new_records[0].subject = "forbidden"

        Behaviour.on("Ticket", "beforeUpdate", spoil)
        CircuitDB.insert("Ticket", {"subject": "stamp"})
        assert CircuitDB.query_one("SELECT subject FROM Ticket").subject == "forbidden"

        Behaviour.handlers.clear()

        def overlong(context):
            context.new_records[0].subject = "x" * 41

        Behaviour.on("Ticket", "beforeUpdate", overlong)
        with CircuitTest.raises(DmlException, match="STRING_TOO_LONG"):
            CircuitDB.insert("Ticket", {"subject": "stamp"})

    @test("T13 a record that its after trigger deleted is not updated any more")
    def deleted_meanwhile(self):
        Behaviour.on("Ticket", "afterInsert", lambda c: CircuitDB.delete("Ticket", c.new_records[0].id))
        CircuitDB.insert("Ticket", {"subject": "stamp"})

        assert CircuitDB.count("SELECT COUNT() FROM Ticket") == 0
        assert ("beforeUpdate", 1) not in Behaviour.events("Ticket")

    @test("T13 a field update works on what after triggers made of the record")
    def after_trigger_changed_it(self):
        Behaviour.on("Ticket", "afterInsert", lambda c: CircuitDB.update("Ticket", {"id": c.new_records[0].id, "subject": "quiet"}))
        CircuitDB.insert("Ticket", {"subject": "stamp", "stage": "mine"})

        stored = CircuitDB.query_one("SELECT subject, stage FROM Ticket")
        assert (stored.subject, stored.stage) == ("quiet", "mine")
