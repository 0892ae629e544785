"""Salesforce Change Data Capture to Contact and Account, in the shapes of CometD, Pub/Sub and Kafka connectors.

CometD sends changed fields only; Pub/Sub sends every field, null where unchanged, so that `changedFields` and
`nulledFields` of the header decide. https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from circuit_link.errors import UserFacingError
from circuit_log.levels import Level
from circuit_runtime.connectors.external_ids import external_id_of
from circuit_runtime.connectors.field_values import FieldValues
from circuit_runtime.connectors.intake import Intake, IntakeNote, IntakeOperation
from circuit_runtime.connectors.payload import inner_object
from circuit_runtime.project.schema import ObjectType, Schema

_EXTERNAL_FIELD = "salesforce_id"
_REQUIRED_NAMES = {"Contact": "last_name", "Account": "name"}
_UNKNOWN_NAME = "Unknown"
_HEADER = "ChangeEventHeader"
_AVRO_TYPES = frozenset({"string", "long", "int", "double", "float", "boolean", "bytes", "null"})
# Kept by either side for itself, or by a connector about the message.
_OWN_FIELDS = frozenset(
    {
        "Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "OwnerId", "SystemModstamp",
        "ReplayId", "CleanStatus", "AccountId", "ParentId", "ReportsToId", "MasterRecordId", "IsDeleted",
        "JigsawContactId", "LastActivityDate", "RecordTypeId", _HEADER,
    }
)  # fmt: skip
_ADDRESS_PARTS = {
    "Street": "street",
    "City": "city",
    "State": "state",
    "PostalCode": "postal_code",
    "Country": "country",
}
_COMPOUND_NAME = frozenset({"Salutation", "FirstName", "MiddleName", "LastName", "Suffix"})
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

SavingAction = Literal["save", "undelete"]


def map_delivery(payload: Mapping[str, Any], *, delivery_id: str, schema: Schema) -> Intake:
    """What a change event asks of the database: one operation for each of its record ids.

    Raises:
        UserFacingError: it has no change event header, or the header is broken.
    """
    change = _unwrapped(payload)
    header = change.get(_HEADER)
    if not isinstance(header, Mapping):
        raise _no_header(f"it has no `{_HEADER}`")
    entity, kind = str(header.get("entityName", "")), str(header.get("changeType", ""))
    sent_ids = header.get("recordIds")
    if not entity or not kind or not isinstance(sent_ids, list):
        raise _no_header(f"its `{_HEADER}` lacks entityName, changeType or recordIds")
    title = f"{kind} of {entity} from Salesforce"
    object_type = schema.object(entity) if entity in _REQUIRED_NAMES else None
    if object_type is None or object_type.field(_EXTERNAL_FIELD) is None:
        return _nothing_to_store(title, delivery_id, f"no mapping is made for {entity}", Level.INFO)
    what = f"{title}: an id in `recordIds`"
    record_ids = [external_id_of(sent, object_type, _EXTERNAL_FIELD, what) for sent in sent_ids]
    if kind.startswith("GAP"):
        return _nothing_to_store(
            title, delivery_id, f"Salesforce lost the details of a change to {', '.join(record_ids)}", Level.WARN
        )
    if kind == "DELETE":
        return _deleting(title, delivery_id, object_type, record_ids)
    fields = FieldValues(object_type)
    for sent_as, field_name, value in _changed_values(change, header, kind):
        if fields.field(field_name) is not None or value is not None:
            fields.put(field_name, value, sent_as)
    action: SavingAction = "undelete" if kind == "UNDELETE" else "save"
    return _saving(title, delivery_id, object_type, record_ids, fields, action)


def _unwrapped(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    event = payload
    for wrapper in ("body", "data", "payload"):
        inner = inner_object(event.get(wrapper))
        if inner is not None and _HEADER not in event:
            event = inner
    return {name: _without_union(value) for name, value in event.items()}


def _without_union(value: Any) -> Any:
    """Avro's `{"string": "Hot"}` as "Hot"."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in _AVRO_TYPES or kind.startswith("com.sforce."):
            return _without_union(inner)
    if isinstance(value, Mapping):
        return {name: _without_union(inner) for name, inner in value.items()}
    return value


