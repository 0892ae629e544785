"""Scopes, variables and watches of a paused frame as a lazy tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from circuit_console.core.debugging import Variable
from circuit_console.core.theme import ColorName
from circuit_console.models.look import Look

Index = QModelIndex | QPersistentModelIndex
PAGE_ROWS = 100
_MOST_OF_BOTH = 24
_NAME, _VALUE = 0, 1


class NodeKind(Enum):
    GROUP = auto()
    VARIABLE = auto()
    PAGE = auto()
    WATCH = auto()
    NOTE = auto()


@dataclass(eq=False)
class Node:
    """One row. `children` is None while nobody asked for them. `before` is the value it had, where it changed."""

    kind: NodeKind
    name: str
    parent: Node | None
    value: str = ""
    type_name: str = ""
    reference: int = 0
    named_count: int = 0
    indexed_count: int = 0
    first: int = 0
    count: int = 0
    evaluate_name: str = ""
    before: str | None = None
    error: bool = False
    is_read_only: bool = False
    children: list[Node] | None = None
    is_loading: bool = field(default=False)

    @property
    def key(self) -> tuple[str, ...]:
        """The names from the top: the same row at the next stop has the same key."""
        above = self.parent.key if self.parent is not None else ()
        return (*above, self.name)

    @property
    def changed(self) -> bool:
        return self.before is not None

    @property
    def shown_value(self) -> str:
        """The value, and before it the one it had, where both are short."""
        if self.before and len(self.before) + len(self.value) <= _MOST_OF_BOTH:
            return f"{self.before} → {self.value}"
        return self.value

    @property
    def expression(self) -> str:
        """What names this value in the frame; "" where nothing does."""
        return self.name if self.kind is NodeKind.WATCH else self.evaluate_name

    @property
    def container_reference(self) -> int:
        """The reference that `setVariable` names for this row."""
        node = self.parent
        while node is not None and node.kind is NodeKind.PAGE:
            node = node.parent
        return node.reference if node is not None else 0


ShownValues = Mapping[tuple[str, ...], str]
Loader = Callable[[Node, Callable[[tuple[Variable, ...]], None], Callable[[str], None]], None]


class VariablesModel(QAbstractItemModel):
    """Two columns: name and value. Children are loaded when a row is opened, in pages of 100.

    Signals:
        edit_requested: (Node, str), a new value for a variable.
        watch_edited: (Node, str), another expression for a watch.
    """

    edit_requested = Signal(object, str)
    watch_edited = Signal(object, str)

    def __init__(self, theme: Look, load: Loader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._load = load
        self._root = Node(NodeKind.GROUP, "", None, children=[])
        self._generation = 0
        self._previous: ShownValues = {}

    # ------------------------------------------------------------------------------------------ content

    def compare_with(self, values: ShownValues) -> None:
        """Mark, from now on, values that differ from these."""
        self._previous = values

    def show_groups(self, groups: tuple[tuple[str, int], ...], watches: tuple[str, ...]) -> list[Node]:
        """Replace everything by scopes (name, reference) and watches; returns the watches' rows."""
        self._generation += 1
        self.beginResetModel()
        root = Node(NodeKind.GROUP, "", None, children=[])
        assert root.children is not None
        for name, reference in groups:
            root.children.append(Node(NodeKind.GROUP, name, root, reference=reference))
        watch_rows: list[Node] = []
        if watches or groups:
            group = Node(NodeKind.GROUP, "Watch", root, children=[])
            watch_rows = [Node(NodeKind.WATCH, text, group, value="…") for text in watches]
            group.children = list(watch_rows)
            root.children.append(group)
        self._root = root
        self.endResetModel()
        return watch_rows

    def clear(self) -> None:
        self._generation += 1
        self.beginResetModel()
        self._root = Node(NodeKind.GROUP, "", None, children=[])
        self.endResetModel()

    def show_watch(
        self,
        node: Node,
        value: str,
        *,
        type_name: str = "",
        reference: int = 0,
        indexed: int = 0,
        error: bool = False,
    ) -> None:
        """The answer of a watch that is still shown."""
        if self._index_of(node) is None:
            return
        node.value, node.type_name, node.reference = value, type_name, reference
        node.indexed_count, node.error = indexed, error
        node.before = self._before(node)
        index = self._make_index(node, _NAME)
        self.dataChanged.emit(index, self._make_index(node, _VALUE))

    def node(self, index: Index) -> Node | None:
        found = index.internalPointer() if index.isValid() else None
        return found if isinstance(found, Node) else None

    def index_of_key(self, key: tuple[str, ...]) -> QModelIndex:
        node: Node | None = self._root
        for name in key:
            node = next((child for child in (node.children or ()) if child.name == name), None) if node else None
        return self._make_index(node, _NAME) if node is not None and node is not self._root else QModelIndex()

    def values_of(self, group: str) -> dict[str, str]:
        """Name to value of a group's loaded rows."""
        for node in self._root.children or ():
            if node.name == group:
                return {child.name: child.value for child in node.children or ()}
        return {}

    def shown_values(self) -> ShownValues:
        """What stands in the rows that are loaded, by their keys."""
        values: dict[tuple[str, ...], str] = {}
        open_nodes = list(self._root.children or ())
        while open_nodes:
            node = open_nodes.pop()
            values[node.key] = node.value
            open_nodes.extend(node.children or ())
        return values

    # ------------------------------------------------------------------------------------------ Qt

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008 - as Qt has it
        children = (self.node(parent) or self._root).children or []
        if 0 <= row < len(children) and column in (_NAME, _VALUE):
            return self.createIndex(row, column, children[row])
        return QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008 - as Qt has it
        node = self.node(index)
        if node is None or node.parent is None or node.parent is self._root:
            return QModelIndex()
        return self._make_index(node.parent, _NAME)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        if parent.isValid() and parent.column() != _NAME:
            return 0
        return len((self.node(parent) or self._root).children or ())

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 2

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 - as Qt has it
        node = self.node(parent)
        if node is None:
            return bool(self._root.children)
        if node.children is not None:
            return bool(node.children)
        return node.reference > 0

    def canFetchMore(self, parent: Index) -> bool:
        node = self.node(parent)
        return node is not None and node.children is None and node.reference > 0 and not node.is_loading

    def fetchMore(self, parent: Index) -> None:
        node = self.node(parent)
        if node is None or not self.canFetchMore(parent):
            return
        if node.kind is not NodeKind.PAGE and node.indexed_count > PAGE_ROWS:
            self._insert(node, self._pages(node))
            return
        node.is_loading = True
        generation = self._generation
        self._load(
            node,
            lambda variables: self._on_loaded(generation, node, variables),
            lambda reason: self._on_refused(generation, node, reason),
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        node = self.node(index)
        if node is not None and (
            (node.kind is NodeKind.VARIABLE and index.column() == _VALUE and not node.is_read_only)
            or (node.kind is NodeKind.WATCH and index.column() == _NAME)
        ):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for the change; the rows follow when the debugger has answered."""
        node = self.node(index)
        if node is None or role != Qt.ItemDataRole.EditRole:
            return False
        if node.kind is NodeKind.WATCH:
            self.watch_edited.emit(node, str(value))
        elif str(value) != node.value:
            self.edit_requested.emit(node, str(value))
        return True

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        node = self.node(index)
        if node is None:
            return None
        is_name = index.column() == _NAME
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return node.name if is_name else node.shown_value
            case Qt.ItemDataRole.EditRole:
                return node.name if is_name else node.value
            case Qt.ItemDataRole.ToolTipRole:
                return (
                    f"{node.name}: {node.type_name}\n{node.value}" if node.type_name else (node.value or node.name)
                )
            case Qt.ItemDataRole.FontRole:
                return self._theme.ui(13) if node.kind is NodeKind.GROUP else self._theme.mono(12)
            case Qt.ItemDataRole.ForegroundRole:
                return self._theme.color(self._name_token(node) if is_name else self._value_token(node))
            case Qt.ItemDataRole.AccessibleTextRole:
                changed = f", changed from {node.before}" if node.changed else ""
                return f"{node.name} is {node.value}{changed}" if node.value else node.name
            case _:
                return None

    # ------------------------------------------------------------------------------------------ inside

    def _on_loaded(self, generation: int, node: Node, variables: tuple[Variable, ...]) -> None:
        if generation == self._generation:
            node.is_loading = False
            self._insert(node, [self._variable_row(node, one) for one in variables])

    def _on_refused(self, generation: int, node: Node, reason: str) -> None:
        if generation == self._generation:
            node.is_loading = False
            row = Node(
                NodeKind.NOTE, "", node, value=f"value could not be read: {reason}", error=True, children=[]
            )
            self._insert(node, [row])

    def _insert(self, node: Node, rows: list[Node]) -> None:
        if not rows:
            node.children = []
            return
        self.beginInsertRows(self._make_index(node, _NAME), 0, len(rows) - 1)
        node.children = rows
        self.endInsertRows()

    def _variable_row(self, parent: Node, variable: Variable) -> Node:
        row = Node(
            NodeKind.VARIABLE,
            variable.name,
            parent,
            value=variable.value,
            type_name=variable.type_name,
            reference=variable.reference,
            named_count=variable.named_count,
            indexed_count=variable.indexed_count,
            evaluate_name=variable.evaluate_name,
            is_read_only=variable.is_read_only,
        )
        row.before = self._before(row)
        return row

    def _before(self, node: Node) -> str | None:
        before = self._previous.get(node.key)
        return before if before != node.value else None

    def _pages(self, node: Node) -> list[Node]:
        pages = []
        for first in range(0, node.indexed_count, PAGE_ROWS):
            count = min(PAGE_ROWS, node.indexed_count - first)
            name = f"[{first} … {first + count - 1}]"
            pages.append(Node(NodeKind.PAGE, name, node, reference=node.reference, first=first, count=count))
        return pages

    def _make_index(self, node: Node, column: int) -> QModelIndex:
        row = self._index_of(node)
        return self.createIndex(row, column, node) if row is not None else QModelIndex()

    def _index_of(self, node: Node) -> int | None:
        siblings = (node.parent.children or []) if node.parent is not None else []
        return siblings.index(node) if node in siblings else None

    def _name_token(self, node: Node) -> ColorName:
        return "text" if node.kind is NodeKind.GROUP else "s_fn"

    def _value_token(self, node: Node) -> ColorName:
        if node.error:
            return "err"
        if node.changed:
            return "paused"
        by_type: dict[str, ColorName] = {
            "int": "s_num", "float": "s_num", "Decimal": "s_num", "complex": "s_num",
            "str": "s_str", "bytes": "s_str", "bool": "s_kw", "NoneType": "s_kw",
        }  # fmt: skip
        return by_type.get(node.type_name, "s_cls" if node.reference else "text")
