"""Functions of formulas that no two databases compute alike.

The host and SQLite run the Python here; PostgreSQL runs the SQL beside it, over the arguments `v.a`, `v.b` and
`v.c`. Null in, null out, and null where there is no result: beyond the calendar, or no number at all.
"""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_MOST_DIGITS = 30
_LARGEST_EXPONENT = 700
# As many characters as the longest field holds: replacing can multiply the lengths of two texts.
_LONGEST_TEXT = 131_072
_LONGEST_NUMBER = 60
_CERTAIN_DIGITS = Decimal(9)
_LARGEST_WHOLE = 9_200_000_000_000_000_000
_WIDE = Context(prec=100)
# What is certain of the double precision in which databases compute.
_SHOWN = Context(prec=15)


@dataclass(frozen=True, slots=True)
class FormulaFunction:
    """`python` takes plain values, numbers as Decimal; `takes` names the kinds of its arguments.

    Attributes:
        takes: "number", "text", "day" or "time", for each argument.
        postgresql: SQL over `v.a`, `v.b`, `v.c`; numbers are double precision there.
    """

    name: str
    takes: tuple[str, ...]
    python: Callable[..., Any]
    postgresql: str

    def __call__(self, *arguments: Any) -> Any:
        """The value of plain arguments."""
        if any(argument is None for argument in arguments):
            return None
        try:
            return self.python(*arguments)
        except (ArithmeticError, ValueError):
            return None

    def sql(self, dialect: str, arguments: Sequence[str]) -> str:
        """A call, as SQL. Each argument stands in it once, so that nested calls stay short."""
        if dialect == "sqlite":
            return f"circuit_{self.name}({', '.join(arguments)})"
        named = ", ".join(f"{sql} AS {name}" for name, sql in zip("abc", arguments, strict=False))
        return f"(SELECT {self.postgresql} FROM (SELECT {named} OFFSET 0) v)"

    def of_stored(self, *arguments: Any) -> Any:
        """The value of arguments in storage form, in storage form: SQLite calls this."""
        if any(argument is None for argument in arguments):
            return None
        try:
            plain = [_PLAIN[kind](argument) for kind, argument in zip(self.takes, arguments, strict=True)]
        except (ArithmeticError, ValueError):
            return None
        return _stored(self(*plain))


def register(connection: sqlite3.Connection) -> None:
    """Make the functions known to SQLite, as `circuit_NAME`."""
    for function in FORMULA_FUNCTIONS:
        connection.create_function(
            f"circuit_{function.name}", len(function.takes), function.of_stored, deterministic=True
        )


def _decimal(stored: float) -> Decimal:
    return Decimal(str(stored))


def _moment(stored: float) -> dt.datetime:
    return _EPOCH + dt.timedelta(milliseconds=int(stored))


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "number": _decimal,
    "text": str,
    "day": lambda stored: dt.date.fromisoformat(str(stored)[:10]),
    "time": _moment,
}


def _stored(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case dt.datetime():
            return (value - _EPOCH) // _MILLISECOND
        case dt.date():
            return value.isoformat()
        case _:
            return value


def _round(value: Decimal, digits: Decimal) -> Decimal:
    places = max(-_MOST_DIGITS, min(_MOST_DIGITS, int(digits)))
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_WIDE)


def _fit(value: Decimal, scale: Decimal, whole_digits: Decimal) -> Decimal | None:
    """A number as a field holds it; null where it has too many digits for that."""
    return _round(value, scale) if abs(value) < Decimal(10) ** whole_digits else None


def _mod(value: Decimal, divisor: Decimal) -> Decimal | None:
    return None if divisor == 0 else value % divisor


def _power(base: Decimal, exponent: Decimal) -> Decimal | None:
    """Null where there is no real number, and where it has hundreds of digits: those would take long to find."""
    if base == 0:
        return None if exponent < 0 else Decimal(int(exponent == 0))
    if base < 0 and exponent != int(exponent):
        return None
    if abs(float(exponent) * math.log(abs(base))) > _LARGEST_EXPONENT:
        return None
    return Decimal(str(math.pow(base, exponent)))


def number_text(value: Decimal) -> str:
    """A number without an exponent and without zeros at its end."""
    text = f"{_SHOWN.plus(value):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def moment_text(value: dt.datetime) -> str:
    """A time as Salesforce's TEXT writes it: `2026-01-02 03:04:05Z`."""
    return f"{value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(' ', 'seconds')}Z"


def _value(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER or "_" in text or not text.isascii():
        return None
    number = Decimal(text.strip())
    return number if number.is_finite() and abs(number.adjusted()) < 100 else None


def _left(text: str, count: Decimal) -> str:
    return text[: max(0, int(count))]


def _right(text: str, count: Decimal) -> str:
    return text[max(0, len(text) - max(0, int(count))) :]


def _substitute(text: str, old: str, new: str) -> str | None:
    if not old:
        return text
    length = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if length <= _LONGEST_TEXT else None


def _upper(text: str) -> str:
    """Letter by letter, as databases do: `ß` stays."""
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in text)


def _add_days(day: dt.date, days: Decimal) -> dt.date:
    return day + dt.timedelta(days=int(days))


def _add_time(moment: dt.datetime, days: Decimal) -> dt.datetime:
    return moment + dt.timedelta(milliseconds=round(days * _DAY_MS))


def _day(moment: dt.datetime) -> dt.date:
    return moment.date()


