"""Prepare a query once, run it often."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import Schema
from circuit_runtime.soql.access import refuse_forbidden, sees_own_records_only
from circuit_runtime.soql.compiler import Compiled, Compiler
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import Parameter, QueryContext
from circuit_runtime.soql.parser import parse
from circuit_runtime.store.session import Dialect, Row, Session

_MARK = re.compile("\x00(\\d+)\x00")
_PAGE_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked and compiled query with the moment and user it is asked for.

    Attributes:
        selected: what the text selects, in order; the shape's columns may hold more (ids of records).
        child_queries: number of child sub-queries, which have a limit of their own.
        locks: FOR UPDATE.
    """

    shape: ResultShape
    selected: tuple[str, ...]
    child_queries: int
    locks: bool
    _compiled: Compiled
    _sql: str
    _order: tuple[int, ...]
    _context: QueryContext

    def run(self, session: Session, binds: Mapping[str, Any], most_rows: int) -> tuple[list[Row], int]:
        """Rows in storage form, and the number of child rows in them; reads no more than `most_rows` rows.

        Raises: SoqlError, for a bind.
        """
        values = parameter_values(self._compiled.parameters, self._order, binds, self._context, session.dialect)
        set_calendar(session, self._context)
        rows: list[Row] = []
        for page in session.stream(self._sql, values, _PAGE_ROWS):
            rows += page
            if len(rows) >= most_rows:
                del rows[most_rows:]
                break
        return self._with_children(rows) if self._compiled.child_columns else (rows, 0)

    def _with_children(self, rows: list[Row]) -> tuple[list[Row], int]:
        """Rows with the lists of their child rows in place of JSON texts, and the number of these."""
        count = 0
        decoded: list[Row] = []
        for row in rows:
            cells = list(row)
            for place in self._compiled.child_columns:
                cells[place] = msgspec.json.decode(cells[place]) if cells[place] else []
                count += len(cells[place])
            decoded.append(tuple(cells))
        return decoded, count


def prepare(text: str, schema: Schema, dialect: Dialect, context: QueryContext) -> Prepared:
    """Parse, check and compile a query; texts seen before are quick.

    Raises: SoqlError, with line, column and token.
    """
    compiled, sql, order = _compiled(text, _SchemaKey(schema), dialect, False)
    if compiled.mode in ("USER_MODE", "SECURITY_ENFORCED"):
        refuse_forbidden(text, compiled, context)
        if compiled.mode == "USER_MODE" and sees_own_records_only(compiled, context):
            compiled, sql, order = _compiled(text, _SchemaKey(schema), dialect, True)
    return Prepared(
        compiled.shape, compiled.selected, compiled.child_queries, compiled.locks, compiled, sql, order, context
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
def _compiled(
    text: str, key: _SchemaKey, dialect: Dialect, owner_only: bool
) -> tuple[Compiled, str, tuple[int, ...]]:
    try:
        compiled = Compiler(key.schema, dialect, owner_only=owner_only).compile(parse(text))
    except RecursionError as exc:
        raise SoqlError("The text is nested too deeply.") from exc
    sql, order = with_placeholders(compiled.sql, dialect)
    return compiled, sql, order


def with_placeholders(sql: str, dialect: Dialect) -> tuple[str, tuple[int, ...]]:
    """SQL with the driver's placeholders, and the index of the parameter that each of them stands for."""
    order = tuple(int(number) - 1 for number in _MARK.findall(sql))
    return _MARK.sub("?" if dialect == "sqlite" else "%s", sql), order


def parameter_values(
    parameters: Sequence[Parameter],
    order: Sequence[int],
    binds: Mapping[str, Any],
    context: QueryContext,
    dialect: Dialect,
) -> list[Any]:
    """Raises: SoqlError, for a bind."""
    values = [parameter.value(binds, context, dialect) for parameter in parameters]
    return [values[index] for index in order]


def set_calendar(session: Session, context: QueryContext) -> None:
    """Let date functions of this session know the zone and the fiscal year."""
    session.set_calendar(str(context.zone), context.fiscal_year_start_month)
