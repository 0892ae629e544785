"""Start, watch and end runs: the one way by which scripts, events, edited records and debug sessions run."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import itertools
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Protocol

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_log.events import LogEvent
from circuit_log.limits import LimitUse
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.host.admission import Admission, OpenDoor, Ticket
from circuit_runtime.host.execution_request import ExecutionRequest, RunControl
from circuit_runtime.host.guard import guarded
from circuit_runtime.host.log_archive import LogArchive, RunLog
from circuit_runtime.host.run_preparation import PreparedRun, prepare_run
from circuit_runtime.host.shortage import out_of_threads
from circuit_runtime.host.workspace import Opened, Workspace
from circuit_runtime.sandbox.worker import Worker

_log = logging.getLogger("circuit.runtime.runs")

_MAX_STDOUT_CHARACTERS = 2_000_000
_LOG_BATCH = 512
_STOP_WAIT_S = 5.0
_ATTEMPTS_TO_START = 10
_UNTIL_NEXT_ATTEMPT_S = 0.05


class RunObserver(Protocol):
    """Sees one run, on the run's thread; it must not block."""

    def started(self, message: hp.RunStarted) -> None: ...

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None: ...

    def output(self, message: hp.OutputEmitted) -> None: ...

    def finished(self, run_id: str, result: hp.RunResult) -> None: ...


class DebuggerInWait(Protocol):
    """A debugger that has joined the host, and takes runs that others start. It observes those that it takes."""

    @property
    def is_free(self) -> bool: ...

    def run_started(self, handle: RunHandle) -> None: ...

    def take_worker(self, worker: Worker, control: RunControl) -> None: ...

    def started(self, message: hp.RunStarted) -> None: ...

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None: ...

    def output(self, message: hp.OutputEmitted) -> None: ...

    def finished(self, run_id: str, result: hp.RunResult) -> None: ...


class RunHandle:
    """A run that was started. Any thread."""

    def __init__(self, run_id: str, control: RunControl, origin: object) -> None:
        self.run_id = run_id
        self.control = control
        self.origin = origin
        self._ended = threading.Event()
        self._result: hp.RunResult | None = None

    def stop(self, reason: str) -> None:
        """Ask it to end; it is killed where it does not."""
        self.control.stop(reason)

    def wait(self, timeout_s: float | None = None) -> hp.RunResult | None:
        """How it ended; None if it still runs after `timeout_s`."""
        self._ended.wait(timeout_s)
        return self._result

    def finish(self, result: hp.RunResult) -> None:
        """For the run's own thread, once."""
        self._result = result
        self._ended.set()


class RunFeed:
    """The `EventSink` of a run: its log, its observers, and what it printed."""

    def __init__(self, run_id: str, log: RunLog, observers: Sequence[RunObserver]) -> None:
        self._run_id = run_id
        self._run_log = log
        self._observers = observers
        self._unwritten: list[LogEvent] = []
        self._stdout: list[str] = []
        self._stdout_characters = 0

    @property
    def stdout(self) -> str:
        """What the script printed; the end is left out beyond two million characters."""
        return "".join(self._stdout)

    def emit(self, event: LogEvent) -> None:
        self._unwritten.append(event)
        for observer in self._observers:
            observer.events(self._run_id, (event,))
        if len(self._unwritten) >= _LOG_BATCH:
            self.write_log()

    def output(self, stream: str, text: str) -> None:
        if stream == "stdout" and self._stdout_characters < _MAX_STDOUT_CHARACTERS:
            self._stdout.append(text[: _MAX_STDOUT_CHARACTERS - self._stdout_characters])
            self._stdout_characters += len(text)
        message = hp.OutputEmitted(
            run_id=self._run_id, stream="stdout" if stream == "stdout" else "stderr", text=text
        )
        for observer in self._observers:
            observer.output(message)

    def write_log(self) -> None:
        """Write what is waiting. A full disk costs the log, not the run, and the user is told."""
        events, self._unwritten = self._unwritten, []
        try:
            if events:
                self._run_log.write(events)
        except OSError as exc:
            _log.warning("the log of %s cannot be written: %s", self._run_id, exc)
            self.output("stderr", f"The log of this run ends early: {exc.strerror or exc}.\n")


