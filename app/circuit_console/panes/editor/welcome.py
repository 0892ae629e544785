"""What the editor group shows while no file is open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from circuit_console.widgets.controls import IconLabel, label, set_ground
from circuit_console.widgets.theme import Theme

_KEYS = (
    ("F5", "Run or debug the chosen configuration"),
    ("F9", "Set a breakpoint on this line"),
    ("Ctrl+P", "Go to a file"),
    ("Ctrl+Shift+P", "All commands"),
    ("Ctrl+; then A", "Run all tests"),
)
_MOST_FILES = 6
_BLOCK_PX = 420


class Welcome(QWidget):
    """Signals:
    file_chosen: str, path.
    """

    file_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_ground(self, "editor")
        self._title = label("", "title")
        self._title.setFont(theme.ui(20))
        self._files = QVBoxLayout()
        self._files.setSpacing(2)
        block = QWidget(self)
        block.setFixedWidth(_BLOCK_PX)
        column = QVBoxLayout(block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(IconLabel(theme, "circuit-board", "accent", 40))
        column.addWidget(self._title)
        column.addWidget(label("Open a file, set a breakpoint beside a line, and press F5.", "dim"))
        column.addSpacing(10)
        column.addWidget(self._caps("START WITH"))
        column.addLayout(self._files)
        column.addSpacing(10)
        column.addWidget(self._caps("KEYS"))
        column.addLayout(self._key_table())
        content = QWidget()
        holder = QVBoxLayout(content)
        holder.addStretch(1)
        holder.addWidget(block, 0, Qt.AlignmentFlag.AlignHCenter)
        holder.addStretch(2)
        set_ground(content, "editor")
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def show_project(self, name: str, files: Sequence[str]) -> None:
        self._title.setText(name)
        while (item := self._files.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for path in files[:_MOST_FILES]:
            button = QPushButton(path)
            button.setProperty("role", "link")
            button.clicked.connect(lambda _checked=False, wanted=path: self.file_chosen.emit(wanted))
            self._files.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _caps(self, text: str) -> QWidget:
        head = label(text, "caps")
        head.setFont(self._theme.caps())
        return head

    def _key_table(self) -> QGridLayout:
        table = QGridLayout()
        table.setHorizontalSpacing(14)
        table.setVerticalSpacing(6)
        for row, (key, text) in enumerate(_KEYS):
            table.addWidget(label(key, "key"), row, 0, Qt.AlignmentFlag.AlignLeft)
            table.addWidget(label(text, "dim"), row, 1)
        table.setColumnStretch(1, 1)
        return table
