"""Variables of the chosen frame, and watched expressions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStackedWidget, QTreeView, QVBoxLayout, QWidget

from circuit_console.core.debugging import Evaluation, Scope, StackFrame, Variable
from circuit_console.core.notices import ErrorPresenter
from circuit_console.models.variables import Node, NodeKind, VariablesModel
from circuit_console.services.debug_session import DebugSession, DebugState
from circuit_console.widgets.controls import EmptyState, IconButton
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_NAME_PX = 170


class _VariablesView(QTreeView):
    """Signals:
    removal_requested: QModelIndex, by Delete.
    """

    removal_requested = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.currentIndex().isValid():
            self.removal_requested.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class VariablesPane(Pane):
    """Signals:
    watches_changed: tuple[str, ...].
    locals_loaded: dict[str, str], name to value of the frame's first scope, for the editor's line ends.
    """

    pane_id = "variables"
    title = "Variables"
    icon_name = "variable"
    region = Region.INSPECTOR

    watches_changed = Signal(object)
    locals_loaded = Signal(object)

    def __init__(
        self, theme: Theme, debug: DebugSession, presenter: ErrorPresenter, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._debug = debug
        self._presenter = presenter
        self._watches: tuple[str, ...] = ()
        self._frame_name = ""
        self._model = VariablesModel(theme, self._load, self)
        self._model.edit_requested.connect(self._on_edit_requested)
        self._model.watch_edited.connect(self._on_watch_edited)
        self._model.rowsInserted.connect(self._on_rows_inserted)
        self._opened: set[tuple[str, ...]] = {("Locals",), ("Watch",)}
        self._view = self._make_view()
        self._empty = EmptyState(theme, "pause-filled", "Not paused", "Set a breakpoint with F9 and press F5.")
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._tools = self._make_tools()
        debug.state_changed.connect(self._on_state_changed)
        debug.frame_selected.connect(self._on_frame_selected)
        debug.values_changed.connect(self._on_values_changed)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def model(self) -> VariablesModel:
        return self._model

    def set_watches(self, watches: tuple[str, ...]) -> None:
        self._watches = watches
        self._reload(compare=True)

    def add_watch(self, expression: str = "") -> None:
        """Add a watch; without an expression a row is opened to type one into."""
        self._opened.add(("Watch",))
        self._change_watches((*self._watches, expression))
        if not expression:
            index = self._model.index_of_key(("Watch", ""))
            self._view.scrollTo(index)
            self._view.edit(index)

    # ------------------------------------------------------------------------------------------ loading

    @Slot(object)
    def _on_state_changed(self, state: DebugState) -> None:
        is_paused = state is DebugState.PAUSED
        if state in (DebugState.RUNNING, DebugState.STARTING):
            self._empty.set_text("Running…", "Values show when the run stops.")
        elif not is_paused:
            self._empty.set_text("Not paused", "Set a breakpoint with F9 and press F5.")
        self._view.setEnabled(is_paused)
        if state is DebugState.INACTIVE:
            self._model.clear()
            self._frame_name = ""
            self._stack.setCurrentWidget(self._empty)

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        if frame is None:
            return
        compare = frame.name == self._frame_name
        self._frame_name = frame.name
        self._debug.scopes(frame, lambda scopes: self._on_scopes(scopes, compare=compare))

    @Slot()
    def _on_values_changed(self) -> None:
        self._reload(compare=True)

    def _reload(self, *, compare: bool) -> None:
        frame = self._debug.frame
        if frame is not None:
            self._debug.scopes(frame, lambda scopes: self._on_scopes(scopes, compare=compare))

    def _on_scopes(self, scopes: tuple[Scope, ...], *, compare: bool) -> None:
        if self._debug.state is not DebugState.PAUSED:
            return
        groups = tuple((scope.name, scope.reference) for scope in scopes)
        if groups:
            self._opened.add((groups[0][0],))
        rows = self._model.show_groups(groups, self._watches, compare=compare)
        self._stack.setCurrentWidget(self._view)
        for row in rows:
            self._evaluate(row)
        self._reopen(QModelIndex())

    def _load(
        self, node: Node, on_answer: Callable[[tuple[Variable, ...]], None], on_failed: Callable[[str], None]
    ) -> None:
        is_locals = node.kind is NodeKind.GROUP and self._model.index(0, 0).internalPointer() is node

        def arrived(variables: tuple[Variable, ...]) -> None:
            on_answer(variables)
            if is_locals:
                self.locals_loaded.emit({one.name: one.value for one in variables})

        def refused(error: UserFacingError) -> None:
            on_failed(error.message)

        self._debug.variables(node.reference, arrived, start=node.first, count=node.count, on_failed=refused)

    def _evaluate(self, row: Node) -> None:
        if not row.name:
            return

        def arrived(answer: Evaluation) -> None:
            self._model.show_watch(
                row,
                answer.value,
                type_name=answer.type_name,
                reference=answer.reference,
                indexed=answer.indexed_count,
            )

        def refused(error: UserFacingError) -> None:
            self._model.show_watch(row, error.message, error=True)

        self._debug.evaluate(row.name, arrived, refused, context="watch")

    # ------------------------------------------------------------------------------------------ editing

    @Slot(object, str)
    def _on_edit_requested(self, node: Node, value: str) -> None:
        self._debug.set_variable(node.container_reference, node.name, value, self._presenter.present)

    @Slot(object, str)
    def _on_watch_edited(self, node: Node, expression: str) -> None:
        watches = [expression.strip() if text == node.name else text for text in self._watches]
        self._change_watches(tuple(text for text in dict.fromkeys(watches) if text))

    @Slot(QModelIndex)
    def _on_removal_requested(self, index: QModelIndex) -> None:
        node = self._model.node(index)
        if node is not None and node.kind is NodeKind.WATCH:
            self._change_watches(tuple(text for text in self._watches if text != node.name))

    def _change_watches(self, watches: tuple[str, ...]) -> None:
        self._watches = watches
        self.watches_changed.emit(tuple(text for text in watches if text))
        frame = self._debug.frame
        if frame is None:
            rows = self._model.show_groups((), watches, compare=False)
            self._stack.setCurrentWidget(self._view if rows else self._empty)
            self._view.setEnabled(True)
            self._reopen(QModelIndex())
            return
        self._reload(compare=True)

    # ------------------------------------------------------------------------------------------ view

    def _make_view(self) -> _VariablesView:
        view = _VariablesView(self)
        view.setModel(self._model)
        view.setHeaderHidden(True)
        view.setUniformRowHeights(True)
        view.setIndentation(14)
        view.setAccessibleName("Variables and watches")
        triggers = QAbstractItemView.EditTrigger
        view.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        header = view.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        view.setColumnWidth(0, _NAME_PX)
        view.expanded.connect(self._on_expanded)
        view.collapsed.connect(self._on_collapsed)
        view.removal_requested.connect(self._on_removal_requested)
        return view

    def _make_tools(self) -> list[QWidget]:
        add = IconButton(self._theme, "plus", "Watch an expression", "dim", 15)
        add.clicked.connect(lambda _checked=False: self.add_watch())
        fold = IconButton(self._theme, "copy-minus", "Fold all", "dim", 15)
        fold.clicked.connect(self._view.collapseAll)
        return [add, fold]

    @Slot(QModelIndex)
    def _on_expanded(self, index: QModelIndex) -> None:
        node = self._model.node(index)
        if node is not None:
            self._opened.add(node.key[1:])

    @Slot(QModelIndex)
    def _on_collapsed(self, index: QModelIndex) -> None:
        node = self._model.node(index)
        if node is not None:
            self._opened.discard(node.key[1:])

    @Slot(QModelIndex, int, int)
    def _on_rows_inserted(self, parent: QModelIndex, _first: int, _last: int) -> None:
        self._reopen(parent)

    def _reopen(self, parent: QModelIndex) -> None:
        """What was open at the last stop is opened again."""
        for row in range(self._model.rowCount(parent)):
            index = self._model.index(row, 0, parent)
            node = self._model.node(index)
            if node is not None and node.key[1:] in self._opened:
                self._view.expand(index)
