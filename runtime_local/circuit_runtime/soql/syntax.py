"""The syntax tree of a query. Nodes carry their token, so that errors found later still know their place."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    argument: FieldPath | Call | None
    token: Token


Operand = FieldPath | Call


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: None, bool, int, float, str, date or datetime. `raw` keeps LIKE's escapes of a text."""

    value: Any
    token: Token
    raw: str = ""


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
    """OR."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition
    token: Token


Condition = Comparison | Membership | Includes | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class SelectedField:
    operand: Operand
    alias: str | None


@dataclass(frozen=True, slots=True)
class SelectedFields:
    """FIELDS(ALL), FIELDS(STANDARD), FIELDS(CUSTOM), or `*`."""

    which: str
    token: Token


@dataclass(frozen=True, slots=True)
class SelectedChildren:
    query: Query


@dataclass(frozen=True, slots=True)
class TypeOf:
    """TYPEOF relation WHEN object THEN fields … ELSE fields END."""

    relation: str
    branches: tuple[tuple[str, tuple[FieldPath, ...]], ...]
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
class Query:
    """`source` is the whole text, for errors."""

    source: str
    selected: tuple[Selected, ...]
    object_token: Token
    alias: str | None = None
    scope: str = ""
    where: Condition | None = None
    mode: str = ""
    grouping: Grouping | None = None
    having: Condition | None = None
    ordering: tuple[Ordering, ...] = ()
    limit: Scalar | None = None
    offset: Scalar | None = None
    all_rows: bool = False
    options: tuple[str, ...] = field(default=())
