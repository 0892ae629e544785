"""The logs of a project's runs: ApexLog text for people and tools, and the events themselves beside it."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import LogRead, LogSummary
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.events import LogEvent
from circuit_log.levels import LogLevels
from circuit_runtime.host.bounded_text import BoundedText, append

_log = logging.getLogger("circuit.runtime.logs")

MAX_TEXT_BYTES = 20 * 1024 * 1024
MAX_EVENT_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 1024 * 1024
MAX_RUNS = 500
MAX_TOTAL_BYTES = 512 * 1024 * 1024
_PART_BYTES = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_RUNNING = "running"

_encoder = msgspec.msgpack.Encoder()
_events_decoder: msgspec.msgpack.Decoder[tuple[LogEvent, ...]] = msgspec.msgpack.Decoder(tuple[LogEvent, ...])
_summary_decoder: msgspec.json.Decoder[LogSummary] = msgspec.json.Decoder(LogSummary)


class RunLog:
    """The log of one run while it is written. Used by the run's thread alone."""

    def __init__(self, folder: Path, summary: LogSummary, levels: LogLevels, source: str) -> None:
        self._folder = folder
        self._summary = summary
        self._writer = ApexLogWriter(levels, summary.started_at, source)
        with contextlib.ExitStack() as opened:
            # Unbuffered: what a full disk refuses must not come up again at the next write.
            self._text = opened.enter_context((folder / f"{summary.id}.log").open("wb", buffering=0))
            self._frames = opened.enter_context((folder / f"{summary.id}.events").open("wb", buffering=0))
            self._full = False
            append(self._text, self._writer.header().encode("utf-8", "replace"))
            self._bounded = BoundedText(self._text, MAX_TEXT_BYTES, _TAIL_BYTES)
            _write_summary(folder, summary)
            opened.pop_all()

    @property
    def path(self) -> Path:
        """The ApexLog file."""
        return self._folder / f"{self._summary.id}.log"

    def write(self, events: Sequence[LogEvent]) -> None:
        """Append events, in order. What would make a file larger than it may be is left out; the text says so.

        Raises: OSError; the log then ends before these events, and takes no others.
        """
        if self._full:
            return
        self._full = True
        lines = [lines.encode("utf-8", "replace") for lines in map(self._writer.lines, events) if lines]
        self._bounded.write(lines)
        if self._frames.tell() <= MAX_EVENT_BYTES:
            frame = _encoder.encode(events)
            append(self._frames, _LENGTH.pack(len(frame)) + frame)
        self._full = False

    def abandon(self) -> None:
        """Close the files of a run whose end will not be known."""
        self._text.close()
        self._frames.close()

    def finish(self, outcome: str, duration_ms: float) -> LogSummary:
        """Close the files and write the run's line of the index."""
        try:
            self._bounded.end()
        except OSError as exc:
            _log.warning("the end of the log %s cannot be written: %s", self.path, exc)
        size_bytes = self._text.tell()
        self._text.close()
        self._frames.close()
        summary = msgspec.structs.replace(
            self._summary, outcome=outcome, duration_ms=round(duration_ms, 3), bytes=size_bytes
        )
        _write_summary(self._folder, summary)
        return summary


