"""What happens on the environments, line by line."""

from __future__ import annotations

import datetime as dt

from PySide6.QtCore import Slot
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.deployments import LogLine
from circuit_console.core.theme import ColorName
from circuit_console.services.environments import Environments
from circuit_console.widgets.controls import EmptyState, IconButton, set_ground
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_MOST_LINES = 5_000
_COLORS: dict[str, ColorName] = {"plain": "text", "ok": "ok", "error": "err", "warning": "warn"}


class DeployLogPane(Pane):
    """Appends the lines of `Environments`; the newest is in sight unless the user scrolled up."""

    pane_id = "deploy_log"
    title = "Deploy log"
    icon_name = "scroll-text"
    region = Region.BOTTOM

    def __init__(self, theme: Theme, environments: Environments, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._theme = theme
        self._lines: list[LogLine] = []
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setAccessibleName("Deploy log")
        self.text.setFont(theme.mono(12))
        self.text.document().setDocumentMargin(10)
        clear = IconButton(theme, "trash-2", "Clear the deploy log")
        clear.clicked.connect(self._on_clear_clicked)
        self._tools: list[QWidget] = [clear]
        self._stack = QStackedWidget(self)
        self._stack.addWidget(
            EmptyState(theme, "rocket", "Nothing has been deployed", "Each step appears here as it happens.")
        )
        self._stack.addWidget(self.text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        environments.line_added.connect(self._on_line_added)
        theme.changed.connect(self._on_theme_changed)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @Slot(object)
    def _on_line_added(self, line: LogLine) -> None:
        self._lines = [*self._lines[-_MOST_LINES + 1 :], line]
        self._stack.setCurrentIndex(1)
        self._write(line)

    def _write(self, line: LogLine) -> None:
        bar = self.text.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum()
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.text.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(f"{_clock(line.at)}  ", self._format("faint"))
        cursor.insertText(f"{line.environment}  ", self._format("dim"))
        cursor.insertText(line.text, self._format(_COLORS[line.tone]))
        if is_at_end:
            bar.setValue(bar.maximum())

    def _format(self, color: ColorName) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setForeground(self._theme.color(color))
        return made

    @Slot()
    def _on_clear_clicked(self) -> None:
        self._lines = []
        self.text.clear()
        self._stack.setCurrentIndex(0)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.text.clear()
        for line in self._lines:
            self._write(line)


def _clock(moment: dt.datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
