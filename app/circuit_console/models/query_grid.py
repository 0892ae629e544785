"""A query's rows for a table view, with edits that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from circuit_console.core.cells import BadText, Column, cell_text
from circuit_console.core.query_book import UnsavedCell
from circuit_console.core.query_result import Cell, ResultGrid
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex
IS_EDITED_ROLE = int(Qt.ItemDataRole.UserRole)
IS_BAD_ROLE = IS_EDITED_ROLE + 1
CHOICES_ROLE = IS_EDITED_ROLE + 2
TYPE_ROLE = IS_EDITED_ROLE + 3
NULL_WORD = "null"

_LONGEST_CELL = 300
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_NUMBERS = frozenset({"integer", "decimal"})


class QueryGrid(QAbstractTableModel):
    """Shows a ResultGrid.

    Signals:
        edits_changed: int, cells that differ from what the query brought; after each change of one.
        edit_refused: str, why a text that was typed is no value of its cell; it stays there to be corrected.
    """

    edits_changed = Signal(int)
    edit_refused = Signal(str)

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._grid = ResultGrid("", (), [])

    @property
    def grid(self) -> ResultGrid:
        return self._grid

    def show_grid(self, grid: ResultGrid) -> None:
        self.beginResetModel()
        self._grid = grid
        self.endResetModel()
        self.edits_changed.emit(grid.edited_cells)

    def append(self, rows: list[dict[str, Any]]) -> None:
        """Rows of the same answer that came later."""
        if rows:
            count = len(self._grid.rows)
            self.beginInsertRows(QModelIndex(), count, count + len(rows) - 1)
            self._grid.rows.extend(rows)
            self.endInsertRows()

    def edit(self, texts: Mapping[Cell, str]) -> bool:
        """Change cells by text, as one step; whether any differs now."""
        cells = self._grid.edit(texts)
        self._tell(cells)
        values = (self._grid.value(*cell) for cell in cells)
        bad = next((value for value in values if isinstance(value, BadText)), None)
        if bad is not None:
            self.edit_refused.emit(bad.why)
        return bool(cells)

    def undo(self) -> QModelIndex:
        """Take the newest step back; where it was."""
        return self._tell(self._grid.undo())

    def redo(self) -> QModelIndex:
        """Do the step again that was taken back last; where it was."""
        return self._tell(self._grid.redo())

    def bring_back(self, cells: Sequence[UnsavedCell]) -> int:
        """Do kept edits again where their rows are shown; how many."""
        changed = self._grid.bring_back(cells)
        self._tell(changed)
        return len(changed)

    def take_saved(self) -> None:
        """All edits have been saved."""
        self._grid.take_saved()
        if self._grid.rows and self._grid.columns:
            last = self.index(len(self._grid.rows) - 1, len(self._grid.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        self.edits_changed.emit(0)

    # ------------------------------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._grid.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._grid.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and self._grid.is_editable(index.row(), index.column()):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Vertical:
            return section + 1 if role == Qt.ItemDataRole.DisplayRole else None
        column = self._grid.columns[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{column.path}\n{column.type}"
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join(filter(None, (f"{column.path}: {column.type or 'calculated'}", column.why_not)))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if column.type in _NUMBERS else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        told = _TOLD.get(role)
        return told(self, index.row(), index.column()) if told is not None and index.isValid() else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        return self.edit({(index.row(), index.column()): str(value)})

    # ------------------------------------------------------------------------------------------ inside

    def _tell(self, cells: Sequence[Cell]) -> QModelIndex:
        """Announce changed cells; the first of them."""
        if not cells:
            return QModelIndex()
        rows, columns = zip(*cells, strict=True)
        self.dataChanged.emit(self.index(min(rows), min(columns)), self.index(max(rows), max(columns)))
        self.edits_changed.emit(self._grid.edited_cells)
        return self.index(*cells[0])

    def _shown(self, row: int, column: int) -> str:
        value = self._grid.value(row, column)
        return NULL_WORD if value is None else cell_text(value)[:_LONGEST_CELL].replace("\n", " ")

    def _typed(self, row: int, column: int) -> str:
        return cell_text(self._grid.value(row, column))

    def _tooltip(self, row: int, column: int) -> str:
        value = self._grid.value(row, column)
        if isinstance(value, BadText):
            return f"{value.why}\nCorrect it, or undo it: it cannot be saved."
        text = NULL_WORD if value is None else cell_text(value)
        if self._grid.is_edited(row, column):
            before = cell_text(self._grid.original(row, column)) or NULL_WORD
            return f"{text}\nEdited, not saved yet. It was {before}."
        return text

    def _color(self, row: int, column: int) -> Any:
        value = self._grid.value(row, column)
        if isinstance(value, BadText):
            return self._look.color("err")
        if value is None:
            return self._look.color("faint")
        return self._look.color("text" if self._grid.is_editable(row, column) else "dim")

    def _font(self, row: int, column: int) -> Any:
        font = self._look.mono(12)
        font.setItalic(self._grid.value(row, column) is None)
        return font

    def _alignment(self, _row: int, column: int) -> int:
        return _RIGHT if self._column(column).type in _NUMBERS else _LEFT

    def _column(self, column: int) -> Column:
        return self._grid.columns[column]


_TOLD: dict[int, Callable[[QueryGrid, int, int], Any]] = {
    int(Qt.ItemDataRole.DisplayRole): QueryGrid._shown,
    int(Qt.ItemDataRole.EditRole): QueryGrid._typed,
    int(Qt.ItemDataRole.ToolTipRole): QueryGrid._tooltip,
    int(Qt.ItemDataRole.ForegroundRole): QueryGrid._color,
    int(Qt.ItemDataRole.FontRole): QueryGrid._font,
    int(Qt.ItemDataRole.TextAlignmentRole): QueryGrid._alignment,
    IS_EDITED_ROLE: lambda model, row, column: model.grid.is_edited(row, column),
    IS_BAD_ROLE: lambda model, row, column: isinstance(model.grid.value(row, column), BadText),
    CHOICES_ROLE: lambda model, _row, column: model.grid.columns[column].choices,
    TYPE_ROLE: lambda model, _row, column: model.grid.columns[column].type,
}
