"""The exchange of messages with one worker: strictly nested calls, deadlines, and nothing believed."""

from __future__ import annotations

import itertools
from typing import Any, Protocol

import msgspec

from circuit_link import wire
from circuit_link.framing import ConnectionEnded, FrameTooLong
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


class Conversation:
    """One worker's messages, on one thread. Also the `TriggerPort` of its transaction."""

    def __init__(self, worker: Worker, service: Service) -> None:
        self._worker = worker
        self._service = service
        self._calls = itertools.count(1)
        self._parts: list[dict[str, Any]] = []
        self._parts_of: int | None = None

    def greet(self) -> wire.Hello:
        """Raises: WorkerGone, ProtocolViolation."""
        hello = self._receive()
        if not isinstance(hello, wire.Hello) or hello.version != wire.PROTOCOL_VERSION:
            raise ProtocolViolation(f"the worker greeted with {type(hello).__name__}")
        return hello

    def start(self, start: wire.Start) -> None:
        """Send the start and wait until the worker has loaded its sources. Raises: WorkerGone."""
        self._send(start)
        loaded = self._receive()
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
                case wire.Hello():
                    raise ProtocolViolation("a second greeting")
                case wire.Done():
                    if last is wire.Done:
                        return message
                    raise DoneInside(message)
                case wire.Return():
                    if last is wire.Return:
                        return message
                    raise ProtocolViolation("an answer without a call")
                case wire.Dml() if message.more:
                    self._keep_part(message)
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
        self._parts_of = message.id
        self._parts += message.records

    def _whole(self, request: Request) -> Request:
        if self._parts_of is None:
            return request
        if not isinstance(request, wire.Dml) or request.id != self._parts_of:
            raise ProtocolViolation("another request within the parts of a statement")
        records, self._parts, self._parts_of = self._parts + request.records, [], None
        return msgspec.structs.replace(request, records=records)

    def _receive(self) -> wire.WorkerToHost:
        try:
            return wire.decode_from_worker(self._worker.socket.receive())
        except ConnectionEnded as exc:
            raise WorkerGone(str(exc)) from exc
        except (FrameTooLong, msgspec.DecodeError, RecursionError) as exc:
            raise ProtocolViolation(str(exc)) from exc

    def _send(self, message: wire.HostToWorker) -> None:
        try:
            self._worker.socket.send(wire.encode(message))
        except ConnectionEnded as exc:
            raise WorkerGone(str(exc)) from exc


class DoneInside(WorkerGone):
    """The worker said that it is done while the host waited for a trigger's answer."""

    def __init__(self, done: wire.Done) -> None:
        super().__init__("done within a trigger")
        self.done = done
