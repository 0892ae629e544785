"""The exchange of messages with one worker: strictly nested calls, deadlines, and nothing believed.

The worker's script can write to its socket past the SDK, so every frame may be the work of an enemy. Frames are
bounded before they are decoded; how many come in a second is bounded by leaving them in the socket, which stops
the sender; how long the worker may stall is the wall limit's matter: `clocks.Watch` kills it, which ends any wait.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Protocol

import msgspec

from circuit_link import wire
from circuit_link.framing import ConnectionEnded, DeadlinePassed, FrameTooLong
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.governor.governor import LimitBreached
from circuit_runtime.project.catalog import TriggerDefinition
from circuit_runtime.sandbox.worker import Worker

Request = (
    wire.Query
    | wire.Fetch
    | wire.Dml
    | wire.Savepoint
    | wire.Rollback
    | wire.Release
    | wire.Callout
    | wire.MockedCallout
    | wire.Usage
    | wire.TestControl
    | wire.Secret
)

_CHANGING_EVENTS = ("beforeInsert", "beforeUpdate")
_LOAD_TIMEOUT_S = 60.0
_MAX_STATEMENT_BYTES = 64 * 1024 * 1024
_BURST_MESSAGES = 20_000
_MESSAGES_PER_S = 5_000.0


class WorkerGone(Exception):
    """The worker ended, or its connection broke, before it was done."""


class ProtocolViolation(Exception):
    """The worker sent something that it must not send now; it is killed."""


class ScriptException(Exception):
    """An answer to a request that the script gets as an exception of the class named."""

    def __init__(self, exception: str, message: str) -> None:
        super().__init__(message)
        self.exception = exception


class Service(Protocol):
    """What the host does for a worker."""

    def answer(self, request: Request) -> Any:
        """The value of the reply. Raises: ScriptException, DmlFailed, LimitBreached."""
        ...

    def log(self, entries: list[wire.LogEntry]) -> None: ...

    def output(self, stream: str, text: str) -> None: ...

    def note(self, note: wire.DebugNote) -> None: ...


class Pace:
    """Lets a burst of messages through at once, and a flood at a fixed rate.

    Args:
        burst: messages that may come without any wait.
        per_s: messages a second after that.
    """

    def __init__(self, burst: float = _BURST_MESSAGES, per_s: float = _MESSAGES_PER_S) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._counted_at = time.monotonic()

    def wait_s(self) -> float:
        """Count one message; seconds for which it has to wait."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._counted_at) * self._per_s) - 1
        self._counted_at = now
        return max(0.0, -self._left / self._per_s)


