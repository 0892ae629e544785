"""The lead score: the three promises it was built for, every boundary, and what missing data does."""

from datetime import datetime, timedelta, timezone
from random import Random

from circuitos import CircuitDB, CircuitGovernor, CircuitScript, Record
from circuitos.testing import CircuitTest, test

from classes.census_api import CensusAPI
from classes.income import parse_income
from classes.qualification import Qualification
from classes.virtual_lpr import VirtualLPR

NOW = datetime(2025, 11, 13, 17, 45, 23, tzinfo=timezone.utc)


class CensusMock:
    """Answers from a mapping of ZIP area to dollars."""

    def __init__(self, incomes):
        self.incomes = incomes

    def get_median_income(self, zip_code):
        return self.incomes.get(zip_code)

    def get_median_incomes(self, zip_codes):
        return {code: self.incomes[code] for code in zip_codes if code in self.incomes}


def lead(**fields):
    return Record("Contact", last_name="Lead", **fields)


def marcus(**fields):
    known = {"email": "marcus@techcorp.com", "industry": "Technology", "called_business": True}
    return lead(last_website_visit=CircuitScript.now() - timedelta(hours=2), **known, **fields)


@test
class VirtualLPRTest:
    @test("High intent lead scores >= 70")
    def high_intent(self):
        contact = CircuitTest.create_test_contact(
            first_name="Marcus",
            last_name="Thompson",
            email="marcus@techcorp.com",
            industry="Technology",
            last_website_visit=CircuitScript.now() - timedelta(hours=2),
            called_business=True,
        )

        CircuitTest.start_test()
        score = VirtualLPR.calculate(contact)
        CircuitTest.stop_test()

        assert score.total >= 70, "High intent lead should score >= 70"
        assert score.grade == "A", "Grade should be A"

    @test("Bulk processing 200 leads")
    def bulk(self):
        contacts = [
            CircuitTest.create_test_contact(first_name="Test", last_name=f"Lead {i}", email=f"test{i}@example.com")
            for i in range(40)
        ]
        rows = [{"first_name": "Bulk", "last_name": f"Lead {i}", "email": f"bulk{i}@example.com"} for i in range(160)]
        CircuitDB.insert("Contact", rows)
        contacts += CircuitDB.query("SELECT id, email, mailing_postal_code FROM Contact WHERE first_name = 'Bulk'")

        CircuitTest.start_test()
        scores = VirtualLPR.score_leads([as_mapping(contact) for contact in contacts])
        callouts = CircuitGovernor.get_usage("api_callouts")
        CircuitTest.stop_test()

        assert len(scores) == 200, "All 200 leads should be scored"
        assert callouts < 10, "Should use < 10 callouts via bulkification"

    @test("Census API mock")
    def census_mock(self):
        CircuitTest.set_mock(CensusAPI, CensusMock({"10019": 87_450}))
        contact = CircuitTest.create_test_contact(mailing_postal_code="10019")

        score = VirtualLPR.calculate(contact)

        assert score.fit.demographic.location_fit > 0, "Should use mocked Census data for scoring"
        assert score.fit.demographic.locationFit == score.fit.demographic.location_fit
        assert CircuitTest.get_mock_call_count(CensusAPI, "get_median_income") == 1


def as_mapping(contact):
    return {"id": contact.id, "email": contact.email, "mailing_postal_code": contact.mailing_postal_code}


