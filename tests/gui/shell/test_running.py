"""Running and debugging from the window, with a fake host and a fake debugger."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core.run_state import RunPhase
from circuit_console.services.debug_session import DebugState
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_link.errors import UserFacingError

SCORE = "classes/score.py"
MARCUS = hp.RunConfiguration(name="marcus", kind="event", file="events/marcus.json")


def _describe(host: FakeHostLink) -> None:
    project = hp.ProjectDescription(
        name="lead-scoring",
        root=str(host.project_root),
        profile="circuit",
        objects=(),
        triggers=(),
        tests=(),
        run_configurations=(MARCUS,),
        environments=(hp.EnvironmentRef(name="staging", url="http://127.0.0.1:8100"),),
        problems=(),
    )
    host.handle(hp.ProjectDescribed(request=0, project=project))


def _started(request: int | None, mode: hp.Mode = "plain") -> hp.RunStarted:
    return hp.RunStarted(
        request=request,
        run_id="r1",
        mode=mode,
        title="marcus",
        started_at=dt.datetime(2025, 11, 13, tzinfo=dt.UTC),
        limits=(),
        log_levels="",
    )


def _finished(
    request: int | None, outcome: hp.Outcome = "success", error: hp.RunError | None = None
) -> hp.RunFinished:
    result = hp.RunResult(
        run_id="r1", outcome=outcome, error=error, exit_code=0, stdout="", limits={}, duration_ms=12.0, log=""
    )
    return hp.RunFinished(request=request, run_id="r1", result=result)


def test_a_plain_run_goes_through_its_phases(console: Console, host: FakeHostLink, qtbot: QtBot) -> None:
    _describe(host)
    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: any(isinstance(one, hp.StartRun) for one in host.asked))
    message = host.last(hp.StartRun)
    assert isinstance(message, hp.StartRun)

    assert console.runs.state.phase is RunPhase.STARTING
    host.handle(_started(message.request))
    assert console.runs.state.phase is RunPhase.RUNNING
    assert console.window.status.text("run") == "Running"
    host.handle(hp.OutputEmitted(run_id="r1", stream="stdout", text="hot lead\n"))
    host.handle(_finished(message.request))

    assert console.runs.state.phase is RunPhase.IDLE
    assert isinstance(message.run.entry, hp.EventEntry)
    assert message.run.entry.payload == b"{}"
    assert not message.run.commit
    assert "hot lead" in console.console_pane.text()
    assert "success in 12 ms, rolled back" in console.console_pane.text()


def test_unsaved_text_is_saved_before_it_runs(
    console: Console, host: FakeHostLink, qtbot: QtBot, project: Path
) -> None:
    _describe(host)
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    page = console.editor.current_page
    assert page is not None
    qtbot.keyClicks(page.editor.focusProxy(), "# ")

    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: any(isinstance(one, hp.StartRun) for one in host.asked))

    assert (project / SCORE).read_text().startswith("# ")


def test_a_failed_run_says_where_and_opens_it(console: Console, host: FakeHostLink, qtbot: QtBot) -> None:
    _describe(host)
    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: any(isinstance(one, hp.StartRun) for one in host.asked))
    request = host.last(hp.StartRun).request
    host.handle(_started(request))
    error = hp.RunError(type="GovernorLimitException", message="Too many queries: 101", file=SCORE, line=6)

    host.handle(_finished(request, "limit", error))
    notice = console.window.notifications.shown[-1]
    notice.actions[0][1]()
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)

    page = console.editor.current_page
    assert page is not None
    assert "Too many queries: 101" in notice.text
    assert page.editor.caret().line == 6


def test_stop_ends_a_run_by_its_id(console: Console, host: FakeHostLink, qtbot: QtBot) -> None:
    _describe(host)
    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: any(isinstance(one, hp.StartRun) for one in host.asked))
    request = host.last(hp.StartRun).request
    host.handle(_started(request))

    console.actions.run("run.stop")
    stop = host.last(hp.StopRun)
    assert isinstance(stop, hp.StopRun)

    assert stop.run_id == "r1"
    assert console.runs.state.phase is RunPhase.STOPPING
    host.handle(_finished(request, "killed"))
    assert console.runs.state.phase is RunPhase.IDLE


@pytest.mark.parametrize(("enforced", "text"), [(True, "Sandboxed"), (False, "Sandbox lacks 1")])
def test_the_status_bar_tells_whether_scripts_are_held(
    console: Console, host: FakeHostLink, enforced: bool, text: str
) -> None:
    host.attach()
    request = host.last(hp.Diagnose).request
    guarantee = hp.Guarantee(name="no_network", enforced=enforced)

    host.handle(
        hp.Diagnosed(request=request, report=hp.DoctorReport(guarantees=(guarantee,), versions={}, missing=()))
    )

    assert console.window.status.text("sandbox") == text


def test_a_lost_host_ends_the_run_and_is_told(console: Console, host: FakeHostLink, qtbot: QtBot) -> None:
    _describe(host)
    host.attach()
    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: any(isinstance(one, hp.StartRun) for one in host.asked))
    host.handle(_started(host.last(hp.StartRun).request))

    host._on_ended(UserFacingError("The project's host ended unexpectedly.", code="HOST_GONE"))

    assert console.runs.state.phase is RunPhase.IDLE
    assert console.window.status.text("runtime") == "Runtime not connected"
    assert "ended unexpectedly" in console.window.notifications.shown[-1].text


def test_f5_stops_on_the_line_shows_values_steps_and_ends(
    console: Console, host: FakeHostLink, debugger, qtbot: QtBot
) -> None:
    debugger.stop_lines = [6, 7]
    _describe(host)
    host.attach(debugger.address)
    console.breakpoints.toggle(SCORE, 6)

    qtbot.keyClick(console.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: console.debug.frame is not None, timeout=5000)
    qtbot.waitUntil(lambda: console.variables.model.values_of("Locals") == {"fit": "26"}, timeout=5000)
    page = console.editor.page(SCORE)
    assert page is not None

    assert console.runs.state.phase is RunPhase.PAUSED
    assert console.window.perspective == "debug"
    assert page.editor.marks.execution_line == 6
    assert console._banner.text == "Paused on breakpoint: total · score.py line 6"
    assert debugger.arguments("launch")["event"] == "events/marcus.json"
    assert debugger.arguments("setBreakpoints")["breakpoints"] == [{"line": 6}]
    assert console.breakpoints.of(SCORE)[0].is_verified is True
    assert console.window.rail.button("debug").badge == ("paused", "")

    qtbot.keyClick(console.window, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: page.editor.marks.execution_line == 7, timeout=5000)
    qtbot.waitUntil(lambda: page.editor.marks.notes().get(6) == "fit = 26", timeout=5000)
    qtbot.keyClick(console.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.IDLE, timeout=5000)

    assert page.editor.marks.execution_line == 0
    assert page.editor.marks.notes() == {}
    assert console.breakpoints.of(SCORE)[0].is_verified is None


def test_a_value_is_changed_in_place_and_marked(
    console: Console, host: FakeHostLink, debugger, qtbot: QtBot
) -> None:
    _describe(host)
    host.attach(debugger.address)
    model = console.variables.model
    console.actions.run("run.debug")
    qtbot.waitUntil(lambda: model.values_of("Locals") == {"fit": "26"}, timeout=5000)

    index = model.index_of_key(("Locals", "fit"))
    model.setData(index.siblingAtColumn(1), "40")
    qtbot.waitUntil(lambda: model.values_of("Locals") == {"fit": "40"}, timeout=5000)

    node = model.node(model.index_of_key(("Locals", "fit")))
    assert debugger.arguments("setVariable") == {"variablesReference": 7, "name": "fit", "value": "40"}
    assert node is not None and node.changed


def test_watches_and_the_console_evaluate_in_the_frame(
    console: Console, host: FakeHostLink, debugger, qtbot: QtBot
) -> None:
    _describe(host)
    host.attach(debugger.address)
    console.actions.run("run.debug")
    qtbot.waitUntil(
        lambda: console.debug.state is DebugState.PAUSED and console.debug.frame is not None, timeout=5000
    )

    console.variables.add_watch("fit + intent")
    qtbot.waitUntil(lambda: console.variables.model.values_of("Watch") == {"fit + intent": "62"}, timeout=5000)
    console.console_pane.prompt.setPlainText("fit + 36")
    qtbot.keyClick(console.console_pane.prompt, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "62" in console.console_pane.text(), timeout=5000)

    assert "total> fit + 36" in console.console_pane.text()
    assert debugger.arguments("evaluate")["frameId"] == 1


def test_stopping_a_debugged_run_ends_the_session(
    console: Console, host: FakeHostLink, debugger, qtbot: QtBot
) -> None:
    _describe(host)
    host.attach(debugger.address)
    console.actions.run("run.debug")
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.PAUSED, timeout=5000)

    console.actions.run("run.stop")
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.IDLE, timeout=5000)

    assert console.debug.state is DebugState.INACTIVE
    assert "terminate" in debugger.commands()


def test_a_debugger_that_does_not_listen_is_told(
    console: Console, host: FakeHostLink, qtbot: QtBot, tmp_path: Path
) -> None:
    _describe(host)
    host.attach(str(tmp_path / "nobody"))

    console.actions.run("run.debug")
    qtbot.waitUntil(lambda: bool(console.window.notifications.shown), timeout=5000)

    assert "the debugger does not listen" in console.window.notifications.shown[-1].text
    assert console.runs.state.phase is RunPhase.IDLE


def test_a_breakpoint_set_while_paused_reaches_the_debugger(
    console: Console, host: FakeHostLink, debugger, qtbot: QtBot
) -> None:
    _describe(host)
    host.attach(debugger.address)
    console.actions.run("run.debug")
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.PAUSED, timeout=5000)

    console.breakpoints.toggle(SCORE, 8)
    qtbot.waitUntil(lambda: "setBreakpoints" in debugger.commands(), timeout=5000)

    assert debugger.arguments("setBreakpoints")["breakpoints"] == [{"line": 8}]
