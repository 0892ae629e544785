"""Date functions of queries, for the database that has none of its own."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from functools import lru_cache

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def date_part(function: str, value: int | str | None, zone_name: str, fiscal_start_month: int) -> int | str | None:
    """A date function of a stored date (ISO text) or datetime (milliseconds, read in the zone)."""
    if value is None:
        return None
    if isinstance(value, str):
        day, hour = dt.date.fromisoformat(value[:10]), 0
    else:
        moment = (_EPOCH + dt.timedelta(milliseconds=value)).astimezone(_zone(zone_name))
        day, hour = moment.date(), moment.hour
    fiscal_month = (day.month - fiscal_start_month) % 12 + 1
    match function:
        case "CALENDAR_MONTH":
            return day.month
        case "CALENDAR_QUARTER":
            return (day.month - 1) // 3 + 1
        case "CALENDAR_YEAR":
            return day.year
        case "DAY_IN_MONTH":
            return day.day
        case "DAY_IN_WEEK":
            return day.isoweekday() % 7 + 1
        case "DAY_IN_YEAR":
            return day.timetuple().tm_yday
        case "DAY_ONLY":
            return day.isoformat()
        case "FISCAL_MONTH":
            return fiscal_month
        case "FISCAL_QUARTER":
            return (fiscal_month - 1) // 3 + 1
        case "FISCAL_YEAR":
            # A fiscal year is named after the year in which it ends.
            return day.year + (fiscal_start_month > 1 and day.month >= fiscal_start_month)
        case "HOUR_IN_DAY":
            return hour
        case "WEEK_IN_MONTH":
            return (day.day - 1) // 7 + 1
        case _:
            return (day.timetuple().tm_yday - 1) // 7 + 1


@lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)