@test
class ReferenceScore:
    @test("L2 Marcus Thompson is 26 + 36 + 16 = 78")
    def marcus_is_78(self):
        CircuitTest.set_mock(CensusAPI, CensusMock({"10019": 87_450}))

        score = VirtualLPR.calculate(marcus(mailing_postal_code="10019"))

        assert (score.fit.total, score.intent.total, score.timing.total) == (26, 36, 16)
        assert (score.total, score.grade, score.reason) == (78, "A", None)
        assert score.explanation()["totals"] == {"fit": 26, "intent": 36, "timing": 16}
        assert score.flags == ()

    @test("L8 Without a ZIP the Census is not asked")
    def no_zip_no_question(self):
        CircuitTest.set_mock(CensusAPI, CensusMock({}))

        score = VirtualLPR.calculate(marcus())

        assert score.total == 72
        assert score.flags == ("income_unknown",)
        assert CircuitTest.get_mock_call_count(CensusAPI, "get_median_income") == 0

    @test("A part that does not exist is named")
    def unknown_part(self):
        with CircuitTest.raises(AttributeError, match="no part 'shoe_size'"):
            VirtualLPR.calculate(lead()).shoe_size

    @test("L4 A batch scores as one by one, in any order")
    def batch_is_single(self):
        leads = [marcus(id="003000000000001AAA"), lead(id="003000000000002AAA", title="Owner", employees=12)]

        rows = VirtualLPR.score_leads(leads)
        reverse = VirtualLPR.score_leads(list(reversed(leads)))

        assert [row["vlpr_score"] for row in rows] == [VirtualLPR.calculate(each).total for each in leads]
        assert rows == list(reversed(reverse))


@test
class Boundaries:
    @test("L3 Income")
    def income(self):
        for dollars, points in ((30_000, 0), (34_999, 0), (35_000, 1), (104_999, 7), (105_000, 8), (900_000, 8), (1, 0)):
            CircuitTest.set_mock(CensusAPI, CensusMock({"10019": dollars}))

            score = VirtualLPR.calculate(lead(mailing_postal_code="10019-1234"))

            assert score.fit.demographic.location_fit == points, dollars

    @test("E-mail")
    def email(self):
        for address, points in (("a@techcorp.com", 4), ("a@gmail.com", 2), (None, 0), ("A@GMAIL.COM", 2)):
            assert VirtualLPR.calculate(lead(email=address)).fit.demographic.email_fit == points, address

    @test("Role")
    def role(self):
        expected = {
            "CEO": 6,
            "Co-Founder & CTO": 6,
            "Vice President, Sales": 5,
            "Head of Growth": 5,
            "Marketing Manager": 3,
            "Analyst": 1,
            "  ": 2,
            None: 2,
        }
        for title, points in expected.items():
            assert VirtualLPR.calculate(lead(title=title)).fit.demographic.role_fit == points, title

    @test("Company")
    def company(self):
        for industry, points in (("Technology", 12), ("healthcare", 7), ("Mining", 2), (None, 4)):
            assert VirtualLPR.calculate(lead(industry=industry)).fit.firmographic.industry_fit == points, industry
        for employees, points in ((1, 2), (2, 3), (10, 3), (11, 6), (500, 6), (501, 4), (5_000, 4), (5_001, 2), (None, 2)):
            assert VirtualLPR.calculate(lead(employees=employees)).fit.firmographic.size_fit == points, employees
        for revenue, points in ((10_000_000, 4), (9_999_999, 3), (1_000_000, 3), (999_999, 1), (None, 0)):
            assert VirtualLPR.calculate(lead(annual_revenue=revenue)).fit.firmographic.revenue_fit == points, revenue

    @test("L3 Visits fade with a half-life of three days")
    def visits(self):
        CircuitTest.set_time(NOW)
        for hours, points in ((-5, 18), (0, 18), (2, 18), (24, 14), (72, 9), (168, 4), (720, 0)):
            visited = lead(last_website_visit=NOW - timedelta(hours=hours))
            assert VirtualLPR.calculate(visited).intent.visit == points, hours

    @test("L3 Recency, to the second")
    def recency(self):
        CircuitTest.set_time(NOW)
        second = timedelta(seconds=1)
        for limit, within, beyond in ((24, 12, 9), (72, 9, 6), (7 * 24, 6, 3), (30 * 24, 3, 0)):
            edge = NOW - timedelta(hours=limit)
            assert VirtualLPR.calculate(lead(last_website_visit=edge + second)).timing.recency == within
            assert VirtualLPR.calculate(lead(last_website_visit=edge)).timing.recency == within
            assert VirtualLPR.calculate(lead(last_website_visit=edge - second)).timing.recency == beyond

    @test("Timeline")
    def timeline(self):
        for days, points in ((0, 8), (30, 8), (31, 5), (90, 5), (91, 2), (180, 2), (181, 0), (None, 4)):
            assert VirtualLPR.calculate(lead(timeline_days=days)).timing.timeline == points, days

    @test("Intent is capped at 40")
    def intent_is_capped(self):
        eager = marcus(form_submitted=True, pricing_page_visited=True, email_clicks=9)

        intent = VirtualLPR.calculate(eager).intent

        assert (intent.clicks, intent.form, intent.pricing_page) == (6, 8, 4)
        assert intent.total == 40

    @test("L3 Grades")
    def grades(self):
        from classes.virtual_lpr import _grade

        edges = ((70, "A"), (69, "B"), (55, "B"), (54, "C"), (40, "C"), (39, "D"), (20, "D"), (19, "E"), (0, "E"))
        for total, grade in edges:
            assert _grade(total) == grade, total

    @test("L3 Naive times count as UTC, and a change of clocks changes nothing")
    def clocks(self):
        CircuitTest.set_time(datetime(2025, 11, 2, 12, 0, tzinfo=timezone.utc))
        eastern = timezone(timedelta(hours=-4))
        before_change = datetime(2025, 11, 1, 8, 0, tzinfo=eastern)

        aware = VirtualLPR.calculate(lead(last_website_visit=before_change)).timing.recency
        naive = VirtualLPR.calculate(lead_mapping(datetime(2025, 11, 1, 12, 0))).timing.recency

        assert aware == naive == 12


