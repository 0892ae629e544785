"""A host that answers as a test tells it, on the socket where a client looks for the project's own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import circuit_link.host_protocol as hp
from circuit_link.framing import ConnectionEnded, FrameSocket
from circuit_link.host_address import host_socket_path

Answer = Callable[[hp.ClientToHost], Sequence[hp.HostToClient]]
_TIMEOUT_S = 10.0


class FakeHost:
    """Serves any number of clients, one after another; a context manager.

    Args:
        answer: the messages that answer one request, in order.

    Attributes:
        received: every message of every client but `Attach`, in order.
    """

    def __init__(self, project_root: Path, answer: Answer, *, version: int = hp.PROTOCOL_VERSION) -> None:
        self.received: list[hp.ClientToHost] = []
        self._answer = answer
        self._welcome = hp.Attached(
            version=version, project=str(project_root), pid=0, python="3.11.0", dap_address=""
        )
        self._path = host_socket_path(project_root)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="fake-host", daemon=True)

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_TIMEOUT_S)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            frames = FrameSocket(connection)
            try:
                self._serve_client(frames)
            except ConnectionEnded:
                pass
            finally:
                frames.close()

    def _serve_client(self, frames: FrameSocket) -> None:
        while True:
            message = hp.decode_from_client(frames.receive())
            if isinstance(message, hp.Attach):
                answers: Sequence[hp.HostToClient] = (self._welcome,)
            else:
                self.received.append(message)
                answers = self._answer(message)
            for answer in answers:
                frames.send(hp.encode(answer), time.monotonic() + _TIMEOUT_S)
