"""Moments of a run that are kept without stopping it: checkpoints, and the last recorded statements."""

from __future__ import annotations

import itertools
import time
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from circuit_link.debug_wire import CapturedValue, Moment
from circuitos.debugger.objects import type_name
from circuitos.debugger.stack import function_name
from circuitos.debugger.texts import UNCHANGING, Line, Outline, apart, shown, size_bytes
from circuitos.debugger.user_code import UserCode
from circuitos.debugger.values import child_counts, children, is_shown

_MAX_VARIABLES = 100
_MAX_CHILDREN = 20
_CHECKPOINT_DEPTH = 2
_monotonic_ns = time.monotonic_ns


def checkpoint(frame: types.FrameType, line: int, user: UserCode, number: int) -> Moment:
    """The statement that a frame is at, with its variables and some levels of what they hold."""
    names = {name: value for name, value in frame.f_locals.items() if is_shown(name)}
    return Moment(
        path=frame.f_code.co_filename,
        line=line,
        function=function_name(frame.f_code),
        depth=_frames_below(frame, user),
        time_ns=_monotonic_ns(),
        checkpoint_id=number,
        variables=tuple(
            _captured(name, value, _CHECKPOINT_DEPTH)
            for name, value in itertools.islice(names.items(), _MAX_VARIABLES)
        ),
    )


def without_children(moment: Moment) -> Moment:
    """What is left of a moment that is too large to be sent: the variables' own lines."""
    variables = tuple(msgspec.structs.replace(variable, children=()) for variable in moment.variables)
    return msgspec.structs.replace(moment, variables=variables)


def _frames_below(frame: types.FrameType, user: UserCode) -> int:
    return sum(1 for _ in user.frames(frame.f_back))


def _captured(name: str, value: Any, depth: int) -> CapturedValue:
    inner: tuple[CapturedValue, ...] = ()
    if depth > 0 and any(child_counts(value)):
        page = children(value, "", 0, _MAX_CHILDREN)
        inner = tuple(_captured(child, item, depth - 1) for child, item, _suffix in page)
    return CapturedValue(
        name=name,
        value=shown(value),
        type=type_name(type(value)),
        size_bytes=size_bytes(value),
        children=inner,
    )


# What a statement's variables were, apart from what became of them.
_Kept = tuple[types.CodeType, int, int, int, dict[str, Any]]


class Recorder:
    """Keeps the last `limit` statements; hands over those that were not handed over yet.

    A statement costs a copy of its variables' names and what their lines need; the lines are made for those
    statements only that are handed over.
    """

    def __init__(self, limit: int, user: UserCode, send: Callable[[tuple[Moment, ...]], None]) -> None:
        self._user = user
        self._send = send
        self._kept: deque[_Kept] = deque(maxlen=limit)
        # Frame, code and depth of the statement before this, and of its callers as far as they were seen.
        self._places: list[tuple[types.FrameType, types.CodeType, int]] = []

    def record(self, frame: types.FrameType, line: int) -> None:
        """A statement is about to run."""
        values = dict(frame.f_locals)
        for name, value in values.items():
            kind = type(value)
            if type(kind) is not type or kind not in UNCHANGING:
                values[name] = apart(value)
        code, depth = self._place(frame)
        self._kept.append((code, line, depth, _monotonic_ns(), values))

    def hand_over(self, batch: int = 200) -> None:
        """Send what has been kept, oldest first."""
        self._places.clear()
        while self._kept:
            count = min(batch, len(self._kept))
            self._send(tuple(_moment_of(self._kept.popleft()) for _ in range(count)))

    def _place(self, frame: types.FrameType) -> tuple[types.CodeType, int]:
        """A frame's code, and the number of the script's frames below it.

        Looked up where a frame is first seen: to read `f_code` is audited, which takes longer in a worker than
        the rest of a statement's record.
        """
        places = self._places
        if not places or places[-1][0] is not frame:
            caller = frame.f_back
            while places and places[-1][0] is not frame and places[-1][0] is not caller:
                places.pop()
            if not places:
                places.append((frame, frame.f_code, _frames_below(frame, self._user)))
            elif places[-1][0] is not frame:
                places.append((frame, frame.f_code, places[-1][2] + 1))
        _frame, code, depth = places[-1]
        return code, depth


def _moment_of(kept: _Kept) -> Moment:
    code, line, depth, time_ns, values = kept
    names = itertools.islice(filter(is_shown, values), _MAX_VARIABLES)
    return Moment(
        path=code.co_filename,
        line=line,
        function=function_name(code),
        depth=depth,
        time_ns=time_ns,
        variables=tuple(_line_of(name, values[name]) for name in names),
    )


def _line_of(name: str, value: Any) -> CapturedValue:
    if type(value) is Outline or type(value) is Line:
        text = shown(value)
        return CapturedValue(name=name, value=text, type=type_name(value.kind), size_bytes=value.size_bytes)
    return _captured(name, value, 0)
