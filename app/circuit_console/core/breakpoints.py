"""Breakpoints of a project: where they are, when they stop, and what the runtime says of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from circuit_console.core.session import StoredBreakpoint


class Breakpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One line breakpoint.

    Attributes:
        key: name within this start of the console; lines may change, the key stays.
        line: 1-based.
        condition, hit_condition, log_message: "" for none; a log message makes it a logpoint.
        is_verified: what the runtime answered; None while nobody asked.
        reason: why it is not verified.
    """

    key: str
    path: str
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    is_enabled: bool = True
    is_verified: bool | None = None
    reason: str = ""
    hits: int = 0


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
            is_enabled=is_enabled,
        )
        self._by_key[made.key] = made
        return made

    def remove(self, key: str) -> Breakpoint | None:
        return self._by_key.pop(key, None)

    def put(self, breakpoint: Breakpoint) -> None:
        self._by_key[breakpoint.key] = breakpoint

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
                is_enabled=one.is_enabled,
            )
            for one in self.all()
        )
