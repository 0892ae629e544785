"""A query's rows as a grid whose cells can be edited, with undo and redo, until they are saved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from circuit_console.core.cells import BadCell, BadText, Column, cell_text, parse_cell
from circuit_console.core.quantities import counted, format_count, format_duration
from circuit_console.core.query_book import UnsavedCell
from circuit_link.host_protocol import FieldDescription, ObjectDescription, QueryAnswered

Cell = tuple[int, int]
_BLAMED_RECORD = re.compile(r"with id (\w+);")
_BLAMED_FIELDS = re.compile(r"\[([\w, ]+)\]\s*$")


class _Original:
    """Stands for what the query brought."""


_ORIGINAL = _Original()


@dataclass(frozen=True)
class Change:
    """What one step made of a cell."""

    cell: Cell
    before: Any
    after: Any


@dataclass
class ResultGrid:
    """Rows of one answer. Edits are kept beside them until `take_saved`; a cell is (row, column)."""

    object_name: str
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    _edits: dict[Cell, Any] = field(default_factory=dict)
    _done: list[tuple[Change, ...]] = field(default_factory=list)
    _undone: list[tuple[Change, ...]] = field(default_factory=list)

    def value(self, row: int, column: int) -> Any:
        """What stands in a cell: the edit, BadText where it is no value, or what the query brought."""
        edited = self._edits.get((row, column), _ORIGINAL)
        return self.original(row, column) if edited is _ORIGINAL else edited

    def original(self, row: int, column: int) -> Any:
        return value_at(self.rows[row], self.columns[column].path)

    def is_edited(self, row: int, column: int) -> bool:
        return (row, column) in self._edits

    def is_editable(self, row: int, column: int) -> bool:
        return self.columns[column].is_editable and "id" in self.rows[row]

    # ------------------------------------------------------------------------------------------ changes

    def edit(self, texts: Mapping[Cell, str]) -> tuple[Cell, ...]:
        """Change editable cells by text, as one step; those that differ now."""
        step = tuple(filter(None, (self._change(cell, text) for cell, text in texts.items())))
        if step:
            self._done.append(step)
            self._undone.clear()
            self._put((change.cell, change.after) for change in step)
        return tuple(change.cell for change in step)

    def undo(self) -> tuple[Cell, ...]:
        """Take the newest step back; its cells, none where there is no step."""
        if not self._done:
            return ()
        step = self._done.pop()
        self._undone.append(step)
        self._put((change.cell, change.before) for change in step)
        return tuple(change.cell for change in step)

    def redo(self) -> tuple[Cell, ...]:
        """Do again what was taken back last; its cells."""
        if not self._undone:
            return ()
        step = self._undone.pop()
        self._done.append(step)
        self._put((change.cell, change.after) for change in step)
        return tuple(change.cell for change in step)

    @property
    def edited_cells(self) -> int:
        return len(self._edits)

    def bad_cells(self) -> tuple[tuple[Cell, BadText], ...]:
        """The cells that cannot be saved, from the top."""
        return tuple((cell, value) for cell, value in sorted(self._edits.items()) if isinstance(value, BadText))

    def changed_records(self) -> tuple[dict[str, Any], ...]:
        """What SaveRecords takes: the id and the changed fields of each edited row. Only without bad cells."""
        by_row: dict[int, dict[str, Any]] = {}
        for (row, column), value in sorted(self._edits.items()):
            record = by_row.setdefault(row, {"id": self.rows[row]["id"]})
            record[self.columns[column].path] = value
        return tuple(by_row.values())

    def blamed(self, refusal: str) -> Cell | None:
        """The edited cell that a refused save is about: its message names the record and its fields."""
        found = _BLAMED_RECORD.search(refusal)
        fields = _BLAMED_FIELDS.search(refusal)
        names = fields[1].split(", ") if fields else []
        edited = [cell for cell in sorted(self._edits) if found and self.rows[cell[0]]["id"] == found[1]]
        return next(
            (cell for cell in edited if self.columns[cell[1]].path in names), edited[0] if edited else None
        )

    def take_saved(self) -> None:
        """The edits are in the database now."""
        for (row, column), value in self._edits.items():
            self.rows[row][self.columns[column].path] = value
        self._edits.clear()
        self._done.clear()
        self._undone.clear()

    # ------------------------------------------------------------------------------------------ keeping

    def unsaved(self) -> tuple[UnsavedCell, ...]:
        """The edits by id and field, so that they outlive the rows."""
        return tuple(
            UnsavedCell(id=self.rows[row]["id"], path=self.columns[column].path, text=cell_text(value))
            for (row, column), value in sorted(self._edits.items())
        )

    def bring_back(self, cells: Iterable[UnsavedCell]) -> tuple[Cell, ...]:
        """Do kept edits again where their rows and fields are shown, as one step; the cells."""
        rows = {row["id"]: place for place, row in enumerate(self.rows) if "id" in row}
        columns = {column.path: place for place, column in enumerate(self.columns)}
        return self.edit(
            {
                (rows[one.id], columns[one.path]): one.text
                for one in cells
                if one.id in rows and one.path in columns
            }
        )

    # ------------------------------------------------------------------------------------------ inside

    def _change(self, cell: Cell, text: str) -> Change | None:
        if not self.is_editable(*cell):
            return None
        try:
            value = parse_cell(self.columns[cell[1]], text)
        except BadCell as exc:
            value = BadText(text, str(exc))
        if cell_text(value) == cell_text(self.value(*cell)):
            return None
        is_original = cell_text(value) == cell_text(self.original(*cell))
        return Change(cell, self._edits.get(cell, _ORIGINAL), _ORIGINAL if is_original else value)

    def _put(self, values: Iterable[tuple[Cell, Any]]) -> None:
        for cell, value in values:
            if value is _ORIGINAL:
                self._edits.pop(cell, None)
            else:
                self._edits[cell] = value


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


def cost_words(answer: QueryAnswered) -> str:
    """`200 rows in 12 ms   1 of 100 queries, 200 of 50 000 rows`."""
    took = f"{counted(answer.count, 'row')} in {format_duration(int(answer.duration_ms * 1_000_000))}"
    parts = [
        f"{format_count(answer.limits[name][0])} of {format_count(answer.limits[name][1])} {word}"
        for name, word in (("queries", "queries"), ("sosl_queries", "searches"), ("query_rows", "rows"))
        if name in answer.limits and (answer.limits[name][0] or name != "sosl_queries")
    ]
    return f"{took}   {', '.join(parts)}"
