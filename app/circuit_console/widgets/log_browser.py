"""The log table with its filter bar: search, kinds of events, level, and the way back to the newest row."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from circuit_console.core.event_kinds import GROUPS
from circuit_console.core.log_filter import SHOW_ALL, FilteredRows, LogFilter
from circuit_console.core.log_store import LogStore
from circuit_console.widgets.controls import SearchField, divider
from circuit_console.widgets.log_table import LogTable
from circuit_console.widgets.theme import Theme
from circuit_log.levels import Level

_STEP_ROWS = 20_000
_BEGINNINGS = "Beginnings of queries and calls"


class LogBrowser(QWidget):
    """A log table and what narrows it.

    Signals:
        row_chosen, row_opened: int, as LogTable has them.
        filter_changed: LogFilter.
    """

    row_chosen = Signal(int)
    row_opened = Signal(int)
    filter_changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.table = LogTable(theme, self)
        self._store = LogStore()
        self._filter = LogFilter()
        self._steps = QTimer(self)
        self._steps.setInterval(0)
        self._steps.timeout.connect(self._on_step_due)
        self._newest = QPushButton(self.table)
        self._newest.setProperty("role", "primary")
        self._newest.setVisible(False)
        self._newest.clicked.connect(self.table.follow)
        self._bar = self._make_bar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self.table, 1)
        self.table.row_chosen.connect(self.row_chosen)
        self.table.row_opened.connect(self.row_opened)
        self.table.unseen_changed.connect(self._on_unseen_changed)
        self.table.show_all_wanted.connect(self.show_everything)
        self.table.installEventFilter(self)
        self.table.show_rows(FilteredRows(self._store, self._filter))

    @property
    def filter(self) -> LogFilter:
        return self._filter

    def show_store(self, store: LogStore) -> None:
        """Another run."""
        self._store = store
        self._refilter()

    def take_growth(self) -> None:
        """The store has grown: look at the new rows, the first of them at once."""
        self._step()

    def set_filter(self, log_filter: LogFilter) -> None:
        if log_filter != self._filter:
            self._filter = log_filter
            self._show_filter()
            self._refilter()
            self.filter_changed.emit(log_filter)

    @Slot()
    def show_everything(self) -> None:
        self.set_filter(SHOW_ALL)

    def show_bar(self, is_shown: bool) -> None:
        self._bar.setVisible(is_shown)
        if is_shown:
            self._search.setFocus()

    def bar_is_shown(self) -> bool:
        return not self._bar.isHidden()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.table and event.type() is QEvent.Type.Resize:
            self._place_chip()
        return super().eventFilter(watched, event)

    def _make_bar(self) -> QWidget:
        bar = QWidget(self)
        self._search = SearchField(self._theme, "Filter by text, event or file")
        self._search.setClearButtonEnabled(True)
        self._search.textChanged.connect(self._on_text_changed)
        self._kinds = QPushButton("Events", bar)
        self._kinds.setIcon(self._theme.icon("list-filter"))
        self._kinds.setAccessibleName("Kinds of events that are shown")
        self._kinds.setMenu(self._make_menu())
        self._level = QComboBox(bar)
        self._level.setAccessibleName("Most detailed level of debug lines that is shown")
        for level in reversed(Level):
            if level is not Level.NONE:
                self._level.addItem(level.name, level)
        self._level.currentIndexChanged.connect(self._on_level_changed)
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self._search, 1)
        row.addWidget(self._kinds)
        row.addWidget(self._level)
        layout = QVBoxLayout(bar)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(divider())
        return bar

    def _make_menu(self) -> QMenu:
        menu = QMenu(self._kinds)
        self._group_actions = {}
        for group in GROUPS:
            action = menu.addAction(group)
            action.setCheckable(True)
            action.triggered.connect(self._on_groups_changed)
            self._group_actions[group] = action
        menu.addSeparator()
        self._beginnings = menu.addAction(_BEGINNINGS)
        self._beginnings.setCheckable(True)
        self._beginnings.triggered.connect(self._on_groups_changed)
        menu.addSeparator()
        menu.addAction("Show all rows").triggered.connect(self.show_everything)
        menu.addAction("Show the usual rows").triggered.connect(self._on_usual_wanted)
        self._mark_actions()
        return menu

    def _mark_actions(self) -> None:
        for group, action in self._group_actions.items():
            action.setChecked(group not in self._filter.hidden_groups)
        self._beginnings.setChecked(self._filter.shows_beginnings)

    def _show_filter(self) -> None:
        """Bring the controls in line with the filter."""
        self._mark_actions()
        for control in (self._search, self._level):
            control.blockSignals(True)
        if self._search.text() != self._filter.text:
            self._search.setText(self._filter.text)
        self._level.setCurrentIndex(self._level.findData(self._filter.level))
        for control in (self._search, self._level):
            control.blockSignals(False)

    def _refilter(self) -> None:
        self.table.show_rows(FilteredRows(self._store, self._filter))
        self._step()

    def _step(self) -> None:
        self.table.rows.step(_STEP_ROWS)
        self.table.take_growth()
        if self.table.rows.is_behind:
            self._steps.start()
        else:
            self._steps.stop()

    def _place_chip(self) -> None:
        self._newest.adjustSize()
        x = (self.table.width() - self._newest.width()) // 2
        self._newest.move(x, self.table.height() - self._newest.height() - 8)

    @Slot()
    def _on_step_due(self) -> None:
        self._step()

    @Slot(int)
    def _on_unseen_changed(self, count: int) -> None:
        self._newest.setText(f"{count} new ↓")
        self._newest.setAccessibleName(f"{count} new rows, go to the newest")
        self._newest.setVisible(count > 0)
        self._place_chip()

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        self.set_filter(replace(self._filter, text=text))

    @Slot(int)
    def _on_level_changed(self, idx: int) -> None:
        self.set_filter(replace(self._filter, level=Level(self._level.itemData(idx))))

    @Slot()
    def _on_groups_changed(self) -> None:
        hidden = frozenset(group for group, action in self._group_actions.items() if not action.isChecked())
        self.set_filter(replace(self._filter, hidden_groups=hidden, shows_beginnings=self._beginnings.isChecked()))

    @Slot()
    def _on_usual_wanted(self) -> None:
        self.set_filter(LogFilter())
