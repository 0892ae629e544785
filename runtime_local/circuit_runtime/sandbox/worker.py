"""One worker process as the host sees it: its sockets, its clocks, its memory, its end."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import struct
import sysconfig
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from circuit_link import wire
from circuit_link.framing import FrameSocket

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_LINE_WAIT_S = 0.3
_SILENCE_S = 0.015
_FRAME_LINE = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+|\?\?\?) in (?P<name>.+)$', re.MULTILINE)
_OUR_FOLDERS = tuple(
    {
        f"{folder}{os.sep}"
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        for folder in (sysconfig.get_paths()[name], str(Path(sysconfig.get_paths()[name]).resolve()))
    }
    | {f"{Path(__file__).resolve().parents[2]}{os.sep}"}
)


# The host's reading has to come first, and it leaves a small limit some room.
_LEAST_HEAP_MARGIN_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Hard stops that the kernel keeps for the worker; the host's own readings end it earlier.

    Attributes:
        heap_bytes: the profile's heap limit.
        cpu_ms: the profile's CPU limit; RLIMIT_CPU is this, rounded up, plus some seconds.
    """

    heap_bytes: int
    cpu_ms: int

    @property
    def heap_stop_bytes(self) -> int:
        """What the kernel lets the worker add to its baseline (RLIMIT_DATA)."""
        return self.heap_bytes + max(self.heap_bytes // 4, _LEAST_HEAP_MARGIN_BYTES)


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """How a worker ended: `code` of its exit, or the `signal` number that killed it; both None if unknown."""

    code: int | None = None
    signal: int | None = None


class Worker:
    """A confined process that runs one transaction. Owned by the thread that acquired it.

    `kill`, `capture_line` and the readings may be called from any thread.
    """

    def __init__(
        self,
        *,
        pid: int,
        pidfd: int,
        socket: FrameSocket,
        debug_socket: FrameSocket | None,
        line_fd: int,
        exit_fd: int,
        life_fd: int,
    ) -> None:
        """Take ownership of the sockets and descriptors.

        Args:
            pid, pidfd: the process; the pidfd never names another process, also after its end.
            line_fd: read end of the pipe that the worker's `faulthandler` writes to; -1 where there is none.
            exit_fd: read end of the pipe on which its parent reports the exit status (u32, native order).
            life_fd: write end of a pipe; when the last copy closes, the kernel kills the worker.
        """
        self.pid = pid
        self.pidfd = pidfd
        self.socket = socket
        self.debug_socket = debug_socket
        self._line_fd = line_fd
        self._exit_fd = exit_fd
        self._life_fd = life_fd
        self._lock = threading.Lock()
        self._line_lock = threading.Lock()  # apart, so that a kill need not wait for a silent worker
        self._exit: WorkerExit | None = None
        self._closed = False
        self._cpu_clock = ((~pid) << 3) | 2
        self._last_cpu_ns = 0
        self._cpu_baseline_ns = 0
        self._heap_baseline_bytes = 0
        self._last_heap_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def mark_baseline(self) -> None:
        """Count CPU and heap from here. Call it once the worker has loaded its sources."""
        self._cpu_baseline_ns += self.cpu_ns()
        self._last_cpu_ns = 0
        self._heap_baseline_bytes = self._resident_bytes() or 0

    def cpu_ns(self) -> int:
        """CPU time of all its threads since the baseline; the last reading once it has ended."""
        with self._lock:
            if self._exit is None and not self._closed:
                with contextlib.suppress(OSError):
                    self._last_cpu_ns = time.clock_gettime_ns(self._cpu_clock) - self._cpu_baseline_ns
            return self._last_cpu_ns

    def heap_bytes(self) -> int:
        """Memory of its own (resident − shared) since the baseline, never negative."""
        resident = self._resident_bytes()
        if resident is not None:
            self._last_heap_bytes = max(0, resident - self._heap_baseline_bytes)
        return self._last_heap_bytes

    def capture_line(self) -> wire.ScriptFrame | None:
        """The script line that it executes now, also inside a C loop; None if it does not answer in 300 ms.

        The worker has registered `faulthandler` for SIGUSR2; a script may have blocked the signal.
        """
        with self._line_lock:
            if self._line_fd < 0 or self._exit is not None or self._closed:
                return None
            self._read_pipe(0.0)
            return self._ask_for_script_frame(time.monotonic() + _LINE_WAIT_S)

    def kill(self) -> None:
        """End it now, and the processes it started in its session. Returns at once; see `wait`."""
        with self._lock:
            if self._exit is not None or self._closed:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._send(signal.SIGKILL)

    def let_go(self) -> None:
        """Close what holds its life, as the kernel does for a host that ends."""
        with self._lock:
            if self._life_fd >= 0:
                os.close(self._life_fd)
                self._life_fd = -1

    def wait(self, timeout_s: float | None = None) -> WorkerExit | None:
        """How it ended, or None if it still runs after `timeout_s` seconds."""
        if self._exit is not None or self._closed:
            return self._exit
        poller = select.poll()
        poller.register(self._exit_fd, select.POLLIN)
        if not poller.poll(None if timeout_s is None else timeout_s * 1000):
            return None
        with self._lock:
            if self._exit is None:
                self._exit = self._read_exit()
            return self._exit

    def close(self) -> None:
        """Kill it if it still runs, wait until it is gone, and give everything back."""
        if self._closed:
            return
        self.kill()
        self.wait(5.0)
        with self._line_lock, self._lock:
            self._closed = True
            self.socket.close()
            if self.debug_socket is not None:
                self.debug_socket.close()
            for descriptor in (self.pidfd, self._line_fd, self._exit_fd, self._life_fd):
                if descriptor >= 0:
                    os.close(descriptor)

    def _send(self, signal_number: signal.Signals) -> bool:
        try:
            if self.pidfd >= 0:
                signal.pidfd_send_signal(self.pidfd, signal_number)
            else:
                os.kill(self.pid, signal_number)
        except ProcessLookupError:
            return False
        return True

    def _resident_bytes(self) -> int | None:
        try:
            fields = Path(f"/proc/{self.pid}/statm").read_bytes().split()
        except OSError:
            return None
        if self._exit is not None or len(fields) < 3:
            return None
        return (int(fields[1]) - int(fields[2])) * _PAGE_BYTES

    def _ask_for_script_frame(self, deadline: float) -> wire.ScriptFrame | None:
        """The frame in a dump of the worker's; None if none names one before the deadline."""
        dump, asked = "", False
        while (left_s := deadline - time.monotonic()) > 0:
            if not asked and not self._send(signal.SIGUSR2):
                return None
            # faulthandler writes small pieces and no end mark: silence ends a dump. Without a line in it, it was
            # cut by the wait for a processor, or the interpreter stood between two lines: it is asked again.
            part = self._read_pipe(_SILENCE_S if dump else left_s)
            asked = bool(part)
            dump += part
            if not part and (frame := find_script_frame(dump)) is not None:
                return frame
        return None

    def _read_pipe(self, wait_s: float) -> str:
        """What the line pipe holds, after waiting for it; empty if nothing comes."""
        poller = select.poll()
        poller.register(self._line_fd, select.POLLIN)
        if not poller.poll(wait_s * 1000):
            return ""
        return os.read(self._line_fd, 65_536).decode("utf-8", "replace")

    def _read_exit(self) -> WorkerExit:
        data = os.read(self._exit_fd, 4)
        if len(data) < 4:
            return WorkerExit()
        (status,) = struct.unpack("=I", data)
        code = os.waitstatus_to_exitcode(status)
        return WorkerExit(code=code) if code >= 0 else WorkerExit(signal=-code)


def find_script_frame(dump: str) -> wire.ScriptFrame | None:
    """The innermost frame of a script in a `faulthandler` dump, the current thread's first, that stands in a line.

    Scripts are compiled under their path in the project; files outside it under an absolute path that does
    not lie in the interpreter's or the runtime's folders.
    """
    threads = re.split(r"^(?=(?:Current thread|Thread) 0x)", dump, flags=re.MULTILINE)
    threads.sort(key=lambda text: not text.startswith("Current thread"))
    for text in threads:
        for match in _FRAME_LINE.finditer(text):
            path = match["path"]
            if not path.startswith("<") and not path.startswith(_OUR_FOLDERS):
                if match["line"] == "???":
                    break
                return wire.ScriptFrame(path=path, line=int(match["line"]), name=match["name"])
    return None
