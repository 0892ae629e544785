"""The figures that roll-up summary fields hold, as SQL over the children."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from circuit_runtime.project.schema import Field, ObjectType, Rollup, Schema
from circuit_runtime.soql.expressions import compile_expression
from circuit_runtime.soql.sql_dialect import dialect_of
from circuit_runtime.store.bookkeeping import read_meta, write_meta
from circuit_runtime.store.session import Dialect, Session
from circuit_runtime.store.store import Store

_NOTED = "rollups"


@dataclass(frozen=True, slots=True)
class Figure:
    """One roll-up: `lookup` is the field of `child` that leads to `parent`."""

    schema: Schema
    parent: ObjectType
    field: Field
    rollup: Rollup
    child: ObjectType
    lookup: str

    @property
    def definition(self) -> str:
        """A text that differs where the figure has to be computed anew."""
        return f"{self.rollup} by {self.lookup} as {self.field.type}({self.field.scale})"

    def of_parents(self, session: Session, ids: Iterable[str]) -> dict[str, Any]:
        """The figure in storage form by the id of each parent that has children with values."""
        is_sqlite = session.dialect == "sqlite"
        members = "(SELECT value FROM json_each(?))" if is_sqlite else "(SELECT unnest(%s::text[]))"
        rows = session.execute(
            f'SELECT c."{self.lookup}", {self._sql(session.dialect)} FROM {self.child.table} c '
            f'WHERE {self._condition(session.dialect)} AND c."{self.lookup}" IN {members} '
            f'GROUP BY c."{self.lookup}"',
            (json.dumps(list(ids)) if is_sqlite else list(ids),),
        )
        return {parent_id: value for parent_id, value in rows if value is not None}

    def recompute(self, session: Session) -> None:
        """Store the figure of every parent, without triggers."""
        empty = "NULL" if self.rollup.empty is None else str(self.rollup.empty)
        table = self.parent.table
        session.execute(
            f'UPDATE {table} SET "{self.field.name}" = COALESCE((SELECT {self._sql(session.dialect)} '
            f'FROM {self.child.table} c WHERE c."{self.lookup}" = {table}.id '
            f"AND {self._condition(session.dialect)}), {empty})"
        )

    def _sql(self, dialect: Dialect) -> str:
        """The aggregate over the children as `c`, in the storage form of the parent's field."""
        if self.rollup.function == "COUNT" or self.rollup.field is None:
            return "COUNT(*)"
        value = compile_expression(self.rollup.field, self.child, self.schema).sql(dialect, "c")
        return dialect_of(dialect).rounded(
            f"{self.rollup.function}({value})", self.field.type, self.field.scale or 0
        )

    def _condition(self, dialect: Dialect) -> str:
        """Which children count."""
        if not self.rollup.where:
            return "NOT c.is_deleted"
        where = compile_expression(self.rollup.where, self.child, self.schema).sql(dialect, "c")
        return f"NOT c.is_deleted AND {where}"


def figures(schema: Schema) -> Iterator[Figure]:
    """All roll-ups of a project."""
    for parent in schema:
        for field in parent.fields.values():
            if field.rollup:
                child = schema.objects[field.rollup.child]
                lookup = next(
                    item.name
                    for item in child.fields.values()
                    if parent.name in item.reference_to and not item.system
                )
                yield Figure(schema, parent, field, field.rollup, child, lookup)


def bring_up_to_date(store: Store, schema: Schema) -> None:
    """Compute the roll-ups that the database has not seen, because they are new or mean something else.

    Quick when there are none.
    """
    wanted = {f"{figure.parent.name}.{figure.field.name}": figure for figure in figures(schema)}
    definitions = {name: figure.definition for name, figure in wanted.items()}
    with store.session("a change of roll-up summaries") as session:
        noted = json.loads(read_meta(session, _NOTED) or "{}")
        if definitions == noted:
            return
        session.begin()
        for name, figure in wanted.items():
            if noted.get(name) != figure.definition:
                figure.recompute(session)
        write_meta(session, _NOTED, json.dumps(definitions))
        session.commit()
