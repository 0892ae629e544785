"""The debugger's views and commands, with a fake host and a debugger that can do everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QToolButton, QToolTip
from pytestqt.qtbot import QtBot
from tests.gui.shell.conftest import FakeDebugger, describe

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core.breakpoints import EXCEPTION_FILTERS
from circuit_console.core.run_state import RunPhase
from circuit_console.models.breakpoints import told
from circuit_console.models.variables import Node
from circuit_console.services.debug_session import DebugState
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.widgets.code_editor.editor import CodeEditor, Hover
from circuit_console.widgets.code_editor.marks import BreakpointLook

SCORE = "classes/score.py"
MARCUS = hp.RunConfiguration(name="marcus", kind="event", file="events/marcus.json")


@pytest.fixture
def paused(console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot) -> Console:
    """Stopped in line 6, and ready to stop in line 7 and 8."""
    debugger.stop_lines = [6, 7, 8]
    describe(host, MARCUS)
    host.attach(debugger.address)
    console.breakpoints.toggle(SCORE, 6)
    console.actions.run("run.debug")
    wait_for_line(console, qtbot, 6)
    return console


def wait_for_line(console: Console, qtbot: QtBot, line: int) -> None:
    def stands_there() -> bool:
        frame, page = console.debug.frame, console.editor.page(SCORE)
        is_paused = console.debug.state is DebugState.PAUSED and frame is not None and page is not None
        return is_paused and page.editor.marks.execution_line == line

    qtbot.waitUntil(stands_there, timeout=5000)


def editor_of(console: Console) -> CodeEditor:
    page = console.editor.page(SCORE)
    assert page is not None
    return page.editor


def rows(console: Console) -> list[tuple[str, str]]:
    model = console.breakpoints_pane.model
    return [
        (str(model.data(model.index(row, 0))), str(model.data(model.index(row, 1))))
        for row in range(model.rowCount())
    ]


def test_the_next_statement_is_set_to_the_caret(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    editor_of(paused).go_to(7)

    paused.actions.run("run.jump")
    wait_for_line(paused, qtbot, 7)

    assert debugger.arguments("gotoTargets")["line"] == 7
    assert debugger.arguments("goto")["targetId"] == 91
    assert paused._banner.text.startswith("Paused after the jump")


def test_the_call_is_restarted(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    paused.actions.run("run.restart_frame")
    wait_for_line(paused, qtbot, 7)

    assert debugger.arguments("restartFrame") == {"frameId": 1}


def test_one_call_of_the_line_is_entered(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    paused.actions.run("run.step_into_target")
    qtbot.waitUntil(lambda: bool(menus(paused)), timeout=5000)
    (menu,) = menus(paused)
    offered = [action.text() for action in menu.actions()]
    menu.actions()[1].trigger()
    menu.close()
    wait_for_line(paused, qtbot, 7)

    assert offered == ["fit_of(lead)", "intent_of(lead)"]
    assert debugger.arguments("stepIn")["targetId"] == 2


def menus(console: Console) -> list[QMenu]:
    return [menu for menu in console.window.findChildren(QMenu) if menu.isVisible()]


def test_a_single_call_is_entered_without_a_question(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    debugger.step_targets = [{"id": 5, "label": "fit_of(lead)"}]

    paused.actions.run("run.step_into_target")
    wait_for_line(paused, qtbot, 7)

    assert debugger.arguments("stepIn")["targetId"] == 5


def test_run_to_cursor_adds_a_stop_and_takes_it_away(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    editor_of(paused).go_to(7)

    paused.actions.run("run.to_cursor")
    wait_for_line(paused, qtbot, 7)
    qtbot.waitUntil(lambda: len(sent_lines(debugger)) == 3, timeout=5000)

    assert sent_lines(debugger) == [[6], [6, 7], [6]]


def sent_lines(debugger: FakeDebugger) -> list[list[int]]:
    return [
        [point["line"] for point in one["arguments"]["breakpoints"]]
        for one in debugger.requests
        if one["command"] == "setBreakpoints"
    ]


def test_a_step_pressed_while_one_is_under_way_is_done_after_it(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    paused.actions.run("run.step_over")
    paused.actions.run("run.step_over")
    wait_for_line(paused, qtbot, 8)

    assert debugger.commands().count("next") == 2


def test_hits_are_counted_and_stay_after_the_run(paused: Console, qtbot: QtBot) -> None:
    assert rows(paused)[0] == ("score.py", "6  ×1")

    paused.actions.run("run.stop")
    qtbot.waitUntil(lambda: paused.runs.state.phase is RunPhase.IDLE, timeout=5000)

    assert rows(paused)[0] == ("score.py", "6  ×1")
    assert "stopped 1 ×" in told(paused.breakpoints.of(SCORE)[0])


def test_a_line_that_cannot_stop_is_hollow_and_says_why(
    console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    describe(host, MARCUS)
    host.attach(debugger.address)
    console.breakpoints.toggle(SCORE, 40)

    console.actions.run("run.debug")
    wait_for_line(console, qtbot, 6)

    assert rows(console)[0] == ("score.py  ·  Line 40 does not run.", "40")
    assert "not bound: Line 40 does not run." in told(console.breakpoints.of(SCORE)[0])


def test_kinds_of_exceptions_are_switched_and_sent(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    assert debugger.arguments("setExceptionBreakpoints") == {"filters": ["uncaught"]}
    assert [title for title, _ in rows(paused)[-3:]] == [one.title for one in EXCEPTION_FILTERS]

    view = paused.breakpoints_pane.view
    view.setCurrentIndex(paused.breakpoints_pane.model.index(2, 0))
    qtbot.keyClick(paused.breakpoints_pane, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: debugger.commands().count("setExceptionBreakpoints") == 2, timeout=5000)

    assert debugger.arguments("setExceptionBreakpoints") == {"filters": ["uncaught", "userUnhandled"]}
    assert rows(paused)[2] == ("Uncaught in script", "on")


def test_a_function_that_does_not_exist_is_told(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    form = paused.breakpoints_pane.form

    for name in ("Score.total", "Score.nothing"):
        form.ask_function()
        form.field.setText(name)
        qtbot.keyClick(form.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: paused.breakpoints.functions[-1].is_verified is False, timeout=5000)

    names = [one["name"] for one in debugger.arguments("setFunctionBreakpoints")["breakpoints"]]
    known, unknown = paused.breakpoints.functions
    assert names == ["Score.total", "Score.nothing"]
    assert known.is_verified is True
    assert told(unknown) == "function Score.nothing, not bound: No function of that name."


def test_a_condition_is_typed_in_place(console: Console, qtbot: QtBot) -> None:
    console.editor.open(SCORE, 6)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)

    qtbot.keyClick(console.window, Qt.Key.Key_F9, Qt.KeyboardModifier.ControlModifier)
    form = console.breakpoints_pane.form
    qtbot.keyClicks(form.field, "fit > 20")
    qtbot.keyClick(form.field, Qt.Key.Key_Return)

    (breakpoint,) = console.breakpoints.of(SCORE)
    assert (breakpoint.line, breakpoint.condition) == (6, "fit > 20")
    assert rows(console)[0] == ("score.py  ·  fit > 20", "6")
    assert form.isHidden()


def test_a_condition_that_is_no_expression_is_told_while_it_is_typed(console: Console, qtbot: QtBot) -> None:
    console.breakpoints.set(SCORE, 6)
    form = console.breakpoints_pane.form
    form.edit(console.breakpoints.of(SCORE)[0])
    form.field.setText("fit >")

    qtbot.keyClick(form.field, Qt.Key.Key_Return)
    told_at_first = (form.isHidden(), form.fault.text(), console.breakpoints.of(SCORE)[0].condition)
    qtbot.keyClicks(form.field, " 3")
    told_then = form.fault.isHidden()
    qtbot.keyClick(form.field, Qt.Key.Key_Return)

    assert told_at_first == (False, "The condition is no expression: invalid syntax.", "")
    assert told_then
    assert console.breakpoints.of(SCORE)[0].condition == "fit > 3"


def test_a_hit_count_that_is_none_is_told(console: Console, qtbot: QtBot) -> None:
    console.breakpoints.set(SCORE, 6)
    form = console.breakpoints_pane.form
    form.edit(console.breakpoints.of(SCORE)[0], "hit_condition")
    form.field.setText("often")

    qtbot.keyClick(form.field, Qt.Key.Key_Return)

    assert form.fault.text().startswith("'often' is no hit count")
    assert not form.isHidden()


def test_muted_breakpoints_stop_nothing_and_are_heard_again(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    def sent() -> tuple[list[int], list[str]]:
        lines = [one["line"] for one in debugger.arguments("setBreakpoints")["breakpoints"]]
        return lines, debugger.arguments("setExceptionBreakpoints")["filters"]

    assert sent() == ([6], ["uncaught"])

    paused.actions.run("run.mute")
    qtbot.waitUntil(lambda: sent() == ([], []), timeout=5000)
    looks = [look for _, look in editor_of(paused).marks.breakpoint_looks().values()]
    hint = paused.breakpoints_pane._hint
    assert (looks, hint.text(), hint.isHidden()) == (
        [BreakpointLook.UNVERIFIED],
        "All are muted: nothing stops the run",
        False,
    )

    qtbot.mouseClick(paused.breakpoints_pane.head_tools()[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: sent() == ([6], ["uncaught"]), timeout=5000)
    assert paused.breakpoints.of(SCORE)[0].is_enabled


def variable_row(console: Console) -> Node:
    model = console.variables.model
    node = model.node(model.index_of_key(("Locals", "fit")))
    assert node is not None
    return node


def wait_for_value(console: Console, qtbot: QtBot, value: str) -> None:
    model = console.variables.model
    qtbot.waitUntil(lambda: model.values_of("Locals") == {"fit": value}, timeout=5000)


def test_a_value_that_changed_in_this_step_stays_marked_until_the_next_one(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    wait_for_value(paused, qtbot, "26")
    debugger.value = "27"
    paused.actions.run("run.step_over")
    wait_for_line(paused, qtbot, 7)
    wait_for_value(paused, qtbot, "27")
    at_once = variable_row(paused)

    paused.debug.values_may_have_changed()
    qtbot.waitUntil(lambda: variable_row(paused) is not at_once, timeout=5000)
    read_again = variable_row(paused)
    paused.debug.select_frame(paused.debug.stack[2])
    paused.debug.select_frame(paused.debug.stack[0])
    qtbot.waitUntil(lambda: variable_row(paused) is not read_again, timeout=5000)

    assert (at_once.changed, read_again.changed, variable_row(paused).changed) == (True, True, True)
    value = paused.variables.model.index_of_key(("Locals", "fit")).siblingAtColumn(1)
    assert (value.data(), value.data(Qt.ItemDataRole.EditRole)) == ("26 → 27", "27")

    paused.actions.run("run.step_over")
    wait_for_line(paused, qtbot, 8)
    qtbot.waitUntil(lambda: not variable_row(paused).changed, timeout=5000)


def test_a_value_that_cannot_be_set_is_told_below_the_variables(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    wait_for_value(paused, qtbot, "26")
    why = 'File "<evaluation>", line 1\n    1 +\nSyntaxError: invalid syntax'
    debugger.refusals["setVariable"] = (0, why)
    model = paused.variables.model

    model.setData(model.index_of_key(("Locals", "fit")).siblingAtColumn(1), "1 +")
    qtbot.waitUntil(paused.variables.refusal.isVisible, timeout=5000)

    assert paused.variables.refusal.text() == "fit was not set to 1 +\nSyntaxError: invalid syntax"
    assert variable_row(paused).value == "26"

    del debugger.refusals["setVariable"]
    model.setData(model.index_of_key(("Locals", "fit")).siblingAtColumn(1), "30")
    wait_for_value(paused, qtbot, "30")
    assert paused.variables.refusal.isHidden()


def test_a_whole_value_is_copied_from_its_row(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    wait_for_value(paused, qtbot, "26")
    view = paused.variables._view
    view.setCurrentIndex(paused.variables.model.index_of_key(("Locals", "fit")))

    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == "62", timeout=5000)

    assert debugger.arguments("evaluate") == {"expression": "fit", "context": "clipboard", "frameId": 1}


def test_an_evaluation_that_would_change_data_is_done_when_it_is_entered_again(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    debugger.refusals["evaluate"] = (1001, "CircuitException: This evaluation would change data or call out.")
    pane = paused.console_pane
    pane.prompt.setPlainText("save(fit)")
    qtbot.keyClick(pane.prompt, Qt.Key.Key_Return)
    question = "This would change data or call out. Enter it again to do it all the same."
    qtbot.waitUntil(lambda: question in pane.text(), timeout=5000)
    assert "CircuitException" not in pane.text()

    del debugger.refusals["evaluate"]
    pane.prompt.setPlainText("save(fit)")
    qtbot.keyClick(pane.prompt, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: pane.text().rstrip().endswith("62"), timeout=5000)

    assert debugger.arguments("evaluate")["allowEffects"] is True


def test_answers_stand_below_their_questions(paused: Console, qtbot: QtBot) -> None:
    prompt = paused.console_pane.prompt
    prompt.setPlainText("fit + 36")
    qtbot.keyClick(prompt, Qt.Key.Key_Return)
    prompt.setPlainText("fit")
    qtbot.keyClick(prompt, Qt.Key.Key_Return)
    waiting = prompt.toPlainText()
    qtbot.waitUntil(lambda: prompt.is_ready, timeout=5000)
    qtbot.keyClick(prompt, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: prompt.is_ready, timeout=5000)

    assert waiting == "fit"
    assert paused.console_pane.text().split()[-8:] == ["total>", "fit", "+", "36", "62", "total>", "fit", "62"]


def test_condition_hits_and_message_are_edited_together(console: Console, qtbot: QtBot) -> None:
    console.breakpoints.set(SCORE, 6, condition="fit > 20")
    form = console.breakpoints_pane.form

    form.edit(console.breakpoints.of(SCORE)[0])
    assert form.field.text() == "fit > 20"
    form._kind.setCurrentIndex(1)
    form.field.setText("3")
    form._kind.setCurrentIndex(2)
    form.field.setText("fit is {fit}")
    qtbot.keyClick(form.field, Qt.Key.Key_Return)

    (breakpoint,) = console.breakpoints.of(SCORE)
    assert (breakpoint.condition, breakpoint.hit_condition, breakpoint.log_message) == (
        "fit > 20",
        "3",
        "fit is {fit}",
    )


def test_escape_leaves_a_breakpoint_as_it_was(console: Console, qtbot: QtBot) -> None:
    console.breakpoints.set(SCORE, 6, condition="fit > 20")
    form = console.breakpoints_pane.form

    form.edit(console.breakpoints.of(SCORE)[0])
    form.field.setText("nonsense")
    qtbot.keyClick(form.field, Qt.Key.Key_Escape)

    assert console.breakpoints.of(SCORE)[0].condition == "fit > 20"


def test_a_removed_breakpoint_comes_back_with_its_condition(console: Console, qtbot: QtBot) -> None:
    console.breakpoints.set(SCORE, 6, condition="fit > 20")
    pane = console.breakpoints_pane
    pane.view.setCurrentIndex(pane.model.index(0, 0))

    qtbot.keyClick(pane, Qt.Key.Key_Delete)
    assert console.breakpoints.all() == ()
    console.window.notifications.shown[-1].actions[0][1]()

    assert [one.condition for one in console.breakpoints.all()] == ["fit > 20"]


def test_breakpoints_of_all_kinds_come_back_at_the_next_start(open_console, qtbot: QtBot) -> None:
    first: Console = open_console()
    first.breakpoints.set(SCORE, 6, log_message="fit is {fit}")
    first.breakpoints_pane.form.function_entered.emit("Score.total")
    first.breakpoints.set_filters(frozenset({"raised"}))
    first.window.close()

    second: Console = open_console()

    assert [one.log_message for one in second.breakpoints.all()] == ["fit is {fit}"]
    assert [one.name for one in second.breakpoints.functions] == ["Score.total"]
    assert second.breakpoints.filters == {"raised"}


def test_the_value_under_the_mouse_is_shown(
    paused: Console, debugger: FakeDebugger, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _point, text, *_more: shown.append(text))

    editor_of(paused).hovered.emit(Hover(8, 17, QPoint(100, 100)))
    qtbot.waitUntil(lambda: bool(shown), timeout=5000)

    assert debugger.arguments("evaluate") == {"expression": "fit", "context": "hover", "frameId": 1}
    assert shown == ["fit = 62\nint"]


def test_names_are_offered_at_the_prompt(paused: Console, debugger: FakeDebugger, qtbot: QtBot) -> None:
    prompt = paused.console_pane.prompt
    paused.window.show_pane("console")
    prompt.setPlainText("1 + fi")
    prompt.moveCursor(prompt.textCursor().MoveOperation.End)

    qtbot.keyClick(prompt, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: bool(prompt.offered()), timeout=5000)
    assert prompt.offered() == ("fit", "field")
    qtbot.keyClicks(prompt, "t")
    qtbot.keyClick(prompt, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: debugger.commands().count("completions") == 2, timeout=5000)

    assert debugger.arguments("completions") == {"text": "1 + fit", "column": 8, "frameId": 1}
    assert prompt.toPlainText() == "1 + fit"


def test_an_exception_is_told_where_it_was_raised(
    console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    debugger.stop_reason, debugger.stop_text = "exception", "ValueError: no fit"
    describe(host, MARCUS)
    host.attach(debugger.address)

    console.actions.run("run.debug")
    wait_for_line(console, qtbot, 6)
    qtbot.waitUntil(lambda: 6 in editor_of(console).marks.notes(), timeout=5000)

    assert editor_of(console).marks.notes()[6] == "✕ ValueError: no fit"
    assert console._banner.text.startswith("Paused on exception: ValueError: no fit · total")


def test_the_editor_menu_offers_what_can_be_done_now(paused: Console, qtbot: QtBot) -> None:
    titles = [action.text().partition("\t")[0] for action in paused.editor_menu.build().actions()]
    assert {"Run to cursor", "Set next statement", "Step into a call of this line"} <= set(titles)

    paused.actions.run("run.stop")
    qtbot.waitUntil(lambda: paused.runs.state.phase is RunPhase.IDLE, timeout=5000)
    idle = [action.text().partition("\t")[0] for action in paused.editor_menu.build().actions()]

    assert "Run to cursor" not in idle
    assert {"Cut", "Copy", "Paste", "Toggle breakpoint"} <= set(idle)


def test_an_edit_while_paused_says_that_the_running_code_is_older(paused: Console, qtbot: QtBot) -> None:
    page = paused.editor.page(SCORE)
    assert page is not None

    qtbot.keyClicks(page.editor.focusProxy(), "x")
    assert page.stale_bar.isVisible()
    assert "The running code is older" in page.stale_bar.text
    paused.actions.run("run.stop")
    qtbot.waitUntil(lambda: paused.runs.state.phase is RunPhase.IDLE, timeout=5000)

    assert not page.stale_bar.isVisible()


def test_a_single_test_is_debugged_from_the_caret(
    console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot, project: Path
) -> None:
    path = "tests/test_score.py"
    (project / path).write_text("@test\nclass ScoreTest:\n    @test\n    def total(self):\n        assert True\n")
    describe(host, MARCUS)
    host.attach(debugger.address)
    console.editor.open(path, 5)
    qtbot.waitUntil(lambda: (page := console.editor.page(path)) is not None and bool(page.outline))

    console.actions.run("test.debug_current")
    wait_for_line(console, qtbot, 6)

    assert debugger.arguments("launch")["test"] == "tests/test_score.py::ScoreTest::total"


def test_a_recorded_run_is_walked_backwards(
    console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    debugger.stop_lines = [7, 6]
    describe(host, MARCUS)
    host.attach(debugger.address)
    console.controller.choose_recording(True)

    console.actions.run("run.debug")
    wait_for_line(console, qtbot, 7)
    back = console.window.top_bar.controls.findChild(QToolButton, "run.step_back")
    assert back is not None and back.isVisible()
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    wait_for_line(console, qtbot, 6)

    assert debugger.arguments("launch")["recordStatements"] is True
    assert console._banner.text.startswith("Looking back")


def test_a_run_that_is_not_recorded_offers_no_way_back(paused: Console) -> None:
    back = paused.window.top_bar.controls.findChild(QToolButton, "run.step_back")

    assert back is not None and not back.isVisible()
    assert not paused.actions.is_enabled("run.step_back")


def test_a_checkpoint_is_told_and_counted_without_a_stop(
    console: Console, host: FakeHostLink, debugger: FakeDebugger, qtbot: QtBot
) -> None:
    console.editor.open(SCORE, 7)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    qtbot.keyClick(console.window, Qt.Key.Key_F9, Qt.KeyboardModifier.ShiftModifier)
    debugger.checkpoints = [7]
    describe(host, MARCUS)
    host.attach(debugger.address)

    console.actions.run("run.debug")
    wait_for_line(console, qtbot, 6)

    assert debugger.arguments("setBreakpoints")["breakpoints"] == [{"line": 7, "checkpoint": True}]
    assert '⚑ total   fit = 26   File "classes/score.py", line 7' in console.console_pane.text()
    assert rows(console)[0] == ("score.py", "7  ×1")