def lead_mapping(visit):
    return {"last_name": "Lead", "last_website_visit": visit}


@test
class Laws:
    """What holds for every lead, tried on many made by chance from one seed."""

    def leads(self, count=120):
        chance = Random(4)
        for number in range(count):
            yield lead(
                id=f"003{number:012d}AAA",
                email=chance.choice((None, "a@techcorp.com", "a@gmail.com")),
                title=chance.choice((None, "CEO", "VP Sales", "Manager", "Clerk")),
                mailing_postal_code=chance.choice((None, "10019", "10020")),
                industry=chance.choice((None, "Technology", "Finance", "Mining")),
                employees=chance.choice((None, 1, 5, 100, 1_000, 9_000)),
                annual_revenue=chance.choice((None, 1, 2_000_000, 20_000_000)),
                last_website_visit=chance.choice((None, NOW - timedelta(hours=chance.randrange(1_000)))),
                called_business=chance.choice((True, False)),
                form_submitted=chance.choice((True, False)),
                pricing_page_visited=chance.choice((True, False)),
                email_clicks=chance.choice((None, 0, 1, 9)),
                timeline_days=chance.choice((None, 10, 60, 120, 400)),
            )

    def total(self, contact, **changes):
        return VirtualLPR.calculate({**contact.to_dict(), **changes}).total

    @test("L4 Parts stay within their bounds and add up")
    def bounds(self):
        CircuitTest.set_time(NOW)
        CircuitTest.set_mock(CensusAPI, CensusMock({"10019": 87_450}))
        for contact in self.leads():
            score = VirtualLPR.calculate(contact)
            assert 0 <= score.fit.demographic.total <= 18 and 0 <= score.fit.firmographic.total <= 22
            assert 0 <= score.fit.total <= 40 and 0 <= score.intent.total <= 40 and 0 <= score.timing.total <= 20
            assert score.total == score.fit.total + score.intent.total + score.timing.total

    @test("L4 More income, a later visit and a call never cost points")
    def monotone(self):
        CircuitTest.set_time(NOW)
        CircuitTest.set_mock(CensusAPI, CensusMock({f"2{n:04d}": 10_000 * n for n in range(12)}))
        for contact in self.leads(40):
            richer = [self.total(contact, mailing_postal_code=f"2{n:04d}") for n in range(12)]
            later = [self.total(contact, last_website_visit=NOW - timedelta(hours=h)) for h in (900, 200, 80, 30, 1, 0)]
            called = [self.total(contact, called_business=is_called) for is_called in (False, True)]
            assert richer == sorted(richer) and later == sorted(later) and called == sorted(called)

    @test("L4 The order of leads changes nothing")
    def order(self):
        CircuitTest.set_time(NOW)
        CircuitTest.set_mock(CensusAPI, CensusMock({"10019": 87_450}))
        leads = list(self.leads())

        rows = {row["id"]: row for row in VirtualLPR.score_leads(leads)}
        shuffled = {row["id"]: row for row in VirtualLPR.score_leads(leads[::-1])}

        assert rows == shuffled


