"""Breakpoints of a project: where they are, when they stop, and what the runtime says of them."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable

import msgspec

from circuit_console.core.session import StoredBreakpoint


class Breakpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One line breakpoint.

    Attributes:
        key: name within this start of the console; lines may change, the key stays.
        line: 1-based.
        condition, hit_condition, log_message: "" for none; a log message makes it a logpoint.
        is_checkpoint: it keeps the variables' values and lets the run go on.
        is_verified: what the runtime answered; None while nobody asked.
        reason: why it is not verified.
    """

    key: str
    path: str
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    is_checkpoint: bool = False
    is_enabled: bool = True
    is_verified: bool | None = None
    reason: str = ""
    hits: int = 0

    @property
    def note(self) -> str:
        """What makes it more than a plain one."""
        return self.log_message or self.condition or self.hit_condition


class FunctionBreakpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Stops where a function is entered; `name` is `function` or `Class.method`."""

    name: str
    is_enabled: bool = True
    is_verified: bool | None = None
    reason: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the runtime said of a breakpoint that was sent with `sent_line`; `line` is where it stands there."""

    key: str
    sent_line: int
    line: int
    is_verified: bool
    reason: str = ""


class ExceptionFilter(msgspec.Struct, frozen=True):
    """A kind of exception that can stop a run; `id` as the debug protocol's servers name it."""

    id: str
    title: str


EXCEPTION_FILTERS = (
    ExceptionFilter("uncaught", "Uncaught exceptions"),
    ExceptionFilter("userUnhandled", "Uncaught in script"),
    ExceptionFilter("raised", "Raised exceptions"),
)


_HIT_CONDITION = re.compile(r"\s*(>=|<=|==|=|>|<|%)?\s*\d+\s*")


def fault_of(breakpoint: Breakpoint) -> str:
    """Why its condition or hit count can never hold as it is written; "" where it can."""
    if breakpoint.condition:
        try:
            ast.parse(breakpoint.condition.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            why = exc.msg if isinstance(exc, SyntaxError) else str(exc)
            return f"The condition is no expression: {why}."
    if breakpoint.hit_condition and not _HIT_CONDITION.fullmatch(breakpoint.hit_condition):
        return f"{breakpoint.hit_condition!r} is no hit count; write 5, >= 5, > 5, <= 5, < 5 or % 5."
    return ""


class BreakpointSet:
    """All breakpoints of a project, in the order of path and line. At most one a line."""

    def __init__(self, stored: Iterable[StoredBreakpoint] = ()) -> None:
        self._numbers = itertools.count(1)
        self._by_key: dict[str, Breakpoint] = {}
        for one in stored:
            self.add(
                one.path,
                one.line,
                condition=one.condition,
                hit_condition=one.hit_condition,
                log_message=one.log_message,
                is_checkpoint=one.is_checkpoint,
                is_enabled=one.is_enabled,
            )

    def all(self) -> tuple[Breakpoint, ...]:
        return tuple(sorted(self._by_key.values(), key=lambda one: (one.path, one.line)))

    def of(self, path: str) -> tuple[Breakpoint, ...]:
        return tuple(one for one in self.all() if one.path == path)

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted({one.path for one in self._by_key.values()}))

    def at(self, path: str, line: int) -> Breakpoint | None:
        return next((one for one in self._by_key.values() if one.path == path and one.line == line), None)

    def add(
        self,
        path: str,
        line: int,
        *,
        condition: str = "",
        hit_condition: str = "",
        log_message: str = "",
        is_checkpoint: bool = False,
        is_enabled: bool = True,
    ) -> Breakpoint:
        """Add one, or change the one that is on this line already."""
        present = self.at(path, line)
        made = Breakpoint(
            key=present.key if present else f"b{next(self._numbers)}",
            path=path,
            line=line,
            condition=condition,
            hit_condition=hit_condition,
            log_message=log_message,
            is_checkpoint=is_checkpoint,
            is_enabled=is_enabled,
        )
        self._by_key[made.key] = made
        return made

    def remove(self, key: str) -> Breakpoint | None:
        return self._by_key.pop(key, None)

    def put(self, breakpoint: Breakpoint) -> None:
        self._by_key[breakpoint.key] = breakpoint

    def get(self, key: str) -> Breakpoint | None:
        return self._by_key.get(key)

    def judge(self, verdict: Verdict) -> Breakpoint | None:
        """Note what the runtime said; returns the changed one, None where it was removed meanwhile.

        It follows the runtime to another line only if it is still where it was sent from, and that line is free.
        """
        present = self._by_key.get(verdict.key)
        if present is None:
            return None
        other = self.at(present.path, verdict.line)
        moves = present.line == verdict.sent_line and other is None
        judged = msgspec.structs.replace(
            present,
            line=verdict.line if moves else present.line,
            is_verified=verdict.is_verified,
            reason=verdict.reason,
        )
        self._by_key[judged.key] = judged
        return judged

    def move(self, path: str, lines: dict[str, int]) -> bool:
        """Follow the text: new line of each key; keys of `path` that are missing lost their line.

        Returns whether anything changed.
        """
        changed = False
        taken: set[int] = set()
        for one in self.of(path):
            line = lines.get(one.key)
            if line is None or line in taken:
                del self._by_key[one.key]
                changed = True
                continue
            taken.add(line)
            if line != one.line:
                self._by_key[one.key] = msgspec.structs.replace(one, line=line)
                changed = True
        return changed

    def stored(self) -> tuple[StoredBreakpoint, ...]:
        return tuple(
            StoredBreakpoint(
                path=one.path,
                line=one.line,
                condition=one.condition,
                hit_condition=one.hit_condition,
                log_message=one.log_message,
                is_checkpoint=one.is_checkpoint,
                is_enabled=one.is_enabled,
            )
            for one in self.all()
        )
