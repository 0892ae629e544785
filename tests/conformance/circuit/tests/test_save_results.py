from circuitos import CircuitDB, CircuitGovernor, DmlException, Record, RecordException, SaveResult
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def failure(operation, object_name, record):
    try:
        operation(object_name, record)
    except DmlException as caught:
        (index, record_id, errors) = caught.failures[0]
        assert (index, len(caught.failures)) == (0, 1)
        return errors[0]
    return None


def insert_error(**fields):
    return failure(CircuitDB.insert, "Contact", {"last_name": "X", **fields})


@test
class Results:
    @test("A saved record's result has its id, and says whether it was created")
    def shapes(self):
        contact = Record("Contact", last_name="X")
        (inserted,) = CircuitDB.insert("Contact", contact)
        (updated,) = CircuitDB.update("Contact", contact)
        (deleted,) = CircuitDB.delete("Contact", contact)

        assert isinstance(inserted, SaveResult)
        assert inserted == SaveResult(id=contact.id, success=True, created=True, errors=[])
        assert updated == deleted == SaveResult(id=contact.id, success=True, created=False, errors=[])
        assert len(contact.id) == 18
        assert contact.id.startswith("003")

    @test("An insert puts the id on Records and on dicts; a failed one puts none")
    def ids(self):
        good, bad, plain = Record("Contact", last_name="A"), Record("Contact", email="x"), {"last_name": "B"}
        results = CircuitDB.insert("Contact", [good, bad, plain], all_or_none=False)

        assert [good.id, bad.id, plain["id"]] == [results[0].id, None, results[2].id]
        assert [result.success for result in results] == [True, False, True]

    @test("An empty list is saved without cost")
    def empty(self):
        assert CircuitDB.insert("Contact", []) == CircuitDB.update("Contact", ()) == []
        assert CircuitGovernor.get_usage("dml_statements") == 0

    @test("One record, a list, a tuple and a generator are all taken")
    def sequences(self):
        for records in ({"last_name": "A"}, [{"last_name": "A"}], ({"last_name": "A"},), ({"last_name": n} for n in "A")):
            assert len(CircuitDB.insert("Contact", records)) == 1

    @test("Object and field names are taken in any case")
    def any_case(self):
        (result,) = CircuitDB.insert("contact", {"Last_Name": "X", "EMAIL": "a@b.com"})
        CircuitDB.update("CONTACT", {"Id": result.id, "Email": "c@d.com"})
        stored = CircuitDB.query_one("SELECT Id, Email FROM contact")
        assert (stored.id, stored.email) == (result.id, "c@d.com")


@test
class StatusCodes:
    @test("D07 insert with an id")
    def insert_with_id(self):
        record = CircuitDB.insert("Contact", {"last_name": "X"})[0].id
        error = insert_error(id=record)
        assert (error.status_code, error.message) == ("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call")

    @test("D07 update without an id, with one of another object, of nothing, and of no form")
    def update_ids(self):
        account = CircuitTest.create("Account", name="A").id
        contact = CircuitTest.create("Contact", last_name="X").id
        update = lambda **fields: failure(CircuitDB.update, "Contact", {"title": "x", **fields}).status_code

        assert update() == "MISSING_ARGUMENT"
        assert update(id=account) == "MALFORMED_ID"
        assert update(id=contact[:5] + "9999999999"[:10]) == "INVALID_CROSS_REFERENCE_KEY"
        assert update(id="nonsense") == "MALFORMED_ID"

    @test("D07 the text of an over-long value names the maximum")
    def too_long(self):
        error = insert_error(last_name="x" * 81)
        assert (error.status_code, list(error.fields)) == ("STRING_TOO_LONG", ["last_name"])
        assert "data value too large" in error.message
        assert "(max length=80)" in error.message

    @test("D07 a missing required field, absent, None, empty and blank")
    def required(self):
        for given in ({}, {"last_name": None}, {"last_name": ""}, {"last_name": " \t\n"}):
            error = failure(CircuitDB.insert, "Contact", {"first_name": "A", **given})
            assert (error.status_code, error.message, list(error.fields)) == (
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [last_name]",
                ["last_name"],
            )

    @test("D07 a value outside a restricted picklist")
    def picklist(self):
        error = failure(CircuitDB.insert, "Invoice", {"name": "I", "status": "Lost"})
        assert error.status_code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert "bad value for restricted picklist field: Lost" in error.message

    @test("D07 other values that do not fit")
    def others(self):
        CircuitDB.insert("Contact", {"last_name": "X", "ghl_id": "taken"})
        codes = {
            "INVALID_EMAIL_ADDRESS": {"email": "a@b"},
            "INVALID_TYPE_ON_FIELD_IN_RECORD": {"birthdate": "yesterday"},
            "DUPLICATE_VALUE": {"ghl_id": "taken"},
            "MALFORMED_ID": {"account": "no id"},
        }
        assert {code: insert_error(**fields).status_code for code, fields in codes.items()} == {c: c for c in codes}

    @test("D07 a field that does not exist names the nearest one")
    def unknown_field(self):
        error = insert_error(emial="a@b.com")
        assert error.status_code == "INVALID_FIELD"
        assert "emial" in error.message
        with CircuitTest.raises(RecordException):
            Record("Contact", emial="a@b.com")

    @test("D07 calculated and system fields cannot be written")
    def not_writable(self):
        for fields in ({"created_at": "2020-01-01"}, {"name": "x"}, {"is_deleted": True}):
            assert insert_error(**fields).status_code == "INVALID_FIELD_FOR_INSERT_UPDATE"

    @test("D07 two records of one statement with the same unique value")
    def unique_in_statement(self):
        rows = [{"last_name": "A", "ghl_id": "same"}, {"last_name": "B", "ghl_id": "same"}]
        results = CircuitDB.insert("Contact", rows, all_or_none=False)
        assert [result.success for result in results] == [True, False]
        assert results[1].errors[0].status_code == "DUPLICATE_VALUE"

    @test("D07 records of another object are refused")
    def other_object(self):
        with CircuitTest.raises(RecordException):
            CircuitDB.insert("Contact", Record("Account", name="A"))

    @test("The exception answers Apex's questions about its failures")
    def dml_exception(self):
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert("Contact", [{"last_name": "A"}, {"first_name": "B"}, {"last_name": "C", "email": "x"}])

        error = caught.value
        assert error.get_num_dml() == 2
        assert [error.get_dml_type(idx) for idx in (0, 1)] == ["REQUIRED_FIELD_MISSING", "INVALID_EMAIL_ADDRESS"]
        assert error.get_dml_message(0) == "Required fields are missing: [last_name]"
        assert (error.get_dml_index(1), error.get_dml_id(1), error.get_dml_field_names(1)) == (2, None, ["email"])


