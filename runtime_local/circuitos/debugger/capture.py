"""Moments of a run that are kept without stopping it: checkpoints, and the last recorded statements."""

from __future__ import annotations

import itertools
import time
import types
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from circuit_link.debug_wire import CapturedValue, Moment
from circuitos.debugger.stack import function_name
from circuitos.debugger.user_code import UserCode
from circuitos.debugger.values import child_counts, children, is_shown, shown, size_bytes

_MAX_VARIABLES = 100
_MAX_CHILDREN = 20
_CHECKPOINT_DEPTH = 2
_UNCHANGING = frozenset(
    {type(None), bool, int, float, str, bytes, Decimal, types.FunctionType, types.ModuleType, type}
)
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
        type=type(value).__qualname__,
        size_bytes=size_bytes(value),
        children=inner,
    )


# (code, line, depth, time, names with their values): plain values as they are, since they cannot change.
_Kept = tuple[types.CodeType, int, int, int, list[tuple[str, Any]]]


class Recorder:
    """Keeps the last `limit` statements; hands over those that were not handed over yet."""

    def __init__(self, limit: int, user: UserCode, send: Callable[[tuple[Moment, ...]], None]) -> None:
        self._user = user
        self._send = send
        self._kept: deque[_Kept] = deque(maxlen=limit)
        self._last: tuple[types.FrameType, int] | None = None

    def record(self, frame: types.FrameType, line: int) -> None:
        """A statement is about to run."""
        values = [
            (name, value if type(value) in _UNCHANGING else _captured(name, value, 0))
            for name, value in frame.f_locals.items()
            if is_shown(name)
        ]
        self._kept.append((frame.f_code, line, self._depth(frame), _monotonic_ns(), values))

    def hand_over(self, batch: int = 200) -> None:
        """Send what has been kept, oldest first."""
        self._last = None
        while self._kept:
            count = min(batch, len(self._kept))
            self._send(tuple(_moment_of(self._kept.popleft()) for _ in range(count)))

    def _depth(self, frame: types.FrameType) -> int:
        """Number of the script's frames below; most statements follow one of the same frame or of its caller."""
        last = self._last
        if last is not None and last[0] is frame:
            return last[1]
        is_called_by_last = last is not None and frame.f_back is last[0]
        depth = last[1] + 1 if last is not None and is_called_by_last else _frames_below(frame, self._user)
        self._last = (frame, depth)
        return depth


def _moment_of(kept: _Kept) -> Moment:
    code, line, depth, time_ns, values = kept
    return Moment(
        path=code.co_filename,
        line=line,
        function=function_name(code),
        depth=depth,
        time_ns=time_ns,
        variables=tuple(
            value if type(value) is CapturedValue else _captured(name, value, 0)
            for name, value in values[:_MAX_VARIABLES]
        ),
    )
