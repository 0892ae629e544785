"""One attached client: reads its messages, answers them, and writes what it is to know."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import msgspec

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_link.framing import MAX_FRAME_BYTES, ConnectionEnded, DeadlinePassed, FrameSocket, FrameTooLong
from circuit_runtime.host.outbox import Outbox, OutboxFull
from circuit_runtime.host.shortage import out_of_threads, shortage

_log = logging.getLogger("circuit.runtime.host")

_ATTACH_TIMEOUT_S = 10.0
_WRITE_TIMEOUT_S = 30.0
_MAX_OPEN_REQUESTS = 16

Handler = Callable[["ClientSession", hp.ClientToHost], None]


class ClientSession:
    """A client's connection: a reading thread, a writing thread, and a thread for each open request.

    Whatever a client sends, it can end its own session only.

    Args:
        welcome: the answer to a good `Attach`.
        handle: answers one request through `send`; runs in a thread of the request's own. It may raise
            UserFacingError, which becomes `Failed`.
        on_end: called once, from the reading thread, after the last message was read.
    """

    def __init__(
        self,
        connection: FrameSocket,
        welcome: hp.Attached,
        handle: Handler,
        on_end: Callable[[ClientSession], None],
    ) -> None:
        self.client = "a client that has not attached"
        self.subscribed = False
        self._connection = connection
        self._welcome = welcome
        self._handle = handle
        self._on_end = on_end
        self.outbox = Outbox()
        self._open_requests = threading.Semaphore(_MAX_OPEN_REQUESTS)
        self._reader = threading.Thread(target=self._read, name="client-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="client-writer", daemon=True)

    def start(self) -> None:
        self._writer.start()
        self._reader.start()

    def send(self, message: hp.HostToClient) -> None:
        """Queue an answer. Any thread. A client that does not read loses its session."""
        try:
            self.outbox.put(message)
        except OutboxFull:
            _log.warning("%s does not read its answers; its session ends", self.client)
            self.close()

    def close(self) -> None:
        """End the session without waiting for what is queued. Any thread."""
        self.outbox.close()
        self._connection.close()

    def join(self, timeout_s: float) -> None:
        self._reader.join(timeout_s)
        self._writer.join(timeout_s)

    def _read(self) -> None:
        try:
            self._attach()
            while True:
                self._dispatch(hp.decode_from_client(self._connection.receive()))
        except ConnectionEnded:
            pass
        except DeadlinePassed:
            self._refuse("ATTACH_EXPECTED", "No Attach message came.")
        except FrameTooLong as exc:
            self._refuse("FRAME_TOO_LONG", f"A message is too long: {exc}.")
        except (msgspec.ValidationError, msgspec.DecodeError) as exc:
            self._refuse("MESSAGE_MALFORMED", f"A message could not be read: {exc}.")
        except UserFacingError as exc:
            self._refuse(exc.code, exc.message)
        finally:
            self.outbox.close()
            self._on_end(self)

    def _attach(self) -> None:
        message = hp.decode_from_client(self._connection.receive(time.monotonic() + _ATTACH_TIMEOUT_S))
        if not isinstance(message, hp.Attach):
            raise UserFacingError(
                f"The first message is {type(message).__name__}, not Attach.", code="ATTACH_EXPECTED"
            )
        if message.version != hp.PROTOCOL_VERSION:
            raise UserFacingError(
                f"This host speaks version {hp.PROTOCOL_VERSION}, the client version {message.version}.",
                code="VERSION_MISMATCH",
            )
        self.client = message.client
        self.subscribed = message.subscribe
        self.send(self._welcome)

    def _dispatch(self, message: hp.ClientToHost) -> None:
        if isinstance(message, hp.Attach):
            raise UserFacingError("Attach came twice.", code="ATTACH_EXPECTED")
        if not self._open_requests.acquire(blocking=False):
            self.send(
                hp.Failed(
                    request=message.request,
                    error=hp.ErrorInfo(
                        code="TOO_MANY_REQUESTS",
                        message=f"This client has {_MAX_OPEN_REQUESTS} requests open already.",
                        hint="Wait for one of them to be answered.",
                    ),
                )
            )
            return
        try:
            threading.Thread(target=self._answer, args=(message,), name="client-request", daemon=True).start()
        except (RuntimeError, MemoryError):
            self._open_requests.release()
            self.send(hp.Failed(request=message.request, error=error_info(out_of_threads())))

    def _answer(self, message: hp.StartRun) -> None:
        try:
            self._handle(self, message)
        except UserFacingError as exc:
            self.send(hp.Failed(request=message.request, error=error_info(exc)))
        except (MemoryError, OSError) as exc:
            _log.exception("answering %s failed for want of something", type(message).__name__)
            self.send(hp.Failed(request=message.request, error=error_info(shortage(exc))))
        except Exception as exc:  # noqa: BLE001 - the border of a request: our bug ends no other request
            _log.exception("answering %s failed", type(message).__name__)
            error = hp.ErrorInfo(
                code="INTERNAL_ERROR",
                message=f"The host failed on {type(message).__name__}: {type(exc).__name__}: {exc}",
                hint="This is a fault of Circuit Console; .circuit/host.log has its details.",
            )
            self.send(hp.Failed(request=message.request, error=error))
        finally:
            self._open_requests.release()

    def _refuse(self, code: str, message: str) -> None:
        _log.warning("ending the session of %s: %s", self.client, message)
        self.send(hp.Failed(request=0, error=hp.ErrorInfo(code=code, message=message)))

    def _write(self) -> None:
        try:
            while messages := self.outbox.take():
                for message in messages:
                    self._send_fitting(message)
        except ConnectionEnded:
            pass
        except (DeadlinePassed, FrameTooLong) as exc:
            _log.warning("ending the session of %s: %s", self.client, exc or "it does not read")
        finally:
            self._connection.close()

    def _send_fitting(self, message: hp.HostToClient) -> None:
        """Send a message; events and output that are too many for one frame go in several."""
        frame = hp.encode(message)
        if len(frame) <= MAX_FRAME_BYTES:
            self._connection.send(frame, time.monotonic() + _WRITE_TIMEOUT_S)
            return
        for half in _halves(message):
            self._send_fitting(half)


def error_info(error: UserFacingError) -> hp.ErrorInfo:
    """The error as a message carries it."""
    return hp.ErrorInfo(
        code=error.code,
        message=error.message,
        hint=error.hint,
        path=error.path,
        line=error.line,
        column=error.column,
    )


def _halves(message: hp.HostToClient) -> tuple[hp.HostToClient, ...]:
    match message:
        case hp.EventsEmitted() if len(message.events) > 1:
            middle = len(message.events) // 2
            return (
                msgspec.structs.replace(message, events=message.events[:middle]),
                msgspec.structs.replace(message, events=message.events[middle:]),
            )
        case hp.RunFinished():
            # The requester saw the output as it came, or reads it in the log; the end must arrive.
            result = msgspec.structs.replace(message.result, stdout=message.result.stdout[-1_000_000:], records=())
            return (msgspec.structs.replace(message, result=result),)
        case hp.Attached() | hp.Accepted() | hp.EventsEmitted():
            return ()
        case _:
            request = getattr(message, "request", None)
            error = hp.ErrorInfo(
                code="ANSWER_TOO_LARGE",
                message="The answer is larger than one message may be.",
                hint="Ask for less: add a LIMIT or name fewer fields.",
            )
            return (hp.Failed(request=request, error=error),) if request is not None else ()