class LogArchive:
    """A folder of run logs with an upper bound. Thread-safe: each run has files of its own."""

    def __init__(self, folder: Path, *, max_runs: int = MAX_RUNS, max_total_bytes: int = MAX_TOTAL_BYTES) -> None:
        self._folder = folder
        self._max_runs = max_runs
        self._max_total_bytes = max_total_bytes
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def close_abandoned(self) -> None:
        """Mark the runs that a dead host left behind as killed. Only for the host that holds the project."""
        for summary in self._summaries():
            if summary.outcome == _RUNNING:
                _write_summary(self._folder, msgspec.structs.replace(summary, outcome="killed"))

    def open(
        self,
        run_id: str,
        *,
        started_at: dt.datetime,
        entry: str,
        levels: LogLevels,
        source: str = "",
        release: str = "",
        user: str = "",
    ) -> RunLog:
        """Begin the log of a run.

        Args:
            entry: what runs, as the list of logs shows it.
            source: text of anonymous code, for the log's header.

        Raises:
            UserFacingError: the folder cannot be written.
        """
        summary = LogSummary(
            id=run_id,
            started_at=started_at,
            entry=entry,
            outcome=_RUNNING,
            duration_ms=0.0,
            release=release,
            user=user,
            bytes=0,
        )
        try:
            return RunLog(self._folder, summary, levels, source)
        except OSError as exc:
            for path in self._files(run_id):
                path.unlink(missing_ok=True)
            raise UserFacingError(
                f"The log {self._folder / run_id}.log cannot be written: {exc.strerror or exc}.",
                code="LOG_NOT_WRITABLE",
                hint="Free some space, or make the project's .circuit folder writable.",
            ) from exc

    def list(self, search: str = "") -> tuple[LogSummary, ...]:
        """Runs, newest first; with `search` those whose entry, outcome or text holds it, in any case."""
        found = sorted(self._summaries(), key=lambda summary: summary.id, reverse=True)
        return tuple(summary for summary in found if not search or self._matches(summary, search.casefold()))

    def path(self, log_id: str) -> Path:
        """The ApexLog file of a run. Raises: UserFacingError if there is none of that id."""
        path = self._folder / f"{log_id}.log"
        if path.parent != self._folder or not path.is_file():
            raise UserFacingError(
                f"There is no log {log_id!r}.",
                code="LOG_NOT_FOUND",
                hint="`circuit-cli logs` lists the logs that are kept; old ones are removed.",
            )
        return path

    def read(self, log_id: str, request: int) -> Iterator[LogRead]:
        """A stored run in parts, each of which fits a frame; the last one has no `more`.

        Raises:
            UserFacingError: there is no log of that id.
        """
        text = self.path(log_id).read_text("utf-8", "replace")
        step = _PART_BYTES // 4
        parts: list[tuple[str, tuple[LogEvent, ...]]] = [
            (text[start : start + step], ()) for start in range(0, len(text), step)
        ]
        parts += [("", events) for events in self._event_frames(log_id)]
        for idx, (text_part, events) in enumerate(parts or [("", ())]):
            yield LogRead(request=request, text=text_part, events=events, more=idx < len(parts) - 1)

    def prune(self) -> None:
        """Remove the oldest finished runs beyond the number and the bytes that are kept."""
        kept_bytes = 0
        finished = [summary for summary in self.list() if summary.outcome != _RUNNING]
        for idx, summary in enumerate(finished):
            kept_bytes += sum(path.stat().st_size for path in self._files(summary.id) if path.exists())
            if idx >= self._max_runs or (idx > 0 and kept_bytes > self._max_total_bytes):
                for path in self._files(summary.id):
                    path.unlink(missing_ok=True)

    def _files(self, run_id: str) -> tuple[Path, ...]:
        return tuple(self._folder / f"{run_id}.{suffix}" for suffix in ("json", "log", "events"))

    def _summaries(self) -> Iterator[LogSummary]:
        for path in self._folder.glob("*.json"):
            try:
                yield _summary_decoder.decode(path.read_bytes())
            except (OSError, msgspec.DecodeError) as exc:
                _log.warning("the log index %s cannot be read: %s", path, exc)

    def _matches(self, summary: LogSummary, needle: str) -> bool:
        if needle in f"{summary.id}\n{summary.entry}\n{summary.outcome}\n{summary.user}".casefold():
            return True
        try:
            with (self._folder / f"{summary.id}.log").open(encoding="utf-8", errors="replace") as lines:
                return any(needle in line.casefold() for line in lines)
        except OSError:
            return False

    def _event_frames(self, run_id: str) -> Iterator[tuple[LogEvent, ...]]:
        """Batches as they were written; a last one that a dead host cut short is left out."""
        path = self._folder / f"{run_id}.events"
        if not path.is_file():
            return
        batch: list[LogEvent] = []
        batch_bytes = 0
        with path.open("rb") as frames:
            while len(header := frames.read(_LENGTH.size)) == _LENGTH.size:
                (length,) = _LENGTH.unpack(header)
                frame = frames.read(length)
                if len(frame) < length:
                    break
                if batch and batch_bytes + length > _PART_BYTES:
                    yield tuple(batch)
                    batch, batch_bytes = [], 0
                batch.extend(_events_decoder.decode(frame))
                batch_bytes += length
        if batch:
            yield tuple(batch)


def _write_summary(folder: Path, summary: LogSummary) -> None:
    temporary = folder / f"{summary.id}.json.tmp"
    try:
        temporary.write_bytes(msgspec.json.encode(summary))
        temporary.replace(folder / f"{summary.id}.json")
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
