"""A Debug Adapter Protocol connection to the host's debugger: requests with answers, and events."""

from __future__ import annotations

import itertools
import queue
import socket
from collections.abc import Callable
from typing import Any

import msgspec
from PySide6.QtCore import QObject, QThread, Signal, Slot

from circuit_link.dap import DapViolation, MessageBuffer, encode
from circuit_link.errors import UserFacingError

Body = dict[str, Any]
AnswerSlot = Callable[[Body], None]
FailureSlot = Callable[[UserFacingError], None]

_CONNECT_TIMEOUT_S = 10.0
_STOP_TIMEOUT_MS = 3_000
_CHUNK_BYTES = 65_536


class DapMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the server sends, as far as a client needs it. Unknown members are ignored, as the protocol demands."""

    type: str
    seq: int = 0
    request_seq: int = 0
    success: bool = True
    command: str = ""
    event: str = ""
    message: str = ""
    body: Body | None = None


class _Reader(QThread):
    """Connects and decodes, away from the GUI thread."""

    connected = Signal(object)
    received = Signal(object)
    ended = Signal(str)

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def run(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(_CONNECT_TIMEOUT_S)
        try:
            sock.connect(self._address)
        except OSError as exc:
            sock.close()
            self.ended.emit(f"the debugger does not listen ({exc.strerror or exc})")
            return
        sock.settimeout(None)
        self.connected.emit(sock)
        self.ended.emit(self._read(sock))

    def _read(self, sock: socket.socket) -> str:
        """Emit messages until the connection ends; why it ended, "" for an orderly end."""
        buffer = MessageBuffer()
        try:
            while chunk := sock.recv(_CHUNK_BYTES):
                for message in buffer.feed(chunk):
                    self.received.emit(msgspec.convert(message, DapMessage))
        except OSError:
            return ""
        except (DapViolation, msgspec.ValidationError) as exc:
            return f"the debugger sent something this version does not understand: {exc}"
        return ""


class _Writer(QThread):
    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def put(self, frame: bytes) -> None:
        self._frames.put(frame)

    def finish(self) -> None:
        self._frames.put(None)

    def run(self) -> None:
        while (frame := self._frames.get()) is not None:
            try:
                self._sock.sendall(frame)
            except OSError:
                return  # The reader sees the same end and reports it.


class DapConnection(QObject):
    """One connection to a DAP server.

    Signals:
        connected: None.
        event_received: DapMessage of type event.
        ended: str, why, "" for an orderly end. Open requests are forgotten.
    """

    connected = Signal()
    event_received = Signal(object)
    ended = Signal(str)

    def __init__(self, address: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[str, AnswerSlot | None, FailureSlot | None]] = {}
        self._unsent: list[bytes] = []
        self._socket: socket.socket | None = None
        self._writer: _Writer | None = None
        self._reader = _Reader(address)
        self._reader.connected.connect(self._on_connected)
        self._reader.received.connect(self._on_received)
        self._reader.ended.connect(self._on_ended)
        self._is_closed = False

    def start(self) -> None:
        self._reader.start()

    def request(
        self,
        command: str,
        arguments: Body | None = None,
        on_answer: AnswerSlot | None = None,
        on_failed: FailureSlot | None = None,
    ) -> None:
        """Send a request; `on_answer` gets the body of a successful response."""
        if self._is_closed:
            return
        number = next(self._numbers)
        self._waiting[number] = (command, on_answer, on_failed)
        frame = encode({"seq": number, "type": "request", "command": command, "arguments": arguments or {}})
        if self._writer is None:
            self._unsent.append(frame)
        else:
            self._writer.put(frame)

    def close(self) -> None:
        """End the connection and its threads; nothing is delivered afterwards."""
        if self._is_closed:
            return
        self._is_closed = True
        self._waiting.clear()
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self._writer is not None:
            self._writer.finish()
            self._writer.wait(_STOP_TIMEOUT_MS)
        self._reader.wait(_STOP_TIMEOUT_MS)
        if self._socket is not None:
            self._socket.close()

    @Slot(object)
    def _on_connected(self, sock: socket.socket) -> None:
        self._socket = sock
        if self._is_closed:
            sock.close()
            return
        self._writer = _Writer(sock)
        self._writer.start()
        for frame in self._unsent:
            self._writer.put(frame)
        self._unsent.clear()
        self.connected.emit()

    @Slot(object)
    def _on_received(self, message: DapMessage) -> None:
        if self._is_closed:
            return
        if message.type == "event":
            self.event_received.emit(message)
        elif message.type == "response":
            self._answer(message)

    @Slot(str)
    def _on_ended(self, reason: str) -> None:
        if not self._is_closed:
            self.close()
            self.ended.emit(reason)

    def _answer(self, message: DapMessage) -> None:
        command, on_answer, on_failed = self._waiting.pop(message.request_seq, ("", None, None))
        if message.success:
            if on_answer is not None:
                on_answer(message.body or {})
        elif on_failed is not None:
            on_failed(_refusal(command, message))


def _refusal(command: str, message: DapMessage) -> UserFacingError:
    error = (message.body or {}).get("error")
    text = error.get("format", "") if isinstance(error, dict) else ""
    variables = error.get("variables") if isinstance(error, dict) else None
    for name, value in (variables or {}).items():
        text = text.replace(f"{{{name}}}", str(value))
    number = error.get("id", 0) if isinstance(error, dict) else 0
    return UserFacingError(
        text or message.message or f"The debugger refused {command}.",
        code=f"DEBUGGER_REFUSED_{number}",
        details=command,
    )