@test
class SameId:
    @test("D08 five updates of one record are made in order, the sixth is an error")
    def six(self):
        record = CircuitTest.create("Contact", last_name="X").id
        results = CircuitDB.update("Contact", [{"id": record, "title": str(n)} for n in range(6)], all_or_none=False)

        assert [result.success for result in results] == [True] * 5 + [False]
        assert CircuitDB.query_one("SELECT title FROM Contact").title == "4"

    @test("D08 with all or none the sixth undoes the other five")
    def all_or_none(self):
        record = CircuitTest.create("Contact", last_name="X", title="before").id
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.update("Contact", [{"id": record, "title": str(n)} for n in range(6)])

        assert [index for index, _id, _errors in caught.value.failures] == [5]
        assert CircuitDB.query_one("SELECT title FROM Contact").title == "before"

    @test("D08 five are fine")
    def five(self):
        record = CircuitTest.create("Contact", last_name="X").id
        assert all(r.success for r in CircuitDB.update("Contact", [{"id": record, "title": str(n)} for n in range(5)]))


@test
class MixedArrays:
    @test("Records of several objects are saved in one statement, in chunks that end where the object changes")
    def mixed(self):
        records = [
            Record("Account", name="A"),
            Record("Account", name="B"),
            Record("Contact", last_name="C"),
            Record("Account", name="D"),
        ]
        results = CircuitDB.insert(None, records)

        assert Behaviour.calls == [
            ("Account", "beforeInsert", 2),
            ("Account", "afterInsert", 2),
            ("Contact", "beforeInsert", 1),
            ("Contact", "afterInsert", 1),
            ("Account", "beforeInsert", 1),
            ("Account", "afterInsert", 1),
        ]
        assert [result.id for result in results] == [record.id for record in records]
        assert CircuitGovernor.get_usage("dml_statements") == 1
        assert CircuitGovernor.get_usage("dml_rows") == 4
        CircuitDB.delete(None, records)
        assert CircuitDB.count("SELECT COUNT() FROM Account") == CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("One bad record undoes all of them, or itself alone")
    def failures(self):
        records = lambda: [Record("Account", name="A"), Record("Contact", first_name="C"), Record("Account", name="B")]
        with CircuitTest.raises(DmlException) as caught:
            CircuitDB.insert(None, records())
        assert [failure.index for failure in caught.value.failures] == [1]
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 0

        results = CircuitDB.insert(None, records(), all_or_none=False)
        assert [result.success for result in results] == [True, False, True]

    @test("Ten chunks are the most")
    def ten(self):
        pair = lambda: [Record("Account", name="A"), Record("Contact", last_name="C")]
        CircuitDB.insert(None, [record for _ in range(5) for record in pair()])
        with CircuitTest.raises(DmlException, match="Cannot have more than 10 chunks in a single operation"):
            CircuitDB.insert(None, [record for _ in range(6) for record in pair()])

    @test("A dict does not know its object; an empty list needs none")
    def dicts(self):
        with CircuitTest.raises(RecordException):
            CircuitDB.insert(None, [{"name": "A"}])
        assert CircuitDB.insert(None, []) == []
