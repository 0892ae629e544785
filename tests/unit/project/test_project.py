import pytest

from circuit_link.errors import UserFacingError
from circuit_runtime.project.project import ProjectFolder, load_files, load_folder

SETTINGS = b'[project]\nname = "P"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "circuit.toml").write_bytes(SETTINGS)
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes/a.py").write_text("A = 1\n")
    return tmp_path


def test_a_folder_is_read_again_only_when_a_file_has_changed(folder):
    project = ProjectFolder(folder)
    first = project.load()

    assert project.load() is first

    (folder / "classes/a.py").write_text("A = 22\n")

    assert project.load().sources[0].text == "A = 22\n"
    assert first.sources[0].text == "A = 1\n"


def test_new_and_removed_files_are_noticed(folder):
    project = ProjectFolder(folder)
    project.load()
    (folder / "classes/b.py").write_text("B = 1\n")

    assert [source.path for source in project.load().sources] == ["classes/a.py", "classes/b.py"]

    (folder / "classes/a.py").unlink()

    assert [source.path for source in project.load().sources] == ["classes/b.py"]


def test_a_folder_and_its_files_load_alike(folder):
    by_folder = load_folder(folder)
    by_files = load_files({"circuit.toml": SETTINGS, "classes/a.py": b"A = 1\n"}, str(folder))

    assert by_folder == by_files


def test_a_script_that_is_not_utf_8_is_a_problem_and_the_others_load():
    project = load_files({"circuit.toml": SETTINGS, "classes/a.py": b"\xff", "classes/b.py": b""}, "/p")

    assert [problem.path for problem in project.problems] == ["classes/a.py"]
    assert [source.path for source in project.sources] == ["classes/b.py"]


def test_an_object_that_is_not_utf_8_is_refused():
    with pytest.raises(UserFacingError) as caught:
        load_files({"circuit.toml": SETTINGS, "objects/A.toml": b"\xff"}, "/p")

    assert caught.value.path == "objects/A.toml"


def test_a_folder_without_settings_is_no_project(tmp_path):
    with pytest.raises(UserFacingError) as caught:
        load_folder(tmp_path)

    assert caught.value.code == "NOT_A_PROJECT"
