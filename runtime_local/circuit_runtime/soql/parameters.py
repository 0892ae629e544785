"""Parameters of a compiled query: values that are known only when it runs, and their storage form."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from circuit_link.wire import UserRef
from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.project.settings import ProfileTable
from circuit_runtime.soql import syntax
from circuit_runtime.soql.dates import midnight_ms, span
from circuit_runtime.soql.tokens import fail
from circuit_runtime.store.ids import long_id
from circuit_runtime.store.session import Dialect
from circuit_runtime.store.values import ValueProblem, converter

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
ID_TYPES = frozenset({FieldType.ID, FieldType.LOOKUP, FieldType.MASTER_DETAIL})


Use = Literal["scalar", "like", "list", "has_null", "first", "end", "user", "row_number"]


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

    `use` says what becomes of the value: "scalar"; "like" for a pattern; "list" for members as one array;
    "has_null" for whether null is among the members; "first" and "end" of a date literal's span; "user" for the
    id of the user who asks; "row_number" for LIMIT and OFFSET.
    """

    source: str
    scalar: syntax.Scalar | tuple[syntax.Scalar, ...] | None
    field: Field | None
    use: Use

    def value(self, binds: Mapping[str, Any], context: QueryContext, dialect: Dialect) -> Any:
        """Raises: SoqlError: a bind is missing or of a wrong type."""
        match self.use:
            case "user":
                return context.user.id
            case "first" | "end":
                return self._span_bound(context)
            case "list":
                members = [member for member in self._members(binds) if member is not None]
                return json.dumps(members) if dialect == "sqlite" else members
            case "has_null":
                return any(member is None for member in self._members(binds))
            case "row_number":
                return self._row_number(binds)
            case "like":
                return self._pattern(binds)
        assert isinstance(self.scalar, syntax.Value | syntax.Bind)
        return self._stored(_plain(self.scalar, binds, self.source), self.scalar)

    def _span_bound(self, context: QueryContext) -> Any:
        assert isinstance(self.scalar, syntax.DateLiteral)
        today = context.now.astimezone(context.zone).date()
        first, end = span(self.scalar.name, self.scalar.count, today, context.fiscal_year_start_month)
        day = first if self.use == "first" else end
        is_datetime = self.field is not None and self.field.type is FieldType.DATETIME
        return midnight_ms(day, context.zone) if is_datetime else day.isoformat()

    def _members(self, binds: Mapping[str, Any]) -> list[Any]:
        scalars = self.scalar if isinstance(self.scalar, tuple) else (self.scalar,)
        members: list[Any] = []
        for scalar in scalars:
            assert isinstance(scalar, syntax.Value | syntax.Bind)
            value = _plain(scalar, binds, self.source)
            for item in value if isinstance(value, list | tuple | set | frozenset) else (value,):
                stored = self._stored(item, scalar)
                members.append(self._folded(stored))
        return members

    def _folded(self, stored: Any) -> Any:
        """Text members are compared in lower case, as the SQL compares the column."""
        is_folded = self.field is not None and self.field.type in TEXT_TYPES and not self.field.case_sensitive
        return stored.lower() if is_folded and isinstance(stored, str) else stored

    def _row_number(self, binds: Mapping[str, Any]) -> int:
        assert isinstance(self.scalar, syntax.Value | syntax.Bind)
        number = _plain(self.scalar, binds, self.source)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            fail(self.source, self.scalar.token, f"{number!r} is no number of rows.")
        return number

    def _pattern(self, binds: Mapping[str, Any]) -> str | None:
        scalar = self.scalar
        if isinstance(scalar, syntax.Value):
            return scalar.raw if isinstance(scalar.value, str) else None
        assert isinstance(scalar, syntax.Bind)
        value = _plain(scalar, binds, self.source)
        if value is not None and not isinstance(value, str):
            fail(self.source, scalar.token, f"LIKE compares texts; :{scalar.name} is a {type(value).__name__}.")
        return value

    def _stored(self, value: Any, scalar: syntax.Value | syntax.Bind) -> Any:
        """A plain value in the storage form of the field it is compared with."""
        if value is None or self.field is None:
            return _number(value)
        field = self.field
        if field.type in ID_TYPES and isinstance(value, str):
            return long_id(value) or value
        if field.type is FieldType.DATE and isinstance(value, dt.datetime):
            return value.date().isoformat()
        try:
            return converter(_without_bounds(field))(value)
        except ValueProblem as exc:
            fail(self.source, scalar.token, f"{exc}.", code="INVALID_QUERY_FILTER_OPERATOR")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _without_bounds(field: Field) -> Field:
    """A field for comparing only: any text, number or picklist value may be looked for."""
    if field.type in TEXT_TYPES or field.type is FieldType.MULTIPICKLIST:
        return Field(name=field.name, label=field.label, type=FieldType.TEXT)
    if field.type in (FieldType.INTEGER, FieldType.DECIMAL):
        return Field(name=field.name, label=field.label, type=FieldType.DECIMAL, precision=38, scale=12)
    return field


def _plain(scalar: syntax.Value | syntax.Bind, binds: Mapping[str, Any], source: str) -> Any:
    if isinstance(scalar, syntax.Value):
        return scalar.value
    if scalar.name in binds:
        return binds[scalar.name]
    given = ", ".join(f":{name}" for name in binds) or "none"
    fail(source, scalar.token, f"The bind :{scalar.name} has no value; given are {given}.")
