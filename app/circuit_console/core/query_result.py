"""A query's rows as a grid whose cells can be edited, with undo, until they are saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from circuit_console.core.quantities import counted, format_count, format_duration
from circuit_link.host_protocol import FieldDescription, ObjectDescription, QueryAnswered

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


class BadCell(Exception):
    """A text that is no value of its column's type. The message says what would be."""


@dataclass(frozen=True)
class Column:
    """`path` is dotted (`account.name`); `type` is "" where the object is not known."""

    path: str
    type: str = ""
    values: tuple[str, ...] = ()
    is_editable: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class Edit:
    """A cell that was changed: what it was before, and whether it was an edit already."""

    row: int
    column: int
    before: Any
    was_edited: bool


@dataclass
class ResultGrid:
    """Rows of one answer. Edits are kept beside them until `take_saved`."""

    object_name: str
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    _edits: dict[tuple[int, int], Any] = field(default_factory=dict)
    _undo: list[Edit] = field(default_factory=list)

    def value(self, row: int, column: int) -> Any:
        edited = self._edits.get((row, column), _NOTHING)
        return value_at(self.rows[row], self.columns[column].path) if edited is _NOTHING else edited

    def is_edited(self, row: int, column: int) -> bool:
        return (row, column) in self._edits

    def is_editable(self, row: int, column: int) -> bool:
        return self.columns[column].is_editable and "id" in self.rows[row]

    def edit(self, row: int, column: int, text: str) -> bool:
        """Change a cell by text; whether it is another value now. Raises: BadCell."""
        value = parse_cell(self.columns[column], text)
        before = self.value(row, column)
        if value == before and type(value) is type(before):
            return False
        self._undo.append(Edit(row, column, before, self.is_edited(row, column)))
        self._edits[row, column] = value
        return True

    def undo(self) -> tuple[int, int] | None:
        """Take the newest edit back; its cell, None where there is none."""
        if not self._undo:
            return None
        edit = self._undo.pop()
        if edit.was_edited:
            self._edits[edit.row, edit.column] = edit.before
        else:
            del self._edits[edit.row, edit.column]
        return edit.row, edit.column

    @property
    def edited_cells(self) -> int:
        return len(self._edits)

    def changed_records(self) -> tuple[dict[str, Any], ...]:
        """What SaveRecords takes: the id and the changed fields of each edited row."""
        by_row: dict[int, dict[str, Any]] = {}
        for (row, column), value in sorted(self._edits.items()):
            record = by_row.setdefault(row, {"id": self.rows[row]["id"]})
            record[self.columns[column].path] = value
        return tuple(by_row.values())

    def take_saved(self) -> None:
        """The edits are in the database now."""
        for (row, column), value in self._edits.items():
            self.rows[row][self.columns[column].path] = value
        self._edits.clear()
        self._undo.clear()


class _Nothing:
    pass


_NOTHING = _Nothing()


def grid_of(answer: QueryAnswered, known: ObjectDescription | None) -> ResultGrid:
    """The grid of an answer; `known` is its object, None where the project does not describe it."""
    fields = {item.name: item for item in known.fields} if known else {}
    has_ids = "id" in answer.columns
    columns = tuple(_column(path, fields, has_ids=has_ids) for path in answer.columns)
    if not columns and answer.count:
        return ResultGrid("", (Column("count()", "integer"),), [{"count()": answer.count}])
    return ResultGrid(answer.object_name, columns, list(answer.rows))


def _column(path: str, fields: Mapping[str, FieldDescription], *, has_ids: bool) -> Column:
    item = fields.get(path)
    if item is None:
        return Column(path, why_not="Only fields of the queried object itself can be edited.")
    if path == "id" or not item.writable:
        return Column(path, item.type, item.values, why_not=f"{item.label} is set by the system.")
    if not has_ids:
        return Column(path, item.type, item.values, why_not="Select id too, and the row can be edited.")
    return Column(path, item.type, item.values, is_editable=True)


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """A nested value by its dotted path; None where a parent is empty."""
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def cell_text(value: Any) -> str:
    """How a value stands in a cell and in the field that edits it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            if value and isinstance(value[0], dict):
                return counted(len(value), "record")
            return ";".join(str(item) for item in value)
        case dict():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def parse_cell(column: Column, text: str) -> Any:
    """The value that a text means in a column; None for an empty one. Raises: BadCell."""
    if not text.strip():
        return None
    match column.type:
        case "boolean":
            return _boolean(text)
        case "integer":
            return _whole_number(text)
        case "decimal":
            return _decimal(text)
        case "date":
            return _checked(dt.date.fromisoformat, text, "a date like 2025-11-13")
        case "datetime":
            return _checked(dt.datetime.fromisoformat, text, "a time like 2025-11-13T17:45:00Z")
        case "multipicklist":
            return [item.strip() for item in text.split(";") if item.strip()]
        case "json":
            try:
                return msgspec.json.decode(text)
            except msgspec.DecodeError as exc:
                raise BadCell(f"{text!r} is not JSON: {exc}") from exc
        case _:
            return text


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadCell(f"{text!r} is neither true nor false.")


def _whole_number(text: str) -> int:
    try:
        return int(text.replace(" ", "").replace("\u00a0", ""))
    except ValueError as exc:
        raise BadCell(f"{text!r} is not a whole number.") from exc


def _decimal(text: str) -> float | int:
    try:
        number = Decimal(text.replace(" ", "").replace("\u00a0", ""))
    except InvalidOperation as exc:
        raise BadCell(f"{text!r} is not a number.") from exc
    if not number.is_finite():
        raise BadCell(f"{text!r} is not a number.")
    return int(number) if number == number.to_integral_value() else float(number)


def _checked(parse: Any, text: str, wanted: str) -> str:
    """The text itself, which the host reads, if it has the form."""
    try:
        parse(text.strip())
    except ValueError as exc:
        raise BadCell(f"{text!r} is not {wanted}.") from exc
    return text.strip()


def cost_words(answer: QueryAnswered) -> str:
    """`200 rows in 12 ms   1 of 100 queries, 200 of 50 000 rows`."""
    took = f"{counted(answer.count, 'row')} in {format_duration(int(answer.duration_ms * 1_000_000))}"
    parts = [
        f"{format_count(answer.limits[name][0])} of {format_count(answer.limits[name][1])} {word}"
        for name, word in (("queries", "queries"), ("sosl_queries", "searches"), ("query_rows", "rows"))
        if name in answer.limits and (answer.limits[name][0] or name != "sosl_queries")
    ]
    return f"{took}   {', '.join(parts)}"
