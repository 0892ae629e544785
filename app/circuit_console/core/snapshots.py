"""Hot exit: the text of every buffer that differs from its file, kept until it is saved or given up."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from circuit_console.core.text_files import write_bytes_atomically

_SUFFIX = ".snapshot.json"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`disk_digest` is that of the file the text was edited from: where the file differs now, ask."""

    path: str
    text: str
    disk_digest: str
    line: int = 1
    column: int = 1


def store_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Raises: OSError."""
    write_bytes_atomically(_file(folder, snapshot.path), msgspec.json.encode(snapshot))


def drop_snapshot(folder: Path, path: str) -> None:
    _file(folder, path).unlink(missing_ok=True)


def load_snapshots(folder: Path) -> tuple[Snapshot, ...]:
    """In the order of their paths; files that cannot be read are left where they are."""
    snapshots = []
    for file in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else ():
        try:
            snapshots.append(msgspec.json.decode(file.read_bytes(), type=Snapshot))
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            continue
    return tuple(sorted(snapshots, key=lambda snapshot: snapshot.path))


def _file(folder: Path, path: str) -> Path:
    return folder / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}{_SUFFIX}"
