"""The project's breakpoints, of lines, functions and exceptions, for Qt views."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from circuit_console.core.breakpoints import Breakpoint, ExceptionFilter, FunctionBreakpoint
from circuit_console.core.theme import ColorName
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex


class FilterRow(msgspec.Struct, frozen=True):
    """A kind of exception, and whether it stops the run."""

    filter: ExceptionFilter
    is_on: bool


Row = Breakpoint | FunctionBreakpoint | FilterRow


class BreakpointsModel(QAbstractTableModel):
    """Two columns: what stops the run, and where; behind a line, how often it did in this run."""

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._rows: tuple[Row, ...] = ()
        self._hit: tuple[str, int] | None = None
        self._is_muted = False

    def show_rows(self, rows: tuple[Row, ...], *, is_muted: bool = False) -> None:
        """Replace all; where only their content changed, the views keep their place.

        Args:
            is_muted: none of them stops a run now: all are drawn as if they were off.
        """
        self._is_muted = is_muted
        if len(rows) != len(self._rows):
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return
        self._rows = rows
        self._tell_changed()

    def mark_hit(self, place: tuple[str, int] | None) -> None:
        """The path and line where the run stands; its row is bold."""
        self._hit = place
        self._tell_changed()

    def row_at(self, index: Index) -> Row | None:
        return self._rows[index.row()] if index.isValid() else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.row_at(index)
        if row is None:
            return None
        is_first = index.column() == 0
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _title(row) if is_first else _place(row)
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return told(row)
            case Qt.ItemDataRole.DecorationRole if is_first:
                icon_name, token = _icon(row) if not self._is_muted else ("circle", "faint")
                return self._look.icon(icon_name, token, 12)
            case Qt.ItemDataRole.ForegroundRole:
                is_on = _is_on(row) and not self._is_muted
                return self._look.color("faint" if not is_on else ("text" if is_first else "dim"))
            case Qt.ItemDataRole.FontRole:
                is_hit = isinstance(row, Breakpoint) and (row.path, row.line) == self._hit
                return self._look.ui(13, QFont.Weight.DemiBold if is_hit else QFont.Weight.Normal)
            case Qt.ItemDataRole.TextAlignmentRole if not is_first:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            case _:
                return None

    def _tell_changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 1))


def told(row: Row) -> str:
    """All there is to say of a row, in words."""
    match row:
        case FilterRow():
            return f"{row.filter.title}: {'on' if row.is_on else 'off'}. Space switches."
        case FunctionBreakpoint():
            parts = [f"function {row.name}"]
        case Breakpoint():
            parts = [f"{row.path} line {row.line}"]
            parts += [f"if {row.condition}"] if row.condition else []
            parts += [f"hits {row.hit_condition}"] if row.hit_condition else []
            parts += [f"logs {row.log_message}"] if row.log_message else []
            parts += ["checkpoint: keeps the values and goes on"] if row.is_checkpoint else []
            parts += [f"stopped {row.hits} ×"] if row.hits else []
    if not row.is_enabled:
        parts.append("off")
    if row.is_verified is False:
        parts.append(f"not bound: {row.reason or 'the line has no code'}")
    return ", ".join(parts)


def _is_on(row: Row) -> bool:
    return row.is_on if isinstance(row, FilterRow) else row.is_enabled


def _title(row: Row) -> str:
    match row:
        case FilterRow():
            return row.filter.title
        case FunctionBreakpoint():
            return row.name
        case Breakpoint():
            name = row.path.rpartition("/")[2]
            note = row.reason if row.is_verified is False and row.reason else row.note
            return f"{name}  ·  {note}" if note else name


def _place(row: Row) -> str:
    match row:
        case FilterRow():
            return "on" if row.is_on else "off"
        case FunctionBreakpoint():
            return "call"
        case Breakpoint():
            return f"{row.line}  ×{row.hits}" if row.hits else str(row.line)


def _icon(row: Row) -> tuple[str, ColorName]:
    match row:
        case FilterRow():
            return "zap", "err" if row.is_on else "faint"
        case _ if not row.is_enabled:
            return "circle", "faint"
        case _ if row.is_verified is False:
            return "circle", "err"
        case FunctionBreakpoint():
            return "box", "err"
        case Breakpoint() if row.is_checkpoint:
            return "flag-triangle-right", "ok"
        case Breakpoint() if row.log_message:
            return "diamond-filled", "accent"
        case Breakpoint() if row.note:
            return "circle-equal-filled", "paused"
        case _:
            return "circle-filled", "err"
