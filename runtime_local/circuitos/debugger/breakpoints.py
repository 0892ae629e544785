"""Breakpoints of a debug worker: where they are, and whether a pass stops at them."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from dataclasses import dataclass, field

from circuit_link.debug_wire import FunctionBreakpoint, LineBreakpoint
from circuitos.debugger.evaluation import EffectGate, Expression, refuse_effects
from circuitos.debugger.template import Template

_HIT_CONDITION = re.compile(r"^\s*(>=|<=|>|<|==|=|%)?\s*(\d+)\s*$")

Spec = LineBreakpoint | FunctionBreakpoint


class Breakpoint:
    """One breakpoint with its conditions compiled and the number of times it was passed."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.key = _key(spec)
        self.hits = 0
        self._last_error = ""
        self._condition = Expression(spec.condition) if spec.condition else None
        self._hit_condition = spec.hit_condition
        log_message = spec.log_message if isinstance(spec, LineBreakpoint) else ""
        self.log = Template(log_message) if log_message else None
        self.is_checkpoint = isinstance(spec, LineBreakpoint) and spec.is_checkpoint

    def applies(self, frame: types.FrameType) -> bool:
        """Whether this pass counts and is one of those wanted. Raises whatever the condition raises."""
        if self._condition is not None and not self._condition.value_in(frame):
            return False
        self.hits += 1
        return not self._hit_condition or hit_count_matches(self._hit_condition, self.hits)

    def news_of(self, error: Exception) -> tuple[str, ...]:
        """What its expression raised, unless that was told at the pass before."""
        text = f"{type(error).__name__}: {error}"
        is_known, self._last_error = text == self._last_error, text
        return () if is_known else (text,)


@dataclass(frozen=True, slots=True)
class Pass:
    """What passing a place means: the breakpoints that stop there, checkpoints, and what is to be printed."""

    stopping: tuple[int, ...] = ()
    captured: tuple[int, ...] = ()
    logged: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


NO_PASS = Pass()


@dataclass(slots=True)
class Breakpoints:
    """All breakpoints. Replaced whole by the listener's thread, read by the script's."""

    _by_path: dict[str, dict[int, tuple[Breakpoint, ...]]] = field(default_factory=dict)
    _functions: dict[str, tuple[Breakpoint, ...]] = field(default_factory=dict)

    def replace(self, path: str, specs: Iterable[LineBreakpoint]) -> None:
        """Set a file's breakpoints; those that stay as they were keep their count."""
        known = {point.key: point for points in self._by_path.get(path, {}).values() for point in points}
        lines: dict[int, tuple[Breakpoint, ...]] = {}
        for spec in specs:
            lines[spec.line] = (*lines.get(spec.line, ()), _renewed(spec, known))
        # One assignment, so that the other thread sees the old or the new set.
        kept = {name: old for name, old in self._by_path.items() if name != path}
        self._by_path = {**kept, path: lines} if lines else kept

    def replace_functions(self, specs: Iterable[FunctionBreakpoint]) -> None:
        known = {point.key: point for points in self._functions.values() for point in points}
        functions: dict[str, tuple[Breakpoint, ...]] = {}
        for spec in specs:
            functions[spec.name] = (*functions.get(spec.name, ()), _renewed(spec, known))
        self._functions = functions

    def clear(self) -> None:
        self._by_path = {}
        self._functions = {}

    def in_file(self, path: str) -> dict[int, tuple[Breakpoint, ...]]:
        return self._by_path.get(path, {})

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self._by_path)

    @property
    def has_functions(self) -> bool:
        return bool(self._functions)

    @property
    def is_empty(self) -> bool:
        return not self._functions and not self._by_path

    def at_function(self, code: types.CodeType) -> tuple[Breakpoint, ...]:
        """Breakpoints on a function, by its name, its qualified name, or that behind its module's."""
        functions = self._functions
        if not functions or code.co_name.startswith("<"):
            return ()
        qualified = code.co_qualname.replace(".<locals>", "")
        module = code.co_filename.removesuffix(".py").replace("/", ".")
        names = {code.co_name, qualified, f"{module}.{qualified}", f"{module.rpartition('.')[2]}.{qualified}"}
        return tuple(point for name in sorted(names) for point in functions.get(name, ()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which passes are reported: those of breakpoints, of the statements of `codes`, or of every statement."""

    breakpoints: Breakpoints
    codes: tuple[types.CodeType, ...] = ()
    everywhere: bool = False


def passing(points: tuple[Breakpoint, ...], frame: types.FrameType, gate: EffectGate) -> Pass:
    """What a pass of these breakpoints means. Conditions are evaluated in `frame`, and may change nothing."""
    stopping: list[int] = []
    captured: list[int] = []
    logged: list[str] = []
    errors: list[str] = []
    refuse_effects(gate)
    for point in points:
        try:
            if not point.applies(frame):
                continue
            if point.log is not None:
                logged.append(point.log.text_in(frame))
            elif point.is_checkpoint:
                captured.append(point.spec.id)
            else:
                stopping.append(point.spec.id)
        except Exception as exc:  # noqa: BLE001 - the user's expression may raise anything; it is told
            errors += [f"Breakpoint in {frame.f_code.co_filename}: {text}" for text in point.news_of(exc)]
    gate.refusal = None
    if not (stopping or captured or logged or errors):
        return NO_PASS
    return Pass(tuple(stopping), tuple(captured), tuple(logged), tuple(errors))


def hit_count_matches(condition: str, hits: int) -> bool:
    """`5` and `==5` the fifth pass, `>=5` from then on, `>5` after it, `<5` before it, `%5` every fifth.

    Raises:
        ValueError: none of these.
    """
    match = _HIT_CONDITION.match(condition)
    if match is None:
        raise ValueError(f"{condition!r} is no hit condition; write 5, >=5, >5, <=5, <5 or %5")
    sign, number = match[1] or "==", int(match[2])
    match sign:
        case ">=":
            return hits >= number
        case ">":
            return hits > number
        case "<=":
            return hits <= number
        case "<":
            return hits < number
        case "%":
            return number > 0 and hits % number == 0
        case _:
            return hits == number


def _key(spec: Spec) -> tuple[object, ...]:
    """What a breakpoint is apart from its number, which a client may give anew each time."""
    if isinstance(spec, LineBreakpoint):
        return (spec.line, spec.condition, spec.hit_condition, spec.log_message, spec.is_checkpoint)
    return (spec.name, spec.condition, spec.hit_condition)


def _renewed(spec: Spec, known: dict[tuple[object, ...], Breakpoint]) -> Breakpoint:
    point = Breakpoint(spec)
    old = known.get(point.key)
    if old is not None:
        point.hits = old.hits
    return point