@test
class Disqualified:
    @test("Nobody works on a lead that opted out, competes, or is a test")
    def reasons(self):
        expected = {
            "opted out on all channels": marcus(do_not_contact=True),
            "works for a competitor (leadrank.io)": lead(email="spy@leadrank.io"),
            "test address (mailinator.com)": lead(email="x@mailinator.com"),
        }
        for reason, contact in expected.items():
            score = VirtualLPR.calculate(contact)
            assert (score.total, score.grade, score.reason) == (0, "E", reason)


@test
class Incomes:
    @test("L5 The Census prints incomes in several ways")
    def printed(self):
        printed = {"87,450": 87_450, "250,000+": 250_000, "2,500-": 2_500, "$1": 1, 70450: 70_450}
        unknown = ("-", "", None, "-666666666", "N/A", "0", "**")

        assert {text: parse_income(text) for text in printed} == printed
        assert [parse_income(text) for text in unknown] == [None] * len(unknown)

    @test("The table answers one query for all areas")
    def from_table(self):
        CircuitDB.insert("ZipIncome", [{"zip": "10019", "median_income": "87,450"}, {"zip": "10020", "median_income": "-"}])
        used = CircuitGovernor.get_usage("queries")

        incomes = CensusAPI.get_median_incomes(["10019", "10020", "10019", "99999"])

        assert incomes == {"10019": 87_450}
        assert CensusAPI.get_median_income("10019") == 87_450
        assert CircuitGovernor.get_usage("queries") == used + 2

    @test("L5 Every area of the table has an income or none, never nonsense")
    def every_area(self):
        rows = [{"zip": f"{number:05d}", "median_income": text} for number, text in enumerate(("87,450", "-", "250,000+", "2,500-"))]
        CircuitDB.insert("ZipIncome", rows)

        incomes = CensusAPI.get_median_incomes([row["zip"] for row in rows])

        assert incomes == {"00000": 87_450, "00002": 250_000, "00003": 2_500}

    @test("L6 The live service answers one callout for all areas")
    def from_census(self):
        CircuitTest.set_http_mock(lambda request: [["B19013_001E", "area"], ["87450", "10019"], ["-666666666", "10020"]])
        CensusAPI.LIVE = True

        incomes = CensusAPI.get_median_incomes(["10020", "10019"])

        assert incomes == {"10019": 87_450}
        assert CircuitGovernor.get_usage("callouts") == 1

    @test("L7 When the Census is down leads are scored all the same, and again when it is back")
    def census_down(self):
        CensusAPI.LIVE = True
        contact = marcus(mailing_postal_code="10019")
        for answer in ((503, "<html>down</html>"), (200, "<html>down</html>"), (200, ""), (200, "{}"), (200, "[[]]")):
            CircuitTest.set_http_mock(lambda request, answer=answer: answer)
            score = VirtualLPR.calculate(contact)
            assert (score.total, score.flags) == (72, ("income_unknown",)), answer

        CircuitTest.set_http_mock(lambda request: [["B19013_001E", "area"], ["87450", "10019"]])
        assert VirtualLPR.calculate(contact).total == 78


@test
class Frameworks:
    @test("BANT is validated at three of four")
    def bant(self):
        ready = VirtualLPR.calculate(marcus(title="CEO", annual_revenue=2_000_000))
        unsure = VirtualLPR.calculate(marcus())

        assert Qualification.bant(ready)["validated"]
        assert Qualification.bant(ready)["met"] == 3
        assert not Qualification.bant(unsure)["validated"]

    @test("CHAMP and MEDDIC name what is met")
    def champ_and_meddic(self):
        ready = VirtualLPR.calculate(
            marcus(title="Founder", annual_revenue=2_000_000, timeline_days=20, pricing_page_visited=True, email_clicks=1)
        )

        assert Qualification.champ(ready)["met"] == 4
        assert Qualification.meddic(ready)["met"] == 6
        assert not Qualification.meddic(VirtualLPR.calculate(lead()))["validated"]
