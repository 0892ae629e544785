"""The event stream of one run: numbers and stamps events, leaves out what the levels exclude, hands them on."""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

import circuit_log.events as ev
from circuit_link import wire
from circuit_log.levels import Level, LogLevels
from circuit_log.visibility import is_visible

_MAX_ENTRIES = 1_000_000
_MAX_ENTRY_CHARACTERS = 64 * 1024 * 1024


class Emits(Protocol):
    def emit(self, event: ev.LogEvent) -> None: ...


class EventLog:
    """Thread-safe; the sink gets events one at a time, in order."""

    def __init__(self, levels: LogLevels, started_ns: int, sink: Emits) -> None:
        """`started_ns` is `time.monotonic_ns()` at the run's start."""
        self.levels = levels
        self._started_ns = started_ns
        self._sink = sink
        self._lock = threading.Lock()
        self._seq = 0
        self._last_ns = 0
        self._entries_left = _MAX_ENTRIES
        self._characters_left = _MAX_ENTRY_CHARACTERS

    def emit(
        self, kind: type[Any], *, path: str = "", line: int = 0, ns: int | None = None, **fields: Any
    ) -> None:
        """Make an event of `kind` with these fields and hand it on, if the levels let it through.

        Args:
            ns: when it happened, since the run's start; now, if None. Never before the event before it.
        """
        with self._lock:
            moment = time.monotonic_ns() - self._started_ns if ns is None else ns
            moment = max(moment, self._last_ns)
            event: ev.LogEvent = kind(seq=self._seq, ns=moment, path=path, line=line, **fields)
            if is_visible(event, self.levels):
                self._seq += 1
                self._last_ns = moment
                self._sink.emit(event)

    def take(self, entries: list[wire.LogEntry]) -> None:
        """Make events of what only the worker saw, as long as it does not flood the log."""
        for entry in entries:
            if self._entries_left <= 0 or self._characters_left <= 0:
                return
            self._entries_left -= 1
            self._characters_left -= len(entry.text) + len(entry.data)
            self._take(entry)
            if self._entries_left == 0 or self._characters_left <= 0:
                text = "[the script has logged more than a log may hold; the rest of its entries is left out]"
                self.emit(ev.UserDebug, level=Level.ERROR, text=text, path=entry.path, line=entry.line)

    def _take(self, entry: wire.LogEntry) -> None:
        place: dict[str, Any] = {"path": entry.path, "line": entry.line, "ns": entry.ns}
        match entry.kind:
            case "debug":
                level = Level(min(max(entry.level, Level.ERROR), Level.FINEST))
                self.emit(ev.UserDebug, level=level, text=entry.text, data=entry.data, **place)
            case "entry":
                self.emit(ev.MethodEntry, signature=entry.text, **place)
            case "exit":
                self.emit(ev.MethodExit, signature=entry.text, **place)
            case "statement":
                self.emit(ev.StatementExecute, **place)
            case "assignment":
                name, _, value = entry.text.partition("|")
                self.emit(ev.VariableAssignment, name=name, value=value, **place)
            case "thrown":
                type_name, _, message = entry.text.partition(": ")
                self.emit(ev.ExceptionThrown, type_name=type_name, message=message, **place)
