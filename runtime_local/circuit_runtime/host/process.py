"""Build the host of a project, run it while it is needed, and take it apart in reverse order."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import filelock

from circuit_link.errors import UserFacingError
from circuit_link.host_address import dap_socket_path, host_socket_path
from circuit_link.host_protocol import ErrorInfo
from circuit_link.host_start import StartReport, encode_report, state_folder
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host.broadcast import Audience, RunBroadcast
from circuit_runtime.host.client_session import error_info
from circuit_runtime.host.dap.server import DapServer
from circuit_runtime.host.listener import Listener
from circuit_runtime.host.local_workspace import LocalWorkspace
from circuit_runtime.host.log_archive import LogArchive
from circuit_runtime.host.runs import RunService
from circuit_runtime.host.server import HostServer
from circuit_runtime.sandbox.pool import WorkerPool

_log = logging.getLogger("circuit.runtime.host")

# A host that is just ending gives its lock back within this time.
_LOCK_TIMEOUT_S = 10.0
LOCK_FILE = "host.lock"


class HostProcess:
    """The one host of a project, from its lock to its end.

    Args:
        report_fd: where the starter waits for one JSON line; None where nobody waits.
        grace_s: how long it stays without clients and runs.
    """

    def __init__(self, root: Path, report_fd: int | None, grace_s: float) -> None:
        self._root = root
        self._report_fd = report_fd
        self._grace_s = grace_s

    def run(self, stop: threading.Event) -> int:
        """Serve until nobody needs the host, or `stop` is set; returns the exit code."""
        try:
            folder = state_folder(self._root)
            lock = filelock.FileLock(folder / LOCK_FILE, timeout=_LOCK_TIMEOUT_S, thread_local=False)
            with lock, contextlib.ExitStack() as parts:
                self._serve(folder, parts, stop)
        except filelock.Timeout:
            # Another host holds the project: whoever started this one connects to that one.
            self._report(None)
            return 0
        except UserFacingError as exc:
            self._report(error_info(exc))
            _log.error("%s %s", exc.message, exc.hint)
            return 1
        except OSError as exc:
            self._report(ErrorInfo(code="HOST_START_FAILED", message=f"The host cannot start: {exc}."))
            _log.exception("the host cannot start")
            return 1
        return 0

    def _serve(self, folder: Path, parts: contextlib.ExitStack, stop: threading.Event) -> None:
        archive = LogArchive(folder / "logs")
        archive.close_abandoned()
        pool = parts.enter_context(WorkerPool())
        pool.prestart()
        workspace = parts.enter_context(contextlib.closing(LocalWorkspace(self._root, pool, CalloutClient())))
        audience = Audience()
        runs = RunService(workspace, archive, lambda origin: RunBroadcast(audience, origin))
        listener = Listener(host_socket_path(self._root))
        dap_address = dap_socket_path(self._root)
        server = HostServer(
            self._root,
            workspace=workspace,
            archive=archive,
            runs=runs,
            audience=audience,
            pool=pool,
            listener=listener,
            dap_address=str(dap_address),
            is_orphaned=_watch(folder / LOCK_FILE),
        )
        dap = DapServer(self._root, runs, workspace.project, dap_address)
        parts.callback(server.close)
        parts.callback(dap.close)
        dap.start()
        server.start()
        pool.prestart(debug=True)
        _log.info("serving %s as process %d", self._root, os.getpid())
        self._report(None)
        server.wait_until_idle(self._grace_s, stop, lambda: dap.has_clients)
        _log.info("nobody needs the host of %s any more", self._root)

    def _report(self, error: ErrorInfo | None) -> None:
        """Tell the starter, once, and let its pipe go."""
        if self._report_fd is None:
            return
        descriptor, self._report_fd = self._report_fd, None
        try:
            os.write(descriptor, encode_report(StartReport(pid=os.getpid(), error=error)))
        except BrokenPipeError:
            _log.info("the program that started the host has gone")
        finally:
            os.close(descriptor)


def _watch(lock_file: Path) -> Callable[[], bool]:
    """Whether the lock that we hold is no longer the one that stands in the folder."""
    held = lock_file.stat()

    def is_gone() -> bool:
        try:
            now = lock_file.stat()
        except OSError:
            return True
        return (now.st_dev, now.st_ino) != (held.st_dev, held.st_ino)

    return is_gone