ROUND = FormulaFunction(
    "round",
    ("number", "number"),
    _round,
    f"ROUND(v.a::numeric, TRUNC(GREATEST(LEAST(v.b, {_MOST_DIGITS}), -{_MOST_DIGITS}))::int)::float8",
)
FIT = FormulaFunction(
    "fit",
    ("number", "number", "number"),
    _fit,
    "CASE WHEN ABS(v.a) < POWER(10::float8, v.c) THEN ROUND(v.a::numeric, v.b::int)::float8 END",
)
WHOLE = FormulaFunction(
    "whole",
    ("number",),
    lambda value: whole if abs(whole := int(_round(value, Decimal(0)))) < _LARGEST_WHOLE else None,
    f"CASE WHEN ABS(v.a) < {_LARGEST_WHOLE} THEN ROUND(v.a::numeric)::bigint END",
)
MOD = FormulaFunction(
    "mod", ("number", "number"), _mod, "CASE WHEN v.b <> 0 THEN MOD(v.a::numeric, v.b::numeric)::float8 END"
)
POWER = FormulaFunction(
    "power",
    ("number", "number"),
    _power,
    "CASE WHEN v.a = 0 THEN CASE WHEN v.b > 0 THEN 0 WHEN v.b = 0 THEN 1 END "
    "WHEN v.a < 0 AND v.b <> TRUNC(v.b) THEN NULL "
    f"WHEN ABS(v.b * LN(ABS(v.a))) <= {_LARGEST_EXPONENT} THEN POWER(v.a, v.b) END",
)
# Double precision makes -99.99999999999999 of a hundred thirds.
FLOOR = FormulaFunction(
    "floor",
    ("number",),
    lambda value: Decimal(math.floor(_round(value, _CERTAIN_DIGITS))),
    f"FLOOR(ROUND(v.a::numeric, {_CERTAIN_DIGITS}))::float8",
)
CEILING = FormulaFunction(
    "ceiling",
    ("number",),
    lambda value: Decimal(math.ceil(_round(value, _CERTAIN_DIGITS))),
    f"CEIL(ROUND(v.a::numeric, {_CERTAIN_DIGITS}))::float8",
)
NUMBER_TEXT = FormulaFunction("number_text", ("number",), number_text, "TRIM_SCALE(v.a::numeric)::text")
MOMENT_TEXT = FormulaFunction(
    "moment_text",
    ("time",),
    moment_text,
    "TO_CHAR(TO_TIMESTAMP(v.a / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || 'Z'",
)
VALUE = FormulaFunction(
    "value",
    ("text",),
    _value,
    f"CASE WHEN LENGTH(v.a) <= {_LONGEST_NUMBER} "
    "AND v.a ~ '^\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d\\d?)?\\s*$' THEN v.a::float8 END",
)
LEFT = FormulaFunction(
    "left",
    ("text", "number"),
    _left,
    f"CASE WHEN v.b IS NOT NULL THEN LEFT(v.a, TRUNC(GREATEST(LEAST(v.b, {_LONGEST_TEXT}), 0))::int) END",
)
RIGHT = FormulaFunction(
    "right",
    ("text", "number"),
    _right,
    f"CASE WHEN v.b IS NOT NULL THEN RIGHT(v.a, TRUNC(GREATEST(LEAST(v.b, {_LONGEST_TEXT}), 0))::int) END",
)
SUBSTITUTE = FormulaFunction(
    "substitute",
    ("text", "text", "text"),
    _substitute,
    "CASE WHEN v.c IS NULL THEN NULL WHEN v.b = '' THEN v.a "
    "WHEN LENGTH(v.a) + (LENGTH(v.a) - LENGTH(REPLACE(v.a, v.b, '')))::bigint / LENGTH(v.b) "
    f"* (LENGTH(v.c) - LENGTH(v.b)) <= {_LONGEST_TEXT} THEN REPLACE(v.a, v.b, v.c) END",
)
UPPER = FormulaFunction("upper", ("text",), _upper, 'UPPER(v.a COLLATE "default") COLLATE "C"')
LOWER = FormulaFunction("fold", ("text",), str.lower, 'LOWER(v.a COLLATE "default") COLLATE "C"')
ADD_DAYS = FormulaFunction(
    "add_days",
    ("day", "number"),
    _add_days,
    "CASE WHEN v.a::date - DATE '0001-01-01' + TRUNC(v.b) BETWEEN 0 AND 3652058 "
    "THEN TO_CHAR(v.a::date + TRUNC(v.b)::int, 'YYYY-MM-DD') END",
)
ADD_TIME = FormulaFunction(
    "add_time",
    ("time", "number"),
    _add_time,
    f"CASE WHEN v.a + v.b * {_DAY_MS} BETWEEN -62135596800000 AND 253402300799999 "
    f"THEN ROUND(v.a + v.b * {_DAY_MS})::bigint END",
)
DAY = FormulaFunction(
    "day", ("time",), _day, "TO_CHAR(TO_TIMESTAMP(v.a / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
)
# All but LOWER: queries have `circuit_fold` anyway.
FORMULA_FUNCTIONS = (
    *(ROUND, FIT, WHOLE, MOD, POWER, FLOOR, CEILING, NUMBER_TEXT, MOMENT_TEXT, VALUE),
    *(LEFT, RIGHT, SUBSTITUTE, UPPER, ADD_DAYS, ADD_TIME, DAY),
)
