"""Parameters of a compiled query: values that are known only when it runs, and their storage form."""

from __future__ import annotations

import datetime as dt
import json
import math
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from circuit_link.wire import UserRef
from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.project.settings import ProfileTable
from circuit_runtime.soql import syntax
from circuit_runtime.soql.binds import is_list, members_of
from circuit_runtime.soql.dates import midnight_ms, span
from circuit_runtime.soql.sql_dialect import SqlDialect
from circuit_runtime.soql.tokens import fail, is_storable
from circuit_runtime.store.ids import long_id
from circuit_runtime.store.values import LARGEST_INTEGER, ValueProblem, converter

TEXT_TYPES = frozenset(
    {
        FieldType.TEXT,
        FieldType.TEXTAREA,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.PICKLIST,
        FieldType.AUTONUMBER,
    }
)
# Texts that compare in any case.
FOLDED_TYPES = TEXT_TYPES | {FieldType.MULTIPICKLIST}
ID_TYPES = frozenset({FieldType.ID, FieldType.LOOKUP, FieldType.MASTER_DETAIL})
NUMBER_TYPES = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
DATE_TYPES = frozenset({FieldType.DATE, FieldType.DATETIME})
MAX_OFFSET = 2_000
_MOST_ROWS = 2**31 - 1
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Use = Literal[
    "scalar", "pattern", "patterns", "list", "has_null", "choices", "first", "end", "user", "limit", "offset"
]
Clock = Literal["now", "today"]


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What a query depends on beside its text.

    Attributes:
        zone: of the user's days, for date literals.
        user: who asks, for USER_MODE and scopes.
        profiles: rights by the name of a profile; a user whose profile is not named may do everything.
    """

    now: dt.datetime
    zone: zoneinfo.ZoneInfo
    fiscal_year_start_month: int
    user: UserRef
    profiles: Mapping[str, ProfileTable]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One placeholder of the SQL.

    `use` says what becomes of the value: "scalar"; "pattern" for LIKE, "patterns" for several of them; "list" for
    members as one array; "has_null" for whether null is among the members; "choices" for texts of INCLUDES, each
    the list of what must be held together; "first" and "end" of a date literal's span; "user" for the id of the
    user who asks; "limit" and "offset"; "now" and "today" for the clock of formulas.
    """

    source: str
    scalar: syntax.Scalar | tuple[syntax.Scalar, ...] | None
    field: Field | None
    use: Use | Clock
    is_wide: bool = False

    def value(self, binds: Mapping[str, Any], context: QueryContext, dialect: SqlDialect) -> Any:
        """Raises: SoqlError: a bind is missing or of a wrong type."""
        match self.use:
            case "user":
                return context.user.id
            case "now":
                return (context.now - _EPOCH) // dt.timedelta(milliseconds=1)
            case "today":
                return context.now.astimezone(context.zone).date().isoformat()
            case "first" | "end":
                return self._span_bound(context)
            case "list":
                members = [self._folded(each) for each in self._members(binds) if self._can_be_equal(each)]
                return json.dumps(members) if dialect.name == "sqlite" else members
            case "has_null":
                return any(member is None for member in self._members(binds))
            case "choices":
                return json.dumps(list(self._choices(binds)))
            case "limit" | "offset":
                return self._row_number(binds)
            case "pattern":
                return self._pattern(self._one(), binds)
            case "patterns":
                patterns = [_normal_pattern(each) for each in self._texts(self._one(), binds, "LIKE compares")]
                return json.dumps(patterns) if dialect.name == "sqlite" else patterns
        scalar = self._one()
        return self._stored(_plain(scalar, binds, self.source), scalar)

    def _one(self) -> syntax.Value | syntax.Bind:
        assert isinstance(self.scalar, syntax.Value | syntax.Bind)
        return self.scalar

    def _span_bound(self, context: QueryContext) -> Any:
        literal = self.scalar
        assert isinstance(literal, syntax.DateLiteral)
        today = context.now.astimezone(context.zone).date()
        try:
            first, end = span(literal.name, literal.count, today, context.fiscal_year_start_month)
        except (ValueError, OverflowError):
            message = f"{literal.name}:{literal.count} leads beyond the calendar."
            fail(self.source, literal.token, message, "INVALID_QUERY_FILTER_OPERATOR")
        day = first if self.use == "first" else end
        is_datetime = self.field is not None and self.field.type is FieldType.DATETIME
        return midnight_ms(day, context.zone) if is_datetime else day.isoformat()

    def _scalars(self) -> Iterator[syntax.Value | syntax.Bind]:
        for scalar in self.scalar if isinstance(self.scalar, tuple) else (self.scalar,):
            assert isinstance(scalar, syntax.Value | syntax.Bind)
            yield scalar

    def _members(self, binds: Mapping[str, Any]) -> Iterator[Any]:
        for scalar in self._scalars():
            for item in members_of(_plain(scalar, binds, self.source)):
                yield None if item == "" else self._stored(item, scalar)

    def _folded(self, stored: Any) -> Any:
        """Text members are folded here, as the SQL folds the column."""
        is_folded = self.field is not None and self.field.type in FOLDED_TYPES and not self.field.case_sensitive
        return stored.lower() if is_folded and isinstance(stored, str) else stored

    def _can_be_equal(self, stored: Any) -> bool:
        """Null is looked for apart, and no whole number equals a fraction or what is too large for one."""
        is_whole_number = self.field is not None and self.field.type is FieldType.INTEGER
        return stored is not None and not (is_whole_number and isinstance(stored, float))

    def _choices(self, binds: Mapping[str, Any]) -> Iterator[list[str]]:
        for scalar in self._scalars():
            for text in self._texts(scalar, binds, "INCLUDES and EXCLUDES take"):
                if parts := [part.strip() for part in text.split(";") if part.strip()]:
                    yield [part.lower() for part in parts]

    def _texts(self, scalar: syntax.Value | syntax.Bind, binds: Mapping[str, Any], verb: str) -> Iterator[str]:
        for item in members_of(_plain(scalar, binds, self.source)):
            if item is None:
                continue
            if not isinstance(item, str) or not is_storable(item):
                fail(self.source, scalar.token, f"{verb} texts; {item!r} is a {type(item).__name__}.")
            yield item

    def _row_number(self, binds: Mapping[str, Any]) -> int:
        scalar = self._one()
        number = _plain(scalar, binds, self.source)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            fail(self.source, scalar.token, f"{number!r} is no number of rows.")
        if self.use == "offset" and number > MAX_OFFSET:
            message = f"OFFSET is {number}; at most {MAX_OFFSET} is allowed."
            fail(self.source, scalar.token, message, "NUMBER_OUTSIDE_VALID_RANGE")
        return min(number, _MOST_ROWS)

    def _pattern(self, scalar: syntax.Value | syntax.Bind, binds: Mapping[str, Any]) -> str | None:
        if isinstance(scalar, syntax.Value):
            return scalar.pattern
        patterns = list(self._texts(scalar, binds, "LIKE compares"))
        return _normal_pattern(patterns[0]) if patterns else None

    def _stored(self, value: Any, scalar: syntax.Value | syntax.Bind) -> Any:
        """A plain value in the storage form of the field it is compared with."""
        field = self.field
        if value is None or field is None:
            return False if field is not None and field.type is FieldType.BOOLEAN else _number(value)
        if is_list(value):
            fail(self.source, scalar.token, f"{scalar.token.text} is a list; compare it with IN.")
        if isinstance(value, str) and not is_storable(value):
            fail(self.source, scalar.token, "A text holds a character that no record can hold.")
        if value == "" and field.type in TEXT_TYPES:
            return value
        if field.type in ID_TYPES and isinstance(value, str):
            return long_id(value) or value
        if field.type is FieldType.DATE and isinstance(value, dt.datetime):
            return value.date().isoformat()
        if field.type in NUMBER_TYPES and isinstance(value, int | float | Decimal):
            number = self._stored_number(value, scalar)
            if field.type is FieldType.INTEGER and number.is_integer() and abs(int(value)) <= LARGEST_INTEGER:
                return int(value)
            return number
        try:
            return converter(_without_bounds(field))(value)
        except ValueProblem as exc:
            fail(self.source, scalar.token, f"{exc}.", code="INVALID_QUERY_FILTER_OPERATOR")

    def _stored_number(self, value: float | Decimal, scalar: syntax.Value | syntax.Bind) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if isinstance(value, bool) or not math.isfinite(number):
            message = f"{scalar.token.text} is no number that can be compared with."
            fail(self.source, scalar.token, message, "INVALID_QUERY_FILTER_OPERATOR")
        return number


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _normal_pattern(text: str) -> str:
    r"""A pattern in which a backslash stands before `%`, `_` or a backslash only."""
    characters = iter(text)
    parts = []
    for character in characters:
        if character == "\\":
            following = next(characters, "\\")
            parts.append(f"\\{following}" if following in "%_\\" else following)
        else:
            parts.append(character)
    return "".join(parts)


def _without_bounds(field: Field) -> Field:
    """A field for comparing only: any text, number or picklist value may be looked for."""
    if field.type in TEXT_TYPES or field.type is FieldType.MULTIPICKLIST:
        return Field(name=field.name, label=field.label, type=FieldType.TEXT)
    if field.type in NUMBER_TYPES:
        return Field(name=field.name, label=field.label, type=FieldType.DECIMAL, precision=26, scale=9)
    return field


def _plain(scalar: syntax.Value | syntax.Bind, binds: Mapping[str, Any], source: str) -> Any:
    if isinstance(scalar, syntax.Value):
        return scalar.value
    if scalar.name in binds:
        return binds[scalar.name]
    given = ", ".join(f":{name}" for name in binds) or "none"
    fail(source, scalar.token, f"The bind :{scalar.name} has no value; given are {given}.")
