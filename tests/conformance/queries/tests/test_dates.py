"""Days are those of New York; the fiscal year starts in February (see circuit.toml)."""

import datetime as dt

from circuitos import CircuitDB
from circuitos.testing import CircuitTest, test, test_setup

# The literal, the first and the last of its days, on Thursday 29 February 2024.
SPANS = [
    ("TODAY", "2024-02-29", "2024-02-29"),
    ("YESTERDAY", "2024-02-28", "2024-02-28"),
    ("TOMORROW", "2024-03-01", "2024-03-01"),
    ("LAST_WEEK", "2024-02-18", "2024-02-24"),
    ("THIS_WEEK", "2024-02-25", "2024-03-02"),
    ("NEXT_WEEK", "2024-03-03", "2024-03-09"),
    ("LAST_MONTH", "2024-01-01", "2024-01-31"),
    ("THIS_MONTH", "2024-02-01", "2024-02-29"),
    ("NEXT_MONTH", "2024-03-01", "2024-03-31"),
    ("LAST_90_DAYS", "2023-12-01", "2024-02-29"),
    ("NEXT_90_DAYS", "2024-03-01", "2024-05-29"),
    ("LAST_QUARTER", "2023-10-01", "2023-12-31"),
    ("THIS_QUARTER", "2024-01-01", "2024-03-31"),
    ("NEXT_QUARTER", "2024-04-01", "2024-06-30"),
    ("LAST_YEAR", "2023-01-01", "2023-12-31"),
    ("THIS_YEAR", "2024-01-01", "2024-12-31"),
    ("NEXT_YEAR", "2025-01-01", "2025-12-31"),
    ("LAST_FISCAL_QUARTER", "2023-11-01", "2024-01-31"),
    ("THIS_FISCAL_QUARTER", "2024-02-01", "2024-04-30"),
    ("NEXT_FISCAL_QUARTER", "2024-05-01", "2024-07-31"),
    ("LAST_FISCAL_YEAR", "2023-02-01", "2024-01-31"),
    ("THIS_FISCAL_YEAR", "2024-02-01", "2025-01-31"),
    ("NEXT_FISCAL_YEAR", "2025-02-01", "2026-01-31"),
    ("LAST_N_DAYS:3", "2024-02-26", "2024-02-29"),
    ("NEXT_N_DAYS:3", "2024-03-01", "2024-03-03"),
    ("N_DAYS_AGO:3", "2024-02-26", "2024-02-26"),
    ("LAST_N_WEEKS:2", "2024-02-11", "2024-02-24"),
    ("NEXT_N_WEEKS:2", "2024-03-03", "2024-03-16"),
    ("N_WEEKS_AGO:2", "2024-02-11", "2024-02-17"),
    ("LAST_N_MONTHS:2", "2023-12-01", "2024-01-31"),
    ("NEXT_N_MONTHS:2", "2024-03-01", "2024-04-30"),
    ("N_MONTHS_AGO:2", "2023-12-01", "2023-12-31"),
    ("LAST_N_QUARTERS:2", "2023-07-01", "2023-12-31"),
    ("NEXT_N_QUARTERS:2", "2024-04-01", "2024-09-30"),
    ("N_QUARTERS_AGO:2", "2023-07-01", "2023-09-30"),
    ("LAST_N_YEARS:2", "2022-01-01", "2023-12-31"),
    ("NEXT_N_YEARS:2", "2025-01-01", "2026-12-31"),
    ("N_YEARS_AGO:2", "2022-01-01", "2022-12-31"),
    ("LAST_N_FISCAL_QUARTERS:2", "2023-08-01", "2024-01-31"),
    ("NEXT_N_FISCAL_QUARTERS:2", "2024-05-01", "2024-10-31"),
    ("N_FISCAL_QUARTERS_AGO:2", "2023-08-01", "2023-10-31"),
    ("LAST_N_FISCAL_YEARS:2", "2022-02-01", "2024-01-31"),
    ("NEXT_N_FISCAL_YEARS:2", "2025-02-01", "2027-01-31"),
    ("N_FISCAL_YEARS_AGO:2", "2022-02-01", "2023-01-31"),
]
DAY = dt.timedelta(days=1)


