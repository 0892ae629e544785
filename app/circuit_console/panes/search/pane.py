"""Find in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QTimer, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QTreeView, QVBoxLayout, QWidget

from circuit_console.core.location import Location
from circuit_console.core.text_search import Hit, SearchQuery, search_files
from circuit_console.services.tasks import Tasks
from circuit_console.widgets.controls import IconButton, SearchField, label, set_role
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_DELAY_MS = 200
_HIT_ROLE = int(Qt.ItemDataRole.UserRole)


class SearchPane(Pane):
    """Searches while it is typed; Enter or a click on a line opens it."""

    pane_id = "search"
    title = "Search"
    icon_name = "search"
    region = Region.SIDE

    def __init__(
        self,
        theme: Theme,
        project_root: Path,
        files: Callable[[], tuple[str, ...]],
        tasks: Tasks,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._root = project_root
        self._files = files
        self._tasks = tasks
        self._asked = SearchQuery(text="")
        self._field = SearchField(theme, "Find in files", self)
        self._options = {
            "match_case": self._option("case-sensitive", "Match case"),
            "whole_word": self._option("whole-word", "Whole word"),
            "is_pattern": self._option("regex", "Regular expression"),
        }
        self._state = label("", "dim")
        self._state.setWordWrap(True)
        self._model = QStandardItemModel(self)
        self._view = QTreeView(self)
        self._view.setModel(self._model)
        self._view.setHeaderHidden(True)
        self._view.setIndentation(12)
        self._view.setUniformRowHeights(True)
        self._view.setAccessibleName("Search results")
        self._view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._view.clicked.connect(self._on_chosen)
        self._view.activated.connect(self._on_chosen)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_DELAY_MS)
        self._delay.timeout.connect(self._search)
        self._field.textChanged.connect(lambda _text: self._delay.start())
        self._field.returnPressed.connect(self._search)
        self._lay_out()

    def begin(self, text: str) -> None:
        """Focus the field, with a text to look for where there is one."""
        if text and "\n" not in text:
            self._field.setText(text)
        self._field.setFocus()
        self._field.selectAll()

    def hits(self) -> int:
        return sum(self._model.item(row).rowCount() for row in range(self._model.rowCount()))

    @Slot()
    def _search(self) -> None:
        self._delay.stop()
        query = SearchQuery(
            text=self._field.text(), **{name: option.isChecked() for name, option in self._options.items()}
        )
        self._asked = query
        if not query.text:
            self._model.clear()
            self._state.setText("")
            return
        root, files = self._root, self._files()
        self._tasks.run(
            lambda: search_files(root, files, query), lambda hits: self._on_found(query, hits), self._on_refused
        )

    def _on_found(self, query: SearchQuery, hits: tuple[Hit, ...]) -> None:
        if query is not self._asked:
            return
        self._model.clear()
        by_path: dict[str, QStandardItem] = {}
        for hit in hits:
            if hit.path not in by_path:
                head = QStandardItem(hit.path)
                head.setForeground(self._theme.color("dim"))
                by_path[hit.path] = head
                self._model.appendRow(head)
            row = QStandardItem(f"{hit.line}:  {hit.text}")
            row.setFont(self._theme.mono(12))
            row.setData(hit, _HIT_ROLE)
            by_path[hit.path].appendRow(row)
        self._view.expandAll()
        set_role(self._state, "dim")
        files = f"{len(by_path)} file{'' if len(by_path) == 1 else 's'}"
        self._state.setText(
            f"{len(hits)} line{'' if len(hits) == 1 else 's'} in {files}" if hits else "No matches"
        )

    def _on_refused(self, error: BaseException) -> None:
        if not isinstance(error, UserFacingError):
            raise error
        set_role(self._state, "error")
        self._state.setText(error.message)

    @Slot(QModelIndex)
    def _on_chosen(self, index: QModelIndex) -> None:
        hit = index.data(_HIT_ROLE)
        if isinstance(hit, Hit):
            self._request_location(Location(hit.path, hit.line, hit.column))

    def _option(self, icon_name: str, tooltip: str) -> IconButton:
        option = IconButton(self._theme, icon_name, tooltip, "dim", 15, self)
        option.setCheckable(True)
        option.toggled.connect(lambda _checked: self._search())
        return option

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(4)
        head = QVBoxLayout()
        head.setContentsMargins(12, 0, 10, 0)
        head.setSpacing(2)
        head.addWidget(self._field)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self._state, 1)
        for option in self._options.values():
            row.addWidget(option)
        head.addLayout(row)
        layout.addLayout(head)
        layout.addWidget(self._view, 1)
