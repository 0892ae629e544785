"""The debugger's engine: decides at each statement whether the script stops there.

`sys.settrace` does the stepping, and is installed only while something needs it. Breakpoints are noticed by the
port `Arms`: slots in the script's code that cost nearly nothing until they are armed, or, where there are none,
the same tracing. What changes while the script runs is taken over by a signal in the script's thread (`wake`).
"""

from __future__ import annotations

import signal
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from circuit_link.debug_wire import StepKind
from circuitos.debugger import code_facts
from circuitos.debugger.breakpoints import NO_PASS, Breakpoints, Pass, Wanted, passing
from circuitos.debugger.evaluation import EffectGate
from circuitos.debugger.exceptions import ExceptionStops, Mode
from circuitos.debugger.quiet import LocalTrace, QuietTracing
from circuitos.debugger.user_code import UserCode

_WAKE_SIGNAL = signal.SIGUSR1
_get_ident = threading.get_ident
_settrace = sys.settrace


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and why the script stands still.

    Attributes:
        lines: line of each frame that has ended already, where an exception left it.
    """

    reason: str
    frame: types.FrameType
    text: str = ""
    hit: tuple[int, ...] = ()
    lines: dict[types.FrameType, int] | None = None

    def line(self, frame: types.FrameType) -> int:
        return (self.lines or {}).get(frame) or frame.f_lineno or 0

    @property
    def is_over(self) -> bool:
        """The frame has ended: it can be looked at, and no more."""
        return self.lines is not None


class Listener(Protocol):
    """Who is told what the engine finds, in the script's thread."""

    def stand_still(self, stop: Stop) -> None:
        """Return when the script is to go on; `Engine.resume` is called before."""
        ...

    def passed(self, found: Pass, frame: types.FrameType, line: int) -> None:
        """A logpoint or a checkpoint was passed, or a condition could not be evaluated."""
        ...


class PassedSlot(Protocol):
    """What a slot tells of the place it stands at; see `slots.Slot`."""

    @property
    def line(self) -> int: ...

    @property
    def is_entry(self) -> bool: ...

    @property
    def is_exit(self) -> bool: ...


class Arms(Protocol):
    """How breakpoints are noticed without tracing."""

    @property
    def are_usable(self) -> bool:
        """Whether all of the script's code can be armed."""
        ...

    def arm(self, wanted: Wanted, seen: types.FrameType | None) -> None:
        """From now on report these passes. The statement that `seen` is about to run was reported already."""
        ...

    def disarm(self) -> None: ...


