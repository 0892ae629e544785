"""The differences of two texts to be read: a sign and a ground for each line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from circuit_console.core.text_diff import DiffLine
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_READING = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
_LOOKS: dict[str, tuple[str, ColorName, ColorName | None]] = {
    "same": (" ", "dim", None),
    "removed": ("-", "err", "err_soft"),
    "added": ("+", "ok", "ok_soft"),
    "gap": ("…", "faint", None),
}


class DiffView(QPlainTextEdit):
    """Read only; the caret walks it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: tuple[DiffLine, ...] = ()
        self.setReadOnly(True)
        self.setTextInteractionFlags(_READING)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setAccessibleName("Differences")
        self.setFont(theme.mono(13))
        self.document().setDocumentMargin(10)
        theme.changed.connect(self._on_theme_changed)

    def show_differences(self, lines: Sequence[DiffLine]) -> None:
        """With a sentence where there are none."""
        self._lines = tuple(lines) or (DiffLine("gap", 0, "The two texts are alike."),)
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        for place, line in enumerate(self._lines):
            sign, token, ground = _LOOKS[line.kind]
            block, look = QTextBlockFormat(), QTextCharFormat()
            if ground is not None:
                block.setBackground(self._theme.color(ground))
            look.setForeground(self._theme.color(token))
            if place:
                cursor.insertBlock()
            cursor.setBlockFormat(block)
            cursor.insertText(f"{line.line or '':>5} {sign} {line.text}", look)
        cursor.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.Start)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        if self._lines:
            self.show_differences(self._lines)
