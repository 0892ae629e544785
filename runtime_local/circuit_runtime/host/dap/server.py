"""Serves the debugger as Debug Adapter Protocol on a socket of the host: one session for each connection."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from circuit_runtime.host.dap.connection import DapConnection
from circuit_runtime.host.dap.session import DapSession
from circuit_runtime.host.runs import RunService
from circuit_runtime.host.socket_file import SocketFile
from circuit_runtime.project.project import Project

_log = logging.getLogger("circuit.debug")


class DapServer:
    """Listens for DAP clients on an owner-only unix socket. Thread-safe; `close` ends all sessions.

    Args:
        project: reads the project as it is on disk now; raises UserFacingError.
    """

    def __init__(self, root: Path, runs: RunService, project: Callable[[], Project], address: Path) -> None:
        self._root = root
        self._runs = runs
        self._project = project
        self._address = address
        self._lock = threading.Lock()
        self._sessions: set[DapSession] = set()
        self._file: SocketFile | None = None

    @property
    def has_clients(self) -> bool:
        with self._lock:
            return bool(self._sessions)

    def start(self) -> None:
        """Raises: OSError."""
        self._file = SocketFile(self._address)
        threading.Thread(target=self._accept, args=(self._file,), name="dap", daemon=True).start()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        with self._lock:
            sessions = tuple(self._sessions)
        for session in sessions:
            session.close()

    def _accept(self, file: SocketFile) -> None:
        while (connection := file.accept()) is not None:
            try:
                self._begin(connection)
            except (RuntimeError, MemoryError):
                _log.warning("no thread can be started for a debug session")
                connection.close()

    def _begin(self, connection: socket.socket) -> None:
        session = DapSession(DapConnection(connection), self._root, self._runs, self._project)
        with self._lock:
            self._sessions.add(session)
        try:
            threading.Thread(target=self._serve, args=(session,), name="dap-session", daemon=True).start()
        except (RuntimeError, MemoryError):
            self._end(session)
            raise

    def _serve(self, session: DapSession) -> None:
        try:
            session.serve()
        except Exception:  # noqa: BLE001 - a border: one session's fault must not end the host
            _log.exception("a debug session failed")
        finally:
            self._end(session)

    def _end(self, session: DapSession) -> None:
        session.close()
        with self._lock:
            self._sessions.discard(session)
