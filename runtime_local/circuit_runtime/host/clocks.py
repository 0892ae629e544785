"""Watches a worker from outside: CPU by its own clock, memory by its resident pages, wall time by ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from circuit_log.limits import LimitName
from circuit_runtime.governor.governor import Governor
from circuit_runtime.sandbox.worker import Worker

_LONGEST_SAMPLE_S = 0.05
_SHORTEST_SAMPLE_S = 0.005
_GRACE_S = 0.5
_LONGEST_PAUSE_S = 3600.0
# Ten thousand records and what saving them answers take more in Python than the 6 MB of the profile `apex`, which
# hold them on Salesforce. A heap may be ended within 16 MB of its limit; this leaves room for a late sample.
_HEAP_TOLERANCE_BYTES = 8_000_000


class Watch:
    """Samples one worker on a thread of its own: 20 times a second, and more often close to a limit.

    When a measured limit is passed, the transaction is declared dead, the line that was running is captured, and
    the worker is killed. A worker whose request passed a counted limit has been told, and gets half a second to
    unwind before it is killed. A paused run's wall clock stands still. A watch that fails kills: nothing runs
    unwatched.

    Args:
        timeout_s: wall time of the whole run, None for the limit alone.
        on_overdue: called with a sentence when the run is to be ended for another reason: its own timeout,
            or a pause of more than an hour.
        kill: ends the worker, and what the host does for it, at once.
    """

    def __init__(
        self,
        worker: Worker,
        governor: Governor,
        timeout_s: float | None,
        on_overdue: Callable[[str], None],
        kill: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._governor = governor
        self._timeout_s = timeout_s
        self._on_overdue = on_overdue
        self._kill = kill
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._paused_at: float | None = None
        self._paused_s = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{worker.pid}", daemon=True)
        self._has_measured_breach = False
        self.breach_line: tuple[str, int] | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def pause(self) -> None:
        with self._lock:
            self._paused_at = self._paused_at or time.monotonic()

    def resume(self) -> float:
        """The wall clock goes on; seconds that it stood still."""
        with self._lock:
            if self._paused_at is None:
                return 0.0
            paused_s = time.monotonic() - self._paused_at
            self._paused_s += paused_s
            self._paused_at = None
            return paused_s

    def wall_s(self) -> float:
        """Seconds that the run has taken, pauses left out."""
        with self._lock:
            now = self._paused_at or time.monotonic()
            return now - self._started - self._paused_s

    def sample(self) -> None:
        """Take over all readings once."""
        wall_s = self.wall_s()
        readings = (
            (LimitName.CPU_MS, self._worker.cpu_ns() // 1_000_000),
            (LimitName.HEAP_BYTES, self._heap_bytes()),
            (LimitName.WALL_MS, int(wall_s * 1000)),
        )
        for name, value in readings:
            if not self._governor.measure(name, value):
                self._end(name)
        if not self._governor.is_within(LimitName.COST_MICROS):
            self._end(LimitName.COST_MICROS)
        if self._timeout_s is not None and wall_s > self._timeout_s:
            self._on_overdue(f"It took longer than {self._timeout_s:g} s.")
        with self._lock:
            paused_at = self._paused_at
        if paused_at is not None and time.monotonic() - paused_at > _LONGEST_PAUSE_S:
            self._on_overdue("It was paused for more than an hour.")

    def _heap_bytes(self) -> int:
        """The worker's reading; what is too much within the tolerance counts as the limit."""
        read, limit = self._worker.heap_bytes(), self._governor.maximum(LimitName.HEAP_BYTES)
        return limit if limit < read <= limit + _HEAP_TOLERANCE_BYTES else read

    def _run(self) -> None:
        try:
            while not self._ended.wait(self._pause_s()) and self._governor.breach is None:
                self.sample()
            if not self._has_measured_breach:
                self._ended.wait(_GRACE_S)
        finally:
            if not self._ended.is_set():
                self._kill()

    def _pause_s(self) -> float:
        """Until the next sample: a limit that time alone can reach is not missed by much."""
        left_ms = min(self._governor.remaining(LimitName.CPU_MS), self._governor.remaining(LimitName.WALL_MS))
        return min(max(left_ms / 1000, _SHORTEST_SAMPLE_S), _LONGEST_SAMPLE_S)

    def _end(self, name: LimitName) -> None:
        if self._governor.breach is None:
            self._has_measured_breach = True
            frame = self._worker.capture_line()
            self.breach_line = (frame.path, frame.line) if frame else None
            self._governor.break_off(name)
