"""The window on a project: files, tabs, saving, layout, commands, memory."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core import text_files
from circuit_console.core.run_state import RunPhase, RunState
from circuit_console.core.theme import Appearance
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.widgets.diff_view import DiffView
from circuit_console.widgets.theme import Theme

SCORE = "classes/score.py"


def _open(qtbot: QtBot, console: Console, path: str = SCORE, line: int = 0) -> None:
    console.editor.open(path, line)
    qtbot.waitUntil(lambda: console.editor.current_path == path)


def _type(qtbot: QtBot, console: Console, text: str) -> None:
    page = console.editor.current_page
    assert page is not None
    qtbot.keyClicks(page.editor.focusProxy(), text)


def test_the_regions_have_the_sizes_of_the_picture(console: Console, qtbot: QtBot) -> None:
    window = console.window
    window.resize(1440, 900)
    window.show_perspective("debug")

    qtbot.waitUntil(lambda: window._bottom.height() == 328)

    assert window.top_bar.height() == 46
    assert window.rail.width() == 64
    assert window._side.width() == 256
    assert window._inspector.width() == 314
    assert window.status.height() == 26
    assert console.editor._tabs.height() == 37
    assert console.editor._breadcrumb.height() == 26


def test_a_file_opens_is_edited_and_saved(console: Console, qtbot: QtBot, project: Path) -> None:
    _open(qtbot, console, line=1)

    _type(qtbot, console, "# ")
    assert console.editor.is_dirty(SCORE)
    assert console.window.status.text("saved") == "Unsaved"
    with qtbot.waitSignal(console.documents.saved, timeout=3000):
        console.actions.run("file.save")

    assert (project / SCORE).read_text().startswith('# """Score')
    assert not console.editor.is_dirty(SCORE)
    assert console.window.status.text("saved") == "Saved"


