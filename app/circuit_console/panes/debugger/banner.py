"""The banner over the inspector that says that the run is paused, why and where."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from circuit_console.core.debugging import StackFrame
from circuit_console.services.debug_session import DebugSession, DebugState
from circuit_console.widgets.controls import ElidedLabel, IconLabel, label, set_ground
from circuit_console.widgets.theme import Theme

_BANNER_PX = 48
_REASONS = {
    "step": "Paused on step",
    "breakpoint": "Paused on breakpoint",
    "function breakpoint": "Paused on function",
    "exception": "Paused on exception",
    "pause": "Paused",
    "entry": "Paused on entry",
    "goto": "Paused after the jump",
    "restart": "Paused where the call begins",
}


class PausedBanner(QWidget):
    """Visible while the debugger is paused."""

    def __init__(self, theme: Theme, debug: DebugSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._debug = debug
        set_ground(self, "paused_banner")
        self.setFixedHeight(_BANNER_PX)
        self._title = label("", "paused")
        self._place = ElidedLabel()
        self._place.setFont(theme.ui(12))
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addStretch(1)
        column.addWidget(self._title)
        column.addWidget(self._place)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(IconLabel(theme, "pause-filled", "paused", 18))
        row.addLayout(column, 1)
        self.hide()
        debug.state_changed.connect(self._on_state_changed)
        debug.frame_selected.connect(self._on_frame_selected)

    @property
    def text(self) -> str:
        return f"{self._title.text()}: {self._place.full_text()}"

    @Slot(object)
    def _on_state_changed(self, state: DebugState) -> None:
        if state is not DebugState.PAUSED:
            self.hide()

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        stop = self._debug.stop_reason
        if frame is None or stop is None:
            return
        self._title.setText("Looking back" if stop.is_recorded else _REASONS.get(stop.reason, "Paused"))
        parts = [frame.short_name, f"{frame.path.rpartition('/')[2]} line {frame.line}" if frame.path else ""]
        if stop.reason == "exception":
            # First, since it is what one wants to know, and the place stands in the editor too.
            parts.insert(0, stop.text or stop.description)
        elif stop.is_recorded:
            parts.append(stop.text)
        self._place.set_full_text(" · ".join(part for part in parts if part))
        self.setAccessibleName(self.text)
        self.show()
