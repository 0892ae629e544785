"""Refuse objects that do not hold together, at the line that says so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from circuit_runtime.project.schema import Field, FieldType, ObjectType, Rollup, Schema
from circuit_runtime.project.toml_file import TomlFile
from circuit_runtime.store.values import ValueProblem, to_storage

_REFERENCES = frozenset({FieldType.LOOKUP, FieldType.MASTER_DETAIL})
_PICKLISTS = frozenset({FieldType.PICKLIST, FieldType.MULTIPICKLIST})
_NUMBERS = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
_ROLLUP_TYPES = _NUMBERS | {FieldType.DATE, FieldType.DATETIME}
_KEYS = frozenset(
    {
        FieldType.TEXT,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.INTEGER,
        FieldType.DECIMAL,
        FieldType.AUTONUMBER,
    }
)
_MEANINGFUL_FOR = {
    "values": _PICKLISTS,
    "restricted": _PICKLISTS,
    "reference_to": _REFERENCES,
    "child_name": _REFERENCES,
    "on_delete": _REFERENCES,
    "format": frozenset({FieldType.AUTONUMBER}),
    "rollup": _ROLLUP_TYPES,
    "minimum": _NUMBERS,
    "maximum": _NUMBERS,
    "unique": _KEYS,
    "external_id": _KEYS,
}
_NOT_WITH_FORMULA = ("rollup", "required", "unique", "external_id", "default", "renamed_from")
_NOT_FORMULA_TYPES = _REFERENCES | {FieldType.AUTONUMBER, FieldType.MULTIPICKLIST, FieldType.JSON}
_NUMBER_FORMAT = re.compile(r"[^{}]*\{0+\}[^{}]*")
_FUNCTIONS = ("COUNT", "SUM", "MIN", "MAX", "AVG")


@dataclass(frozen=True, slots=True)
class Declarations:
    """The file that declares an object or adds to it, and the fields that it names."""

    file: TomlFile
    fields: frozenset[str]


def check_field_table(
    file: TomlFile, object_name: str, name: str, kind: FieldType, table: Mapping[str, Any]
) -> None:
    """Refuse keys of a field's table that mean nothing for its type. Raises: UserFacingError."""
    where = ("fields", name)
    for key, kinds in _MEANINGFUL_FOR.items():
        if table.get(key) and kind not in kinds:
            raise file.error(
                f"{object_name}.{name} is of type {kind}, where {key!r} has no meaning.",
                *where,
                key,
                hint=f"{key!r} belongs to: {', '.join(sorted(kinds))}.",
            )
    if table.get("formula") is not None:
        if kind in _NOT_FORMULA_TYPES:
            raise file.error(f"{object_name}.{name}: the result of a formula cannot be {kind}.", *where, "type")
        for key in _NOT_WITH_FORMULA:
            if table.get(key):
                raise file.error(f"{object_name}.{name} is a formula, where {key!r} has no meaning.", *where, key)
    if table.get("on_delete") == "clear" and (table.get("required") or kind is FieldType.MASTER_DETAIL):
        raise file.error(
            f"{object_name}.{name} must not be empty, and cannot be cleared when its parent is deleted.",
            *where,
            "on_delete",
            hint="Use 'restrict' or 'cascade'.",
        )


def check_schema(schema: Schema, declared: Mapping[str, Declarations]) -> None:
    """Check what a project declares against all objects.

    Args:
        declared: the project's own declarations by object name.

    Raises: UserFacingError, with file and line.
    """
    for object_name, declarations in declared.items():
        item = schema.objects[object_name]
        for name in item.fields:
            if name in declarations.fields:
                _check_field(declarations.file, item, item.fields[name], schema)
        _check_child_names(declarations, item, schema)


def _check_field(file: TomlFile, item: ObjectType, field: Field, schema: Schema) -> None:
    where = ("fields", field.name)
    if field.type in _REFERENCES and not field.reference_to:
        raise file.error(
            f"{item.name}.{field.name} does not say where it leads.", *where, hint="Add reference_to."
        )
    for target in field.reference_to:
        if target not in schema.objects:
            raise file.error(
                f"{item.name}.{field.name} leads to the object {target!r}, which does not exist.",
                *where,
                "reference_to",
                hint=nearest(target, schema.objects) or f"Objects are: {', '.join(sorted(schema.objects))}.",
            )
    _check_numbers(file, item, field)
    _check_values(file, item, field)
    if field.rollup:
        _check_rollup(file, item, field, field.rollup, schema)


