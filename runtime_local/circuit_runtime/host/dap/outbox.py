"""Messages on their way to a debugger's client, so that nobody waits for a client that reads slowly."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from circuit_link.dap import Message, encode

# What is printed beyond this, while the client has not read what came before, is left out.
MAX_PRINTED_CHARACTERS = 4_000_000
_MAX_JOINED_CHARACTERS = 64_000
_MAX_MESSAGES = 10_000


@dataclass(slots=True)
class _Printed:
    """Texts of one kind that follow one another: they become one event."""

    body: dict[str, Any]
    texts: list[str]
    characters: int

    def is_continued_by(self, body: dict[str, Any]) -> bool:
        return {**body, "output": ""} == self.body and self.characters < _MAX_JOINED_CHARACTERS

    def message(self) -> Message:
        return {"type": "event", "event": "output", "body": {**self.body, "output": "".join(self.texts)}}


class Outbox:
    """Numbers messages and writes them in their order, on a thread of its own. Any thread may put some in.

    Args:
        write: sends bytes; after an OSError nothing more is sent.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._changed = threading.Condition()
        self._waiting: deque[Message | _Printed] = deque()
        self._printed_characters = 0
        self._left_out = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._write_all, name="dap-writer", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Never waits: of what is printed, and of events that the protocol does not have, some may be left out."""
        with self._changed:
            event = str(message.get("event", ""))
            if self._is_closed:
                return
            if event == "output":
                self._put_printed(message["body"])
            elif "/" in event and len(self._waiting) >= _MAX_MESSAGES:
                self._left_out += len(str(message["body"]))
            else:
                self._waiting.append(message)
            self._changed.notify_all()

    def answer(self, message: Message) -> None:
        """Put a response in, as soon as there is room: who asks for more than he reads has to wait."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or len(self._waiting) < _MAX_MESSAGES)
            if not self._is_closed:
                self._waiting.append(message)
                self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Write what is waiting, as far as the client takes it within the time."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _put_printed(self, body: dict[str, Any]) -> None:
        text = str(body["output"])
        last = self._waiting[-1] if self._waiting else None
        if self._printed_characters + len(text) > MAX_PRINTED_CHARACTERS:
            self._left_out += len(text)
            return
        self._printed_characters += len(text)
        if isinstance(last, _Printed) and last.is_continued_by(body):
            last.texts.append(text)
            last.characters += len(text)
        else:
            self._waiting.append(_Printed({**body, "output": ""}, [text], len(text)))

    def _write_all(self) -> None:
        numbers = itertools.count(1)
        while messages := self._take():
            try:
                self._write(b"".join(encode({"seq": next(numbers), **message}) for message in messages))
            except OSError:
                break
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _take(self) -> list[Message]:
        """What is waiting, as soon as something is; nothing once it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            taken, self._waiting = self._waiting, deque()
            left_out, self._left_out = self._left_out, 0
            self._printed_characters = 0
            self._changed.notify_all()
        messages = [one.message() if isinstance(one, _Printed) else one for one in taken]
        if left_out:
            text = f"[{left_out:,} characters are left out here: they came faster than they were read]\n"
            messages.append({"type": "event", "event": "output", "body": {"category": "console", "output": text}})
        return messages
