"""What is remembered: sessions, snapshots, the trash."""

from __future__ import annotations

from pathlib import Path

import pytest

from circuit_console.core.project_files import create_file, list_project, move_to_trash, rename, take_from_trash
from circuit_console.core.session import OpenTab, ProjectSession, load, store
from circuit_console.core.snapshots import Snapshot, drop_snapshot, load_snapshots, store_snapshot
from circuit_link.errors import UserFacingError


def test_a_session_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    session = ProjectSession(tabs=(OpenTab(path="a.py", line=4, folded=(2,)),), active_tab="a.py", watches=("x",))

    store(tmp_path / "session.json", session)

    assert load(tmp_path / "session.json", ProjectSession) == session


@pytest.mark.parametrize("content", ["", "{", '{"version": 99}', '{"tabs": 3}'])
def test_a_bad_session_file_does_not_stop_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "session.json").write_text(content)

    assert load(tmp_path / "session.json", ProjectSession) == ProjectSession()


def test_snapshots_are_kept_until_they_are_dropped(tmp_path: Path) -> None:
    snapshot = Snapshot(path="classes/a.py", text="é", disk_digest="d", line=2)
    store_snapshot(tmp_path, snapshot)

    assert load_snapshots(tmp_path) == (snapshot,)
    drop_snapshot(tmp_path, "classes/a.py")
    assert load_snapshots(tmp_path) == ()


def test_a_deleted_file_comes_back_from_the_trash(tmp_path: Path) -> None:
    create_file(tmp_path, "classes/a.py")

    kept = move_to_trash(tmp_path, "classes/a.py")

    assert [one.path for one in list_project(tmp_path)] == ["classes"]
    take_from_trash(tmp_path, kept, "classes/a.py")
    assert [one.path for one in list_project(tmp_path)] == ["classes", "classes/a.py"]


def test_nothing_is_overwritten_and_nothing_leaves_the_project(tmp_path: Path) -> None:
    create_file(tmp_path, "a.py")
    create_file(tmp_path, "b.py")

    with pytest.raises(UserFacingError, match="exists already"):
        rename(tmp_path, "a.py", "b.py")
    with pytest.raises(UserFacingError, match="not a name"):
        create_file(tmp_path, "../outside.py")
