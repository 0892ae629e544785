"""Why a query was refused: its line, a caret under the bad token, and a sentence."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from circuit_console.core.soql_text import QueryError
from circuit_console.widgets.controls import IconLabel, label
from circuit_console.widgets.theme import Theme


class QueryErrorBox(QWidget):
    """Hidden until there is something to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Error in the query")
        self._line = label("")
        self._line.setFont(theme.mono(13))
        self._caret = label("", "error")
        self._caret.setFont(theme.mono(13, QFont.Weight.DemiBold))
        self._sentence = label("", "error")
        self._sentence.setWordWrap(True)
        self._hint = label("", "dim")
        self._hint.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(0)
        for part in (self._line, self._caret, self._sentence, self._hint):
            column.addWidget(part)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 14, 8)
        row.setSpacing(10)
        row.addWidget(IconLabel(theme, "circle-x", "err"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        self.hide()

    @property
    def words(self) -> str:
        """The sentence that is shown, "" for none."""
        return "" if self.isHidden() else self._sentence.text()

    @property
    def caret(self) -> str:
        """The line that is shown and, below it, the caret."""
        return "" if self._caret.isHidden() else f"{self._line.text()}\n{self._caret.text()}"

    def show_error(self, error: QueryError, hint: str) -> None:
        self._line.setText(error.line_text)
        self._caret.setText(error.caret)
        self.say(error.sentence, hint)
        for part in (self._line, self._caret):
            part.setVisible(bool(error.length))

    def say(self, sentence: str, hint: str) -> None:
        """A sentence about no place in the text."""
        self._sentence.setText(sentence)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._line.hide()
        self._caret.hide()
        self.show()
