"""Length-prefixed frames over stream sockets: u32 big-endian length, then that many bytes.

The length is checked before anything is allocated. Every call has a deadline on the monotonic clock, so that a
peer that stalls in the middle of a frame, or never reads, cannot hold its counterpart.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time

MAX_FRAME_BYTES = 8 * 1024 * 1024
_HEADER = struct.Struct(">I")


class ConnectionEnded(Exception):
    """The peer closed the connection, or it broke."""


class FrameTooLong(Exception):
    """A frame is longer than `MAX_FRAME_BYTES`; nothing of it was read or sent."""


class DeadlinePassed(Exception):
    """The deadline came before the whole frame was moved."""


class FrameSocket:
    """Frames on one connected stream socket, which it owns. One reader thread and one writer thread at most."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._buffer = bytearray()

    def fileno(self) -> int:
        return self._sock.fileno()

    def duplicate(self) -> FrameSocket:
        """Another end of the same connection, which outlives this one's close and still reads what had come."""
        return FrameSocket(self._sock.dup())

    def send(self, payload: bytes, deadline: float | None = None) -> None:
        """Send one frame. `deadline` is a `time.monotonic()` value; None waits for ever.

        Raises: FrameTooLong, ConnectionEnded, DeadlinePassed.
        """
        if len(payload) > MAX_FRAME_BYTES:
            raise FrameTooLong(f"{len(payload)} bytes; at most {MAX_FRAME_BYTES} fit a frame")
        view = memoryview(_HEADER.pack(len(payload)) + payload)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                self._wait(deadline, writing=True)
            except OSError as exc:
                raise ConnectionEnded(str(exc)) from exc

    def receive(self, deadline: float | None = None) -> bytes:
        """The next frame. Bytes of a frame that is not complete at the deadline are kept for the next call.

        Raises: FrameTooLong, ConnectionEnded, DeadlinePassed.
        """
        while (frame := self._next_frame()) is None:
            try:
                chunk = self._sock.recv(262_144)
            except BlockingIOError:
                self._wait(deadline, writing=False)
                continue
            except OSError as exc:
                raise ConnectionEnded(str(exc)) from exc
            if not chunk:
                raise ConnectionEnded("the peer closed the connection")
            self._buffer += chunk
        return frame

    def close(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()

    def _next_frame(self) -> bytes | None:
        if len(self._buffer) < _HEADER.size:
            return None
        (length,) = _HEADER.unpack_from(self._buffer)
        if length > MAX_FRAME_BYTES:
            raise FrameTooLong(f"{length} bytes announced; at most {MAX_FRAME_BYTES} fit a frame")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(memoryview(self._buffer)[_HEADER.size : end])
        del self._buffer[:end]
        return frame

    def _wait(self, deadline: float | None, *, writing: bool) -> None:
        timeout_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            ready = _wait_for(self._sock, timeout_s, writing=writing)
        except (ValueError, OSError) as exc:
            raise ConnectionEnded("the connection was closed on this side") from exc
        if not ready:
            raise DeadlinePassed


if sys.platform == "win32":

    def _wait_for(sock: socket.socket, timeout_s: float | None, *, writing: bool) -> bool:
        """Windows has no poll; its select has no upper bound of descriptors' numbers."""
        waiting = [sock]
        ready = select.select([] if writing else waiting, waiting if writing else [], waiting, timeout_s)
        return any(ready)

else:

    def _wait_for(sock: socket.socket, timeout_s: float | None, *, writing: bool) -> bool:
        poller = select.poll()
        poller.register(sock, select.POLLOUT if writing else select.POLLIN)
        return bool(poller.poll(None if timeout_s is None else timeout_s * 1000))
