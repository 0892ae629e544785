"""A query's rows for a table view, with edits that can be undone."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from circuit_console.core.query_result import BadCell, Column, ResultGrid, cell_text
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex
EDITED_ROLE = int(Qt.ItemDataRole.UserRole)

_LONGEST_CELL = 300
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_NUMBERS = frozenset({"integer", "decimal"})


class QueryGrid(QAbstractTableModel):
    """Shows a ResultGrid.

    Signals:
        edits_changed: int, cells that differ from what the query brought.
        edit_refused: str, why a text cannot stand in a cell.
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

    def undo(self) -> QModelIndex:
        """Take the newest edit back; where it was."""
        cell = self._grid.undo()
        if cell is None:
            return QModelIndex()
        index = self.index(*cell)
        self.dataChanged.emit(index, index)
        self.edits_changed.emit(self._grid.edited_cells)
        return index

    def take_saved(self) -> None:
        """All edits have been saved."""
        self._grid.take_saved()
        if self._grid.rows and self._grid.columns:
            last = self.index(len(self._grid.rows) - 1, len(self._grid.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        self.edits_changed.emit(0)

    def column_at(self, index: Index) -> Column:
        return self._grid.columns[index.column()]

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
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cell_text(self._grid.value(row, column))[:_LONGEST_CELL].replace("\n", " ")
            case Qt.ItemDataRole.EditRole:
                return cell_text(self._grid.value(row, column))
            case Qt.ItemDataRole.ToolTipRole:
                return self._tooltip(row, column)
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color("text" if self._grid.is_editable(row, column) else "dim")
            case Qt.ItemDataRole.FontRole:
                return self._look.mono(12)
            case Qt.ItemDataRole.TextAlignmentRole if self._grid.columns[column].type in _NUMBERS:
                return _RIGHT
        return self._grid.is_edited(row, column) if role == EDITED_ROLE else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        try:
            changed = self._grid.edit(index.row(), index.column(), str(value))
        except BadCell as exc:
            self.edit_refused.emit(str(exc))
            return False
        if changed:
            self.dataChanged.emit(index, index)
            self.edits_changed.emit(self._grid.edited_cells)
        return changed

    def _tooltip(self, row: int, column: int) -> str:
        text = cell_text(self._grid.value(row, column))
        if self._grid.is_edited(row, column):
            return f"{text}\nEdited, not saved yet."
        return text or "empty"
