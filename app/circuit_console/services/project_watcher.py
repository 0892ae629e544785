"""Watches the project's folder for changes that others make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from circuit_console.core.project_files import is_hidden

if TYPE_CHECKING:
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

        observer = Observer()
        try:
            observer.schedule(Handler(), str(self._root), recursive=True)
            observer.start()
        except OSError:
            return  # Out of watches: the console compares files when it is looked at instead.
        self._observer = observer

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(_STOP_TIMEOUT_S)
            self._observer = None

    @Slot(str)
    def _on_noticed(self, path: str) -> None:
        try:
            relative = Path(path).relative_to(self._root).as_posix()
        except ValueError:
            return
        if not is_hidden(relative):
            self._paths.add(relative)
            self._quiet.start()

    @Slot()
    def _on_quiet(self) -> None:
        paths, self._paths = tuple(sorted(self._paths)), set()
        self.changed.emit(paths)
