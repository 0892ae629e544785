"""Idle workers, started ahead of need, for systems without fork: each runs one transaction."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Protocol

from circuit_link.framing import FrameSocket
from circuit_runtime.sandbox import seatbelt
from circuit_runtime.sandbox.worker import Worker, WorkerLimits
from circuit_runtime.sandbox.zygote_link import launch_command, worker_code, worker_environment

_IDLE_COUNT = 2


class IdleWorkers:
    """Keeps a few started interpreters waiting. Thread-safe.

    They know their limits only when they are taken.
    """

    def __init__(self, python: str, *, debug: bool, libraries: Sequence[str]) -> None:
        self._python = python
        self._debug = debug
        self._libraries = libraries
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []
        self._workers: weakref.WeakSet[Worker] = weakref.WeakSet()
        self._closed = False

    def start(self) -> None:
        with self._lock:
            while not self._closed and len(self._idle) < _IDLE_COUNT:
                self._idle.append(self._spawn())

    def acquire(self, limits: WorkerLimits) -> Worker:
        with self._lock:
            spawned = self._idle.pop(0) if self._idle else self._spawn()
        worker = spawned.become_worker(limits)
        self._workers.add(worker)
        self.start()
        return worker

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for spawned in idle:
            spawned.close()
        for worker in list(self._workers):
            worker.kill()

    def _spawn(self) -> _Idle:
        if sys.platform == "win32":
            from circuit_runtime.sandbox.job_worker import SpawnedInJob

            return SpawnedInJob(self._python, debug=self._debug, libraries=self._libraries)
        return _Spawned(self._python, debug=self._debug, libraries=self._libraries)


class _Idle(Protocol):
    """A started process that waits to become a worker."""

    def become_worker(self, limits: WorkerLimits) -> Worker: ...

    def close(self) -> None: ...


class _Spawned:
    """One on POSIX: its limits travel as the first frame of the socket. On macOS, Seatbelt confines it."""

    def __init__(self, python: str, *, debug: bool, libraries: Sequence[str]) -> None:
        self._sockets: list[socket.socket] = []
        worker_ends: list[socket.socket] = []
        for _ in range(2 if debug else 1):
            host_end, worker_end = socket.socketpair()
            self._sockets.append(host_end)
            worker_ends.append(worker_end)
        self._line_read, line_write = os.pipe()
        descriptors = [*(end.fileno() for end in worker_ends), line_write]
        try:
            self._process = subprocess.Popen(
                _confined_command(
                    python,
                    "debug" if debug else "plain",
                    ",".join(map(str, descriptors)),
                    *libraries,
                ),
                env=worker_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,
            )
        finally:
            os.close(line_write)
            for end in worker_ends:
                end.close()

    def become_worker(self, limits: WorkerLimits) -> Worker:
        channel = FrameSocket(self._sockets[0])
        channel.send(struct.pack("=QQ", limits.heap_stop_bytes, limits.cpu_ms))
        exit_read, exit_write = os.pipe()
        threading.Thread(target=self._report_exit, args=(exit_write,), name="worker-reaper", daemon=True).start()
        os.set_blocking(self._line_read, False)
        pidfd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else -1
        return Worker(
            pid=self._process.pid,
            pidfd=pidfd,
            socket=channel,
            debug_socket=FrameSocket(self._sockets[1]) if len(self._sockets) > 1 else None,
            line_fd=self._line_read,
            exit_fd=exit_read,
            life_fd=-1,
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._line_read)
        for sock in self._sockets:
            sock.close()

    def _report_exit(self, exit_write: int) -> None:
        code = self._process.wait()
        status = -code if code < 0 else code << 8
        with contextlib.suppress(OSError):
            os.write(exit_write, struct.pack("=I", status))
        os.close(exit_write)


def _confined_command(python: str, *arguments: str) -> list[str]:
    command = launch_command(python, "circuitos.worker.idle", *arguments)
    if seatbelt.is_available():
        return seatbelt.confined(command, seatbelt.interpreter_of(python, worker_code()))
    return command