def test_a_full_disk_is_told_and_loses_nothing(
    console: Console, qtbot: QtBot, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (project / SCORE).read_text()
    _open(qtbot, console, line=1)
    _type(qtbot, console, "# ")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(text_files.os, "fsync", full)
    with qtbot.waitSignal(console.documents.save_failed, timeout=3000):
        console.actions.run("file.save")

    assert (project / SCORE).read_text() == before
    assert console.editor.is_dirty(SCORE)
    assert "the disk is full" in console.window.notifications.shown[-1].text


def test_a_clean_text_follows_the_disk_and_a_changed_one_asks(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    _open(qtbot, console)
    page = console.editor.current_page
    assert page is not None

    (project / SCORE).write_text("new = 1\n")
    console.editor.compare_with_disk((SCORE,))
    qtbot.waitUntil(lambda: page.editor.text() == "new = 1\n")
    _type(qtbot, console, "x")
    (project / SCORE).write_text("other = 2\n")
    console.editor.compare_with_disk((SCORE,))
    qtbot.waitUntil(lambda: page.disk_bar.isVisible())

    assert "changed on disk" in page.disk_bar.text
    assert "new = 1" in page.editor.text()


def test_a_text_and_its_changed_file_are_compared_before_one_is_chosen(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    _open(qtbot, console, line=1)
    page = console.editor.current_page
    assert page is not None
    _type(qtbot, console, "# mine ")
    (project / SCORE).write_text((project / SCORE).read_text().replace("intent = 36", "intent = 40"))
    console.editor.compare_with_disk((SCORE,))
    qtbot.waitUntil(lambda: page.disk_bar.isVisible())

    def press(title: str) -> None:
        buttons = page.disk_bar.findChildren(QPushButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        next(button for button in reversed(buttons) if button.text() == title).click()

    press("Compare")
    qtbot.waitUntil(lambda: page.shows_differences)
    shown = page.findChildren(DiffView)[0].toPlainText()
    assert "+ # mine" in shown
    assert "- " in shown and "intent = 40" in shown
    assert (page.editor.isVisible(), page.disk_bar.isVisible()) == (False, True)
    assert page.disk_bar.text == f"{SCORE}: - is on disk, + is yours"

    press("Back to the text")
    assert (page.editor.isVisible(), page.disk_bar.isVisible(), page.shows_differences) == (True, True, False)

    press("Keep mine")
    qtbot.waitUntil(lambda: (project / SCORE).read_text().startswith("# mine"))
    qtbot.waitUntil(lambda: not page.disk_bar.isVisible())


def test_unsaved_text_comes_back_at_the_next_start(open_console, qtbot: QtBot, project: Path) -> None:
    first = open_console()
    _open(qtbot, first, line=1)
    _type(qtbot, first, "# mine ")
    first.breakpoints.toggle(SCORE, 6)
    first.window.close()

    second = open_console()
    qtbot.waitUntil(lambda: second.editor.is_dirty(SCORE))

    page = second.editor.page(SCORE)
    assert page is not None
    assert page.editor.text().startswith("# mine ")
    assert (project / SCORE).read_text().startswith('"""Score')
    assert [one.line for one in second.breakpoints.of(SCORE)] == [6]
    assert "Restored 1 unsaved file" in second.window.notifications.kept[-1].text


def test_a_closed_tab_with_changes_can_be_taken_back(console: Console, qtbot: QtBot) -> None:
    _open(qtbot, console, line=1)
    _type(qtbot, console, "# mine ")

    console.actions.run("file.close")
    notice = console.window.notifications.shown[-1]
    assert console.editor.current_path == ""
    notice.actions[0][1]()
    qtbot.waitUntil(lambda: console.editor.is_dirty(SCORE))

    page = console.editor.page(SCORE)
    assert page is not None and page.editor.text().startswith("# mine ")


def test_a_syntax_error_is_shown_at_its_line(console: Console, qtbot: QtBot) -> None:
    _open(qtbot, console, line=1)
    page = console.editor.current_page
    assert page is not None

    page.editor.replace_text("def f(:\n    pass\n")
    qtbot.waitUntil(lambda: 1 in page.editor.marks.notes())

    assert page.editor.marks.notes()[1].startswith("✕ ")


def test_the_breadcrumb_names_class_and_method(console: Console, qtbot: QtBot) -> None:
    _open(qtbot, console, line=7)

    qtbot.waitUntil(lambda: console.editor._breadcrumb.texts()[-1] == "total")

    assert console.editor._breadcrumb.texts() == ("classes", "score.py", "Score", "total")


def test_coverage_colours_lines_and_tells_the_method(console: Console, host: FakeHostLink, qtbot: QtBot) -> None:
    _open(qtbot, console, line=7)
    page = console.editor.current_page
    assert page is not None
    qtbot.waitUntil(lambda: bool(page.outline))
    file = hp.FileCoverage(path=SCORE, covered=3, total=4, missing=(8,), hit=(5, 6, 7))
    coverage = hp.CoverageReport(covered=3, total=4, percent=75.0, files=(file,))

    host.handle(
        hp.TestsFinished(
            request=9, report=hp.TestReport(passed=14, failed=1, errors=0, tests=(), coverage=coverage)
        )
    )

    assert page.editor.marks.uncovered_lines() == (8,)
    assert page.editor.marks.covered_lines() == (5, 6, 7)
    assert console.editor._breadcrumb._coverage.text() == "75 % covered"
    assert console.window.status.text("tests") == "14 passed, 1 failed"
    console.actions.run("test.coverage")
    assert page.editor.marks.covered_lines() == ()


def test_every_command_can_be_found_and_no_key_is_given_twice(console: Console) -> None:
    commands = console.actions.commands

    keys = [key for command in commands for key in command.keys]

    assert len(keys) == len(set(keys))
    assert not {"Esc", "Tab", "Return", "Enter"} & set(keys)
    assert all(command.title for command in commands)


def test_go_to_file_offers_the_closest_first_and_opens_it(console: Console, qtbot: QtBot) -> None:
    console.actions.run("go.file")
    box = console.window.palette_box

    qtbot.keyClicks(box._field, "score")
    assert box.titles()[0] == "score.py"
    qtbot.keyClick(box._field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)

    assert not box.isVisible()


def test_the_palette_runs_commands(console: Console, qtbot: QtBot) -> None:
    shown = console.window._bottom.isVisible()
    console.actions.run("go.command")

    qtbot.keyClicks(console.window.palette_box._field, "view bottom")
    qtbot.keyClick(console.window.palette_box._field, Qt.Key.Key_Return)

    assert console.window._bottom.isVisible() is not shown


def test_each_perspective_keeps_what_the_user_changed(console: Console) -> None:
    window = console.window
    window.show_perspective("debug")
    window.toggle_side()

    window.show_perspective("edit")
    shown_in_edit = window._side.isVisible()
    window.show_perspective("debug")

    assert shown_in_edit
    assert not window._side.isVisible()
    console.actions.run("layout.reset")
    assert window._side.isVisible()


def test_a_theme_is_switched_while_everything_is_open(
    console: Console, theme: Theme, qapp: QApplication, qtbot
) -> None:
    _open(qtbot, console)

    for appearance in (Appearance.LIGHT, Appearance.HIGH_CONTRAST, Appearance.DARK):
        console.controller.choose_appearance(appearance)

    assert theme.appearance is Appearance.DARK


def test_an_error_in_a_slot_goes_to_the_crash_log_and_is_told(console: Console, folders) -> None:
    import sys

    error = RuntimeError("boom")
    sys.excepthook(RuntimeError, error, None)

    assert "boom" in folders.crash_log.read_text()
    assert "Something in the console failed" in console.window.notifications.shown[-1].text


def test_a_new_file_is_made_in_the_explorer_and_opened(console: Console, qtbot: QtBot, project: Path) -> None:
    console.explorer.ask_new_file("classes")

    qtbot.keyClicks(console.explorer._name_field, "fresh.py")
    qtbot.keyClick(console.explorer._name_field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: console.editor.current_path == "classes/fresh.py")

    assert (project / "classes/fresh.py").read_text() == ""


def test_a_deleted_file_can_be_taken_back(console: Console, qtbot: QtBot, project: Path) -> None:
    file = console.explorer._tree.file_at(console.explorer._tree.index_of(SCORE))
    assert file is not None

    console.explorer.delete(file)
    assert not (project / SCORE).exists()
    console.window.notifications.shown[-1].actions[0][1]()

    assert (project / SCORE).exists()


def test_a_change_on_disk_reaches_the_explorer(console: Console, qtbot: QtBot, project: Path) -> None:
    (project / "classes" / "other.py").write_text("x = 1\n")

    qtbot.waitUntil(lambda: "classes/other.py" in console.explorer.files, timeout=10_000)


def test_in_a_small_window_the_environments_and_the_panel_tabs_stay_in_sight(
    console: Console, qtbot: QtBot
) -> None:
    window = console.window
    window.resize(1024, 700)
    window.top_bar.show_state(RunState(phase=RunPhase.PAUSED))
    qtbot.waitUntil(lambda: window.width() == 1024)
    QApplication.sendPostedEvents()

    environments = window.top_bar._environments
    right_px = environments.mapTo(window, environments.rect().topRight()).x()
    tabs = window._bottom._tabs
    assert right_px < 1024
    segments = environments.findChildren(QPushButton)
    assert all(segment.width() >= segment.sizeHint().width() for segment in segments)
    assert window.top_bar._go_to.geometry().right() < window.top_bar._run_box.geometry().left()
    assert tabs.width() > window._bottom._tools.width()
