"""Date literals of SOQL, spans of days that depend on the clock, and the names of its date functions."""

from __future__ import annotations

import datetime as dt
import zoneinfo

PLAIN_LITERALS = frozenset(
    {"YESTERDAY", "TODAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"}
    | {
        f"{when}_{unit}"
        for when in ("LAST", "THIS", "NEXT")
        for unit in ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
    }
)
_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
COUNTED_LITERALS = frozenset(
    name for unit in _UNITS for name in (f"LAST_N_{unit}S", f"NEXT_N_{unit}S", f"N_{unit}S_AGO")
)
DATE_FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH",
        "CALENDAR_QUARTER",
        "CALENDAR_YEAR",
        "DAY_IN_MONTH",
        "DAY_IN_WEEK",
        "DAY_IN_YEAR",
        "DAY_ONLY",
        "FISCAL_MONTH",
        "FISCAL_QUARTER",
        "FISCAL_YEAR",
        "HOUR_IN_DAY",
        "WEEK_IN_MONTH",
        "WEEK_IN_YEAR",
    }
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def span(name: str, count: int, today: dt.date, fiscal_start_month: int) -> tuple[dt.date, dt.date]:
    """First day, and first day after, of a date literal. Weeks begin on Sunday.

    `LAST_N_DAYS:n` holds today and the n days before; all other counted spans leave the current unit out.

    Raises:
        ValueError, OverflowError: it leads beyond the years 1 to 9999.
    """
    day = dt.timedelta(days=1)
    match name:
        case "TODAY":
            return today, today + day
        case "YESTERDAY":
            return today - day, today
        case "TOMORROW":
            return today + day, today + 2 * day
        case "LAST_90_DAYS":
            return today - 90 * day, today + day
        case "NEXT_90_DAYS":
            return today + day, today + 91 * day
        case "LAST_N_DAYS":
            return today - count * day, today + day
        case "NEXT_N_DAYS":
            return today + day, today + (count + 1) * day
    for prefix, first, last in (("LAST_N_", -count, 0), ("NEXT_N_", 1, count + 1), ("N_", -count, -count + 1)):
        if name.startswith(prefix):
            unit = name.removeprefix(prefix).removesuffix("_AGO").removesuffix("S")
            return _begin(unit, today, first, fiscal_start_month), _begin(unit, today, last, fiscal_start_month)
    when, _, unit = name.partition("_")
    offset = {"LAST": -1, "THIS": 0, "NEXT": 1}[when]
    return _begin(unit, today, offset, fiscal_start_month), _begin(unit, today, offset + 1, fiscal_start_month)


def _begin(unit: str, today: dt.date, offset: int, fiscal_start_month: int) -> dt.date:
    """First day of the unit that lies `offset` units from the one of today."""
    match unit:
        case "DAY":
            return today + dt.timedelta(days=offset)
        case "WEEK":
            sunday = today - dt.timedelta(days=(today.weekday() + 1) % 7)
            return sunday + dt.timedelta(weeks=offset)
        case "MONTH":
            return _month(today.year, today.month + offset)
        case "QUARTER":
            return _month(today.year, (today.month - 1) // 3 * 3 + 1 + 3 * offset)
        case "YEAR":
            return dt.date(today.year + offset, 1, 1)
        case "FISCAL_QUARTER":
            months = (today.month - fiscal_start_month) % 12
            return _month(today.year, today.month - months % 3 + 3 * offset)
        case _:
            months = (today.month - fiscal_start_month) % 12
            return _month(today.year, today.month - months + 12 * offset)


def _month(year: int, month: int) -> dt.date:
    """First day of a month that may lie outside 1 to 12."""
    return dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def midnight_ms(day: dt.date, zone: zoneinfo.ZoneInfo) -> int:
    """Milliseconds since 1970 of a day's first moment in a zone."""
    moment = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    return int((moment - _EPOCH).total_seconds() * 1000)
