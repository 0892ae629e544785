"""System validation: fields exist, values fit, references lead somewhere, and uniques are unique."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from circuit_link.wire import DmlErrorInfo
from circuit_runtime.dml.errors import error, required_missing
from circuit_runtime.dml.work import Work, column, sent_together, sound
from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.store.session import Session
from circuit_runtime.store.values import ValueProblem, converter


def resolve_parents(schema: Schema, session: Session, item: ObjectType, works: Sequence[Work]) -> None:
    """Replace parents that are named by an external id, as `{"ghl_id": "x"}`, by their record ids."""
    wanted: dict[tuple[str, str], dict[Any, list[tuple[Work, str]]]] = {}
    for work, name, field, value in _parents_by_name(item, works):
        named = _named_parent(schema, field, value)
        if named is None:
            message = f"{field.label}: a parent is named by its id or by one external id, not by {value}"
            work.errors.append(error("INVALID_FIELD", message, field.name))
        else:
            parent, external, key = named
            by_key = wanted.setdefault((parent.name, external.name), defaultdict(list))
            by_key[key].append((work, name))
    for (parent_name, external_name), by_key in wanted.items():
        parent = schema.objects[parent_name]
        found = find_by_value(session, parent, parent.fields[external_name], by_key)
        for key, uses in by_key.items():
            for work, name in uses:
                _take_parent(work, name, found.get(key, []), f"{key} not found for field {external_name}", parent)


def _parents_by_name(item: ObjectType, works: Sequence[Work]) -> Iterator[tuple[Work, str, Field, dict[str, Any]]]:
    """Each reference that is given as a mapping: the work, the name it was sent by, its field, and the mapping."""

    def is_reference(name: str) -> bool:
        field = item.field(name)
        return field is not None and field.is_reference

    for alike, sent in sent_together(works, is_reference):
        for name, values in sent.items():
            field = item.field(name)
            if field is not None and dict in map(type, values):
                for work, value in zip(alike, values, strict=True):
                    if isinstance(value, dict):
                        yield work, name, field, value


def _named_parent(schema: Schema, field: Field, value: Mapping[str, Any]) -> tuple[ObjectType, Field, Any] | None:
    """The object, its external id field and the folded value that a reference names; None where it names none."""
    if len(value) != 1:
        return None
    ((name, plain),) = value.items()
    for target in field.reference_to:
        parent = schema.objects[target]
        external = parent.field(name)
        if external is not None and external.external_id:
            try:
                return parent, external, folded(external, converter(external)(plain))
            except ValueProblem:
                return None
    return None


def _take_parent(work: Work, name: str, ids: Sequence[str], not_found: str, parent: ObjectType) -> None:
    if len(ids) == 1:
        work.give(name, ids[0])
    elif ids:
        work.errors.append(
            error("DUPLICATE_EXTERNAL_ID", f"{name}: more than one {parent.name} found: {ids}", name)
        )
    else:
        message = f"Foreign key external ID: {not_found} in entity {parent.name}"
        work.errors.append(error("INVALID_FIELD", message, name))


def defaults(item: ObjectType) -> dict[str, Any]:
    """A new row in storage form: every stored field, with its default, the figure of no children, or None."""
    return {
        field.name: field.rollup.empty if field.rollup else converter(field)(field.default)
        for field in item.fields.values()
        if field.is_stored
    }


def check_required(item: ObjectType, works: Sequence[Work]) -> None:
    required = [field.name for field in item.fields.values() if field.required and field.is_stored]
    if not any(None in column(works, name) for name in required):
        return
    for work in works:
        missing = [name for name in required if work.new.get(name) is None]
        if missing:
            work.errors.append(required_missing(missing))


def check_references(
    schema: Schema, session: Session, item: ObjectType, works: Sequence[Work], there: set[str]
) -> None:
    """Every id in a lookup is of an object that it may point to, and is there.

    `there` holds ids that were found before and need not be looked for again; those found now are added.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    uses: list[tuple[Field, str, list[Work]]] = []
    for field in item.fields.values():
        if not field.is_reference or field.system:
            continue
        for value, users in _by_new_value(field, works).items():
            target = schema.object_of_id(value)
            if target is None or target.name not in field.reference_to:
                message = f"{field.label}: id value of incorrect type: {value}"
                _tell_all(users, error("FIELD_INTEGRITY_EXCEPTION", message, field.name))
            else:
                message = f"{field.label}: a record cannot refer to itself"
                itself = [work for work in users if work.id == value]
                _tell_all(itself, error("CIRCULAR_DEPENDENCY", message, field.name))
                wanted[target.name].add(value)
                uses.append((field, value, [work for work in users if work.id != value]))
    for name, ids in wanted.items():
        if missing := ids - there:
            there |= existing_ids(session, schema.objects[name], missing)
    for field, value, users in uses:
        if value not in there:
            message = f"invalid cross reference id: {value}"
            _tell_all(users, error("INVALID_CROSS_REFERENCE_KEY", message, field.name))


