"""Which code is the developer's own: what the debugger stops in and shows."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path

from circuit_link import wire
from circuitos.debugger import code_facts

_OUR_FOLDERS = tuple(f"{folder}/" for folder in (Path(__file__).parents[1], Path(wire.__file__).parent))


class UserCode:
    """The script's files; all but the runtime's where `just_my_code` is off."""

    def __init__(self, paths: frozenset[str], *, just_my_code: bool = True) -> None:
        self.paths = paths
        self.just_my_code = just_my_code
        self._known: dict[str, bool] = {}
        self._codes_at: dict[tuple[str, int], tuple[types.CodeType, ...]] = {}

    def learn(self, code: types.CodeType) -> None:
        """Take note of a module of the script and of all code in it."""
        lines = code_facts.lines(code) if code.co_flags & code_facts.GENERATOR_FLAGS else ()
        for line in {code.co_firstlineno, *lines}:
            place = (code.co_filename, line)
            self._codes_at[place] = (*self._codes_at.get(place, ()), code)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.learn(constant)

    def codes_at(self, path: str, line: int) -> tuple[types.CodeType, ...]:
        """Which of the script's code may begin, or go on as a generator, at a line."""
        return self._codes_at.get((path, line), ())

    def holds(self, code: types.CodeType) -> bool:
        path = code.co_filename
        if self.just_my_code:
            return path in self.paths
        known = self._known.get(path)
        if known is None:
            known = path in self.paths or not path.startswith(("<", *_OUR_FOLDERS))
            self._known[path] = known
        return known

    def frames(self, frame: types.FrameType | None) -> Iterator[types.FrameType]:
        """Those of the frame and its callers that are the developer's, innermost first."""
        while frame is not None:
            if self.holds(frame.f_code):
                yield frame
            frame = frame.f_back

    def innermost(self, trace: types.TracebackType | None) -> types.FrameType | None:
        """The frame of the developer's in which an exception was raised, or called what raised it."""
        found = None
        while trace is not None:
            if self.holds(trace.tb_frame.f_code):
                found = trace.tb_frame
            trace = trace.tb_next
        return found
