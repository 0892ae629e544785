"""A question in the pane before something that others notice."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from circuit_console.widgets.controls import label, set_ground, set_role


class Confirmation(QWidget):
    """Says what will happen and what will not; the focus is on Cancel.

    For production the environment's name must be typed before the button can be pressed.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "raised")
        self._on_confirmed: Callable[[], None] = lambda: None
        self._wanted = ""
        self._title = label("", "title")
        self._text = label("", "dim")
        self._text.setWordWrap(True)
        self._typed = QLineEdit(self)
        self._typed.textChanged.connect(self._renew)
        self._confirm = QPushButton(self)
        self._confirm.clicked.connect(self._on_confirm_clicked)
        self._cancel = QPushButton("Cancel", self)
        self._cancel.clicked.connect(self.hide)
        self._confirm.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._typed, 1)
        row.addStretch(0)
        row.addWidget(self._cancel)
        row.addWidget(self._confirm)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addLayout(row)
        self.hide()

    def ask(self, title: str, text: str, button: str, must_type: str, on_confirmed: Callable[[], None]) -> None:
        """Show the question. `must_type` is a name to be typed first, "" for none."""
        self._on_confirmed = on_confirmed
        self._wanted = must_type
        self._title.setText(title)
        self._text.setText(text)
        self._confirm.setText(button)
        set_role(self._confirm, "danger" if must_type else "primary")
        self._typed.clear()
        self._typed.setVisible(bool(must_type))
        self._typed.setPlaceholderText(f"Type {must_type} to go on")
        self._typed.setAccessibleName(f"Type {must_type} to go on")
        self._renew()
        self.show()
        self._cancel.setFocus()

    def words(self) -> str:
        return "" if self.isHidden() else f"{self._title.text()} {self._text.text()}"

    def confirm(self) -> None:
        """As a click on the button."""
        self._confirm.click()

    @Slot()
    def _renew(self) -> None:
        self._confirm.setEnabled(self._typed.text().strip() == self._wanted)

    @Slot()
    def _on_confirm_clicked(self) -> None:
        self.hide()
        self._on_confirmed()
