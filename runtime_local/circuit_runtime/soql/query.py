"""Prepare a query once, run it often."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import Schema
from circuit_runtime.soql.access import refuse_forbidden, seen_by_owner
from circuit_runtime.soql.binds import BindKinds, kinds_of
from circuit_runtime.soql.compiled import Compiled
from circuit_runtime.soql.compiler import compile_query
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.parser import parse
from circuit_runtime.soql.sql_dialect import dialect_of
from circuit_runtime.store.session import Dialect, Row, Session

_MARK = re.compile("\x00(\\d+)\x00")
_PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query with the driver's placeholders; `order` has the parameter of each of them."""

    compiled: Compiled
    sql: str
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked and compiled query with its binds, and the moment and user it is asked for.

    Attributes:
        selected: what the text selects, in order; the shape's columns may hold more (ids of records).
        child_queries: number of child sub-queries, which have a limit of their own.
        locks: FOR UPDATE.
    """

    shape: ResultShape
    selected: tuple[str, ...]
    child_queries: int
    locks: bool
    _plan: Plan
    _binds: Mapping[str, Any]
    _context: QueryContext

    def run(self, session: Session, most_rows: int) -> tuple[list[Row], int]:
        """Rows in storage form, and the number of child rows in them; reads no more than `most_rows` rows.

        Raises: SoqlError, for a bind; StatementFailed, for what the database cannot answer.
        """
        values = parameter_values(self._plan, self._binds, self._context, session.dialect)
        session.set_calendar(str(self._context.zone), self._context.fiscal_year_start_month)
        rows: list[Row] = []
        for page in session.stream(self._plan.sql, values, _PAGE_ROWS):
            rows += page
            if len(rows) >= most_rows:
                del rows[most_rows:]
                break
        if self._plan.compiled.readers:
            rows = [self._read(row) for row in rows]
        return rows, _child_rows(rows, self.shape)

    def _read(self, row: Row) -> Row:
        """A row whose cells are in storage form, those that need a reader too."""
        cells = list(row)
        for place, reader in self._plan.compiled.readers:
            cells[place] = reader(cells[place], self._context)
        return tuple(cells)


def prepare(
    text: str, binds: Mapping[str, Any], schema: Schema, dialect: Dialect, context: QueryContext
) -> Prepared:
    """Parse, check and compile a query; texts seen before are quick.

    Raises: SoqlError, with line, column and token.
    """
    kinds, key = kinds_of(binds), _SchemaKey(schema)
    return prepared_with(lambda owned: _plan(text, key, dialect, kinds, owned), binds, context)


def prepared_with(
    plan_for: Callable[[frozenset[str]], Plan], binds: Mapping[str, Any], context: QueryContext
) -> Prepared:
    """What the user may read of a plan.

    Args:
        plan_for: makes it, for a user who sees only their own records of some objects.

    Raises: SoqlError.
    """
    plan = plan_for(frozenset())
    mode = plan.compiled.mode
    if mode is not None and mode.word != "SYSTEM_MODE":
        refuse_forbidden(plan.compiled, context)
        if mode.word == "USER_MODE" and (owned := seen_by_owner(context)):
            plan = plan_for(owned)
    compiled = plan.compiled
    return Prepared(
        compiled.shape, compiled.selected, compiled.child_queries, compiled.locks, plan, binds, context
    )


class _SchemaKey:
    """A schema as a key: equal versions compile alike."""

    __slots__ = ("schema",)

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return hash(self.schema.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SchemaKey) and other.schema.version == self.schema.version


@lru_cache(maxsize=2048)
def _plan(text: str, key: _SchemaKey, dialect: Dialect, kinds: BindKinds, owned: frozenset[str]) -> Plan:
    try:
        compiled = compile_query(parse(text), key.schema, dialect, kinds, owned=owned)
    except RecursionError as exc:
        raise SoqlError("The text is nested too deeply.") from exc
    return plan_of(compiled, dialect)


def plan_of(compiled: Compiled, dialect: Dialect) -> Plan:
    order = tuple(int(number) - 1 for number in _MARK.findall(compiled.sql))
    return Plan(compiled, _MARK.sub("?" if dialect == "sqlite" else "%s", compiled.sql), order)


def parameter_values(
    plan: Plan, binds: Mapping[str, Any], context: QueryContext, dialect: Dialect
) -> Sequence[Any]:
    """Raises: SoqlError, for a bind."""
    written = dialect_of(dialect)
    values = [parameter.value(binds, context, written) for parameter in plan.compiled.parameters]
    return [values[index] for index in plan.order]


def _child_rows(rows: Sequence[Sequence[Any]], shape: ResultShape) -> int:
    """Rows of all child sub-queries, those within others too."""
    count = 0
    for name, inner in shape.children.items():
        place = next(index for index, column in enumerate(shape.columns) if column == name)
        for row in rows:
            count += len(row[place]) + _child_rows(row[place], inner)
    return count
