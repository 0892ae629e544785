"""A database that cannot do its work any more, told as one kind of error for every driver."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from circuit_link.errors import UserFacingError

_P = ParamSpec("_P")
_T = TypeVar("_T")

INTERRUPTED = "STORE_INTERRUPTED"


class StoreFault(UserFacingError):
    """The database failed within a transaction, which is lost; what was committed before stands.

    Codes: DISK_FULL, STORE_FAILED, STORE_INTERRUPTED (the statement was stopped from another thread).
    """


def disk_full() -> StoreFault:
    return StoreFault(
        "The database cannot be written: the disk is full.",
        code="DISK_FULL",
        hint="Nothing of this transaction was kept. Free some space and run it again.",
    )


def interrupted() -> StoreFault:
    return StoreFault("The statement was stopped.", code=INTERRUPTED)


def failed(reason: str) -> StoreFault:
    """`reason` completes "The database failed: …"."""
    return StoreFault(
        f"The database failed: {reason}.",
        code="STORE_FAILED",
        hint="Nothing of this transaction was kept. Is there space on the disk, and may its files be written?",
    )


def telling(
    kind: type[Exception], fault_of: Callable[[Exception], Exception | None]
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Makes a method raise what `fault_of` makes of an exception of `kind`; where that is None, the exception."""

    def wrap(method: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(method)
        def told(*arguments: _P.args, **named: _P.kwargs) -> _T:
            try:
                return method(*arguments, **named)
            except kind as exc:
                fault = fault_of(exc)
                if fault is None:
                    raise
                raise fault from exc

        return told

    return wrap
