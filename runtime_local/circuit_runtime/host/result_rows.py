"""The rows of a query as nested objects of JSON values, as terminals and grids show them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circuit_link.wire import ResultShape

_CHILDREN = "children"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Convert = Callable[[Any], Any]


class RowReader:
    """Turns storage rows of one shape into objects: parents nested, children as lists, times as ISO text."""

    def __init__(self, shape: ResultShape) -> None:
        self._shape = shape
        # Parents of parents come after them, so that each one is put into what holds it.
        self._parents = sorted(shape.parents, key=lambda path: path.count("."))
        self._id_columns = {
            path: shape.columns.index(f"{path}.id") for path in self._parents if f"{path}.id" in shape.columns
        }
        self._converts = [
            self._convert(column, kind) for column, kind in zip(shape.columns, shape.types, strict=True)
        ]

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        holders: dict[str, dict[str, Any]] = {"": record}
        for path in self._parents:
            self._open_parent(path, row, holders)
        for column, convert, value in zip(self._shape.columns, self._converts, row, strict=True):
            path, _, name = column.rpartition(".")
            holder = holders.get(path)
            if holder is not None and column not in self._shape.parents:
                holder[name] = None if value is None else convert(value)
        return record

    def _open_parent(self, path: str, row: Sequence[Any], holders: dict[str, dict[str, Any]]) -> None:
        outer, _, name = path.rpartition(".")
        if outer not in holders:
            return
        id_column = self._id_columns.get(path)
        if id_column is not None and row[id_column] is None:
            holders[outer][name] = None
        else:
            holders[path] = holders[outer][name] = {}

    def _convert(self, column: str, kind: str) -> Convert:
        if kind == _CHILDREN:
            reader = RowReader(self._shape.children[column])
            return lambda rows: [reader.read(row) for row in rows]
        return _CONVERTS.get(kind, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _time(value: Any) -> str:
    moment = _EPOCH + dt.timedelta(milliseconds=value)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _number(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _choices(value: Any) -> list[str]:
    return [item for item in str(value).split(";") if item]


_CONVERTS: Mapping[str, Convert] = {
    "datetime": _time,
    "date": str,
    "decimal": _number,
    "boolean": bool,
    "json": json.loads,
    "multipicklist": _choices,
}
