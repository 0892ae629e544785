"""From the storage form of a cell to the value that a script reads, and from there to the wire."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, ValuesView
from decimal import Decimal
from enum import Enum
from typing import Any

from circuit_link.frame_bounds import MAX_DEPTH as _FRAME_DEPTH
from circuitos.api.exceptions import RecordException

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)

# A record lies in the list of its statement.
MAX_DEPTH = _FRAME_DEPTH - 2


def _datetime(cell: Any) -> Any:
    return _EPOCH + cell * _MILLISECOND if isinstance(cell, int) else cell


def _date(cell: Any) -> Any:
    return dt.date.fromisoformat(cell) if isinstance(cell, str) else cell


def _decimal(cell: Any) -> Any:
    # A float goes through its shortest text: 0.1 in the database is 0.1 for the script.
    return cell if isinstance(cell, Decimal) else Decimal(str(cell))


def _multipicklist(cell: Any) -> Any:
    return [part for part in cell.split(";") if part] if isinstance(cell, str) else cell


def _json(cell: Any) -> Any:
    return json.loads(cell) if isinstance(cell, str) else cell


_AS_IS = frozenset((type(None), str, int, bool, float, Decimal, dt.date))

FROM_STORAGE: dict[str, Callable[[Any], Any]] = {
    "datetime": _datetime,
    "date": _date,
    "decimal": _decimal,
    "boolean": bool,
    "multipicklist": _multipicklist,
    "json": _json,
}
"""By field type; types that are not here are stored as they are. None is always None."""


def from_storage(field_type: str, cell: Any) -> Any:
    """The value of a cell; the types are those of `circuit_link.wire`."""
    convert = FROM_STORAGE.get(field_type)
    return cell if convert is None or cell is None else convert(cell)


def to_wire(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A value as a message carries it. A record travels as its id, one without as its single external id.

    Naive datetimes are taken as UTC.

    Raises:
        RecordException: the value is of a type that no field can hold, is nested more than `depth` times, or is
            a record that nothing identifies.
    """
    kind = type(value)
    if kind in _AS_IS:
        return value
    if depth == 0:
        raise RecordException(f"A value is nested more than {MAX_DEPTH} times; it cannot be stored.")
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
    if isinstance(value, dict):
        return {str(key): to_wire(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset | KeysView | ValuesView | Iterator | range):
        return [to_wire(item, depth - 1) for item in value]
    if isinstance(value, Enum):
        return to_wire(value.value)
    if isinstance(value, dt.date):
        return dt.date(value.year, value.month, value.day)
    if isinstance(value, dt.time):
        return value
    # A subclass of one of these means the same, and is unknown to a message.
    if isinstance(value, str):
        return str.__str__(value)
    for plain in (int, float, Decimal):
        if isinstance(value, plain):
            return plain(value)
    reference = getattr(value, "id", None)
    if isinstance(reference, str) and hasattr(value, "object_name"):
        return reference
    if hasattr(value, "object_name"):
        return _external_reference(value)
    raise RecordException(f"A value of type {kind.__name__} cannot be stored: {value!r:.80}")


def is_plain(values: Iterable[Any]) -> bool:
    """Whether a message carries all of these values as they are."""
    return _AS_IS.issuperset(map(type, values))


def all_to_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """A new dict of the values as a message carries them; nearly all records need no conversion at all."""
    if is_plain(values.values()):
        return dict(values)
    return {name: field_to_wire(name, value) for name, value in values.items()}


def field_to_wire(name: object, value: Any) -> Any:
    """`to_wire`, whose refusal names the field."""
    try:
        return to_wire(value)
    except RecordException as exc:
        raise RecordException(f"{name}: {exc}") from None


def _external_reference(record: Any) -> dict[str, Any]:
    """A parent named by one external id (`account=Record("Account", ghl_id="x")`) travels as that field."""
    given = {name: value for name, value in record.to_dict().items() if value is not None}
    if len(given) != 1:
        raise RecordException(
            f"The {record.object_name} has no id yet; insert it before it is referred to, or give one external id."
        )
    return {name: to_wire(value) for name, value in given.items()}


def copy_mutable(value: Any) -> Any:
    """A copy where the value could be changed in place; other values as they are."""
    if isinstance(value, dict):
        return {key: copy_mutable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_mutable(item) for item in value]
    return value
