"""Watches the project's folder for changes that others make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from circuit_console.core.project_files import is_hidden

if TYPE_CHECKING:
    from watchdog.events import FileSystemEventHandler
    from watchdog.observers.api import BaseObserver

_QUIET_MS = 150
_STOP_TIMEOUT_S = 2.0


class ProjectWatcher(QObject):
    """Says which files changed, once they have been quiet for a moment.

    Signals:
        changed: tuple[str, ...], relative paths, sorted.
    """

    changed = Signal(object)
    _noticed = Signal(str)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root
        self._observer: BaseObserver | None = None
        self._handler: FileSystemEventHandler | None = None
        self._watched: set[Path] = set()
        self._paths: set[str] = set()
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(_QUIET_MS)
        self._quiet.timeout.connect(self._on_quiet)
        self._noticed.connect(self._on_noticed)

    def start(self) -> None:
        """Begin, once the window is up: the import costs more than it is worth before."""
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        noticed = self._noticed

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in ("opened", "closed_no_write"):
                    return
                for path in (event.src_path, event.dest_path):
                    if path:
                        noticed.emit(path if isinstance(path, str) else bytes(path).decode("utf-8", "replace"))

        self._handler = Handler()
        self._observer = Observer()
        self._observer.start()
        self._watch(self._root, is_recursive=False)
        self._watch_new_folders()

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(_STOP_TIMEOUT_S)
            self._observer = None

    def _watch_new_folders(self) -> None:
        """Each folder of its own: `.circuit` changes all the time and is nobody's business."""
        for entry in self._root.iterdir() if self._root.is_dir() else ():
            if entry.is_dir() and not entry.is_symlink() and not is_hidden(entry.name):
                self._watch(entry, is_recursive=True)

    def _watch(self, folder: Path, *, is_recursive: bool) -> None:
        if self._observer is None or self._handler is None or folder in self._watched:
            return
        try:
            self._observer.schedule(self._handler, str(folder), recursive=is_recursive)
        except OSError:
            return  # Out of watches: the console compares files when it is looked at instead.
        self._watched.add(folder)

    @Slot(str)
    def _on_noticed(self, path: str) -> None:
        try:
            relative = Path(path).relative_to(self._root).as_posix()
        except ValueError:
            return
        if relative != "." and not is_hidden(relative):
            if "/" not in relative:
                self._watched = {folder for folder in self._watched if folder.is_dir()}
                self._watch_new_folders()
            self._paths.add(relative)
            self._quiet.start()

    @Slot()
    def _on_quiet(self) -> None:
        paths, self._paths = tuple(sorted(self._paths)), set()
        self.changed.emit(paths)
