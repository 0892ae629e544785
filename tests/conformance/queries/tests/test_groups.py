from decimal import Decimal

from circuitos import CircuitDB
from circuitos.testing import test, test_setup

# The leads of the guide: 22, by status, source and rating.
LEADS = (
    [("Open", "Web", "Hot")] * 1
    + [("Open", "Phone Inquiry", None)] * 1
    + [("Open", "Partner Referral", "Hot")] * 1
    + [("Open", "Purchased List", None)] * 2
    + [("Contacted", "Web", None)] * 4
    + [("Contacted", "Phone Inquiry", "Warm")] * 1
    + [("Contacted", "Partner Referral", None)] * 3
    + [("Contacted", "Purchased List", "Warm")] * 4
    + [("Qualified", "Web", "Hot")] * 1
    + [("Qualified", "Phone Inquiry", "Hot")] * 1
    + [("Unqualified", "Web", None)] * 1
    + [("Unqualified", "Phone Inquiry", None)] * 1
    + [("Unqualified", "Purchased List", None)] * 1
)


def rows(soql, *columns):
    return [tuple(row[column] for column in columns) for row in CircuitDB.query(soql)]


@test
class Totals:
    @test_setup
    def leads(cls):
        CircuitDB.insert(
            "Lead",
            [
                {
                    "last_name": f"L{place}",
                    "company": "C",
                    "status": status,
                    "lead_source": source,
                    "rating": rating,
                }
                for place, (status, source, rating) in enumerate(LEADS)
            ],
        )

    @test("Q03 ROLLUP of one field adds the grand total after the groups")
    def rollup_one(self):
        found = rows(
            "SELECT lead_source, COUNT(name) cnt FROM Lead GROUP BY ROLLUP(lead_source)", "lead_source", "cnt"
        )
        assert found == [
            ("Partner Referral", 4),
            ("Phone Inquiry", 4),
            ("Purchased List", 7),
            ("Web", 7),
            (None, 22),
        ]

    @test("Q03 ROLLUP of two fields adds a subtotal for each value of the first, and the grand total")
    def rollup_two(self):
        found = rows(
            "SELECT status, lead_source, COUNT(name) cnt FROM Lead GROUP BY ROLLUP(status, lead_source)",
            "status",
            "lead_source",
            "cnt",
        )
        assert found == [
            ("Contacted", "Partner Referral", 3),
            ("Contacted", "Phone Inquiry", 1),
            ("Contacted", "Purchased List", 4),
            ("Contacted", "Web", 4),
            ("Contacted", None, 12),
            ("Open", "Partner Referral", 1),
            ("Open", "Phone Inquiry", 1),
            ("Open", "Purchased List", 2),
            ("Open", "Web", 1),
            ("Open", None, 5),
            ("Qualified", "Phone Inquiry", 1),
            ("Qualified", "Web", 1),
            ("Qualified", None, 2),
            ("Unqualified", "Phone Inquiry", 1),
            ("Unqualified", "Purchased List", 1),
            ("Unqualified", "Web", 1),
            ("Unqualified", None, 3),
            (None, None, 22),
        ]

    @test("Q03 GROUPING tells a subtotal from a group whose value is null")
    def grouping(self):
        found = rows(
            "SELECT lead_source, rating, GROUPING(lead_source) grpLS, GROUPING(rating) grpRating, COUNT(name) cnt "
            "FROM Lead GROUP BY ROLLUP(lead_source, rating)",
            "lead_source",
            "rating",
            "grpLS",
            "grpRating",
            "cnt",
        )
        assert [row for row in found if row[0] == "Web"] == [
            ("Web", None, 0, 0, 5),
            ("Web", "Hot", 0, 0, 2),
            ("Web", None, 0, 1, 7),
        ]
        assert found[-1] == (None, None, 1, 1, 22)
        assert len(found) == 4 + 9 + 1

    @test("Q03 CUBE adds the subtotals of every combination")
    def cube(self):
        found = rows(
            "SELECT status, lead_source, GROUPING(status) grpStatus, GROUPING(lead_source) grpSource, COUNT(id) leads "
            "FROM Lead GROUP BY CUBE(status, lead_source) ORDER BY GROUPING(status), GROUPING(lead_source)",
            "status",
            "lead_source",
            "grpStatus",
            "grpSource",
            "leads",
        )
        assert len(found) == 13 + 4 + 4 + 1
        assert [row[2:4] for row in found] == sorted(row[2:4] for row in found)
        assert sorted(row[4] for row in found if row[2:4] == (0, 1)) == [2, 3, 5, 12]
        assert sorted(row[4] for row in found if row[2:4] == (1, 0)) == [4, 4, 7, 7]
        assert found[-1] == (None, None, 1, 1, 22)

    @test("Q03 three fields make four levels of ROLLUP and eight of CUBE")
    def three(self):
        levels = "GROUPING(status) a, GROUPING(lead_source) b, GROUPING(rating) c"
        for kind, wanted in (("ROLLUP", 4), ("CUBE", 8)):
            found = rows(
                f"SELECT {levels}, COUNT(id) n FROM Lead GROUP BY {kind}(status, lead_source, rating)",
                "a",
                "b",
                "c",
            )
            assert len(set(found)) == wanted

    @test("Q03 totals go through HAVING and LIMIT like other rows")
    def having(self):
        found = rows(
            "SELECT lead_source s, COUNT(id) n FROM Lead GROUP BY ROLLUP(lead_source) HAVING COUNT(id) > 4 "
            "ORDER BY COUNT(id) DESC LIMIT 2",
            "s",
            "n",
        )
        assert found == [(None, 22), ("Purchased List", 7)]

    @test("Q03 ROLLUP over nothing is one total of nothing")
    def nothing(self):
        assert rows(
            "SELECT status s, COUNT(id) n FROM Lead WHERE status = 'x' GROUP BY ROLLUP(status)", "s", "n"
        ) == [(None, 0)]
        assert rows(
            "SELECT status s FROM Lead GROUP BY ROLLUP(status) ORDER BY GROUPING(status) DESC LIMIT 1", "s"
        ) == [(None,)]


