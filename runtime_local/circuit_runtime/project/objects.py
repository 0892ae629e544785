"""Read objects and fields from TOML: the standard objects, and a project's own and added ones."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import msgspec

from circuit_link.errors import UserFacingError
from circuit_resources.objects import standard_objects
from circuit_runtime.project.expression_checks import check_expressions
from circuit_runtime.project.object_checks import Declarations, check_field_table, check_schema
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
_SYSTEM_NAMES = frozenset({"id", "created_at", "created_by", "modified_at", "modified_by", "is_deleted"})
_WORD = re.compile(r"[A-Za-z]\w*")
_EXPRESSION_WORDS = frozenset({"AND", "OR", "NOT", "TRUE", "FALSE", "NULL"})
_PREFIX = re.compile(r"[0-9A-Za-z]{3}")
_LAST_LENGTH = 131_072


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
    """`value` is an expression, or a plain value of TOML; words that name no field are a text."""

    when: str
    field: str
    value: str | bool | int | float


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
    standard = _standard()
    reading = _Reading(dict(standard.objects), dict(standard.declared))
    own: dict[str, str] = {}
    for path, text in sorted(object_files.items()):
        name = _read_object(path, text, reading, custom=True)
        if name in own:
            raise UserFacingError(
                f"{path} and {own[name]} both describe the object {name}.",
                code=_CODE,
                hint="Put what they say into one file.",
                path=path,
                line=1,
            )
        own[name] = path
    objects = _with_child_names(_with_prefixes(reading))
    digest = hashlib.sha256()
    for path, text in sorted({**standard_objects(), **object_files}.items()):
        digest.update(f"{path}\0{text}\0".encode())
    schema = Schema(objects, digest.hexdigest()[:16])
    declared = {name: item for name, item in reading.declared.items() if name in own}
    check_schema(schema, declared)
    check_expressions(schema, declared)
    return schema


@dataclass(frozen=True, slots=True)
class _Reading:
    """What has been read so far: objects by name, and where each was declared last."""

    objects: dict[str, ObjectType]
    declared: dict[str, Declarations]


@cache
def _standard() -> _Reading:
    reading = _Reading({}, {})
    for path, text in standard_objects().items():
        _read_object(path, text, reading, custom=False)
    return reading


def _read_object(path: str, text: str, reading: _Reading, *, custom: bool) -> str:
    """Read one file into `reading`; returns the object's name."""
    file = TomlFile(path, text, _CODE)
    name = path.rpartition("/")[2].removesuffix(".toml")
    if not _NAME.fullmatch(name):
        raise file.error(
            f"{path}: {name!r} is no name for an object.", hint="Use letters, digits and underscores."
        )
    table = file.convert(ObjectTable)
    known = next((item for item in reading.objects.values() if item.name.lower() == name.lower()), None)
    name = known.name if known else name
    _check_prefix(file, table, known)
    fields = dict(known.fields) if known else _system_fields(name, table)
    for field_name, field_table in table.fields.items():
        before = fields.get(field_name) if known else None
        field = _read_field(file, name, field_name, field_table, before, custom=custom)
        fields[field.name] = field
    validations = tuple(
        ValidationRule(rule, item.when, item.message, item.field) for rule, item in table.validation.items()
    )
    updates = tuple(
        FieldUpdate(rule, item.when, item.field, _value_expression(item.value, fields))
        for rule, item in table.field_update.items()
    )
    reading.objects[name] = ObjectType(
        name=name,
        label=table.label or (known.label if known else _words(name)),
        plural=table.plural or (known.plural if known else plural_of(name)),
        key_prefix=table.key_prefix or (known.key_prefix if known else ""),
        fields=fields,
        validations=(known.validations if known else ()) + validations,
        field_updates=(known.field_updates if known else ()) + updates,
        is_setup=table.setup or (known.is_setup if known else False),
        custom=known.custom if known else custom,
    )
    reading.declared[name] = Declarations(file, frozenset(table.fields))
    return name


def _value_expression(value: str | float, fields: Mapping[str, Field]) -> str:
    """What a field update sets, as an expression: `value = "Hot"` means the text, as no field has such a name."""
    if not isinstance(value, str):
        return str(value).upper()
    words = value.split()
    is_plain = bool(words) and all(_WORD.fullmatch(word) for word in words)
    if not is_plain or {word.upper() for word in words} & _EXPRESSION_WORDS:
        return value
    if len(words) == 1 and difflib.get_close_matches(value.strip().lower(), fields, n=1, cutoff=0.8):
        return value  # a field, or one with a slip in its name, which is told
    return f"'{value}'"


def _check_prefix(file: TomlFile, table: ObjectTable, known: ObjectType | None) -> None:
    if table.key_prefix is None:
        return
    if not _PREFIX.fullmatch(table.key_prefix):
        raise file.error(
            f"{table.key_prefix!r} is no key prefix.",
            "key_prefix",
            hint="Use three letters or digits, such as a0X.",
        )
    if known is not None and table.key_prefix != known.key_prefix:
        raise file.error(
            f"The key prefix of {known.name} is {known.key_prefix} and cannot be changed.", "key_prefix"
        )


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


