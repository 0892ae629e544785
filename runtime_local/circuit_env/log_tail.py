"""The newest log lines of an environment, for those that stream them."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence

import circuit_link.host_protocol as hp
from circuit_link.env_protocol import LogLine
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.events import LogEvent
from circuit_log.levels import LogLevels

_KEPT_LINES = 20_000


class LogTail:
    """Keeps the last lines with numbers, so that a listener goes on where it broke off. Thread-safe.

    Numbers belong to one life of the server: a cursor of an earlier one begins at the oldest line kept.
    """

    def __init__(self) -> None:
        self._life = secrets.token_hex(4)
        self._lines: deque[tuple[int, LogLine]] = deque(maxlen=_KEPT_LINES)
        self._last = 0
        self._changed = threading.Condition()

    def watch(self, origin: object) -> _Watcher:
        """An observer of one run."""
        return _Watcher(self)

    def add(self, run_id: str, text: str) -> None:
        with self._changed:
            for line in text.splitlines():
                self._last += 1
                cursor = f"{self._life}-{self._last}"
                self._lines.append((self._last, LogLine(cursor=cursor, run_id=run_id, text=line)))
            self._changed.notify_all()

    def follow(self, cursor: str, keep_alive_s: float) -> Iterator[LogLine | None]:
        """Lines from behind `cursor` ("" for those to come), for ever; None after each silence."""
        life, _, number = cursor.partition("-")
        if not cursor:
            after = self._last
        else:
            after = int(number) if life == self._life and number.isdigit() else 0
        while True:
            with self._changed:
                if self._last <= after:
                    self._changed.wait(keep_alive_s)
                lines = [(count, line) for count, line in self._lines if count > after]
            if not lines:
                yield None
            for count, line in lines:
                after = count
                yield line


class _Watcher:
    """The `RunObserver` that writes a run's events as log lines."""

    def __init__(self, tail: LogTail) -> None:
        self._tail = tail
        self._writer: ApexLogWriter | None = None

    def started(self, message: hp.RunStarted) -> None:
        self._writer = ApexLogWriter(LogLevels.parse(message.log_levels), message.started_at)
        self._tail.add(message.run_id, self._writer.header())

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None:
        if self._writer is not None:
            self._tail.add(run_id, "".join(map(self._writer.lines, events)))

    def output(self, message: hp.OutputEmitted) -> None:
        """What scripts print is not part of the log."""

    def finished(self, run_id: str, result: hp.RunResult) -> None:
        """Its last events have been written."""
