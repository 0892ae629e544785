"""What the host does for the worker of one transaction: every request ends here."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from typing import Any, assert_never

import circuit_log.events as ev
from circuit_link import wire
from circuit_link.errors import UserFacingError
from circuit_log.limits import LimitName
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.dml.operations import DmlRequest
from circuit_runtime.dml.transaction import DataTransaction
from circuit_runtime.governor.governor import Governor, TestPhase
from circuit_runtime.host.callout_desk import CalloutDesk
from circuit_runtime.host.conversation import Request, ScriptException
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.host.query_desk import QueryDesk
from circuit_runtime.project.settings import Settings
from circuit_runtime.store.errors import StoreBusy

_SECRET_VARIABLE = "CIRCUIT_SECRET_"
# Above what the SDK lets through, so that only a script which goes past it meets this bound.
_MAX_OUTPUT_CHARACTERS = 17 * 1024 * 1024


class Clock:
    """The transaction's clock: starts where the request says, and goes on with real time unless it is fixed."""

    def __init__(self, now: dt.datetime, *, fixed: bool) -> None:
        self._base = now
        self._since = None if fixed else time.monotonic()

    def now(self) -> dt.datetime:
        if self._since is None:
            return self._base
        return self._base + dt.timedelta(seconds=time.monotonic() - self._since)

    def set(self, now: dt.datetime) -> None:
        """Stop the clock at `now`, as the worker stops its own."""
        self._base = now
        self._since = None


class Users:
    """Who runs the transaction; `run_as` puts another user on top until its end."""

    def __init__(self, user: wire.UserRef, find: Callable[[str], wire.UserRef]) -> None:
        self._stack = [user]
        self._find = find

    def current(self) -> wire.UserRef:
        return self._stack[-1]

    def enter(self, wanted: Any) -> wire.UserRef:
        """By id or name, or a mapping with `id`, or one that describes a user (`profile`, `time_zone`, …).

        Raises: ScriptException.
        """
        if isinstance(wanted, dict) and not wanted.get("id"):
            known = {
                name: str(wanted[name]) for name in ("name", "email", "profile", "time_zone") if wanted.get(name)
            }
            user = wire.UserRef(**{"id": self._stack[0].id, "name": "Test User", **known})
        else:
            try:
                user = self._find(str(wanted["id"] if isinstance(wanted, dict) else wanted))
            except UserFacingError as exc:
                raise ScriptException("NotFoundException", exc.message) from exc
        self._stack.append(user)
        return user

    def leave(self) -> None:
        if len(self._stack) > 1:
            self._stack.pop()

    @property
    def is_switched(self) -> bool:
        return len(self._stack) > 1


