"""The files of a project as a release's manifest and blobs: the same tree gives the same release everywhere."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from circuit_link.env_protocol import Manifest, ManifestEntry
from circuit_link.errors import UserFacingError

API_VERSION = "65.0"
MAX_FILES = 10_000
MAX_BYTES = 39 * 1024 * 1024
_TOP_FILES = ("circuit.toml", "packages.lock")
_FOLDERS = {
    "objects": (".toml",),
    "triggers": (".py",),
    "classes": (".py",),
    "jobs": (".py",),
    "api": (".py",),
    "tests": (".py",),
    "seed": (".csv", ".json"),
}


def read_files(root: Path) -> dict[str, bytes]:
    """The deployable files of a project folder by their path, line ends as LF, names in NFC, sorted.

    Raises:
        UserFacingError: there is no circuit.toml, a file cannot be read or is a link out of the project, two
            names differ only in case, or the project is larger than a release may be.
    """
    if not (root / "circuit.toml").is_file():
        raise UserFacingError(
            f"{root} is not a project: it has no circuit.toml.",
            code="NOT_A_PROJECT",
            hint="Name the project with --project, or make one with `circuit-cli init`.",
        )
    files = {_portable_name(root, path): _content(root, path) for path in _deployable(root)}
    _refuse_colliding_names(files)
    total = sum(map(len, files.values()))
    if len(files) > MAX_FILES or total > MAX_BYTES:
        raise UserFacingError(
            f"The project has {len(files)} files with {total:,} bytes; "
            f"a release takes {MAX_FILES:,} files and {MAX_BYTES:,} bytes at most.",
            code="RELEASE_TOO_LARGE",
        )
    return dict(sorted(files.items()))


def manifest_of(files: Mapping[str, bytes]) -> Manifest:
    return Manifest(
        api_version=API_VERSION,
        files=tuple(
            ManifestEntry(path=path, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
            for path, data in sorted(files.items())
        ),
    )


def release_id(manifest: Manifest) -> str:
    """`rel_` and the first 20 hex digits of the sha256 of the manifest's canonical JSON."""
    canonical = msgspec.json.encode(manifest, order="sorted")
    return "rel_" + hashlib.sha256(canonical).hexdigest()[:20]


def _deployable(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _TOP_FILES if (root / name).is_file())
    for folder, suffixes in _FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                yield path


def _portable_name(root: Path, path: Path) -> str:
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise UserFacingError(
            f"{path.relative_to(root)} links to a file outside the project.",
            code="LINK_OUTSIDE_PROJECT",
            hint="Replace the link by the file itself.",
        )
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())


def _content(root: Path, path: Path) -> bytes:
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except OSError as exc:
        name = path.relative_to(root).as_posix()
        raise UserFacingError(
            f"{name} cannot be read: {exc.strerror}.",
            code="FILE_NOT_READABLE",
            path=name,
            hint="Make it readable for yourself, or take it out of the project.",
        ) from exc


def _refuse_colliding_names(files: Mapping[str, bytes]) -> None:
    seen: dict[str, str] = {}
    for path in files:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise UserFacingError(
                f"{other} and {path} differ only in case, which not every file system can hold.",
                code="NAMES_COLLIDE",
                hint="Rename one of them.",
            )
