"""A project's folder with its local database: migrated when the objects change, reset on request."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circuit_link.errors import UserFacingError
from circuit_runtime.callouts.port import CalloutPort
from circuit_runtime.dml.figures import bring_up_to_date
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.host.seeds import load_seeds
from circuit_runtime.host.workspace import Opened
from circuit_runtime.project.project import Project, ProjectFolder
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.store import Store

_log = logging.getLogger("circuit.runtime.data")

DATABASE = "data.db"
BACKUPS = "backups"
_KEPT_BACKUPS = 10
_SIDE_FILES = ("", "-wal", "-shm")


class LocalWorkspace:
    """The `Workspace` of a folder. Thread-safe; `close` it when no run is open."""

    def __init__(self, root: Path, pool: WorkerPool, callouts: CalloutPort) -> None:
        self._folder = ProjectFolder(root)
        self._state = root / ".circuit"
        self._pool = pool
        self._callouts = callouts
        self._lock = threading.Lock()
        self._users = 0
        self._data: tuple[Store, Runtime] | None = None
        self._migrated_to = ""

    def project(self) -> Project:
        """The project as it is on disk now, without its data. Raises: UserFacingError."""
        return self._folder.load()

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """See `Workspace.opened`."""
        project = self._folder.load()
        with self._lock:
            store, runtime = self._ready(project)
            self._users += 1
        try:
            yield Opened(project, store, runtime)
        finally:
            with self._lock:
                self._users -= 1

    def reset(self) -> Path | None:
        """Empty the database and load the seeds; returns where the copy of the old one lies, None if none was.

        Raises:
            UserFacingError: something works on the data now, or the copy cannot be written; nothing changed.
        """
        project = self._folder.load()
        with self._lock:
            if self._users:
                raise UserFacingError(
                    "The data cannot be reset while something runs.",
                    code="DATA_IN_USE",
                    hint="Stop the run, or wait for its end.",
                )
            self._close_data()
            try:
                copy = self._move_away()
            except OSError as exc:
                raise UserFacingError(
                    f"The database cannot be copied to {self._state / BACKUPS}: {exc.strerror}.",
                    code="BACKUP_FAILED",
                    hint="Nothing was changed. Free some space, or make the folder writable.",
                ) from exc
            self._ready(project)
            return copy

    def close(self) -> None:
        with self._lock:
            self._close_data()

    def _ready(self, project: Project) -> tuple[Store, Runtime]:
        if self._data is None:
            path = self._state / DATABASE
            is_new = not path.exists()
            store = Store.open(f"sqlite:///{path}")
            try:
                self._migrate(store, project)
                if is_new:
                    load_seeds(store, project)
            except BaseException:
                store.close()
                if is_new:
                    self._remove_database()
                raise
            self._data = (store, Runtime(store, self._pool, self._callouts))
            self._migrated_to = project.schema.version
        elif self._migrated_to != project.schema.version:
            self._migrate(self._data[0], project)
            self._migrated_to = project.schema.version
        return self._data

    def _migrate(self, store: Store, project: Project) -> None:
        for change in store.migrate(project.schema).changes:
            _log.info("the database follows the changed objects: %s", change)
        bring_up_to_date(store, project.schema)

    def _close_data(self) -> None:
        if self._data is not None:
            self._data[0].close()
            self._data = None

    def _move_away(self) -> Path | None:
        """Copy the database, prove that the copy is there, then remove the original."""
        source = self._state / DATABASE
        if not source.exists():
            return None
        backups = self._state / BACKUPS
        backups.mkdir(mode=0o700, exist_ok=True)
        copy = backups / f"data-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}.db"
        for suffix in _SIDE_FILES:
            side = source.with_name(source.name + suffix)
            if side.exists():
                shutil.copy2(side, copy.with_name(copy.name + suffix))
        self._remove_database()
        for old in sorted(backups.glob("data-*.db"))[:-_KEPT_BACKUPS]:
            for suffix in _SIDE_FILES:
                old.with_name(old.name + suffix).unlink(missing_ok=True)
        return copy

    def _remove_database(self) -> None:
        for suffix in _SIDE_FILES:
            (self._state / f"{DATABASE}{suffix}").unlink(missing_ok=True)
