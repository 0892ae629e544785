"""The whole job in the real window, offscreen: open, edit, run, watch, stop on a line, test, deploy, roll back.

Nothing is replaced: the console starts the project's host as a child process, which starts workers; the staging
environment is a second process.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core.folders import Folders
from circuit_console.core.run_state import RunPhase
from circuit_console.core.session import Settings
from circuit_console.core.theme import Appearance
from circuit_console.widgets.theme import Theme
from circuit_log.limits import LimitName

SCORE = "classes/virtual_lpr.py"
MODEL = "classes/scoring_model.py"
MARCUS = "SELECT name, vlpr_score, vlpr_grade, (SELECT subject FROM tasks) FROM Contact"
PATIENCE_MS = 20_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    target = tmp_path / "VirtualLPR"
    with as_file(files("circuit_resources") / "samples" / "virtual_lpr") as source:
        shutil.copytree(source, target)
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
    (row,) = query(console, qtbot, MARCUS)
    assert (row["name"], row["vlpr_score"], row["vlpr_grade"]) == ("Marcus Thompson", 78, "A")
    assert [task["subject"] for task in row["tasks"]] == ["IMMEDIATE_FOLLOWUP"]  # type: ignore[attr-defined]

    line = line_of(project, MODEL, "called: int = 18")
    console.editor.open(MODEL, line)
    qtbot.waitUntil(lambda: console.editor.current_path == MODEL)
    page = console.editor.current_page
    assert page is not None
    page.editor.replace_text(page.editor.text().replace("called: int = 18", "called: int = 10"))
    assert page.editor.is_modified
    console.controller.choose_configuration("marcus_update")
    finished(console, qtbot, "run.plain")
    (changed,) = query(console, qtbot, "SELECT vlpr_score FROM Contact")
    assert "called: int = 10" in (project / MODEL).read_text()
    assert changed["vlpr_score"] != 78


def test_f5_stops_on_the_chosen_line_with_its_values_and_steps(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    line = line_of(project, SCORE, "total = 0 if reason")
    console.editor.open(SCORE, line)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    console.breakpoints.toggle(SCORE, line)
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
    console.breakpoints.toggle(SCORE, line)
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        qtbot.keyClick(console.window, Qt.Key.Key_F5)

    assert ended.args[0].result.outcome == "success"
    assert page.editor.marks.execution_line == 0


def test_the_gauges_rise_during_the_run_and_a_loop_can_be_stopped(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    (project / "loop.py").write_text(
        "from circuitos import CircuitDB\n"
        "for number in range(5):\n"
        "    CircuitDB.query('SELECT id FROM Contact')\n"
        "while True:\n"
        "    pass\n"
    )
    console.editor.open("loop.py", 1)
    qtbot.waitUntil(lambda: console.editor.current_path == "loop.py")
    console.controller.choose_configuration("")

    console.actions.run("run.plain")
    qtbot.waitUntil(
        lambda: "5 of 100" in console.governor.card(LimitName.QUERIES).accessibleName(), timeout=PATIENCE_MS
    )
    assert console.runs.state.phase is RunPhase.RUNNING
    with qtbot.waitSignal(console.runs.finished, timeout=PATIENCE_MS) as ended:
        console.actions.run("run.stop")

    result = ended.args[0].result
    assert result.outcome == "killed"
    assert result.error is not None
    assert (result.error.file, result.error.line in (4, 5)) == ("loop.py", True)
