"""The breakpoints pane: all of the project's, with their conditions."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QMenu, QTreeView, QVBoxLayout, QWidget

from circuit_console.core.breakpoints import Breakpoint
from circuit_console.core.debugging import StackFrame
from circuit_console.core.location import Location
from circuit_console.core.notices import Notice, Notifier
from circuit_console.models.breakpoints import BreakpointsModel, ExceptionFilter
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.widgets.controls import IconButton, label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme


class BreakpointsPane(Pane):
    """Enter opens the line, Space switches one on and off, Delete removes it."""

    pane_id = "breakpoints"
    title = "Breakpoints"
    icon_name = "circle-dot"
    region = Region.SIDE
    stretches = False
    preferred_height_px = 108

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
        self._edited: tuple[Breakpoint, str] | None = None
        self._model = BreakpointsModel(theme, self)
        self._view = self._make_view()
        self._hint = label("Click left of a line or press F9", "faint")
        self._hint.setContentsMargins(14, 2, 8, 2)
        self._field = QLineEdit(self)
        self._field.returnPressed.connect(self._on_field_entered)
        self._field.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._hint)
        layout.addWidget(self._field)
        layout.addWidget(self._view, 1)
        self._tools = self._make_tools()
        breakpoints.changed.connect(self._on_changed)
        breakpoints.filters_changed.connect(self._on_filters_changed)
        debug.frame_selected.connect(self._on_frame_selected)
        self._show()

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def model(self) -> BreakpointsModel:
        return self._model

    def ask_condition(self, breakpoint: Breakpoint, kind: str = "condition") -> None:
        """Edit a condition, hit_condition or log_message in a field over the list."""
        texts = {
            "condition": (breakpoint.condition, "Stops when this is true, e.g. total > 90"),
            "hit_condition": (breakpoint.hit_condition, "Stops at this hit, e.g. 3 or >= 10"),
            "log_message": (breakpoint.log_message, "Logs this and goes on, e.g. total is {total}"),
        }
        text, hint = texts[kind]
        self._edited = (breakpoint, kind)
        self._field.setText(text)
        self._field.setPlaceholderText(hint)
        self._field.setAccessibleName(f"{kind} of the breakpoint at line {breakpoint.line}".replace("_", " "))
        self._field.show()
        self._field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._field.isVisible():
            self._end_editing()
            return
        row = self._model.row_at(self._view.currentIndex())
        if row is not None and event.key() == Qt.Key.Key_Space:
            self._switch(row)
        elif isinstance(row, Breakpoint) and event.key() == Qt.Key.Key_Delete:
            self._breakpoints.remove(row)
        else:
            super().keyPressEvent(event)

    def clear(self) -> None:
        removed = self._breakpoints.clear()
        if removed:
            undo = partial(self._breakpoints.restore, removed)
            text = f"Removed {len(removed)} breakpoint{'s' if len(removed) > 1 else ''}."
            self._notifier.notify(Notice(kind="fact", text=text, actions=(("Undo", undo),)))

    @Slot(str)
    def _on_changed(self, _path: str) -> None:
        self._show()

    @Slot()
    def _on_filters_changed(self) -> None:
        self._show()

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        self._model.mark_hit((frame.path, frame.line) if frame is not None else None)

    def _show(self) -> None:
        breakpoints = self._breakpoints.all()
        filters = (
            ExceptionFilter("uncaught", "Uncaught exceptions", self._breakpoints.stops_on_uncaught),
            ExceptionFilter("raised", "Raised exceptions", self._breakpoints.stops_on_raised),
        )
        self._hint.setVisible(not breakpoints)
        self._model.show_rows(breakpoints, filters if breakpoints or filters[1].is_on else filters[:1])

    def _switch(self, row: Breakpoint | ExceptionFilter) -> None:
        if isinstance(row, Breakpoint):
            self._breakpoints.set_enabled(row, not row.is_enabled)
            return
        uncaught, raised = self._breakpoints.stops_on_uncaught, self._breakpoints.stops_on_raised
        if row.name == "uncaught":
            uncaught = not uncaught
        else:
            raised = not raised
        self._breakpoints.set_filters(uncaught=uncaught, raised=raised)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row = self._model.row_at(index)
        if isinstance(row, Breakpoint):
            self._request_location(Location(row.path, row.line))
        elif row is not None:
            self._switch(row)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        row = self._model.row_at(self._view.indexAt(place))
        if not isinstance(row, Breakpoint):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for title, kind in (
            ("Condition…", "condition"),
            ("Hit count…", "hit_condition"),
            ("Log message…", "log_message"),
        ):
            menu.addAction(title).triggered.connect(
                lambda _checked=False, wanted=kind: self.ask_condition(row, wanted)
            )
        menu.addSeparator()
        switch = menu.addAction("Switch off" if row.is_enabled else "Switch on")
        switch.triggered.connect(lambda _checked=False: self._switch(row))
        menu.addAction("Remove").triggered.connect(lambda _checked=False: self._breakpoints.remove(row))
        menu.popup(self._view.viewport().mapToGlobal(place))

    @Slot()
    def _on_field_entered(self) -> None:
        if self._edited is not None:
            breakpoint, kind = self._edited
            changed = replace(breakpoint, **{kind: self._field.text().strip()})
            self._breakpoints.set(
                changed.path,
                changed.line,
                condition=changed.condition,
                hit_condition=changed.hit_condition,
                log_message=changed.log_message,
            )
        self._end_editing()

    def _end_editing(self) -> None:
        self._edited = None
        self._field.hide()
        self._view.setFocus()

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
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, 40)
        return view

    def _make_tools(self) -> list[QWidget]:
        clear = IconButton(self._theme, "circle-slash", "Remove all breakpoints", "dim", 15)
        clear.clicked.connect(lambda _checked=False: self.clear())
        return [clear]
