"""Names and types of the objects that a transaction knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import NoReturn

from circuit_link import wire
from circuitos.api.exceptions import RecordException

SYSTEM_NAMES = {
    "createddate": "created_at",
    "createdbyid": "created_by",
    "lastmodifieddate": "modified_at",
    "lastmodifiedbyid": "modified_by",
    "isdeleted": "is_deleted",
    "ownerid": "owner",
}
"""Salesforce's spellings, in lower case, of fields that every record has."""


class ObjectFields:
    """One object as scripts see it: look-up of its fields in any case.

    Attributes:
        name: canonical name.
        types: field type by canonical field name, in order.
        read_only: fields that a script cannot write.
        required_texts: fields that must hold a text and have no default.
    """

    __slots__ = ("_by_lower", "name", "read_only", "required_texts", "types")

    def __init__(self, name: str, fields: Iterable[wire.FieldInfo]) -> None:
        self.name = name
        self.types: dict[str, str] = {}
        self.read_only: set[str] = set()
        self.required_texts: list[str] = []
        self._by_lower: dict[str, str] = {}
        compact: dict[str, str] = {}
        for field in fields:
            self.types[field.name] = field.type
            self._by_lower[field.name.lower()] = field.name
            # Apex developers write LastName and AccountId; canonical names win over these.
            spelling = field.name.replace("_", "")
            compact[spelling] = field.name
            if field.reference_to:
                compact[f"{spelling}id"] = field.name
            if not field.writable:
                self.read_only.add(field.name)
            elif field.required and field.type in ("text", "textarea") and field.default is None:
                self.required_texts.append(field.name)
        self._by_lower = {**compact, **self._by_lower}

    def canonical(self, name: str) -> str | None:
        """The field's canonical name, or None if the object has no such field."""
        if name in self.types:
            return name
        lower = name.lower()
        found = self._by_lower.get(lower)
        if found is None and lower in SYSTEM_NAMES:
            found = self._by_lower.get(SYSTEM_NAMES[lower])
        return found

    def refuse(self, name: str) -> NoReturn:
        """Raise RecordException for a field that does not exist, naming the nearest one."""
        near = difflib.get_close_matches(name.lower(), self._by_lower, n=1)
        hint = f" Did you mean {self._by_lower[near[0]]!r}?" if near else ""
        raise RecordException(f"{self.name} has no field {name!r}.{hint}")


class ObjectCatalog:
    """All objects of the transaction, by name in any case."""

    def __init__(self, objects: Iterable[wire.ObjectInfo]) -> None:
        self._objects = {item.name.lower(): ObjectFields(item.name, item.fields) for item in objects}

    def find(self, name: str) -> ObjectFields | None:
        return self._objects.get(name.lower())

    def get(self, name: str) -> ObjectFields:
        """Raises: RecordException naming the nearest object."""
        found = self._objects.get(name.lower())
        if found is None:
            near = difflib.get_close_matches(name.lower(), self._objects, n=1)
            hint = f" Did you mean {self._objects[near[0]].name!r}?" if near else ""
            raise RecordException(f"There is no object {name!r}.{hint}")
        return found

    def named_in_snake_case(self) -> Mapping[str, ObjectFields]:
        """Objects by the snake_case form of their names (`zip_income` for `ZipIncome`)."""
        return {snake_case(item.name): item for item in self._objects.values()}


def snake_case(name: str) -> str:
    """`ZipIncome` → `zip_income`; a run of capitals counts as one word (`LPRScore` → `lpr_score`)."""
    parts: list[str] = []
    for idx, char in enumerate(name):
        starts_word = char.isupper() and idx > 0
        if starts_word and (not name[idx - 1].isupper() or name[idx + 1 : idx + 2].islower()):
            parts.append("_")
        parts.append(char.lower())
    return "".join(parts).replace("__", "_")
