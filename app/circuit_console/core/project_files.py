"""The files of a project folder as people see them, and what may be done to them."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import msgspec

from circuit_link.errors import UserFacingError

_HIDDEN_FOLDERS = frozenset(
    {"__pycache__", ".git", ".circuit", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
_FOLDER_ORDER = ("triggers", "classes", "jobs", "api", "tests", "events", "objects", "seed")
_TRASH = ".circuit/trash"
_MOST_FILES = 20_000


class ProjectFile(msgspec.Struct, frozen=True):
    """`path` is relative with forward slashes; folders have no trailing one."""

    path: str
    is_folder: bool

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0]


def list_project(root: Path) -> tuple[ProjectFile, ...]:
    """All files and folders but the hidden ones; parents before children, in the order to show them."""
    found: list[ProjectFile] = []
    _list_folder(root, "", found)
    return tuple(found)


def is_hidden(path: str) -> bool:
    """Whether a changed path is none of the explorer's business."""
    parts = path.split("/")
    return any(part in _HIDDEN_FOLDERS for part in parts) or parts[-1].endswith((".tmp", ".pyc", "~"))


def create_file(root: Path, path: str) -> None:
    """Raises: UserFacingError if the name cannot be used or is taken."""
    target = _checked(root, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8"):
            pass
    except OSError as exc:
        raise _refused(f"{path} could not be created", exc) from exc


def create_folder(root: Path, path: str) -> None:
    """Raises: UserFacingError."""
    try:
        _checked(root, path).mkdir(parents=True)
    except OSError as exc:
        raise _refused(f"{path} could not be created", exc) from exc


def rename(root: Path, path: str, new_path: str) -> None:
    """Raises: UserFacingError; nothing is overwritten."""
    target = _checked(root, new_path)
    if target.exists():
        raise UserFacingError(f"{new_path} exists already.", code="FILE_EXISTS", hint="Choose another name.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        (root / path).rename(target)
    except OSError as exc:
        raise _refused(f"{path} could not be renamed", exc) from exc


def move_to_trash(root: Path, path: str) -> str:
    """Move into the project's own trash folder. Returns where it lies, for `take_from_trash`.

    Raises: UserFacingError.
    """
    kept = f"{_TRASH}/{time.time_ns()}/{path}"
    try:
        (root / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(root / path, root / kept)
    except OSError as exc:
        raise _refused(f"{path} could not be deleted", exc) from exc
    return kept


def take_from_trash(root: Path, kept: str, path: str) -> None:
    """Raises: UserFacingError; where the path is taken again, both stay as they are."""
    rename(root, kept, path)


def _list_folder(root: Path, folder: str, found: list[ProjectFile]) -> None:
    try:
        entries = list(os.scandir(root / folder))
    except OSError:
        return
    rows = [
        ProjectFile(f"{folder}/{entry.name}" if folder else entry.name, entry.is_dir(follow_symlinks=False))
        for entry in entries
        if entry.name not in _HIDDEN_FOLDERS and not entry.name.endswith((".tmp", ".pyc"))
    ]
    for row in sorted(rows, key=_place):
        if len(found) >= _MOST_FILES:
            return
        found.append(row)
        if row.is_folder:
            _list_folder(root, row.path, found)


def _place(row: ProjectFile) -> tuple[int, int, str]:
    known = row.path in _FOLDER_ORDER and row.is_folder
    return (
        0 if row.is_folder else 1,
        _FOLDER_ORDER.index(row.path) if known else len(_FOLDER_ORDER),
        row.name.lower(),
    )


def _checked(root: Path, path: str) -> Path:
    # A null byte ends the way to the file system before it begins.
    target = (root / path).resolve() if "\0" not in path else None
    if target is None or not path.strip("/ ") or not target.is_relative_to(root.resolve()):
        raise UserFacingError(
            f"{path!r} is not a name for a file of this project.",
            code="BAD_NAME",
            hint="Use letters, digits and _.",
        )
    return target


def _refused(what: str, error: OSError) -> UserFacingError:
    return UserFacingError(f"{what}: {error.strerror or error}.", code="FILE_REFUSED")
