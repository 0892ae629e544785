"""Functions and operators of the expression language: what they give in Python, and what they are in SQL.

Null in, null out, unless said otherwise. Texts compare in any case, as in queries; an empty text equals null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from circuit_runtime.soql.formula_types import Shape, cases
from circuit_runtime.store import formula_functions as ff
from circuit_runtime.store.formula_functions import FormulaFunction
from circuit_runtime.store.patterns import fits
from circuit_runtime.store.session import Dialect

_EQUAL_DIGITS = 9
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """An argument as SQL.

    Attributes:
        is_computed: it is no column and no literal.
        is_real: it is a number in double precision for certain.
    """

    sql: str
    shape: Shape
    is_computed: bool = False
    is_real: bool = False


SqlText = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Function:
    """`evaluate` takes plain values, numbers as Decimal; `sql` takes the dialect and the arguments as `Part`s."""

    evaluate: Callable[..., Any]
    sql: SqlText


# ------------------------------------------------------------------------------------------- arguments


def number_sql(dialect: Dialect, part: Part) -> str:
    """Numbers are computed in double precision."""
    if part.is_real:
        return part.sql
    return f"CAST({part.sql} AS REAL)" if dialect == "sqlite" else f"({part.sql})::float8"


def text_sql(dialect: Dialect, part: Part) -> str:
    """A value as TEXT() writes it; null stays null."""
    match part.shape:
        case Shape.NUMBER:
            return ff.NUMBER_TEXT.sql(dialect, [number_sql(dialect, part)])
        case Shape.TRUTH:
            return f"CASE WHEN {part.sql} THEN 'true' ELSE 'false' END"
        case Shape.TIME:
            return ff.MOMENT_TEXT.sql(dialect, [part.sql])
        case Shape.NOTHING:
            return "CAST(NULL AS TEXT)"
        case _:
            return part.sql if dialect == "sqlite" else f"({part.sql})::text"


def text_of(value: Any) -> str | None:
    """A value as text; null stays null."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return ff.moment_text(value)
        case dt.date():
            return value.isoformat()
        case _:
            return ff.number_text(Decimal(value))


def _typed_sql(dialect: Dialect, part: Part) -> str:
    match part.shape:
        case Shape.NUMBER | Shape.NOTHING:
            return number_sql(dialect, part)
        case Shape.TIME:
            return part.sql
        case _:
            return text_sql(dialect, part)


def truth_sql(dialect: Dialect, condition: str) -> str:
    """Unknown is false."""
    return f"COALESCE({condition}, {'0' if dialect == 'sqlite' else 'FALSE'})"


def _filled_text(dialect: Dialect, part: Part) -> str:
    return f"COALESCE({text_sql(dialect, part)}, '')"


def _folded_text(dialect: Dialect, part: Part) -> str:
    return ff.LOWER.sql(dialect, [_filled_text(dialect, part)])


def _folded(value: Any) -> str:
    return (text_of(value) or "").lower()


def _day_sql(dialect: Dialect, part: Part) -> str:
    return ff.DAY.sql(dialect, [part.sql]) if part.shape is Shape.TIME else part.sql


