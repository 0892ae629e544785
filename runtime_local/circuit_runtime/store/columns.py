"""Columns: what a table has for a field, as SQL and as the database remembers it."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.store.session import Dialect

TEXTS = frozenset(
    {
        FieldType.TEXT,
        FieldType.TEXTAREA,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.PICKLIST,
        FieldType.AUTONUMBER,
    }
)
"""Types whose storage form is the text itself: a field may change between them as long as its values fit."""

Index = Literal["", "reference", "unique", "unique_any_case"]


class Column(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the database remembers of the field that a column was made for.

    Attributes:
        was: name that the column had before it was renamed last.
        hidden: the project has no such field any more; the values are kept.
    """

    type: FieldType
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    index: Index = ""
    was: str = ""
    hidden: bool = False

    @classmethod
    def of(cls, field: Field, was: str = "") -> Column:
        return cls(
            type=field.type,
            length=field.length,
            precision=field.precision,
            scale=field.scale,
            index=_index(field),
            was=was,
        )

    def as_field(self, name: str) -> Field:
        """A field that takes all that the column can hold."""
        return Field(
            name=name,
            label=name,
            type=self.type,
            length=self.length,
            precision=self.precision,
            scale=self.scale,
            restricted=False,
        )


def _index(field: Field) -> Index:
    """Unique fields and lookups have one."""
    if field.unique:
        return "unique_any_case" if field.type in TEXTS and not field.case_sensitive else "unique"
    return "reference" if field.is_reference and not field.system else ""


def definition(field: Field, dialect: Dialect, name: str = "") -> str:
    """The field's column for CREATE TABLE and ADD COLUMN, under another name if one is given."""
    default = f" DEFAULT {_boolean(bool(field.default), dialect)}" if field.type is FieldType.BOOLEAN else ""
    required = " NOT NULL" if field.name == "id" else ""
    return f'"{name or field.name}" {sql_type(field.type, dialect)}{required}{default}'


def sql_type(kind: FieldType, dialect: Dialect) -> str:
    match kind:
        case FieldType.INTEGER | FieldType.DATETIME:
            return "INTEGER" if dialect == "sqlite" else "BIGINT"
        case FieldType.DECIMAL:
            return "REAL" if dialect == "sqlite" else "DOUBLE PRECISION"
        case FieldType.BOOLEAN:
            return "INTEGER" if dialect == "sqlite" else "BOOLEAN"
        case _:
            # Byte order, so that both databases sort and compare alike.
            return "TEXT" if dialect == "sqlite" else 'TEXT COLLATE "C"'


def _boolean(value: bool, dialect: Dialect) -> str:
    if dialect == "sqlite":
        return "1" if value else "0"
    return "TRUE" if value else "FALSE"
