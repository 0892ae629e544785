"""Idle workers on Windows, each in a Job object. Never run on Windows.

A started process can do nothing but wait: it has no socket. It gets its sockets, as their descriptions for that
process alone, through its standard input once it is in its job, so no script ever runs outside of one.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import contextlib
    import os
    import socket
    import struct
    import subprocess
    from collections.abc import Sequence

    from circuit_link.framing import FrameSocket
    from circuit_runtime.sandbox.job_object import Job
    from circuit_runtime.sandbox.worker import Worker, WorkerExit, WorkerLimits
    from circuit_runtime.sandbox.zygote_link import launch_command

    class SpawnedInJob:
        """One started process that waits for its limits."""

        def __init__(self, python: str, *, debug: bool, libraries: Sequence[str]) -> None:
            """Raises: OSError, it was not started or is not held; then no process is left."""
            program, environment = _interpreter(python)
            module, kind = "circuitos.worker.idle_in_job", "debug" if debug else "plain"
            self._sockets: list[socket.socket] = []
            self._job = Job()
            try:
                self._process = subprocess.Popen(
                    launch_command(program, module, kind, *libraries),
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    creationflags=subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
                )
            except OSError:
                self._job.close()
                raise
            try:
                self._job.assign(int(self._process._handle))  # type: ignore[attr-defined] # no public name for it
                self._hand_over(2 if debug else 1)
            except OSError:
                self._process.kill()  # it may not be in the job
                self.close()
                raise

        def become_worker(self, limits: WorkerLimits) -> Worker:
            """Raises: OSError, the system does not keep the limits; then no process is left."""
            try:
                self._job.limit(limits)
            except OSError:
                self.close()
                raise
            return JobWorker(self._process, self._job, [FrameSocket(one) for one in self._sockets])

        def close(self) -> None:
            self._job.terminate()
            self._process.wait()
            self._job.close()
            for one in self._sockets:
                one.close()

        def _hand_over(self, count: int) -> None:
            assert self._process.stdin is not None
            with self._process.stdin as channel:
                for _ in range(count):
                    host_end, worker_end = socket.socketpair()
                    self._sockets.append(host_end)
                    with worker_end:
                        shared = worker_end.share(self._process.pid)
                    channel.write(struct.pack(">I", len(shared)) + shared)

    class JobWorker(Worker):
        """A worker whose life, CPU clock and limits are its job's. It cannot be asked for its line."""

        def __init__(self, process: subprocess.Popen[bytes], job: Job, sockets: Sequence[FrameSocket]) -> None:
            super().__init__(
                pid=process.pid,
                pidfd=-1,
                socket=sockets[0],
                debug_socket=sockets[1] if len(sockets) > 1 else None,
                line_fd=-1,
                exit_fd=-1,
                life_fd=-1,
            )
            self._process = process
            self._job = job

        def cpu_ns(self) -> int:
            with self._lock:
                if self._exit is None and not self._closed:
                    with contextlib.suppress(OSError):
                        self._last_cpu_ns = self._job.cpu_ns() - self._cpu_baseline_ns
                return self._last_cpu_ns

        def kill(self) -> None:
            with self._lock:
                if self._exit is None and not self._closed:
                    self._job.terminate()

        def wait(self, timeout_s: float | None = None) -> WorkerExit | None:
            try:
                code = self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return None
            with self._lock:
                self._exit = WorkerExit(code=code)
            return self._exit

        def close(self) -> None:
            if not self._closed:
                super().close()
                self._job.close()

    def _interpreter(python: str) -> tuple[str, dict[str, str]]:
        """The program and its environment. A virtual environment's program would start the real one as a second
        process, which the job forbids; the real one learns from the variable which environment it stands for.
        """
        environment = {"SYSTEMROOT": os.environ["SYSTEMROOT"]}  # without it, Windows makes no sockets
        base = getattr(sys, "_base_executable", python)
        if python == sys.executable and base != python:
            return base, environment | {"__PYVENV_LAUNCHER__": python}
        return python, environment
