"""The files of a deployment that differ or are broken."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.location import Location
from circuit_console.core.theme import ColorName
from circuit_console.models.look import Look
from circuit_link.env_protocol import ComponentResult

Index = QModelIndex | QPersistentModelIndex
_TITLES = ("Component", "Type", "Change")
# A sign and a word, so that the colour is not needed.
_CHANGES: dict[str, tuple[str, ColorName]] = {
    "created": ("+ created", "ok"),
    "changed": ("~ changed", "warn"),
    "deleted": ("− deleted", "err"),
    "unchanged": ("unchanged", "dim"),
}


class ComponentTable(QAbstractTableModel):
    """One row a component; of a broken one the last column says what is wrong."""

    def __init__(self, look: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._components: tuple[ComponentResult, ...] = ()

    def replace(self, components: tuple[ComponentResult, ...]) -> None:
        if components == self._components:
            return
        self.beginResetModel()
        self._components = components
        self.endResetModel()

    def location_at(self, index: Index) -> Location | None:
        if not index.isValid():
            return None
        item = self._components[index.row()]
        return None if item.change == "deleted" else Location(item.path, item.line, item.column)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._components)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section].upper()
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._components[index.row()]
        words, color = _CHANGES[item.change] if item.ok else (_problem(item), "err")
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return (item.path, item.type, words)[index.column()]
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color(("text", "dim", color)[index.column()])
            case Qt.ItemDataRole.ToolTipRole:
                return f"{item.path}: {words}"
        return None


def _problem(item: ComponentResult) -> str:
    return f"Ln {item.line}: {item.problem}" if item.line else item.problem
