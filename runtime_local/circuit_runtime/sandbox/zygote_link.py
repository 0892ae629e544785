"""The host's end of a zygote: starts it, asks it for workers, notices its death.

Requests and answers are JSON in datagrams of a private socket pair; descriptors travel beside them.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import os
import select
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from circuit_link.errors import UserFacingError
from circuit_link.framing import FrameSocket
from circuit_runtime.sandbox.worker import Worker, WorkerLimits

_ANSWER_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 2.0


class ZygoteEnded(Exception):
    """The zygote is gone; no worker was made."""


class ZygoteLink:
    """One zygote process and the workers it made. Thread-safe."""

    def __init__(self, python: str, *, debug: bool, libraries: Sequence[str]) -> None:
        self._python = python
        self._debug = debug
        self._libraries = libraries
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the link
        self._workers: weakref.WeakSet[Worker] = weakref.WeakSet()

    @property
    def pid(self) -> int | None:
        """Process id of the zygote, None before its start."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        with self._lock:
            self._ensure_started()

    def acquire(self, limits: WorkerLimits) -> Worker:
        """Fork a worker.

        Raises:
            ZygoteEnded: it had died; a new link is needed.
            UserFacingError: it could not start at all.
        """
        with self._lock:
            control = self._ensure_started()
            worker = self._fork(control, limits)
            self._workers.add(worker)
            return worker

    def close(self) -> None:
        for worker in list(self._workers):
            worker.kill()
        with self._lock:
            if self._control is not None:
                self._control.close()
            if self._process is not None:
                try:
                    self._process.wait(_END_TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            self._control = None
            self._errors.close()

    def _ensure_started(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    launch_command(
                        self._python,
                        "circuitos.worker.zygote",
                        str(theirs.fileno()),
                        "debug" if self._debug else "plain",
                        *self._libraries,
                    ),
                    env=worker_environment(),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            ours.setblocking(False)
            self._control = ours
        return self._control

    def _fork(self, control: socket.socket, limits: WorkerLimits) -> Worker:
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            worker_end, sockets = self._make_sockets(theirs, ours)
            line_read, line_write = _pipe(ours, theirs)
            exit_read, exit_write = _pipe(ours, theirs)
            life_write, life_read = _pipe(ours, theirs, reversed_ends=True)
            request = {"heap_bytes": limits.heap_stop_bytes, "cpu_ms": limits.cpu_ms}
            answer, pidfd = self._exchange(
                control, json.dumps(request).encode(), [*worker_end, line_write, exit_write, life_read]
            )
            ours.callback(os.close, pidfd)
            os.set_blocking(line_read, False)
            worker = Worker(
                pid=answer["pid"],
                pidfd=pidfd,
                socket=FrameSocket(sockets[0]),
                debug_socket=FrameSocket(sockets[1]) if self._debug else None,
                line_fd=line_read,
                exit_fd=exit_read,
                life_fd=life_write,
            )
            ours.pop_all()
            return worker

    def _make_sockets(
        self, theirs: contextlib.ExitStack, ours: contextlib.ExitStack
    ) -> tuple[list[int], list[socket.socket]]:
        worker_ends: list[int] = []
        host_ends: list[socket.socket] = []
        for _ in range(2 if self._debug else 1):
            host_end, worker_end = socket.socketpair()
            theirs.callback(worker_end.close)
            ours.callback(host_end.close)
            worker_ends.append(worker_end.fileno())
            host_ends.append(host_end)
        return worker_ends, host_ends

    def _exchange(self, control: socket.socket, request: bytes, fds: list[int]) -> tuple[dict[str, int], int]:
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        try:
            socket.send_fds(control, [request], fds)
            while True:
                try:
                    data, received, _, _ = socket.recv_fds(control, 4096, 1)
                    break
                except BlockingIOError:
                    _wait_readable(control, deadline)
        except OSError as exc:
            raise self._ended() from exc
        if not data:
            raise self._ended()
        answer = json.loads(data)
        if "error" in answer:
            raise UserFacingError(
                f"No worker could be started: {answer['error']}",
                code="SANDBOX_UNAVAILABLE",
                hint="The machine may be out of processes or memory; close other programs and try again.",
            )
        if not received:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return answer, received[0]

    def _ended(self) -> Exception:
        """The exception to raise for a zygote that does not answer."""
        assert self._process is not None
        try:
            code = self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._errors.seek(0)
        printed = self._errors.read()[-4000:].decode("utf-8", "replace").strip()
        if printed and code > 0:
            return UserFacingError(
                "The worker process could not be started.",
                code="SANDBOX_UNAVAILABLE",
                hint="Run the set-up again (`python3 packaging/dev.py setup`); the details show what it printed.",
                details=printed,
            )
        return ZygoteEnded(f"the zygote ended with code {code}")


def launch_command(python: str, module: str, *arguments: str) -> list[str]:
    """How to start `module` of the worker's code: isolated from the user's settings, in UTF-8.

    Raises:
        UserFacingError: code SANDBOX_UNAVAILABLE, the worker's code is not installed.
    """
    if importlib.util.find_spec("circuitos") is None:
        raise UserFacingError(
            "The package circuitos is not installed beside the runtime.",
            code="SANDBOX_UNAVAILABLE",
            hint="Run the set-up again (`python3 packaging/dev.py setup`).",
        )
    return [python, "-I", "-X", "utf8", "-m", module, *arguments]


def worker_code() -> list[str]:
    """The folders that Python looks through for our packages when a worker imports them."""
    found = [importlib.util.find_spec(name) for name in ("circuitos", "circuit_link")]
    folders = [folder for spec in found if spec is not None for folder in spec.submodule_search_locations or ()]
    return sorted({str(Path(folder).parent) for folder in folders})


def worker_environment() -> dict[str, str]:
    """What a zygote or an idle worker is started with; workers empty it before a script runs."""
    return {"MALLOC_ARENA_MAX": "2"}


def _pipe(
    ours: contextlib.ExitStack, theirs: contextlib.ExitStack, *, reversed_ends: bool = False
) -> tuple[int, int]:
    """A pipe as (our end, their end); ours reads unless `reversed_ends`."""
    read, write = os.pipe()
    mine, other = (write, read) if reversed_ends else (read, write)
    ours.callback(os.close, mine)
    theirs.callback(os.close, other)
    return mine, other


def _wait_readable(control: socket.socket, deadline: float) -> None:
    poller = select.poll()
    poller.register(control, select.POLLIN)
    if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError("the zygote does not answer")
