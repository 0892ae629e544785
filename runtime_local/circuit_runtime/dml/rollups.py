"""Roll-up summary fields: figures of a parent over its children, kept up to date with every save of a child."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from circuit_runtime.dml.work import Work
from circuit_runtime.project.schema import Field, ObjectType, Schema
from circuit_runtime.soql.expressions import compile_expression
from circuit_runtime.store.session import Session

# Saves stored values of parents by their id, with the parents' triggers.
SaveParents = Callable[[ObjectType, dict[str, dict[str, Any]]], None]


class Rollups:
    """The roll-ups of one transaction."""

    def __init__(self, schema: Schema, session: Session, save_parents: SaveParents) -> None:
        self._schema = schema
        self._session = session
        self._save_parents = save_parents
        self._over: dict[str, list[tuple[ObjectType, Field, str]]] = {}
        for parent in schema:
            for field in parent.fields.values():
                if field.rollup:
                    child = schema.objects[field.rollup.child]
                    lookup = next(item.name for item in child.fields.values() if parent.name in item.reference_to)
                    self._over.setdefault(child.name, []).append((parent, field, lookup))

    def refresh(self, child: ObjectType, works: Sequence[Work]) -> None:
        """Compute the figures of every parent that these children have, or had, and save those that changed."""
        by_parent: dict[str, dict[str, dict[str, Any]]] = {}
        for parent, field, lookup in self._over.get(child.name, ()):
            ids = {
                row[lookup] for work in works for row in (work.new, work.old or {}) if row.get(lookup) is not None
            }
            for parent_id, value in self._changed(parent, field, lookup, ids).items():
                by_parent.setdefault(parent.name, {}).setdefault(parent_id, {})[field.name] = value
        for name, changes in by_parent.items():
            self._save_parents(self._schema.objects[name], changes)

    def _changed(self, parent: ObjectType, field: Field, lookup: str, ids: Iterable[str]) -> dict[str, Any]:
        wanted = sorted(ids)
        if not wanted:
            return {}
        computed = self._compute(field, lookup, wanted)
        stored = self._session.fetch(parent, wanted)
        empty = 0 if field.rollup and field.rollup.function in ("COUNT", "SUM") else None
        return {
            parent_id: computed.get(parent_id, empty)
            for parent_id, row in stored.items()
            if row[field.name] != computed.get(parent_id, empty)
        }

    def _compute(self, field: Field, lookup: str, ids: list[str]) -> dict[str, Any]:
        rollup = field.rollup
        assert rollup is not None
        child = self._schema.objects[rollup.child]
        value = "*" if rollup.function == "COUNT" else f'c."{rollup.field}"'
        where = ""
        if rollup.where:
            where = f" AND {compile_expression(rollup.where, child, self._schema).sql(self._session.dialect, 'c')}"
        is_sqlite = self._session.dialect == "sqlite"
        members = "(SELECT value FROM json_each(?))" if is_sqlite else "(SELECT unnest(%s::text[]))"
        rows = self._session.execute(
            f'SELECT c."{lookup}", {rollup.function}({value}) FROM {child.table} c '
            f'WHERE NOT c.is_deleted AND c."{lookup}" IN {members}{where} GROUP BY c."{lookup}"',
            (json.dumps(ids) if is_sqlite else ids,),
        )
        return dict(rows)
