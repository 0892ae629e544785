from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

import circuit_link.host_protocol as hp
from circuit_console.core.breakpoints import BreakpointSet
from circuit_console.core.location import Location
from circuit_console.panes.console.pane import ConsolePane
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.services.runs import Runs
from circuit_console.services.tasks import Tasks

TRACEBACK = 'Traceback (most recent call last):\n  File "classes/score.py", line 6, in total\nValueError: no fit'


@pytest.fixture
def link(qapp, tmp_path):
    made = FakeHostLink(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def console(qtbot, theme, link, tmp_path):
    tasks = Tasks()
    debug = DebugSession(tmp_path, Breakpoints(BreakpointSet()))
    pane = ConsolePane(theme, link, Runs(link, debug, tasks), debug, tmp_path)
    qtbot.addWidget(pane)
    pane.resize(700, 300)
    pane.show()
    yield pane
    tasks.stop()


def enter(qtbot, console, text):
    console.prompt.setPlainText(text)
    qtbot.keyClick(console.prompt, Qt.Key.Key_Return)


def fail(link, samples):
    error = hp.RunError(type="ValueError", message="no fit", file="classes/score.py", line=6, traceback=TRACEBACK)
    link.handle(samples.started())
    link.handle(samples.finished(outcome="error", error=error))


def test_what_a_run_prints_is_shown_with_how_it_ended(console, link, samples):
    link.handle(samples.started())
    link.handle(hp.OutputEmitted(run_id="r1", stream="stdout", text="hot "))
    link.handle(hp.OutputEmitted(run_id="r1", stream="stdout", text="lead\n"))
    link.handle(samples.finished())

    lines = console.text().splitlines()
    assert lines[0].startswith("▸ marcus")
    assert lines[1:3] == ["hot lead", "✓ success in 520 ms, rolled back"]


def test_a_line_of_a_traceback_opens_its_file(qtbot, console, link, samples):
    fail(link, samples)
    output = console._output
    block = output.document().findBlockByNumber(2)
    assert "score.py" in block.text()
    cursor = output.textCursor()
    cursor.setPosition(block.position() + 4)
    output.setTextCursor(cursor)

    with qtbot.waitSignal(console.location_requested, timeout=1000) as asked:
        qtbot.mouseClick(output.viewport(), Qt.MouseButton.LeftButton, pos=output.cursorRect().center())

    assert asked.args == [Location("classes/score.py", 6)]


def test_a_line_runs_in_a_transaction_of_its_own(qtbot, console, link):
    enter(qtbot, console, "print(1)")

    asked = link.last(hp.StartRun)
    assert (asked.run.entry.text, asked.run.commit) == ("print(1)", False)
    assert console.prompt.toPlainText() == ""


def test_committing_is_ticked(qtbot, console, link):
    console._commit.setChecked(True)

    enter(qtbot, console, "print(1)")

    assert link.last(hp.StartRun).run.commit


def test_the_history_is_walked_and_kept(qtbot, console, link):
    console.set_history(("first", "second"))

    with qtbot.waitSignal(console.history_changed, timeout=0) as changed:
        enter(qtbot, console, "third")
    texts = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(console.prompt, key)
        texts.append(console.prompt.toPlainText())

    assert changed.args == [("first", "second", "third")]
    assert texts == ["third", "second", "first", "second"]


def test_the_hint_is_shortened_where_it_has_no_room(qtbot, console):
    console.resize(320, 200)

    prompt = console.prompt
    qtbot.waitUntil(lambda: prompt.placeholderText().endswith("…"))
    assert prompt.fontMetrics().horizontalAdvance(prompt.placeholderText()) <= prompt.viewport().width()
    assert prompt.toolTip() == "Runs in a fresh transaction, rolled back unless you tick Commit"


def test_shift_enter_adds_a_line(qtbot, console, link):
    console.prompt.setPlainText("for n in range(3):")
    console.prompt.moveCursor(console.prompt.textCursor().MoveOperation.End)

    qtbot.keyClick(console.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(console.prompt, "    print(n)")
    qtbot.keyClick(console.prompt, Qt.Key.Key_Return)

    text = link.last(hp.StartRun).run.entry.text.replace("\u2028", "\n")
    assert text == "for n in range(3):\n    print(n)"


def test_what_is_typed_while_a_run_goes_on_waits_for_its_end(qtbot, console, link):
    enter(qtbot, console, "print(1)")

    enter(qtbot, console, "print(2)")

    assert len([one for one in link.asked if isinstance(one, hp.StartRun)]) == 1
    assert console.prompt.toPlainText() == "print(2)"
