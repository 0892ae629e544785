"""The parents that expressions of a chunk's records read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circuit_runtime.project.schema import ObjectType, Schema
from circuit_runtime.soql.expressions import Expression, FindParent
from circuit_runtime.store.session import Session

_Row = Mapping[str, Any]


class Parents:
    """Reads parents as they are stored now, one query for each step and object."""

    def __init__(self, schema: Schema, session: Session) -> None:
        self._schema = schema
        self._session = session

    def of(self, item: ObjectType, expressions: Sequence[Expression], rows: Iterable[_Row]) -> FindParent:
        """A function that finds what the expressions follow from these rows of an object."""
        found: dict[str, _Row] = {}
        paths = {path for expression in expressions for path in expression.parent_paths}
        if paths:
            start = [(item, row) for row in rows]
            for path in sorted(paths):
                self._follow(start, path, found)
        return found.get

    def _follow(
        self, start: Sequence[tuple[ObjectType, _Row]], path: Sequence[str], found: dict[str, _Row]
    ) -> None:
        at = start
        for relation in path:
            ids = dict.fromkeys(
                parent_id
                for item, row in at
                if (lookup := item.field(relation)) is not None and (parent_id := row.get(lookup.name)) is not None
            )
            self._read([each for each in ids if each not in found], found)
            at = [
                (parent, found[each])
                for each in ids
                if each in found and (parent := self._schema.object_of_id(each)) is not None
            ]

    def _read(self, ids: Sequence[str], found: dict[str, _Row]) -> None:
        by_object: dict[str, list[str]] = {}
        for each in ids:
            item = self._schema.object_of_id(each)
            if item is not None:
                by_object.setdefault(item.name, []).append(each)
        for name, wanted in by_object.items():
            found.update(self._session.fetch(self._schema.objects[name], wanted, include_deleted=True))
