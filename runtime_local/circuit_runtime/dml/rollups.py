"""Roll-up summary fields: figures of a parent over its children, kept up to date with every save of a child."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from circuit_link.wire import DmlErrorInfo
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.figures import Figure, figures
from circuit_runtime.dml.work import Work, column
from circuit_runtime.project.schema import ObjectType, Schema
from circuit_runtime.store.session import Session

# Saves stored values of parents by their id, with the parents' triggers; the first error of each that refuses.
SaveParents = Callable[[ObjectType, dict[str, dict[str, Any]]], dict[str, DmlErrorInfo]]


class Rollups:
    """The roll-ups of one transaction."""

    def __init__(self, schema: Schema, session: Session, save_parents: SaveParents) -> None:
        self._schema = schema
        self._session = session
        self._save_parents = save_parents
        self._over: dict[str, list[Figure]] = {}
        for figure in figures(schema):
            self._over.setdefault(figure.child.name, []).append(figure)

    def refresh(self, child: ObjectType, works: Sequence[Work]) -> None:
        """Compute the figures of every parent that these children have, or had, and save those that changed.

        A parent that cannot be saved is an error of its children.
        """
        by_parent: dict[str, dict[str, dict[str, Any]]] = {}
        lookups: dict[str, set[str]] = {}
        for figure in self._over.get(child.name, ()):
            ids = _parents_of(works, figure.lookup)
            lookups.setdefault(figure.parent.name, set()).add(figure.lookup)
            for parent_id, value in self._changed(figure, ids).items():
                by_parent.setdefault(figure.parent.name, {}).setdefault(parent_id, {})[figure.field.name] = value
        for name, changes in by_parent.items():
            parent = self._schema.objects[name]
            _tell_children(parent, self._save_parents(parent, changes), works, lookups[name])

    def refresh_parents(self, parent: ObjectType, works: Sequence[Work]) -> None:
        """Compute the figures of parents whose children came or went; an error is told on the parent's work."""
        ids = {work.id for work in works if work.id}
        changes: dict[str, dict[str, Any]] = {}
        for figure in itertools.chain.from_iterable(self._over.values()):
            if figure.parent is parent:
                for parent_id, value in self._changed(figure, ids).items():
                    changes.setdefault(parent_id, {})[figure.field.name] = value
        refused = self._save_parents(parent, changes) if changes else {}
        for work in works:
            if work.id in refused:
                work.errors.append(refused[work.id])

    def _changed(self, figure: Figure, ids: Iterable[str]) -> dict[str, Any]:
        wanted = sorted(ids)
        if not wanted:
            return {}
        computed = figure.of_parents(self._session, wanted)
        stored = self._session.fetch(figure.parent, wanted)
        return {
            parent_id: computed.get(parent_id, figure.rollup.empty)
            for parent_id, row in stored.items()
            if row[figure.field.name] != computed.get(parent_id, figure.rollup.empty)
        }


def _parents_of(works: Sequence[Work], lookup: str) -> set[str]:
    """Ids of the parents that children have, or had before they were saved."""
    ids = {*column(works, lookup), *(work.old.get(lookup) for work in works if work.old)}
    return {parent_id for parent_id in ids if parent_id is not None}


def _tell_children(
    parent: ObjectType, refused: Mapping[str, DmlErrorInfo], works: Sequence[Work], lookups: Iterable[str]
) -> None:
    if not refused:
        return
    for work in works:
        for parent_id in sorted({parent_id for lookup in lookups for parent_id in _parents_of([work], lookup)}):
            if (first := refused.get(parent_id)) is not None:
                message = f"The roll-up on {parent.name} {parent_id} could not be saved: {first.message}"
                work.errors.append(error(first.status_code, message))
