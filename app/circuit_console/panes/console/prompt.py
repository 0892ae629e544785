"""The field below the console's output: lines, their history, and names that could follow."""

from __future__ import annotations

import re

from PySide6.QtCore import QSize, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QCompleter, QListView, QPlainTextEdit, QWidget

_MOST_HISTORY = 200
_MOST_INPUT_LINES = 6
_LIST_PX = 260
_WORD = re.compile(r"\w*$")


class Prompt(QPlainTextEdit):
    """Enter sends where it is ready; what is typed before waits. Shift+Enter adds a line, Up and Down walk the
    history, Tab asks for names.

    Signals:
        entered: str, by Enter.
        names_wanted: str, the text before the caret.
    """

    entered = Signal(str)
    names_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history: list[str] = []
        self.offers_names = False
        self.is_ready = True
        self._place = 0
        self._hint = ""
        self._names = QStringListModel(self)
        self._completer = QCompleter(self._names, self)
        self._list = QListView(self)
        self._completer.setPopup(self._list)
        self._completer.setWidget(self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.activated.connect(self._on_name_chosen)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.textChanged.connect(self.fit)

    def set_hint(self, text: str) -> None:
        """What stands in the empty field, on one line however narrow it is."""
        self._hint = text
        self.setToolTip(text)
        self._show_hint()

    def set_history(self, history: list[str]) -> None:
        self.history = history
        self._place = len(history)

    def offer(self, names: tuple[str, ...]) -> None:
        """Put the only name in; let the user choose where there are several."""
        word = self._word()
        fitting = [name for name in names if name.lower().startswith(word.lower())]
        if len(fitting) == 1:
            self._on_name_chosen(fitting[0])
        elif fitting:
            self._names.setStringList(fitting)
            self._completer.setCompletionPrefix(word)
            place = self.cursorRect()
            place.setWidth(_LIST_PX)
            self._completer.complete(place)

    def offered(self) -> tuple[str, ...]:
        """The names that are open to be chosen."""
        return tuple(self._names.stringList()) if self._list.isVisible() else ()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_hint()

    def _show_hint(self) -> None:
        room_px = self.viewport().width() - 2 * round(self.document().documentMargin())
        shown = self.fontMetrics().elidedText(self._hint, Qt.TextElideMode.ElideRight, max(0, room_px))
        self.setPlaceholderText(shown)

    def sizeHint(self) -> QSize:
        return QSize(200, self._wanted_px())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if self._list.isVisible() and self._belongs_to_list(event):
            event.ignore()  # The list's own event filter takes it.
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and is_plain:
            self._enter()
        elif event.key() == Qt.Key.Key_Up and is_plain and self.textCursor().blockNumber() == 0:
            self._walk(-1)
        elif event.key() == Qt.Key.Key_Down and is_plain and self._is_on_last_line():
            self._walk(1)
        elif self._asks_for_names(event):
            self.names_wanted.emit(self._before_caret())
        elif event.key() == Qt.Key.Key_Tab and is_plain and self.toPlainText().strip():
            self.insertPlainText("    ")
        else:
            super().keyPressEvent(event)
            self._list.hide()

    def _belongs_to_list(self, event: QKeyEvent) -> bool:
        return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Escape)

    def _asks_for_names(self, event: QKeyEvent) -> bool:
        """Tab behind a name or a dot, and Ctrl+Space anywhere."""
        if not self.offers_names:
            return False
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            return True
        before = self._before_caret()
        return event.key() == Qt.Key.Key_Tab and bool(before) and (before[-1] in "._" or before[-1].isalnum())

    def _before_caret(self) -> str:
        return self.toPlainText()[: self.textCursor().position()]

    def _word(self) -> str:
        found = _WORD.search(self._before_caret())
        return found[0] if found else ""

    @Slot(str)
    def _on_name_chosen(self, name: str) -> None:
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, len(self._word()))
        cursor.insertText(name)
        self.setTextCursor(cursor)

    def _enter(self) -> None:
        text = self.toPlainText()
        if not self.is_ready or not text.strip():
            return
        if not self.history or self.history[-1] != text:
            self.history = [*self.history, text][-_MOST_HISTORY:]
        self._place = len(self.history)
        self.clear()
        self.entered.emit(text)

    def _walk(self, step: int) -> None:
        place = self._place + step
        if 0 <= place <= len(self.history):
            self._place = place
            self.setPlainText(self.history[place] if place < len(self.history) else "")
            self.moveCursor(QTextCursor.MoveOperation.End)

    def _is_on_last_line(self) -> bool:
        return self.textCursor().blockNumber() == self.blockCount() - 1

    def _wanted_px(self) -> int:
        lines = min(self.blockCount(), _MOST_INPUT_LINES)
        return QFontMetrics(self.font()).lineSpacing() * lines + 12

    @Slot()
    def fit(self) -> None:
        self.setFixedHeight(self._wanted_px())
