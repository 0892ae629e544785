"""Breakpoints of a debug worker: where they are, and whether a pass stops at them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from circuit_link.debug_wire import LineBreakpoint

_HIT_CONDITION = re.compile(r"^\s*(>=|>|==|=|%)?\s*(\d+)\s*$")

# Evaluates an expression in a frame; raises whatever the expression raises.
EvaluateIn = Callable[[str], Any]


@dataclass(slots=True)
class Breakpoint:
    """One line breakpoint with the number of times it was passed."""

    spec: LineBreakpoint
    hits: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """What passing a line means: the breakpoints that stop there, and what is to be printed."""

    stopping: tuple[int, ...] = ()
    logged: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(slots=True)
class Breakpoints:
    """All breakpoints. Replaced whole by the listener's thread, read by the script's."""

    _by_path: dict[str, dict[int, tuple[Breakpoint, ...]]] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()

    def replace(self, path: str, specs: Iterable[LineBreakpoint]) -> None:
        """Set a file's breakpoints; those that stay keep their count."""
        known = {point.spec: point for points in self._by_path.get(path, {}).values() for point in points}
        lines: dict[int, tuple[Breakpoint, ...]] = {}
        for spec in specs:
            lines[spec.line] = (*lines.get(spec.line, ()), known.get(spec) or Breakpoint(spec))
        # One assignment, so that the other thread sees the old or the new set.
        self._by_path = {**{name: old for name, old in self._by_path.items() if name != path}, path: lines}

    def in_file(self, path: str) -> dict[int, tuple[Breakpoint, ...]]:
        return self._by_path.get(path, {})

    @property
    def is_empty(self) -> bool:
        return not self.functions and not any(self._by_path.values())

    def passing(self, path: str, line: int, evaluate: EvaluateIn) -> Pass | None:
        """What a pass of a line means; None where no breakpoint is."""
        points = self._by_path.get(path, {}).get(line)
        if not points:
            return None
        stopping: list[int] = []
        logged: list[str] = []
        errors: list[str] = []
        for point in points:
            try:
                if not _applies(point, evaluate):
                    continue
                if point.spec.log_message:
                    logged.append(interpolate(point.spec.log_message, evaluate))
                else:
                    stopping.append(point.spec.id)
            except Exception as exc:  # noqa: BLE001 - the user's expression may raise anything; it is told
                errors.append(f"Breakpoint at {path}:{line}: {type(exc).__name__}: {exc}")
        return Pass(tuple(stopping), tuple(logged), tuple(errors))


def _applies(point: Breakpoint, evaluate: EvaluateIn) -> bool:
    """Counts passes on which the condition holds."""
    if point.spec.condition and not evaluate(point.spec.condition):
        return False
    point.hits += 1
    return not point.spec.hit_condition or hit_count_matches(point.spec.hit_condition, point.hits)


def hit_count_matches(condition: str, hits: int) -> bool:
    """`5` and `==5` the fifth pass, `>=5` from then on, `>5` after it, `%5` every fifth.

    Raises:
        ValueError: none of these.
    """
    match = _HIT_CONDITION.match(condition)
    if match is None:
        raise ValueError(f"{condition!r} is no hit condition; write 5, >=5, >5 or %5")
    sign, number = match[1] or "==", int(match[2])
    match sign:
        case ">=":
            return hits >= number
        case ">":
            return hits > number
        case "%":
            return number > 0 and hits % number == 0
        case _:
            return hits == number


def interpolate(template: str, evaluate: EvaluateIn) -> str:
    """Fill `{expression}` in; doubled braces stand for themselves."""
    parts: list[str] = []
    position = 0
    while position < len(template):
        character = template[position]
        if template[position : position + 2] in ("{{", "}}"):
            parts.append(character)
            position += 2
        elif character == "{" and (end := _closing(template, position)) > 0:
            parts.append(str(evaluate(template[position + 1 : end])))
            position = end + 1
        else:
            parts.append(character)
            position += 1
    return "".join(parts)


def _closing(template: str, start: int) -> int:
    """Place of the brace that closes the one at `start`; -1 without one."""
    depth = 0
    for position in range(start, len(template)):
        depth += {"{": 1, "}": -1}.get(template[position], 0)
        if depth == 0:
            return position
    return -1
