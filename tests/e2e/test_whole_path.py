"""The whole job in the real window, offscreen: open, edit, run, watch, stop on a line, test, deploy, roll back.

Nothing is replaced: the console starts the project's host as a child process, which starts workers; the staging
environment is a second process.
"""

from __future__ import annotations

import datetime as dt
import shutil
import socket
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QTableView, QWidget
from pyside6_scintilla import ScintillaEdit
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core.folders import Folders
from circuit_console.core.run_state import RunPhase
from circuit_console.core.session import Settings
from circuit_console.core.theme import Appearance
from circuit_console.widgets.theme import Theme
from circuit_link.env_client import EnvironmentClient
from circuit_log.limits import LimitName

SCORE = "classes/virtual_lpr.py"
MODEL = "classes/scoring_model.py"
MOMENT = dt.datetime(2025, 11, 13, 17, 45, 23, tzinfo=dt.UTC)
PATIENCE_MS = 20_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    target = tmp_path / "VirtualLPR"
    with as_file(files("circuit_resources") / "samples" / "virtual_lpr") as source:
        shutil.copytree(source, target)
    # A port of its own, so that nothing else on this machine is in the way.
    settings = target / "circuit.toml"
    settings.write_text(settings.read_text().replace(":8100", f":{free_port()}"))
    return target


@pytest.fixture
def console(qapp: QApplication, qtbot: QtBot, project: Path, tmp_path: Path) -> Iterator[Console]:
    theme = Theme(Appearance.DARK)
    theme.apply(qapp)
    opened = Console(theme, Folders(state=tmp_path / "state", data=tmp_path / "data"), Settings(), project)
    described: list[hp.ProjectDescription] = []
    opened.host.project_described.connect(described.append)
    opened.show()
    qtbot.waitExposed(opened.window)
    qtbot.waitUntil(lambda: bool(described), timeout=PATIENCE_MS)
    assert described[0].problems == ()
    yield opened
    with qtbot.waitSignal(opened.closed, timeout=PATIENCE_MS):
        opened.window.close()
    opened.window.deleteLater()
    opened.deleteLater()


def line_of(project: Path, path: str, text: str) -> int:
    lines = (project / path).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def finished(console: Console, qtbot: QtBot, command: str) -> hp.RunResult:
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        console.actions.run(command)
    result: hp.RunResult = ended.args[0].result
    return result


def query(console: Console, qtbot: QtBot, soql: str) -> list[dict[str, object]]:
    answers: list[hp.HostToClient] = []
    console.host.ask(lambda number: hp.RunQuery(request=number, text=soql), answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=PATIENCE_MS)
    assert isinstance(answers[0], hp.QueryAnswered), answers[0]
    return answers[0].rows


def shown_rows(console: Console, qtbot: QtBot, soql: str) -> list[list[str]]:
    """What the query pane's table shows, as a person reads it."""
    console.window.show_activity("query")
    view = console.query.findChild(QTableView)
    assert view is not None
    console.query.show_query(soql)
    with qtbot.waitSignal(view.model().modelReset, timeout=PATIENCE_MS):
        console.query.run()
    model = view.model()
    columns = range(model.columnCount())
    return [[str(model.index(row, column).data()) for column in columns] for row in range(model.rowCount())]


def click_margin(console: Console, qtbot: QtBot, line: int) -> None:
    """A click left of the line, in the margin of breakpoints."""
    page = console.editor.current_page
    assert page is not None
    view = page.editor.focusProxy()
    assert isinstance(view, ScintillaEdit)
    y = view.pointYFromPosition(view.positionFromLine(line - 1)) + view.textHeight(line - 1) // 2
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(9, y))


