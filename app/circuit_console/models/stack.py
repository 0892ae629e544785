"""The call stack for Qt views."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.debugging import StackFrame
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex


class StackModel(QAbstractTableModel):
    """Two columns: the call and where it stands. Innermost first."""

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._frames: tuple[StackFrame, ...] = ()
        self._selected: StackFrame | None = None

    def show_stack(self, frames: tuple[StackFrame, ...]) -> None:
        self.beginResetModel()
        self._frames = frames
        self._selected = None
        self.endResetModel()

    def mark_selected(self, frame: StackFrame | None) -> None:
        self._selected = frame
        if self._frames:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._frames) - 1, 1))

    def frame_at(self, index: Index) -> StackFrame | None:
        return self._frames[index.row()] if index.isValid() else None

    def row_of(self, frame: StackFrame) -> int:
        return self._frames.index(frame)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._frames)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        frame = self.frame_at(index)
        if frame is None:
            return None
        place = f"{frame.path.rpartition('/')[2]}:{frame.line}" if frame.path else ""
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return frame.short_name if index.column() == 0 else place
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return f"{frame.name} at {frame.path} line {frame.line}" if frame.path else frame.name
            case Qt.ItemDataRole.DecorationRole if index.column() == 0:
                if frame == self._selected:
                    return self._look.icon("step-forward", "paused", 14)
                return self._look.icon("blank", "faint", 14)
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color("faint" if frame.is_label else ("text" if index.column() == 0 else "dim"))
            case _:
                return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        frame = self.frame_at(index)
        return Qt.ItemFlag.NoItemFlags if frame is None or frame.is_label else super().flags(index)