class Conversation:
    """One worker's messages, on one thread. Also the `TriggerPort` of its transaction."""

    def __init__(self, worker: Worker, service: Service) -> None:
        self._worker = worker
        self._service = service
        self._calls = itertools.count(1)
        self._parts: list[wire.RecordColumns] = []
        self._parts_of: int | None = None
        self._parts_bytes = 0
        self._frame_bytes = 0
        self._pace = Pace()

    def greet(self) -> wire.Hello:
        """Raises: WorkerGone, ProtocolViolation, also for a worker that does not greet in a minute."""
        hello = self._receive(time.monotonic() + _LOAD_TIMEOUT_S)
        if not isinstance(hello, wire.Hello) or hello.version != wire.PROTOCOL_VERSION:
            raise ProtocolViolation(f"the worker greeted with {type(hello).__name__}")
        return hello

    def start(self, start: wire.Start) -> None:
        """Send the start and wait until the worker has loaded its sources.

        Raises: WorkerGone, ProtocolViolation, also for sources that are not compiled in a minute.
        """
        deadline = time.monotonic() + _LOAD_TIMEOUT_S
        self._send(start, deadline)
        loaded = self._receive(deadline)
        if not isinstance(loaded, wire.Log):
            raise ProtocolViolation(f"{type(loaded).__name__} before the sources were loaded")
        self._service.log(loaded.entries)

    def until_done(self) -> wire.Done:
        """Serve the worker until it says that it is done. Raises: WorkerGone, ProtocolViolation."""
        answer = self._serve_until(wire.Done)
        assert isinstance(answer, wire.Done)
        return answer

    def call_trigger(
        self,
        trigger: TriggerDefinition,
        event: wire.TriggerEvent,
        size: int,
        new: wire.RowBlock | None,
        old: wire.RowBlock | None,
    ) -> wire.Return:
        call = wire.Call(
            id=next(self._calls),
            object_name=trigger.object_name,
            event=event,
            triggers=(
                wire.TriggerRef(
                    path=trigger.path, class_name=trigger.class_name, method=trigger.method, line=trigger.line
                ),
            ),
            size=size,
            new=new,
            old=old,
        )
        self._send(call)
        answer = self._serve_until(wire.Return)
        assert isinstance(answer, wire.Return)
        indexes = [change.index for change in answer.changes] + [told.index for told in answer.errors]
        if answer.id != call.id or any(not 0 <= index < size for index in indexes):
            raise ProtocolViolation("an answer that fits no open call")
        if answer.changes and event not in _CHANGING_EVENTS:
            raise ProtocolViolation(f"changed records in {event}, where nothing can be changed")
        return answer

    def _serve_until(self, last: type[wire.Done] | type[wire.Return]) -> wire.WorkerToHost:
        """Answer requests until a message of the type `last` comes.

        `Done` may also come while a trigger is open: the script was unwound after a breach.
        """
        while True:
            message = self._receive()
            match message:
                case wire.Log():
                    self._service.log(message.entries)
                case wire.Output():
                    self._service.output(message.stream, message.text)
                case wire.DebugNote():
                    self._service.note(message)
                case wire.Hello():
                    raise ProtocolViolation("a second greeting")
                case wire.Done():
                    if last is wire.Done:
                        return message
                    if message.error is None:
                        raise ProtocolViolation("it said that it was done while a trigger ran")
                    raise DoneInside(message)
                case wire.Return():
                    if last is wire.Return:
                        return message
                    raise ProtocolViolation("an answer without a call")
                case wire.Dml() if message.more:
                    self._keep_part(message)
                case wire.Dml() if message.abandoned:
                    self._send(wire.Reply(id=self._whole(message).id))
                case _:
                    self._answer(self._whole(message))

    def _answer(self, request: Request) -> None:
        try:
            value = self._service.answer(request)
        except LimitBreached as exc:
            self._send(wire.Error(id=request.id, exception="GovernorLimitException", message=str(exc)))
        except DmlFailed as exc:
            self._send(
                wire.Error(id=request.id, exception="DmlException", message=str(exc), failures=exc.failures)
            )
        except ScriptException as exc:
            self._send(wire.Error(id=request.id, exception=exc.exception, message=str(exc)))
        else:
            self._send(wire.Reply(id=request.id, value=msgspec.Raw(wire.encode(value))))

    def _keep_part(self, message: wire.Dml) -> None:
        if self._parts_of not in (None, message.id):
            raise ProtocolViolation("parts of two statements at once")
        self._parts_bytes += self._frame_bytes
        if self._parts_bytes > _MAX_STATEMENT_BYTES:
            raise ProtocolViolation(f"a statement of more than {_MAX_STATEMENT_BYTES:,} bytes")
        self._parts_of = message.id
        self._parts += message.records

    def _whole(self, request: Request) -> Request:
        if self._parts_of is None:
            return request
        if not isinstance(request, wire.Dml) or request.id != self._parts_of:
            raise ProtocolViolation("another request within the parts of a statement")
        records, self._parts, self._parts_of = self._parts + request.records, [], None
        self._parts_bytes = 0
        return msgspec.structs.replace(request, records=records)

    def _receive(self, deadline: float | None = None) -> wire.WorkerToHost:
        """The next message; without a deadline the watch ends the wait by killing the worker."""
        if pause_s := self._pace.wait_s():
            time.sleep(pause_s)
        try:
            frame = self._worker.socket.receive(deadline)
            self._frame_bytes = len(frame)
            return wire.decode_from_worker(frame)
        except ConnectionEnded as exc:
            raise WorkerGone(str(exc)) from exc
        except DeadlinePassed as exc:
            raise ProtocolViolation(f"it was not ready within {_LOAD_TIMEOUT_S:g} s") from exc
        except (FrameTooLong, wire.WireError) as exc:
            raise ProtocolViolation(str(exc)) from exc

    def _send(self, message: wire.HostToWorker, deadline: float | None = None) -> None:
        try:
            self._worker.socket.send(wire.encode(message), deadline)
        except ConnectionEnded as exc:
            raise WorkerGone(str(exc)) from exc
        except DeadlinePassed as exc:
            raise ProtocolViolation(f"it did not read its start within {_LOAD_TIMEOUT_S:g} s") from exc


class DoneInside(WorkerGone):
    """The worker said that it is done while the host waited for a trigger's answer."""

    def __init__(self, done: wire.Done) -> None:
        super().__init__("done within a trigger")
        self.done = done
