"""Moments of a run that are kept without stopping it: checkpoints, and the last recorded statements."""

from __future__ import annotations

import itertools
import time
import types
from collections import deque
from collections.abc import Callable
from typing import Any

from circuit_link.debug_wire import CapturedValue, Moment
from circuitos.debugger.stack import function_name
from circuitos.debugger.user_code import UserCode
from circuitos.debugger.values import child_counts, children, is_shown, shown, size_bytes

_MAX_VARIABLES = 100
_MAX_CHILDREN = 20
_CHECKPOINT_DEPTH = 2
_monotonic_ns = time.monotonic_ns


def moment(frame: types.FrameType, line: int, user: UserCode, *, checkpoint_id: int = 0, depth: int = 0) -> Moment:
    """The statement that a frame is at, with its variables and `depth` levels of what they hold."""
    names = {name: value for name, value in frame.f_locals.items() if is_shown(name)}
    return Moment(
        path=frame.f_code.co_filename,
        line=line,
        function=function_name(frame.f_code),
        depth=sum(1 for _ in user.frames(frame.f_back)),
        time_ns=_monotonic_ns(),
        checkpoint_id=checkpoint_id,
        variables=tuple(
            _captured(name, value, depth) for name, value in itertools.islice(names.items(), _MAX_VARIABLES)
        ),
    )


def checkpoint(frame: types.FrameType, line: int, user: UserCode, number: int) -> Moment:
    return moment(frame, line, user, checkpoint_id=number, depth=_CHECKPOINT_DEPTH)


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


class Recorder:
    """Keeps the last `limit` statements; hands over those that were not handed over yet."""

    def __init__(self, limit: int, user: UserCode, send: Callable[[tuple[Moment, ...]], None]) -> None:
        self._user = user
        self._send = send
        self._moments: deque[Moment] = deque(maxlen=limit)

    def record(self, frame: types.FrameType, line: int) -> None:
        """A statement is about to run."""
        self._moments.append(moment(frame, line, self._user))

    def hand_over(self, batch: int = 200) -> None:
        """Send what has been kept, oldest first."""
        while self._moments:
            count = min(batch, len(self._moments))
            self._send(tuple(self._moments.popleft() for _ in range(count)))
