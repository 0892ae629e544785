"""What a run asks of the runtime, and what comes of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from circuit_link import wire
from circuit_link.host_protocol import Mode, Outcome, RecordWritten, RunError
from circuit_log.events import LogEvent
from circuit_log.levels import LogLevels
from circuit_runtime.connectors.intake import Intake
from circuit_runtime.sandbox.worker import Worker


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """Records that a person edited: updated where they have an `id`, inserted otherwise; all or none."""

    object_name: str
    records: tuple[dict[str, Any], ...]


ExecutionEntry = wire.AnonymousEntry | wire.TestEntry | Intake | SaveRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """One transaction.

    Attributes:
        now: the transaction's clock at its start, aware UTC; goes on with real time unless `now_fixed`.
        user: id or name of the user that runs it; "" for the project's own.
        seed: of the worker's random numbers.
        timeout_s: wall time after which it is ended; None for the profile's own limit alone.
    """

    entry: ExecutionEntry
    levels: LogLevels
    now: dt.datetime
    now_fixed: bool = False
    mode: Mode = "plain"
    commit: bool = False
    user: str = ""
    seed: int = 0
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResult:
    """How a transaction ended.

    Attributes:
        limits: counter name to (used, maximum), of the project's own namespace.
        breached: name of the limit that ended it, "" if none did.
        records: what was written and not rolled back within the transaction, also where it was not committed.
        coverage: path to (executable lines, executed lines), in coverage mode.
        triggers_run: (path, class, method) of every trigger that ran.
    """

    outcome: Outcome
    error: RunError | None
    exit_code: int
    limits: dict[str, tuple[int, int]]
    committed: bool
    breached: str = ""
    records: tuple[RecordWritten, ...] = ()
    coverage: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    triggers_run: frozenset[tuple[str, str, str]] = frozenset()


class EventSink(Protocol):
    """Where a run's events and output go, from the run's thread; neither may block for long."""

    def emit(self, event: LogEvent) -> None: ...

    def output(self, stream: str, text: str) -> None: ...


class RunControl:
    """Ends a run, and holds its clock while the debugger has stopped it. Any thread.

    The execution binds itself with `bind` as soon as there is something to end.

    Args:
        on_debug_worker: called on the run's thread with the debug worker before anything is sent to it.

    Attributes:
        on_note: called on the run's thread with what the debugger tells among what is printed.
    """

    def __init__(self, on_debug_worker: Callable[[Worker, RunControl], None] | None = None) -> None:
        self.on_debug_worker = on_debug_worker
        self.on_note: Callable[[wire.DebugNote], None] | None = None
        self._lock = threading.Lock()
        self._stop_reason: str | None = None
        self._on_stop: Callable[[str], None] | None = None
        self._on_pause: Callable[[str, str, int], None] | None = None
        self._on_resume: Callable[[], None] | None = None
        self._limits: Callable[[], dict[str, tuple[int, int]]] | None = None

    @property
    def stop_reason(self) -> str | None:
        """Why the run is to end, or None."""
        return self._stop_reason

    def bind(
        self,
        *,
        stop: Callable[[str], None],
        pause: Callable[[str, str, int], None],
        resume: Callable[[], None],
        limits: Callable[[], dict[str, tuple[int, int]]],
    ) -> None:
        """Say how the execution is told. A stop asked for earlier is delivered at once."""
        with self._lock:
            self._on_stop, self._on_pause, self._on_resume = stop, pause, resume
            self._limits = limits
            reason = self._stop_reason
        if reason is not None:
            stop(reason)

    def unbind(self) -> None:
        """The execution is over: nothing can be told any more."""
        with self._lock:
            self._on_stop = self._on_pause = self._on_resume = None

    def stop(self, reason: str) -> None:
        """Ask the run to end; it is killed where it does not. The first reason counts."""
        with self._lock:
            if self._stop_reason is not None:
                return
            self._stop_reason = reason
            on_stop = self._on_stop
        if on_stop is not None:
            on_stop(reason)

    def limits(self) -> dict[str, tuple[int, int]]:
        """Counter name to (used, maximum) now, or as the run left them; empty before it began."""
        with self._lock:
            limits = self._limits
        return limits() if limits is not None else {}

    def noted(self, note: wire.DebugNote) -> None:
        """The run's thread: the debugger tells something; in a run without one, nobody listens."""
        if self.on_note is not None:
            self.on_note(note)

    def paused(self, reason: str, path: str, line: int) -> None:
        """The debugger has stopped the script (breakpoint, step) at a line: its wall clock stands still."""
        with self._lock:
            on_pause = self._on_pause
        if on_pause is not None:
            on_pause(reason, path, line)

    def resumed(self) -> None:
        """The script goes on."""
        with self._lock:
            on_resume = self._on_resume
        if on_resume is not None:
            on_resume()
