"""The project's breakpoints, and the two exception filters, for Qt views."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from circuit_console.core.breakpoints import Breakpoint
from circuit_console.core.theme import ColorName
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class ExceptionFilter:
    """A row below the breakpoints: `name` is uncaught or raised."""

    name: str
    title: str
    is_on: bool


Row = Breakpoint | ExceptionFilter


class BreakpointsModel(QAbstractTableModel):
    """Two columns: the file with its condition, and the line; for a filter, whether it is on."""

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._rows: tuple[Row, ...] = ()
        self._hit: tuple[str, int] | None = None

    def show_rows(self, breakpoints: tuple[Breakpoint, ...], filters: tuple[ExceptionFilter, ...]) -> None:
        self.beginResetModel()
        self._rows = (*breakpoints, *filters)
        self.endResetModel()

    def mark_hit(self, place: tuple[str, int] | None) -> None:
        """The path and line where the run stands; its row is bold."""
        self._hit = place
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 1))

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
                return _told(row)
            case Qt.ItemDataRole.DecorationRole if is_first:
                icon_name, token = _icon(row)
                return self._look.icon(icon_name, token, 12)
            case Qt.ItemDataRole.ForegroundRole:
                is_off = (isinstance(row, Breakpoint) and not row.is_enabled) or (
                    isinstance(row, ExceptionFilter) and not row.is_on
                )
                return self._look.color("faint" if is_off else ("text" if is_first else "dim"))
            case Qt.ItemDataRole.FontRole:
                is_hit = isinstance(row, Breakpoint) and (row.path, row.line) == self._hit
                return self._look.ui(13, QFont.Weight.DemiBold if is_hit else QFont.Weight.Normal)
            case Qt.ItemDataRole.TextAlignmentRole if not is_first:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            case _:
                return None


def _title(row: Row) -> str:
    if isinstance(row, ExceptionFilter):
        return row.title
    name = row.path.rpartition("/")[2]
    note = row.log_message or row.condition or row.hit_condition
    return f"{name}  ·  {note}" if note else name


def _place(row: Row) -> str:
    if isinstance(row, ExceptionFilter):
        return "on" if row.is_on else "off"
    return str(row.line)


def _told(row: Row) -> str:
    if isinstance(row, ExceptionFilter):
        return f"{row.title}: {'on' if row.is_on else 'off'}. Enter switches."
    parts = [f"{row.path} line {row.line}"]
    if row.condition:
        parts.append(f"if {row.condition}")
    if row.hit_condition:
        parts.append(f"hits {row.hit_condition}")
    if row.log_message:
        parts.append(f"logs {row.log_message}")
    if not row.is_enabled:
        parts.append("off")
    if row.is_verified is False:
        parts.append(f"not bound: {row.reason or 'the line has no code'}")
    return ", ".join(parts)


def _icon(row: Row) -> tuple[str, ColorName]:
    if isinstance(row, ExceptionFilter):
        return "zap", "err" if row.is_on else "faint"
    if not row.is_enabled or row.is_verified is False:
        return "circle", "faint" if not row.is_enabled else "err"
    if row.log_message:
        return "diamond-filled", "accent"
    if row.condition or row.hit_condition:
        return "circle-equal-filled", "paused"
    return "circle-filled", "err"
