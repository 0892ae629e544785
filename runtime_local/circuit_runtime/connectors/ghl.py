"""GoHighLevel deliveries to Contact: marketplace webhooks, and the workflow's "Webhook" action.

A marketplace webhook is a flat object with `type` and camelCase names, its custom fields by id. The workflow
action has no `type`: snake_case names, and custom fields by their label beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from circuit_link.errors import UserFacingError
from circuit_log.levels import Level
from circuit_runtime.connectors.external_ids import external_id_of
from circuit_runtime.connectors.field_values import FieldValues
from circuit_runtime.connectors.intake import Intake, IntakeNote, IntakeOperation
from circuit_runtime.connectors.payload import inner_object
from circuit_runtime.project.schema import ObjectType, Schema

_OBJECT = "Contact"
_EXTERNAL_FIELD = "ghl_id"
_EXTRA_FIELD = "ghl_extra"
_SAVES = frozenset({"ContactCreate", "ContactUpdate", "ContactDndUpdate", "ContactTagUpdate"})
_DELETE = "ContactDelete"
_UNKNOWN_NAME = "Unknown"

# The first name is the marketplace's, the second the workflow action's.
_FIELDS: Mapping[str, str] = {
    "firstName": "first_name",
    "first_name": "first_name",
    "lastName": "last_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "companyName": "company",
    "company_name": "company",
    "address1": "mailing_street",
    "city": "mailing_city",
    "state": "mailing_state",
    "country": "mailing_country",
    "postalCode": "mailing_postal_code",
    "postal_code": "mailing_postal_code",
    "website": "website",
    "source": "lead_source",
    "contact_source": "lead_source",
    "dateOfBirth": "birthdate",
    "date_of_birth": "birthdate",
    "dnd": "do_not_contact",
    "tags": "tags",
}
# What a workflow delivery says of itself, and of the contact in other words: none of it is a custom field.
_WORKFLOW_ENVELOPE = frozenset(
    {
        "contact_id", "full_name", "full_address", "timezone", "date_created", "contact_type", "location",
        "workflow", "triggerData", "contact", "attributionSource", "customData", "payment", "user", "calendar",
        "order", "invoice", "opportunity", "campaign", "message",
    }
)  # fmt: skip


def map_delivery(
    payload: Mapping[str, Any], *, delivery_id: str, custom_fields: Mapping[str, str], schema: Schema
) -> Intake:
    """What a delivery asks of the database.

    Args:
        payload: the delivery's object; a recorded sample's is in its `body`, some senders' in `body.data`.
        custom_fields: `[connectors.ghl.custom_fields]`, custom field id or label to field of Contact.

    Raises:
        UserFacingError: a contact event without the contact's id, or a project without `Contact.ghl_id`.
    """
    event = _unwrapped(payload)
    sent_kind = event.get("type")
    kind = sent_kind if isinstance(sent_kind, str) else ""
    if kind in _SAVES or kind == _DELETE:
        return _marketplace(event, kind, delivery_id, custom_fields, _contact(schema))
    if "contact_id" in event and ("workflow" in event or not kind):
        return _workflow(event, delivery_id, custom_fields, _contact(schema))
    title = f"{kind or 'Event without a type'} from GoHighLevel"
    note = IntakeNote(Level.INFO, f"{title}: no mapping is made for it, so it stores nothing.")
    return Intake(title=title, source="ghl", delivery_id=delivery_id, notes=(note,))


def _unwrapped(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    event = payload
    for wrapper in ("body", "data"):
        inner = inner_object(event.get(wrapper))
        if inner is not None and "id" not in event and "contact_id" not in event:
            event = {**{name: value for name, value in event.items() if name != wrapper}, **inner}
    return event


def _contact(schema: Schema) -> ObjectType:
    contact = schema.object(_OBJECT)
    if contact is None or contact.field(_EXTERNAL_FIELD) is None:
        raise UserFacingError(
            f"GoHighLevel events need the field {_OBJECT}.{_EXTERNAL_FIELD}, which this project lacks.",
            code="EVENT_NO_TARGET",
            hint="Add `[fields.ghl_id]` with type, unique and external_id to objects/Contact.toml.",
        )
    return contact


def _marketplace(
    event: Mapping[str, Any], kind: str, delivery_id: str, custom_fields: Mapping[str, str], contact: ObjectType
) -> Intake:
    title = f"{kind} from GoHighLevel"
    external_id = external_id_of(event.get("id"), contact, _EXTERNAL_FIELD, f"{title}: its `id`")
    if kind == _DELETE:
        operation = IntakeOperation(
            object_name=contact.name, action="delete", external_field=_EXTERNAL_FIELD, external_id=external_id
        )
        return Intake(title=title, source="ghl", delivery_id=delivery_id, operations=(operation,))
    fields = FieldValues(contact)
    for sent_as, field_name in _FIELDS.items():
        if sent_as in event and "_" not in sent_as:
            fields.put(field_name, event[sent_as], sent_as)
    for sent_as, value in _custom_values(event):
        _put_custom(fields, custom_fields, sent_as, value)
    return _saving(title, delivery_id, external_id, contact, fields, event.get("email"))


def _workflow(
    event: Mapping[str, Any], delivery_id: str, custom_fields: Mapping[str, str], contact: ObjectType
) -> Intake:
    title = "Workflow webhook from GoHighLevel"
    external_id = external_id_of(event.get("contact_id"), contact, _EXTERNAL_FIELD, f"{title}: its `contact_id`")
    fields = FieldValues(contact)
    for sent_as, value in event.items():
        if sent_as in custom_fields:
            fields.put(custom_fields[sent_as], value, sent_as)
        elif sent_as in _FIELDS:
            fields.put(_FIELDS[sent_as], value, sent_as)
        elif sent_as not in _WORKFLOW_ENVELOPE and not sent_as.startswith("_"):
            _put_labelled(fields, custom_fields, sent_as, value)
    custom_data = event.get("customData")
    if isinstance(custom_data, Mapping):
        for sent_as, value in custom_data.items():
            _put_labelled(fields, custom_fields, sent_as, value)
    return _saving(title, delivery_id, external_id, contact, fields, event.get("email"))


def _custom_values(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(id, value) of each custom field; the key of the value differs between GoHighLevel's interfaces."""
    entries = event.get("customFields")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and entry.get("id") is not None:
            value = next((entry[key] for key in ("value", "field_value", "fieldValue") if key in entry), None)
            yield str(entry["id"]), value


