"""Open files: read, saved and snapshotted in the background, and compared with the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from circuit_console.core.snapshots import Snapshot, drop_snapshot, load_snapshots, store_snapshot
from circuit_console.core.text_files import (
    TextFile,
    TextFormat,
    digest_on_disk,
    read_text_file,
    write_text_file,
)
from circuit_console.services.tasks import Tasks
from circuit_link.errors import UserFacingError


class Documents(QObject):
    """The files behind the editors. Paths are relative to the project, or absolute outside it.

    Signals:
        saved: str, path.
        save_failed: UserFacingError; the file is as it was.
        changed_on_disk: str, path whose file is no longer the one that was read or saved.
    """

    saved = Signal(str)
    save_failed = Signal(object)
    changed_on_disk = Signal(str)

    def __init__(
        self, project_root: Path, snapshot_folder: Path, tasks: Tasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._root = project_root
        self._snapshots = snapshot_folder
        self._tasks = tasks
        self._files: dict[str, TextFile] = {}
        self._saving: set[str] = set()

    def absolute(self, path: str) -> Path:
        return self._root / path

    def relative(self, path: Path) -> str:
        """The name panes use for it."""
        try:
            return path.resolve().relative_to(self._root.resolve()).as_posix()
        except ValueError:
            return str(path)

    def file(self, path: str) -> TextFile | None:
        """As it was last read or saved."""
        return self._files.get(path)

    def read(
        self, path: str, on_read: Callable[[TextFile], None], on_error: Callable[[UserFacingError], None]
    ) -> None:
        def arrived(file: TextFile) -> None:
            self._files[path] = file
            on_read(file)

        self._tasks.run(lambda: read_text_file(self._root / path), arrived, _user_facing(on_error))

    def peek(
        self, path: str, on_read: Callable[[TextFile], None], on_error: Callable[[UserFacingError], None]
    ) -> None:
        """Read what the file holds now, without taking it for what is being edited."""
        self._tasks.run(lambda: read_text_file(self._root / path), on_read, _user_facing(on_error))

    def save(self, path: str, text: str, on_done: Callable[[], None] | None = None) -> None:
        """Write in the background; `on_done` only where it was written."""
        known = self._files.get(path)
        text_format = known.format if known else TextFormat()
        self._saving.add(path)

        def written(digest: str) -> None:
            self._saving.discard(path)
            self._files[path] = TextFile(text=text, format=text_format, digest=digest)
            self.drop_snapshot(path)
            self.saved.emit(path)
            if on_done is not None:
                on_done()

        def refused(error: UserFacingError) -> None:
            self._saving.discard(path)
            self.save_failed.emit(error)

        self._tasks.run(
            lambda: write_text_file(self._root / path, text, text_format), written, _user_facing(refused)
        )

    def forget(self, path: str) -> None:
        self._files.pop(path, None)

    def compare_with_disk(self, path: str) -> None:
        """Look whether another program changed the file; `changed_on_disk` says so."""
        if path not in self._files or path in self._saving:
            return

        def compared(digest: str) -> None:
            known = self._files.get(path)
            if known is not None and path not in self._saving and digest not in ("", known.digest):
                self.changed_on_disk.emit(path)

        self._tasks.run(lambda: digest_on_disk(self._root / path), compared)

    def snapshot(self, path: str, text: str, line: int, column: int) -> None:
        """Keep an unsaved text where a crash cannot reach it."""
        known = self._files.get(path)
        made = Snapshot(path=path, text=text, disk_digest=known.digest if known else "", line=line, column=column)
        self._tasks.run(lambda: store_snapshot(self._snapshots, made), _nothing, _ignore_os_error)

    def snapshot_now(self, path: str, text: str, line: int, column: int) -> None:
        """The same at exit, when no event loop waits for the answer."""
        known = self._files.get(path)
        made = Snapshot(path=path, text=text, disk_digest=known.digest if known else "", line=line, column=column)
        try:
            store_snapshot(self._snapshots, made)
        except OSError:
            pass  # The last snapshot stands; there is nobody left to tell.

    def drop_snapshot(self, path: str) -> None:
        drop_snapshot(self._snapshots, path)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """What was left unsaved at the last exit."""
        return load_snapshots(self._snapshots)


def _user_facing(on_error: Callable[[UserFacingError], None]) -> Callable[[BaseException], None]:
    def handle(error: BaseException) -> None:
        if not isinstance(error, UserFacingError):
            raise error
        on_error(error)

    return handle


def _ignore_os_error(error: BaseException) -> None:
    """A full disk is told when saving; a snapshot that fails must not interrupt typing."""
    if not isinstance(error, OSError):
        raise error


def _nothing(_value: object) -> None:
    pass
