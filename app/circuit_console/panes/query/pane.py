"""Queries: a field for SOQL, the rows in a grid that can be edited, and what they cost."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import circuit_link.host_protocol as hp
from circuit_console.core.quantities import counted, format_count
from circuit_console.core.query_book import (
    QueryBook,
    StoredQueries,
    UnsavedEdits,
    one_line,
    suggested_name,
)
from circuit_console.core.query_result import cost_words, grid_of
from circuit_console.core.soql_text import locate
from circuit_console.models.query_grid import QueryGrid
from circuit_console.panes.query.grid import RecordGrid
from circuit_console.services.host_link import HostLink
from circuit_console.widgets.controls import (
    ElidedLabel,
    EmptyState,
    IconButton,
    IconLabel,
    ProgressLine,
    divider,
    label,
    set_ground,
    set_role,
)
from circuit_console.widgets.message_bar import MessageBar
from circuit_console.widgets.name_row import NameRow
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.query_error import QueryErrorBox
from circuit_console.widgets.query_start import QueryStart
from circuit_console.widgets.soql_edit import SoqlEdit
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

SAMPLE = (
    "SELECT id, last_name, email, mailing_postal_code, created_at\nFROM Contact\nORDER BY last_name\nLIMIT 200"
)
_EDITOR_PX = 150
_GRID_PX = 400
_STOPPED = "STORE_INTERRUPTED"


class QueryPane(Pane):
    """Runs SOQL and SOSL on the project's local data; edited cells are saved through the order of execution.

    Signals:
        remembered: StoredQueries, after a query was run, saved, given up or written.
    """

    remembered = Signal(object)

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
        self._running_start = 0
        self._running_request = 0
        self._shown_text = ""
        self._kept: UnsavedEdits | None = None
        self._is_first_part = True
        self._save_request = 0
        self.book = QueryBook()
        self.editor = SoqlEdit(theme)
        self.editor.setPlainText(SAMPLE)
        self.editor.run_wanted.connect(self.run)
        self.editor.textChanged.connect(self._on_remembered)
        self.start = QueryStart(theme)
        self.start.chosen.connect(self.show_query)
        self.name_row = NameRow("Save this query as")
        self.name_row.named.connect(self.save_query)
        self.model = QueryGrid(theme, self)
        self.model.edits_changed.connect(self._on_edits_changed)
        self.model.edit_refused.connect(self._on_edit_refused)
        self.grid = RecordGrid(theme, self.model, self)
        self.bar = MessageBar(theme, self)
        self._progress = ProgressLine(theme)
        self.error = QueryErrorBox(theme, self)
        self._build()
        host.project_described.connect(self._on_project_described)
        host.rows_arrived.connect(self._on_rows_arrived)
        host.run_finished.connect(self._on_run_finished)

    # ------------------------------------------------------------------------------------------ actions

    @Slot()
    def run(self) -> None:
        """Run the selected text, or all of it. Edits that were not saved are asked about first."""
        if not self.editor.wanted()[0] or self._running_text or self._save_request:
            return
        edited = self.model.grid.edited_cells
        if edited:
            self.bar.show_message(
                "pencil",
                "warn",
                f"{counted(edited, 'cell')} edited and not saved: the new rows would replace them.",
                (
                    ("Save", self.save),
                    ("Run and drop the edits", self._run_and_drop),
                    ("Keep editing", self.grid.setFocus),
                ),
            )
            self.bar.focus_first()
        else:
            self._run()

    def _run_and_drop(self) -> None:
        self.editor.setFocus()
        self._run()

    def _run(self) -> None:
        self._running_text, self._running_start = self.editor.wanted()
        text = self._running_text
        self._is_first_part = True
        self.editor.clear_error()
        self.error.hide()
        self.bar.hide()
        self._show_running("Running…")
        self._progress.begin()
        self._running_request = self._host.ask(
            lambda number: hp.RunQuery(request=number, text=text), self._on_answered, self._on_refused
        )

    @Slot()
    def cancel(self) -> None:
        """End the query that runs; what it brought already stays to be read."""
        if self._running_text:
            run_id = f"query:{self._running_request}"
            self._show_running("Cancelling…")
            self._host.ask(lambda number: hp.StopRun(request=number, run_id=run_id), None, _ignore)

    @Slot(str)
    def save_query(self, name: str) -> None:
        """Keep the text of the field under a name."""
        self.book.save(name, self.editor.toPlainText())
        self._on_remembered()

    @Slot(str)
    def forget_query(self, name: str) -> None:
        self.book.forget(name)
        self._on_remembered()

    def restore(self, stored: StoredQueries) -> None:
        """Bring back what was remembered."""
        self.book.restore(stored)
        self._kept = stored.unsaved
        if stored.draft:
            self.editor.setPlainText(stored.draft)
        self.start.show_queries(self.book.saved, self.book.recent)
        self._offer_kept()

    def _offer_kept(self) -> None:
        if self._kept is not None:
            self.bar.show_message(
                "pencil",
                "warn",
                f"{counted(len(self._kept.cells), 'cell')} edited at the last time and not saved.",
                (("Run the query and bring them back", self._run_kept), ("Drop them", self._drop_kept)),
            )

    def _run_kept(self) -> None:
        if self._kept is not None:
            self.show_query(self._kept.query)
            self._run()

    def _drop_kept(self) -> None:
        self._kept = None
        self._on_remembered()

    @Slot()
    def save(self) -> None:
        """Save the edited cells, all or none."""
        if self._save_request or self._running_text:
            return
        # The button that had the focus is about to be switched off.
        self.grid.setFocus()
        bad = self.model.grid.bad_cells()
        if bad:
            place, cell = bad[0]
            self.grid.go_to_cell(place)
            self.error.say(f"Nothing was saved. {cell.why}", "Correct the cell, or undo it.")
            return
        records = self.model.grid.changed_records()
        if not records:
            return
        object_name = self.model.grid.object_name
        self._set_saving(True)
        self._save_request = self._host.ask(
            lambda number: hp.SaveRecords(request=number, object_name=object_name, records=records),
            None,
            self._on_save_refused,
        )

    def show_query(self, text: str) -> None:
        """Put a text into the field, which undo can bring back."""
        cursor = self.editor.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.insertText(text)
        self.editor.setFocus()

    def cost_words(self) -> str:
        return self._cost.text()

    def showEvent(self, event: QShowEvent) -> None:
        """Who comes here wants to write a query."""
        super().showEvent(event)
        if not event.spontaneous():
            self.editor.setFocus()

    # ------------------------------------------------------------------------------------------ building

    def _build(self) -> None:
        self._results = QStackedWidget(self)
        # In a low window the rows give way before the words of an error do.
        self._results.setMinimumHeight(1)
        self._results.addWidget(self.start)
        self._results.addWidget(self.grid)
        self._results.addWidget(EmptyState(self._theme, "table-2", "No rows", "Nothing fits this query."))
        below = QWidget(self)
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.error)
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
        layout.addWidget(self.name_row)
        layout.addWidget(self._progress)
        layout.addWidget(self.bar)
        layout.addWidget(divider())
        layout.addWidget(splitter, 1)

    def _make_head(self) -> QWidget:
        head = QWidget(self)
        head.setFixedHeight(44)
        self._run_button = QPushButton(" Run", head)
        self._run_button.setIcon(self._theme.icon("play", "on_accent"))
        set_role(self._run_button, "primary")
        self._run_button.clicked.connect(self._on_run_clicked)
        self._history_button = IconButton(self._theme, "history", "Queries that were run")
        self._history_button.clicked.connect(self._on_history_wanted)
        self._saved_button = IconButton(self._theme, "save", "Saved queries")
        self._saved_button.clicked.connect(self._on_saved_wanted)
        row = QHBoxLayout(head)
        row.setContentsMargins(14, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel(self._theme, "database", "c_query"))
        row.addWidget(label("Query", "title"))
        row.addWidget(ElidedLabel("SOQL or SOSL, on the local data", "faint"), 1)
        row.addWidget(label("Ctrl+Enter", "key"), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._history_button)
        row.addWidget(self._saved_button)
        row.addWidget(self._run_button)
        return head

    def _make_foot(self) -> QWidget:
        foot = QWidget(self)
        foot.setFixedHeight(40)
        self._cost = label("", "dim")
        self._changes = label("", "warn")
        self._undo_button = QPushButton("Undo", foot)
        set_role(self._undo_button, "quiet")
        self._undo_button.setToolTip("Ctrl+Z in the table; Ctrl+Y does it again")
        self._undo_button.clicked.connect(self.grid.undo)
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

    @Slot(object)
    def _on_rows_arrived(self, part: hp.QueryAnswered) -> None:
        """The first part of an answer makes the grid, later ones add their rows."""
        if part.request != self._running_request or not self._running_text:
            return
        if self._is_first_part:
            self._is_first_part = False
            self._shown_text = self._running_text
            self.model.show_grid(grid_of(part, self._objects.get(part.object_name.lower())))
            self._results.setCurrentIndex(1 if self.model.rowCount() else 2)
            self.grid.fit_columns()
        else:
            self.model.append(list(part.rows))
        if part.more:
            self._show_running(f"{format_count(self.model.rowCount())} of {counted(part.count, 'row')}…")

    def _on_answered(self, answer: hp.HostToClient) -> None:
        assert isinstance(answer, hp.QueryAnswered), answer
        self.book.add(self._running_text)
        self._end_running()
        self._cost.setText(cost_words(answer))
        self._bring_back()
        self._on_remembered()

    def _bring_back(self) -> None:
        """Edits of the last time stand in the cells again, if these are the rows they were made in."""
        kept = self._kept
        if kept is not None and kept.query != self._shown_text:
            self._offer_kept()
        elif kept is not None:
            self._kept = None
            missing = len(kept.cells) - self.model.bring_back(kept.cells)
            if missing:
                text = (
                    f"{counted(missing, 'edited cell')} could not be brought back: the rows are gone or changed."
                )
                self.bar.show_message("info", "warn", text, (("Close", self.grid.setFocus),))

    def _on_refused(self, error: UserFacingError) -> None:
        text, start = self._running_text, self._running_start
        self._end_running()
        if error.code == _STOPPED:
            self._cost.setText("Cancelled")
            return
        self._cost.setText("")
        if not self.model.rowCount():
            # That nothing fits was said of another query.
            self._results.setCurrentWidget(self.start)
        found = locate(text, error.message, error.line, error.column)
        self.error.show_error(found, error.hint)
        if found.length and self.editor.toPlainText().startswith(text, start):
            self.editor.mark_error(replace(found, start=found.start + start))

    @Slot()
    def _on_run_clicked(self) -> None:
        if self._running_text:
            self.cancel()
        else:
            self.run()

    @Slot()
    def _on_remembered(self) -> None:
        self.start.show_queries(self.book.saved, self.book.recent)
        cells = self.model.grid.unsaved()
        unsaved = UnsavedEdits(query=self._shown_text, cells=cells) if cells else self._kept
        self.remembered.emit(self.book.stored(self.editor.toPlainText(), unsaved))

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
            self.error.say(f"Nothing was saved. {message}", "Correct the cells, or undo them.")
            self.grid.go_to_cell(self.model.grid.blamed(message))

    def _on_save_refused(self, error: UserFacingError) -> None:
        self._set_saving(False)
        self.error.say(f"Nothing was saved. {error.message}", error.hint)

    @Slot(int)
    def _on_edits_changed(self, count: int) -> None:
        for widget in self._edit_widgets:
            widget.setVisible(count > 0)
        bad = len(self.model.grid.bad_cells())
        self._changes.setText(
            f"{counted(count, 'cell')} edited, not saved" + (f", {bad} not valid" if bad else "")
        )
        if not bad:
            self.error.hide()
        if self._kept is None:
            self.bar.hide()
        self._on_remembered()

    @Slot(str)
    def _on_edit_refused(self, why: str) -> None:
        self.error.say(why, "It cannot be saved so: correct the cell, or undo it.")

    @Slot()
    def _on_history_wanted(self) -> None:
        menu = self._menu()
        for text in self.book.recent or [SAMPLE]:
            self._add_query(menu, one_line(text), text)
        self._pop_up(menu, self._history_button)

    @Slot()
    def _on_saved_wanted(self) -> None:
        menu = self._menu()
        for name, text in sorted(self.book.saved.items()):
            self._add_query(menu, name, text)
        menu.addSeparator()
        menu.addAction("Save this query…", self._on_name_wanted)
        removal = menu.addMenu("Remove")
        removal.setEnabled(bool(self.book.saved))
        for name in sorted(self.book.saved):
            removal.addAction(name).triggered.connect(
                lambda _checked=False, unwanted=name: self.forget_query(unwanted)
            )
        self._pop_up(menu, self._saved_button)

    @Slot()
    def _on_name_wanted(self) -> None:
        self.name_row.ask(suggested_name(self.editor.toPlainText()))

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _add_query(self, menu: QMenu, shown: str, text: str) -> None:
        action = menu.addAction(shown)
        action.setToolTip(text)
        action.triggered.connect(lambda _checked=False, wanted=text: self.show_query(wanted))

    def _pop_up(self, menu: QMenu, button: QWidget) -> None:
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    # ------------------------------------------------------------------------------------------ showing

    def _show_running(self, words: str) -> None:
        self._cost.setText(words)
        self._run_button.setText(" Cancel")
        self._run_button.setIcon(self._theme.icon("square", "on_accent"))

    def _end_running(self) -> None:
        self._running_text = ""
        self._progress.end()
        self._run_button.setText(" Run")
        self._run_button.setIcon(self._theme.icon("play", "on_accent"))

    def _set_saving(self, is_saving: bool) -> None:
        if not is_saving:
            self._save_request = 0
        self._save_button.setEnabled(not is_saving)
        self._undo_button.setEnabled(not is_saving)
        self._save_button.setText("Saving…" if is_saving else "Save")


def _ignore(_error: UserFacingError) -> None:
    """A query that ended by itself cannot be cancelled any more."""
