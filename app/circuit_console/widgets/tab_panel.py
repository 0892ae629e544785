"""The bottom panel: panes as tabs, the visible pane's tools at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from circuit_console.widgets.controls import IconButton, divider, set_ground
from circuit_console.widgets.pane import Pane
from circuit_console.widgets.theme import Theme

_HEAD_PX = 35
_FOLD_PX = 46


class TabPanel(QWidget):
    """Signals:
    pane_shown: str, id of the pane that is on top now.
    fold_requested: None, by the arrow at the right.
    """

    pane_shown = Signal(str)
    fold_requested = Signal()

    def __init__(self, theme: Theme, panes: Sequence[Pane], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._panes: list[Pane] = []
        self._tabs = QTabBar(self)
        self._tabs.setObjectName("panelTabs")
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        self._tabs.setAccessibleName("Bottom panel")
        self._stack = QStackedWidget(self)
        self._tools = QStackedWidget(self)
        for pane in panes:
            self.add(pane)
        fold = IconButton(theme, "chevron-down", "Hide the panel (Ctrl+J)")
        fold.clicked.connect(self.fold_requested)
        head = QWidget(self)
        head.setFixedHeight(_HEAD_PX)
        row = QHBoxLayout(head)
        row.setContentsMargins(2, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self._tabs)
        row.addStretch(1)
        row.addWidget(self._tools)
        row.addWidget(fold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(divider())
        layout.addWidget(self._stack, 1)
        self._tabs.currentChanged.connect(self._on_current_changed)

    def add(self, pane: Pane) -> None:
        """One more tab at the end."""
        place = len(self._panes)
        self._panes.append(pane)
        self._stack.addWidget(pane)
        self._tools.addWidget(_tool_row(pane))
        self._tabs.addTab(pane.title)
        self._fit_tabs()
        pane.badge_changed.connect(lambda text: self._on_badge_changed(place, text))

    def show_pane(self, pane_id: str) -> None:
        for idx, pane in enumerate(self._panes):
            if pane.pane_id == pane_id:
                self._tabs.setCurrentIndex(idx)

    def shown_pane(self) -> str:
        idx = self._tabs.currentIndex()
        return self._panes[idx].pane_id if 0 <= idx < len(self._panes) else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_tabs()

    def _fit_tabs(self) -> None:
        """The tabs come before what explains the colours: only what must be kept free is not theirs."""
        free_px = self.width() - self._tools.minimumSizeHint().width() - _FOLD_PX
        self._tabs.setMinimumWidth(max(0, min(self._tabs.sizeHint().width(), free_px)))

    def _on_badge_changed(self, place: int, text: str) -> None:
        title = self._panes[place].title
        self._tabs.setTabText(place, f"{title}  {text}" if text else title)
        self._fit_tabs()

    @Slot(int)
    def _on_current_changed(self, idx: int) -> None:
        self._stack.setCurrentIndex(idx)
        self._tools.setCurrentIndex(idx)
        self.pane_shown.emit(self._panes[idx].pane_id)


def _tool_row(pane: Pane) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    layout.addStretch(1)
    for tool in pane.head_tools():
        layout.addWidget(tool)
    return row
