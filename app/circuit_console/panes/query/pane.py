"""Queries: a field for SOQL, the rows in a grid that can be edited, and what they cost."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QFont, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

import circuit_link.host_protocol as hp
from circuit_console.core.quantities import counted
from circuit_console.core.query_result import QueryHistory, cost_words, grid_of
from circuit_console.core.soql_text import locate
from circuit_console.models.query_grid import EDITED_ROLE, QueryGrid
from circuit_console.services.host_link import HostLink
from circuit_console.widgets.controls import (
    EmptyState,
    IconButton,
    IconLabel,
    ProgressLine,
    divider,
    label,
    set_ground,
    set_role,
)
from circuit_console.widgets.edited_cells import EditedCells
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.soql_edit import SoqlEdit
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

SAMPLE = (
    "SELECT id, last_name, email, mailing_postal_code, created_at\nFROM Contact\nORDER BY last_name\nLIMIT 200"
)
_EDITOR_PX = 150
_GRID_PX = 400
_WIDEST_COLUMN_PX = 320
_SAMPLED_ROWS = 50
_ROW_PX = 24


class QueryPane(Pane):
    """Runs SOQL and SOSL on the project's local data; edited cells are saved through the order of execution."""

    pane_id = "query"
    title = "Query"
    icon_name = "database"
    region = Region.CENTRE

    def __init__(self, theme: Theme, host: HostLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._theme = theme
        self._host = host
        self._objects: dict[str, hp.ObjectDescription] = {}
        self._running_text = ""
        self._save_request = 0
        self.history = QueryHistory()
        self.editor = SoqlEdit(theme)
        self.editor.setPlainText(SAMPLE)
        self.editor.run_wanted.connect(self.run)
        self.model = QueryGrid(theme, self)
        self.model.edits_changed.connect(self._on_edits_changed)
        self.model.edit_refused.connect(self._on_edit_refused)
        self.grid = self._make_grid()
        self._progress = ProgressLine(theme)
        self._error = self._make_error()
        self._build()
        host.project_described.connect(self._on_project_described)
        host.run_finished.connect(self._on_run_finished)
        QShortcut(QKeySequence.StandardKey.Undo, self.grid, self.undo, context=Qt.ShortcutContext.WidgetShortcut)

    # ------------------------------------------------------------------------------------------ actions

    @Slot()
    def run(self) -> None:
        """Run the selected text, or all of it. Edits that were not saved are given up with the old rows."""
        text = self.editor.wanted_text()
        if not text or self._running_text:
            return
        self._running_text = text
        self.editor.clear_error()
        self._error.hide()
        self._run_button.setEnabled(False)
        self._cost.setText("Running…")
        self._progress.begin()
        self._host.ask(lambda number: hp.RunQuery(request=number, text=text), self._on_answered, self._on_refused)

    @Slot()
    def save(self) -> None:
        """Save the edited cells, all or none."""
        records = self.model.grid.changed_records()
        if not records or self._save_request:
            return
        object_name = self.model.grid.object_name
        self._set_saving(True)
        self._save_request = self._host.ask(
            lambda number: hp.SaveRecords(request=number, object_name=object_name, records=records),
            None,
            self._on_save_refused,
        )

    @Slot()
    def undo(self) -> None:
        index = self.model.undo()
        if index.isValid():
            self.grid.setCurrentIndex(index)

    def show_query(self, text: str) -> None:
        """Put a text into the field, which undo can bring back."""
        cursor = self.editor.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.insertText(text)
        self.editor.setFocus()

    def error_words(self) -> str:
        """What is said about the query that was refused; "" for none."""
        return "" if self._error.isHidden() else self._error_text.text()

    def cost_words(self) -> str:
        return self._cost.text()

    # ------------------------------------------------------------------------------------------ building

    def _build(self) -> None:
        empty = EmptyState(
            self._theme,
            "database",
            "Run the query with Ctrl+Enter",
            "Rows appear here. Cells of the queried object can be edited when id is selected.",
        )
        self._results = QStackedWidget(self)
        self._results.addWidget(empty)
        self._results.addWidget(self.grid)
        self._results.addWidget(EmptyState(self._theme, "table-2", "No rows", "Nothing fits this query."))
        below = QWidget(self)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._error)
        column.addWidget(self._results, 1)
        column.addWidget(divider())
        column.addWidget(self._make_foot())
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.setHandleWidth(1)
        splitter.addWidget(self.editor)
        splitter.addWidget(below)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_EDITOR_PX, _GRID_PX])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_head())
        layout.addWidget(self._progress)
        layout.addWidget(divider())
        layout.addWidget(splitter, 1)

    def _make_head(self) -> QWidget:
        head = QWidget(self)
        head.setFixedHeight(44)
        self._run_button = QPushButton("Run", head)
        self._run_button.setIcon(self._theme.icon("play", "on_accent"))
        set_role(self._run_button, "primary")
        self._run_button.clicked.connect(self.run)
        self._history_button = IconButton(self._theme, "history", "Queries that were run")
        self._history_button.clicked.connect(self._on_history_wanted)
        row = QHBoxLayout(head)
        row.setContentsMargins(14, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel(self._theme, "database", "c_query"))
        row.addWidget(label("Query", "title"))
        row.addWidget(label("SOQL or SOSL, read only, on the local data", "faint"))
        row.addStretch(1)
        row.addWidget(label("Ctrl+Enter", "key"), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._history_button)
        row.addWidget(self._run_button)
        return head

    def _make_grid(self) -> QTableView:
        grid = QTableView(self)
        grid.setModel(self.model)
        grid.setAccessibleName("Rows of the query")
        grid.setShowGrid(False)
        grid.setWordWrap(False)
        grid.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        grid.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        grid.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        grid.setItemDelegate(EditedCells(self._theme, EDITED_ROLE, grid))
        rows = grid.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW_PX)
        columns = grid.horizontalHeader()
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setFixedHeight(40)
        columns.setHighlightSections(False)
        return grid

    def _make_error(self) -> QWidget:
        box = QWidget(self)
        box.setAccessibleName("Error in the query")
        self._error_text = label("", "error")
        self._error_text.setWordWrap(True)
        self._error_hint = label("", "dim")
        self._error_line = label("")
        self._error_line.setFont(self._theme.mono(13))
        self._error_caret = label("", "error")
        self._error_caret.setFont(self._theme.mono(13, QFont.Weight.DemiBold))
        column = QVBoxLayout()
        column.setSpacing(0)
        for part in (self._error_line, self._error_caret, self._error_text, self._error_hint):
            column.addWidget(part)
        row = QHBoxLayout(box)
        row.setContentsMargins(14, 8, 14, 8)
        row.setSpacing(10)
        row.addWidget(IconLabel(self._theme, "circle-x", "err"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        box.hide()
        return box

    def _make_foot(self) -> QWidget:
        foot = QWidget(self)
        foot.setFixedHeight(40)
        self._cost = label("", "dim")
        self._changes = label("", "warn")
        self._undo_button = QPushButton("Undo", foot)
        set_role(self._undo_button, "quiet")
        self._undo_button.clicked.connect(self.undo)
        self._save_button = QPushButton("Save", foot)
        self._save_button.clicked.connect(self.save)
        self._edit_widgets = (self._changes, self._undo_button, self._save_button)
        row = QHBoxLayout(foot)
        row.setContentsMargins(14, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(self._cost)
        row.addStretch(1)
        for widget in self._edit_widgets:
            widget.hide()
            row.addWidget(widget)
        return foot

    # ------------------------------------------------------------------------------------------ events

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        self._objects = {item.name.lower(): item for item in project.objects}

    def _on_answered(self, answer: hp.HostToClient) -> None:
        assert isinstance(answer, hp.QueryAnswered), answer
        self.history.add(self._running_text)
        self._end_running()
        self.model.show_grid(grid_of(answer, self._objects.get(answer.object_name.lower())))
        self._cost.setText(cost_words(answer))
        self._results.setCurrentIndex(1 if self.model.rowCount() else 2)
        self._fit_columns()

    def _on_refused(self, error: UserFacingError) -> None:
        text = self._running_text
        self._end_running()
        self._cost.setText("")
        found = locate(text, error.message, error.line, error.column)
        shift = self.editor.toPlainText().find(text)
        self._error_text.setText(found.sentence)
        self._error_hint.setText(error.hint)
        self._error_hint.setVisible(bool(error.hint))
        self._error_line.setText(found.line_text)
        self._error_caret.setText(found.caret)
        for part in (self._error_line, self._error_caret):
            part.setVisible(bool(found.length))
        self._error.show()
        if found.length and shift >= 0:
            self.editor.mark_error(replace(found, start=found.start + shift))

    @Slot(object)
    def _on_run_finished(self, finished: hp.RunFinished) -> None:
        if not self._save_request or finished.request != self._save_request:
            return
        self._set_saving(False)
        result = finished.result
        if result.outcome == "success" and result.committed:
            saved = len(self.model.grid.changed_records())
            self.model.take_saved()
            self._cost.setText(f"{counted(saved, 'record')} saved")
        else:
            message = result.error.message if result.error else f"The run ended with {result.outcome}."
            self._say(f"Nothing was saved. {message}", "Correct the cells, or undo them.")

    def _on_save_refused(self, error: UserFacingError) -> None:
        self._set_saving(False)
        self._say(f"Nothing was saved. {error.message}", error.hint)

    @Slot(int)
    def _on_edits_changed(self, count: int) -> None:
        for widget in self._edit_widgets:
            widget.setVisible(count > 0)
        self._changes.setText(f"{counted(count, 'cell')} edited, not saved")
        if not count:
            self._error.hide()

    @Slot(str)
    def _on_edit_refused(self, why: str) -> None:
        self._say(why, "The cell was left as it was.")

    @Slot()
    def _on_history_wanted(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text in self.history.texts or [SAMPLE]:
            shown = " ".join(text.split())
            action = menu.addAction(shown if len(shown) <= 90 else f"{shown[:89]}…")
            action.triggered.connect(lambda _checked=False, wanted=text: self.show_query(wanted))
        menu.popup(self._history_button.mapToGlobal(QPoint(0, self._history_button.height())))

    # ------------------------------------------------------------------------------------------ showing

    def _end_running(self) -> None:
        self._running_text = ""
        self._progress.end()
        self._run_button.setEnabled(True)

    def _set_saving(self, is_saving: bool) -> None:
        if not is_saving:
            self._save_request = 0
        self._save_button.setEnabled(not is_saving)
        self._undo_button.setEnabled(not is_saving)
        self._save_button.setText("Saving…" if is_saving else "Save")

    def _say(self, sentence: str, hint: str) -> None:
        self._error_text.setText(sentence)
        self._error_hint.setText(hint)
        self._error_hint.setVisible(bool(hint))
        self._error_line.hide()
        self._error_caret.hide()
        self._error.show()

    def _fit_columns(self) -> None:
        """As wide as what the first rows hold, within bounds: measuring all rows would take long."""
        metrics = self.grid.fontMetrics()
        count = min(_SAMPLED_ROWS, self.model.rowCount())
        for column, facts in enumerate(self.model.grid.columns):
            texts = [self.model.index(row, column).data() for row in range(count)]
            longest = max([*map(len, texts), len(facts.path)], default=8)
            width = metrics.averageCharWidth() * (longest + 3) + 16
            self.grid.setColumnWidth(column, max(70, min(_WIDEST_COLUMN_PX, width)))
