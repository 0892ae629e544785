from circuitos import CircuitDB, CircuitGovernor, CircuitScript, DmlException, QueryException
from circuitos.testing import CircuitTest, test

from classes.behaviour import Behaviour


def user(profile, name="U"):
    with CircuitTest.run_as(CircuitScript.user()):
        return CircuitTest.create("User", last_name=name, username=f"{name}@x.com", profile=profile)


def codes(function):
    try:
        function()
    except DmlException as error:
        return [failure.errors[0].status_code for failure in error.failures]
    return []


NO_RIGHTS = ["INSUFFICIENT_ACCESS_OR_READONLY"]


@test
class RunAs:
    @test("U05 run_as changes the user, nests, and gives the first one back")
    def nests(self):
        first = CircuitScript.user()
        outer, inner = user("Sales", "Outer"), user("Manager", "Inner")
        with CircuitTest.run_as(outer):
            assert (CircuitScript.user().id, CircuitScript.user().profile) == (outer.id, "Sales")
            with CircuitTest.run_as(inner.id):
                assert (CircuitScript.user().name, CircuitScript.user().profile) == ("Inner", "Manager")
            assert CircuitScript.user().id == outer.id
        assert CircuitScript.user() == first

    @test("U05 the user comes back also after an exception")
    def after_exception(self):
        first = CircuitScript.user()
        with CircuitTest.raises(ValueError):
            with CircuitTest.run_as({"profile": "Sales"}):
                raise ValueError
        assert CircuitScript.user() == first

    @test("U05 run_as costs a statement each time")
    def cost(self):
        for _ in range(2):
            with CircuitTest.run_as({"profile": "Sales"}):
                pass
        assert CircuitGovernor.get_usage("dml_statements") == 2

    @test("U05 the records that a user saves are theirs")
    def owner(self):
        sales = user("Sales")
        with CircuitTest.run_as(sales):
            created = CircuitTest.create("Contact", last_name="X")
        stored = CircuitDB.query_one("SELECT owner, created_by, modified_by FROM Contact WHERE id = :i", i=created.id)
        assert {stored.owner, stored.created_by, stored.modified_by} == {sales.id}

    @test("U05 a profile without the right to create, edit or delete cannot")
    def objects(self):
        contact = CircuitTest.create("Contact", last_name="X")
        with CircuitTest.run_as({"profile": "Reader"}):
            assert codes(lambda: CircuitDB.insert("Contact", {"last_name": "Y"})) == NO_RIGHTS
            assert codes(lambda: CircuitDB.update("Contact", {"id": contact.id, "title": "x"})) == NO_RIGHTS
            assert codes(lambda: CircuitDB.upsert("Contact", {"last_name": "Y"})) == NO_RIGHTS
            assert codes(lambda: CircuitDB.delete("Contact", contact)) == NO_RIGHTS
        with CircuitTest.run_as({"profile": "Manager"}):
            CircuitDB.delete("Contact", contact)
        assert CircuitDB.count("SELECT COUNT() FROM Contact") == 0

    @test("U05 an object that the profile does not name is out of reach")
    def unnamed(self):
        with CircuitTest.run_as({"profile": "Sales"}):
            assert codes(lambda: CircuitDB.insert("Lead", {"last_name": "L"})) == NO_RIGHTS

    @test("U05 fields that the profile may only read, or not see, cannot be set")
    def fields(self):
        with CircuitTest.run_as({"profile": "Sales"}):
            for name in ("phone", "description"):
                assert codes(lambda: CircuitDB.insert("Contact", {"last_name": "X", name: "1"})) == [
                    "INVALID_FIELD_FOR_INSERT_UPDATE"
                ]
            CircuitDB.insert("Contact", {"last_name": "X", "title": "1"})

    @test("U05 partial success keeps the rows that the profile allows")
    def partial(self):
        with CircuitTest.run_as({"profile": "Sales"}):
            rows = [{"last_name": "A"}, {"last_name": "B", "phone": "1"}]
            results = CircuitDB.insert("Contact", rows, all_or_none=False)
        assert [result.success for result in results] == [True, False]

    @test("U05 without view_all the records of others cannot be changed")
    def sharing(self):
        contact = CircuitTest.create("Contact", last_name="Of the first user")
        with CircuitTest.run_as(user("Sales")):
            assert codes(lambda: CircuitDB.update("Contact", {"id": contact.id, "title": "x"})) == NO_RIGHTS
            own = CircuitTest.create("Contact", last_name="Own")
            CircuitDB.update("Contact", {"id": own.id, "title": "x"})
            seen = CircuitDB.query("SELECT last_name FROM Contact WITH USER_MODE")
        assert [record.last_name for record in seen] == ["Own"]

    @test("U05 triggers work without the bounds of the profile")
    def system_mode(self):
        def fill(context):
            context.new_records[0].phone = "set by a trigger"
            CircuitDB.insert("Task", {"subject": "by a trigger"})

        Behaviour.on("Contact", "beforeInsert", fill)
        with CircuitTest.run_as({"profile": "Sales"}):
            CircuitDB.insert("Contact", {"last_name": "X"})
        assert CircuitDB.query_one("SELECT phone FROM Contact").phone == "set by a trigger"
        assert CircuitDB.count("SELECT COUNT() FROM Task") == 1

    @test("U05 what a profile may not read is refused in user mode")
    def user_mode(self):
        with CircuitTest.run_as({"profile": "Sales"}):
            with CircuitTest.raises(QueryException, match="description"):
                CircuitDB.query("SELECT description FROM Contact WITH USER_MODE")


@test
class MixedDml:
    @test("D11 a user cannot be saved after other records, nor the other way round")
    def refused(self):
        CircuitTest.create("Contact", last_name="X")
        with CircuitTest.raises(DmlException, match="MIXED_DML_OPERATION") as caught:
            CircuitTest.create("User", last_name="U", username="u@x.com")
        assert caught.value.failures[0].errors[0].status_code == "MIXED_DML_OPERATION"

    @test("D11 other records cannot be saved after a user")
    def the_other_way(self):
        CircuitTest.create("User", last_name="U", username="u@x.com")
        with CircuitTest.raises(DmlException, match="MIXED_DML_OPERATION"):
            CircuitTest.create("Contact", last_name="X")

    @test("D11 within run_as both can be saved, and afterwards either")
    def within(self):
        with CircuitTest.run_as(CircuitScript.user()):
            CircuitTest.create("User", last_name="U", username="u@x.com")
            CircuitTest.create("Contact", last_name="X")
        CircuitTest.create("Account", name="A")
        assert CircuitDB.count("SELECT COUNT() FROM Account") == 1