class WorkerService:
    """Answers the requests of one worker. The governor refuses everything once a limit was passed."""

    def __init__(
        self,
        *,
        governor: Governor,
        data: DataTransaction,
        queries: QueryDesk,
        callouts: CalloutDesk,
        users: Users,
        clock: Clock,
        settings: Settings,
        events: EventLog,
        output: Callable[[str, str], None],
        note: Callable[[wire.DebugNote], None],
        measure: Callable[[], None],
        is_test: bool,
    ) -> None:
        self._governor = governor
        self._data = data
        self._queries = queries
        self._callouts = callouts
        self._users = users
        self._clock = clock
        self._settings = settings
        self._events = events
        self._output = output
        self._note = note
        self._measure = measure
        self._is_test = is_test
        self._is_set_up = False
        self._output_left = _MAX_OUTPUT_CHARACTERS
        self.last_place: tuple[str, int] = ("", 0)

    def log(self, entries: list[wire.LogEntry]) -> None:
        self._events.take(entries)

    def output(self, stream: str, text: str) -> None:
        """Hand on what was printed, up to a bound."""
        if self._output_left > 0:
            self._output_left -= len(text)
            self._output(stream, text)

    def note(self, note: wire.DebugNote) -> None:
        """Hand on what the debugger tells, up to the same bound."""
        self._output_left -= len(note.text)
        if self._output_left > 0 or note.stop:
            self._note(note)

    def answer(self, request: Request) -> Any:
        """The value of the reply. Raises: ScriptException, DmlFailed, LimitBreached."""
        self._governor.refuse_if_dead()
        if request.path:
            self.last_place = (request.path, request.line)
        try:
            return self._answer(request)
        except StoreBusy as exc:
            raise ScriptException("DmlException", f"UNABLE_TO_LOCK_ROW, {exc.message} {exc.hint}") from exc

    def _answer(self, request: Request) -> Any:
        match request:
            case wire.Query():
                return self._queries.answer(request)
            case wire.Fetch():
                return self._queries.fetch(request)
            case wire.Dml():
                return self._dml(request)
            case wire.Savepoint() | wire.Rollback() | wire.Release():
                return self._savepoint(request)
            case wire.Callout():
                return self._callouts.send(request)
            case wire.MockedCallout():
                return self._callouts.mocked(request)
            case wire.Usage():
                self._measure()
                return wire.LimitState(limits=self._governor.table())
            case wire.TestControl():
                return self._control_test(request)
            case wire.Secret():
                return self._secret(request.name)
            case _:
                assert_never(request)

    def _dml(self, request: wire.Dml) -> wire.Saved:
        self._data.in_run_as = self._users.is_switched
        return self._data.execute(
            DmlRequest(
                operation=request.operation,
                object_name=request.object_name,
                records=request.records,
                all_or_none=request.all_or_none,
                external_id=request.external_id,
                groups=request.groups,
                path=request.path,
                line=request.line,
            )
        )

    def _savepoint(self, request: wire.Savepoint | wire.Rollback | wire.Release) -> int | None:
        place: dict[str, Any] = {"path": request.path, "line": request.line}
        if isinstance(request, wire.Savepoint):
            mark = self._data.savepoint()
            self._events.emit(ev.SavepointSet, name=f"SavePoint_{mark}", **place)
            return mark
        try:
            if isinstance(request, wire.Rollback):
                self._data.roll_back(request.savepoint)
                self._events.emit(ev.SavepointRollback, name=f"SavePoint_{request.savepoint}", **place)
            else:
                self._data.release(request.savepoint)
                self._events.emit(ev.SavepointRelease, name=f"SavePoint_{request.savepoint}", **place)
        except DmlFailed as exc:
            raise ScriptException("DmlException", str(exc)) from exc
        return None

    def _control_test(self, request: wire.TestControl) -> Any:
        if not self._is_test:
            raise ScriptException("CircuitException", "CircuitTest works within tests only.")
        match request.action:
            case "start":
                self._enter_phase(TestPhase.BEFORE, "Testing already started")
                self._measure()
                self._governor.start_test()
                self._data.forget_savepoints()
                self._data.forgive_uncommitted_work()
                self._events.emit(ev.SavepointReset, path=request.path, line=request.line)
            case "stop":
                self._enter_phase(TestPhase.MEASURED, "Testing not started")
                self._measure()
                self._governor.stop_test()
                self._data.forget_savepoints()
                self._events.emit(ev.SavepointReset, path=request.path, line=request.line)
            case "run_as":
                self._governor.charge(LimitName.DML_STATEMENTS)
                return self._users.enter(request.value)
            case "run_as_end":
                self._users.leave()
            case "set_time":
                if isinstance(request.value, dt.datetime):
                    self._clock.set(request.value)
            case "search_results":
                if not isinstance(request.value, list | None):
                    raise ScriptException("CircuitException", "The results of a search are a list of ids.")
                self._queries.fixed_search_results = tuple(map(str, request.value or ()))
            case "setup_done":
                if self._is_set_up:
                    raise ScriptException("CircuitException", "A test is set up once.")
                self._is_set_up = True
                self._measure()
                self._governor.reset()
                self._data.forget_savepoints()
                self._data.forgive_uncommitted_work()
                self._data.forget_what_was_written()
        return None

    def _enter_phase(self, after: TestPhase, refusal: str) -> None:
        if self._governor.test_phase is not after:
            raise ScriptException("CircuitException", refusal)

    def _secret(self, name: str) -> str:
        """The value comes from the host's own environment, which no worker sees."""
        if name not in self._settings.secrets.names:
            raise ScriptException("NotFoundException", f"circuit.toml declares no secret {name!r}.")
        value = os.environ.get(_SECRET_VARIABLE + name.upper())
        if value is None:
            raise ScriptException(
                "NotFoundException",
                f"The secret {name!r} has no value here; set {_SECRET_VARIABLE}{name.upper()} for the host.",
            )
        return value
