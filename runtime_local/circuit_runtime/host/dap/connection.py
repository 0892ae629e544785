"""One client's connection: messages in and out, numbered, each response to its request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from circuit_link.dap import DapViolation, Message, MessageBuffer
from circuit_runtime.host.dap.outbox import Outbox

_CHUNK_BYTES = 65_536
_LAST_MESSAGES_S = 2.0
_SIDE_EFFECT_ERROR = 1001


class Refused(Exception):
    """A request that cannot be carried out; the text is for the user.

    Attributes:
        code: number of the error in the protocol's `Message`.
        short: the protocol's own word for it (`notStopped`, `cancelled`), or "".
    """

    def __init__(self, text: str, *, code: int = 1, short: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.short = short


class WouldChange(Refused):
    """An evaluation that was refused because it would change data; the client may ask its user and repeat it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code=_SIDE_EFFECT_ERROR)


class NotStopped(Refused):
    """A request that needs a script that stands still."""

    def __init__(self) -> None:
        super().__init__("The script runs; it must stand still for that.", short="notStopped")


class DapConnection:
    """Sends from any thread; `requests` is for one. What is sent to a client that has gone is dropped.

    Raises: RuntimeError, no thread can be started for it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._outbox = Outbox(connection.sendall)
        self._lock = threading.Lock()
        self._held: list[Message] | None = None

    def requests(self) -> Iterator[Message]:
        """The client's requests, until it is gone."""
        buffer = MessageBuffer()
        while True:
            try:
                data = self._connection.recv(_CHUNK_BYTES)
                requests = [message for message in buffer.feed(data) if _is_request(message)]
            except DapViolation as exc:
                self.event("output", {"category": "stderr", "output": f"The connection is no DAP: {exc}\n"})
                return
            except OSError:
                return
            if not data:
                return
            yield from requests

    def respond(self, request: Message, body: dict[str, Any] | None = None) -> None:
        self._outbox.answer(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "command": str(request.get("command", "")),
                "success": True,
                "body": body if body is not None else {},
            }
        )

    def refuse(self, request: Message, reason: Refused) -> None:
        text = str(reason)
        error = {"id": reason.code, "format": "{text}", "variables": {"text": text}, "showUser": True}
        self._outbox.answer(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "command": str(request.get("command", "")),
                "success": False,
                "message": reason.short or text,
                "body": {"error": error},
            }
        )

    def event(self, name: str, body: dict[str, Any] | None = None) -> None:
        # Some clients cannot read a message without a body, so that there always is one.
        message: Message = {"type": "event", "event": name, "body": body if body is not None else {}}
        with self._lock:
            if self._held is not None:
                self._held.append(message)
            else:
                self._outbox.put(message)

    @contextmanager
    def events_after_response(self) -> Iterator[None]:
        """Hold events back while a request is carried out: its response comes before what it causes."""
        with self._lock:
            self._held = []
        try:
            yield
        finally:
            with self._lock:
                held, self._held = self._held or [], None
                for message in held:
                    self._outbox.put(message)

    def close(self) -> None:
        self._outbox.close(_LAST_MESSAGES_S)
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()


def _is_request(message: Message) -> bool:
    """Whether it is one rather than a response or an event. Raises: DapViolation, nobody could answer it."""
    if message.get("type") != "request":
        return False
    if type(message.get("seq")) is not int:
        raise DapViolation(f"a request whose seq is {message.get('seq')!r}")
    return True
