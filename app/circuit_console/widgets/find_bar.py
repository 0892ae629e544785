"""Find and replace, over the editor's upper right corner."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QWidget

from circuit_console.widgets.code_editor.editor import CodeEditor
from circuit_console.widgets.code_editor.finder import FindQuery, FindState
from circuit_console.widgets.controls import IconButton, label, set_role
from circuit_console.widgets.theme import Theme

_WIDTH_PX = 420


class FindBar(QWidget):
    """Searches in one editor. Enter and Shift+Enter walk, Escape closes.

    Signals:
        closed: None.
    """

    closed = Signal()

    def __init__(self, theme: Theme, editor: CodeEditor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self.setObjectName("findBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDTH_PX)
        self._find = QLineEdit(self)
        self._find.setPlaceholderText("Find")
        self._find.setAccessibleName("Find")
        self._replace = QLineEdit(self)
        self._replace.setPlaceholderText("Replace with")
        self._replace.setAccessibleName("Replace with")
        self._count = label("", "dim")
        self._count.setFixedWidth(74)
        self._case = _option(theme, "case-sensitive", "Match case", self)
        self._word = _option(theme, "whole-word", "Whole word", self)
        self._pattern = _option(theme, "regex", "Regular expression", self)
        self._replace_row = QWidget(self)
        self._lay_out(theme)
        self._find.textChanged.connect(self._on_query_changed)
        for option in (self._case, self._word, self._pattern):
            option.toggled.connect(self._on_query_changed)

    def open(self, *, with_replace: bool) -> None:
        """Show, with the selected text as what to find where it is on one line."""
        selected = self._editor.selected_text()
        if selected and "\n" not in selected:
            self._find.setText(selected)
        self._replace_row.setVisible(with_replace)
        self.adjustSize()
        self.show()
        self.raise_()
        self._find.setFocus()
        self._find.selectAll()
        self._show(self._editor.finder.mark(self._query()))

    def close_bar(self) -> None:
        self.hide()
        self._editor.finder.clear()
        self._editor.setFocus()
        self.closed.emit()

    def find_next(self) -> None:
        self._show(self._editor.finder.select_next(self._query()))

    def find_previous(self) -> None:
        self._show(self._editor.finder.select_previous(self._query()))

    def replace_one(self) -> None:
        self._show(self._editor.finder.replace_selected(self._query(), self._replace.text()))

    def replace_all(self) -> None:
        count = self._editor.finder.replace_all(self._query(), self._replace.text())
        self._count.setText(f"{count} replaced")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_enter(is_back=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)

    def _on_enter(self, *, is_back: bool) -> None:
        if self._replace.hasFocus():
            self.replace_one()
        elif is_back:
            self.find_previous()
        else:
            self.find_next()

    @Slot()
    def _on_query_changed(self) -> None:
        self._show(self._editor.finder.select_from_caret(self._query()))

    def _query(self) -> FindQuery:
        return FindQuery(
            text=self._find.text(),
            match_case=self._case.isChecked(),
            whole_word=self._word.isChecked(),
            is_pattern=self._pattern.isChecked(),
        )

    def _show(self, state: FindState) -> None:
        if not self._find.text():
            self._count.setText("")
        elif state.count == 0:
            self._count.setText("No matches")
        else:
            self._count.setText(f"{state.current} of {state.count}" if state.current else str(state.count))
        set_role(self._count, "error" if self._find.text() and not state.count else "dim")

    def _lay_out(self, theme: Theme) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 6, 6)
        grid.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(1)
        for option in (self._case, self._word, self._pattern):
            row.addWidget(option)
        row.addWidget(self._count)
        for icon_name, tooltip, action in (
            ("chevron-up", "Previous (Shift+Enter)", self.find_previous),
            ("chevron-down", "Next (Enter)", self.find_next),
            ("x", "Close (Escape)", self.close_bar),
        ):
            button = IconButton(theme, icon_name, tooltip, "dim", 14, self)
            button.clicked.connect(action)
            row.addWidget(button)
        grid.addWidget(self._find, 0, 0)
        grid.addLayout(row, 0, 1)
        replace_row = QHBoxLayout(self._replace_row)
        replace_row.setContentsMargins(0, 0, 0, 0)
        replace_row.setSpacing(1)
        replace_row.addWidget(self._replace, 1)
        for icon_name, tooltip, action in (
            ("replace", "Replace (Enter)", self.replace_one),
            ("replace-all", "Replace all", self.replace_all),
        ):
            button = IconButton(theme, icon_name, tooltip, "dim", 14, self)
            button.clicked.connect(action)
            replace_row.addWidget(button)
        grid.addWidget(self._replace_row, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)


def _option(theme: Theme, icon_name: str, tooltip: str, parent: QWidget) -> IconButton:
    option = IconButton(theme, icon_name, tooltip, "dim", 14, parent)
    option.setCheckable(True)
    return option
