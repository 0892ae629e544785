"""A field for SOQL: coloured words, and a wave under the token that was refused."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QSyntaxHighlighter, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from circuit_console.core.soql_text import QueryError, TokenKind, tokens
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_COLORS: dict[TokenKind, ColorName] = {
    "keyword": "s_kw",
    "function": "s_fn",
    "text": "s_str",
    "number": "s_num",
    "bind": "s_builtin",
    "comment": "s_com",
}


class _Highlighter(QSyntaxHighlighter):
    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme = theme

    def highlightBlock(self, text: str) -> None:
        for token in tokens(text):
            start, end = (_utf16(text, place) for place in (token.start, token.start + token.length))
            self.setFormat(start, end - start, self._theme.color(_COLORS[token.kind]))


class SoqlEdit(QPlainTextEdit):
    """Ctrl+Enter runs; Tab leaves the field, since a query needs no tabs.

    Signals:
        run_wanted: None.
    """

    run_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._highlighter = _Highlighter(theme, self.document())
        self.setObjectName("soql")
        self.setAccessibleName("Query")
        self.setTabChangesFocus(True)
        self.setFont(theme.mono(13))
        self.document().setDocumentMargin(10)
        theme.changed.connect(self._on_theme_changed)

    def wanted(self) -> tuple[str, int]:
        """The selection if there is one, else all of it, without space around; and where it begins."""
        cursor, text = self.textCursor(), self.toPlainText()
        chosen, before = cursor.selectedText().replace("\u2029", "\n"), 0
        if chosen.strip():
            cursor.setPosition(cursor.selectionStart())
            cursor.setPosition(0, QTextCursor.MoveMode.KeepAnchor)
            text, before = chosen, len(cursor.selectedText())
        return text.strip(), before + len(text) - len(text.lstrip())

    def mark_error(self, error: QueryError) -> None:
        """Underline the bad token and put the caret before it."""
        if not error.length:
            return
        text = self.toPlainText()
        cursor = QTextCursor(self.document())
        end = _utf16(text, error.start + error.length)
        cursor.setPosition(min(_utf16(text, error.start), end))
        self.setTextCursor(cursor)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        wave = QTextCharFormat()
        wave.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        wave.setUnderlineColor(self._theme.color("err"))
        wave.setBackground(self._theme.color("err_soft"))
        selection = QTextEdit.ExtraSelection()
        selection.cursor = cursor
        selection.format = wave
        self.setExtraSelections([selection])

    def clear_error(self) -> None:
        self.setExtraSelections([])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_return and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.run_wanted.emit()
        else:
            super().keyPressEvent(event)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._highlighter.rehighlight()


def _utf16(text: str, characters: int) -> int:
    """How Qt counts the first characters of a text."""
    return len(text[:characters].encode("utf-16-le")) // 2
