"""What a run tells besides its requests: log entries and printed text, in bounded batches."""

from __future__ import annotations

import io
import signal
import threading
import time
from typing import Any, Literal

import msgspec

from circuit_link import wire
from circuitos.worker.channel import Channel

_LEVEL_INFO = 3
_BATCH_ENTRIES = 500
_BATCH_BYTES = 256 * 1024
_BATCH_NS = 30_000_000
_TIMER_S = 0.05
_MAX_TEXT_CHARS = 1_200_000
_MAX_DATA_CHARS = 400_000
_MAX_OUTPUT_CHARS = 16 * 1024 * 1024
_NOTE_BYTES = 100

_Printed = wire.Output | wire.DebugNote

_monotonic_ns = time.monotonic_ns
_main_thread_id = threading.main_thread().ident
_get_ident = threading.get_ident


class Journal:
    """Collects log entries and output, and sends them: before each request, in time, and at the end.

    A timer signal sends what a script leaves behind when it computes for long without a request. Text that
    contains a secret the script was given is masked.
    """

    def __init__(self, channel: Channel, started_ns: int, level: int) -> None:
        """`started_ns` is the host's monotonic start of the run; `level` the APEX_CODE log level."""
        self._channel = channel
        self._started_ns = started_ns
        self.level = level
        self._entries: list[wire.LogEntry] = []
        self._output: list[_Printed] = []
        self._bytes = 0
        self._output_chars = 0
        self._sent_ns = 0
        self._armed = False
        self._secrets: list[str] = []
        # Guards the buffers only, never a send: a trigger served by another thread may log meanwhile.
        # Not reentrant, so that the timer, which interrupts the main thread anywhere, sees that it is held.
        self._lock = threading.Lock()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._on_timer)

    def hide(self, secret: str) -> None:
        if len(secret) >= 4:
            self._secrets.append(secret)

    def log(
        self,
        kind: Literal["debug", "entry", "exit", "statement", "assignment", "thrown"],
        path: str,
        line: int,
        text: str = "",
        level: int = 0,
        data: str = "",
    ) -> None:
        entry = wire.LogEntry(
            kind=kind,
            ns=_monotonic_ns() - self._started_ns,
            path=path,
            line=line,
            text=self._prepare(text),
            level=level,
            data=self._prepare(data, _MAX_DATA_CHARS),
        )
        with self._lock:
            self._entries.append(entry)
            self._bytes += len(entry.text) + len(entry.data) + 60
        self._send_when_due(is_complete=True)

    def log_thrown(self, error: wire.ScriptError) -> None:
        """Tell of an exception that left a script or a trigger."""
        if self.level >= _LEVEL_INFO:
            place = error.frames[0] if error.frames else wire.ScriptFrame(path="", line=0, name="")
            self.log("thrown", place.path, place.line, f"{error.type}: {error.message}")

    def print(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        if not (text := self._bounded(text)):
            return
        with self._lock:
            last = self._output[-1] if self._output else None
            is_joined = isinstance(last, wire.Output) and last.stream == stream
            if last is not None and is_joined and len(last.text) + len(text) < _BATCH_BYTES:
                self._output[-1] = wire.Output(stream=stream, text=last.text + text)
            else:
                self._output.append(wire.Output(stream=stream, text=text))
            self._bytes += len(text)
        # `print` writes its end apart: half a line waits for the rest.
        self._send_when_due(is_complete=text.endswith("\n"))

    def note(self, note: wire.DebugNote) -> None:
        """Tell what the debugger has to say, in its place among what is printed, and bounded with it."""
        text = self._bounded(note.text)
        if text or note.stop:
            with self._lock:
                self._output.append(msgspec.structs.replace(note, text=text))
                self._bytes += len(text) + _NOTE_BYTES
            self._send_when_due(is_complete=True)

    def flush(self) -> None:
        """Send everything now, waiting for the channel if need be."""
        while messages := self._take():
            for message in messages:
                self._channel.send(message)

    def send_now(self) -> None:
        """Send what is there, unless a request is open: then the next one takes it along."""
        self._send_if_free(self._take())

    def close(self) -> None:
        """Stop the timer and send the rest; after a breach, without waiting for anybody."""
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for message in self._take():
            self._channel.send_last(message)

    def _bounded(self, text: str) -> str:
        """Count what is printed. What is left of a text: nothing, once there was too much."""
        if self._output_chars > _MAX_OUTPUT_CHARS:
            return ""
        self._output_chars += len(text)
        if self._output_chars > _MAX_OUTPUT_CHARS:
            text = f"\n[output above {_MAX_OUTPUT_CHARS} characters is dropped]\n"
        return self._prepare(text)

    def _prepare(self, text: str, max_chars: int = _MAX_TEXT_CHARS) -> str:
        if len(text) > max_chars:
            text = f"{text[:max_chars]}\n[{len(text) - max_chars} more characters]"
        for secret in self._secrets:
            text = text.replace(secret, "********")
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-8", "backslashreplace").decode()
        return text

    def _send_when_due(self, *, is_complete: bool) -> None:
        is_full = self._bytes >= _BATCH_BYTES or len(self._entries) >= _BATCH_ENTRIES
        if is_full or (is_complete and _monotonic_ns() - self._sent_ns > _BATCH_NS):
            self._send_if_free(self._take())
        elif not self._armed and _get_ident() == _main_thread_id and hasattr(signal, "setitimer"):
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, _TIMER_S)

    def _send_if_free(self, messages: list[wire.Log | _Printed]) -> bool:
        """Send without waiting; what the channel does not take now stays for the next flush."""
        for number, message in enumerate(messages):
            if not self._channel.try_send(message):
                with self._lock:
                    self._put_back(messages[number:])
                return False
        return True

    def _take(self) -> list[wire.Log | _Printed]:
        with self._lock:
            return self._take_locked()

    def _take_locked(self) -> list[wire.Log | _Printed]:
        entries, self._entries = self._entries, []
        output, self._output = self._output, []
        self._bytes = 0
        self._sent_ns = _monotonic_ns()
        logs = [
            wire.Log(entries=entries[first : first + _BATCH_ENTRIES])
            for first in range(0, len(entries), _BATCH_ENTRIES)
        ]
        return [*_split_large(logs), *output]

    def _put_back(self, messages: list[wire.Log | _Printed]) -> None:
        entries = [entry for message in messages if isinstance(message, wire.Log) for entry in message.entries]
        self._entries = entries + self._entries
        self._output = [message for message in messages if not isinstance(message, wire.Log)] + self._output

    def _on_timer(self, _signal: int, _frame: Any) -> None:
        self._armed = False
        if self._lock.acquire(blocking=False):
            messages = self._take_locked()
            self._lock.release()
            if self._send_without_lock(messages):
                return
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, _TIMER_S)

    def _send_without_lock(self, messages: list[wire.Log | _Printed]) -> bool:
        """For the timer, which must not wait for the lock: another thread may hold it."""
        for number, message in enumerate(messages):
            if not self._channel.try_send(message):
                self._put_back(messages[number:])
                return False
        return True


def _split_large(logs: list[wire.Log]) -> list[wire.Log]:
    """Halve batches whose texts would not fit a frame."""
    result: list[wire.Log] = []
    for log in logs:
        size = sum(len(entry.text) + len(entry.data) for entry in log.entries)
        if size > _MAX_TEXT_CHARS and len(log.entries) > 1:
            middle = len(log.entries) // 2
            result += _split_large(
                [wire.Log(entries=log.entries[:middle]), wire.Log(entries=log.entries[middle:])]
            )
        else:
            result.append(log)
    return result


class ScriptStream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a script: text goes to the journal."""

    def __init__(self, journal: Journal, stream: Literal["stdout", "stderr"]) -> None:
        self._journal = journal
        self._stream: Literal["stdout", "stderr"] = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # TextIOBase declares a plain attribute
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # TextIOBase declares a plain attribute
        return "backslashreplace"

    @property
    def buffer(self) -> _ByteStream:
        return _ByteStream(self)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._journal.print(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Have it seen now: what follows may be a loop in C, in which no timer fires."""
        self._journal.send_now()


class _ByteStream(io.RawIOBase):
    def __init__(self, stream: ScriptStream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._stream.write(content.decode("utf-8", "replace"))
        return len(content)
