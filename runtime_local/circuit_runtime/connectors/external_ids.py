"""The id by which another system knows a record."""

from __future__ import annotations

from circuit_link.errors import UserFacingError
from circuit_runtime.project.schema import ObjectType
from circuit_runtime.store.values import ValueProblem, to_storage

_SHOWN_CHARACTERS = 80


def external_id_of(value: object, object_type: ObjectType, field_name: str, what: str) -> str:
    """`value` as the content of the external id field.

    Args:
        what: begins the error's sentence: ``ContactCreate from GoHighLevel: its `id```.

    Raises:
        UserFacingError: it is no text, is blank, or is longer than the field.
    """
    if not isinstance(value, str) or not value.strip():
        raise UserFacingError(
            f"{what} is {_shown(value)}, not the id of a record.",
            code="EVENT_WITHOUT_ID",
            hint="Without the sender's id the event belongs to nobody; replay it as it was delivered.",
        )
    text = value.strip()
    try:
        to_storage(object_type.fields[field_name], text)
    except ValueProblem as exc:
        raise UserFacingError(
            f"{what} is {_shown(text)}, which {object_type.name}.{field_name} does not take: {len(text):,} "
            "characters are too many.",
            code="EVENT_ID_TOO_LONG",
            hint=f"Give [fields.{field_name}] in objects/{object_type.name}.toml a greater `length`.",
        ) from exc
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
