"""Roll-up summary fields: figures of a parent over its children, kept up to date with every save of a child."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from circuit_link.wire import DmlErrorInfo
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.work import Work
from circuit_runtime.project.schema import Field, ObjectType, Schema
from circuit_runtime.soql.expressions import compile_expression
from circuit_runtime.store.session import Session

# Saves stored values of parents by their id, with the parents' triggers; the first error of each that refuses.
SaveParents = Callable[[ObjectType, dict[str, dict[str, Any]]], dict[str, DmlErrorInfo]]


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
        """Compute the figures of every parent that these children have, or had, and save those that changed.

        A parent that cannot be saved is an error of its children.
        """
        by_parent: dict[str, dict[str, dict[str, Any]]] = {}
        lookups: dict[str, set[str]] = {}
        for parent, field, lookup in self._over.get(child.name, ()):
            ids = {parent_id for work in works for parent_id in _parents_of(work, lookup)}
            lookups.setdefault(parent.name, set()).add(lookup)
            for parent_id, value in self._changed(parent, field, lookup, ids).items():
                by_parent.setdefault(parent.name, {}).setdefault(parent_id, {})[field.name] = value
        for name, changes in by_parent.items():
            parent = self._schema.objects[name]
            _tell_children(parent, self._save_parents(parent, changes), works, lookups[name])

    def refresh_parent(self, parent: ObjectType, work: Work) -> None:
        """Compute the figures of one parent, whose children were moved; an error is told on `work`."""
        parent_id = work.id or ""
        changes: dict[str, Any] = {}
        for over in self._over.values():
            for owner, field, lookup in over:
                if owner is parent:
                    changed = self._changed(parent, field, lookup, {parent_id})
                    if parent_id in changed:
                        changes[field.name] = changed[parent_id]
        if changes:
            work.errors += self._save_parents(parent, {parent_id: changes}).values()

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


def _parents_of(work: Work, lookup: str) -> set[str]:
    """Ids of the parents that a child has, or had before it was saved."""
    return {row[lookup] for row in (work.new, work.old or {}) if row.get(lookup) is not None}


def _tell_children(
    parent: ObjectType, refused: Mapping[str, DmlErrorInfo], works: Sequence[Work], lookups: Iterable[str]
) -> None:
    if not refused:
        return
    for work in works:
        for parent_id in sorted({parent_id for lookup in lookups for parent_id in _parents_of(work, lookup)}):
            if (first := refused.get(parent_id)) is not None:
                message = f"The roll-up on {parent.name} {parent_id} could not be saved: {first.message}"
                work.errors.append(error(first.status_code, message))
