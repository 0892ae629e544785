"""Callouts of one transaction: what they may do when, how many, and for how long in all."""

from __future__ import annotations

import http
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import circuit_log.events as ev
from circuit_link import wire
from circuit_log.levels import Level
from circuit_log.limits import LimitName
from circuit_runtime.callouts.port import CalloutFailed, CalloutPort
from circuit_runtime.dml.transaction import DataTransaction
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.governor.governor import Governor
from circuit_runtime.governor.profiles import CALLOUT_TOTAL_IN_TRIGGER_MS, CALLOUT_TOTAL_MS
from circuit_runtime.host.conversation import ScriptException
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.settings import Settings

_LONGEST_TIMEOUT_MS = 120_000
_UNCOMMITTED = "You have uncommitted work pending. Please commit or rollback before calling out."
_SAVEPOINTS = "All active Savepoints must be released before making callouts."
_LOCKS_KEPT = "Rows that were locked by FOR UPDATE stay locked during this callout: there is uncommitted work."
_IN_TRIGGER = "Callout from triggers are currently not supported."


class CalloutDesk:
    """Sends, counts and logs the callouts of one transaction."""

    def __init__(
        self,
        port: CalloutPort,
        settings: Settings,
        governor: Governor,
        data: DataTransaction,
        triggers: Triggers,
        events: EventLog,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._settings = settings
        self._governor = governor
        self._data = data
        self._triggers = triggers
        self._events = events
        self._monotonic = monotonic
        self._spent_ms = 0.0
        self._answers: queue.SimpleQueue[wire.HttpAnswer | CalloutFailed] = queue.SimpleQueue()
        self._abandoned = False

    def send(self, request: wire.Callout) -> wire.HttpAnswer:
        """Raises: ScriptException (CalloutException), LimitBreached."""
        if not 1 <= request.timeout_ms <= _LONGEST_TIMEOUT_MS:
            raise ScriptException(
                "CalloutException",
                f"The timeout is {request.timeout_ms} ms; it must lie between 1 and {_LONGEST_TIMEOUT_MS} ms.",
            )
        self._admit(request)
        total_ms = self._total_ms()
        left_ms = total_ms - self._spent_ms
        if left_ms <= 0:
            raise ScriptException(
                "CalloutException", f"Exceeded max time limit of {total_ms} milliseconds for callouts"
            )
        began = self._monotonic()
        try:
            answer = self._answer(request, int(min(request.timeout_ms, left_ms)))
        except CalloutFailed as exc:
            raise ScriptException("CalloutException", str(exc)) from exc
        finally:
            self._spent_ms += (self._monotonic() - began) * 1000
        self._events.emit(
            ev.CalloutResponse,
            path=request.path,
            line=request.line,
            status_code=answer.status_code,
            status=_reason(answer.status_code),
            size_bytes=len(answer.body),
        )
        return answer

    def abandon(self) -> None:
        """From any thread: wait for no answer any more, now and later; the transaction is over."""
        self._abandoned = True
        self._answers.put(CalloutFailed("The transaction has ended."))

    def _answer(self, request: wire.Callout, timeout_ms: int) -> wire.HttpAnswer:
        """Wait for the answer in a way that `abandon` can end. Raises: CalloutFailed."""

        def send() -> None:
            answer: wire.HttpAnswer | CalloutFailed = CalloutFailed("The callout failed within the runtime.")
            try:
                answer = self._port.send(
                    request.method,
                    request.url,
                    request.headers,
                    request.body,
                    timeout_ms,
                    self._settings.callouts.allow,
                )
            except CalloutFailed as exc:
                answer = exc
            finally:
                self._answers.put(answer)

        if self._abandoned:
            raise CalloutFailed("The transaction has ended.")
        threading.Thread(target=send, name="callout", daemon=True).start()
        answer = self._answers.get()
        if isinstance(answer, CalloutFailed):
            raise answer
        return answer

    def mocked(self, request: wire.MockedCallout) -> None:
        """Count and log a callout that a test's mock answers. Raises: ScriptException, LimitBreached."""
        self._admit(request)

    def _admit(self, request: wire.Callout | wire.MockedCallout) -> None:
        if self._settings.limits.profile == "apex":
            if self._triggers.depth:
                raise ScriptException("CalloutException", _IN_TRIGGER)
            if self._data.has_open_savepoints:
                raise ScriptException("CalloutException", _SAVEPOINTS)
            if self._data.has_uncommitted_work:
                raise ScriptException("CalloutException", _UNCOMMITTED)
        self._governor.charge(LimitName.CALLOUTS)
        try:
            self._governor.charge_call(request.url)
        except CalloutFailed as exc:
            raise ScriptException("CalloutException", str(exc)) from exc
        place: dict[str, Any] = {"path": request.path, "line": request.line}
        match self._data.give_locks_back():
            case True:
                self._events.emit(ev.LocksReleased, **place)
            case False:
                self._events.emit(ev.UserDebug, level=Level.INFO, text=_LOCKS_KEPT, **place)
        self._events.emit(ev.CalloutRequest, method=request.method, endpoint=request.url, **place)

    def _total_ms(self) -> int:
        """With a write lock held, callouts get less time, so that nobody else waits long."""
        is_holding = self._triggers.depth > 0 or self._data.has_uncommitted_work
        return CALLOUT_TOTAL_IN_TRIGGER_MS if is_holding else CALLOUT_TOTAL_MS


def _reason(status_code: int) -> str:
    try:
        return http.HTTPStatus(status_code).phrase
    except ValueError:
        return ""
