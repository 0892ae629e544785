"""The debugger's engine on `sys.settrace`: decides at each line whether the script stops there.

The trace function is installed only while something can stop the script: a breakpoint, a step, a filter for
exceptions. Where that changes while the script runs, a signal makes its thread install it (`wake`).
"""

from __future__ import annotations

import dis
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

from circuit_link.debug_wire import StepKind
from circuitos.debugger.breakpoints import Breakpoints
from circuitos.debugger.evaluation import evaluate

# Stops the script until it is to go on: reason, frame, text, ids of the breakpoints hit.
OnStop = Callable[[str, types.FrameType, str, tuple[int, ...]], None]
OnLog = Callable[[str, str, int, bool], None]
_LocalTrace = Callable[[types.FrameType, str, Any], Any]

_WAKE_SIGNAL = signal.SIGUSR1
_QUIET_EXCEPTIONS = (StopIteration, StopAsyncIteration, GeneratorExit)


class Engine:
    """Traces one thread, the script's. `arm`, `pause` and the breakpoints are for the listener's thread.

    Attributes:
        stops_on_raised, stops_on_uncaught: the exception filters.
        exception: what was raised at the current stop, else None.
    """

    def __init__(self, breakpoints: Breakpoints, on_stop: OnStop, on_log: OnLog) -> None:
        self._breakpoints = breakpoints
        self._on_stop = on_stop
        self._on_log = on_log
        self._paths: frozenset[str] = frozenset()
        self._thread_id = 0
        self._is_running = False
        self._wants_pause = False
        self._step: StepKind | None = None
        self._step_frame: types.FrameType | None = None
        self._step_callers: set[types.FrameType] = set()
        self._reported: BaseException | None = None
        self.stops_on_raised = False
        self.stops_on_uncaught = False
        self.exception: BaseException | None = None

    def begin(self, paths: frozenset[str], *, stop_on_entry: bool) -> None:
        """The script's thread is about to run the user's code in `paths`."""
        self._paths = paths
        self._thread_id = threading.get_ident()
        self._is_running = True
        signal.signal(_WAKE_SIGNAL, lambda _number, frame: self._install(frame))
        if stop_on_entry:
            self._step = "into"
        self._install(None)

    def end(self) -> None:
        """The user's code has ended; an exception on its way out is shown where it was raised."""
        self._is_running = False
        sys.settrace(None)
        leaving = sys.exc_info()[1]
        is_new = leaving is not None and leaving is not self._reported and not isinstance(leaving, SystemExit)
        if is_new and self.stops_on_uncaught and leaving is not None:
            frame = self._innermost_user_frame(leaving.__traceback__)
            if frame is not None:
                self._stop_for_exception(frame, leaving)

    def wake(self) -> None:
        """Any thread: let the script's thread look at what has changed, also within a long loop."""
        if self._is_running:
            signal.pthread_kill(self._thread_id, _WAKE_SIGNAL)

    def pause(self) -> None:
        """Any thread: stop at the next line."""
        self._wants_pause = True
        self.wake()

    def resume(self, step: StepKind | None, frame: types.FrameType) -> None:
        """The script's thread, at a stop: how to go on from `frame`."""
        self.exception = None
        self._step = step
        self._step_frame = frame
        self._step_callers = set(self._user_frames(frame.f_back))
        self._install(frame)

    # ------------------------------------------------------------------------------------- tracing

    @property
    def _is_needed(self) -> bool:
        return (
            self._step is not None
            or self._wants_pause
            or self.stops_on_raised
            or self.stops_on_uncaught
            or not self._breakpoints.is_empty
        )

    def _install(self, frame: types.FrameType | None) -> None:
        """Begin or end to trace; frames that run already are given their trace functions."""
        if not self._is_running:
            return
        if not self._is_needed:
            sys.settrace(None)
            return
        for running in self._user_frames(frame):
            running.f_trace = self._trace_lines
            running.f_trace_lines = True
        sys.settrace(self._trace_calls)

    def _user_frames(self, frame: types.FrameType | None) -> Iterator[types.FrameType]:
        while frame is not None:
            if frame.f_code.co_filename in self._paths:
                yield frame
            frame = frame.f_back

    def _trace_calls(self, frame: types.FrameType, event: str, argument: Any) -> _LocalTrace | None:
        code = frame.f_code
        if code.co_filename not in self._paths:
            return None
        if self._breakpoints.functions and code.co_qualname in self._breakpoints.functions:
            self._step, self._step_frame = "into", frame
        wants_lines = self._step == "into" or self._wants_pause or _holds_breakpoint(code, self._breakpoints)
        if not wants_lines:
            if not (self.stops_on_raised or self.stops_on_uncaught):
                return None
            frame.f_trace_lines = False
        return self._trace_lines

    def _trace_lines(self, frame: types.FrameType, event: str, argument: Any) -> _LocalTrace | None:
        if event == "line":
            self._at_line(frame)
        elif event == "exception" and (self.stops_on_raised or self.stops_on_uncaught):
            self._at_exception(frame, argument)
        return self._trace_lines

    def _at_line(self, frame: types.FrameType) -> None:
        path, line = frame.f_code.co_filename, frame.f_lineno
        passing = self._breakpoints.passing(path, line, lambda text: evaluate(text, frame))
        hit: tuple[int, ...] = ()
        if passing is not None:
            for text in passing.logged:
                self._on_log(text, path, line, False)
            for text in passing.errors:
                self._on_log(text, path, line, True)
            hit = passing.stopping
        if hit:
            self._stop("breakpoint", frame, "", hit)
        elif self._wants_pause:
            self._stop("pause", frame, "", ())
        elif self._ends_step(frame):
            self._stop("entry" if self._step_frame is None else "step", frame, "", ())

    def _ends_step(self, frame: types.FrameType) -> bool:
        match self._step:
            case None:
                return False
            case "into":
                return True
            case "over":
                return frame is self._step_frame or frame in self._step_callers
            case _:
                return frame in self._step_callers

    def _at_exception(self, frame: types.FrameType, argument: Any) -> None:
        """Stop where an exception is raised: in any case, or only where nothing up the stack handles it."""
        _kind, error, trace = argument
        is_origin = trace is None or trace.tb_next is None
        if not is_origin or isinstance(error, _QUIET_EXCEPTIONS) or error is self._reported:
            return
        if self.stops_on_raised or (self.stops_on_uncaught and self._is_uncaught(frame)):
            self._stop_for_exception(frame, error)

    def _stop_for_exception(self, frame: types.FrameType, error: BaseException) -> None:
        self._reported = error
        self.exception = error
        self._stop("exception", frame, f"{type(error).__name__}: {error}", ())

    def _is_uncaught(self, frame: types.FrameType) -> bool:
        """Whether no user frame up to the runtime's next one could handle an exception raised here."""
        current: types.FrameType | None = frame
        while current is not None and current.f_code.co_filename in self._paths:
            if _is_protected(current):
                return False
            current = current.f_back
        return True

    def _stop(self, reason: str, frame: types.FrameType, text: str, hit: tuple[int, ...]) -> None:
        self._step = None
        self._wants_pause = False
        self._on_stop(reason, frame, text, hit)

    def _innermost_user_frame(self, trace: types.TracebackType | None) -> types.FrameType | None:
        found = None
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self._paths:
                found = trace.tb_frame
            trace = trace.tb_next
        return found


# Code objects compare by their contents, so caches are keyed by identity; the value keeps the object alive.
_LINES: dict[int, tuple[types.CodeType, frozenset[int]]] = {}
_PROTECTED: dict[int, tuple[types.CodeType, tuple[tuple[int, int], ...]]] = {}


def _holds_breakpoint(code: types.CodeType, breakpoints: Breakpoints) -> bool:
    lines = breakpoints.in_file(code.co_filename)
    if not lines:
        return False
    known = _LINES.get(id(code))
    if known is None:
        known = (code, frozenset(line for _start, _end, line in code.co_lines() if line is not None))
        _LINES[id(code)] = known
    return not known[1].isdisjoint(lines)


def _is_protected(frame: types.FrameType) -> bool:
    """Whether a handler covers the instruction that a frame is at."""
    code = frame.f_code
    known = _PROTECTED.get(id(code))
    if known is None:
        entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]  # typeshed lacks it
        known = (code, tuple((entry.start, entry.end) for entry in entries if not entry.lasti))
        _PROTECTED[id(code)] = known
    return any(start <= frame.f_lasti < end for start, end in known[1])
