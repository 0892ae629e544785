from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

import circuit_link.host_protocol as hp
from circuit_console.core.location import Location
from circuit_console.panes.problems.pane import ProblemsPane

SYNTAX = hp.Problem(path="classes/score.py", line=3, column=7, message="Invalid syntax")
UNUSED = hp.Problem(path="classes/score.py", line=9, column=1, message="'os' is not used", severity="warning")
SETTINGS = hp.Problem(path="circuit.toml", line=4, column=1, message="Unknown key 'limts'")


@pytest.fixture
def problems(qtbot, theme, host):
    pane = ProblemsPane(theme, host)
    qtbot.addWidget(pane)
    pane.show()
    return pane


def rows(problems):
    model = problems.model
    return {
        model.index(group, 0).data(): [
            model.index(row, 0, model.index(group, 0)).data()
            for row in range(model.rowCount(model.index(group, 0)))
        ]
        for group in range(model.rowCount())
    }


def test_problems_of_host_and_editor_stand_together_by_file(qtbot, problems, host, samples):
    host.handle(hp.ProjectDescribed(request=0, project=samples.project(problems=(SETTINGS,))))

    with qtbot.waitSignals([problems.problems_changed, problems.badge_changed], timeout=0):
        problems.set_editor_problems("classes/score.py", (SYNTAX, UNUSED))

    assert rows(problems) == {
        "classes/score.py": ["Invalid syntax", "'os' is not used"],
        "circuit.toml": ["Unknown key 'limts'"],
    }


def test_what_was_mended_is_gone(problems, host, samples):
    problems.set_editor_problems("classes/score.py", (SYNTAX,))

    problems.set_editor_problems("classes/score.py", ())

    assert rows(problems) == {}
    assert problems._stack.currentIndex() == 0


def test_enter_opens_the_place(qtbot, problems):
    problems.set_editor_problems("classes/score.py", (SYNTAX,))
    problems.view.setCurrentIndex(problems.model.index(0, 0, problems.model.index(0, 0)))

    with qtbot.waitSignal(problems.location_requested, timeout=0) as asked:
        qtbot.keyClick(problems.view, Qt.Key.Key_Return)

    assert asked.args == [Location("classes/score.py", 3, 7)]
