"""The project's files as a tree for Qt views."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.file_kinds import file_icon
from circuit_console.core.project_files import ProjectFile
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex
PATH_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(eq=False)
class _Node:
    file: ProjectFile
    parent: _Node | None
    row: int
    children: list[_Node] = field(default_factory=list)


class ProjectTree(QAbstractItemModel):
    """One column. `show_files` replaces all rows; views keep what was open by path."""

    def __init__(self, theme: Look, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._root = _Node(ProjectFile("", True), None, 0)
        self._by_path: dict[str, _Node] = {"": self._root}

    def show_files(self, files: tuple[ProjectFile, ...]) -> None:
        """Parents come before their children."""
        self.beginResetModel()
        self._root = _Node(ProjectFile("", True), None, 0)
        self._by_path = {"": self._root}
        for file in files:
            parent = self._by_path.get(file.parent)
            if parent is not None:
                node = _Node(file, parent, len(parent.children))
                parent.children.append(node)
                self._by_path[file.path] = node
        self.endResetModel()

    def files(self) -> tuple[str, ...]:
        return tuple(path for path, node in self._by_path.items() if path and not node.file.is_folder)

    def file_at(self, index: Index) -> ProjectFile | None:
        return self._node(index).file if index.isValid() else None

    def index_of(self, path: str) -> QModelIndex:
        node = self._by_path.get(path)
        return (
            self.createIndex(node.row, 0, node) if node is not None and node.parent is not None else QModelIndex()
        )

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - as Qt has it
        node = self._node(parent)
        if column == 0 and 0 <= row < len(node.children):
            return self.createIndex(row, 0, node.children[row])
        return QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008 - as Qt has it
        node = self._node(index)
        if node.parent is None or node.parent.parent is None:
            return QModelIndex()
        return self.createIndex(node.parent.row, 0, node.parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return len(self._node(parent).children)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        file = self._node(index).file
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return file.name
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleTextRole:
                return file.path
            case Qt.ItemDataRole.DecorationRole:
                if file.is_folder:
                    return self._theme.icon("folder", "dim", 15)
                icon_name, token = file_icon(file.path)
                return self._theme.icon(icon_name, token, 15)
            case _:
                return file.path if role == PATH_ROLE else None

    def _node(self, index: Index) -> _Node:
        node = index.internalPointer() if index.isValid() else None
        return node if isinstance(node, _Node) else self._root
