import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuit_runtime.soql.dates import midnight_ms, span
from circuit_runtime.store.calendar import date_part

DAY = dt.timedelta(days=1)
days = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
months = st.integers(1, 12)
UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")


@given(today=days, start=months, unit=st.sampled_from(UNITS))
def test_last_this_and_next_lie_side_by_side_around_today(today: dt.date, start: int, unit: str) -> None:
    last, this, following = (span(f"{when}_{unit}", 0, today, start) for when in ("LAST", "THIS", "NEXT"))

    assert last[1] == this[0]
    assert this[0] <= today < this[1]
    assert this[1] == following[0]


@given(today=days, start=months, unit=st.sampled_from(UNITS), count=st.integers(1, 9))
def test_counted_spans_are_made_of_single_ones(today: dt.date, start: int, unit: str, count: int) -> None:
    this = span(f"THIS_{unit}", 0, today, start)
    before = span(f"LAST_N_{unit}S", count, today, start)
    after = span(f"NEXT_N_{unit}S", count, today, start)
    ago = span(f"N_{unit}S_AGO", count, today, start)

    assert before[1] == this[0]
    assert after[0] == this[1]
    assert ago[0] == before[0]
    assert count == 1 or ago[1] == span(f"LAST_N_{unit}S", count - 1, today, start)[0]


@given(today=days, start=months, count=st.integers(0, 400))
def test_spans_of_days_have_the_documented_length(today: dt.date, start: int, count: int) -> None:
    assert span("LAST_N_DAYS", count, today, start) == (today - count * DAY, today + DAY)
    assert span("NEXT_N_DAYS", count, today, start) == (today + DAY, today + (count + 1) * DAY)
    assert span("N_DAYS_AGO", count, today, start) == (today - count * DAY, today - (count - 1) * DAY)


@given(today=days, start=months)
def test_a_fiscal_year_begins_in_its_month_and_has_four_quarters(today: dt.date, start: int) -> None:
    first, end = span("THIS_FISCAL_YEAR", 0, today, start)
    quarters = [first]
    while quarters[-1] < end:
        quarters.append(span("THIS_FISCAL_QUARTER", 0, quarters[-1], start)[1])

    assert (first.month, first.day, (end.month, end.day)) == (start, 1, (start, 1))
    assert len(quarters) == 5
    assert quarters[-1] == end


@given(day=days, start=months)
def test_date_functions_agree_with_the_literals(day: dt.date, start: int) -> None:
    def part(function: str, of: dt.date) -> object:
        return date_part(function, of.isoformat(), "UTC", start)

    for unit in ("QUARTER", "YEAR"):
        first, end = span(f"THIS_FISCAL_{unit}", 0, day, start)
        inside = {part(f"FISCAL_{unit}", each) for each in (first, day, end - DAY)}
        assert len(inside) == 1
        assert part(f"FISCAL_{unit}", end) not in inside
    assert part("FISCAL_YEAR", day) == (span("THIS_FISCAL_YEAR", 0, day, start)[1] - DAY).year
    assert part("FISCAL_MONTH", day) == (day.month - start) % 12 + 1


@pytest.mark.parametrize(
    ("zone", "day", "utc"),
    [
        ("America/New_York", dt.date(2025, 3, 9), "2025-03-09T05:00:00"),
        ("America/New_York", dt.date(2025, 3, 10), "2025-03-10T04:00:00"),
        ("Europe/Vienna", dt.date(2025, 10, 26), "2025-10-25T22:00:00"),
        ("Europe/Vienna", dt.date(2025, 10, 27), "2025-10-26T23:00:00"),
        ("Asia/Kathmandu", dt.date(2024, 2, 29), "2024-02-28T18:15:00"),
        # The clocks went from midnight to one o'clock: the day's first moment is one o'clock.
        ("America/Sao_Paulo", dt.date(2018, 11, 4), "2018-11-04T03:00:00"),
    ],
)
def test_a_day_begins_at_its_first_moment_in_the_zone(zone: str, day: dt.date, utc: str) -> None:
    moment = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)

    assert midnight_ms(day, zoneinfo.ZoneInfo(zone)) == int(moment.timestamp() * 1000)