def utc(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


def names(condition):
    return [record.name for record in CircuitDB.query(f"SELECT name FROM Node WHERE {condition} ORDER BY name")]


@test
class DateLiterals:
    @test("Q02 every date literal holds exactly its days, on a leap day")
    def spans(self):
        days = sorted(
            {
                day
                for _literal, first, last in SPANS
                for edge in (first, last)
                for day in (
                    dt.date.fromisoformat(edge) - DAY,
                    dt.date.fromisoformat(edge),
                    dt.date.fromisoformat(edge) + DAY,
                )
            }
        )
        CircuitDB.insert("Node", [{"name": day.isoformat(), "on_day": day} for day in days])
        CircuitTest.set_time(utc(2024, 2, 29, 17))
        for literal, first, last in SPANS:
            wanted = [day.isoformat() for day in days if first <= day.isoformat() <= last]
            assert names(f"on_day = {literal}") == wanted, literal
        assert names("on_day < THIS_MONTH") == [str(day) for day in days if day < dt.date(2024, 2, 1)]
        assert names("on_day <= THIS_MONTH") == [str(day) for day in days if day <= dt.date(2024, 2, 29)]
        assert names("on_day > THIS_MONTH") == [str(day) for day in days if day > dt.date(2024, 2, 29)]
        assert names("on_day >= THIS_MONTH") == [str(day) for day in days if day >= dt.date(2024, 2, 1)]
        assert len(names("on_day != THIS_MONTH")) == len(days) - len(names("on_day = THIS_MONTH"))

    @test("Q02 a day begins at the user's midnight, whatever the date is in UTC")
    def midnight(self):
        CircuitDB.insert(
            "Node",
            [
                {"name": "last second", "at": utc(2025, 6, 11, 3, 59, 59)},
                {"name": "midnight", "at": utc(2025, 6, 11, 4)},
                {"name": "next midnight", "at": utc(2025, 6, 12, 4)},
            ],
        )
        CircuitTest.set_time(utc(2025, 6, 12, 3, 59))
        assert names("at = TODAY") == ["midnight"]
        assert names("at = YESTERDAY") == ["last second"]
        assert names("at = TOMORROW") == ["next midnight"]
        CircuitTest.set_time(utc(2025, 6, 12, 4))
        assert names("at = TODAY") == ["next midnight"]

    @test("Q02 days of 23 and 25 hours, when the clocks change")
    def daylight_saving(self):
        CircuitDB.insert(
            "Node",
            [
                {"name": "spring first", "at": utc(2025, 3, 9, 5)},
                {"name": "spring last", "at": utc(2025, 3, 10, 3, 59, 59)},
                {"name": "spring after", "at": utc(2025, 3, 10, 4)},
                {"name": "autumn first", "at": utc(2025, 11, 2, 4)},
                {"name": "autumn last", "at": utc(2025, 11, 3, 4, 59, 59)},
                {"name": "autumn after", "at": utc(2025, 11, 3, 5)},
            ],
        )
        CircuitTest.set_time(utc(2025, 3, 9, 12))
        assert names("at = TODAY") == ["spring first", "spring last"]
        CircuitTest.set_time(utc(2025, 11, 2, 12))
        assert names("at = TODAY") == ["autumn first", "autumn last"]

    @test("Q02 the ends of months and of years, calendar and fiscal")
    def ends(self):
        CircuitDB.insert(
            "Node",
            [
                {"name": str(day), "on_day": day}
                for day in (
                    dt.date(2024, 12, 31),
                    dt.date(2025, 1, 1),
                    dt.date(2025, 1, 31),
                    dt.date(2025, 2, 1),
                    dt.date(2026, 1, 31),
                )
            ],
        )
        CircuitTest.set_time(utc(2025, 1, 1, 4, 59))
        assert names("on_day = TODAY") == ["2024-12-31"]
        assert names("on_day = NEXT_YEAR") == ["2025-01-01", "2025-01-31", "2025-02-01"]
        assert names("on_day = THIS_FISCAL_YEAR") == ["2024-12-31", "2025-01-01", "2025-01-31"]
        CircuitTest.set_time(utc(2025, 2, 1, 5))
        assert names("on_day = THIS_FISCAL_YEAR") == ["2025-02-01", "2026-01-31"]
        assert names("on_day = LAST_MONTH") == ["2025-01-01", "2025-01-31"]

    @test("Q02 date literals stand in lists too")
    def lists(self):
        CircuitDB.insert(
            "Node",
            [
                {"name": str(day), "on_day": day}
                for day in (dt.date(2025, 6, 10), dt.date(2025, 6, 11), dt.date(2025, 6, 12))
            ],
        )
        CircuitTest.set_time(utc(2025, 6, 12, 12))
        assert names("on_day IN (TODAY, 2025-06-10)") == ["2025-06-10", "2025-06-12"]
        assert names("on_day NOT IN (TODAY, 2025-06-10)") == ["2025-06-11"]

    @test("Q02 formulas have the transaction's clock and the user's day")
    def formulas(self):
        CircuitDB.insert("Node", {"name": "n", "on_day": dt.date(2024, 2, 28)})
        CircuitTest.set_time(utc(2024, 3, 1, 3))
        row = CircuitDB.query_one("SELECT age_days, next_day FROM Node")
        assert (row.age_days, row.next_day) == (1, dt.date(2024, 2, 29))
        assert names("age_days = 1") == ["n"]
        assert names("FORMULA('on_day + 1') = TODAY") == ["n"]


# 31 December 2024, 21:30 in New York, is the first of January in UTC.
FUNCTIONS = {
    "CALENDAR_MONTH": (1, 12),
    "CALENDAR_QUARTER": (1, 4),
    "CALENDAR_YEAR": (2025, 2024),
    "DAY_IN_MONTH": (1, 31),
    "DAY_IN_WEEK": (4, 3),
    "DAY_IN_YEAR": (1, 366),
    "DAY_ONLY": (dt.date(2025, 1, 1), dt.date(2024, 12, 31)),
    "FISCAL_MONTH": (12, 11),
    "FISCAL_QUARTER": (4, 4),
    "FISCAL_YEAR": (2025, 2025),
    "HOUR_IN_DAY": (2, 21),
    "WEEK_IN_MONTH": (1, 5),
    "WEEK_IN_YEAR": (1, 53),
}


@test
class DateFunctions:
    @test_setup
    def rows(cls):
        CircuitDB.insert(
            "Node",
            [
                {"name": "n", "at": utc(2025, 1, 1, 2, 30), "on_day": dt.date(2024, 2, 29)},
                {"name": "null"},
            ],
        )

    @test("Q02 date functions read times in UTC, and in the user's zone with convertTimezone")
    def zones(self):
        for function, (in_utc, in_zone) in FUNCTIONS.items():
            for argument, wanted in (("at", in_utc), ("convertTimezone(at)", in_zone)):
                rows = CircuitDB.query(
                    f"SELECT {function}({argument}), COUNT(id) n FROM Node WHERE at != null GROUP BY {function}({argument})"
                )
                assert [(row["expr0"], row["n"]) for row in rows] == [(wanted, 1)], (function, argument)

    @test("Q02 date functions stand in conditions, and are null for null")
    def conditions(self):
        assert names("CALENDAR_YEAR(on_day) = 2024 AND DAY_IN_MONTH(on_day) = 29") == ["n"]
        assert names("FISCAL_QUARTER(on_day) IN (1, 2)") == ["n"]
        assert names("FISCAL_YEAR(on_day) = 2025") == ["n"]
        assert names("DAY_ONLY(at) = 2025-01-01") == ["n"]
        assert names("DAY_ONLY(convertTimezone(at)) = 2024-12-31") == ["n"]
        assert names("CALENDAR_MONTH(on_day) = null") == ["null"]
        assert names("CALENDAR_MONTH(on_day) != 3") == ["n", "null"]


@test
class SetTime:
    @test("Q02 what is saved after set_time carries exactly that time")
    def saved(self):
        moment = utc(2024, 2, 29, 17)
        CircuitTest.set_time(moment)
        for name in ("a", "b"):
            CircuitTest.create("Contact", last_name=name)
        saved = CircuitDB.query("SELECT created_at, modified_at FROM Contact WHERE last_name IN ('a', 'b')")
        assert [(row.created_at, row.modified_at) for row in saved] == [(moment, moment)] * 2
