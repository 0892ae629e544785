"""Debug Adapter Protocol messages on a byte stream: `Content-Length` framing of JSON. No I/O, no Qt."""

from __future__ import annotations

from typing import Any

import msgspec

Message = dict[str, Any]

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_SEPARATOR = b"\r\n\r\n"
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class DapViolation(ValueError):
    """The peer sent something that is not DAP; the connection cannot be used any more."""


def encode(message: Message) -> bytes:
    payload = msgspec.json.encode(message)
    return b"Content-Length: %d\r\n\r\n" % len(payload) + payload


class MessageBuffer:
    """Collects bytes and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now, in order. Raises: DapViolation."""
        self._buffer += data
        messages: list[Message] = []
        while (message := self._take()) is not None:
            messages.append(message)
        return messages

    def _take(self) -> Message | None:
        end = self._buffer.find(_SEPARATOR)
        if end < 0:
            if len(self._buffer) > 4096:
                raise DapViolation("a header without an end")
            return None
        length = _content_length(bytes(self._buffer[:end]))
        start = end + len(_SEPARATOR)
        if len(self._buffer) < start + length:
            return None
        payload = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        try:
            return _decoder.decode(payload)
        except msgspec.DecodeError as exc:
            raise DapViolation(f"a body that is no JSON object: {exc}") from exc


def _content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            if length <= MAX_MESSAGE_BYTES:
                return length
    raise DapViolation(f"no usable Content-Length in {header[:200]!r}")
