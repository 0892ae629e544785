"""The breakpoints pane: all of the project's, with their conditions and hits."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeView, QVBoxLayout, QWidget

from circuit_console.core.breakpoints import EXCEPTION_FILTERS, Breakpoint, FunctionBreakpoint
from circuit_console.core.debugging import StackFrame
from circuit_console.core.location import Location
from circuit_console.core.notices import Notice, Notifier
from circuit_console.models.breakpoints import BreakpointsModel, FilterRow, Row
from circuit_console.panes.debugger.breakpoint_form import BreakpointForm
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.widgets.controls import IconButton, label, set_role
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_ROW_PX = 24
_MOST_ROWS = 8
_PADDING_PX = 10
_HINT = "Click left of a line or press F9"
_MUTED = "All are muted: nothing stops the run"


class BreakpointsPane(Pane):
    """Enter opens the line, Space switches one on and off, F2 edits it, Delete removes it."""

    pane_id = "breakpoints"
    title = "Breakpoints"
    icon_name = "circle-dot"
    region = Region.SIDE
    stretches = False

    def __init__(
        self,
        theme: Theme,
        breakpoints: Breakpoints,
        debug: DebugSession,
        notifier: Notifier,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._breakpoints = breakpoints
        self._notifier = notifier
        self._model = BreakpointsModel(theme, self)
        self.view = self._make_view()
        self._hint = label(_HINT, "faint")
        self._hint.setContentsMargins(14, 2, 8, 2)
        self.form = BreakpointForm(self)
        self.form.changed.connect(breakpoints.change)
        self.form.function_entered.connect(self._on_function_entered)
        self.form.left.connect(self.view.setFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._hint)
        layout.addWidget(self.form)
        layout.addWidget(self.view, 1)
        self._mute = IconButton(theme, "circle-slash", "Mute all breakpoints", "dim", 15)
        self._mute.setCheckable(True)
        self._mute.clicked.connect(breakpoints.mute)
        self._tools = self._make_tools()
        breakpoints.changed.connect(self._on_changed)
        breakpoints.functions_changed.connect(self._on_changed)
        breakpoints.filters_changed.connect(self._on_changed)
        breakpoints.muting_changed.connect(self._on_changed)
        debug.frame_selected.connect(self._on_frame_selected)
        self._on_changed()

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def model(self) -> BreakpointsModel:
        return self._model

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self._model.row_at(self.view.currentIndex())
        if row is not None and event.key() == Qt.Key.Key_Space:
            self._switch(row)
        elif isinstance(row, Breakpoint) and event.key() == Qt.Key.Key_F2:
            self.form.edit(row)
        elif event.key() == Qt.Key.Key_Delete and not isinstance(row, FilterRow | None):
            self._remove(row)
        else:
            super().keyPressEvent(event)

    def clear(self) -> None:
        removed, functions = self._breakpoints.clear(), self._breakpoints.functions
        self._breakpoints.set_functions(())
        count = len(removed) + len(functions)
        if count:

            def undo() -> None:
                self._breakpoints.restore(removed)
                self._breakpoints.set_functions(functions)

            text = f"Removed {count} breakpoint{'s' if count > 1 else ''}."
            self._notifier.notify(Notice(kind="fact", text=text, actions=(("Undo", undo),)))

    @Slot()
    def _on_changed(self, *_path: str) -> None:
        breakpoints, functions = self._breakpoints.all(), self._breakpoints.functions
        filters = (FilterRow(one, one.id in self._breakpoints.filters) for one in EXCEPTION_FILTERS)
        is_muted = self._breakpoints.is_muted
        self._mute.setChecked(is_muted)
        self._mute.set_icon("circle-slash", "warn" if is_muted else "dim")
        set_role(self._hint, "warn" if is_muted else "faint")
        self._hint.setText(_MUTED if is_muted else _HINT)
        has_hint = is_muted or not (breakpoints or functions)
        self._hint.setVisible(has_hint)
        self._model.show_rows((*breakpoints, *functions, *filters), is_muted=is_muted)
        hint_px = _ROW_PX if has_hint else 0
        self._prefer_height(hint_px + min(self._model.rowCount(), _MOST_ROWS) * _ROW_PX + _PADDING_PX)

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        self._model.mark_hit((frame.path, frame.line) if frame is not None else None)

    @Slot(str)
    def _on_function_entered(self, name: str) -> None:
        self._breakpoints.set_functions((*self._breakpoints.functions, FunctionBreakpoint(name=name)))

    def _switch(self, row: Row) -> None:
        match row:
            case Breakpoint():
                self._breakpoints.set_enabled(row, not row.is_enabled)
            case FunctionBreakpoint():
                switched = replace(row, is_enabled=not row.is_enabled)
                functions = self._breakpoints.functions
                self._breakpoints.set_functions(
                    tuple(switched if one.name == row.name else one for one in functions)
                )
            case FilterRow():
                self._breakpoints.set_filters(self._breakpoints.filters ^ {row.filter.id})

    def _remove(self, row: Breakpoint | FunctionBreakpoint) -> None:
        """With a way back: what was typed into a breakpoint is not lost by one key."""
        if isinstance(row, Breakpoint):
            self._breakpoints.remove(row)
            undo = partial(self._breakpoints.restore, (row,))
            text = f"Removed the breakpoint at {row.path} line {row.line}."
        else:
            before = self._breakpoints.functions
            self._breakpoints.set_functions(tuple(one for one in before if one.name != row.name))
            undo = partial(self._breakpoints.set_functions, before)
            text = f"Removed the breakpoint in {row.name}."
        self._notifier.notify(Notice(kind="fact", text=text, actions=(("Undo", undo),)))

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row = self._model.row_at(index)
        if isinstance(row, Breakpoint):
            self._request_location(Location(row.path, row.line))
        elif isinstance(row, FilterRow):
            self._switch(row)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        row = self._model.row_at(self.view.indexAt(place))
        if row is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if isinstance(row, Breakpoint):
            for title, kind in (
                ("Condition…", "condition"),
                ("Hit count…", "hit_condition"),
                ("Log message…", "log_message"),
            ):
                menu.addAction(title).triggered.connect(partial(self._edit, row, kind))
            keeps = menu.addAction("Checkpoint: keep the values and go on")
            keeps.setCheckable(True)
            keeps.setChecked(row.is_checkpoint)
            keeps.triggered.connect(lambda: self._breakpoints.toggle_checkpoint(row.path, row.line))
            menu.addSeparator()
        is_on = row.is_on if isinstance(row, FilterRow) else row.is_enabled
        menu.addAction("Switch off" if is_on else "Switch on").triggered.connect(lambda: self._switch(row))
        if not isinstance(row, FilterRow):
            menu.addAction("Remove").triggered.connect(lambda: self._remove(row))
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _edit(self, row: Breakpoint, kind: str, _is_checked: bool = False) -> None:
        self.form.edit(row, kind)

    def _make_view(self) -> QTreeView:
        view = QTreeView(self)
        view.setModel(self._model)
        view.setHeaderHidden(True)
        view.setRootIsDecorated(False)
        view.setIndentation(0)
        view.setIconSize(QSize(12, 12))
        view.setUniformRowHeights(True)
        view.setAccessibleName("Breakpoints")
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_requested)
        view.activated.connect(self._on_activated)
        view.clicked.connect(self._on_activated)
        header = view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        return view

    def _make_tools(self) -> list[QWidget]:
        add = IconButton(self._theme, "plus", "Stop in a function", "dim", 15)
        add.clicked.connect(lambda _checked=False: self.form.ask_function())
        clear = IconButton(self._theme, "trash-2", "Remove all breakpoints", "dim", 15)
        clear.clicked.connect(lambda _checked=False: self.clear())
        return [add, self._mute, clear]
