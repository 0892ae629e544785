"""The code editor: text, marks, commands, find and replace."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from circuit_console.core.theme import Appearance
from circuit_console.widgets.code_editor.editor import Caret, CodeEditor
from circuit_console.widgets.code_editor.finder import FindQuery
from circuit_console.widgets.code_editor.marks import BreakpointLook, TextProblem
from circuit_console.widgets.theme import Theme

_TEXT = "def é(x):\n    total = x\n    return total\n"


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> CodeEditor:
    made = CodeEditor(theme, "classes/a.py")
    qtbot.addWidget(made)
    made.resize(600, 300)
    made.load(_TEXT)
    made.show()
    return made


@pytest.mark.parametrize("text", ["", "é€😀\n", "a\0b", "x\n" * 3_000, "no end", "\u2028tab\t"])
def test_any_text_comes_back_as_it_was(editor: CodeEditor, text: str) -> None:
    editor.load(text)

    assert editor.text() == text
    assert not editor.is_modified


def test_lines_and_columns_count_characters_from_one(editor: CodeEditor) -> None:
    editor.go_to(1, 6)

    assert editor.caret() == Caret(1, 6)
    assert editor.line_text(1) == "def é(x):"
    assert editor.line_text(99) == ""


def test_places_beyond_the_text_are_clamped(editor: CodeEditor) -> None:
    editor.go_to(2, 500)
    at_line_end = editor.caret()
    editor.go_to(500, 1)

    assert at_line_end == Caret(2, 14)
    assert editor.caret().line == 4


def test_typing_says_that_the_text_differs_and_undo_that_it_does_not(qtbot: QtBot, editor: CodeEditor) -> None:
    with qtbot.waitSignal(editor.modified_changed, timeout=1000) as dirty:
        qtbot.keyClicks(editor.focusProxy(), "x")
    with qtbot.waitSignal(editor.modified_changed, timeout=1000) as clean:
        editor.undo()

    assert dirty.args == [True]
    assert clean.args == [False]


def test_enter_after_a_colon_indents_deeper(qtbot: QtBot, editor: CodeEditor) -> None:
    editor.go_to(1, 99)

    qtbot.keyClick(editor.focusProxy(), Qt.Key.Key_Return)
    qtbot.keyClicks(editor.focusProxy(), "y")

    assert editor.line_text(2) == "    y"


def test_breakpoints_move_with_their_line(qtbot: QtBot, editor: CodeEditor) -> None:
    editor.marks.set_breakpoints({"a": (3, BreakpointLook.PLAIN), "gone": (50, BreakpointLook.PLAIN)})
    editor.go_to(1, 1)

    qtbot.keyClick(editor.focusProxy(), Qt.Key.Key_Return)

    assert editor.marks.breakpoint_lines() == {"a": 4}
    assert editor.marks.has_breakpoint(4)


def test_one_click_in_the_margin_asks_for_a_breakpoint(qtbot: QtBot, editor: CodeEditor) -> None:
    view = editor.focusProxy()
    height = editor.fontMetrics().height()

    with qtbot.waitSignal(editor.margin_clicked, timeout=1000) as clicked:
        qtbot.mouseClick(
            view.viewport(), Qt.MouseButton.LeftButton, pos=view.viewport().rect().topLeft() + _point(8, height)
        )

    assert clicked.args == [1]


def test_coverage_and_the_execution_line_are_shown_and_taken_away(editor: CodeEditor) -> None:
    editor.marks.set_coverage((1, 2, 900), (3,))
    editor.marks.set_execution_line(2)
    editor.marks.set_values({2: "total = 4"})

    assert editor.marks.covered_lines() == (1, 2)
    assert editor.marks.uncovered_lines() == (3,)
    assert editor.marks.notes() == {2: "total = 4"}

    editor.marks.set_coverage((), ())
    editor.marks.set_values({})
    assert editor.marks.covered_lines() == editor.marks.uncovered_lines() == ()
    assert editor.marks.notes() == {}


def test_the_line_that_runs_next_has_its_ground_over_the_carets_and_the_caret_keeps_its_own(
    editor: CodeEditor, theme: Theme, qtbot: QtBot
) -> None:
    def ground(line: int) -> str:
        view = editor._view
        y = view.pointYFromPosition(view.positionFromLine(line - 1)) + view.textHeight(0) // 2
        return view.viewport().grab().toImage().pixelColor(view.viewport().width() - 20, y).name()

    editor.go_to(2)
    editor.setFocus()
    qtbot.waitUntil(lambda: ground(2) == theme.color("line").name())

    editor.marks.set_execution_line(2)
    paused = ground(2)
    editor.marks.set_execution_line(0)

    assert (paused, ground(2)) == (theme.color("exec").name(), theme.color("line").name())


_ON_A_FINE_SCREEN = """
from PySide6.QtWidgets import QApplication
from circuit_console.core.theme import Appearance
from circuit_console.widgets.code_editor.editor import CodeEditor
from circuit_console.widgets.code_editor.marks import BreakpointLook
from circuit_console.widgets.theme import Theme

