"""A project as an immutable value: what every run works on. A folder and a release load the same way."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from circuit_link.bundle import read_files
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import Problem
from circuit_link.wire import Source
from circuit_runtime.project import settings as settings_file
from circuit_runtime.project.catalog import Catalog, read_catalog
from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.schema import Schema
from circuit_runtime.project.settings import Settings, check_names, parse_settings

_OBJECT_FILE = re.compile(r"objects/.+\.toml")
_SCRIPT_FOLDERS = ("triggers/", "classes/", "jobs/", "api/", "tests/")


@dataclass(frozen=True, slots=True)
class Project:
    """Settings, schema and scripts of one state of a project.

    Attributes:
        root: the folder, or the release's id.
        sources: every script, by path.
        seeds: sample records by path (`seed/ZipIncome.csv`).
        problems: what is wrong in the scripts; settings and objects that are wrong do not load at all.
    """

    root: str
    settings: Settings
    schema: Schema
    sources: tuple[Source, ...]
    catalog: Catalog
    seeds: Mapping[str, bytes]
    problems: tuple[Problem, ...]


def load_files(files: Mapping[str, bytes], root: str) -> Project:
    """A project from the bytes of its files by path.

    Raises: UserFacingError: circuit.toml or an object is wrong, with file and line.
    """
    if settings_file.FILE not in files:
        raise UserFacingError(
            f"{root} has no {settings_file.FILE}.",
            code="NOT_A_PROJECT",
            hint="Make a project with `circuit-cli init PATH`.",
        )
    settings_text = _text(settings_file.FILE, files[settings_file.FILE])
    settings = parse_settings(settings_text)
    schema = load_schema({path: _text(path, data) for path, data in files.items() if _OBJECT_FILE.fullmatch(path)})
    check_names(settings_text, settings, schema)
    problems: list[Problem] = []
    sources: list[Source] = []
    for path, data in sorted(files.items()):
        if path.startswith(_SCRIPT_FOLDERS) and path.endswith(".py"):
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError as exc:
                problems.append(Problem(path=path, line=1, column=1, message=f"The file is not UTF-8: {exc}"))
                continue
            sources.append(Source(path=path, text=text, sha256=hashlib.sha256(data).hexdigest()))
    catalog = read_catalog(sources, schema)
    return Project(
        root=root,
        settings=settings,
        schema=schema,
        sources=tuple(sources),
        catalog=catalog,
        seeds={path: data for path, data in files.items() if path.startswith("seed/")},
        problems=(*problems, *catalog.problems),
    )


class ProjectFolder:
    """A project's folder on disk; loads it again only when a file in it has changed. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._loaded: tuple[tuple[tuple[str, int, int], ...], Project] | None = None

    def load(self) -> Project:
        """The project as it is on disk now.

        Raises: UserFacingError, see `load_files` and `circuit_link.bundle.read_files`.
        """
        with self._lock:
            stamp = self._stamp()
            if self._loaded is None or self._loaded[0] != stamp:
                self._loaded = (stamp, load_files(read_files(self._root), str(self._root)))
            return self._loaded[1]

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Path, time of change and size of every file that a project is made of."""
        folders = [
            self._root / name for name in ("objects", "triggers", "classes", "jobs", "api", "tests", "seed")
        ]
        paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        paths += [
            path for path in (self._root / settings_file.FILE, self._root / "packages.lock") if path.is_file()
        ]
        stamps = []
        for path in paths:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            stamps.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(stamps)


def load_folder(root: Path) -> Project:
    """The project in a folder, read once. Raises: UserFacingError."""
    return load_files(read_files(root), str(root))


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UserFacingError(
            f"{path} is not UTF-8: {exc.reason} at byte {exc.start}.", code="FILE_NOT_UTF8", path=path, line=1
        ) from exc
