"""Functions and operators of the expression language: what they give in Python, and what they are in SQL.

Null in, null out, unless said otherwise. Texts compare in any case, as in queries.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from circuit_runtime.store.patterns import fits
from circuit_runtime.store.session import Dialect

SqlText = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Function:
    """`sql` takes the dialect and the SQL of each argument."""

    fewest: int
    most: int
    evaluate: Callable[..., Any]
    sql: SqlText


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Null in, null out."""

    def evaluate(*arguments: Any) -> Any:
        return None if any(argument is None for argument in arguments) else function(*arguments)

    return evaluate


def _infix(sign: str) -> SqlText:
    return lambda _dialect, left, right: f"({left} {sign} {right})"


def _number(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, dt.date) and isinstance(right, int | float | Decimal):
        return left + dt.timedelta(days=float(right))
    return _number(left) + _number(right)


def _minus(left: Any, right: Any) -> Any:
    if isinstance(left, dt.date) and isinstance(right, dt.date):
        return _days_between(left, right)
    if isinstance(left, dt.date):
        return left - dt.timedelta(days=float(right))
    return _number(left) - _number(right)


def _days_between(left: dt.date, right: dt.date) -> Any:
    if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
        return (left - right).total_seconds() / 86_400
    plain_left = left.date() if isinstance(left, dt.datetime) else left
    plain_right = right.date() if isinstance(right, dt.datetime) else right
    return (plain_left - plain_right).days


def _divide(left: Any, right: Any) -> Any:
    return None if right == 0 else Decimal(str(left)) / Decimal(str(right))


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def compare(sign: str, left: Any, right: Any) -> bool:
    """Compare two plain values; with null only `=` and `<>` can be true."""
    left, right = _folded(left), _folded(right)
    if sign in ("=", "<>"):
        return bool(left == right) == (sign == "=")
    if left is None or right is None:
        return False
    if isinstance(left, dt.datetime) != isinstance(right, dt.datetime):
        left, right = (item.date() if isinstance(item, dt.datetime) else item for item in (left, right))
    try:
        return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])
    except TypeError:
        return False


def _comparison(sign: str) -> Function:
    def sql(dialect: Dialect, left: str, right: str) -> str:
        if sign in ("=", "<>"):
            is_same = {"sqlite": "IS", "postgresql": "IS NOT DISTINCT FROM"}[dialect]
            differs = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}[dialect]
            return f"({left} {is_same if sign == '=' else differs} {right})"
        return f"({left} {sign} {right})"

    return Function(2, 2, lambda left, right: compare(sign, left, right), sql)


def text_of(value: Any) -> str:
    """A value as text; null is empty."""
    if type(value) is str:
        return value
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case _:
            return str(value)


def concatenate(left: Any, right: Any) -> str:
    return text_of(left) + text_of(right)


def _round(value: Any, digits: Any) -> Any:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-int(digits)), rounding=ROUND_HALF_UP)


def _value_of(text: Any) -> Any:
    try:
        return Decimal(str(text).strip())
    except InvalidOperation:
        return None


def _case(*arguments: Any) -> Any:
    subject, *pairs = arguments
    for index in range(0, len(pairs) - 1, 2):
        if compare("=", subject, pairs[index]):
            return pairs[index + 1]
    return pairs[-1] if len(pairs) % 2 else None


def _case_sql(dialect: Dialect, subject: str, *pairs: str) -> str:
    same = "IS" if dialect == "sqlite" else "IS NOT DISTINCT FROM"
    whens = " ".join(f"WHEN {subject} {same} {pairs[i]} THEN {pairs[i + 1]}" for i in range(0, len(pairs) - 1, 2))
    return f"CASE {whens} ELSE {pairs[-1] if len(pairs) % 2 else 'NULL'} END"


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or value == []


def _includes(value: Any, item: Any) -> bool:
    return value is not None and _folded(item) in [_folded(each) for each in value]


def _part(name: str, evaluate: Callable[[Any], int]) -> Function:
    def sql(dialect: Dialect, value: str) -> str:
        length = {"YEAR": (1, 4), "MONTH": (6, 2), "DAY": (9, 2)}[name]
        cut = f"substr({value}, {length[0]}, {length[1]})"
        return f"CAST({cut} AS INTEGER)"

    return Function(1, 1, _strict(evaluate), sql)


def _least(sqlite: str, postgresql: str) -> SqlText:
    def sql(dialect: Dialect, *parts: str) -> str:
        if dialect == "sqlite":
            return f"{sqlite}({', '.join(parts)})"
        # PostgreSQL's pass over nulls.
        is_null = " OR ".join(f"{part} IS NULL" for part in parts)
        return f"(CASE WHEN NOT ({is_null}) THEN {postgresql}({', '.join(parts)}) END)"

    return sql


def _call(name: str) -> SqlText:
    return lambda _dialect, *parts: f"{name}({', '.join(parts)})"


def _truth(dialect: Dialect, condition: str) -> str:
    return f"({condition})" if dialect == "sqlite" else f"COALESCE({condition}, FALSE)"


