"""One SQL statement while it is made: its names, its parameters, and what it reads."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from circuit_runtime.project.schema import Field, ObjectType, Schema
from circuit_runtime.soql import syntax
from circuit_runtime.soql.binds import BindKind, BindKinds
from circuit_runtime.soql.parameters import Clock, Parameter, Use
from circuit_runtime.soql.sql_dialect import SqlDialect
from circuit_runtime.soql.tokens import Token, fail


@dataclass(frozen=True, slots=True)
class Term:
    """SQL of an operand, and the field that its values are like.

    `is_optional`: it is reached through a parent that may be missing.
    """

    sql: str
    field: Field
    is_optional: bool = False


@dataclass(slots=True)
class Statement:
    """Shared by all SELECTs within one statement.

    Attributes:
        source: the query's whole text, for errors.
        kinds: of the binds that it will be run with.
        owned: objects of which the user who asks may see only records of their own.
        all_rows: deleted records count too.
        touched: (object, field) of everything that is read, in order.
    """

    source: str
    schema: Schema
    dialect: SqlDialect
    kinds: BindKinds
    owned: frozenset[str] = frozenset()
    all_rows: bool = False
    parameters: list[Parameter] = field(default_factory=list)
    touched: dict[tuple[str, str], None] = field(default_factory=dict)
    child_queries: int = 0
    _aliases: int = 0

    def new_alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def mark(
        self,
        scalar: syntax.Scalar | tuple[syntax.Scalar, ...] | None,
        compared: Field | None,
        use: Use | Clock,
        is_wide: bool = False,
    ) -> str:
        """Note a parameter; its placeholder in the SQL."""
        self.parameters.append(Parameter(self.source, scalar, compared, use, is_wide))
        return self.dialect.mark(len(self.parameters))

    def kind(self, bind: syntax.Bind) -> BindKind:
        return next((kind for name, kind in self.kinds if name == bind.name), BindKind.MISSING)

    def is_wide(self, scalar: syntax.Scalar) -> bool:
        """Whether a text beyond ASCII is compared with."""
        match scalar:
            case syntax.Bind():
                return self.kind(scalar).is_wide
            case syntax.Value():
                return isinstance(scalar.value, str) and not scalar.value.isascii()
            case _:
                return False

    def object(self, token: Token) -> ObjectType:
        item = self.schema.object(token.text)
        if item is None:
            hint = _near(token.text, list(self.schema.objects))
            fail(self.source, token, f"There is no object {token.text!r}.{hint}", "INVALID_TYPE")
        return item

    def field(self, item: ObjectType, name: str, token: Token) -> Field:
        found = item.field(name)
        if found is None:
            hint = _near(name.lower(), list(item.fields))
            fail(self.source, token, f"{item.name} has no field {name!r}.{hint}", "INVALID_FIELD")
        self.touched[(item.name, found.name)] = None
        return found


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
