"""The window: docks what it is given, keeps the perspectives, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QHBoxLayout,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.session import PerspectiveLayout
from circuit_console.widgets.controls import divider, set_ground
from circuit_console.widgets.notifications import NotificationArea
from circuit_console.widgets.palette import PaletteBox
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.rail import Activity, Rail
from circuit_console.widgets.section_stack import SectionStack
from circuit_console.widgets.status_bar import StatusBar
from circuit_console.widgets.tab_panel import TabPanel
from circuit_console.widgets.theme import Theme
from circuit_console.widgets.top_bar import TopBar
from circuit_console.window.layout import (
    ACTIVITY_CENTRE,
    ACTIVITY_SECTIONS,
    INSPECTOR_RANGE_PX,
    PERSPECTIVES,
    SIDE_RANGE_PX,
    clamped,
)

_STATUS_PX = 26
_LEAST_PX = 120
_EDITOR_PAGE = "editor"

_ACTIVITIES = (
    Activity("explorer", "Explorer", "files", "Ctrl+Shift+E"),
    Activity("search", "Search", "search", "Ctrl+Shift+F"),
    Activity("debug", "Debug", "bug-play", "Ctrl+Shift+D"),
    Activity("tests", "Tests", "flask-conical"),
    Activity("query", "Query", "database", "Ctrl+Shift+Q"),
    Activity("deploy", "Deploy", "rocket", "Ctrl+Shift+Y"),
)
_FOOT = (Activity("settings", "Settings", "settings", "Ctrl+,"),)


class MainWindow(QMainWindow):
    """Regions in splitters: rail, side bar, centre over bottom panel, inspector; bars above and below.

    Signals:
        layout_changed: None, when the user moved, hid or chose something that is remembered.
        closing: None, before the window closes.
        perspective_changed: str, its id.
        painted: None, once, when the window's first picture stands on the screen.
        activated: None, when the window gets the focus of the desktop again.
    """

    layout_changed = Signal()
    closing = Signal()
    perspective_changed = Signal(str)
    painted = Signal()
    activated = Signal()

    def __init__(
        self, theme: Theme, editor: QWidget, panes: Sequence[Pane], banner: QWidget, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._panes = {pane.pane_id: pane for pane in panes}
        self._layouts: dict[str, PerspectiveLayout] = {}
        self._perspective = "edit"
        self._activity = ""
        self._is_arranging = False
        self._was_painted = False
        self.top_bar = TopBar(theme, self)
        self.status = StatusBar(theme, self)
        self.rail = Rail(theme, _ACTIVITIES, _FOOT, self)
        self._side = SectionStack(theme, self._in(Region.SIDE), self)
        self._inspector_sections = SectionStack(theme, self._in(Region.INSPECTOR), self)
        self._bottom = TabPanel(theme, self._in(Region.BOTTOM), self)
        self._centre = QStackedWidget(self)
        self._centre_pages: dict[str, QWidget] = {_EDITOR_PAGE: editor}
        self._inspector = QWidget(self)
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        self._rows = QSplitter(Qt.Orientation.Vertical, self)
        self._lay_out(editor, banner)
        self._connect()
        self.notifications = NotificationArea(theme, self, _STATUS_PX)
        self.palette_box = PaletteBox(theme, self)
        self.setMinimumSize(1024, 640)

    # ------------------------------------------------------------------------------------------ perspectives

    @property
    def perspective(self) -> str:
        return self._perspective

    @property
    def activity(self) -> str:
        return self._activity

    def add_panes(self, panes: Sequence[Pane]) -> None:
        """Dock panes that were built after the window was shown, and arrange anew."""
        for pane in panes:
            self._panes[pane.pane_id] = pane
            match pane.region:
                case Region.SIDE:
                    self._side.add(pane)
                case Region.INSPECTOR:
                    self._inspector_sections.add(pane)
                case Region.BOTTOM:
                    self._bottom.add(pane)
                case Region.CENTRE:
                    self._centre.addWidget(pane)
                    self._centre_pages[pane.pane_id] = pane
        self._arrange()

    def restore_layouts(self, layouts: Mapping[str, PerspectiveLayout], perspective: str) -> None:
        self._layouts = dict(layouts)
        self._perspective = perspective if perspective in PERSPECTIVES else "edit"
        self._arrange()

    def layouts(self) -> dict[str, PerspectiveLayout]:
        """Of all perspectives, the present one as it stands now."""
        return {**self._layouts, self._perspective: self._current_layout()}

    def show_perspective(self, perspective: str) -> None:
        if perspective == self._perspective:
            return
        self._layouts[self._perspective] = self._current_layout()
        self._perspective = perspective
        self._arrange()
        self.layout_changed.emit()
        self.perspective_changed.emit(perspective)

    def reset_layout(self) -> None:
        self._layouts.clear()
        self._arrange()
        self.layout_changed.emit()

    def show_activity(self, activity: str) -> None:
        """Show its sections in the side bar, and its page in the centre where it has one."""
        if activity not in ACTIVITY_SECTIONS:
            return
        self._activity = activity
        self.rail.choose(activity)
        self._side.show_sections(ACTIVITY_SECTIONS[activity])
        self._side.show()
        self._show_centre(ACTIVITY_CENTRE.get(activity, _EDITOR_PAGE))
        if not self._is_arranging:
            self.layout_changed.emit()

    def show_editor(self) -> None:
        self._show_centre(_EDITOR_PAGE)

    def show_pane(self, pane_id: str) -> None:
        """Bring a pane into sight, wherever it is docked."""
        pane = self._panes.get(pane_id)
        if pane is None:
            return
        match pane.region:
            case Region.BOTTOM:
                self._bottom.show()
                self._bottom.show_pane(pane_id)
            case Region.INSPECTOR:
                self._inspector.show()
                self._inspector_sections.open_section(pane_id)
            case Region.SIDE:
                found = next((one for one, ids in ACTIVITY_SECTIONS.items() if pane_id in ids), self._activity)
                if pane_id not in ACTIVITY_SECTIONS.get(self._activity, ()):
                    self.show_activity(found)
                self._side.show()
                self._side.open_section(pane_id)
            case Region.CENTRE:
                self._show_centre(pane_id)

    def toggle_side(self) -> None:
        self._side.setVisible(not self._side.isVisible())
        self.layout_changed.emit()

    def toggle_bottom(self) -> None:
        self._bottom.setVisible(not self._bottom.isVisible())
        self.layout_changed.emit()

    def toggle_inspector(self) -> None:
        self._inspector.setVisible(not self._inspector.isVisible())
        self.layout_changed.emit()

    def focus_next_region(self, step: int) -> None:
        """Walk the regions that are in sight, so that all of the window is reached without a mouse."""
        regions = [
            one for one in (self.rail, self._side, self._centre, self._bottom, self._inspector) if one.isVisible()
        ]
        focus = self.focusWidget()
        place = next((idx for idx, one in enumerate(regions) if focus is not None and one.isAncestorOf(focus)), 0)
        _focus_first(regions[(place + step) % len(regions)])

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.activated.emit()

    # ------------------------------------------------------------------------------------------ inside

    def _in(self, region: Region) -> list[Pane]:
        return [pane for pane in self._panes.values() if pane.region is region]

    def _lay_out(self, editor: QWidget, banner: QWidget) -> None:
        self._centre.addWidget(editor)
        for pane in self._in(Region.CENTRE):
            self._centre.addWidget(pane)
            self._centre_pages[pane.pane_id] = pane
        self._rows.addWidget(self._centre)
        self._rows.addWidget(self._bottom)
        self._rows.setStretchFactor(0, 1)
        inspector = QVBoxLayout(self._inspector)
        inspector.setContentsMargins(0, 0, 0, 0)
        inspector.setSpacing(0)
        inspector.addWidget(banner)
        inspector.addWidget(self._inspector_sections, 1)
        set_ground(self._inspector, "panel")
        for part in (self._side, self._rows, self._inspector):
            self._columns.addWidget(part)
        self._columns.setStretchFactor(1, 1)
        for splitter in (self._columns, self._rows):
            splitter.setHandleWidth(1)
            splitter.setChildrenCollapsible(False)
        self._side.setMinimumWidth(SIDE_RANGE_PX[0])
        self._side.setMaximumWidth(SIDE_RANGE_PX[1])
        self._inspector.setMinimumWidth(INSPECTOR_RANGE_PX[0])
        self._inspector.setMaximumWidth(INSPECTOR_RANGE_PX[1])
        self._bottom.setMinimumHeight(_LEAST_PX)
        # A page that wants more (the welcome) scrolls; it must not push the bottom panel.
        self._centre.setMinimumSize(_LEAST_PX, _LEAST_PX)
        body = QWidget(self)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self._columns, 1)
        whole = QWidget(self)
        whole.setObjectName("window")
        whole.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addWidget(divider())
        column.addWidget(body, 1)
        column.addWidget(divider())
        column.addWidget(self.status)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.rail.activity_chosen.connect(self._on_activity_chosen)
        self._bottom.fold_requested.connect(self.toggle_bottom)
        self._bottom.pane_shown.connect(self._on_changed)
        self._side.changed.connect(self._on_changed)
        self._inspector_sections.changed.connect(self._on_changed)
        self._columns.splitterMoved.connect(self._on_changed)
        self._rows.splitterMoved.connect(self._on_changed)

    @Slot(str)
    def _on_activity_chosen(self, activity: str) -> None:
        if activity == self._activity and self._side.isVisible():
            self.rail.choose(activity)
            self.toggle_side()
        else:
            self.show_activity(activity)

    @Slot()
    def _on_changed(self, *_details: object) -> None:
        if not self._is_arranging:
            self.layout_changed.emit()

    def _show_centre(self, page: str) -> None:
        self._centre.setCurrentWidget(self._centre_pages.get(page, self._centre_pages[_EDITOR_PAGE]))

    def _arrange(self) -> None:
        """Put everything where the present perspective has it."""
        perspective = PERSPECTIVES[self._perspective]
        layout = self._layouts.get(self._perspective, perspective.default_layout())
        self._is_arranging = True
        self._side.close_sections(layout.closed_sections)
        self._inspector_sections.show_sections(perspective.inspector)
        self._inspector_sections.close_sections(layout.closed_sections)
        self.show_activity(layout.activity or perspective.activity)
        self._bottom.show_pane(layout.bottom_pane or perspective.bottom_pane)
        self._side.setVisible(layout.is_side_shown)
        has_inspector = any(pane_id in self._panes for pane_id in perspective.inspector)
        self._inspector.setVisible(layout.is_inspector_shown and has_inspector)
        self._bottom.setVisible(layout.is_bottom_shown)
        self._size(layout)
        # Sizes given before the first layout are only a wish; give them again when the window has its own.
        QTimer.singleShot(0, self, lambda: self._size(layout))
        self._is_arranging = False

    def _size(self, layout: PerspectiveLayout) -> None:
        side = clamped(layout.side_px, SIDE_RANGE_PX)
        inspector = clamped(layout.inspector_px, INSPECTOR_RANGE_PX)
        width, height = self._columns.width(), self._rows.height()
        shown = side * self._side.isVisible() + inspector * self._inspector.isVisible()
        self._columns.setSizes([side, max(200, width - shown - 2), inspector])
        self._rows.setSizes([max(120, height - layout.bottom_px - 1), layout.bottom_px])

    def _current_layout(self) -> PerspectiveLayout:
        before = self._layouts.get(self._perspective, PERSPECTIVES[self._perspective].default_layout())
        side, _, inspector = self._columns.sizes()
        return msgspec.structs.replace(
            before,
            side_px=side or before.side_px,
            inspector_px=inspector or before.inspector_px,
            bottom_px=self._rows.sizes()[1] or before.bottom_px,
            is_side_shown=not self._side.isHidden(),
            is_inspector_shown=not self._inspector.isHidden(),
            is_bottom_shown=not self._bottom.isHidden(),
            activity=self._activity,
            bottom_pane=self._bottom.shown_pane(),
            closed_sections=(*self._side.closed(), *self._inspector_sections.closed()),
        )


def _focus_first(region: QWidget) -> None:
    """What a region is about comes before its buttons: the text, the tree or the table."""
    for widget in [region, *region.findChildren(QAbstractScrollArea), *region.findChildren(QWidget)]:
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            # The editor's own setFocus is another function, of Scintilla.
            QWidget.setFocus(widget, Qt.FocusReason.TabFocusReason)
            return
