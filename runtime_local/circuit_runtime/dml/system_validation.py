"""System validation: fields exist, values fit, references lead somewhere, and uniques are unique."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circuit_link.wire import DmlErrorInfo
from circuit_runtime.dml.errors import error, no_such_field, not_writeable, required_missing
from circuit_runtime.dml.work import Work, sound
from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.store.session import Session
from circuit_runtime.store.values import ValueProblem, converter


def convert(item: ObjectType, values: Mapping[str, Any], into: dict[str, Any]) -> list[DmlErrorInfo]:
    """Put plain values into a row in storage form; what does not fit is left out and told."""
    errors: list[DmlErrorInfo] = []
    for name, value in values.items():
        field = item.field(name)
        if field is None:
            near = difflib.get_close_matches(name.lower(), list(item.fields), n=1)
            errors.append(no_such_field(item.name, name, near[0] if near else None))
        elif not field.is_writable:
            errors.append(not_writeable(field.name))
        else:
            try:
                into[field.name] = converter(field)(value)
            except ValueProblem as exc:
                errors.append(error(exc.status_code, str(exc), field.name))
    return errors


def defaults(item: ObjectType) -> dict[str, Any]:
    """A new row in storage form: every stored field, with its default or None."""
    return {field.name: converter(field)(field.default) for field in item.fields.values() if field.is_stored}


def check_required(item: ObjectType, works: Iterable[Work]) -> None:
    required = [field.name for field in item.fields.values() if field.required and field.is_stored]
    for work in works:
        missing = [name for name in required if work.new.get(name) is None]
        if missing:
            work.errors.append(required_missing(missing))


def check_references(schema: Schema, session: Session, item: ObjectType, works: Sequence[Work]) -> None:
    """Every id in a lookup is of an object that it may point to, and is there."""
    wanted: dict[str, set[str]] = defaultdict(set)
    uses: list[tuple[Work, Field, str]] = []
    for field in item.fields.values():
        if not field.is_reference or field.system:
            continue
        for work in works:
            value = work.new.get(field.name)
            if value is None or (work.old is not None and work.old.get(field.name) == value):
                continue
            target = schema.object_of_id(value)
            if target is None or target.name not in field.reference_to:
                message = f"{field.label}: id value of incorrect type: {value}"
                work.errors.append(error("FIELD_INTEGRITY_EXCEPTION", message, field.name))
            elif value == work.id:
                message = f"{field.label}: a record cannot refer to itself"
                work.errors.append(error("CIRCULAR_DEPENDENCY", message, field.name))
            else:
                wanted[target.name].add(value)
                uses.append((work, field, value))
    there: set[str] = set()
    for name, ids in wanted.items():
        there |= existing_ids(session, schema.objects[name], ids)
    for work, field, value in uses:
        if value not in there:
            work.errors.append(
                error("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {value}", field.name)
            )


def check_unique(session: Session, item: ObjectType, works: Sequence[Work]) -> None:
    """No value of a unique field stands in another record, nor twice in this chunk."""
    for field in item.fields.values():
        if field.unique and field.is_stored:
            _check_unique_field(session, item, field, sound(works))


def _check_unique_field(session: Session, item: ObjectType, field: Field, works: Sequence[Work]) -> None:
    by_value: dict[Any, list[Work]] = defaultdict(list)
    for work in works:
        value = work.new.get(field.name)
        if value is not None and (work.old is None or work.old.get(field.name) != value):
            by_value[folded(field, value)].append(work)
    if not by_value:
        return
    taken = find_by_value(session, item, field, by_value)
    for key, users in by_value.items():
        holders = [record_id for record_id in taken.get(key, ()) if record_id != users[0].id]
        for work in users[1:] if not holders else users:
            with_id = holders[0] if holders else users[0].id or f"row {users[0].index}"
            work.errors.append(
                error(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {with_id}",
                    field.name,
                )
            )


def find_by_value(session: Session, item: ObjectType, field: Field, values: Iterable[Any]) -> dict[Any, list[str]]:
    """Ids of the records that hold one of the (folded) values in `field`, by folded value."""
    wanted = list(values)
    if session.dialect == "sqlite":
        collate = "" if field.case_sensitive or not _is_text(field) else " COLLATE NOCASE"
        rows = session.execute(
            f'SELECT "{field.name}", id FROM {item.table} WHERE NOT is_deleted '
            f'AND "{field.name}"{collate} IN (SELECT value FROM json_each(?))',
            (json.dumps(wanted),),
        )
    else:
        column = f'"{field.name}"' if field.case_sensitive or not _is_text(field) else f'lower("{field.name}")'
        rows = session.execute(
            f'SELECT "{field.name}", id FROM {item.table} WHERE NOT is_deleted AND {column} = ANY(%s)', (wanted,)
        )
    found: dict[Any, list[str]] = defaultdict(list)
    for value, record_id in rows:
        found[folded(field, value)].append(record_id)
    return found


def existing_ids(session: Session, item: ObjectType, ids: Iterable[str]) -> set[str]:
    wanted = list(ids)
    if session.dialect == "sqlite":
        condition, parameter = "id IN (SELECT value FROM json_each(?))", json.dumps(wanted)
    else:
        condition, parameter = "id = ANY(%s)", wanted  # type: ignore[assignment]  # a list of ids for psycopg
    rows = session.execute(f"SELECT id FROM {item.table} WHERE NOT is_deleted AND {condition}", (parameter,))
    return {row[0] for row in rows}


def folded(field: Field, value: Any) -> Any:
    """A value as unique fields and external ids compare it."""
    return value.lower() if isinstance(value, str) and not field.case_sensitive and _is_text(field) else value


def _is_text(field: Field) -> bool:
    return field.type in (FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL, FieldType.TEXTAREA)
