"""Read objects and fields from TOML: the standard objects, and a project's own and added ones."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from circuit_resources.objects import standard_objects
from circuit_runtime.project.schema import (
    Field,
    FieldType,
    FieldUpdate,
    ObjectType,
    Rollup,
    Schema,
    ValidationRule,
)
from circuit_runtime.project.toml_file import TomlFile

_CODE = "OBJECT_INVALID"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_DEFAULT_TEXT_LENGTH = 255
_LENGTHS = {
    FieldType.TEXT: _DEFAULT_TEXT_LENGTH,
    FieldType.TEXTAREA: 131_072,
    FieldType.EMAIL: 80,
    FieldType.PHONE: 40,
    FieldType.URL: 255,
    FieldType.PICKLIST: 255,
}
_FUNCTIONS = ("COUNT", "SUM", "MIN", "MAX", "AVG")


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RollupTable(_Table, frozen=True, kw_only=True):
    child: str
    function: str
    field: str | None = None
    where: str | None = None


class FieldTable(_Table, frozen=True, kw_only=True):
    type: str
    label: str | None = None
    description: str = ""
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    restricted: bool | None = None
    reference_to: str | tuple[str, ...] = ()
    child_name: str | None = None
    on_delete: Literal["clear", "restrict", "cascade"] | None = None
    formula: str | None = None
    rollup: RollupTable | None = None
    format: str | None = None
    renamed_from: str | None = None


class ValidationTable(_Table, frozen=True, kw_only=True):
    when: str
    message: str
    field: str | None = None


class FieldUpdateTable(_Table, frozen=True, kw_only=True):
    when: str
    field: str
    value: str


class ObjectTable(_Table, frozen=True, kw_only=True):
    label: str | None = None
    plural: str | None = None
    key_prefix: str | None = None
    setup: bool = False
    description: str = ""
    fields: dict[str, FieldTable] = {}
    validation: dict[str, ValidationTable] = {}
    field_update: dict[str, FieldUpdateTable] = {}


def load_schema(object_files: Mapping[str, str]) -> Schema:
    """The standard objects with a project's additions.

    Args:
        object_files: text of each `objects/NAME.toml` by its path.

    Raises: UserFacingError with file and line.
    """
    objects: dict[str, ObjectType] = {}
    origins: dict[tuple[str, str], TomlFile] = {}
    for path, text in standard_objects().items():
        _read_object(path, text, objects, origins, custom=False)
    for path, text in sorted(object_files.items()):
        _read_object(path, text, objects, origins, custom=True)
    objects = _with_prefixes(objects)
    for item in objects.values():
        for field in item.fields.values():
            if file := origins.get((item.name, field.name)):
                _check_field(file, item, field, objects)
    digest = hashlib.sha256()
    for path, text in sorted({**standard_objects(), **object_files}.items()):
        digest.update(f"{path}\0{text}\0".encode())
    return Schema(objects, digest.hexdigest()[:16])


def _read_object(
    path: str,
    text: str,
    objects: dict[str, ObjectType],
    origins: dict[tuple[str, str], TomlFile],
    *,
    custom: bool,
) -> None:
    file = TomlFile(path, text, _CODE)
    name = path.rpartition("/")[2].removesuffix(".toml")
    if not _NAME.fullmatch(name):
        raise file.error(
            f"{path}: {name!r} is no name for an object.", hint="Use letters, digits and underscores."
        )
    table = file.convert(ObjectTable)
    known = next((item for item in objects.values() if item.name.lower() == name.lower()), None)
    fields = dict(known.fields) if known else _system_fields(name, table)
    for field_name, field_table in table.fields.items():
        field = _read_field(file, known.name if known else name, field_name, field_table, custom=custom)
        fields[field.name] = field
        origins[(known.name if known else name, field.name)] = file
    validations = tuple(
        ValidationRule(rule, item.when, item.message, item.field) for rule, item in table.validation.items()
    )
    updates = tuple(
        FieldUpdate(rule, item.when, item.field, item.value) for rule, item in table.field_update.items()
    )
    merged = ObjectType(
        name=known.name if known else name,
        label=table.label or (known.label if known else _words(name)),
        plural=table.plural or (known.plural if known else plural_of(name)),
        key_prefix=table.key_prefix or (known.key_prefix if known else ""),
        fields=fields,
        validations=(known.validations if known else ()) + validations,
        field_updates=(known.field_updates if known else ()) + updates,
        is_setup=table.setup or (known.is_setup if known else False),
        custom=known.custom if known else custom,
    )
    objects[merged.name] = merged


def _system_fields(name: str, table: ObjectTable) -> dict[str, Field]:
    fields = [Field(name="id", label="Record id", type=FieldType.ID, system=True)]
    if "name" not in table.fields and name not in ("Task", "Case"):
        fields.append(Field(name="name", label="Name", type=FieldType.TEXT, length=80))
    return {field.name: field for field in fields} | {
        field.name: field
        for field in (
            Field(name="created_at", label="Created at", type=FieldType.DATETIME, system=True),
            Field(
                name="created_by",
                label="Created by",
                type=FieldType.LOOKUP,
                reference_to=("User",),
                child_name=f"created_{plural_of(name)}",
                system=True,
            ),
            Field(name="modified_at", label="Modified at", type=FieldType.DATETIME, system=True),
            Field(
                name="modified_by",
                label="Modified by",
                type=FieldType.LOOKUP,
                reference_to=("User",),
                child_name=f"modified_{plural_of(name)}",
                system=True,
            ),
            Field(name="is_deleted", label="Deleted", type=FieldType.BOOLEAN, default=False, system=True),
        )
    }


def _read_field(file: TomlFile, object_name: str, name: str, table: FieldTable, *, custom: bool) -> Field:
    if not _FIELD_NAME.fullmatch(name):
        raise file.error(
            f"{object_name}: {name!r} is no name for a field.",
            "fields",
            name,
            hint="Use snake_case, such as last_visit.",
        )
    try:
        kind = FieldType(table.type)
    except ValueError as exc:
        near = difflib.get_close_matches(table.type, [str(known) for known in FieldType], n=1)
        raise file.error(
            f"{object_name}.{name} has the unknown type {table.type!r}.",
            "fields",
            name,
            "type",
            hint=f"Did you mean {near[0]!r}?" if near else f"Types are: {', '.join(FieldType)}.",
        ) from exc
    references = (table.reference_to,) if isinstance(table.reference_to, str) else table.reference_to
    rollup = table.rollup
    return Field(
        name=name,
        label=table.label or _words(name),
        type=kind,
        length=table.length or _LENGTHS.get(kind),
        precision=table.precision if table.precision is not None else (18 if kind is FieldType.DECIMAL else None),
        scale=table.scale if table.scale is not None else (2 if kind is FieldType.DECIMAL else None),
        minimum=table.minimum,
        maximum=table.maximum,
        required=table.required or kind is FieldType.MASTER_DETAIL,
        unique=table.unique,
        external_id=table.external_id,
        case_sensitive=table.case_sensitive,
        default=False if kind is FieldType.BOOLEAN and table.default is None else table.default,
        values=table.values,
        restricted=bool(table.values) if table.restricted is None else table.restricted,
        reference_to=references,
        child_name=table.child_name,
        on_delete=table.on_delete or ("cascade" if kind is FieldType.MASTER_DETAIL else "clear"),
        formula=table.formula,
        rollup=Rollup(rollup.child, rollup.function.upper(), rollup.field, rollup.where) if rollup else None,
        number_format=table.format,
        renamed_from=table.renamed_from,
        custom=custom,
    )


def _with_prefixes(objects: dict[str, ObjectType]) -> dict[str, ObjectType]:
    """Give every custom object a three-character prefix that follows from its name alone."""
    taken = {item.key_prefix for item in objects.values() if item.key_prefix}
    result: dict[str, ObjectType] = {}
    for name, item in objects.items():
        attempt = 0
        prefix = item.key_prefix
        while not prefix:
            digits = int.from_bytes(hashlib.sha256(f"{name.lower()}/{attempt}".encode()).digest()[:4])
            candidate = "a" + _base62(digits % 3844)
            prefix = "" if candidate in taken else candidate
            attempt += 1
        taken.add(prefix)
        result[name] = dataclasses.replace(item, key_prefix=prefix)
    return result


def _base62(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return digits[number // 62] + digits[number % 62]


def _check_field(file: TomlFile, item: ObjectType, field: Field, objects: Mapping[str, ObjectType]) -> None:
    """Refuse what does not hold together: references, roll-ups, picklists, defaults."""
    where = ("fields", field.name)
    is_lookup = field.type in (FieldType.LOOKUP, FieldType.MASTER_DETAIL)
    if is_lookup and not field.reference_to:
        raise file.error(
            f"{item.name}.{field.name} does not say where it leads.", *where, hint="Add reference_to."
        )
    for target in field.reference_to:
        if target not in objects:
            near = difflib.get_close_matches(target, list(objects), n=1)
            raise file.error(
                f"{item.name}.{field.name} leads to the object {target!r}, which does not exist.",
                *where,
                "reference_to",
                hint=f"Did you mean {near[0]!r}?" if near else f"Objects are: {', '.join(sorted(objects))}.",
            )
    if field.type is FieldType.PICKLIST and field.restricted and not field.values:
        raise file.error(f"{item.name}.{field.name} is restricted and has no values.", *where, hint="Add values.")
    if field.rollup:
        _check_rollup(file, item, field, field.rollup, objects)


def _check_rollup(
    file: TomlFile, item: ObjectType, field: Field, rollup: Rollup, objects: Mapping[str, ObjectType]
) -> None:
    where = ("fields", field.name, "rollup")
    child = objects.get(rollup.child)
    if rollup.function not in _FUNCTIONS:
        raise file.error(
            f"{item.name}.{field.name} rolls up with {rollup.function!r}.",
            *where,
            hint=f"Use {', '.join(_FUNCTIONS)}.",
        )
    if child is None or not any(item.name in reference.reference_to for reference in child.fields.values()):
        raise file.error(f"{item.name}.{field.name}: {rollup.child!r} is no child of {item.name}.", *where)
    if rollup.function != "COUNT" and (rollup.field is None or child.field(rollup.field) is None):
        raise file.error(f"{item.name}.{field.name}: {rollup.child} has no field {rollup.field!r}.", *where)


def plural_of(name: str) -> str:
    """snake_case plural of an object's name: InvoiceLine → invoice_lines, Opportunity → opportunities."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if snake.endswith("y") and snake[-2:-1] not in "aeiou":
        return snake[:-1] + "ies"
    return snake + ("es" if snake.endswith(("s", "x", "ch", "sh")) else "s")


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").capitalize()
