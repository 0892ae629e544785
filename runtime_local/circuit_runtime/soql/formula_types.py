"""Types within an expression, and the operators whose SQL depends on them."""

from __future__ import annotations

from collections.abc import Sequence

from circuit_runtime.project.schema import FieldType
from circuit_runtime.store.session import Dialect

_TRUTHS = frozenset(
    {"=", "<>", "<", "<=", ">", ">=", "AND", "OR", "NOT", "ISBLANK", "ISNULL", "CONTAINS", "BEGINS", "REGEX"}
    | {"ISPICKVAL", "INCLUDES", "ISNEW", "ISCHANGED"}
)
_TEXTS = frozenset({"&", "TRIM", "UPPER", "LOWER", "LEFT", "RIGHT", "SUBSTITUTE", "TEXT"})
_LIKE_FIRST = frozenset({"BLANKVALUE", "NULLVALUE", "MIN", "MAX", "PRIORVALUE", "NEGATIVE"})
_DAY_MS = 86_400_000
_NO_TEXT = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.BOOLEAN, FieldType.DATE, FieldType.DATETIME})


def is_text(kind: FieldType) -> bool:
    return kind not in _NO_TEXT


def result_of(name: str, kinds: Sequence[FieldType]) -> FieldType:
    """The type that a function or operator gives for arguments of some types."""
    if name in _TRUTHS:
        return FieldType.BOOLEAN
    if name in _TEXTS:
        return FieldType.TEXT
    match name:
        case "NOW":
            return FieldType.DATETIME
        case "TODAY":
            return FieldType.DATE
        case "IF":
            return kinds[1]
        case "CASE":
            return kinds[2]
        case "+" | "-":
            return _result_of_sum(name, *kinds)
    return kinds[0] if name in _LIKE_FIRST else FieldType.DECIMAL


def _result_of_sum(name: str, left: FieldType, right: FieldType) -> FieldType:
    dates = (FieldType.DATE, FieldType.DATETIME)
    if left in dates:
        return FieldType.DECIMAL if name == "-" and right in dates else left
    return FieldType.TEXT if is_text(left) and is_text(right) else FieldType.DECIMAL


def typed_sql(name: str, dialect: Dialect, parts: Sequence[str], kinds: Sequence[FieldType]) -> str | None:
    """SQL of an operator whose form depends on its arguments' types; None where the general form does."""
    match name:
        case "+" | "-":
            return _sum_sql(name, dialect, parts, kinds)
        case "YEAR" | "MONTH" | "DAY" if kinds[0] is FieldType.DATETIME:
            first, length = {"YEAR": (1, 4), "MONTH": (6, 2), "DAY": (9, 2)}[name]
            return f"CAST(substr({day_of(dialect, parts[0])}, {first}, {length}) AS INTEGER)"
        case "=" | "<>" | "<" | "<=" | ">" | ">=":
            return _comparison_sql(name, dialect, parts, kinds)
    return None


def day_of(dialect: Dialect, sql: str) -> str:
    """The day, in UTC, of a time in milliseconds."""
    if dialect == "sqlite":
        return f"date({sql} / 1000, 'unixepoch')"
    return f"to_char(to_timestamp({sql} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


def _sum_sql(name: str, dialect: Dialect, parts: Sequence[str], kinds: Sequence[FieldType]) -> str | None:
    left, right = parts
    match kinds[0], kinds[1]:
        case FieldType.DATETIME, FieldType.DATETIME:
            return f"(({left} - {right}) / {_DAY_MS}.0)"
        case FieldType.DATE | FieldType.DATETIME, FieldType.DATE | FieldType.DATETIME:
            days = [
                day_of(dialect, part) if kind is FieldType.DATETIME else part
                for part, kind in zip(parts, kinds, strict=True)
            ]
            if dialect == "sqlite":
                return f"CAST(julianday({days[0]}) - julianday({days[1]}) AS INTEGER)"
            return f"(({days[0]})::date - ({days[1]})::date)"
        case FieldType.DATETIME, _:
            big = "INTEGER" if dialect == "sqlite" else "BIGINT"
            return f"({left} {name} CAST(({right}) * {_DAY_MS} AS {big}))"
        case FieldType.DATE, _:
            if dialect == "sqlite":
                return f"date({left}, CAST({name}({right}) AS INTEGER) || ' days')"
            return f"(({left})::date {name} ({right})::int)::text"
        case first, second if is_text(first) and is_text(second):
            return f"({left} || {right})"
    return None


def _comparison_sql(name: str, dialect: Dialect, parts: Sequence[str], kinds: Sequence[FieldType]) -> str | None:
    """Texts compare in any case; a time compares with a day by its own day."""
    if set(kinds) == {FieldType.DATE, FieldType.DATETIME}:
        parts = [
            day_of(dialect, part) if kind is FieldType.DATETIME else part
            for part, kind in zip(parts, kinds, strict=True)
        ]
    elif all(is_text(kind) for kind in kinds) and "NULL" not in parts:
        parts = [f"lower({part})" for part in parts]
    else:
        return None
    sign = name
    if name in ("=", "<>"):
        is_same = "IS" if dialect == "sqlite" else "IS NOT DISTINCT FROM"
        differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
        sign = is_same if name == "=" else differs
    return f"({parts[0]} {sign} {parts[1]})"
