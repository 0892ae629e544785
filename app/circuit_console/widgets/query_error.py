"""Why a query was refused: its line, a caret under the bad token, and a sentence."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from circuit_console.core.soql_text import QueryError
from circuit_console.widgets.controls import IconLabel, label
from circuit_console.widgets.theme import Theme
from circuit_console.widgets.token_line import TokenLine


class QueryErrorBox(QWidget):
    """Hidden until there is something to say."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caret = ""
        self.setAccessibleName("Error in the query")
        self.line = TokenLine(theme)
        self._sentence = label("", "error")
        self._sentence.setWordWrap(True)
        self._hint = label("", "dim")
        self._hint.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(0)
        for part in (self.line, self._sentence, self._hint):
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
        """The line that is shown and, below it, the caret; "" for none."""
        return "" if self.line.isHidden() else f"{self.line.text}\n{self._caret}"

    def show_error(self, error: QueryError, hint: str) -> None:
        self._caret = error.caret
        self.line.show_token(error.line_text, error.offset, error.length)
        self.say(error.sentence, hint)
        self.line.setVisible(bool(error.length))

    def say(self, sentence: str, hint: str) -> None:
        """A sentence about no place in the text."""
        self._sentence.setText(sentence)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.line.hide()
        self.show()
