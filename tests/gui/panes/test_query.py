"""The query pane, with a host that answers by hand, and with a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import QDate, QItemSelection, QItemSelectionModel, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.core.query_book import StoredQueries
from circuit_console.panes.query.pane import QueryPane
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.services.host_link import HostLink
from circuit_console.widgets.date_field import DateField
from circuit_console.widgets.theme import Theme
from circuit_link.client import connect_or_start

PATIENCE_MS = 45_000
CONTACT = hp.ObjectDescription(
    name="Contact",
    label="Contact",
    key_prefix="003",
    fields=tuple(
        hp.FieldDescription(name=name, label=name, type=kind, values=values, writable=name != "id")
        for name, kind, values in (
            ("id", "id", ()),
            ("last_name", "text", ()),
            ("vlpr_score", "integer", ()),
            ("birthdate", "date", ()),
            ("grade", "picklist", ("A", "B", "C")),
        )
    ),
)
BIRTHDATE, GRADE = 4, 5


def described() -> hp.ProjectDescription:
    return hp.ProjectDescription(
        name="p",
        root="/p",
        profile="circuit",
        objects=(CONTACT,),
        triggers=(),
        tests=(),
        run_configurations=(),
        environments=(),
        problems=(),
    )


@pytest.fixture
def link(tmp_path: Path) -> Iterator[FakeHostLink]:
    made = FakeHostLink(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def pane(qtbot: QtBot, theme: Theme, link: FakeHostLink) -> QueryPane:
    made = QueryPane(theme, link)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    link.project_described.emit(described())
    return made


def answer(
    link: FakeHostLink, rows: list[dict[str, Any]], *, count: int | None = None, more: bool = False
) -> None:
    """Play the host's answer to the newest query."""
    link.handle(
        hp.QueryAnswered(
            request=getattr(link.last(hp.RunQuery), "request"),  # noqa: B009 - one kind of message is asked for
            object_name="Contact",
            columns=("id", "last_name", "vlpr_score", "account.name", "birthdate", "grade"),
            rows=rows,
            count=len(rows) if count is None else count,
            limits={"queries": (1, 100), "query_rows": (len(rows) if count is None else count, 50_000)},
            duration_ms=4.0,
            more=more,
        )
    )


def contacts(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": f"003{number:012}AAA", "last_name": f"N{number}", "vlpr_score": number, "account": {"name": "Acme"}}
        for number in range(start, start + count)
    ]


def run(pane: QueryPane, link: FakeHostLink, rows: list[dict[str, Any]]) -> None:
    pane.run()
    answer(link, rows)


def test_rows_stand_in_the_grid_with_their_number_and_what_they_cost(
    pane: QueryPane, link: FakeHostLink, qtmodeltester: ModelTester
) -> None:
    run(pane, link, contacts(200))

    qtmodeltester.check(pane.model)
    assert pane.model.rowCount() == 200
    assert pane.cost_words() == "200 rows in 4 ms   1 of 100 queries, 200 of 50\u00a0000 rows"
    assert [pane.model.index(1, column).data() for column in range(4)] == [contacts(2)[1]["id"], "N1", "1", "Acme"]