def test_a_run_is_watched_committed_and_changed_by_an_edited_weight(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    seen: list[int] = []
    console.host.events_emitted.connect(lambda message: seen.append(len(message.events)))
    console.controller.choose_configuration("marcus")

    rolled_back = finished(console, qtbot, "run.plain")
    assert rolled_back.outcome == "success"
    assert not rolled_back.committed
    assert query(console, qtbot, "SELECT id FROM Contact") == []
    assert sum(seen) > 20
    store = console.run_log.store
    assert store is not None
    assert len(store.rows) > 20
    assert len(store.frames) > 3

    console.controller.choose_commit(True)
    finished(console, qtbot, "run.plain")
    scores = "SELECT name, vlpr_score, vlpr_grade FROM Contact"
    assert shown_rows(console, qtbot, scores) == [["Marcus Thompson", "78", "A"]]
    assert shown_rows(console, qtbot, "SELECT subject FROM Task") == [["IMMEDIATE_FOLLOWUP"]]

    line = line_of(project, MODEL, "called: int = 18")
    console.editor.open(MODEL, line)
    qtbot.waitUntil(lambda: console.editor.current_path == MODEL)
    page = console.editor.current_page
    assert page is not None
    page.editor.replace_text(page.editor.text().replace("called: int = 18", "called: int = 10"))
    assert page.editor.is_modified
    console.controller.choose_configuration("marcus_update")
    finished(console, qtbot, "run.plain")
    assert "called: int = 10" in (project / MODEL).read_text()
    # Of the 83 points that this update makes with a weight of 18.
    assert shown_rows(console, qtbot, scores) == [["Marcus Thompson", "75", "A"]]


def test_f5_stops_on_the_chosen_line_with_its_values_and_steps(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    line = line_of(project, SCORE, "total = 0 if reason")
    console.editor.open(SCORE, line)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    click_margin(console, qtbot, line)
    assert [(one.path, one.line) for one in console.breakpoints.all()] == [(SCORE, line)]
    console.controller.choose_configuration("marcus")

    qtbot.keyClick(console.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.PAUSED, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "income" in console.variables.model.values_of("Locals"), timeout=PATIENCE_MS)
    page = console.editor.page(SCORE)
    assert page is not None
    assert page.editor.marks.execution_line == line
    assert console.variables.model.values_of("Locals")["income"] == "87450"
    assert [frame.name for frame in console.debug.stack if frame.is_label] == ["Contact afterInsert · 1 record"]

    qtbot.keyClick(console.window, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: page.editor.marks.execution_line == line + 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: console.variables.model.values_of("Locals").get("total") == "78", timeout=PATIENCE_MS)
    click_margin(console, qtbot, line)
    assert console.breakpoints.all() == ()
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        qtbot.keyClick(console.window, Qt.Key.Key_F5)

    assert ended.args[0].result.outcome == "success"
    assert page.editor.marks.execution_line == 0


def test_a_recorded_run_is_walked_backwards_also_after_its_end(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    line = line_of(project, SCORE, "total = 0 if reason")
    console.editor.open(SCORE, line)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    page = console.editor.page(SCORE)
    assert page is not None
    console.breakpoints.toggle_checkpoint(SCORE, line - 1)
    console.breakpoints.toggle(SCORE, line + 1)
    console.controller.choose_configuration("marcus")
    console.controller.choose_recording(True)

    def looks_back() -> bool:
        stop = console.debug.stop_reason
        return stop is not None and stop.is_recorded and console.debug.frame is not None

    qtbot.keyClick(console.window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: page.editor.marks.execution_line == line + 1, timeout=PATIENCE_MS)
    assert not looks_back()
    # What ran last was in the calls that this line made; before them comes the line itself.
    for _ in range(3):
        with qtbot.waitSignal(console.debug.frame_selected, timeout=PATIENCE_MS):
            qtbot.keyClick(console.window, Qt.Key.Key_F10, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: page.editor.marks.execution_line == line, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "total" not in console.variables.model.values_of("Locals"), timeout=PATIENCE_MS)
    assert looks_back()
    console.breakpoints.toggle(SCORE, line + 1)
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        for _ in range(2):  # to where the script stands, and on to its end
            qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.PAUSED, timeout=PATIENCE_MS)
            qtbot.keyClick(console.window, Qt.Key.Key_F5)
    qtbot.waitUntil(looks_back, timeout=PATIENCE_MS)
    console.actions.run("run.stop")
    qtbot.waitUntil(lambda: console.runs.state.phase is RunPhase.IDLE, timeout=PATIENCE_MS)

    assert ended.args[0].result.outcome == "success"
    assert "⚑ VirtualLPR._score" in console.console_pane.text()


def test_the_gauges_rise_during_the_run_and_a_loop_can_be_stopped(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    (project / "loop.py").write_text(
        "import time\n"
        "from circuitos import CircuitDB\n"
        "for number in range(5):\n"
        "    time.sleep(0.15)\n"
        "    CircuitDB.query('SELECT id FROM Contact')\n"
        "while True:\n"
        "    pass\n"
    )
    used: list[str] = []
    card = console.governor.card(LimitName.QUERIES)
    console.run_log.appended.connect(lambda _appended: used.append(card.accessibleName()))
    console.editor.open("loop.py", 1)
    qtbot.waitUntil(lambda: console.editor.current_path == "loop.py")
    console.controller.choose_configuration("")

    console.actions.run("run.plain")
    qtbot.waitUntil(lambda: "5 of 100" in card.accessibleName(), timeout=PATIENCE_MS)
    assert console.runs.state.phase is RunPhase.RUNNING
    assert len({text for text in used if " of 100" in text}) > 2, used
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        console.actions.run("run.stop")

    result = ended.args[0].result
    assert result.outcome == "killed"
    assert result.error is not None
    assert (result.error.file, result.error.line in (6, 7)) == ("loop.py", True)


def test_tests_run_and_uncovered_lines_are_marked(console: Console, qtbot: QtBot, project: Path) -> None:
    source = project / MODEL
    source.write_text(f"{source.read_text()}\n\ndef never_called():\n    return 0\n")
    uncovered = line_of(project, MODEL, "return 0")
    console.editor.open(MODEL, uncovered)
    qtbot.waitUntil(lambda: console.editor.current_path == MODEL)
    page = console.editor.current_page
    assert page is not None
    console.window.show_activity("tests")

    console.actions.run("test.all")
    qtbot.waitUntil(lambda: bool(page.editor.marks.covered_lines()), timeout=PATIENCE_MS)

    assert page.editor.marks.uncovered_lines() == (uncovered,)
    summary = console.tests.model.summary()
    assert (summary.failed, summary.errors, summary.passed) == (0, 0, summary.total)
    coverage = console.tests.coverage
    assert coverage is not None
    assert coverage.percent > 75


def press(within: QWidget, text: str, qtbot: QtBot) -> None:
    """Click the button whose text starts so, once it can be clicked."""

    def found() -> QPushButton | None:
        buttons = within.findChildren(QPushButton)
        return next(
            (one for one in buttons if one.text().startswith(text) and one.isVisible() and one.isEnabled()), None
        )

    qtbot.waitUntil(lambda: found() is not None, timeout=PATIENCE_MS)
    button = found()
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def address_and_token(console: Console) -> tuple[str, str]:
    """Of the staging environment; the token as the pane itself reads it."""
    view = console.environments.current
    assert view is not None
    return view.url, console.tokens.read(view.url) or ""


class Staging:
    """The environment as its own users see it: it takes events and answers queries."""

    def __init__(self, url: str, token: str) -> None:
        self._client = EnvironmentClient(url, token)

    def deliver(self, project: Path) -> None:
        payload = (project / "events/marcus_create.json").read_bytes()
        self._run(hp.EventEntry(source="ghl", path="events/marcus_create.json", payload=payload))

    def score(self) -> int:
        self._run(
            hp.ExecEntry(
                path="rescore.py",
                text="from circuitos import CircuitDB, CircuitScript\n"
                "rows = CircuitDB.query('SELECT FIELDS(ALL) FROM Contact LIMIT 200')\n"
                "CircuitDB.update('Contact', CircuitScript.invoke('VirtualLPR.score_leads', rows))\n",
            )
        )
        return int(self._client.query("SELECT vlpr_score FROM Contact").rows[0]["vlpr_score"])

    def close(self) -> None:
        self._client.close()

    def _run(self, entry: hp.EventEntry | hp.ExecEntry) -> None:
        result = self._client.run(hp.RunRequest(entry=entry, commit=True, now=MOMENT))
        assert result.outcome == "success", result.error


def deploy(console: Console, qtbot: QtBot) -> str:
    """Press Deploy and wait for the end, which is SUCCEEDED or FAILED."""
    press(console.deploy, "Deploy to staging", qtbot)
    return end_of_deployment(console, qtbot)


def end_of_deployment(console: Console, qtbot: QtBot) -> str:
    def is_over() -> bool:
        view = console.environments.current
        return bool(view and not view.is_busy and view.deployment)

    qtbot.waitUntil(is_over, timeout=3 * PATIENCE_MS)
    view = console.environments.current
    assert view is not None
    assert view.deployment is not None
    return str(view.deployment.state)


def current_release(console: Console) -> str:
    view = console.environments.current
    assert view is not None
    assert view.status is not None
    return view.status.release


def raise_weight(project: Path) -> None:
    """Marcus gets 80 instead of 78."""
    model = project / MODEL
    model.write_text(model.read_text().replace("called: int = 18", "called: int = 20"))


def expect_raised_weight(project: Path) -> None:
    changes = {
        '(78, "A"': '(80, "A"',
        "36, 16)": "38, 16)",
        '"intent": 36': '"intent": 38',
        "== 72": "== 74",
        "== (72,": "== (74,",
        "total == 78": "total == 80",
    }
    for path in (project / "tests").glob("*.py"):
        text = path.read_text()
        for before, after in changes.items():
            text = text.replace(before, after)
        path.write_text(text)


def test_deploy_to_staging_and_roll_back(
    console: Console, qtbot: QtBot, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The token is kept for this session alone, whatever keyring this machine has.
    monkeypatch.setattr("circuit_link.credentials.system_keyring", lambda: None)
    monkeypatch.delenv("CIRCUIT_TOKEN", raising=False)
    environments = console.environments
    lines: list[str] = []
    environments.line_added.connect(lambda line: lines.append(line.text))
    console.window.show_perspective("deploy")
    press(console.deploy, "Start it for me", qtbot)
    press(console.deploy, "Only for now", qtbot)

    assert deploy(console, qtbot) == "SUCCEEDED"
    first = current_release(console)
    staging = Staging(*address_and_token(console))
    staging.deliver(project)
    assert staging.score() == 78

    raise_weight(project)
    assert deploy(console, qtbot) == "FAILED"
    assert console.deploy.page.outcome_words() == f"Nothing was changed: staging still runs {first[:12]}."
    assert any("failed" in line for line in lines), lines
    assert (current_release(console), staging.score()) == (first, 78)

    expect_raised_weight(project)
    assert deploy(console, qtbot) == "SUCCEEDED"
    assert current_release(console) != first
    assert staging.score() == 80

    press(console.deploy, f"Roll back to {first[:12]}", qtbot)
    console.deploy.page.confirmation.confirm()
    assert end_of_deployment(console, qtbot) == "SUCCEEDED"
    assert (current_release(console), staging.score()) == (first, 78)
    assert any("tests" in line for line in lines)
    staging.close()
