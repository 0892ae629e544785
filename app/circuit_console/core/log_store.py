"""A run's events as rows of a table and bars of a timeline, built as they arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

import circuit_log.events as ev
from circuit_console.core.event_kinds import FACTS_BY_NUMBER, EventType, Kind
from circuit_console.core.event_names import (
    callout_title,
    debug_text,
    method_title,
    query_title,
    short_callout,
    unit_hint,
    unit_title,
)
from circuit_console.core.event_rows import COUNTERS, EventRows
from circuit_console.core.flame_frames import NO_FRAME, FlameFrames
from circuit_console.core.governor_view import advice_for, percent, title_of
from circuit_console.core.quantities import counted, format_duration, format_size
from circuit_log.levels import Level
from circuit_log.limits import LimitName, LimitUse

_DEBUG_TYPES: dict[Level, EventType] = {
    Level.ERROR: EventType.ERROR,
    Level.WARN: EventType.WARN,
    Level.INFO: EventType.INFO,
    Level.DEBUG: EventType.DEBUG,
    Level.FINE: EventType.FINE,
    Level.FINER: EventType.FINER,
    Level.FINEST: EventType.FINEST,
}
_FAILED_FRAME_REACH = 64


class Appended(msgspec.Struct, frozen=True):
    """What a batch brought: rows from `first_row` up to but without `end_row`, and whether counters moved."""

    first_row: int
    end_row: int
    limits_changed: bool


class Failure(msgspec.Struct, frozen=True):
    """The exception that ended the run, with the row that says so and the line that caused it."""

    row: int
    type_name: str
    message: str
    path: str
    line: int


class LogStore:
    """One run. Appended in order by one thread; rows and frames already there never move.

    Times are nanoseconds since the run's start without the time that it was paused in the debugger, so that a
    long look at a variable does not stretch the timeline.

    Attributes:
        rows, frames: the columns.
        limits: every counter as it is now, name to (used, maximum).
        last_ns: time of the newest event, of those without a row too.
        paused_row: the row of the pause the run is in, None while it runs.
        failure: how it failed, None so far.
        exceptions: rows of exceptions, for the flags of the timeline.
        is_finished: whether the last event has come.
    """

    def __init__(self, title: str = "", limits: Sequence[LimitUse] = ()) -> None:
        self.title = title
        self.rows = EventRows()
        self.frames = FlameFrames()
        self.limits: dict[LimitName, tuple[int, int]] = {use.name: (use.used, use.maximum) for use in limits}
        self.last_ns = 0
        self.paused_row: int | None = None
        self.failure: Failure | None = None
        self.exceptions: list[int] = []
        self.is_finished = False
        self._paused_ns = 0
        self._handlers: dict[type, Callable[[Any, int], object]] = {
            ev.UserInfo: lambda event, ns: self._plain(event, ns, EventType.USER_INFO, event.user_name),
            ev.ExecutionStarted: lambda event, ns: self._plain(event, ns, EventType.EXECUTION_STARTED),
            ev.ExecutionFinished: self._on_execution_finished,
            ev.CodeUnitStarted: self._on_unit_started,
            ev.CodeUnitFinished: self._on_unit_finished,
            ev.MethodEntry: self._on_method_entry,
            ev.MethodExit: self._on_method_exit,
            ev.StatementExecute: lambda event, ns: self._plain(event, ns, EventType.STATEMENT),
            ev.VariableAssignment: lambda event, ns: self._plain(
                event, ns, EventType.VARIABLE, f"{event.name} = {event.value}"
            ),
            ev.HeapAllocate: lambda event, ns: self._plain(
                event, ns, EventType.HEAP, format_size(event.size_bytes)
            ),
            ev.UserDebug: self._on_debug,
            ev.SoqlBegin: lambda event, ns: self._on_query_begin(event, ns, EventType.QUERY_BEGIN),
            ev.SoqlExplain: lambda event, ns: self._plain(event, ns, EventType.QUERY_PLAN, event.plan),
            ev.SoqlEnd: lambda event, ns: self._on_query_end(event, ns, EventType.QUERY_END),
            ev.SoslBegin: lambda event, ns: self._on_query_begin(event, ns, EventType.SEARCH_BEGIN),
            ev.SoslEnd: lambda event, ns: self._on_query_end(event, ns, EventType.SEARCH_END),
            ev.DmlBegin: self._on_dml_begin,
            ev.DmlEnd: self._on_dml_end,
            ev.SavepointSet: lambda event, ns: self._plain(event, ns, EventType.SAVEPOINT, event.name),
            ev.SavepointRollback: lambda event, ns: self._plain(event, ns, EventType.ROLLBACK, event.name),
            ev.SavepointRelease: lambda event, ns: self._plain(event, ns, EventType.RELEASE, event.name),
            ev.SavepointReset: lambda event, ns: self._plain(event, ns, EventType.RESET),
            ev.LocksReleased: lambda event, ns: self._plain(event, ns, EventType.LOCKS_RELEASED),
            ev.CalloutRequest: self._on_callout_request,
            ev.CalloutResponse: self._on_callout_response,
            ev.ValidationRule: lambda event, ns: self._plain(event, ns, EventType.VALIDATION, event.rule),
            ev.ValidationFormula: lambda event, ns: self._plain(event, ns, EventType.FORMULA, event.formula),
            ev.ValidationPass: lambda event, ns: self._plain(event, ns, EventType.VALIDATION_PASS),
            ev.ValidationFail: lambda event, ns: self._plain(event, ns, EventType.VALIDATION_FAIL),
            ev.ExceptionThrown: self._on_exception,
            ev.FatalError: self._on_fatal_error,
            ev.LimitUsageForNamespace: self._on_limit_usage,
            ev.LimitChanged: self._on_limit_changed,
            ev.LimitWarning: self._on_limit_warning,
            ev.Paused: self._on_paused,
            ev.Resumed: self._on_resumed,
        }

    def append(self, events: Sequence[ev.LogEvent]) -> Appended:
        """Add the next events of the run, in the order of their `seq`."""
        first_row = len(self.rows)
        before = self.limits
        for event in events:
            if self.paused_row is None:
                self.last_ns = max(event.ns - self._paused_ns, self.last_ns)
            ns = self.last_ns
            self._handlers[type(event)](event, ns)
        return Appended(first_row, len(self.rows), self.limits is not before)

    def finish(self, limits: Mapping[LimitName, tuple[int, int]]) -> None:
        """The run has ended with these counters; what is still open ends with its last event."""
        self.limits = {**self.limits, **limits}
        self.frames.end_all(self.last_ns)
        self.paused_row = None
        self.is_finished = True

    def bar_of(self, row: int) -> int:
        """The frame that a row belongs to: its own, or the one it happened in; NO_FRAME for none."""
        return self.rows.frame[row]

    def row_of(self, frame: int) -> int:
        """The row that stands for a frame: the one that closed it, else the one that opened it."""
        end_row = self.frames.end_row[frame]
        return end_row if end_row >= 0 else self.frames.begin_row[frame]

    def last_row_of(self, name: LimitName) -> int | None:
        """The newest row that shows a counter, None where there is none."""
        number = COUNTERS.index(name) + 1
        counters = self.rows.counter
        return next((row for row in range(len(counters) - 1, -1, -1) if counters[row] == number), None)

    def is_open_at_pause(self, frame: int) -> bool:
        """Whether the run is paused and stands in this frame itself."""
        return self.paused_row is not None and frame == self.frames.innermost

    # ---------------------------------------------------------------------------------------- rows and frames

    def _plain(self, event: ev.LogEvent, ns: int, kind: EventType, detail: str = "") -> int:
        return self.rows.append(ns, kind, event.path, event.line, detail, self.frames.innermost)

    def _begin(
        self, event: ev.LogEvent, ns: int, kind: EventType, title: str, hint: str, detail: str, rows: int = 0
    ) -> None:
        row = len(self.rows)
        frame = self.frames.begin(ns, FACTS_BY_NUMBER[kind].kind, title, hint, row, rows)
        self.rows.append(ns, kind, event.path, event.line, detail, frame)
        self._note_counter(row, kind)

    def _end(self, event: ev.LogEvent, ns: int, kind: EventType, frame: int, detail: str) -> None:
        """A row for the end of `frame` with its duration; a row alone where nothing fits (NO_FRAME)."""
        row = len(self.rows)
        if frame == NO_FRAME:
            self.rows.append(ns, kind, event.path, event.line, detail, self.frames.innermost)
            return
        begin_row = self.frames.begin_row[frame]
        path, line = event.path, event.line
        if not path:
            path, line = self.rows.path(begin_row), self.rows.line[begin_row]
        self.rows.append(ns, kind, path, line, detail, frame)
        self.rows.duration_ns[row] = self.rows.duration_ns[begin_row] = ns - self.rows.time_ns[begin_row]
        self.frames.end(frame, ns, row)
        self._note_counter(row, kind)

    def _begun(self, frame: int) -> str:
        """The text that a frame was opened with."""
        return "" if frame == NO_FRAME else self.rows.detail[self.frames.begin_row[frame]]

    def _open_of_kind(self, kind: Kind) -> int:
        kinds = self.frames.kind
        return next((frame for frame in reversed(self.frames.stack) if kinds[frame] == kind), NO_FRAME)

    def _open_with_detail(self, detail: str, type_number: EventType) -> int:
        """The innermost open frame that was opened with this text."""
        rows, frames = self.rows, self.frames
        for frame in reversed(frames.stack):
            begin_row = frames.begin_row[frame]
            if rows.event[begin_row] == type_number and rows.detail[begin_row].startswith(detail):
                return frame
        return NO_FRAME

    def _note_counter(self, row: int, kind: EventType) -> None:
        name = FACTS_BY_NUMBER[kind].counter
        if name is not None and name in self.limits:
            self.rows.set_counter(row, name, *self.limits[name])

    # ---------------------------------------------------------------------------------------- events

    def _on_execution_finished(self, event: ev.ExecutionFinished, ns: int) -> None:
        self.frames.end_all(ns)
        self._plain(event, ns, EventType.EXECUTION_FINISHED)

    def _on_unit_started(self, event: ev.CodeUnitStarted, ns: int) -> None:
        hint = unit_hint(event.name, event.rows)
        self._begin(event, ns, EventType.UNIT_BEGIN, unit_title(event.name), hint, event.name, event.rows)

    def _on_unit_finished(self, event: ev.CodeUnitFinished, ns: int) -> None:
        frame = self._open_with_detail(event.name, EventType.UNIT_BEGIN)
        self._end(event, ns, EventType.UNIT_END, frame, event.name)

    def _on_method_entry(self, event: ev.MethodEntry, ns: int) -> None:
        title = method_title(event.signature)
        self._begin(event, ns, EventType.METHOD_ENTRY, title, "", event.signature)

    def _on_method_exit(self, event: ev.MethodExit, ns: int) -> None:
        frame = self._open_with_detail(event.signature, EventType.METHOD_ENTRY)
        self._end(event, ns, EventType.METHOD_EXIT, frame, event.signature)

    def _on_debug(self, event: ev.UserDebug, ns: int) -> None:
        kind = _DEBUG_TYPES.get(event.level, EventType.DEBUG)
        self._plain(event, ns, kind, debug_text(event.text, event.data))

    def _on_query_begin(self, event: ev.SoqlBegin | ev.SoslBegin, ns: int, kind: EventType) -> None:
        self._begin(event, ns, kind, query_title(event.query), event.query, event.query)

    def _on_query_end(self, event: ev.SoqlEnd | ev.SoslEnd, ns: int, kind: EventType) -> None:
        frame = self._open_of_kind(Kind.QUERY)
        if frame != NO_FRAME:
            self.frames.rows[frame] = event.rows
        self._end(event, ns, kind, frame, f"{counted(event.rows, 'row')}   {self._begun(frame)}")

    def _on_dml_begin(self, event: ev.DmlBegin, ns: int) -> None:
        title = f"{event.operation.lower()} {event.object_name}"
        hint = counted(event.rows, "row")
        self._begin(event, ns, EventType.DML_BEGIN, title, hint, f"{title}   {hint}", event.rows)

    def _on_dml_end(self, event: ev.DmlEnd, ns: int) -> None:
        frame = self._open_of_kind(Kind.DML)
        self._end(event, ns, EventType.DML_END, frame, self._begun(frame))

    def _on_callout_request(self, event: ev.CalloutRequest, ns: int) -> None:
        title = callout_title(event.endpoint)
        text = f"{event.method} {event.endpoint}"
        self._begin(event, ns, EventType.CALLOUT_BEGIN, title, text, text)

    def _on_callout_response(self, event: ev.CalloutResponse, ns: int) -> None:
        size = format_size(event.size_bytes) if event.size_bytes else ""
        result = "   ".join(filter(None, (f"{event.status_code} {event.status}".strip(), size)))
        frame = self._open_of_kind(Kind.CALLOUT)
        self._end(event, ns, EventType.CALLOUT_END, frame, f"{short_callout(self._begun(frame))}   {result}")

    def _on_exception(self, event: ev.ExceptionThrown, ns: int) -> None:
        self._mark_failed(event.path)
        row = self._plain(event, ns, EventType.EXCEPTION, f"{event.type_name}: {event.message}")
        self.exceptions.append(row)

    def _on_fatal_error(self, event: ev.FatalError, ns: int) -> None:
        self._mark_failed(event.path)
        row = self._plain(event, ns, EventType.FATAL_ERROR, f"{event.type_name}: {event.message}")
        self.exceptions.append(row)
        self.failure = Failure(row, event.type_name, event.message, event.path, event.line)

    def _mark_failed(self, path: str) -> None:
        """The bar in which it happened: the newest one of that file, else the innermost open one.

        An exception is told after the frames it left have ended, so they are looked for backwards.
        """
        frames = self.frames
        for frame in range(len(frames) - 1, max(-1, len(frames) - 1 - _FAILED_FRAME_REACH), -1):
            if path and self.rows.path(frames.begin_row[frame]) == path:
                frames.failed.add(frame)
                return
        if frames.innermost != NO_FRAME:
            frames.failed.add(frames.innermost)

    def _on_limit_usage(self, event: ev.LimitUsageForNamespace, ns: int) -> None:
        self._take_limits(event.limits)
        used = [f"{title_of(use.name).lower()} {use.used}" for use in event.limits if use.used]
        self._plain(event, ns, EventType.LIMIT_USAGE, f"{event.namespace}   {', '.join(used)}")

    def _on_limit_changed(self, event: ev.LimitChanged, _ns: int) -> None:
        self._take_limits(event.limits)

    def _on_limit_warning(self, event: ev.LimitWarning, ns: int) -> None:
        use = event.limit
        share = percent(use.used, use.maximum)
        text = f"{title_of(use.name)} at {share} %. {advice_for(use.name)}"
        row = self._plain(event, ns, EventType.LIMIT_WARNING, text)
        self.rows.set_counter(row, use.name, use.used, use.maximum)

    def _take_limits(self, uses: Sequence[LimitUse]) -> None:
        self.limits = {**self.limits, **{use.name: (use.used, use.maximum) for use in uses}}

    def _on_paused(self, event: ev.Paused, ns: int) -> None:
        # Where it is told by the row's source: the last calls may still be on their way.
        self.paused_row = self._plain(event, ns, EventType.PAUSED, event.reason.capitalize())

    def _on_resumed(self, event: ev.Resumed, ns: int) -> None:
        # The pause takes no time on the timeline: it goes on where it stood still.
        self._paused_ns += event.paused_ns
        self.paused_row = None
        self._plain(event, ns, EventType.RESUMED, f"after {format_duration(event.paused_ns)}")
