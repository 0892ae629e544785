"""DML that the host makes itself: inbound events and records edited in the console."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import circuit_log.events as ev
from circuit_link.wire import in_columns
from circuit_log.levels import Level
from circuit_runtime.connectors.intake import Intake, IntakeOperation
from circuit_runtime.dml.operations import DmlRequest
from circuit_runtime.dml.system_validation import find_by_value, find_deleted_by_value, folded
from circuit_runtime.dml.transaction import DataTransaction
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.host.execution_request import SaveRequest
from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import Field, ObjectType
from circuit_runtime.store.session import Session
from circuit_runtime.store.values import to_storage

# One of the functions that find records by what a field holds.
Find = Callable[[Session, ObjectType, Field, Iterable[Any]], dict[Any, list[str]]]


def has_triggers_for(entry: Intake | SaveRequest, project: Project) -> bool:
    """Whether any trigger could run: one of an object written, or of one that its saves may reach."""
    return bool(project.catalog.triggers)


def write_intake(
    intake: Intake, project: Project, session: Session, data: DataTransaction, events: EventLog
) -> None:
    """Save and delete what a delivery says, records of one object and action in one statement.

    Raises: DmlFailed, LimitBreached.
    """
    for note in intake.notes:
        events.emit(ev.UserDebug, level=note.level, text=note.text)
    for (name, action), group in groupby(intake.operations, lambda each: (each.object_name, each.action)):
        item = project.schema.objects[name]
        operations = list(group)
        known = _known_ids(item, session, operations, find_by_value)
        if action == "delete":
            _delete(item, operations, known, data, events)
            continue
        if action == "undelete":
            known |= _undelete(item, session, [each for each in operations if each.external_id not in known], data)
        _save(item, operations, known, data)


def save_edited(request: SaveRequest, data: DataTransaction) -> None:
    """Update the records that have an id and insert the others, all or none. Raises: DmlFailed, LimitBreached."""
    for operation, records in (
        ("update", [record for record in request.records if record.get("id")]),
        ("insert", [record for record in request.records if not record.get("id")]),
    ):
        if records:
            data.execute(
                DmlRequest(
                    operation="update" if operation == "update" else "insert",
                    object_name=request.object_name,
                    records=in_columns(records),
                )
            )


def _save(
    item: ObjectType, operations: list[IntakeOperation], known: dict[str, str], data: DataTransaction
) -> None:
    updates = []
    inserts: dict[str, dict[str, object]] = {}
    for operation in operations:
        record_id = known.get(operation.external_id)
        if record_id is not None:
            updates.append({"id": record_id, **operation.values})
        elif operation.external_id in inserts:
            # The same new record twice in one delivery: the later values win.
            inserts[operation.external_id].update(operation.values)
        else:
            external = {operation.external_field: operation.external_id}
            inserts[operation.external_id] = {**operation.defaults, **operation.values, **external}
    if updates:
        data.execute(DmlRequest(operation="update", object_name=item.name, records=in_columns(updates)))
    if inserts:
        data.execute(DmlRequest(operation="insert", object_name=item.name, records=in_columns(inserts.values())))


def _delete(
    item: ObjectType,
    operations: list[IntakeOperation],
    known: dict[str, str],
    data: DataTransaction,
    events: EventLog,
) -> None:
    for operation in operations:
        if operation.external_id not in known:
            text = f"{item.name} {operation.external_id} is not known here; nothing to delete."
            events.emit(ev.UserDebug, level=Level.INFO, text=text)
    ids = [known[operation.external_id] for operation in operations if operation.external_id in known]
    if ids:
        records = [{"id": record_id} for record_id in dict.fromkeys(ids)]
        data.execute(DmlRequest(operation="delete", object_name=item.name, records=in_columns(records)))


def _undelete(
    item: ObjectType, session: Session, operations: list[IntakeOperation], data: DataTransaction
) -> dict[str, str]:
    """Take the records that lie in the recycle bin out of it; their ids by external id."""
    found = _known_ids(item, session, operations, find_deleted_by_value)
    if found:
        records = in_columns([{"id": record_id} for record_id in dict.fromkeys(found.values())])
        data.execute(DmlRequest(operation="undelete", object_name=item.name, records=records))
    return found


def _known_ids(
    item: ObjectType, session: Session, operations: list[IntakeOperation], find: Find
) -> dict[str, str]:
    """Ids of the records that `find` finds, by external id; of several, the newest."""
    known: dict[str, str] = {}
    for field_name in dict.fromkeys(operation.external_field for operation in operations):
        field = item.fields[field_name]
        keys = dict(_keys(operations, field_name, item))
        found = find(session, item, field, [folded(field, value) for value in keys.values()])
        known.update(
            {name: max(found[folded(field, key)]) for name, key in keys.items() if found[folded(field, key)]}
        )
    return known


def _keys(operations: list[IntakeOperation], field_name: str, item: ObjectType) -> Iterator[tuple[str, object]]:
    for operation in operations:
        if operation.external_field == field_name:
            yield operation.external_id, to_storage(item.fields[field_name], operation.external_id)
