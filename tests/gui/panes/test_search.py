from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from circuit_console.core.location import Location
from circuit_console.panes.search.pane import SearchPane
from circuit_console.services.tasks import Tasks

FILES = {
    "classes/score.py": "total = 1\nsubtotal = 2\nTotal = 3\n",
    "README.md": "The total.\n",
    "picture.bin": b"\xff\xfetotal\x00",
}


@pytest.fixture
def search(qtbot, theme, tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    tasks = Tasks()
    pane = SearchPane(theme, tmp_path, lambda: (*FILES, "gone.py"), tasks)
    qtbot.addWidget(pane)
    pane.show()
    yield pane
    tasks.stop()


def found(search):
    model = search._model
    return [
        (model.item(file).text(), model.item(file).child(row).text())
        for file in range(model.rowCount())
        for row in range(model.item(file).rowCount())
    ]


def look_for(qtbot, search, text):
    search.begin(text)
    qtbot.keyClick(search._field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(search._state.text()), timeout=5000)


def test_lines_are_found_by_file_in_any_case(qtbot, search):
    look_for(qtbot, search, "total")

    assert found(search) == [
        ("classes/score.py", "1:  total = 1"),
        ("classes/score.py", "2:  subtotal = 2"),
        ("classes/score.py", "3:  Total = 3"),
        ("README.md", "1:  The total."),
    ]
    assert search._state.text() == "4 lines in 2 files"


def test_case_and_whole_words_narrow_it(qtbot, search):
    look_for(qtbot, search, "total")

    search._options["whole_word"].click()
    search._options["match_case"].click()
    qtbot.waitUntil(lambda: search.hits() == 2, timeout=5000)

    assert [text for _, text in found(search)] == ["1:  total = 1", "1:  The total."]


def test_a_pattern_that_cannot_be_read_is_told(qtbot, search):
    search._options["is_pattern"].click()

    look_for(qtbot, search, "tot(al")

    assert "'tot(al' is not a regular expression" in search._state.text()


def test_nothing_found_is_said(qtbot, search):
    look_for(qtbot, search, "nowhere")

    assert search._state.text() == "No matches"


def test_a_chosen_line_is_asked_for(qtbot, search):
    look_for(qtbot, search, "subtotal")
    search._view.setCurrentIndex(search._model.item(0).child(0).index())

    with qtbot.waitSignal(search.location_requested, timeout=1000) as asked:
        qtbot.keyClick(search._view, Qt.Key.Key_Return)

    assert asked.args == [Location("classes/score.py", 2, 1)]
