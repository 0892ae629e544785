from circuitos import CircuitDB, QueryException, Record
from circuitos.testing import CircuitTest, test, test_setup


@test
class Access:
    @test_setup
    def rows(cls):
        CircuitDB.insert(
            "User",
            [
                {"last_name": "Clerk", "username": "clerk@x.com", "email": "clerk@x.com", "profile": "clerk"},
                {"last_name": "Agent", "username": "agent@x.com", "email": "agent@x.com", "profile": "agent"},
            ],
        )

    def user(self, name):
        account = CircuitDB.insert("Account", {"name": "Acme", "annual_revenue": 5})[0].id
        CircuitDB.insert("Contact", {"last_name": "Ada", "phone": "1", "account": account})
        return CircuitDB.query_one("SELECT id, username, profile FROM User WHERE last_name = :name", name=name)

    @test("Q10 USER_MODE names every forbidden field, wherever it stands")
    def user_mode(self):
        with CircuitTest.run_as(self.user("Clerk")):
            with CircuitTest.raises(QueryException) as caught:
                CircuitDB.query(
                    "SELECT last_name, phone, account.annual_revenue FROM Contact WHERE birthdate = null WITH USER_MODE"
                )
            for name in ("Contact.phone", "Contact.birthdate", "Account.annual_revenue"):
                assert name in str(caught.value), name
            assert "last_name" not in str(caught.value)
            assert (
                len(CircuitDB.query("SELECT last_name, description, account.name FROM Contact WITH USER_MODE"))
                == 1
            )

    @test("Q10 SECURITY_ENFORCED names the first forbidden field of what is selected")
    def security_enforced(self):
        with CircuitTest.run_as(self.user("Clerk")):
            with CircuitTest.raises(QueryException) as caught:
                CircuitDB.query("SELECT last_name, phone, birthdate FROM Contact WITH SECURITY_ENFORCED")
            assert "Contact.phone" in str(caught.value)
            assert "birthdate" not in str(caught.value)
            assert (
                len(CircuitDB.query("SELECT last_name FROM Contact WHERE phone = '1' WITH SECURITY_ENFORCED")) == 1
            )

    @test("Q10 an object that the profile does not name is out of reach")
    def objects(self):
        with CircuitTest.run_as(self.user("Clerk")):
            with CircuitTest.raises(QueryException, match="may not read Lead"):
                CircuitDB.query("SELECT id FROM Lead WITH USER_MODE")
            with CircuitTest.raises(QueryException, match="may not read Lead"):
                CircuitDB.query("SELECT COUNT() FROM Lead WITH USER_MODE")

    @test("Q10 without a mode, and in SYSTEM_MODE, everything is read")
    def system_mode(self):
        with CircuitTest.run_as(self.user("Clerk")):
            assert CircuitDB.query_one("SELECT phone FROM Contact").phone == "1"
            assert CircuitDB.query_one("SELECT phone FROM Contact WITH SYSTEM_MODE").phone == "1"

    @test("Q10 who may not see all records sees their own in USER_MODE")
    def sharing(self):
        with CircuitTest.run_as(self.user("Agent")):
            CircuitDB.insert("Contact", Record("Contact", last_name="Own"))
            assert [row.last_name for row in CircuitDB.query("SELECT last_name FROM Contact WITH USER_MODE")] == [
                "Own"
            ]
            assert CircuitDB.count("SELECT COUNT() FROM Contact WITH USER_MODE") == 1
            assert len(CircuitDB.query("SELECT last_name FROM Contact")) == 2
            assert [
                row.last_name for row in CircuitDB.query("SELECT last_name FROM Contact USING SCOPE mine")
            ] == ["Own"]