application = QApplication([])
editor = CodeEditor(Theme(Appearance.DARK), "a.py")
editor.resize(400, 200)
editor.load("x = 1\\n" * 5)
editor.marks.set_breakpoints({"b": (2, BreakpointLook.PLAIN)})
editor.show()
application.processEvents()
view = editor._view
image = view.viewport().grab().toImage()
err = Theme(Appearance.DARK).color("err").rgb()
rows = [y for y in range(image.height()) for x in range(40) if image.pixel(x, y) == err]
print(image.devicePixelRatio(), (max(rows) - min(rows) + 1) / image.devicePixelRatio(), view.textHeight(0))
"""


def test_margin_pictures_are_as_large_on_a_fine_screen() -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    shown = subprocess.run(
        [sys.executable, "-c", _ON_A_FINE_SCREEN],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    ratio, disc_px, line_px = map(float, shown.stdout.split())
    assert ratio == 2
    assert 8 <= disc_px <= 16 < line_px


def test_a_problem_stands_at_its_lines_end(editor: CodeEditor) -> None:
    editor.marks.set_problems([TextProblem(2, 5, "✕ Undefined name"), TextProblem(2, 1, "second")])

    assert editor.marks.notes() == {2: "✕ Undefined name"}


def test_comments_are_put_in_and_taken_out_in_one_step(editor: CodeEditor) -> None:
    editor.go_to(2, 1)

    editor.toggle_comment()
    commented = editor.line_text(2)
    editor.toggle_comment()

    assert commented == "    # total = x"
    assert editor.text() == _TEXT


def test_find_walks_in_a_circle_and_replace_changes_all(editor: CodeEditor) -> None:
    query = FindQuery(text="total", whole_word=True)

    places = [editor.finder.select_next(query) for _ in range(3)]
    count = editor.finder.replace_all(query, "é")

    assert [(state.current, state.count) for state in places] == [(1, 2), (2, 2), (1, 2)]
    assert count == 2
    assert editor.text() == "def é(x):\n    é = x\n    return é\n"


def test_a_bad_pattern_finds_nothing_and_breaks_nothing(editor: CodeEditor) -> None:
    state = editor.finder.select_next(FindQuery(text="(", is_pattern=True))

    assert state.count == 0
    assert editor.finder.select_next(FindQuery(text="return")).count == 1


def test_a_pattern_replaces_with_its_groups(editor: CodeEditor) -> None:
    editor.finder.replace_all(FindQuery(text="(tot)(al)", is_pattern=True), r"\2\1")

    assert editor.line_text(3) == "    return altot"


def test_another_theme_keeps_text_and_marks(editor: CodeEditor, theme: Theme, qapp) -> None:
    editor.marks.set_breakpoints({"a": (2, BreakpointLook.PLAIN)})

    theme.choose(Appearance.LIGHT, qapp)

    assert editor.text() == _TEXT
    assert editor.marks.breakpoint_lines() == {"a": 2}


def test_a_very_long_line_is_shown_without_colours(editor: CodeEditor) -> None:
    text = "x = '" + "a" * 200_000 + "'\n"

    editor.load(text)

    assert editor.text() == text


def _point(x: int, y: int):
    from PySide6.QtCore import QPoint

    return QPoint(x, y)
