"""The governor: what the transaction has used of each limit, as it happens."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

import circuit_link.host_protocol as hp
from circuit_console.core.governor_view import (
    CARDS,
    GaugeView,
    advice_for,
    amount,
    breached,
    gauges,
    title_of,
)
from circuit_console.core.location import Location
from circuit_console.core.log_selection import Selection
from circuit_console.core.log_store import Appended, LogStore
from circuit_console.services.run_log import RunLog
from circuit_console.widgets.controls import IconLabel, label, set_role
from circuit_console.widgets.gauge import GaugeCard
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_log.limits import LimitName

_SIDE_PX = 12
_GAP_PX = 8
_CARD_ROW_PX = 60
_REFRESH_MS = 33


class GovernorPane(Pane):
    """A card for each limit that matters; below them, after a breach, which limit and which line.

    Cards move at most 30 times a second while the run goes on, and stand still while it is paused.
    """

    pane_id = "governor"
    title = "Governor"
    icon_name = "gauge"
    region = Region.INSPECTOR
    stretches = False
    preferred_height_px = 3 * _CARD_ROW_PX + 4

    def __init__(self, theme: Theme, run_log: RunLog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._run_log = run_log
        self._cards: dict[LimitName, GaugeCard] = {}
        self._words = label("", "faint")
        self._tools: list[QWidget] = [self._words]
        self._grid = QGridLayout()
        self._grid.setContentsMargins(_SIDE_PX, 0, _SIDE_PX, 0)
        self._grid.setSpacing(_GAP_PX)
        self._breach = self._make_breach()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, _GAP_PX)
        layout.setSpacing(_GAP_PX)
        layout.addLayout(self._grid)
        layout.addWidget(self._breach)
        layout.addStretch(1)
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(_REFRESH_MS)
        self._refresh.timeout.connect(self._on_refresh_due)
        run_log.run_began.connect(self._on_run_began)
        run_log.appended.connect(self._on_appended)
        run_log.run_ended.connect(self._on_run_ended)
        run_log.selection_changed.connect(self._on_selection_changed)
        self._show()

    def head_tools(self) -> list[QWidget]:
        return self._tools

    def card(self, name: LimitName) -> GaugeCard:
        """Raises: KeyError, there is no card for the limit now."""
        return self._cards[name]

    def breach_words(self) -> str:
        """What is said about a breach; "" without one."""
        return "" if self._breach.isHidden() else self._breach_text.text()

    def _make_breach(self) -> QWidget:
        box = QWidget(self)
        box.setObjectName("breach")
        self._breach_text = label("", "error")
        self._breach_text.setWordWrap(True)
        self._breach_advice = label("", "dim")
        self._breach_advice.setWordWrap(True)
        self._breach_line = QPushButton(box)
        set_role(self._breach_line, "link")
        self._breach_line.clicked.connect(self._on_breach_line_clicked)
        row = QHBoxLayout(box)
        row.setContentsMargins(_SIDE_PX + 4, 0, _SIDE_PX, 0)
        row.setSpacing(_GAP_PX)
        row.addWidget(IconLabel(self._theme, "octagon-x", "err"), 0, Qt.AlignmentFlag.AlignTop)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        first = QHBoxLayout()
        first.addWidget(self._breach_text, 1)
        first.addWidget(self._breach_line)
        texts.addLayout(first)
        texts.addWidget(self._breach_advice)
        row.addLayout(texts, 1)
        box.setVisible(False)
        return box

    # ------------------------------------------------------------------------------------------ showing

    def _show(self) -> None:
        store = self._run_log.store
        views = gauges(store.limits, self._run_log.previous_limits) or _unused()
        if tuple(view.name for view in views) != tuple(self._cards):
            self._lay_out(views)
        is_paused = store.paused_row is not None
        for view in views:
            card = self._cards[view.name]
            card.show_view(view)
            card.freeze(is_paused)
        self._words.setText(self._state_words(store))
        self._show_breach(store)

    def _lay_out(self, views: tuple[GaugeView, ...]) -> None:
        """Cards for these limits, in two columns; cards that stay are kept."""
        kept = {view.name: self._cards.pop(view.name, None) for view in views}
        for card in self._cards.values():
            self._grid.removeWidget(card)
            card.deleteLater()
        self._cards = {}
        for place, view in enumerate(views):
            card = kept[view.name] or self._make_card(view)
            self._cards[view.name] = card
            self._grid.addWidget(card, place // 2, place % 2)
        for column in (0, 1):
            self._grid.setColumnStretch(column, 1)

    def _make_card(self, view: GaugeView) -> GaugeCard:
        card = GaugeCard(self._theme, view, self)
        card.picked.connect(self._on_card_picked)
        return card

    def _state_words(self, store: LogStore) -> str:
        if not self._run_log.has_run:
            return "nothing has run"
        if store.is_finished:
            return "last run"
        return "paused" if store.paused_row is not None else "this transaction"

    def _show_breach(self, store: LogStore) -> None:
        """Also a breach of a measured limit, whose counter may stand just below its maximum."""
        result = self._run_log.result
        name = breached(store.limits)
        is_breach = name is not None or (result is not None and result.outcome == "limit")
        self._breach.setVisible(is_breach)
        if not is_breach:
            return
        error = result.error if result is not None else None
        if name is not None:
            used, maximum = store.limits[name]
            self._breach_text.setText(f"{title_of(name)}: {amount(name, used, maximum)}")
        elif error is not None:
            self._breach_text.setText(error.message)
        self._breach_advice.setText(advice_for(name) if name else "")
        self._breach_advice.setVisible(name is not None)
        location = self._breach_location()
        self._breach_line.setVisible(location is not None)
        if location is not None:
            self._breach_line.setText(f"{location.path.rpartition('/')[2]}:{location.line}")

    def _breach_location(self) -> Location | None:
        failure, result = self._run_log.store.failure, self._run_log.result
        if failure is not None and failure.path:
            return Location(failure.path, failure.line)
        if result is not None and result.error is not None and result.error.file:
            return Location(result.error.file, result.error.line)
        return None

    # ------------------------------------------------------------------------------------------ events

    @Slot(object)
    def _on_run_began(self, _store: LogStore) -> None:
        self._refresh.stop()
        self._show()

    @Slot(object)
    def _on_appended(self, appended: Appended) -> None:
        is_pause = self._run_log.store.paused_row is not None
        if is_pause or self._run_log.store.is_finished:
            self._show()
        elif appended.limits_changed and not self._refresh.isActive():
            self._refresh.start()

    @Slot(object)
    def _on_run_ended(self, _finished: hp.RunFinished) -> None:
        self._refresh.stop()
        self._show()

    @Slot()
    def _on_refresh_due(self) -> None:
        self._show()

    @Slot(object)
    def _on_selection_changed(self, _selection: Selection) -> None:
        marked = self._run_log.selected_counter()
        for name, card in self._cards.items():
            card.mark(name is marked)

    @Slot(object)
    def _on_card_picked(self, name: LimitName) -> None:
        """Go to the newest event that moved the counter."""
        row = self._run_log.store.last_row_of(name)
        if row is not None:
            self._run_log.select_row(row)

    @Slot()
    def _on_breach_line_clicked(self) -> None:
        location = self._breach_location()
        if location is not None:
            self._request_location(location)


def _unused() -> tuple[GaugeView, ...]:
    """Before the first run: the limits of the default profile, nothing used."""
    return gauges({name: (0, _DEFAULT_MAXIMA[name]) for name in CARDS}, {})


# Shown before a host has told its own; the circuit profile's.
_DEFAULT_MAXIMA = {
    LimitName.CALLOUTS: 50,
    LimitName.QUERIES: 100,
    LimitName.CPU_MS: 30_000,
    LimitName.HEAP_BYTES: 512 * 1024 * 1024,
    LimitName.DML_STATEMENTS: 150,
    LimitName.QUERY_ROWS: 50_000,
}
