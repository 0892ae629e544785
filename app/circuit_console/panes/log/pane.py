"""The log by itself: the table of the timeline, with its filter bar."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.log_selection import Selection, location_of, select_row
from circuit_console.core.log_store import Appended, LogStore
from circuit_console.services.run_log import RunLog
from circuit_console.widgets.controls import EmptyState, IconButton, label, set_ground
from circuit_console.widgets.log_browser import LogBrowser
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_EMPTY_HINT = "Which events are logged is decided by the log level in the status bar, before the run."


class LogPane(Pane):
    """Shows the events of a RunLog's run."""

    pane_id = "log"
    title = "Log"
    icon_name = "scroll-text"
    region = Region.BOTTOM

    def __init__(self, theme: Theme, run_log: RunLog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._run_log = run_log
        self.browser = LogBrowser(theme)
        self._levels = label("", "faint")
        follow = IconButton(theme, "arrow-right-to-line", "Go to the newest row and follow")
        follow.clicked.connect(self.browser.table.follow)
        self._tools: list[QWidget] = [self._levels, follow]
        self._stack = QStackedWidget(self)
        self._stack.addWidget(EmptyState(theme, "scroll-text", "Run something (F5) to see its log", _EMPTY_HINT))
        self._stack.addWidget(self.browser)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        run_log.run_began.connect(self._on_run_began)
        run_log.appended.connect(self._on_appended)
        run_log.selection_changed.connect(self._on_selection_changed)
        self.browser.row_chosen.connect(run_log.select_row)
        self.browser.row_opened.connect(self._on_row_opened)
        self._on_run_began(run_log.store)
        self._stack.setCurrentIndex(1 if run_log.has_run else 0)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @Slot(object)
    def _on_run_began(self, store: LogStore) -> None:
        self._stack.setCurrentIndex(1)
        self._levels.setText(_level_words(self._run_log.log_levels))
        self._levels.setToolTip(self._run_log.log_levels)
        self.browser.show_store(store)

    @Slot(object)
    def _on_appended(self, _appended: Appended) -> None:
        self.browser.take_growth()

    @Slot(object)
    def _on_selection_changed(self, selection: Selection) -> None:
        self.browser.table.choose(selection.row)

    @Slot(int)
    def _on_row_opened(self, row: int) -> None:
        location = location_of(self._run_log.store, select_row(self._run_log.store, row))
        if location is not None:
            self._request_location(location)


def _level_words(levels: str) -> str:
    """`Level FINE`, of the code category, which decides most."""
    pairs = dict(pair.split(",", 1) for pair in levels.split(";") if "," in pair)
    level = pairs.get("APEX_CODE", "")
    return f"Level {level}" if level else ""
