"""One transaction from its first message to its commit or rollback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import circuit_log.events as ev
from circuit_link import wire
from circuit_link.host_protocol import Outcome, RecordWritten, RunError
from circuit_log.limits import LimitName
from circuit_runtime.callouts.port import CalloutPort
from circuit_runtime.connectors.intake import Intake
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.dml.order_of_execution import SaveContext
from circuit_runtime.dml.parents import Parents
from circuit_runtime.dml.rights import Rights
from circuit_runtime.dml.rules import Rules
from circuit_runtime.dml.transaction import DataTransaction
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.governor.cost import Prices
from circuit_runtime.governor.governor import DEFAULT_NAMESPACE, Governor, LimitBreached
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.host.callout_desk import CalloutDesk
from circuit_runtime.host.clocks import Watch
from circuit_runtime.host.conversation import Conversation, DoneInside, ProtocolViolation, WorkerGone
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.host.execution_request import (
    EventSink,
    ExecutionRequest,
    ExecutionResult,
    RunControl,
    SaveRequest,
)
from circuit_runtime.host.intake_writer import has_triggers_for, save_edited, write_intake
from circuit_runtime.host.query_desk import QueryDesk
from circuit_runtime.host.service import Clock, Users, WorkerService
from circuit_runtime.host.start_message import start_message
from circuit_runtime.project.catalog import TriggerDefinition
from circuit_runtime.project.project import Project
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import Worker, WorkerLimits
from circuit_runtime.store.errors import StoreBusy
from circuit_runtime.store.faults import StoreFault
from circuit_runtime.store.session import Session
from circuit_runtime.store.users import find_user

_OUT_OF_MEMORY = "The host has no memory left for this run. Nothing of it was kept."


@dataclass(frozen=True, slots=True)
class _End:
    """How the script ended, before it is known whether its transaction stands."""

    outcome: Outcome
    error: RunError | None = None
    exit_code: int = 0
    coverage: dict[str, tuple[list[int], list[int]]] | None = None


class _NoWorker:
    """The trigger port of a transaction that has no trigger to run."""

    def call_trigger(self, trigger: TriggerDefinition, *_rows: Any) -> wire.Return:
        raise AssertionError(f"{trigger.class_name} was to run without a worker")


class _Port:
    """Lets the data side be built before the worker is there."""

    def __init__(self) -> None:
        self.target: Conversation | _NoWorker = _NoWorker()

    def call_trigger(
        self,
        trigger: TriggerDefinition,
        event: wire.TriggerEvent,
        size: int,
        new: wire.RowBlock | None,
        old: wire.RowBlock | None,
    ) -> wire.Return:
        return self.target.call_trigger(trigger, event, size, new, old)


class Execution:
    """Runs one request on one session, on the caller's thread. Used once."""

    def __init__(
        self,
        project: Project,
        request: ExecutionRequest,
        session: Session,
        pool: WorkerPool,
        callouts: CalloutPort,
        sink: EventSink,
        control: RunControl,
        set_writer_paused: Callable[[bool], None],
    ) -> None:
        self._project = project
        self._request = request
        self._session = session
        self._pool = pool
        self._sink = sink
        self._control = control
        self._set_writer_paused = set_writer_paused
        self._started_ns = time.monotonic_ns()
        self._stop_reason: str | None = None
        self._watch: Watch | None = None
        self._pausing = threading.Lock()
        self._is_paused = False
        self._worker: Worker | None = None

        self._events = EventLog(request.levels, self._started_ns, sink)
        self._governor = Governor(
            limits_for(project.settings.limits),
            on_change=lambda uses: self._events.emit(ev.LimitChanged, limits=uses),
            on_warning=lambda use: self._events.emit(ev.LimitWarning, limit=use),
            prices=Prices.of(project.settings.limits.cost),
        )
        self._clock = Clock(request.now, fixed=request.now_fixed)
        self._users = Users(
            find_user(session, project.schema, request.user),
            lambda wanted: find_user(session, project.schema, wanted),
        )
        self._port = _Port()
        parents = Parents(project.schema, session)
        self._triggers = Triggers(project, self._port, self._events, self._clock.now, parents)
        self._written: list[RecordWritten] = []
        context = SaveContext(
            schema=project.schema,
            session=session,
            triggers=self._triggers,
            rules=Rules(project.schema, self._events, parents, project.settings.zone),
            written=self._written,
            user=self._users.current,
            now=self._clock.now,
        )
        rights = Rights(project.settings.profiles, session, self._triggers, self._users.current)
        self._data = DataTransaction(context, rights, self._governor, self._events)
        self._queries = QueryDesk(
            project,
            session,
            self._governor,
            self._events,
            self._users.current,
            self._clock.now,
            self._data.begin_locking,
        )
        is_test = isinstance(request.entry, wire.TestEntry)
        if is_test:
            # As in Apex: a search within a test finds what the test has set, and nothing else.
            self._queries.fixed_search_results = ()
        self._callouts = CalloutDesk(
            callouts, project.settings, self._governor, self._data, self._triggers, self._events
        )
        self._service = WorkerService(
            governor=self._governor,
            data=self._data,
            queries=self._queries,
            callouts=self._callouts,
            users=self._users,
            clock=self._clock,
            settings=project.settings,
            events=self._events,
            output=sink.output,
            note=control.noted,
            measure=self._sample,
            is_test=is_test,
        )

    def run(self) -> ExecutionResult:
        """To the end. The session has no open transaction afterwards.

        Raises:
            UserFacingError: no worker can be started; nothing was run.
        """
        title = _title(self._request)
        self._begin(title)
        try:
            end = self._guarded()
            end, committed = self._conclude(end)
        finally:
            self._session.rollback()
        self._finish(title, end)
        return ExecutionResult(
            outcome=end.outcome,
            error=end.error,
            exit_code=end.exit_code,
            limits=self._governor.table(),
            committed=committed,
            breached=str(self._governor.breach.name) if self._governor.breach else "",
            records=tuple(self._written) if end.outcome == "success" else (),
            coverage=end.coverage or {},
            triggers_run=frozenset(self._triggers.fired),
        )

    # ---------------------------------------------------------------------------------------- the script

    def _guarded(self) -> _End:
        """Run the entry; every way of failing becomes an end."""
        try:
            return self._with_worker() if self._needs_worker() else self._by_host()
        except LimitBreached:
            return _End("limit", exit_code=1)
        except DoneInside as exc:
            return self._end_of(exc.done)
        except WorkerGone as exc:
            return self._end_of_lost_worker(str(exc))
        except ProtocolViolation as exc:
            message = f"The worker broke the protocol and was ended: {exc}"
            return _End("killed", RunError(type="ProtocolViolation", message=message), 1)
        except DmlFailed as exc:
            return _End("error", RunError(type="DmlException", message=str(exc)), 1)
        except StoreFault as exc:
            return self._end_of_fault(exc)
        except MemoryError:
            return _End("error", RunError(type="OUT_OF_MEMORY", message=_OUT_OF_MEMORY), 1)

    def _needs_worker(self) -> bool:
        entry = self._request.entry
        if isinstance(entry, Intake | SaveRequest):
            return has_triggers_for(entry, self._project)
        return True

    def _by_host(self) -> _End:
        """An event or edited records whose objects have no triggers."""
        self._write_entry()
        return _End("success")

    def _with_worker(self) -> _End:
        limits = WorkerLimits(
            heap_bytes=self._governor.maximum(LimitName.HEAP_BYTES),
            cpu_ms=self._governor.maximum(LimitName.CPU_MS) * self._cpu_allowances(),
        )
        debug = self._request.mode == "debug"
        libraries = self._project.settings.libraries.allow
        with self._pool.acquire(limits, debug=debug, libraries=libraries) as worker:
            self._worker = worker
            if debug and self._control.on_debug_worker is not None:
                self._control.on_debug_worker(worker, self._control)
            self._control.bind(
                stop=self._stop, pause=self._pause, resume=self._resume, limits=self._governor.table
            )
            conversation = Conversation(worker, self._service)
            self._port.target = conversation
            try:
                conversation.greet()
                conversation.start(
                    start_message(
                        self._project, self._request, self._users.current(), self._governor, self._started_ns
                    )
                )
                worker.mark_baseline()
                self._begin_watch(worker)
                if isinstance(self._request.entry, Intake | SaveRequest):
                    self._write_entry()
                    end = _End("success")
                else:
                    end = self._end_of(conversation.until_done())
                self._sample()
                return end
            finally:
                self._control.unbind()
                if self._watch is not None:
                    self._watch.stop()
                self._port.target = _NoWorker()

    def _begin_watch(self, worker: Worker) -> None:
        """From now on measure it. The script runs already, and may have been stopped at its first line."""
        watch = Watch(worker, self._governor, self._request.timeout_s, self._stop, self._kill)
        with self._pausing:
            if self._is_paused:
                watch.pause()
            self._watch = watch
        watch.start()

    def _cpu_allowances(self) -> int:
        """How often the CPU limit may be used up: a test's setup, its measured part and the rest have one each."""
        return 3 if isinstance(self._request.entry, wire.TestEntry) else 1

    def _write_entry(self) -> None:
        match self._request.entry:
            case Intake() as intake:
                write_intake(intake, self._project, self._session, self._data, self._events)
            case SaveRequest() as save:
                save_edited(save, self._data)

    def _end_of(self, done: wire.Done) -> _End:
        if done.error is None and done.exit_code:
            # A script that says it failed keeps nothing, as one that raises.
            path, line = self._service.last_place
            message = f"The script ended itself with exit code {done.exit_code}."
            error = RunError(type="SystemExit", message=message, file=path, line=line)
            return _End("error", error, done.exit_code, done.coverage)
        if done.error is None:
            return _End("success", coverage=done.coverage)
        if done.error.type == MemoryError.__name__:
            # The operating system refused what would have passed the limit by far.
            self._governor.break_off(LimitName.HEAP_BYTES)
            self._service.last_place = next(((each.path, each.line) for each in done.error.frames), ("", 0))
        return _End("error", _run_error(done.error), done.exit_code or 1, done.coverage)

    def _end_of_lost_worker(self, text: str) -> _End:
        frame = self._service.last_place
        exit_status = self._worker.wait(1.0) if self._worker is not None else None
        if self._governor.breach is not None:
            return _End("limit", exit_code=1)
        reason = self._stop_reason
        if reason is None and exit_status is not None and exit_status.signal is not None:
            reason = f"The worker was killed by signal {exit_status.signal}."
        if reason is None and exit_status is not None and exit_status.code is not None:
            reason = f"The worker ended with code {exit_status.code} before the script was done."
        error = RunError(type="Killed", message=reason or text, file=frame[0], line=frame[1])
        return _End("killed", error, 1)

    def _end_of_fault(self, fault: StoreFault | StoreBusy) -> _End:
        file, line = self._service.last_place
        message = f"{fault.message} {fault.hint}".strip()
        return _End("error", RunError(type=fault.code, message=message, file=file, line=line), 1)

    # ---------------------------------------------------------------------------------------- its end

    def _conclude(self, end: _End) -> tuple[_End, bool]:
        """Decide whether the transaction stands. A limit counts above all that the script did afterwards."""
        if (breach := self._governor.breach) is not None:
            line = self._watch.breach_line if self._watch else None
            file, number = line or self._service.last_place
            error = RunError(type="GovernorLimitException", message=str(breach), file=file, line=number)
            return _End("limit", error, 1, end.coverage), False
        if self._stop_reason is not None and end.outcome != "success":
            found = self._watch.breach_line if self._watch else None
            file, number = found or self._service.last_place
            error = RunError(type="Stopped", message=self._stop_reason, file=file, line=number)
            return _End("killed", error, 1), False
        if end.outcome == "success" and self._request.commit:
            try:
                self._session.commit()
            except (StoreFault, StoreBusy) as exc:
                return self._end_of_fault(exc), False
            return end, True
        return end, False

    def _begin(self, title: str) -> None:
        user = self._users.current()
        self._events.emit(
            ev.UserInfo,
            user_id=user.id,
            user_name=user.email or user.name,
            time_zone=f"(GMT+00:00) {user.time_zone}",
            utc_offset="GMT+00:00",
        )
        self._events.emit(ev.ExecutionStarted)
        self._events.emit(ev.CodeUnitStarted, name=title)
        self._events.emit(ev.LimitChanged, limits=self._governor.snapshot())

    def _finish(self, title: str, end: _End) -> None:
        if end.error is not None:
            error = end.error
            stack = (
                (ev.StackLine(f"{error.file or 'AnonymousBlock'}", error.file, error.line),) if error.file else ()
            )
            place: dict[str, Any] = {"path": error.file, "line": error.line}
            if end.outcome != "error":
                self._events.emit(ev.ExceptionThrown, type_name=error.type, message=error.message, **place)
            self._events.emit(ev.FatalError, type_name=error.type, message=error.message, stack=stack, **place)
        self._events.emit(ev.LimitUsageForNamespace, namespace=DEFAULT_NAMESPACE, limits=self._governor.snapshot())
        self._events.emit(ev.CodeUnitFinished, name=title)
        self._events.emit(ev.ExecutionFinished)

    # ---------------------------------------------------------------------------------------- from outside

    def _sample(self) -> None:
        if self._watch is not None:
            self._watch.sample()

    def _stop(self, reason: str) -> None:
        """Any thread: ask the worker to end, and see to it that it does."""
        if self._stop_reason is None and self._worker is not None:
            self._stop_reason = reason
            if self._watch is not None:
                frame = self._worker.capture_line()
                self._watch.breach_line = (frame.path, frame.line) if frame else None
            self._kill()

    def _kill(self) -> None:
        """Any thread: end the worker, and the statement or callout that the host may be busy with for it."""
        if self._worker is not None:
            self._worker.kill()
        self._session.interrupt()
        self._callouts.abandon()

    def _pause(self, reason: str, path: str, line: int) -> None:
        # The gauges show where the script stands, not where it was at the last sample.
        self._sample()
        with self._pausing:
            self._is_paused = True
            if self._watch is not None:
                self._watch.pause()
        self._set_writer_paused(self._session.in_transaction)
        # If it never goes on, this is where it ended.
        self._service.last_place = (path, line)
        self._events.emit(ev.Paused, reason=reason, path=path, line=line)

    def _resume(self) -> None:
        with self._pausing:
            self._is_paused = False
            paused_s = self._watch.resume() if self._watch is not None else 0.0
        self._set_writer_paused(False)
        self._events.emit(ev.Resumed, paused_ns=int(paused_s * 1e9))


def _title(request: ExecutionRequest) -> str:
    match request.entry:
        case wire.AnonymousEntry():
            return "execute_anonymous_apex"
        case wire.TestEntry() as test:
            return f"{test.class_name}.{test.method}"
        case Intake() as intake:
            return intake.title
        case SaveRequest() as save:
            return f"Save {save.object_name}"


def _run_error(error: wire.ScriptError) -> RunError:
    first = error.frames[0] if error.frames else None
    return RunError(
        type=error.type,
        message=error.message,
        file=first.path if first else "",
        line=first.line if first else 0,
        column=error.column,
        traceback=error.text,
    )