def _read_field(
    file: TomlFile, object_name: str, name: str, table: FieldTable, before: Field | None, *, custom: bool
) -> Field:
    """`before` is the standard field that the table changes, None for a new one."""
    _check_field_name(file, object_name, name)
    kind = _kind(file, object_name, name, table)
    if before is not None and (before.type, before.formula is None) != (kind, table.formula is None):
        raise file.error(
            f"{object_name}.{name} is a standard field of type {before.type} and cannot be of type {kind}.",
            "fields",
            name,
            "type",
            hint="Give your field another name.",
        )
    check_field_table(file, object_name, name, kind, file.values["fields"][name])
    rollup = table.rollup
    return Field(
        name=name,
        label=table.label or _words(name),
        type=kind,
        length=_length(file, object_name, name, kind, table),
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
        reference_to=(table.reference_to,) if isinstance(table.reference_to, str) else table.reference_to,
        child_name=table.child_name,
        on_delete=table.on_delete or _default_on_delete(kind, table),
        formula=table.formula,
        rollup=Rollup(rollup.child, rollup.function.upper(), rollup.field, rollup.where) if rollup else None,
        number_format=table.format,
        renamed_from=table.renamed_from,
        custom=custom if before is None else before.custom,
    )


def _check_field_name(file: TomlFile, object_name: str, name: str) -> None:
    if name in _SYSTEM_NAMES:
        raise file.error(
            f"{object_name}.{name} is kept by the runtime and cannot be declared.",
            "fields",
            name,
            hint="Give your field another name.",
        )
    if not _FIELD_NAME.fullmatch(name):
        raise file.error(
            f"{object_name}: {name!r} is no name for a field.",
            "fields",
            name,
            hint="Use snake_case, such as last_visit.",
        )


def _kind(file: TomlFile, object_name: str, name: str, table: FieldTable) -> FieldType:
    known = [str(kind) for kind in FieldType if kind is not FieldType.ID]
    if table.type in known:
        return FieldType(table.type)
    near = difflib.get_close_matches(table.type, known, n=1)
    raise file.error(
        f"{object_name}.{name} has the unknown type {table.type!r}.",
        "fields",
        name,
        "type",
        hint=f"Did you mean {near[0]!r}?" if near else f"Types are: {', '.join(known)}.",
    )


def _length(file: TomlFile, object_name: str, name: str, kind: FieldType, table: FieldTable) -> int | None:
    if table.length is None:
        return None if table.formula is not None else _LENGTHS.get(kind)
    if not 1 <= table.length <= _LAST_LENGTH:
        raise file.error(
            f"{object_name}.{name} has the length {table.length}; it may be 1 to {_LAST_LENGTH}.",
            "fields",
            name,
            "length",
        )
    return table.length


def _default_on_delete(kind: FieldType, table: FieldTable) -> Literal["clear", "restrict", "cascade"]:
    """As Salesforce: details go with their master, and a required lookup cannot be emptied."""
    if kind is FieldType.MASTER_DETAIL:
        return "cascade"
    return "restrict" if table.required else "clear"


def _with_prefixes(reading: _Reading) -> dict[str, ObjectType]:
    """Give every custom object a key prefix that follows from its name alone.

    It must not depend on the other objects: an object that is added later would change the prefix of one that has
    records. Where two names give the same one, the author has to choose.
    """
    result: dict[str, ObjectType] = {}
    taken: dict[str, str] = {}
    for name, item in reading.objects.items():
        digest = hashlib.sha256(f"{name.lower()}/0".encode()).digest()
        prefix = item.key_prefix or "a" + _base62(int.from_bytes(digest[:4]) % 3844)
        if prefix in taken:
            raise reading.declared[name].file.error(
                f"{name} and {taken[prefix]} have the same key prefix {prefix}.",
                "key_prefix",
                hint='Give the newer one of them another, such as key_prefix = "z01".',
            )
        taken[prefix] = name
        result[name] = item if item.key_prefix else dataclasses.replace(item, key_prefix=prefix)
    return result


def _with_child_names(objects: dict[str, ObjectType]) -> dict[str, ObjectType]:
    """Tell relations apart that have the same name by default: the second one is named after its field, too."""
    used: set[tuple[str, str]] = set()
    result: dict[str, ObjectType] = {}
    for name, item in objects.items():
        fields = dict(item.fields)
        for field in item.fields.values():
            child_name = field.child_name or item.plural
            if field.child_name is None and any((parent, child_name) in used for parent in field.reference_to):
                child_name = f"{item.plural}_by_{field.name}"
                fields[field.name] = dataclasses.replace(field, child_name=child_name)
            used |= {(parent, child_name) for parent in field.reference_to}
        result[name] = dataclasses.replace(item, fields=fields)
    return result


def _base62(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return digits[number // 62] + digits[number % 62]


def plural_of(name: str) -> str:
    """snake_case plural of an object's name: InvoiceLine → invoice_lines, Opportunity → opportunities."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if snake.endswith("y") and snake[-2:-1] not in "aeiou":
        return snake[:-1] + "ies"
    return snake + ("es" if snake.endswith(("s", "x", "ch", "sh")) else "s")


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").capitalize()
