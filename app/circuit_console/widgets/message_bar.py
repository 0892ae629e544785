"""A bar over a pane's content: one sentence and what can be done about it, without a dialog."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import ElidedLabel, IconLabel, set_ground
from circuit_console.widgets.theme import Theme

_BAR_PX = 34


class MessageBar(QWidget):
    """Hidden until `show_message`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "paused_banner")
        self.setFixedHeight(_BAR_PX)
        self._icon = IconLabel(theme, "info", "accent", 15)
        self._text = ElidedLabel()
        self._buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 0, 8, 0)
        self._row.setSpacing(8)
        self._row.addWidget(self._icon)
        self._row.addWidget(self._text, 1)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.full_text()

    def show_message(
        self,
        icon_name: str,
        token: ColorName,
        text: str,
        actions: Sequence[tuple[str, Callable[[], None]]] = (),
    ) -> None:
        self._icon.set_icon(icon_name, token)
        self._text.set_full_text(text)
        for button in self._buttons:
            button.deleteLater()
        self._buttons = [self._make(title, action) for title, action in actions]
        self.show()

    def focus_first(self) -> None:
        """Let the keyboard act on what the bar asks."""
        if self._buttons:
            self._buttons[0].setFocus()

    def _make(self, title: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(title, self)
        button.setProperty("role", "link")
        button.clicked.connect(self.hide)
        button.clicked.connect(lambda _checked=False: action())
        self._row.addWidget(button)
        return button