def _check_numbers(file: TomlFile, item: ObjectType, field: Field) -> None:
    where = ("fields", field.name)
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        raise file.error(
            f"{item.name}.{field.name} has a minimum of {field.minimum:g} above its maximum of {field.maximum:g}.",
            *where,
            "minimum",
        )
    if field.type is FieldType.DECIMAL:
        precision, scale = field.precision or 0, field.scale or 0
        if not (1 <= precision <= 18 and 0 <= scale <= precision):
            raise file.error(
                f"{item.name}.{field.name} has {precision} digits, {scale} of them after the point; "
                "18 digits are the most.",
                *where,
                "precision",
            )
    if field.number_format is not None and not _NUMBER_FORMAT.fullmatch(field.number_format):
        raise file.error(
            f"{item.name}.{field.name} numbers records by {field.number_format!r}.",
            *where,
            "format",
            hint="Write one group of zeros in braces, such as INV-{0000}.",
        )


def _check_values(file: TomlFile, item: ObjectType, field: Field) -> None:
    where = ("fields", field.name)
    if field.type in _PICKLISTS and field.restricted and not field.values:
        raise file.error(f"{item.name}.{field.name} is restricted and has no values.", *where, hint="Add values.")
    seen: set[str] = set()
    for value in field.values:
        if not value.strip() or value.lower() in seen or (field.type is FieldType.MULTIPICKLIST and ";" in value):
            raise file.error(
                f"{item.name}.{field.name} cannot have the value {value!r}: it is empty, there twice, "
                "or holds a semicolon.",
                *where,
                "values",
            )
        seen.add(value.lower())
    if field.default is not None:
        try:
            to_storage(field, field.default)
        except ValueProblem as exc:
            raise file.error(
                f"The default of {item.name}.{field.name} does not fit. {exc}.", *where, "default"
            ) from exc


def _check_rollup(file: TomlFile, item: ObjectType, field: Field, rollup: Rollup, schema: Schema) -> None:
    where = ("fields", field.name, "rollup")
    child = schema.objects.get(rollup.child)
    if rollup.function not in _FUNCTIONS:
        raise file.error(
            f"{item.name}.{field.name} rolls up with {rollup.function!r}.",
            *where,
            "function",
            hint=f"Use {', '.join(_FUNCTIONS)}.",
        )
    if child is None or not any(item.name in reference.reference_to for reference in child.fields.values()):
        children = {relation.child for relation in schema.children(item.name).values()}
        raise file.error(
            f"{item.name}.{field.name}: {rollup.child!r} is no child of {item.name}.",
            *where,
            "child",
            hint=nearest(rollup.child, children),
        )
    if rollup.function == "COUNT":
        return
    source = child.field(rollup.field) if rollup.field else None
    if source is None:
        raise file.error(
            f"{item.name}.{field.name}: {rollup.child} has no field {rollup.field!r}.",
            *where,
            "field",
            hint=nearest(rollup.field or "", child.fields),
        )
    allowed = _NUMBERS if rollup.function in ("SUM", "AVG") else _ROLLUP_TYPES
    if source.type not in allowed:
        raise file.error(
            f"{item.name}.{field.name}: {rollup.function} of {child.name}.{source.name}, which is {source.type}.",
            *where,
            "field",
            hint=f"Roll up a field of type {', '.join(sorted(allowed))}.",
        )


def _check_child_names(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    for name in declarations.fields:
        field = item.fields[name]
        for parent in field.reference_to:
            relation = schema.children(parent)[(field.child_name or item.plural).lower()]
            if (relation.child, relation.field) != (item.name, field.name):
                raise declarations.file.error(
                    f"{parent} has two relations {relation.name!r}: from {relation.child}.{relation.field} "
                    f"and from {item.name}.{field.name}.",
                    "fields",
                    field.name,
                    "child_name",
                    hint="Give one of them another child_name.",
                )


def nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]!r}?" if near else ""
