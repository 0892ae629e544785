"""The worker's end of the wire: one request at a time, answered in a stack, from any thread of the script.

While the host runs triggers for an open request, it sends a `Call`; the same thread serves it and goes on
waiting. Other threads of the script may make requests in between: whoever opened the innermost call is
answered first, so a thread that is done with an outer call waits for the inner ones.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from circuit_link import wire
from circuit_link.framing import MAX_FRAME_BYTES, ConnectionEnded, FrameSocket
from circuitos.api.exceptions import (
    BY_NAME,
    CircuitException,
    DmlError,
    DmlException,
    DmlFailure,
    GovernorLimitException,
)

_EXIT_HOST_GONE = 71
_exit = os._exit
_get_ident = threading.get_ident

CallHandler = Callable[[wire.Call], wire.Return]


class Stopped(GovernorLimitException):
    """The host ended the run (`Stop`). Like a limit, it cannot be caught away."""


class FailedAssertion(GovernorLimitException):
    """An `assert` of a trigger failed. As in Apex, no code around the trigger can catch it."""

    def __init__(self, assertion: AssertionError) -> None:
        super().__init__(assertion)
        self.assertion = assertion


class Refusal(NamedTuple):
    """Requests of a thread are refused with a text, apart from those of the `spared` kinds.

    Attributes:
        bystanders: threads that ran before; those that were started since are refused too. None for no others.
    """

    thread: int
    text: str
    spared: frozenset[Callable[..., wire.WorkerToHost]]
    bystanders: frozenset[int] | None = None

    def holds_for(self, kind: Callable[..., wire.WorkerToHost]) -> bool:
        """Whether a request of that kind is refused now, in the thread that asks."""
        asking = _get_ident()
        is_meant = asking == self.thread or (self.bystanders is not None and asking not in self.bystanders)
        return is_meant and kind not in self.spared


class Channel:
    """Requests to the host.

    Attributes:
        serve_call: runs the triggers of a `Call`; it is set before the first request.
        refusal: which requests raise CircuitException now, as a debugger's evaluations need it; None for none.
    """

    def __init__(self, socket: FrameSocket) -> None:
        self._socket = socket
        self._turn = threading.Condition(threading.Lock())
        self._busy = False
        self._open: list[tuple[str, int]] = []
        self._last_id = 0
        self._dead: GovernorLimitException | None = None
        self.serve_call: CallHandler | None = None
        self.refusal: Refusal | None = None

    @property
    def dead(self) -> GovernorLimitException | None:
        """The breach, or what is as final, after which nothing is served any more."""
        return self._dead

    def check_alive(self) -> None:
        """Raise the breach again, if there was one. Every entry of the public API begins with this."""
        if self._dead is not None:
            raise type(self._dead)(*self._dead.args)

    def end_by(self, end: FailedAssertion) -> None:
        """Serve nothing any more."""
        self._dead = end

    def send(self, message: wire.WorkerToHost) -> None:
        """Send a message that has no answer, when nobody else sends."""
        with self._turn:
            self._acquire()
        try:
            self._write(message)
        finally:
            self._release()

    def try_send(self, message: wire.WorkerToHost) -> bool:
        """Send it if that needs no waiting and no request is open; also from a signal handler."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            if self._busy:
                return False
            self._busy = True
        finally:
            self._turn.release()
        try:
            self._write(message)
        finally:
            self._release()
        return True

    def send_last(self, message: wire.WorkerToHost) -> None:
        """`send`, but after a breach at once: a thread may wait for ever for an answer that does not come."""
        if self._dead is None:
            self.send(message)
        else:
            self._write(message)

    def finish(self, message: wire.Done) -> None:
        """Send the last message of all; threads of the script can ask nothing any more."""
        if self._dead is None:
            with self._turn:
                self._acquire()
                self._dead = Stopped("the script has ended")
        self._write(message)

    def request(self, kind: Callable[..., wire.WorkerToHost], /, **fields: Any) -> wire.Reply:
        """Send a request and wait for its answer, serving the calls that come in between.

        Raises:
            CircuitException: the host refused it, with the class that the host named.
            GovernorLimitException: a limit was exceeded, now or earlier.
        """
        return self.request_frames(lambda number: [encoded(kind(id=number, **fields))], kind=kind)

    def request_frames(
        self,
        make: Callable[[int], Iterable[bytes]],
        meanwhile: Callable[[], object] = lambda: None,
        kind: Callable[..., wire.WorkerToHost] = wire.Dml,
    ) -> wire.Reply:
        """`request` for one that may travel in several messages with the same id, sent as `make` makes them.

        Args:
            make: once its first is sent, it has to come to its last one.
            meanwhile: called before waiting for the answer; it asks nothing, and runs no code of the script.
        """
        self.check_alive()
        refusal = self.refusal
        if refusal is not None and refusal.holds_for(kind):
            raise CircuitException(refusal.text)
        with self._turn:
            self._acquire()
            self._last_id += 1
            number = self._last_id
        try:
            for payload in make(number):
                self._write_payload(payload)
            self._open.append(("request", number))
            meanwhile()
            return self._wait_for(number)
        finally:
            self._release()

    def next_id(self) -> int:
        """The id that the next request will get, if this thread makes it now."""
        return self._last_id + 1

    def receive(self) -> wire.HostToWorker:
        """The next message, for the idle loop before and between entries."""
        try:
            return wire.decode_from_host(self._socket.receive())
        except ConnectionEnded:
            _exit(_EXIT_HOST_GONE)
            raise

    def answer(self, call: wire.Call) -> None:
        """Serve a call that no request of ours caused."""
        with self._turn:
            self._acquire()
        try:
            self._serve(call)
        finally:
            self._release()

    def _wait_for(self, number: int) -> wire.Reply:
        while True:
            message = self.receive()
            match message:
                case wire.Reply() if message.id == number:
                    self._open.remove(("request", number))
                    return message
                case wire.Error() if message.id == number:
                    self._open.remove(("request", number))
                    raise self._exception(message)
                case wire.Call():
                    self._serve(message)
                case wire.Stop():
                    self._dead = Stopped(message.reason)
                    self.check_alive()
                case _:
                    raise SystemError(f"the host answered {number} with {type(message).__name__}")

    def _serve(self, call: wire.Call) -> None:
        """Run triggers with the channel open to other requests, then answer when all inner ones are done."""
        assert self.serve_call is not None
        mine = ("call", call.id)
        self._open.append(mine)
        self._release()
        try:
            result = self.serve_call(call)
        finally:
            with self._turn:
                self._acquire(lambda: self._dead is not None or self._open[-1] == mine)
        self.check_alive()
        self._open.remove(mine)
        try:
            payload = encoded(result)
        except CircuitException as exc:
            # What the triggers set cannot travel; the host must have an answer all the same.
            thrown = wire.ScriptError(type=type(exc).__name__, message=str(exc))
            payload = encoded(wire.Return(id=call.id, errors=[], error=thrown))
        self._write_payload(payload)

    def _acquire(self, ready: Callable[[], bool] = lambda: True) -> None:
        """Wait for the right to use the socket. The caller holds `_turn`."""
        while self._busy or not ready():
            self._turn.wait()
        self._busy = True

    def _release(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()

    def _write(self, message: wire.WorkerToHost) -> None:
        self._write_payload(encoded(message))

    def _write_payload(self, payload: bytes) -> None:
        try:
            self._socket.send(payload)
        except ConnectionEnded:
            _exit(_EXIT_HOST_GONE)

    def _exception(self, error: wire.Error) -> BaseException:
        if error.exception == GovernorLimitException.__name__:
            self._dead = GovernorLimitException(error.message)
            return self._dead
        kind = BY_NAME.get(error.exception, CircuitException)
        if kind is DmlException:
            return DmlException(
                error.message,
                [DmlFailure(index, record.id, errors_of(record.errors)) for index, record in error.failures],
            )
        return kind(error.message)


def encoded(message: wire.WorkerToHost) -> bytes:
    """The message as a frame. Raises: CircuitException, for one that is too long or holds what cannot travel."""
    return checked_frame(encoded_at_any_length(message))


def encoded_at_any_length(message: wire.WorkerToHost) -> bytes:
    """Raises: CircuitException, for texts with half a character and numbers of more than 64 bits."""
    try:
        return wire.encode(message)
    except (OverflowError, UnicodeEncodeError) as exc:
        raise CircuitException(f"A value cannot leave the script: {exc}") from exc


def checked_frame(frame: bytes) -> bytes:
    """The frame, if it is not too long to be sent. Raises: CircuitException."""
    if len(frame) > MAX_FRAME_BYTES:
        raise CircuitException(
            f"A message of {len(frame)} bytes is too long; {MAX_FRAME_BYTES} bytes can be sent at once."
        )
    return frame


def errors_of(errors: Iterable[wire.DmlErrorInfo]) -> list[DmlError]:
    return [DmlError(error.status_code, error.message, list(error.fields)) for error in errors]
