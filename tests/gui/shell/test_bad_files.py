"""Files that are no texts, are not there, or go away: told, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from circuit_console.bootstrap import Console

SCORE = "classes/score.py"


def told(console: Console) -> str:
    return console.window.notifications.kept[-1].text if console.window.notifications.kept else ""


def test_what_cannot_be_read_as_text_is_told_and_not_opened(console: Console, qtbot: QtBot, project: Path) -> None:
    (project / "picture.py").write_bytes(bytes(range(256)))

    console.editor.open("picture.py", 1)
    qtbot.waitUntil(lambda: "is not a UTF-8 text: byte 128" in told(console), timeout=5000)
    console.editor.open("nowhere.py", 1)
    qtbot.waitUntil(lambda: "nowhere.py cannot be read" in told(console), timeout=5000)

    assert console.editor.open_tabs() == ()


def test_a_file_that_was_deleted_outside_is_still_there_to_be_saved(
    console: Console, qtbot: QtBot, project: Path
) -> None:
    console.editor.open(SCORE, 1)
    qtbot.waitUntil(lambda: console.editor.current_path == SCORE)
    before = (project / SCORE).read_text()
    (project / SCORE).unlink()
    console.editor.compare_with_disk((SCORE,))

    with qtbot.waitSignal(console.documents.saved, timeout=5000):
        console.actions.run("file.save")

    assert (project / SCORE).read_text() == before


def test_a_line_of_two_megabytes_opens(console: Console, qtbot: QtBot, project: Path) -> None:
    (project / "long.json").write_text('{"a": "' + "y" * 2_000_000 + '"}')

    console.editor.open("long.json", 1)
    qtbot.waitUntil(lambda: console.editor.current_path == "long.json", timeout=10_000)

    page = console.editor.current_page
    assert page is not None
    assert page.editor.line_count == 1
