"""The window without a mouse and without eyes: keys, regions, names."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QScrollArea,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from circuit_console.bootstrap import Console

SCORE = "classes/score.py"
# Section 6 of the design brief, as far as the console can do it.
KEYS = {
    "F5": "run.debug", "Ctrl+F5": "run.plain", "Shift+F5": "run.stop", "Ctrl+Shift+F5": "run.restart",
    "F6": "run.pause", "F9": "run.breakpoint", "Ctrl+F9": "run.conditional_breakpoint", "F10": "run.step_over",
    "F11": "run.step_into", "Shift+F11": "run.step_out", "Ctrl+F10": "run.to_cursor",
    "Ctrl+Return": "run.selection", "Ctrl+;, C": "test.current", "Ctrl+;, A": "test.all",
    "Ctrl+;, F": "test.failed", "Ctrl+;, L": "test.last", "Ctrl+;, V": "test.coverage",
    "Ctrl+Alt+1": "view.edit", "Ctrl+Alt+2": "view.debug_perspective", "Ctrl+Alt+3": "view.deploy_perspective",
    "Ctrl+B": "view.side", "Ctrl+J": "view.bottom", "Ctrl+Alt+B": "view.inspector", "Ctrl+`": "view.console",
    "Ctrl+Shift+E": "view.explorer", "Ctrl+Shift+F": "view.search", "Ctrl+Shift+D": "view.debug",
    "Ctrl+Shift+Q": "view.query", "Ctrl+Shift+Y": "view.deploy", "Ctrl+Shift+M": "view.problems",
    "Ctrl+P": "go.file", "Ctrl+Shift+P": "go.command", "Ctrl+Shift+O": "go.symbol", "F8": "go.next_problem",
    "Shift+F8": "go.previous_problem", "Ctrl+S": "file.save", "Ctrl+K, S": "file.save_all", "Ctrl+F": "edit.find",
    "Ctrl+H": "edit.replace", "Ctrl+D": "edit.add_next", "Ctrl+Shift+L": "edit.add_all", "Ctrl+/": "edit.comment",
    "Alt+Up": "edit.line_up", "Alt+Down": "edit.line_down", "Ctrl+W": "file.close",
    "Ctrl+Shift+T": "file.reopen", "Ctrl+F6": "go.next_region", "Ctrl+Shift+F6": "go.previous_region",
    "Ctrl+=": "view.zoom_in", "Ctrl+-": "view.zoom_out", "Ctrl+0": "view.zoom_reset",
    "Ctrl+K, Ctrl+S": "help.keys",
}  # fmt: skip


def press(console: Console, keys: str) -> None:
    QTest.keySequence(console.window, QKeySequence(keys))


def test_each_key_of_the_brief_belongs_to_its_command(console: Console) -> None:
    bound = {key: command.id for command in console.actions.commands for key in command.keys}

    assert {key: bound.get(key) for key in KEYS} == KEYS


def test_no_key_is_bound_twice(console: Console) -> None:
    keys = [key for command in console.actions.commands for key in command.keys]

    assert sorted(keys) == sorted(set(keys))


def test_escape_tab_and_enter_are_left_to_the_editor(console: Console) -> None:
    keys = {key for command in console.actions.commands for key in command.keys if not command.in_editor}

    assert keys.isdisjoint({"Esc", "Escape", "Tab", "Backtab", "Return", "Enter"})


def test_the_regions_are_walked_in_a_circle(console: Console, qtbot: QtBot) -> None:
    window = console.window
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    regions = [window.rail, window._side, window._centre, window._bottom, window._inspector]

    def region() -> QWidget | None:
        focus = window.focusWidget()
        return next((one for one in regions if focus is not None and one.isAncestorOf(focus)), None)

    walked = [region()]
    for _ in regions:
        press(console, "Ctrl+F6")
        walked.append(region())
    press(console, "Ctrl+Shift+F6")

    assert walked[0] is window._centre
    assert walked[1:] == [window._bottom, window._inspector, window.rail, window._side, window._centre]
    assert region() is window._side


def test_walking_to_the_middle_leads_into_the_text(console: Console, qtbot: QtBot) -> None:
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    page = console.editor.page(SCORE)
    assert page is not None

    press(console, "Ctrl+F6")
    press(console, "Ctrl+Shift+F6")

    focus = console.window.focusWidget()
    assert focus is not None
    assert page.editor.isAncestorOf(focus)


def test_the_key_of_the_queries_leads_into_their_field(console: Console, qtbot: QtBot) -> None:
    press(console, "Ctrl+Shift+Q")

    assert console.window.focusWidget() is console.query.editor


def test_each_region_is_hidden_and_shown_by_its_key(console: Console) -> None:
    window = console.window
    regions = {"Ctrl+B": window._side, "Ctrl+J": window._bottom, "Ctrl+Alt+B": window._inspector}
    hidden, shown = [], []

    for keys, region in regions.items():
        press(console, keys)
        hidden.append(region.isHidden())
        press(console, keys)
        shown.append(not region.isHidden())

    assert hidden == shown == [True, True, True]


def test_perspectives_and_activities_are_chosen_by_keys(console: Console, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: console.environments is not None)
    seen = []
    for keys in ("Ctrl+Alt+3", "Ctrl+Alt+2", "Ctrl+Alt+1", "Ctrl+Shift+F", "Ctrl+Shift+Q", "Ctrl+Shift+E"):
        press(console, keys)
        seen.append((console.window.perspective, console.window.activity))

    assert seen == [
        ("deploy", "deploy"),
        ("debug", "debug"),
        ("edit", "explorer"),
        ("edit", "search"),
        ("edit", "query"),
        ("edit", "explorer"),
    ]


def test_a_file_is_found_opened_and_closed_by_keys(console: Console, qtbot: QtBot) -> None:
    press(console, "Ctrl+P")
    box = console.window.palette_box
    qtbot.keyClicks(box.focusWidget(), "score")
    qtbot.keyClick(box.focusWidget(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)

    press(console, "Ctrl+W")

    assert console.editor.current_path == ""


def test_tab_leaves_the_editor_after_ctrl_m(console: Console, qtbot: QtBot) -> None:
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    page = console.editor.current_page
    assert page is not None
    view = page.editor.focusProxy()

    qtbot.keyClick(view, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view, Qt.Key.Key_Tab)

    assert not page.editor.is_modified
    assert console.window.focusWidget() is not view


def test_every_control_has_a_name(console: Console, qtbot: QtBot) -> None:
    """In all perspectives; what hides until there is something to say has one when it appears."""
    qtbot.waitUntil(lambda: console.environments is not None)
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    console.breakpoints_pane.form.ask_function()
    console.explorer.ask_new_file("")
    console.deploy.page.confirmation.ask("Deploy?", "All of it.", "Deploy", "production", lambda: None)
    kinds = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, QAbstractScrollArea, QTabBar)
    controls = [one for one in console.window.findChildren(QWidget) if isinstance(one, kinds) and is_ours(one)]

    nameless = [
        f"{type(one).__name__} in {type(one.parent()).__name__}"
        for one in controls
        if not one.accessibleName() and not (isinstance(one, QAbstractButton) and one.text())
    ]

    assert len(controls) > 60
    assert not nameless, "; ".join(nameless)


def is_ours(widget: QWidget) -> bool:
    """Not a part that Qt itself puts into a control, and not a frame that only scrolls."""
    parent = widget.parent()
    waits = widget.isHidden() or (type(parent) is QWidget and parent.isHidden())
    if isinstance(widget, QHeaderView | QScrollArea) or waits or widget.focusPolicy() is Qt.FocusPolicy.NoFocus:
        return False
    is_part = isinstance(parent, QComboBox | QLineEdit | QTabBar | QAbstractItemView)
    is_part = is_part or (parent is not None and isinstance(parent.parent(), QComboBox))
    return not is_part and not widget.objectName().startswith("qt_")
