"""Triggers: the base class, the decorator, and what a handler gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any, TypeVar

from circuitos.api.records import Record, identity

_Handler = TypeVar("_Handler", bound=Callable[..., object])


class TriggerOperation(Enum):
    """The seven events."""

    BEFORE_INSERT = "beforeInsert"
    BEFORE_UPDATE = "beforeUpdate"
    BEFORE_DELETE = "beforeDelete"
    AFTER_INSERT = "afterInsert"
    AFTER_UPDATE = "afterUpdate"
    AFTER_DELETE = "afterDelete"
    AFTER_UNDELETE = "afterUndelete"


_EVENTS = {operation.value for operation in TriggerOperation}


class CircuitTrigger:
    """Base of trigger classes. One instance serves a whole transaction.

    Attributes:
        order: lower runs first; equal ones in the order of their names.
    """

    order: int = 0


def trigger(object_name: str, events: str | Sequence[str]) -> Callable[[_Handler], _Handler]:
    """Mark a method as handler of one event or several. The runtime reads the literals from the source.

    Raises:
        ValueError: an event has none of the seven names.
    """
    names = (events,) if isinstance(events, str) else tuple(events)
    unknown = [event for event in names if event not in _EVENTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a trigger event; the events are {', '.join(sorted(_EVENTS))}.")

    def mark(handler: _Handler) -> _Handler:
        handler.__dict__["circuit_trigger"] = (object_name, names)
        return handler

    return mark


class TriggerContext:
    """What a handler works on.

    Attributes:
        new_records: the records as they will be or were saved; writable in before events. None for deletes.
        old_records: as they were before, read-only. None for inserts and undeletes.
        new_map, old_map: the same by id; `new_map` is None before an insert, as the ids do not exist yet.
        operation: which of the seven events it is.
        object_name: the records' object.
    """

    def __init__(
        self, event: str, object_name: str, new_records: list[Record] | None, old_records: list[Record] | None
    ) -> None:
        self.operation = TriggerOperation(event)
        self.object_name = object_name
        self.new_records = new_records
        self.old_records = old_records
        has_ids = self.operation is not TriggerOperation.BEFORE_INSERT
        self.new_map = _by_id(new_records) if has_ids else None
        self.old_map = _by_id(old_records)

    @property
    def size(self) -> int:
        return len(self.new_records or self.old_records or ())

    @property
    def is_executing(self) -> bool:
        return True

    @property
    def is_before(self) -> bool:
        return self.operation.value.startswith("before")

    @property
    def is_after(self) -> bool:
        return self.operation.value.startswith("after")

    @property
    def is_insert(self) -> bool:
        return self.operation.value.endswith("Insert")

    @property
    def is_update(self) -> bool:
        return self.operation.value.endswith("Update")

    @property
    def is_delete(self) -> bool:
        return self.operation.value.endswith("Delete")

    @property
    def is_undelete(self) -> bool:
        return self.operation is TriggerOperation.AFTER_UNDELETE

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """(new, old) of each record; None on the side that the event does not have."""
        missing: list[Any] = [None] * self.size
        return zip(self.new_records or missing, self.old_records or missing, strict=True)

    def __repr__(self) -> str:
        return f"TriggerContext({self.operation.value} on {self.object_name}, {self.size} records)"


def _by_id(items: list[Record] | None) -> dict[str, Record] | None:
    if items is None:
        return None
    return {record_id: record for record in items if (record_id := identity(record)) is not None}
