"""Objects and fields of a project, as values. `circuit_runtime.project.objects` reads them from TOML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal


class FieldType(StrEnum):
    """The type of a field's values; a formula field has its result type and a `formula`."""

    ID = "id"
    TEXT = "text"
    TEXTAREA = "textarea"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    LOOKUP = "lookup"
    MASTER_DETAIL = "master_detail"
    JSON = "json"
    AUTONUMBER = "autonumber"


@dataclass(frozen=True, slots=True)
class Rollup:
    """A roll-up summary: `function` (COUNT, SUM, MIN, MAX, AVG) over `field` of the children of `child`."""

    child: str
    function: str
    field: str | None
    where: str | None

    @property
    def empty(self) -> int | None:
        """The figure of a parent without children."""
        return 0 if self.function in ("COUNT", "SUM") else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """One field. `name` is canonical snake_case; look-ups by any case go through `ObjectType.field`.

    A field is equal to itself only, so that what is made for it once can be kept by it at no cost.

    Attributes:
        length: most characters of a text; None for no limit of its own.
        precision, scale: of a decimal: digits in all, digits after the point.
        default: plain Python value, or None.
        values: picklist values in order; () leaves a picklist open.
        reference_to: object names that a lookup may point to; more than one makes it polymorphic.
        child_name: name of the relation from the parent's side; default the child object's plural.
        number_format: of an autonumber, `INV-{0000}`.
        renamed_from: name that its column has in databases made before it was renamed.
        system: kept by the runtime (id, created_at, …), never written by scripts.
        custom: added by the project to an object (or field of an object of its own).
    """

    name: str
    label: str
    type: FieldType
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
    restricted: bool = True
    reference_to: tuple[str, ...] = ()
    child_name: str | None = None
    on_delete: Literal["clear", "restrict", "cascade"] = "clear"
    formula: str | None = None
    rollup: Rollup | None = None
    number_format: str | None = None
    renamed_from: str | None = None
    system: bool = False
    custom: bool = False

    @property
    def is_reference(self) -> bool:
        return bool(self.reference_to)

    @property
    def is_calculated(self) -> bool:
        return self.formula is not None or self.rollup is not None or self.type is FieldType.AUTONUMBER

    @property
    def is_writable(self) -> bool:
        return not (self.system or self.is_calculated)

    @property
    def is_stored(self) -> bool:
        """Whether the table has a column for it; formulas are computed when read."""
        return self.formula is None


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuse a record when the expression `when` is true; `field` is where the message belongs, or None."""

    name: str
    when: str
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class FieldUpdate:
    """Apex's workflow field update: after a save, where `when` is true, set `field` to the expression `value`."""

    name: str
    when: str
    field: str
    value: str


_SALESFORCE_NAMES = {
    "createddate": "created_at",
    "createdbyid": "created_by",
    "lastmodifieddate": "modified_at",
    "lastmodifiedbyid": "modified_by",
    "isdeleted": "is_deleted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """One object. `fields` is keyed by canonical name, system fields included, in declaration order."""

    name: str
    label: str
    plural: str
    key_prefix: str
    fields: Mapping[str, Field]
    validations: tuple[ValidationRule, ...] = ()
    field_updates: tuple[FieldUpdate, ...] = ()
    is_setup: bool = False
    custom: bool = False
    _index: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[str, Field] = {}
        for item in self.fields.values():
            # Apex developers write LastName, OwnerId and CreatedDate; canonical names win over these.
            compact = item.name.replace("_", "")
            for spelling in (compact, f"{compact}id" if item.is_reference else compact):
                index.setdefault(spelling, item)
        for spelling, name in _SALESFORCE_NAMES.items():
            if name in self.fields:
                index.setdefault(spelling, self.fields[name])
        object.__setattr__(self, "_index", {**index, **self.fields})

    @property
    def table(self) -> str:
        """Name of its table; lower case, so that both databases keep it as it is."""
        return f"o_{self.name.lower()}"

    def field(self, name: str) -> Field | None:
        """The field of that name in any case, also as Salesforce spells it (LastName, CreatedDate)."""
        return self.fields.get(name) or self._index.get(name.lower())


@dataclass(frozen=True, slots=True)
class ChildRelation:
    """From a parent object: `name` is the relation, `child` the object, `field` the child's lookup field."""

    name: str
    child: str
    field: str


@dataclass(frozen=True, slots=True)
class Schema:
    """All objects of a project. `version` is a hash of everything in it: equal versions, equal schemas."""

    objects: Mapping[str, ObjectType]
    version: str
    _by_lower: Mapping[str, ObjectType] = field(init=False, repr=False, compare=False)
    _children: Mapping[str, Mapping[str, ChildRelation]] = field(init=False, repr=False, compare=False)
    _by_prefix: Mapping[str, ObjectType] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        set_once(self, "_by_lower", {name.lower(): item for name, item in self.objects.items()})
        set_once(self, "_by_prefix", {item.key_prefix: item for item in self.objects.values()})
        children: dict[str, dict[str, ChildRelation]] = {name: {} for name in self.objects}
        for item in self.objects.values():
            for reference in item.fields.values():
                for parent in reference.reference_to:
                    relation = ChildRelation(reference.child_name or item.plural, item.name, reference.name)
                    children.setdefault(parent, {}).setdefault(relation.name.lower(), relation)
        set_once(self, "_children", children)

    def __iter__(self) -> Iterator[ObjectType]:
        return iter(self.objects.values())

    def object(self, name: str) -> ObjectType | None:
        """The object of that name in any case."""
        return self._by_lower.get(name.lower())

    def object_of_id(self, record_id: str) -> ObjectType | None:
        """The object whose key prefix starts `record_id`."""
        return self._by_prefix.get(record_id[:3])

    def children(self, parent: str) -> Mapping[str, ChildRelation]:
        """Relations from the object `parent` (canonical name) to its children, by lower-case relation name."""
        return MappingProxyType(self._children[parent])
