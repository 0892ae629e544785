from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from circuit_console.core.location import Location
from circuit_console.panes.explorer.pane import ExplorerPane
from circuit_console.services.project_watcher import ProjectWatcher
from circuit_console.services.tasks import Tasks


class Told:
    """A notifier and a presenter."""

    def __init__(self):
        self.notices = []
        self.errors = []

    def notify(self, notice):
        self.notices.append(notice)

    def present(self, error):
        self.errors.append(error)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def explorer(qtbot, theme, tmp_path, told):
    for name in ("classes/score.py", "triggers/contact.py", "objects/Contact.toml", "circuit.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    tasks, watcher = Tasks(), ProjectWatcher(tmp_path)
    pane = ExplorerPane(theme, tmp_path, watcher, tasks, told, told)
    qtbot.addWidget(pane)
    pane.show()
    with qtbot.waitSignal(pane.files_changed, timeout=5000):
        pane.refresh()
    watcher.start()
    yield pane
    watcher.stop()
    tasks.stop()


def enter_name(qtbot, explorer, name):
    explorer._name_field.setText(name)
    qtbot.keyClick(explorer._name_field, Qt.Key.Key_Return)


def file_at(explorer, path):
    return explorer._tree.file_at(explorer._tree.index_of(path))


def test_scripts_are_open_and_objects_folded_at_first(explorer):
    is_open = {path: explorer._view.isExpanded(explorer._tree.index_of(path)) for path in ("classes", "objects")}

    assert set(explorer.files) == {
        "classes/score.py",
        "triggers/contact.py",
        "objects/Contact.toml",
        "circuit.toml",
    }
    assert is_open == {"classes": True, "objects": False}


def test_enter_on_a_file_asks_for_it(qtbot, explorer):
    explorer.reveal("classes/score.py")

    with qtbot.waitSignal(explorer.location_requested, timeout=1000) as asked:
        qtbot.keyClick(explorer._view, Qt.Key.Key_Return)

    assert asked.args == [Location("classes/score.py")]


def test_a_new_file_is_made_beside_the_chosen_one_and_opened(qtbot, explorer, tmp_path):
    explorer.reveal("classes/score.py")

    with qtbot.waitSignal(explorer.location_requested, timeout=1000) as asked:
        explorer.ask_new_file()
        enter_name(qtbot, explorer, "grade.py")

    assert asked.args == [Location("classes/grade.py", 1)]
    assert (tmp_path / "classes/grade.py").read_text() == ""


def test_a_name_that_is_taken_is_told_and_nothing_is_lost(qtbot, explorer, told, tmp_path):
    explorer.ask_new_file("classes")
    enter_name(qtbot, explorer, "score.py")

    assert "score.py" in told.errors[0].message
    assert (tmp_path / "classes/score.py").read_text() == "x = 1\n"


@pytest.mark.parametrize("name", ["../outside.py", "/tmp/outside.py", "a\0b"])
def test_a_name_outside_the_project_is_refused(qtbot, explorer, told, tmp_path, name):
    explorer.ask_new_file("")
    enter_name(qtbot, explorer, name)

    assert len(told.errors) == 1
    assert not (tmp_path.parent / "outside.py").exists()


def test_escape_makes_nothing(qtbot, explorer, tmp_path):
    explorer.ask_new_file("classes")
    explorer._name_field.setText("grade.py")

    qtbot.keyClick(explorer._name_field, Qt.Key.Key_Escape)

    assert explorer._naming.isHidden()
    assert not (tmp_path / "classes/grade.py").exists()


def test_a_deleted_file_is_taken_back(qtbot, explorer, told, tmp_path):
    with qtbot.waitSignals([explorer.path_removed, explorer.files_changed], timeout=5000):
        explorer.delete(file_at(explorer, "classes/score.py"))
    assert "classes/score.py" not in explorer.files

    with qtbot.waitSignal(explorer.files_changed, timeout=5000):
        told.notices[0].actions[0][1]()

    assert told.notices[0].text == "Deleted classes/score.py."
    assert (tmp_path / "classes/score.py").read_text() == "x = 1\n"


def test_a_renamed_file_leaves_its_old_path(qtbot, explorer, tmp_path):
    with qtbot.waitSignal(explorer.path_removed, timeout=1000) as removed:
        explorer.ask_rename(file_at(explorer, "classes/score.py"))
        enter_name(qtbot, explorer, "grade.py")

    assert removed.args == ["classes/score.py"]
    assert (tmp_path / "classes/grade.py").read_text() == "x = 1\n"


def test_a_file_that_is_gone_already_cannot_be_deleted(explorer, told, tmp_path):
    file = file_at(explorer, "classes/score.py")
    (tmp_path / "classes/score.py").unlink()

    explorer.delete(file)

    assert "classes/score.py" in told.errors[0].message


def test_what_others_write_appears(qtbot, explorer, tmp_path):
    with qtbot.waitSignal(explorer.disk_changed, timeout=5000) as changed:
        (tmp_path / "classes/new.py").write_text("y = 2\n")
    qtbot.waitUntil(lambda: "classes/new.py" in explorer.files, timeout=5000)

    assert "classes/new.py" in changed.args[0]