class NoArms:
    """Breakpoints are noticed by tracing."""

    are_usable = False

    def arm(self, wanted: Wanted, seen: types.FrameType | None) -> None:
        raise AssertionError("there is nothing to arm")

    def disarm(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Step:
    """`frame` None steps into the first statement of all."""

    kind: StepKind
    frame: types.FrameType | None = None
    callers: frozenset[types.FrameType] = frozenset()
    target: str = ""

    @property
    def reason(self) -> str:
        return "entry" if self.frame is None else "step"

    def ends_at(self, frame: types.FrameType) -> bool:
        if self.kind == "into" and not self.target:
            return True
        if self.kind != "out" and frame is self.frame:
            return True
        return frame in self.callers


class Engine:
    """Debugs one thread, the script's. `wake`, `pause` and the breakpoints are for the listener's thread.

    Attributes:
        exceptions: the exception filters.
        record: called at each statement while statements are recorded; None while they are not.
    """

    def __init__(self, breakpoints: Breakpoints, listener: Listener) -> None:
        self._breakpoints = breakpoints
        self._listener = listener
        self._user = UserCode(frozenset())
        self._quiet: QuietTracing
        self._arms: Arms = NoArms()
        self._gate: EffectGate
        self._thread_id = 0
        self._is_running = False
        self._is_updating = False
        self._has_changed = False
        self._wants_pause = False
        # Nothing but breakpoints can stop the script.
        self._is_quiet = False
        self._step: _Step | None = None
        self._landing: Stop | None = None
        self._leaving: types.FrameType | None = None
        self._last_opcode: tuple[types.FrameType, int] | None = None
        # It is in a line event, or stopped in one: its statement has still to run.
        self._about_to_run: types.FrameType | None = None
        self.exceptions = ExceptionStops()
        self.record: Callable[[types.FrameType, int], None] | None = None

    def begin(self, user: UserCode, arms: Arms, gate: EffectGate, *, stop_on_entry: bool) -> None:
        """The script's thread is about to run the user's code."""
        self._user = user
        self._quiet = QuietTracing(self._breakpoints, user, self._take_line)
        self._arms = arms
        self._gate = gate
        self._thread_id = _get_ident()
        signal.signal(_WAKE_SIGNAL, lambda _number, frame: self._update(frame))
        self._is_running = True
        if stop_on_entry:
            self._step = _Step("into")
        self._update(None)

    def end(self) -> None:
        """The user's code has ended."""
        self._is_running = False
        _settrace(None)
        self._arms.disarm()

    def uncaught(self, error: BaseException) -> None:
        """An exception ends the script, a trigger or a test: show it where it was raised."""
        if not (self._is_running and self.exceptions.stops_uncaught(error)):
            return
        frame = self._user.innermost(error.__traceback__)
        if frame is not None:
            _settrace(None)
            self._arms.disarm()
            lines = code_facts.raised_lines(error.__traceback__)
            self._stop(Stop("exception", frame, self.exceptions.describe(error, "unhandled"), lines=lines))

    def wake(self) -> None:
        """Any thread: let the script's thread look at what has changed, also within a long loop."""
        if self._is_running:
            signal.pthread_kill(self._thread_id, _WAKE_SIGNAL)

    def pause(self) -> None:
        """Any thread: stop at the next statement."""
        self._wants_pause = True
        self.wake()

    def resume(self, frame: types.FrameType, step: StepKind | None, target: str = "") -> None:
        """The script's thread, at a stop: how to go on from `frame`."""
        self.exceptions.shown = None
        if step is not None:
            self._step = _Step(step, frame, frozenset(self._user.frames(frame.f_back)), target)
        self._update(frame)

    # ------------------------------------------------------------------------------------- tracing or slots

    def _update(self, frame: types.FrameType | None) -> None:
        """Take over what has changed. May be interrupted by itself, as a signal's handler."""
        self._has_changed = True
        if self._is_updating:
            return
        self._is_updating = True
        try:
            while self._has_changed and self._is_running:
                self._has_changed = False
                self._choose(frame)
        finally:
            self._is_updating = False

    def _choose(self, frame: types.FrameType | None) -> None:
        self._quiet.forget()
        self._is_quiet = not (
            self._step is not None or self._wants_pause or self.record is not None or self.exceptions.need_tracing
        )
        if self._needs_tracing:
            self._trace(frame)
        elif self._arms.are_usable:
            _settrace(None)
            self._arms.arm(Wanted(self._breakpoints, everywhere=self.record is not None), self._about_to_run)
        else:
            _settrace(None)

    @property
    def _needs_tracing(self) -> bool:
        if self._step is not None or self._wants_pause or self.exceptions.need_tracing:
            return True
        if not self._arms.are_usable:
            return self.record is not None or not self._breakpoints.is_empty
        return self._has_foreign_breakpoints

    @property
    def _has_foreign_breakpoints(self) -> bool:
        """Whether a breakpoint is in code that was not loaded with slots."""
        return any(path not in self._user.paths for path in self._breakpoints.paths)

    def _trace(self, frame: types.FrameType | None) -> None:
        """Trace from the next statement on; frames that run already are given their trace functions."""
        self._arms.disarm()
        is_quiet = self._is_quiet and self._landing is None
        for running in self._user.frames(frame):
            running.f_trace = self._quiet.lines(running.f_code.co_filename) if is_quiet else self._trace_lines
            running.f_trace_lines = True
            running.f_trace_opcodes = self._wants_pause
        _settrace(self._quiet.calls if is_quiet else self._trace_calls)

    def _leave_to_slots(self, step: _Step) -> None:
        """Stop tracing within a call that a step passes over; slots tell when it comes back."""
        frames = step.callers if step.frame is None else {step.frame, *step.callers}
        codes = tuple(frame.f_code for frame in frames)
        _settrace(None)
        everywhere = self.record is not None or step.kind == "into"
        self._arms.arm(Wanted(self._breakpoints, codes, everywhere), None)

    # ------------------------------------------------------------------------------------- seen by slots

    def at_slot(self, frame: types.FrameType, code: types.CodeType, slot: PassedSlot) -> None:
        """An armed slot is about to let a statement run, or a function return."""
        if not self._is_running or _get_ident() != self._thread_id:
            return
        if slot.is_exit:
            self._at_exit(frame)
            return
        found = self._pass(frame, code, slot.line, is_entry=slot.is_entry)
        step = self._step
        if found is not None:
            self._landing = found
        elif step is not None and step.ends_at(frame):
            self._landing = Stop(step.reason, frame)
        if self._landing is not None:
            # Only in a line event can the next statement be set: one follows at once.
            self._trace(frame)

    def _at_exit(self, frame: types.FrameType) -> None:
        """The frame that a step began in returns: tracing sees where to."""
        if self._step is not None and self._step.frame is frame:
            self._leaving = frame
            self._trace(frame)

    def _pass(self, frame: types.FrameType, code: types.CodeType, line: int, *, is_entry: bool) -> Stop | None:
        """Take note of a statement; the stop that a breakpoint on it asks for."""
        if self.record is not None:
            self.record(frame, line)
        found = NO_PASS
        points = self._breakpoints.in_file(code.co_filename).get(line)
        if points:
            found = self._told(passing(points, frame, self._gate), frame, line)
        if is_entry and self._breakpoints.has_functions and (points := self._breakpoints.at_function(code)):
            entered = self._told(passing(points, frame, self._gate), frame, line)
            if entered.stopping:
                return Stop("function breakpoint", frame, hit=(*entered.stopping, *found.stopping))
        return Stop("breakpoint", frame, hit=found.stopping) if found.stopping else None

    def _told(self, found: Pass, frame: types.FrameType, line: int) -> Pass:
        if found.logged or found.errors or found.captured:
            self._listener.passed(found, frame, line)
        return found

    # ------------------------------------------------------------------------------------- seen by tracing

    def _trace_calls(self, frame: types.FrameType, event: str, argument: Any) -> LocalTrace | None:
        if not self._user.holds(frame.f_code):
            self._pass_over()
            return None
        is_entry = code_facts.is_at_entry(frame)
        if self._wants_lines(frame, is_entry):
            return self._trace_entry if is_entry else self._trace_lines
        if self.exceptions.need_tracing:
            frame.f_trace_lines = False
            return self._trace_lines
        self._pass_over()
        return None

    def _pass_over(self) -> None:
        """A call that is not stopped in begins: if only a step is traced for, slots can wait for its end."""
        step = self._step
        needs_tracing = self._wants_pause or self.exceptions.need_tracing or self._has_foreign_breakpoints
        if step is None or step.target or needs_tracing or not self._arms.are_usable:
            return
        if step.frame is None or step.frame.f_code.co_filename in self._user.paths:
            self._leave_to_slots(step)

    def _wants_lines(self, frame: types.FrameType, is_entry: bool) -> bool:
        step = self._step
        if step is not None and step.kind == "into" and self._enters_target(step, frame):
            return True
        if step is not None and frame is step.frame:
            return True
        if self._wants_pause or self.record is not None:
            return True
        code = frame.f_code
        lines = self._breakpoints.in_file(code.co_filename)
        if lines and not code_facts.lines(code).isdisjoint(lines):
            return True
        return is_entry and bool(self._breakpoints.at_function(code))

    def _enters_target(self, step: _Step, frame: types.FrameType) -> bool:
        """Whether a step into ends in this call; one with a target has only to enter that."""
        if not step.target:
            return True
        caller = next(self._user.frames(frame.f_back), None)
        if caller is not step.frame or not code_facts.is_named(frame.f_code, step.target):
            return False
        self._step = _Step("into", step.frame)
        return True

    def _trace_entry(self, frame: types.FrameType, event: str, argument: Any) -> LocalTrace | None:
        """The first line of a call, which function breakpoints stop at."""
        if event == "line":
            frame.f_trace = self._trace_lines
            self._take_line(frame, is_entry=True)
            return frame.f_trace
        return self._trace_lines(frame, event, argument)

    def _trace_lines(self, frame: types.FrameType, event: str, argument: Any) -> LocalTrace | None:
        if event == "line":
            self._take_line(frame, is_entry=False)
        elif event == "exception":
            if self.exceptions.stops_raised(frame, argument[1]):
                self._stop_for(frame, argument[1], "always")
        elif event == "return":
            self._at_return(frame)
        elif event == "opcode":
            self._at_opcode(frame)
        # At a stop the frame may have been given another trace function.
        return frame.f_trace

    def _take_line(self, frame: types.FrameType, *, is_entry: bool) -> None:
        self._about_to_run = frame
        try:
            self._at_line(frame, is_entry)
        finally:
            self._about_to_run = None

    def _at_line(self, frame: types.FrameType, is_entry: bool) -> None:
        landing = self._landing
        if landing is not None and landing.frame is frame:
            self._landing = None
            self._stop(landing)
            return
        if frame is self._leaving:
            return  # the slot that it returns through has no line of its own, so that its last line comes again
        found = self._pass(frame, frame.f_code, frame.f_lineno, is_entry=is_entry)
        if found is not None:
            self._stop(found)
        elif self._wants_pause:
            self._stop(Stop("pause", frame))
        elif (step := self._step) is not None and step.ends_at(frame):
            self._stop(Stop(step.reason, frame))

    def _at_opcode(self, frame: types.FrameType) -> None:
        """A loop that is one jump to itself gives no line events: the same instruction comes again."""
        place = (frame, frame.f_lasti)
        if self._wants_pause and place == self._last_opcode:
            self._stop(Stop("pause", frame))
        self._last_opcode = place

    def _at_return(self, frame: types.FrameType) -> None:
        """A step that leaves its function ends in the caller, within the statement that made the call."""
        self._leaving = None
        caller = frame.f_back
        is_called_by_user = caller is not None and self._user.holds(caller.f_code)
        step = self._step
        if caller is not None and is_called_by_user and step is not None and step.frame is frame:
            if not step.target and code_facts.returns_to_caller(frame):
                self._stop(Stop("step", caller))
        elif self.exceptions.need_tracing and not is_called_by_user and not code_facts.returns(frame):
            self._at_unwinding(frame)

    def _at_unwinding(self, frame: types.FrameType) -> None:
        """Stop where an exception leaves the user's code for a library's or the runtime's."""
        error = self.exceptions.passing_through(frame)
        if error is not None and self.exceptions.stops_leaving(error):
            self._stop_for(frame, error, "userUnhandled")

    def _stop_for(self, frame: types.FrameType, error: BaseException, mode: Mode) -> None:
        self._stop(Stop("exception", frame, self.exceptions.describe(error, mode)))

    def _stop(self, stop: Stop) -> None:
        self._step = None
        self._wants_pause = False
        self._landing = None
        self._last_opcode = None
        self._listener.stand_still(stop)
