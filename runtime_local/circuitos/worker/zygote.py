"""The warm parent of workers, started by the host.

`python -I -m circuitos.worker.zygote FD plain|debug [LIBRARY…]`

Single-threaded, without secrets, with an empty environment. On each request it forks one worker, answers with
its pid and a pidfd, and later reports its exit status. It ends, and kills its workers, when the host is gone.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

from circuitos.worker import confinement, session
from circuitos.worker.layers import enclosure
from circuitos.worker.layers.preparation import Prepared, prepare

_WARM_LATER = (
    "asyncio",
    "calendar",
    "coverage",
    "csv",
    "decimal",
    "fractions",
    "hashlib",
    "heapq",
    "inspect",
    "statistics",
    "string",
    "textwrap",
    "uuid",
    "zoneinfo",
)
"""Imported one by one while no request waits, so that the first worker need not wait for them."""


_DEBUGGER = "circuitos.debugger.session"


class Zygote:
    """The request loop of one zygote."""

    def __init__(self, control: socket.socket, prepared: Prepared, init_pid: int | None) -> None:
        """`init_pid` is the process that holds the workers' process namespace open, if they have one."""
        self._control = control
        self._prepared = prepared
        self._init_pid = init_pid
        self._exit_fds: dict[int, int] = {}
        self._to_warm = [*([_DEBUGGER] if prepared.debug else []), *_WARM_LATER]

    def serve(self) -> None:
        """Answer requests until the host closes its end."""
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(wake_read, select.POLLIN)
        _settle_memory()
        while True:
            ready = dict(poller.poll(0 if self._to_warm else None))
            if wake_read in ready:
                os.read(wake_read, 4096)
                if not self._reap():
                    break
            if self._control.fileno() in ready and not self._answer():
                break
            if not ready:
                self._warm_one()
        for pid in self._exit_fds:
            os.kill(pid, signal.SIGKILL)

    def _warm_one(self) -> None:
        name = self._to_warm.pop(0)
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            pass
        else:
            if name == _DEBUGGER:
                module.warm()
        if not self._to_warm:
            _settle_memory()

    def _answer(self) -> bool:
        """Serve one request; False when the host has gone, or no worker can be made any more."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, 4096, 8)
        except OSError:
            return False
        if not data:
            return False
        request = json.loads(data)
        try:
            pid = os.fork()
        except OSError as exc:
            if not self._reap():
                return False
            self._control.send(json.dumps({"error": str(exc)}).encode())
        else:
            if pid == 0:
                self._become_worker(request, descriptors)
            self._hand_over(pid, descriptors)
        for descriptor in descriptors:
            if descriptor not in self._exit_fds.values():
                os.close(descriptor)
        return True

    def _hand_over(self, pid: int, descriptors: list[int]) -> None:
        *_, exit_fd, _life = descriptors
        self._exit_fds[pid] = exit_fd
        pidfd = os.pidfd_open(pid)
        try:
            socket.send_fds(self._control, [json.dumps({"pid": pid}).encode()], [pidfd])
        finally:
            os.close(pidfd)

    def _become_worker(self, request: dict[str, int], descriptors: list[int]) -> NoReturn:
        try:
            *sockets, line_fd, _exit_fd, life_fd = descriptors
            limits = confinement.Limits(heap_bytes=request["heap_bytes"], cpu_ms=request["cpu_ms"])
            channels = confinement.confine(sockets, line_fd, life_fd, limits, self._prepared)
            session.serve(channels)
        finally:
            os._exit(70)

    def _reap(self) -> bool:
        """Report the workers that have ended; False when their namespace has, and none can be made any more."""
        while self._exit_fds or self._init_pid is not None:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
            if pid == self._init_pid:
                return False
            exit_fd = self._exit_fds.pop(pid, None)
            if exit_fd is not None:
                try:
                    os.write(exit_fd, struct.pack("=I", status))
                except OSError:
                    pass
                os.close(exit_fd)
        return True


def _settle_memory() -> None:
    """Keep the garbage collector of every worker off the pages it shares with the zygote."""
    gc.collect()
    gc.freeze()


def main() -> None:
    descriptor, kind, *libraries = sys.argv[1:]
    os.environ.clear()
    gc.disable()
    with socket.socket(fileno=int(descriptor)) as control:
        prepared = prepare(debug=kind == "debug", forks=True, libraries=libraries)
        init_pid = enclosure.start_init() if "process_namespace" in prepared.layers else None
        Zygote(control, prepared, init_pid).serve()
    # Not the interpreter's own end: nothing here needs it, and it would take tenths of a second.
    os._exit(0)


if __name__ == "__main__":
    main()