def _by_new_value(field: Field, works: Sequence[Work]) -> dict[Any, list[Work]]:
    """The works by the value that they set the field to; those that leave it empty or as it was are left out."""
    name = field.name
    values = column(works, name)
    by_value: dict[Any, list[Work]] = {}
    if not values or values.count(None) == len(values):
        return by_value
    if works[0].old is None and values.count(values[0]) == len(values):
        return {values[0]: list(works)}
    for value, work in zip(values, works, strict=True):
        if value is not None and (work.old is None or work.old.get(name) != value):
            by_value.setdefault(value, []).append(work)
    return by_value


def _tell_all(works: Iterable[Work], problem: DmlErrorInfo) -> None:
    for work in works:
        work.errors.append(problem)


def check_unique(session: Session, item: ObjectType, works: Sequence[Work]) -> None:
    """No value of a unique field stands in another record, nor twice in this chunk."""
    for field in item.fields.values():
        if field.unique and field.is_stored:
            _check_unique_field(session, item, field, sound(works))


def _check_unique_field(session: Session, item: ObjectType, field: Field, works: Sequence[Work]) -> None:
    by_value = _by_new_value(field, works)
    if _folds(field):
        as_given, by_value = by_value, {}
        for value, holders in as_given.items():
            by_value.setdefault(folded(field, value), []).extend(holders)
    if not by_value:
        return
    taken = find_by_value(session, item, field, by_value)
    if not taken and sum(map(len, by_value.values())) == len(by_value):
        return
    for key, users in by_value.items():
        with_value = set(taken.get(key, ()))
        first: Work | None = None
        for work in users:
            others = sorted(with_value - {work.id})
            if not others and first is None:
                first = work
                continue
            with_id = others[0] if others else first.id or f"row {first.index}" if first else ""
            work.errors.append(
                error(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {with_id}",
                    field.name,
                )
            )


def find_by_value(session: Session, item: ObjectType, field: Field, values: Iterable[Any]) -> dict[Any, list[str]]:
    """Ids of the records that hold one of the (folded) values in `field`, by folded value."""
    return _ids_by_value(session, item, field, list(values), "NOT is_deleted")


def find_deleted_by_value(
    session: Session, item: ObjectType, field: Field, values: Iterable[Any]
) -> dict[Any, list[str]]:
    """`find_by_value` among the records in the recycle bin."""
    return _ids_by_value(session, item, field, list(values), "is_deleted")


def _ids_by_value(
    session: Session, item: ObjectType, field: Field, wanted: list[Any], state: str
) -> dict[Any, list[str]]:
    if session.dialect == "sqlite":
        collate = " COLLATE NOCASE" if _folds(field) else ""
        rows = session.execute(
            f'SELECT "{field.name}", id FROM {item.table} WHERE {state} '
            f'AND "{field.name}"{collate} IN (SELECT value FROM json_each(?))',
            (json.dumps(wanted),),
        )
    else:
        column = f'lower("{field.name}")' if _folds(field) else f'"{field.name}"'
        rows = session.execute(
            f'SELECT "{field.name}", id FROM {item.table} WHERE {state} AND {column} = ANY(%s)', (wanted,)
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
    return value.lower() if isinstance(value, str) and _folds(field) else value


def _folds(field: Field) -> bool:
    """Whether values are the same in any case."""
    return not field.case_sensitive and _is_text(field)


def _is_text(field: Field) -> bool:
    return field.type in (FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL, FieldType.TEXTAREA)