FUNCTIONS: dict[str, Function] = {
    "+": Function(2, 2, _strict(_plus), _infix("+")),
    "-": Function(2, 2, _strict(_minus), _infix("-")),
    "*": Function(2, 2, _strict(lambda a, b: _number(a) * _number(b)), _infix("*")),
    "/": Function(2, 2, _strict(_divide), lambda _d, a, b: f"(CAST({a} AS DOUBLE PRECISION) / NULLIF({b}, 0))"),
    "^": Function(2, 2, _strict(lambda a, b: _number(a) ** _number(b)), _call("power")),
    "NEGATIVE": Function(1, 1, _strict(lambda a: -a), lambda _d, a: f"(-{a})"),
    "&": Function(
        2, 2, concatenate, lambda _d, a, b: f"(COALESCE(CAST({a} AS TEXT), '') || COALESCE(CAST({b} AS TEXT), ''))"
    ),
    "=": _comparison("="),
    "<>": _comparison("<>"),
    "<": _comparison("<"),
    "<=": _comparison("<="),
    ">": _comparison(">"),
    ">=": _comparison(">="),
    "NOT": Function(1, 1, lambda a: a is not True, lambda d, a: f"(NOT {_truth(d, a)})"),
    "ISBLANK": Function(1, 1, _is_blank, lambda _d, a: f"(COALESCE(CAST({a} AS TEXT), '') = '')"),
    "ISNULL": Function(1, 1, _is_blank, lambda _d, a: f"(COALESCE(CAST({a} AS TEXT), '') = '')"),
    "BLANKVALUE": Function(
        2,
        2,
        lambda a, b: b if _is_blank(a) else a,
        lambda _d, a, b: f"CASE WHEN COALESCE(CAST({a} AS TEXT), '') = '' THEN {b} ELSE {a} END",
    ),
    "NULLVALUE": Function(2, 2, lambda a, b: b if a is None else a, _call("COALESCE")),
    "LEN": Function(1, 1, lambda a: len(text_of(a)), lambda _d, a: f"length(COALESCE({a}, ''))"),
    "TRIM": Function(1, 1, _strict(lambda a: text_of(a).strip(" ")), _call("trim")),
    "UPPER": Function(1, 1, _strict(lambda a: text_of(a).upper()), _call("upper")),
    "LOWER": Function(1, 1, _strict(lambda a: text_of(a).lower()), _call("lower")),
    "LEFT": Function(2, 2, _strict(lambda a, n: text_of(a)[: int(n)]), lambda _d, a, n: f"substr({a}, 1, {n})"),
    "RIGHT": Function(
        2,
        2,
        _strict(lambda a, n: text_of(a)[-int(n) :] if n > 0 else ""),
        lambda _d, a, n: (
            f"CASE WHEN {n} > 0 THEN substr({a}, CASE WHEN length({a}) > {n} "
            f"THEN length({a}) - {n} + 1 ELSE 1 END) ELSE '' END"
        ),
    ),
    "CONTAINS": Function(
        2,
        2,
        lambda a, b: _folded(text_of(b)) in _folded(text_of(a)),
        lambda d, a, b: (
            f"(instr(lower({a}), lower({b})) > 0)" if d == "sqlite" else f"(strpos(lower({a}), lower({b})) > 0)"
        ),
    ),
    "BEGINS": Function(
        2,
        2,
        lambda a, b: _folded(text_of(a)).startswith(_folded(text_of(b))),
        lambda _d, a, b: f"(substr(lower({a}), 1, length({b})) = lower({b}))",
    ),
    "SUBSTITUTE": Function(3, 3, _strict(lambda a, b, c: text_of(a).replace(b, c)), _call("replace")),
    "TEXT": Function(1, 1, lambda a: text_of(a), lambda _d, a: f"COALESCE(CAST({a} AS TEXT), '')"),
    "VALUE": Function(1, 1, _strict(_value_of), lambda _d, a: f"CAST({a} AS DOUBLE PRECISION)"),
    "ROUND": Function(
        2,
        2,
        _strict(_round),
        lambda d, a, n: f"round({a}, {n})" if d == "sqlite" else f"round(CAST({a} AS NUMERIC), {n})",
    ),
    "ABS": Function(1, 1, _strict(abs), _call("abs")),
    # SQLAlchemy puts a floor of its own into SQLite, which fails on null.
    "FLOOR": Function(1, 1, _strict(math.floor), lambda _d, a: f"(CASE WHEN {a} IS NOT NULL THEN floor({a}) END)"),
    "CEILING": Function(1, 1, _strict(math.ceil), _call("ceil")),
    "MIN": Function(1, 99, _strict(min), _least("min", "least")),
    "MAX": Function(1, 99, _strict(max), _least("max", "greatest")),
    "MOD": Function(2, 2, _strict(lambda a, b: None if b == 0 else _number(a) % _number(b)), _call("mod")),
    "YEAR": _part("YEAR", lambda value: value.year),
    "MONTH": _part("MONTH", lambda value: value.month),
    "DAY": _part("DAY", lambda value: value.day),
    "CASE": Function(3, 99, _case, _case_sql),
    "REGEX": Function(
        2,
        2,
        lambda a, b: fits(text_of(a), b),
        lambda d, a, b: f"circuit_regex({a}, {b})" if d == "sqlite" else f"({a} ~ ('^(' || {b} || ')$'))",
    ),
    "ISPICKVAL": Function(
        2, 2, lambda a, b: compare("=", a, b), lambda _d, a, b: f"(lower(COALESCE({a}, '')) = lower({b}))"
    ),
    "INCLUDES": Function(
        2,
        2,
        _includes,
        lambda d, a, b: (
            f"({'instr' if d == 'sqlite' else 'strpos'}(';' || lower({a}) || ';', ';' || lower({b}) || ';') > 0)"
        ),
    ),
}