class RunService:
    """All runs of one workspace. Thread-safe.

    Args:
        watch: makes the observer of a run from the `origin` that its starter gave.
        admission: decides whether another run may start.
    """

    def __init__(
        self,
        workspace: Workspace,
        archive: LogArchive,
        watch: Callable[[object], RunObserver] | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._workspace = workspace
        self._archive = archive
        self._watch = watch
        self._admission = admission or OpenDoor()
        self._lock = threading.Lock()
        self._running: dict[str, RunHandle] = {}
        self._debuggers: list[DebuggerInWait] = []
        self._numbers = itertools.count(1)

    @property
    def running(self) -> tuple[RunHandle, ...]:
        with self._lock:
            return tuple(self._running.values())

    def start(
        self,
        request: hp.RunRequest,
        *,
        origin: object = None,
        observer: RunObserver | None = None,
        on_debug_worker: Callable[[Worker, RunControl], None] | None = None,
    ) -> RunHandle:
        """Start a run in a thread of its own.

        Args:
            origin: whatever `watch` needs to know who started it.
            observer: sees this run beside the one that `watch` makes.
            on_debug_worker: called on the run's thread with the debug worker before anything is sent to it.

        Raises:
            UserFacingError: the project or the request cannot be run; nothing was started.
        """
        return self._start(lambda opened: prepare_run(opened.project, request), origin, observer, on_debug_worker)

    def start_prepared(self, prepare: Callable[[Opened], PreparedRun], *, origin: object = None) -> RunHandle:
        """Start a run that is not asked for by a `RunRequest`. Raises: UserFacingError."""
        return self._start(prepare, origin, None, None)

    def join(self, debugger: DebuggerInWait) -> None:
        """From now on, let it debug one plain run after another that anybody starts."""
        with self._lock:
            self._debuggers.append(debugger)

    def leave(self, debugger: DebuggerInWait) -> None:
        with self._lock:
            if debugger in self._debuggers:
                self._debuggers.remove(debugger)

    def stop(self, run_id: str, reason: str) -> None:
        """Raises: UserFacingError if it does not run."""
        with self._lock:
            handle = self._running.get(run_id)
        if handle is None:
            raise UserFacingError(f"The run {run_id} has ended already.", code="RUN_NOT_FOUND")
        handle.stop(reason)

    def stop_all(self, reason: str) -> None:
        """End every run and wait for them, within a time limit."""
        for handle in (runs := self.running):
            handle.stop(reason)
        for handle in runs:
            handle.wait(_STOP_WAIT_S)

    def _start(
        self,
        prepare: Callable[[Opened], PreparedRun],
        origin: object,
        observer: RunObserver | None,
        on_debug_worker: Callable[[Worker, RunControl], None] | None,
    ) -> RunHandle:
        with contextlib.ExitStack() as undone:
            context = self._workspace.opened()
            opened = undone.enter_context(context)
            prepared = prepare(opened)
            ticket = self._admission.admit()
            undone.callback(ticket.give_back, {})
            joined = self._debugger_for(prepared)
            if joined is not None:
                prepared = replace(prepared, request=replace(prepared.request, mode="debug"))
                observer, on_debug_worker = joined, joined.take_worker
            handle = RunHandle(self._new_run_id(), RunControl(on_debug_worker), origin)
            watching = [self._watch(origin)] if self._watch is not None else []
            if observer is not None:
                watching.append(observer)
            run = _Run(handle, opened, prepared, self._archive, watching)
            undone.callback(run.give_up)
            self._remember(handle)
            undone.callback(self._forget, handle)
            if joined is not None:
                joined.run_started(handle)
            _start_thread(self._run, run, context, ticket)
            undone.pop_all()
        return handle

    def _debugger_for(self, prepared: PreparedRun) -> DebuggerInWait | None:
        if prepared.request.mode != "plain":
            return None
        with self._lock:
            return next((debugger for debugger in self._debuggers if debugger.is_free), None)

    def _run(self, run: _Run, context: AbstractContextManager[Opened], ticket: Ticket) -> None:
        result = run.execute()
        context.__exit__(None, None, None)
        ticket.give_back(result.limits)
        self._forget(run.handle)
        run.announce(result)
        self._archive.prune()

    def _remember(self, handle: RunHandle) -> None:
        with self._lock:
            self._running[handle.run_id] = handle

    def _forget(self, handle: RunHandle) -> None:
        with self._lock:
            del self._running[handle.run_id]

    def _new_run_id(self) -> str:
        """Sorts by time; the number keeps two runs of one microsecond apart."""
        now = dt.datetime.now(dt.UTC)
        return f"{now:%Y%m%dT%H%M%S}{now.microsecond:06d}-{next(self._numbers)}-{secrets.token_hex(2)}"


class _Run:
    """One run: from its start message to its end message."""

    def __init__(
        self,
        handle: RunHandle,
        opened: Opened,
        prepared: PreparedRun,
        archive: LogArchive,
        observers: Sequence[RunObserver],
    ) -> None:
        self.handle = handle
        self._opened = opened
        self._prepared = prepared
        self._observers = observers
        self._started_at = dt.datetime.now(dt.UTC)
        request = prepared.request
        self._run_log = archive.open(
            handle.run_id,
            started_at=self._started_at,
            entry=prepared.title,
            levels=request.levels,
            source=prepared.source,
            release=opened.release,
            user=request.user,
        )
        self._feed = RunFeed(handle.run_id, self._run_log, observers)

    def execute(self) -> hp.RunResult:
        """Run to the end, whatever the end is, and close the log."""
        request = self._prepared.request
        self._announce_start(request)
        began = time.monotonic()
        result = guarded(
            lambda: self._opened.runtime.run(self._opened.project, request, self._feed, self.handle.control),
            f"the run {self.handle.run_id}",
        )
        duration_ms = (time.monotonic() - began) * 1000
        self._feed.write_log()
        with _log_faults(self.handle.run_id):
            self._run_log.finish(result.outcome, duration_ms)
        return hp.RunResult(
            run_id=self.handle.run_id,
            outcome=result.outcome,
            error=result.error,
            exit_code=result.exit_code,
            stdout=self._feed.stdout,
            limits=result.limits,
            duration_ms=round(duration_ms, 3),
            log=str(self._run_log.path),
            records=result.records,
            committed=result.committed,
        )

    def give_up(self) -> None:
        """Close the log of a run that could not start."""
        with _log_faults(self.handle.run_id):
            self._run_log.finish("killed", 0.0)

    def announce(self, result: hp.RunResult) -> None:
        """Tell the end, after everything else of the run."""
        self.handle.finish(result)
        for observer in self._observers:
            observer.finished(self.handle.run_id, result)

    def _announce_start(self, request: ExecutionRequest) -> None:
        maxima = limits_for(self._opened.project.settings.limits)
        message = hp.RunStarted(
            request=None,
            run_id=self.handle.run_id,
            mode=request.mode,
            title=self._prepared.title,
            started_at=self._started_at,
            limits=tuple(LimitUse(name, 0, maximum) for name, maximum in maxima.items()),
            log_levels=request.levels.text(),
        )
        for observer in self._observers:
            observer.started(message)


def _start_thread(target: Callable[..., None], run: _Run, *arguments: object) -> None:
    """Raises: UserFacingError, where the system has no thread left."""
    for left in reversed(range(_ATTEMPTS_TO_START)):
        thread = threading.Thread(
            target=target, args=(run, *arguments), name=f"run-{run.handle.run_id}", daemon=True
        )
        try:
            thread.start()
        except (RuntimeError, MemoryError) as exc:
            if not left:
                raise out_of_threads() from exc
            # What a run has held that ended just now, for the same shortage, is free in a moment.
            gc.collect()
            time.sleep(_UNTIL_NEXT_ATTEMPT_S)
        else:
            return


@contextmanager
def _log_faults(run_id: str) -> Iterator[None]:
    """A log that cannot be finished is a warning: the run's own result stands."""
    try:
        yield
    except OSError as exc:
        _log.warning("the log of %s cannot be finished: %s", run_id, exc)