def test_rows_appear_while_the_rest_is_under_way(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    pane.run()
    answer(link, contacts(3), count=5, more=True)
    early = (pane.model.rowCount(), pane.cost_words())

    with qtbot.waitSignal(pane.model.rowsInserted, timeout=0) as inserted:
        answer(link, contacts(2, start=3), count=5)

    assert early == (3, "3 of 5 rows…")
    assert [inserted.args[1], inserted.args[2]] == [3, 4]
    assert pane.cost_words().startswith("5 rows")


def test_a_refused_query_shows_a_caret_under_the_bad_token_and_a_plain_sentence(
    pane: QueryPane, link: FakeHostLink
) -> None:
    pane.editor.setPlainText("SELECT id,\n  last_nme\nFROM Contact")
    pane.run()
    error = hp.ErrorInfo(
        code="QUERY_INVALID",
        message="Contact has no field 'last_nme'. Did you mean last_name? (line 2, column 3)",
        line=2,
        column=3,
    )
    link.handle(hp.Failed(request=1, error=error))

    assert pane.error.words == "Contact has no field 'last_nme'. Did you mean last_name?"
    assert pane.error.caret == "  last_nme\n  ^^^^^^^^"
    (wave,) = pane.editor.extraSelections()
    assert wave.cursor.selectedText() == "last_nme"
    assert pane.editor.textCursor().position() == 13


def test_the_next_run_takes_the_error_away(pane: QueryPane, link: FakeHostLink) -> None:
    pane.run()
    link.handle(hp.Failed(request=1, error=hp.ErrorInfo(code="QUERY_INVALID", message="No.", line=1, column=1)))
    run(pane, link, contacts(1))

    assert (pane.error.words, pane.editor.extraSelections()) == ("", [])


def test_a_refused_query_is_not_said_to_find_nothing(pane: QueryPane, link: FakeHostLink) -> None:
    run(pane, link, [])
    before = [label.text() for label in pane.findChildren(QLabel) if label.isVisibleTo(pane)]
    pane.run()
    error = hp.ErrorInfo(code="QUERY_INVALID", message="No.", line=1, column=1)
    link.handle(hp.Failed(request=2, error=error))

    assert "No rows" in before
    assert "No rows" not in [label.text() for label in pane.findChildren(QLabel) if label.isVisibleTo(pane)]


def test_an_edited_cell_can_be_undone(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, contacts(2))
    cell = pane.model.index(1, 1)
    pane.grid.setFocus()
    pane.grid.setCurrentIndex(cell)
    pane.model.setData(cell, "Changed")
    pane.model.setData(cell, "Again")

    qtbot.keyClick(pane.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    once = cell.data()
    qtbot.keyClick(pane.grid, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    assert (once, cell.data(), pane.model.grid.edited_cells) == ("Changed", "N1", 0)


def test_a_cell_is_edited_in_place_and_what_is_no_value_is_refused_in_words(
    pane: QueryPane, link: FakeHostLink, qtbot: QtBot
) -> None:
    run(pane, link, contacts(2))
    score = pane.model.index(0, 2)
    pane.grid.setCurrentIndex(score)
    pane.grid.edit(score)
    assert pane.grid.state() is QAbstractItemView.State.EditingState
    (field,) = pane.grid.viewport().findChildren(QLineEdit)
    field.setText("many")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(pane.error.words))

    assert pane.error.words == "'many' is not a whole number."
    assert score.data() == "many"
    assert score.data(Qt.ItemDataRole.ToolTipRole).startswith("'many' is not a whole number.")
    assert score.data(Qt.ItemDataRole.ForegroundRole) == pane._theme.color("err")


def test_nothing_is_saved_while_a_cell_holds_no_value_of_its_field(pane: QueryPane, link: FakeHostLink) -> None:
    run(pane, link, contacts(2))
    pane.model.edit({(0, 1): "Ada", (1, 2): "many"})

    pane.save()

    assert not [one for one in link.asked if isinstance(one, hp.SaveRecords)]
    assert pane.error.words == "Nothing was saved. 'many' is not a whole number."
    assert pane.grid.currentIndex() == pane.model.index(1, 2)


def test_an_undone_edit_is_done_again(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, contacts(2))
    cell = pane.model.index(1, 1)
    pane.model.setData(cell, "Changed")
    control = Qt.KeyboardModifier.ControlModifier

    qtbot.keyClick(pane.grid, Qt.Key.Key_Z, control)
    undone = cell.data()
    qtbot.keyClick(pane.grid, Qt.Key.Key_Y, control)

    assert (undone, cell.data(), pane.grid.currentIndex()) == ("N1", "Changed", cell)


def test_no_value_is_told_from_an_empty_text(pane: QueryPane, link: FakeHostLink) -> None:
    run(pane, link, [contacts(1)[0] | {"vlpr_score": None, "last_name": ""}])
    empty, none = pane.model.index(0, 1), pane.model.index(0, 2)

    assert (empty.data(), none.data(), none.data(Qt.ItemDataRole.EditRole)) == ("", "null", "")
    assert none.data(Qt.ItemDataRole.FontRole).italic()
    assert not empty.data(Qt.ItemDataRole.FontRole).italic()


def select(pane: QueryPane, first: tuple[int, int], last: tuple[int, int]) -> None:
    area = QItemSelection(pane.model.index(*first), pane.model.index(*last))
    pane.grid.setCurrentIndex(pane.model.index(*first))
    pane.grid.selectionModel().select(area, QItemSelectionModel.SelectionFlag.ClearAndSelect)


def test_selected_cells_are_copied_with_and_without_their_names(
    pane: QueryPane, link: FakeHostLink, qtbot: QtBot
) -> None:
    run(pane, link, contacts(3))
    select(pane, (0, 1), (1, 2))
    keys = Qt.KeyboardModifier

    qtbot.keyClick(pane.grid, Qt.Key.Key_C, keys.ControlModifier)
    plain = QGuiApplication.clipboard().text()
    qtbot.keyClick(pane.grid, Qt.Key.Key_C, keys.ControlModifier | keys.ShiftModifier)
    named = QGuiApplication.clipboard().text()
    pane.grid.copy(",", with_names=True)

    assert plain == "N0\t0\nN1\t1\n"
    assert named == "last_name\tvlpr_score\nN0\t0\nN1\t1\n"
    assert QGuiApplication.clipboard().text() == "last_name,vlpr_score\nN0,0\nN1,1\n"


def test_pasted_cells_are_one_step(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, contacts(2))
    QGuiApplication.clipboard().setText("Ada\t7\nBob\t8\nbeyond\t9\n")
    pane.grid.setCurrentIndex(pane.model.index(0, 1))

    qtbot.keyClick(pane.grid, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    put_in = [pane.model.index(row, column).data() for row in range(2) for column in (1, 2)]
    pane.grid.undo()

    assert put_in == ["Ada", "7", "Bob", "8"]
    assert pane.model.grid.edited_cells == 0


def test_delete_takes_the_selected_values_away(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, contacts(2))
    select(pane, (0, 1), (1, 2))

    qtbot.keyClick(pane.grid, Qt.Key.Key_Delete)

    assert [pane.model.index(row, column).data() for row in range(2) for column in (1, 2)] == ["null"] * 4


Field = TypeVar("Field", bound=QWidget)


def open_editor(pane: QueryPane, column: int, kind: type[Field]) -> Field:
    index = pane.model.index(0, column)
    pane.grid.setCurrentIndex(index)
    pane.grid.edit(index)
    return pane.grid.viewport().findChildren(kind)[0]


def test_a_picklist_is_chosen_from(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, [contacts(1)[0] | {"grade": "B"}])
    box = open_editor(pane, GRADE, QComboBox)
    offered = [box.itemText(place) for place in range(box.count())]

    qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.keyClick(box, Qt.Key.Key_Return)

    assert offered == ["", "A", "B", "C"]
    qtbot.waitUntil(lambda: pane.model.index(0, GRADE).data() == "C")


def test_a_day_is_taken_from_the_calendar(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    run(pane, link, [contacts(1)[0] | {"birthdate": "1980-05-17"}])
    field = open_editor(pane, BIRTHDATE, DateField)
    qtbot.keyClick(field, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    shown = field.calendar.selectedDate()

    field.calendar.activated.emit(shown.addDays(1))
    is_still_open = pane.grid.state() is QAbstractItemView.State.EditingState
    qtbot.keyClick(field, Qt.Key.Key_Return)

    assert (shown, is_still_open) == (QDate(1980, 5, 17), True)
    qtbot.waitUntil(lambda: pane.model.index(0, BIRTHDATE).data() == "1980-05-18")


def test_a_new_run_asks_before_it_drops_edits(pane: QueryPane, link: FakeHostLink) -> None:
    run(pane, link, contacts(2))
    pane.model.edit({(0, 1): "Ada"})

    pane.run()
    queries = [one for one in link.asked if isinstance(one, hp.RunQuery)]

    assert len(queries) == 1
    assert pane.bar.text == "1 cell edited and not saved: the new rows would replace them."
    assert pane.model.index(0, 1).data() == "Ada"

    buttons = {button.text(): button for button in pane.bar.findChildren(QPushButton)}
    buttons["Run and drop the edits"].click()
    answer(link, contacts(1))
    assert (pane.model.grid.edited_cells, pane.bar.isVisible()) == (0, False)


def test_edits_outlive_the_window(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    pane.editor.setPlainText("SELECT id, last_name FROM Contact")
    run(pane, link, contacts(2))
    with qtbot.waitSignal(pane.remembered) as remembered:
        pane.model.edit({(1, 1): "Ada"})
    (stored,) = remembered.args
    other = QueryPane(pane._theme, link)
    qtbot.addWidget(other)
    link.project_described.emit(described())
    other.restore(stored)
    offered = other.bar.text

    other.bar.findChildren(QPushButton)[0].click()
    answer(link, contacts(2))

    assert offered == "1 cell edited at the last time and not saved."
    assert other.model.index(1, 1).data() == "Ada"
    assert other.model.grid.edited_cells == 1


def test_a_token_after_letters_beyond_the_basic_plane_is_marked(pane: QueryPane, link: FakeHostLink) -> None:
    text = "SELECT id FROM Contact WHERE last_name = '日本😀' AND lst_name = 'x'"
    pane.editor.setPlainText(text)
    pane.run()
    error = hp.ErrorInfo(code="QUERY_INVALID", message="No lst_name.", line=1, column=text.index("lst_") + 1)
    link.handle(hp.Failed(request=1, error=error))

    (wave,) = pane.editor.extraSelections()
    assert wave.cursor.selectedText() == "lst_name"
    left, right = pane.error.line.caret_px()
    metrics = QFontMetricsF(pane.error.line.font())
    assert left == pytest.approx(metrics.horizontalAdvance(text[: text.index("lst_")]), abs=1)
    assert right - left == pytest.approx(metrics.horizontalAdvance("lst_name"), abs=1)


def test_the_token_of_a_long_line_is_in_sight_and_the_pane_is_no_wider(
    pane: QueryPane, link: FakeHostLink
) -> None:
    width = pane.minimumSizeHint().width()
    text = f"SELECT id FROM Contact WHERE {' AND '.join(['last_name = 1'] * 60)} AND lst_name = 1 AND id = null"
    pane.editor.setPlainText(text)
    pane.run()
    error = hp.ErrorInfo(code="QUERY_INVALID", message="No lst_name.", line=1, column=text.index("lst_") + 1)
    link.handle(hp.Failed(request=1, error=error))

    left, right = pane.error.line.caret_px()
    assert 0 < left < right <= pane.error.line.width()
    assert pane.minimumSizeHint().width() <= width + 60


def test_an_error_in_the_selection_is_marked_there(pane: QueryPane, link: FakeHostLink) -> None:
    pane.editor.setPlainText("SELECT x FROM Contact\nSELECT x FROM Contact")
    cursor = pane.editor.textCursor()
    cursor.movePosition(cursor.MoveOperation.End)
    cursor.movePosition(cursor.MoveOperation.StartOfBlock, cursor.MoveMode.KeepAnchor)
    pane.editor.setTextCursor(cursor)
    pane.run()
    link.handle(hp.Failed(request=1, error=hp.ErrorInfo(code="QUERY_INVALID", message="No.", line=1, column=8)))

    assert pane.editor.textCursor().position() == 22 + 7


def test_saving_sends_the_changed_fields_of_each_row(pane: QueryPane, link: FakeHostLink) -> None:
    run(pane, link, contacts(3))
    pane.model.setData(pane.model.index(0, 1), "Ada")
    pane.model.setData(pane.model.index(2, 2), "")

    pane.save()

    message = link.last(hp.SaveRecords)
    assert isinstance(message, hp.SaveRecords)
    assert message.records == (
        {"id": contacts(1)[0]["id"], "last_name": "Ada"},
        {"id": contacts(3)[2]["id"], "vlpr_score": None},
    )


def test_a_running_query_is_cancelled_by_the_button_that_ran_it(pane: QueryPane, link: FakeHostLink) -> None:
    pane.run()
    pane._run_button.click()
    asked = link.last(hp.StopRun)
    waiting = pane.cost_words()
    error = hp.ErrorInfo(code="STORE_INTERRUPTED", message="The statement was stopped.")
    link.handle(hp.Failed(request=1, error=error))

    assert isinstance(asked, hp.StopRun)
    assert asked.run_id == "query:1"
    assert (waiting, pane.cost_words(), pane.error.words) == ("Cancelling…", "Cancelled", "")
    assert pane._run_button.text().strip() == "Run"


def test_what_was_run_saved_and_written_is_remembered(pane: QueryPane, link: FakeHostLink, qtbot: QtBot) -> None:
    pane.editor.setPlainText("SELECT id FROM Contact")
    run(pane, link, contacts(1))
    pane.name_row.ask("Contact query")
    qtbot.keyClick(pane.name_row.field, Qt.Key.Key_Return)
    with qtbot.waitSignal(pane.remembered) as remembered:
        pane.editor.setPlainText("SELECT id")

    assert remembered.args == [
        StoredQueries(
            draft="SELECT id",
            recent=("SELECT id FROM Contact",),
            saved={"Contact query": "SELECT id FROM Contact"},
        )
    ]


def test_remembered_queries_are_offered_and_taken_with_a_click(pane: QueryPane, qtbot: QtBot) -> None:
    stored = StoredQueries(
        draft="SELECT", recent=("SELECT id FROM Lead",), saved={"Hot": "SELECT name FROM Account"}
    )
    pane.restore(stored)
    saved, recent = pane.start.buttons()
    draft = pane.editor.toPlainText()

    qtbot.mouseClick(saved, Qt.MouseButton.LeftButton)
    taken = pane.editor.toPlainText()
    pane.editor.undo()

    assert (draft, taken, pane.editor.toPlainText()) == ("SELECT", "SELECT name FROM Account", "SELECT")
    assert (saved.text(), recent.text()) == ("Hot", "SELECT id FROM Lead")


def test_a_saved_query_is_given_up(pane: QueryPane) -> None:
    pane.save_query("Mine")
    pane.forget_query("Mine")

    assert pane.book.saved == {}


# ------------------------------------------------------------------------------------------- a real host


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    root = tmp_path / "p"
    root.mkdir()
    (root / "circuit.toml").write_text('[project]\nname = "p"\n')
    with connect_or_start(root, client="a test") as client:
        script = (
            "from circuitos import CircuitDB\n"
            "names = [f'N{number:04}' for number in range(4500)]\n"
            "CircuitDB.insert('Contact', [{'last_name': name, 'description': 'a' * 300} for name in names])\n"
        )
        started = client.run(hp.RunRequest(entry=hp.ExecEntry(path="seed.py", text=script), commit=True))
    assert started.outcome == "success", started.error
    return root


@pytest.fixture
def real(qtbot: QtBot, theme: Theme, project: Path) -> Iterator[QueryPane]:
    host = HostLink(project)
    made = QueryPane(theme, host)
    qtbot.addWidget(made)
    made.show()
    host.start()
    host.ask(lambda number: hp.DescribeProject(request=number))
    qtbot.waitSignal(host.project_described, timeout=PATIENCE_MS).wait()
    yield made
    host.stop()


def test_a_real_host_streams_rows_refuses_and_saves(real: QueryPane, qtbot: QtBot) -> None:
    real.editor.setPlainText("SELECT id, last_name FROM Contact ORDER BY last_name")
    with qtbot.waitSignal(real.model.rowsInserted, timeout=PATIENCE_MS):
        real.run()
    qtbot.waitUntil(lambda: real.cost_words().startswith("4500 rows"), timeout=PATIENCE_MS)
    assert (real.model.rowCount(), real.model.index(4499, 1).data()) == (4500, "N4499")

    real.model.setData(real.model.index(0, 1), "Changed")
    real.save()
    qtbot.waitUntil(lambda: real.cost_words() == "1 record saved", timeout=PATIENCE_MS)

    real.editor.setPlainText("SELECT COUNT()\nFROM Contact WHERE last_nme = 'Changed'")
    real.run()
    qtbot.waitUntil(lambda: bool(real.error.words), timeout=PATIENCE_MS)
    assert real.error.caret.splitlines()[1] == " " * 19 + "^" * 8

    real.editor.setPlainText("SELECT last_name FROM Contact WHERE last_name = 'changed'")
    real.run()
    qtbot.waitUntil(lambda: real.cost_words().startswith("1 row "), timeout=PATIENCE_MS)
    assert real.error.words == ""


def test_a_real_host_ends_a_query_that_is_cancelled(real: QueryPane, qtbot: QtBot) -> None:
    # Every description is looked through 2,500 times: that takes long if nobody ends it.
    real.editor.setPlainText(
        "SELECT id FROM Contact WHERE " + " OR ".join(f"description LIKE '%a{number}%'" for number in range(2_500))
    )
    real.run()
    real.cancel()

    qtbot.waitUntil(lambda: not real.cost_words().endswith("…"), timeout=PATIENCE_MS)
    assert real.cost_words() == "Cancelled"
    assert real.error.words == ""
