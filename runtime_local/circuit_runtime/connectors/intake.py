"""What a recorded or delivered event asks of the database, in the runtime's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from circuit_log.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeOperation:
    """Save, delete or bring back one record that another system knows by `external_id`.

    Attributes:
        action: `save` updates the record whose `external_field` equals `external_id`, or inserts one with
            `values`, `defaults` and the external id; `delete` of an unknown record does nothing; `undelete`
            takes the record out of the recycle bin if it lies there, then saves it.
        values: plain values by canonical field name; None empties a field.
        defaults: used only for a new record, where `values` lacks the field.
    """

    object_name: str
    action: Literal["save", "delete", "undelete"]
    external_field: str
    external_id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntakeNote:
    """Something a person should know about the event; it becomes a line of the run's log."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One delivery, mapped. No operation means: understood, logged, nothing to store.

    Attributes:
        title: what the log calls it (`ContactCreate from GoHighLevel`).
        delivery_id: the sender's own id of the delivery, or a hash of its bytes.
    """

    title: str
    source: Literal["ghl", "salesforce"]
    delivery_id: str
    operations: tuple[IntakeOperation, ...] = ()
    notes: tuple[IntakeNote, ...] = ()
