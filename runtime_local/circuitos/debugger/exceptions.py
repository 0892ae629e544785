"""Which exceptions stop the script, and what is told of the one that did."""

from __future__ import annotations

import sys
import types
from typing import Literal

from circuit_link.debug_wire import ExceptionAnswer, SetExceptionFilters
from circuitos.api.exceptions import GovernorLimitException
from circuitos.worker.tracebacks import script_traceback

Mode = Literal["always", "unhandled", "userUnhandled"]

_QUIET = (StopIteration, StopAsyncIteration, GeneratorExit)
_ENDINGS = (SystemExit, GovernorLimitException)
_MAX_INNER = 8
_MAX_CHARACTERS = 20_000


class ExceptionStops:
    """The filters, and the exception of the current stop.

    Attributes:
        filters: replaced whole by the listener's thread.
        shown: what stopped the script and how, at a stop for an exception; else None.
    """

    def __init__(self) -> None:
        self.filters = SetExceptionFilters()
        self.shown: tuple[BaseException, Mode] | None = None
        self._reported: BaseException | None = None
        self._last: tuple[types.FrameType, BaseException] | None = None

    @property
    def need_tracing(self) -> bool:
        return self.filters.raised is not None or self.filters.user_unhandled is not None

    def stops_raised(self, frame: types.FrameType, error: BaseException) -> bool:
        """For each frame that an exception comes to; true once for each exception."""
        self._last = (frame, error)
        if isinstance(error, _QUIET) or error is self._reported:
            return False
        return self._is_wanted(error, self.filters.raised)

    def stops_leaving(self, error: BaseException) -> bool:
        if isinstance(error, (*_QUIET, *_ENDINGS)) or error is self._reported:
            return False
        return self._is_wanted(error, self.filters.user_unhandled)

    def stops_uncaught(self, error: BaseException) -> bool:
        return (
            not isinstance(error, _ENDINGS)
            and error is not self._reported
            and self._is_wanted(error, self.filters.uncaught)
        )

    def passing_through(self, frame: types.FrameType) -> BaseException | None:
        """The exception that is leaving a frame."""
        return self._last[1] if self._last is not None and self._last[0] is frame else None

    def _is_wanted(self, error: BaseException, types_wanted: tuple[str, ...] | None) -> bool:
        return _is_of(error, types_wanted) and not _is_of(error, self.filters.never)

    def describe(self, error: BaseException, mode: Mode) -> str:
        """Remember what is shown now; its one line."""
        self._reported = error
        self.shown = (error, mode)
        return _one_line(error)

    def answer(self) -> ExceptionAnswer | None:
        """All about the exception of this stop; None at a stop for another reason."""
        return _answer(*self.shown, set()) if self.shown is not None else None


def _is_of(error: BaseException, types_wanted: tuple[str, ...] | None) -> bool:
    if types_wanted is None:
        return False
    names = {name for kind in type(error).__mro__ for name in (kind.__name__, _full_name(kind))}
    return not types_wanted or not names.isdisjoint(types_wanted)


def _answer(error: BaseException, mode: Mode, seen: set[int]) -> ExceptionAnswer:
    seen.add(id(error))
    inner: list[ExceptionAnswer] = []
    led_by = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if led_by is not None and id(led_by) not in seen and len(seen) < _MAX_INNER:
        inner.append(_answer(led_by, mode, seen))
    return ExceptionAnswer(
        type=type(error).__name__,
        full_type=_full_name(type(error)),
        message=_message(error),
        traceback=script_traceback(error)[-_MAX_CHARACTERS:],
        mode=mode,
        inner=tuple(inner),
    )


def _full_name(kind: type[BaseException]) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _one_line(error: BaseException) -> str:
    message = _message(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_CHARACTERS]
    except Exception:  # noqa: BLE001 - a script's __str__ may raise anything
        return f"<its text could not be read: {sys.exc_info()[0]}>"
