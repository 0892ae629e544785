"""Variables of the chosen frame, and watched expressions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.debugging import Evaluation, Scope, StackFrame, Stop, Variable, last_line
from circuit_console.models.variables import Node, NodeKind, ShownValues, VariablesModel
from circuit_console.services.debug_session import DebugSession, DebugState
from circuit_console.widgets.controls import EmptyState, IconButton, label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_NAME_PX = 170


class _VariablesView(QTreeView):
    """Signals:
    removal_requested: QModelIndex, by Delete.
    copy_requested: QModelIndex, by Ctrl+C.
    """

    removal_requested = Signal(QModelIndex)
    copy_requested = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.currentIndex().isValid():
            self.removal_requested.emit(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Copy) and self.currentIndex().isValid():
            self.copy_requested.emit(self.currentIndex())
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

    def __init__(self, theme: Theme, debug: DebugSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._debug = debug
        self._watches: tuple[str, ...] = ()
        # What was seen of each call at this stop and when it was seen before, by the call's place in the stack.
        self._shown_call = ""
        self._seen: dict[str, ShownValues] = {}
        self._seen_before: dict[str, ShownValues] = {}
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
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        self.refusal = label("", "error")
        self.refusal.setWordWrap(True)
        self.refusal.setContentsMargins(14, 4, 10, 8)
        self.refusal.hide()
        layout.addWidget(self.refusal)
        self._tools = self._make_tools()
        debug.state_changed.connect(self._on_state_changed)
        debug.stopped.connect(self._on_stopped)
        debug.frame_selected.connect(self._on_frame_selected)
        debug.values_changed.connect(self._on_values_changed)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def model(self) -> VariablesModel:
        return self._model

    def set_watches(self, watches: tuple[str, ...]) -> None:
        self._watches = watches
        self._reload()

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
            self._shown_call = ""
            self._seen, self._seen_before = {}, {}
            self.refusal.hide()
            self._stack.setCurrentWidget(self._empty)

    @Slot(object)
    def _on_stopped(self, _stop: Stop) -> None:
        """What was shown until now is what the values of this stop are compared with."""
        self._keep_shown()
        self._shown_call = ""
        self._seen_before |= self._seen
        self._seen = {}

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        if frame is not None:
            self.refusal.hide()
            self._reload()

    @Slot()
    def _on_values_changed(self) -> None:
        self.refusal.hide()
        self._reload()

    def _reload(self) -> None:
        frame = self._debug.frame
        if frame is not None:
            call = self._place_of(frame)
            self._debug.scopes(frame, lambda scopes: self._on_scopes(scopes, call))

    def _place_of(self, frame: StackFrame) -> str:
        """The call, as it is named the same at the next stop: its depth, counted from below, and its name."""
        stack = self._debug.stack
        return f"{len(stack) - stack.index(frame)} {frame.name}"

    def _keep_shown(self) -> None:
        """A call that was not seen at a stop before is compared with what it showed first."""
        if self._shown_call:
            shown = self._model.shown_values()
            self._seen[self._shown_call] = shown
            self._seen_before.setdefault(self._shown_call, shown)

    def _on_scopes(self, scopes: tuple[Scope, ...], call: str) -> None:
        if self._debug.state is not DebugState.PAUSED:
            return
        self._keep_shown()
        self._shown_call = call
        self._model.compare_with(self._seen_before.get(call, {}))
        groups = tuple((scope.name, scope.reference) for scope in scopes)
        if groups:
            self._opened.add((groups[0][0],))
        rows = self._model.show_groups(groups, self._watches)
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
            self._model.show_watch(row, last_line(error.message), error=True)

        self._debug.evaluate(row.name, arrived, refused, context="watch")

    # ------------------------------------------------------------------------------------------ editing

    @Slot(object, str)
    def _on_edit_requested(self, node: Node, value: str) -> None:
        def refused(error: UserFacingError) -> None:
            self.refusal.setText(f"{node.name} was not set to {value}\n{last_line(error.message)}")
            self.refusal.show()

        self.refusal.hide()
        self._debug.set_variable(node.container_reference, node.name, value, refused)

    @Slot(object, str)
    def _on_watch_edited(self, node: Node, expression: str) -> None:
        watches = [expression.strip() if text == node.name else text for text in self._watches]
        self._change_watches(tuple(text for text in dict.fromkeys(watches) if text))

    @Slot(QModelIndex)
    def _on_removal_requested(self, index: QModelIndex) -> None:
        node = self._model.node(index)
        if node is not None and node.kind is NodeKind.WATCH:
            self._change_watches(tuple(text for text in self._watches if text != node.name))

    @Slot(QModelIndex)
    def _on_copy_requested(self, index: QModelIndex) -> None:
        """The whole value, which a row may have shortened."""
        node = self._model.node(index)
        if node is None:
            return
        clipboard, expression = QGuiApplication.clipboard(), node.expression
        if not expression or self._debug.frame is None:
            clipboard.setText(node.value or node.name)
            return
        self._debug.evaluate(
            expression,
            lambda answer: clipboard.setText(answer.value),
            lambda _error: clipboard.setText(node.value),
            context="clipboard",
        )

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        index = self._view.indexAt(place)
        node = self._model.node(index)
        if node is None or node.kind not in (NodeKind.VARIABLE, NodeKind.WATCH):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy the value\tCtrl+C").triggered.connect(lambda: self._on_copy_requested(index))
        if node.kind is NodeKind.WATCH:
            menu.addAction("Edit the expression\tF2").triggered.connect(lambda: self._edit(index, 0))
            menu.addAction("Remove\tDel").triggered.connect(lambda: self._on_removal_requested(index))
        else:
            setting = menu.addAction("Set the value\tF2")
            setting.setEnabled(not node.is_read_only)
            setting.triggered.connect(lambda: self._edit(index, 1))
            watching = menu.addAction("Watch")
            watching.setEnabled(bool(node.expression))
            watching.triggered.connect(lambda: self.add_watch(node.expression))
        menu.popup(self._view.viewport().mapToGlobal(place))

    def _edit(self, index: QModelIndex, column: int) -> None:
        self._view.edit(index.siblingAtColumn(column))

    def _change_watches(self, watches: tuple[str, ...]) -> None:
        self._watches = watches
        self.watches_changed.emit(tuple(text for text in watches if text))
        frame = self._debug.frame
        if frame is None:
            rows = self._model.show_groups((), watches)
            self._stack.setCurrentWidget(self._view if rows else self._empty)
            self._view.setEnabled(True)
            self._reopen(QModelIndex())
            return
        self._reload()

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
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = view.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        view.setColumnWidth(0, _NAME_PX)
        view.expanded.connect(self._on_expanded)
        view.collapsed.connect(self._on_collapsed)
        view.removal_requested.connect(self._on_removal_requested)
        view.copy_requested.connect(self._on_copy_requested)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_requested)
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
