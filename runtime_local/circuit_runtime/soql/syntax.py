"""The syntax tree of a query. Nodes carry their token, so that errors found later still know their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from circuit_runtime.soql.tokens import Token


@dataclass(frozen=True, slots=True)
class FieldPath:
    """`account.owner.email`: relations, then a field."""

    parts: tuple[str, ...]
    token: Token


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a field: an aggregate, a date function, toLabel, …; `COUNT()` has no argument."""

    name: str
    argument: Operand | None
    token: Token


@dataclass(frozen=True, slots=True)
class Formula:
    """`FORMULA('amount * 2')`: an expression over the record, in a condition."""

    text: str
    token: Token


Operand = FieldPath | Call | Formula


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: None, bool, int, float, str, date or datetime. `pattern` is a text as LIKE takes it."""

    value: Any
    token: Token
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Bind:
    name: str
    token: Token


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """`TODAY`, `LAST_N_DAYS:30`: a span of days that depends on the clock."""

    name: str
    count: int
    token: Token


Scalar = Value | Bind | DateLiteral


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is one of = != < <= > >= LIKE."""

    left: Operand
    operator: str
    right: Scalar


@dataclass(frozen=True, slots=True)
class Membership:
    """IN and NOT IN: of a list, of a bind that is one, or of a sub-query."""

    left: Operand
    is_negated: bool
    members: tuple[Scalar, ...] | Bind | Query


@dataclass(frozen=True, slots=True)
class Includes:
    """INCLUDES and EXCLUDES of a multi-select picklist; `a;b` in one text means both."""

    left: Operand
    is_negated: bool
    choices: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class All:
    """AND."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """OR; `token` is the first OR."""

    parts: tuple[Condition, ...]
    token: Token


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition
    token: Token


Condition = Comparison | Membership | Includes | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class SelectedField:
    operand: Operand
    alias: Token | None


@dataclass(frozen=True, slots=True)
class SelectedFields:
    """FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM), or `*`: all fields, without FIELDS(ALL)'s bound on rows."""

    which: str
    token: Token


@dataclass(frozen=True, slots=True)
class SelectedChildren:
    query: Query


@dataclass(frozen=True, slots=True)
class TypeOf:
    """TYPEOF relation WHEN object THEN fields … ELSE fields END."""

    relation: FieldPath
    branches: tuple[tuple[Token, tuple[FieldPath, ...]], ...]
    otherwise: tuple[FieldPath, ...]
    token: Token


Selected = SelectedField | SelectedFields | SelectedChildren | TypeOf


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY; `kind` is "", "ROLLUP" or "CUBE"."""

    operands: tuple[Operand, ...]
    kind: str
    token: Token


@dataclass(frozen=True, slots=True)
class Ordering:
    operand: Operand
    is_descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What follows the first object of FROM: `c.account a` makes `a` a name of that relation."""

    relation: FieldPath
    alias: Token


@dataclass(frozen=True, slots=True)
class Query:
    """`source` is the whole text, for errors; clauses that were written have their token."""

    source: str
    selected: tuple[Selected, ...]
    object_token: Token
    alias: Token | None = None
    sources: tuple[Source, ...] = ()
    scope: Token | None = None
    where: Condition | None = None
    mode: Token | None = None
    grouping: Grouping | None = None
    having: Condition | None = None
    ordering: tuple[Ordering, ...] = ()
    limit: Scalar | None = None
    offset: Scalar | None = None
    all_rows: Token | None = None
    options: tuple[Token, ...] = ()

    @property
    def locks(self) -> bool:
        """FOR UPDATE."""
        return any(option.word == "UPDATE" for option in self.options)


def conditions(condition: Condition | None) -> Iterator[Condition]:
    """The condition and all within it, sub-queries left out."""
    if condition is None:
        return
    yield condition
    match condition:
        case All() | AnyOf():
            for part in condition.parts:
                yield from conditions(part)
        case Not():
            yield from conditions(condition.part)


def calls(operand: Operand) -> Iterator[Call]:
    """The functions of an operand, outermost first."""
    inner: Operand | None = operand
    while isinstance(inner, Call):
        yield inner
        inner = inner.argument
