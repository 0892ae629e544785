"""What the query pane shows before anything was run: how to begin, saved queries and the last ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from circuit_console.core.query_book import one_line
from circuit_console.widgets.controls import EmptyState, label, set_role
from circuit_console.widgets.theme import Theme

_MOST_SHOWN = 6
_LONGEST_CHARACTERS = 48


class QueryStart(QWidget):
    """A sentence, and below it the queries that can be taken with a click or Enter.

    Signals:
        chosen: str, the text of a query.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queries = QWidget(self)
        self._columns = QHBoxLayout(self._queries)
        self._columns.setContentsMargins(24, 0, 24, 16)
        self._columns.setSpacing(32)
        self._columns.addStretch(1)
        self._shown: tuple[tuple[tuple[str, str], ...], ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(
            EmptyState(
                theme,
                "database",
                "Run the query with Ctrl+Enter",
                "Rows appear here. Cells of the queried object can be edited when id is selected.",
            ),
            1,
        )
        layout.addWidget(self._queries)

    def buttons(self) -> list[QPushButton]:
        """Saved queries by name, then the last ones, newest first."""
        return self._queries.findChildren(QPushButton)

    def show_queries(self, saved: Mapping[str, str], recent: Sequence[str]) -> None:
        wanted = (
            tuple(sorted(saved.items())[:_MOST_SHOWN]),
            tuple((one_line(text, _LONGEST_CHARACTERS), text) for text in recent[:_MOST_SHOWN]),
        )
        if wanted == self._shown:
            return
        self._shown = wanted
        while (item := self._columns.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        self._columns.addStretch(1)
        for title, entries in zip(("SAVED", "RECENT"), wanted, strict=True):
            if entries:
                self._columns.addWidget(self._column(title, entries), 0, Qt.AlignmentFlag.AlignTop)
        self._columns.addStretch(1)

    def _column(self, title: str, entries: Sequence[tuple[str, str]]) -> QWidget:
        column = QWidget(self._queries)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(label(title, "caps"))
        for shown, text in entries:
            button = QPushButton(shown, column)
            button.setToolTip(text)
            button.setProperty("query", text)
            set_role(button, "link")
            button.clicked.connect(self._on_clicked)
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return column

    @Slot()
    def _on_clicked(self) -> None:
        sender = self.sender()
        assert isinstance(sender, QPushButton)
        self.chosen.emit(sender.property("query"))
