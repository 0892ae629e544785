"""What no message can carry, and what no field can hold, is refused with an exception of ours; nothing breaks."""

import datetime as dt
from decimal import Decimal

from circuitos import CircuitDB, CircuitException, CircuitGovernor, CircuitLog, DmlException, Record, RecordException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour

HALF = "\ud800"
ODD = [
    HALF,
    2**70,
    -(2**70),
    float("nan"),
    float("-inf"),
    Decimal("NaN"),
    Decimal("1e400"),
    b"bytes",
    {1, 2},
    [[1]],
    {"a": {"b": [1]}},
    {},
    {"ghl_id": None},
    {"ghl_id": 1, "salesforce_id": 2},
    dt.datetime.max,
    dt.date.min,
    dt.time(1),
    dt.timedelta(1),
    object(),
    1j,
    "\x00",
    "x" * 200_000,
    range(2),
    True,
]
FIELDS = ["last_name", "email", "birthdate", "account", "do_not_contact", "tags", "ghl_extra", "lead_source"]


def fine(count, field):
    values = {"last_name": "Z", "title": "T", "email": "a@exam.ple", "birthdate": "2000-01-01"}
    return [{"last_name": "Z", field: values[field]} for _ in range(count)]


@test
class OddValues:
    @test("Every odd value in every kind of field is stored or refused, and the transaction goes on")
    def everywhere(self):
        stored = refused = 0
        for field in FIELDS:
            for value in ODD:
                try:
                    (result,) = CircuitDB.insert("Contact", {"last_name": "X", field: value}, all_or_none=False)
                except CircuitException:
                    refused += 1
                else:
                    stored += result.success
                    refused += not result.success

        assert stored + refused == len(FIELDS) * len(ODD)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == stored > 0

    @test("One odd value among many is refused alone, and in the words that it gets when it comes alone")
    def among_many(self):
        for field, value in (("last_name", "a\0b"), ("title", "x" * 129), ("email", "no address"), ("birthdate", "x")):
            bad = {"last_name": "X", field: value}
            (alone,) = CircuitDB.insert("Contact", bad, all_or_none=False)
            results = CircuitDB.insert("Contact", [{"last_name": "Y", field: None} | bad, *fine(3, field)], all_or_none=False)

            assert [result.success for result in results] == [False, True, True, True], (field, results)
            assert results[0].errors == alone.errors, field

    @test("Records that name different fields are saved in their order by one statement")
    def different_fields(self):
        given = [{"last_name": "a"}, {"last_name": "b", "title": "B"}, {"title": "C", "last_name": "c"}, {"last_name": "d"}]
        saved = CircuitDB.insert("Contact", [dict(each) for each in given] * 60)
        stored = CircuitDB.query("SELECT id, last_name, title FROM Contact ORDER BY id")

        assert [each.id for each in stored] == [each.id for each in saved]
        assert [(each.last_name, each.title) for each in stored] == [(each["last_name"], each.get("title")) for each in given] * 60

    @test("An odd value in a query's bind is refused")
    def binds(self):
        for value in (HALF, 2**70, object()):
            with CircuitTest.raises(CircuitException):
                CircuitDB.query("SELECT id FROM Contact WHERE last_name = :v", v=value)

    @test("A trigger that sets what cannot travel fails its rows, and the next statement works")
    def in_trigger(self):
        for value in (HALF, 2**70, "x" * 9_000_000):
            Behaviour.handlers.clear()

            def spoil(context, value=value):
                context.new_records[0].title = value

            Behaviour.on("Contact", "beforeInsert", spoil)
            with CircuitTest.raises(DmlException, match="ContactEvents: execution of BeforeInsert"):
                CircuitDB.insert("Contact", {"last_name": "X"})
        Behaviour.handlers.clear()
        CircuitDB.insert("Contact", {"last_name": "X"})
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 1

    @test("An error's text with half a character, or of nine megabytes, arrives")
    def texts(self):
        for text in (HALF, "x" * 9_000_000):
            Behaviour.handlers.clear()

            def fail(context, text=text):
                raise ValueError(text)

            Behaviour.on("Contact", "afterInsert", fail)
            with CircuitTest.raises(DmlException, match="ValueError"):
                CircuitDB.insert("Contact", {"last_name": "X"})
        CircuitLog.info(HALF, {"a": HALF, "b": 2**80})
        print(HALF)

    @test("Names of fields that are no texts are names that no object has")
    def names(self):
        for row in ({1: 2}, {None: 1}, {"last_name": "X", 3.5: 1}):
            with CircuitTest.raises(DmlException, match="INVALID_FIELD"):
                CircuitDB.insert("Contact", row)


@test
class OddArguments:
    def refused(self, match, function, *arguments):
        with CircuitTest.raises(CircuitException, match=match):
            function(*arguments)

    @test("D07 what is no record, no list of them and no name is refused in a sentence")
    def arguments(self):
        self.refused("Records are a Record, a dict or a list of them, not int", CircuitDB.insert, "Contact", 5)
        self.refused("Records are a Record, a dict or a list of them, not NoneType", CircuitDB.delete, "Contact", None)
        self.refused("The name of the object is a text, not int", CircuitDB.insert, 5, {})
        self.refused("The name of the field is a text, not int", CircuitDB.upsert, "Contact", {}, 5)
        self.refused("There is no object 'contacts'. Did you mean Contact?", CircuitDB.insert, "contacts", {"a": 1})
        self.refused("title: A value of type object", CircuitDB.insert, "Contact", {"title": object()})
        assert CircuitGovernor.get_usage("dml_statements") == 0

    @test("D03 what is no savepoint is refused in a sentence")
    def savepoints(self):
        for function in (CircuitDB.rollback, CircuitDB.release):
            self.refused("A savepoint is what CircuitDB.savepoint.. returned, not NoneType", function, None)

    @test("D02 a Record that stands twice in an insert or upsert is refused, with Apex's text; dicts are values")
    def twice(self):
        record = Record("Contact", last_name="A")
        for function in (CircuitDB.insert, CircuitDB.upsert):
            with CircuitTest.raises(RecordException, match="must not have two identically equal elements"):
                function("Contact", [record, record])
        assert record.id is None
        CircuitDB.insert("Contact", [{"last_name": "A"}] * 3)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 3
