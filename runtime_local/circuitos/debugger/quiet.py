"""Tracing while only breakpoints can stop the script: all else is let go at once.

It is where no slots can be used, and must cost as little as a trace function can. Each look at `frame.f_code`, and
each call of `id`, is told to the worker's audit hooks, which costs more than all that is done here. So what a call
is traced with is kept by the line that it begins or goes on at, and its globals.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Protocol

from circuitos.debugger import code_facts
from circuitos.debugger.breakpoints import Breakpoints
from circuitos.debugger.user_code import UserCode

LocalTrace = Callable[[types.FrameType, str, Any], Any]


class TakeLine(Protocol):
    """Told of the lines that have a breakpoint, and of the first one in a function that has."""

    def __call__(self, frame: types.FrameType, *, is_entry: bool) -> None: ...


class QuietTracing:
    """`calls` is for `sys.settrace`. `forget` what is known when breakpoints have changed."""

    def __init__(self, breakpoints: Breakpoints, user: UserCode, take_line: TakeLine) -> None:
        self._breakpoints = breakpoints
        self._user = user
        self._take_line = take_line
        self._by_line: dict[int, tuple[tuple[dict[str, Any], LocalTrace | None], ...]] = {}
        self._by_path: dict[str, LocalTrace | None] = {}

    def forget(self) -> None:
        self._by_line.clear()
        self._by_path.clear()

    def calls(self, frame: types.FrameType, event: str, argument: Any) -> LocalTrace | None:
        names, line = frame.f_globals, frame.f_lineno
        for known, trace in self._by_line.get(line, ()):
            if known is names:
                return trace
        code = frame.f_code
        if not self._user.holds(code):
            return None
        if self._breakpoints.has_functions:
            is_entered = self._breakpoints.at_function(code) and code_facts.is_at_entry(frame)
            return self._entry if is_entered else self.lines(code.co_filename)
        together = self._user.codes_at(code.co_filename, line)
        trace = self._lines_of(code, together)
        if any(code is one for one in together):
            self._by_line[line] = (*self._by_line.get(line, ()), (names, trace))
        return trace

    def lines(self, path: str) -> LocalTrace | None:
        """What a frame of this file is traced with; None if it has no breakpoints."""
        if path not in self._by_path:
            points = self._breakpoints.in_file(path)
            self._by_path[path] = self._at(points) if points else None
        return self._by_path[path]

    def _lines_of(self, code: types.CodeType, together: tuple[types.CodeType, ...]) -> LocalTrace | None:
        points = self._breakpoints.in_file(code.co_filename)
        has_points = points and any(not code_facts.lines(one).isdisjoint(points) for one in (code, *together))
        return self.lines(code.co_filename) if has_points else None

    def _at(self, points: dict[int, Any]) -> LocalTrace:
        take_line = self._take_line

        def trace(frame: types.FrameType, event: str, argument: Any) -> Any:
            if event == "line" and frame.f_lineno in points:
                take_line(frame, is_entry=False)
            # At a stop the frame may have been given another trace function.
            return frame.f_trace

        return trace

    def _entry(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        """The first line of a call."""
        if event != "line":
            return self._entry
        frame.f_trace = self.lines(frame.f_code.co_filename)
        self._take_line(frame, is_entry=True)
        return frame.f_trace
