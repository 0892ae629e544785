"""The timeline: overview, flame chart, and the log of the same run below them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

import circuit_link.host_protocol as hp
from circuit_console.core.flame import Window, whole
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.log_selection import Selection, location_of, select_frame, select_row
from circuit_console.core.log_store import Appended, LogStore
from circuit_console.services.run_log import RunLog
from circuit_console.widgets.controls import IconButton, set_ground
from circuit_console.widgets.flame_chart import FlameChart
from circuit_console.widgets.ghost_timeline import GhostTimeline
from circuit_console.widgets.legend import Legend
from circuit_console.widgets.log_browser import LogBrowser
from circuit_console.widgets.overview_strip import OverviewStrip
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_CHART_PX = 178
_TABLE_PX = 132


class TimelinePane(Pane):
    """Shows the run of a RunLog as it goes on. While it follows, the window ends where the run is now."""

    pane_id = "timeline"
    title = "Timeline"
    icon_name = "chart-gantt"
    region = Region.BOTTOM

    def __init__(self, theme: Theme, run_log: RunLog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._run_log = run_log
        self._window = whole(0)
        self._is_following = True
        self._shows_whole = True
        self.overview = OverviewStrip(theme)
        self.chart = FlameChart(theme)
        self.browser = LogBrowser(theme)
        self.browser.show_bar(False)
        self._tools = self._make_tools(theme)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(GhostTimeline(theme))
        self._stack.addWidget(self._make_content())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._connect()
        self._on_run_began(run_log.store)
        self._stack.setCurrentIndex(1 if run_log.has_run else 0)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def window_shown(self) -> Window:
        return self._window

    def _make_tools(self, theme: Theme) -> list[QWidget]:
        self._filter_button = IconButton(theme, "filter", "Filter the log")
        self._filter_button.setCheckable(True)
        self._filter_button.toggled.connect(self.browser.show_bar)
        self._hold_button = IconButton(theme, "pause-filled", "Hold the view while the run goes on")
        self._hold_button.setCheckable(True)
        self._hold_button.toggled.connect(self._on_hold_toggled)
        follow = IconButton(theme, "arrow-right-to-line", "Show all and follow (R in the chart)")
        follow.clicked.connect(self._on_fit_wanted)
        return [Legend(theme), self._filter_button, self._hold_button, follow]

    def _make_content(self) -> QWidget:
        upper = QWidget()
        layout = QVBoxLayout(upper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.overview)
        layout.addWidget(self.chart, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setHandleWidth(1)
        splitter.addWidget(upper)
        splitter.addWidget(self.browser)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_CHART_PX, _TABLE_PX])
        return splitter

    def _connect(self) -> None:
        run_log = self._run_log
        run_log.run_began.connect(self._on_run_began)
        run_log.appended.connect(self._on_appended)
        run_log.run_ended.connect(self._on_run_ended)
        run_log.selection_changed.connect(self._on_selection_changed)
        for source in (self.overview, self.chart):
            source.window_wanted.connect(self._on_window_wanted)
            source.fit_wanted.connect(self._on_fit_wanted)
        self.chart.frame_chosen.connect(run_log.select_frame)
        self.chart.frame_opened.connect(self._on_frame_opened)
        self.chart.exception_chosen.connect(run_log.select_row)
        self.browser.row_chosen.connect(run_log.select_row)
        self.browser.row_opened.connect(self._on_row_opened)

    def _show_window(self, window: Window) -> None:
        self._window = window
        self.chart.show_window(window)
        self.overview.show_window(window)

    def _follow(self) -> None:
        """Keep the run's end in sight: all of it, or as much as the user zoomed to."""
        if not self._is_following:
            return
        total_ns = self._run_log.store.last_ns
        if self._shows_whole:
            self._show_window(whole(total_ns))
        else:
            span_ns = self._window.span_ns
            self._show_window(Window(total_ns - span_ns * 0.95, span_ns).within(total_ns))

    @Slot(object)
    def _on_run_began(self, store: LogStore) -> None:
        self._stack.setCurrentIndex(1)
        self._hold_button.setChecked(False)
        self._is_following = self._shows_whole = True
        self.chart.show_store(store)
        self.overview.show_store(store)
        self.browser.show_store(store)
        self._follow()

    @Slot(object)
    def _on_appended(self, _appended: Appended) -> None:
        self._follow()
        self.chart.refresh()
        self.overview.refresh()
        self.browser.take_growth()
        if self._is_following and self._run_log.store.paused_row is not None:
            self.chart.show_innermost()

    @Slot(object)
    def _on_run_ended(self, _finished: hp.RunFinished) -> None:
        self._follow()
        self.chart.refresh()
        self.overview.refresh()

    @Slot(object)
    def _on_window_wanted(self, window: Window) -> None:
        total_ns = self._run_log.store.last_ns
        self._shows_whole = window.span_ns >= whole(total_ns).span_ns * 0.999
        self._is_following = window.end_ns >= total_ns and not self._hold_button.isChecked()
        self._show_window(window)

    @Slot()
    def _on_fit_wanted(self) -> None:
        self._hold_button.setChecked(False)
        self._is_following = self._shows_whole = True
        self._follow()
        self.browser.table.follow()

    @Slot(bool)
    def _on_hold_toggled(self, is_held: bool) -> None:
        self._is_following = not is_held
        if is_held:
            self.browser.table.stop_following()
        self._follow()

    @Slot(object)
    def _on_selection_changed(self, selection: Selection) -> None:
        store = self._run_log.store
        if selection.frame != NO_FRAME:
            frames = store.frames
            end_ns = frames.end_or(selection.frame, store.last_ns)
            window = self._window.showing(frames.start_ns[selection.frame], end_ns, store.last_ns)
            if window != self._window:
                self._on_window_wanted(window)
        self.chart.choose(selection.frame)
        self.browser.table.choose(selection.row)

    @Slot(int)
    def _on_frame_opened(self, frame: int) -> None:
        self._open(select_frame(self._run_log.store, frame))

    @Slot(int)
    def _on_row_opened(self, row: int) -> None:
        self._open(select_row(self._run_log.store, row))

    def _open(self, selection: Selection) -> None:
        location = location_of(self._run_log.store, selection)
        if location is not None:
            self._request_location(location)
