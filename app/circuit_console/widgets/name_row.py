"""A row that asks for a name where it is needed, without a dialog."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from circuit_console.widgets.controls import label, set_ground, set_role


class NameRow(QWidget):
    """Hidden until `ask`. Enter names, Esc gives up.

    Signals:
        named: str, never empty.
    """

    named = Signal(str)

    def __init__(self, question: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "raised")
        self.field = QLineEdit(self)
        self.field.setAccessibleName(question)
        self.field.setMaxLength(80)
        self.field.returnPressed.connect(self._on_entered)
        self.field.textChanged.connect(self._on_text_changed)
        self._accept = QPushButton("Save", self)
        self._accept.clicked.connect(self._on_entered)
        give_up = QPushButton("Cancel", self)
        set_role(give_up, "quiet")
        give_up.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 10, 6)
        row.setSpacing(8)
        row.addWidget(label(question, "dim"))
        row.addWidget(self.field, 1)
        row.addWidget(self._accept)
        row.addWidget(give_up)
        self.hide()

    def ask(self, suggestion: str) -> None:
        self.field.setText(suggestion)
        self.field.selectAll()
        self.show()
        self.field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_entered(self) -> None:
        name = self.field.text().strip()
        if name:
            self.hide()
            self.named.emit(name)

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        self._accept.setEnabled(bool(text.strip()))