@test
class Aggregates:
    @test_setup
    def opportunities(cls):
        account = CircuitDB.insert("Account", [{"name": "Acme"}, {"name": "Beta"}])
        CircuitDB.insert(
            "Opportunity",
            [
                {"name": "A", "stage": "Prospecting", "amount": 10, "account": account[0].id},
                {"name": "A", "stage": "Prospecting", "amount": 30, "account": account[0].id},
                {"name": "B", "stage": "Closed Won", "amount": 2.5, "account": account[1].id},
                {"name": "b", "stage": "Closed Won"},
            ],
        )

    @test("Q04 aggregates without an alias are expr0, expr1, …; those with one are not counted")
    def implied(self):
        row = CircuitDB.query("SELECT name, MAX(amount), MIN(amount) FROM Opportunity GROUP BY name")[0]
        assert (row["name"], row["expr0"], row["expr1"]) == ("A", 30, 10)
        row = CircuitDB.query(
            "SELECT name n, MAX(amount) max, MIN(amount), SUM(amount) FROM Opportunity GROUP BY name"
        )[0]
        assert (row["n"], row["max"], row["expr0"], row["expr1"]) == ("A", 30, 10, 40)
        row = CircuitDB.query("SELECT COUNT(id), COUNT_DISTINCT(account), AVG(amount) FROM Opportunity")[0]
        assert (row.expr0, row.expr1, round(row.get("expr2"), 6)) == (4, 2, Decimal("14.166667"))
        assert CircuitDB.query("SELECT COUNT(id) FROM Opportunity")[0]["expr0"] == 4

    @test("Q04 a parent's field goes by its own name, and texts that differ in case are one group")
    def names(self):
        found = rows("SELECT account.name, COUNT(id) n FROM Opportunity GROUP BY account.name", "name", "n")
        assert found == [(None, 1), ("Acme", 2), ("Beta", 1)]
        assert rows("SELECT name, COUNT(id) n FROM Opportunity GROUP BY name", "n") == [(2,), (2,)]
        assert rows("SELECT COUNT_DISTINCT(name) n FROM Opportunity", "n") == [(2,)]

    @test("Q04 aggregates leave null out; over nothing they are null, and COUNT is 0")
    def nulls(self):
        assert rows("SELECT COUNT(id) a, COUNT(amount) b FROM Opportunity", "a", "b") == [(4, 3)]
        assert rows("SELECT SUM(amount) s, COUNT(id) n FROM Opportunity WHERE name = 'x'", "s", "n") == [(None, 0)]

    @test("Q04 ORDER BY takes aggregates, groups and aliases; HAVING takes all of them with AND, OR and NOT")
    def ordered(self):
        found = rows(
            "SELECT stage, SUM(amount) s FROM Opportunity GROUP BY stage ORDER BY SUM(amount) DESC", "stage", "s"
        )
        assert found == [("Prospecting", 40), ("Closed Won", Decimal("2.5"))]
        assert rows("SELECT stage, SUM(amount) s FROM Opportunity GROUP BY stage ORDER BY s", "stage")[0] == (
            "Closed Won",
        )
        found = rows(
            "SELECT stage FROM Opportunity GROUP BY stage HAVING (SUM(amount) > 5 OR MAX(amount) = null) "
            "AND NOT (stage LIKE 'Closed%') AND COUNT(id) IN (1, 2)",
            "stage",
        )
        assert found == [("Prospecting",)]

    @test("COUNT() counts what LIMIT leaves")
    def counting(self):
        assert CircuitDB.count("SELECT COUNT() FROM Opportunity") == 4
        assert CircuitDB.count("SELECT count() FROM Opportunity WHERE amount > 5 LIMIT 1") == 1
        assert CircuitDB.count("SELECT COUNT() FROM Opportunity LIMIT 3") == 3

    @test("FORMAT and toLabel make texts for people")
    def formats(self):
        row = CircuitDB.query(
            "SELECT FORMAT(amount), FORMAT(close_date) d, toLabel(stage) FROM Opportunity WHERE amount = 2.5"
        )[0]
        assert (row.amount, row.d, row.stage) == ("2.50", None, "Closed Won")
        assert CircuitDB.query("SELECT FORMAT(SUM(amount)) s FROM Opportunity")[0]["s"] == "42.50"
