"""Collect the values of one inbound record field by field, setting aside what a field cannot take."""

from __future__ import annotations

from typing import Any

from circuit_log.levels import Level
from circuit_runtime.connectors.inbound_values import NotConvertible, plain_value
from circuit_runtime.connectors.intake import IntakeNote
from circuit_runtime.project.schema import Field, FieldType, ObjectType
from circuit_runtime.store.values import ValueProblem, to_storage

_SHOWN_CHARACTERS = 80


class FieldValues:
    """The fields of one record as an event gives them.

    Attributes:
        values: plain values by canonical field name, each one that the field takes.
        set_aside: what had no field or did not fit one, by the sender's name for it.
    """

    def __init__(self, object_type: ObjectType) -> None:
        self._object_type = object_type
        self.values: dict[str, Any] = {}
        self.set_aside: dict[str, Any] = {}
        self._notes: list[IntakeNote] = []
        self._unmapped: list[str] = []

    def field(self, name: str) -> Field | None:
        """The object's field of that name, if an event may write it."""
        field = self._object_type.field(name)
        return field if field is not None and field.is_writable else None

    def field_labelled(self, label: str) -> Field | None:
        """The field that a person sees under `label`, in any case; never one that identifies or links records."""
        wanted = label.strip().casefold()
        return next(
            (
                field
                for field in self._object_type.fields.values()
                if field.label.casefold() == wanted
                and field.is_writable
                and not (field.unique or field.external_id or field.is_reference)
            ),
            None,
        )

    def put(self, field_name: str, value: Any, sent_as: str) -> None:
        """Take `value` for a field; set it aside under the sender's name, with a warning, where it does not fit.

        An empty value of a required field is left out, so that an update keeps what is there.
        """
        field = self.field(field_name)
        if field is None:
            self.keep_unmapped(sent_as, value)
            return
        try:
            plain = plain_value(field, value)
            to_storage(field, plain)
        except NotConvertible as exc:
            self._set_aside(field, value, sent_as, f"it takes {exc}")
        except ValueProblem as exc:
            self._set_aside(field, value, sent_as, str(exc))
        else:
            if plain is not None:
                self.values[field.name] = plain
            elif not field.required and field.type is not FieldType.BOOLEAN:
                self.values[field.name] = None

    def keep_unmapped(self, sent_as: str, value: Any) -> None:
        """Set aside a value that no field is meant for."""
        self.set_aside[sent_as] = value
        self._unmapped.append(sent_as)

    def notes(self) -> tuple[IntakeNote, ...]:
        """Warnings in order, and one line for all that is not mapped."""
        if not self._unmapped:
            return tuple(self._notes)
        names = ", ".join(dict.fromkeys(self._unmapped))
        return (
            *self._notes,
            IntakeNote(Level.INFO, f"Not mapped to a field of {self._object_type.name}: {names}."),
        )

    def _set_aside(self, field: Field, value: Any, sent_as: str, reason: str) -> None:
        self.set_aside[sent_as] = value
        shown = repr(value)
        if len(shown) > _SHOWN_CHARACTERS:
            shown = shown[:_SHOWN_CHARACTERS] + "…"
        text = f"{sent_as} = {shown} was not stored in {self._object_type.name}.{field.name}: {reason}."
        self._notes.append(IntakeNote(Level.WARN, text))
