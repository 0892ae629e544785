"""What happens to contacts when they are saved."""

from datetime import timedelta

from circuitos import CircuitDB, CircuitGovernor, CircuitScript
from circuitos.testing import CircuitTest, test, test_setup


def hot(**fields):
    known = {"last_name": "Hot", "email": "hot@techcorp.com", "industry": "Technology", "called_business": True}
    return {**known, "last_website_visit": CircuitScript.now() - timedelta(hours=2), **fields}


def stored(**fields):
    contact = CircuitTest.create_test_contact(**fields)
    return again(contact)


def again(contact):
    return CircuitDB.query_one(
        "SELECT id, vlpr_score, vlpr_grade, vlpr_explanation, vlpr_model_version FROM Contact WHERE id = :id", id=contact.id
    )


def tasks():
    return CircuitDB.query("SELECT subject, who FROM Task")


@test
class OnInsert:
    @test_setup
    def areas(cls):
        CircuitDB.insert("ZipIncome", {"zip": "10019", "median_income": "87,450"})

    @test("L2 A hot lead is scored and gets one task")
    def hot_lead(self):
        contact = stored(**hot(mailing_postal_code="10019"))

        assert (contact.vlpr_score, contact.vlpr_grade, contact.vlpr_model_version) == (78, "A", "1.0.0")
        assert contact.vlpr_explanation["totals"] == {"fit": 26, "intent": 36, "timing": 16}
        assert [(task.subject, task.who) for task in tasks()] == [("IMMEDIATE_FOLLOWUP", contact.id)]

    @test("A cold lead gets a score and no task")
    def cold_lead(self):
        contact = stored(last_name="Cold")

        assert contact.vlpr_grade == "E"
        assert tasks() == []

    @test("L10 A lead that opted out gets a reason and no task")
    def opted_out(self):
        contact = stored(**hot(do_not_contact=True))

        assert (contact.vlpr_score, contact.vlpr_grade) == (0, "E")
        assert contact.vlpr_explanation["reason"] == "opted out on all channels"
        assert tasks() == []

    @test("L6 200 leads in 40 areas cost one query and two more statements")
    def bulk(self):
        leads = [hot(last_name=f"Lead {i}", mailing_postal_code=f"10{i % 40:03d}") for i in range(200)]

        with CircuitTest.measure():
            CircuitDB.insert("Contact", leads)
            queries = CircuitGovernor.get_usage("queries")
            statements = CircuitGovernor.get_usage("dml_statements")
            callouts = CircuitGovernor.get_usage("callouts")

        assert (queries, statements, callouts) == (1, 3, 0)
        assert len(tasks()) == 200


@test
class OnUpdate:
    @test("L9 A new visit is scored, an unrelated change is not")
    def only_inputs_matter(self):
        contact = stored(last_name="Calm", email="calm@techcorp.com")
        before = contact.vlpr_score

        CircuitDB.update("Contact", {"id": contact.id, "department": "Sales", "vlpr_score": 1})
        assert again(contact).vlpr_score == 1

        CircuitDB.update("Contact", {"id": contact.id, "last_website_visit": CircuitScript.now()})
        assert again(contact).vlpr_score > before

    @test("L9 The score's own update is not scored again")
    def no_loop(self):
        contact = stored(**hot())

        with CircuitTest.measure():
            CircuitDB.update("Contact", {"id": contact.id, "email_clicks": 1})
            statements = CircuitGovernor.get_usage("dml_statements")

        assert statements == 2

    @test("L10 A task is made once for each crossing into A")
    def task_once(self):
        contact = stored(**hot())
        CircuitDB.update("Contact", {"id": contact.id, "email_clicks": 3})
        assert len(tasks()) == 1

        CircuitDB.update("Contact", {"id": contact.id, "called_business": False, "email_clicks": 0})
        assert again(contact).vlpr_grade != "A"
        CircuitDB.update("Contact", {"id": contact.id, "called_business": True})
        assert len(tasks()) == 2