def _put_custom(fields: FieldValues, custom_fields: Mapping[str, str], sent_as: str, value: Any) -> None:
    if sent_as in custom_fields:
        fields.put(custom_fields[sent_as], value, sent_as)
    else:
        fields.keep_unmapped(sent_as, value)


def _put_labelled(fields: FieldValues, custom_fields: Mapping[str, str], label: str, value: Any) -> None:
    """A custom field by its label: the settings decide, else the field of Contact with that label."""
    field = None if label in custom_fields else fields.field_labelled(label)
    if field is not None:
        fields.put(field.name, value, label)
    else:
        _put_custom(fields, custom_fields, label, value)


def _saving(
    title: str, delivery_id: str, external_id: str, contact: ObjectType, fields: FieldValues, email: object
) -> Intake:
    if fields.set_aside and fields.field(_EXTRA_FIELD) is not None:
        fields.values[_EXTRA_FIELD] = fields.set_aside
    local_part = email.partition("@")[0].strip() if isinstance(email, str) else ""
    operation = IntakeOperation(
        object_name=contact.name,
        action="save",
        external_field=_EXTERNAL_FIELD,
        external_id=external_id,
        values=fields.values,
        defaults={"last_name": local_part or _UNKNOWN_NAME},
    )
    return Intake(
        title=title, source="ghl", delivery_id=delivery_id, operations=(operation,), notes=fields.notes()
    )