def _changed_values(
    change: Mapping[str, Any], header: Mapping[str, Any], kind: str
) -> Iterator[tuple[str, str, Any]]:
    """(name as sent, our field, value) of each field that the event changes."""
    nulled = _names(header.get("nulledFields"))
    changed = _names(header.get("changedFields"))
    for name, value in _flattened(change):
        is_null = value is None
        if kind != "UPDATE" or not changed:
            take = not is_null or _named(name, nulled)
        else:
            take = _named(name, changed) or _named(name, nulled)
        if take:
            yield name, _our_name(name), value
    present = {name for name, _ in _flattened(change)}
    for name in nulled - present:
        if name.partition(".")[0] not in _OWN_FIELDS:
            yield name, _our_name(name), None


def _flattened(change: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields of the event; the parts of a compound field as `MailingAddress.City`."""
    for name, value in change.items():
        if name in _OWN_FIELDS or name.startswith("_"):
            continue
        if isinstance(value, Mapping):
            yield from ((f"{name}.{part}", inner) for part, inner in value.items())
        elif not (value is None and name.endswith("Address")):
            yield name, value


def _names(value: Any) -> set[str]:
    """Field names of a header's list; raw Avro's bitmaps (`0x400800`) name nothing without its schema."""
    if not isinstance(value, list):
        return set()
    return {item for item in value if isinstance(item, str) and not item.startswith("0x") and "-0x" not in item}


def _named(name: str, names: set[str]) -> bool:
    return name in names or name.partition(".")[0] in names or name.rpartition(".")[2] in names


def _our_name(name: str) -> str:
    compound, _, part = name.rpartition(".")
    if compound.endswith("Address") and part in _ADDRESS_PARTS:
        return f"{_snake_case(compound.removesuffix('Address'))}_{_ADDRESS_PARTS[part]}"
    if compound and part not in _COMPOUND_NAME:
        return _snake_case(name.replace(".", ""))
    return _snake_case(part)


def _snake_case(name: str) -> str:
    return _WORD_START.sub("_", name.removesuffix("__c")).lower()


def _deleting(title: str, delivery_id: str, object_type: ObjectType, record_ids: list[str]) -> Intake:
    operations = tuple(
        IntakeOperation(
            object_name=object_type.name,
            action="delete",
            external_field=_EXTERNAL_FIELD,
            external_id=record_id,
        )
        for record_id in record_ids
    )
    return Intake(title=title, source="salesforce", delivery_id=delivery_id, operations=operations)


def _saving(
    title: str,
    delivery_id: str,
    object_type: ObjectType,
    record_ids: list[str],
    fields: FieldValues,
    action: SavingAction,
) -> Intake:
    email = fields.values.get("email")
    local_part = email.partition("@")[0] if isinstance(email, str) else ""
    required = _REQUIRED_NAMES[object_type.name]
    operations = tuple(
        IntakeOperation(
            object_name=object_type.name,
            action=action,
            external_field=_EXTERNAL_FIELD,
            external_id=record_id,
            values=fields.values,
            defaults={required: local_part or _UNKNOWN_NAME},
        )
        for record_id in record_ids
    )
    return Intake(
        title=title, source="salesforce", delivery_id=delivery_id, operations=operations, notes=fields.notes()
    )


def _nothing_to_store(title: str, delivery_id: str, reason: str, level: Level) -> Intake:
    note = IntakeNote(level, f"{title}: {reason}, so it stores nothing.")
    return Intake(title=title, source="salesforce", delivery_id=delivery_id, notes=(note,))


def _no_header(reason: str) -> UserFacingError:
    return UserFacingError(
        f"This is not a Salesforce change event: {reason}.",
        code="EVENT_NOT_A_CHANGE",
        hint="Record the event as CometD or Pub/Sub delivers it, or name another --source.",
    )