def _day_of(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


# ------------------------------------------------------------------------------------------- kinds of functions


def _of_numbers(function: FormulaFunction) -> Function:
    return Function(
        function, lambda dialect, *parts: function.sql(dialect, [number_sql(dialect, part) for part in parts])
    )


def _of_texts(function: FormulaFunction) -> Function:
    """Its first arguments are texts, those that it takes as numbers are numbers."""

    def evaluate(*values: Any) -> Any:
        return function(
            *(
                text_of(value) if kind == "text" else value
                for kind, value in zip(function.takes, values, strict=True)
            )
        )

    def sql(dialect: Dialect, *parts: Part) -> str:
        return function.sql(
            dialect,
            [
                text_sql(dialect, part) if kind == "text" else number_sql(dialect, part)
                for kind, part in zip(function.takes, parts, strict=True)
            ],
        )

    return Function(evaluate, sql)


def _arithmetic(sign: str, compute: Callable[[Decimal, Decimal], Decimal]) -> Function:
    def evaluate(left: Any, right: Any) -> Any:
        return None if left is None or right is None else computed(lambda: compute(left, right))

    return Function(
        evaluate, lambda dialect, *parts: f"({f' {sign} '.join(number_sql(dialect, part) for part in parts)})"
    )


def computed(compute: Callable[[], Any]) -> Any:
    """A figure; null where there is none that a number could hold."""
    try:
        return compute()
    except (ArithmeticError, ValueError):
        return None


# ------------------------------------------------------------------------------------------- sums


def _plus(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    match left:
        case str():
            return left + right
        case dt.datetime():
            return ff.ADD_TIME(left, right)
        case dt.date():
            return ff.ADD_DAYS(left, right)
        case _:
            return computed(lambda: left + right)


def _minus(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if not isinstance(left, dt.date):
        return computed(lambda: left - right)
    if not isinstance(right, dt.date):
        return _plus(left, -right)
    if isinstance(left, dt.datetime) and isinstance(right, dt.datetime):
        return Decimal(str((left - right) / _ONE_DAY))
    return Decimal((_day_of(left) - _day_of(right)).days)


def _sum_sql(sign: str) -> SqlText:
    def sql(dialect: Dialect, left: Part, right: Part) -> str:
        match left.shape:
            case Shape.DAY | Shape.TIME if right.shape in (Shape.DAY, Shape.TIME):
                return _difference_sql(dialect, left, right)
            case Shape.DAY | Shape.TIME:
                days = number_sql(dialect, right)
                add = ff.ADD_TIME if left.shape is Shape.TIME else ff.ADD_DAYS
                return add.sql(dialect, [left.sql, days if sign == "+" else f"(-{days})"])
            case _ if Shape.TEXT in (left.shape, right.shape):
                return f"({text_sql(dialect, left)} || {text_sql(dialect, right)})"
            case _:
                return f"({number_sql(dialect, left)} {sign} {number_sql(dialect, right)})"

    return sql


def _difference_sql(dialect: Dialect, left: Part, right: Part) -> str:
    if left.shape is right.shape is Shape.TIME:
        return f"(CAST({left.sql} - {right.sql} AS DOUBLE PRECISION) / 86400000)"
    first, second = _day_sql(dialect, left), _day_sql(dialect, right)
    if dialect == "sqlite":
        return f"(julianday({first}) - julianday({second}))"
    return f"(({first})::date - ({second})::date)::float8"


# ------------------------------------------------------------------------------------------- comparisons


def compare(sign: str, left: Any, right: Any) -> bool:
    """Compare two plain values; with null only `=` and `<>` can be true."""
    left, right = _comparable(left), _comparable(right)
    if isinstance(left, bool) or isinstance(right, bool):
        left, right = bool(left), bool(right)
    if isinstance(left, dt.date) and isinstance(right, dt.date) and type(left) is not type(right):
        left, right = _day_of(left), _day_of(right)
    match sign:
        case "=":
            return bool(left == right)
        case "<>":
            return bool(left != right)
    if left is None or right is None:
        return False
    match sign:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _comparable(value: Any) -> Any:
    match value:
        case str():
            return value.lower() or None
        case Decimal() if value.is_finite() and -int(value.as_tuple().exponent) > _EQUAL_DIGITS:
            return ff.ROUND(value, Decimal(_EQUAL_DIGITS))
        case _:
            return value


def _comparison(sign: str) -> Function:
    def sql(dialect: Dialect, left: Part, right: Part) -> str:
        if Shape.TRUTH in (left.shape, right.shape):
            sides = [truth_sql(dialect, part.sql) for part in (left, right)]
        else:
            mixed = {left.shape, right.shape} == {Shape.DAY, Shape.TIME}
            sides = [_compared_sql(dialect, part, as_day=mixed) for part in (left, right)]
        if sign == "=":
            return f"({sides[0]} {'IS' if dialect == 'sqlite' else 'IS NOT DISTINCT FROM'} {sides[1]})"
        if sign == "<>":
            return f"({sides[0]} {'IS NOT' if dialect == 'sqlite' else 'IS DISTINCT FROM'} {sides[1]})"
        return truth_sql(dialect, f"{sides[0]} {sign} {sides[1]}")

    return Function(lambda left, right: compare(sign, left, right), sql)


def _compared_sql(dialect: Dialect, part: Part, *, as_day: bool) -> str:
    match part.shape:
        case Shape.TEXT:
            return f"NULLIF({ff.LOWER.sql(dialect, [part.sql])}, '')"
        case Shape.NUMBER if part.is_computed:
            return ff.ROUND.sql(dialect, [number_sql(dialect, part), str(_EQUAL_DIGITS)])
        case _:
            return _day_sql(dialect, part) if as_day else part.sql


# ------------------------------------------------------------------------------------------- choices


def _case(*arguments: Any) -> Any:
    pairs, default = cases(arguments)
    return next(
        (result for match, result in pairs if compare("=", arguments[0], match)), default[0] if default else None
    )


def _case_sql(dialect: Dialect, *parts: Part) -> str:
    """A subject that has to be computed is so once."""
    subject = replace(parts[0], sql="v.s") if parts[0].is_computed else parts[0]
    pairs, default = cases(parts)
    whens = " ".join(
        f"WHEN {FUNCTIONS['='].sql(dialect, subject, match)} THEN {result.sql}" for match, result in pairs
    )
    chosen = f"CASE {whens} ELSE {default[0].sql if default else 'NULL'} END"
    return f"(SELECT {chosen} FROM (SELECT {parts[0].sql} AS s) v)" if parts[0].is_computed else chosen


def _is_blank(value: Any) -> bool:
    return value is None or value == ""


def _is_blank_sql(dialect: Dialect, part: Part) -> str:
    match part.shape:
        case Shape.TRUTH:
            return "0" if dialect == "sqlite" else "FALSE"
        case Shape.TEXT:
            return f"(COALESCE({part.sql}, '') = '')"
        case _:
            return f"({part.sql} IS NULL)"


def _blank_value_sql(dialect: Dialect, value: Part, otherwise: Part) -> str:
    first = f"NULLIF({value.sql}, '')" if value.shape is Shape.TEXT else value.sql
    return f"COALESCE({first}, {otherwise.sql})"


def _extreme(of: Callable[..., Any], sqlite: str, postgresql: str) -> Function:
    def evaluate(*values: Any) -> Any:
        return None if any(value is None for value in values) else of(values)

    def sql(dialect: Dialect, *parts: Part) -> str:
        if len(parts) == 1:
            return parts[0].sql
        if dialect == "sqlite":
            return f"{sqlite}({', '.join(part.sql for part in parts)})"
        # PostgreSQL's pass over nulls.
        values = ", ".join(f"{_typed_sql(dialect, part)} AS v{place}" for place, part in enumerate(parts))
        names = ", ".join(f"v{place}" for place in range(len(parts)))
        extreme = f"CASE WHEN NUM_NULLS({names}) = 0 THEN {postgresql}({names}) END"
        return f"(SELECT {extreme} FROM (SELECT {values} OFFSET 0) v)"

    return Function(evaluate, sql)


def _date_part(name: str, first: int, length: int) -> Function:
    return Function(
        lambda value: None if value is None else Decimal(getattr(value, name)),
        lambda dialect, part: f"CAST(substr({_day_sql(dialect, part)}, {first}, {length}) AS INTEGER)",
    )


# ------------------------------------------------------------------------------------------- texts


def _joined_sql(dialect: Dialect, *parts: Part) -> str:
    return f"({' || '.join(_filled_text(dialect, part) for part in parts)})"


def _position_sql(dialect: Dialect, text: str, wanted: str) -> str:
    return f"({'instr' if dialect == 'sqlite' else 'strpos'}({text}, {wanted}) > 0)"


def _begins_sql(dialect: Dialect, text: Part, start: Part) -> str:
    if dialect == "postgresql":
        return f"starts_with({_folded_text(dialect, text)}, {_folded_text(dialect, start)})"
    return f"(instr({_folded_text(dialect, text)}, {_folded_text(dialect, start)}) = 1)"


def _includes_sql(dialect: Dialect, value: Part, item: Part) -> str:
    wanted = f"';' || NULLIF({_folded_text(dialect, item)}, '') || ';'"
    return truth_sql(dialect, _position_sql(dialect, f"';' || {_folded_text(dialect, value)} || ';'", wanted))


def _regex_sql(dialect: Dialect, text: Part, pattern: Part) -> str:
    left, right = _filled_text(dialect, text), text_sql(dialect, pattern)
    if dialect == "sqlite":
        return truth_sql(dialect, f"circuit_regex({left}, {right})")
    return truth_sql(dialect, f"({left} ~ ('^(' || {right} || ')$'))")


def _conjunction(name: str) -> SqlText:
    return lambda dialect, *parts: f"({f' {name} '.join(truth_sql(dialect, part.sql) for part in parts)})"


def _if(*values: Any) -> Any:
    """`IF(a, x, IF(b, y, z))` comes as one call: a, x, b, y, z."""
    *choices, otherwise = values
    return next((then for when, then in zip(choices[::2], choices[1::2], strict=True) if when is True), otherwise)


def _if_sql(_dialect: Dialect, *parts: Part) -> str:
    *choices, otherwise = parts
    whens = " ".join(
        f"WHEN {when.sql} THEN {then.sql}" for when, then in zip(choices[::2], choices[1::2], strict=True)
    )
    return f"CASE {whens} ELSE {otherwise.sql} END"


REAL = frozenset({"+", "-", "*", "/", "^", "NEGATIVE", "ROUND", "MOD", "ABS", "FLOOR", "CEILING", "VALUE"})
FUNCTIONS: dict[str, Function] = {
    "+": Function(_plus, _sum_sql("+")),
    "-": Function(_minus, _sum_sql("-")),
    "*": _arithmetic("*", lambda left, right: left * right),
    "/": Function(
        lambda a, b: None if a is None or not b else computed(lambda: a / b),
        lambda dialect, a, b: f"({number_sql(dialect, a)} / NULLIF({number_sql(dialect, b)}, 0))",
    ),
    "^": _of_numbers(ff.POWER),
    "NEGATIVE": Function(
        lambda value: None if value is None else -value, lambda dialect, a: f"(-{number_sql(dialect, a)})"
    ),
    "&": Function(lambda *values: "".join(text_of(value) or "" for value in values), _joined_sql),
    **{sign: _comparison(sign) for sign in ("=", "<>", "<", "<=", ">", ">=")},
    "AND": Function(lambda *values: all(value is True for value in values), _conjunction("AND")),
    "OR": Function(lambda *values: any(value is True for value in values), _conjunction("OR")),
    "NOT": Function(lambda value: value is not True, lambda d, a: f"(NOT {truth_sql(d, a.sql)})"),
    "IF": Function(_if, _if_sql),
    "CASE": Function(_case, _case_sql),
    "ISBLANK": Function(_is_blank, _is_blank_sql),
    "ISNULL": Function(_is_blank, _is_blank_sql),
    "BLANKVALUE": Function(lambda a, b: b if _is_blank(a) else a, _blank_value_sql),
    "NULLVALUE": Function(lambda a, b: b if a is None else a, lambda _d, a, b: f"COALESCE({a.sql}, {b.sql})"),
    "LEN": Function(lambda a: Decimal(len(text_of(a) or "")), lambda d, a: f"length({_filled_text(d, a)})"),
    "TRIM": Function(
        lambda a: None if a is None else (text_of(a) or "").strip(" "), lambda d, a: f"trim({text_sql(d, a)})"
    ),
    "UPPER": _of_texts(ff.UPPER),
    "LOWER": _of_texts(ff.LOWER),
    "LEFT": _of_texts(ff.LEFT),
    "RIGHT": _of_texts(ff.RIGHT),
    "SUBSTITUTE": _of_texts(ff.SUBSTITUTE),
    "CONTAINS": Function(
        lambda a, b: _folded(b) in _folded(a),
        lambda d, a, b: _position_sql(d, _folded_text(d, a), _folded_text(d, b)),
    ),
    "BEGINS": Function(lambda a, b: _folded(a).startswith(_folded(b)), _begins_sql),
    "ISPICKVAL": Function(
        lambda a, b: _folded(a) == _folded(b), lambda d, a, b: f"({_folded_text(d, a)} = {_folded_text(d, b)})"
    ),
    "INCLUDES": Function(lambda a, b: bool(_folded(b)) and f";{_folded(b)};" in f";{_folded(a)};", _includes_sql),
    "REGEX": Function(lambda a, b: b is not None and fits(text_of(a) or "", text_of(b) or "") is True, _regex_sql),
    "TEXT": Function(lambda a: text_of(a) or "", _filled_text),
    "VALUE": _of_texts(ff.VALUE),
    "ROUND": _of_numbers(ff.ROUND),
    "MOD": _of_numbers(ff.MOD),
    "ABS": Function(lambda a: None if a is None else abs(a), lambda d, a: f"abs({number_sql(d, a)})"),
    "FLOOR": _of_numbers(ff.FLOOR),
    "CEILING": _of_numbers(ff.CEILING),
    "MIN": _extreme(min, "min", "least"),
    "MAX": _extreme(max, "max", "greatest"),
    "YEAR": _date_part("year", 1, 4),
    "MONTH": _date_part("month", 6, 2),
    "DAY": _date_part("day", 9, 2),
}
