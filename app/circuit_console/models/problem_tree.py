"""Problems as a tree: a file, and what is wrong in it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.file_kinds import file_icon
from circuit_console.core.location import Location
from circuit_console.core.problems import FileProblems
from circuit_console.core.theme import ColorName
from circuit_console.models.look import Look
from circuit_link.host_protocol import Problem

Index = QModelIndex | QPersistentModelIndex
_COLUMNS = 2
_SIGNS: dict[str, tuple[str, ColorName]] = {"error": ("circle-x", "err"), "warning": ("triangle-alert", "warn")}


class ProblemTree(QAbstractItemModel):
    """Column 0 says what, column 1 where. An index' id is 0 for a file, else the file's row plus 1."""

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._groups: tuple[FileProblems, ...] = ()

    def replace(self, groups: tuple[FileProblems, ...]) -> bool:
        """Show other problems; whether they are others."""
        if groups == self._groups:
            return False
        self.beginResetModel()
        self._groups = groups
        self.endResetModel()
        return True

    def location_at(self, index: Index) -> Location | None:
        if not index.isValid():
            return None
        if index.internalId() == 0:
            first = self._groups[index.row()].problems[0]
            return Location(first.path, first.line, first.column)
        problem = self._problem(index)
        return Location(problem.path, problem.line, problem.column)

    # ------------------------------------------------------------------------------------------ Qt

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - as Qt has it
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008 - as Qt has it, and an overload of QObject's
        number = index.internalId() if index.isValid() else 0
        return self.createIndex(number - 1, 0, 0) if number else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        if not parent.isValid():
            return len(self._groups)
        if parent.internalId() or parent.column():
            return 0
        return len(self._groups[parent.row()].problems)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return _COLUMNS

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if index.internalId() == 0:
            return self._file_data(self._groups[index.row()], index.column(), role)
        return self._problem_data(self._problem(index), index.column(), role)

    def _file_data(self, group: FileProblems, column: int, role: int) -> Any:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return group.path if column == 0 else str(len(group.problems))
            case Qt.ItemDataRole.DecorationRole if column == 0:
                name, token = file_icon(group.path)
                return self._look.icon(name, token, 14)
            case Qt.ItemDataRole.ForegroundRole if column:
                return self._look.color("dim")
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{group.path}, {len(group.problems)} problems"
        return None

    def _problem_data(self, problem: Problem, column: int, role: int) -> Any:
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return problem.message.replace("\n", "  ") if column == 0 else _place(problem)
            case Qt.ItemDataRole.DecorationRole if column == 0:
                return self._look.icon(*_SIGNS[problem.severity], 14)
            case Qt.ItemDataRole.ForegroundRole if column:
                return self._look.color("dim")
            case Qt.ItemDataRole.ToolTipRole:
                return f"{problem.message}\n{problem.path}, {_place(problem)}"
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{problem.severity}: {problem.message}, {_place(problem)}"
        return None

    def _problem(self, index: Index) -> Problem:
        return self._groups[index.internalId() - 1].problems[index.row()]


def _place(problem: Problem) -> str:
    if not problem.line:
        return ""
    return f"Ln {problem.line}, Col {problem.column}" if problem.column else f"Ln {problem.line}"
