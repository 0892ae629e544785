"""The project's breakpoints as the console's panes share them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from circuit_console.core.breakpoints import (
    EXCEPTION_FILTERS,
    Breakpoint,
    BreakpointSet,
    FunctionBreakpoint,
    Verdict,
)


class Breakpoints(QObject):
    """Owner of the one set of breakpoints; editors, the pane, the debugger and the session follow its signal.

    Signals:
        changed: str, path of the file whose breakpoints changed.
        functions_changed: None, when function breakpoints changed.
        filters_changed: None, when exceptions stop the run differently.
        muting_changed: None, when all were muted or are heard again.
    """

    changed = Signal(str)
    functions_changed = Signal()
    filters_changed = Signal()
    muting_changed = Signal()

    def __init__(self, breakpoints: BreakpointSet, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._set = breakpoints
        self._functions: tuple[FunctionBreakpoint, ...] = ()
        self._filters = frozenset({EXCEPTION_FILTERS[0].id})
        self._is_muted = False

    @property
    def is_muted(self) -> bool:
        """Whether none of them stops a run, whatever is set for each."""
        return self._is_muted

    def mute(self, is_muted: bool) -> None:
        if is_muted != self._is_muted:
            self._is_muted = is_muted
            self.muting_changed.emit()
            for path in self._set.paths():
                self._publish(path)

    @property
    def filters(self) -> frozenset[str]:
        """Ids of the kinds of exceptions that stop a run."""
        return self._filters

    def set_filters(self, filters: frozenset[str]) -> None:
        if filters != self._filters:
            self._filters = filters
            self.filters_changed.emit()

    @property
    def functions(self) -> tuple[FunctionBreakpoint, ...]:
        return self._functions

    def set_functions(self, functions: tuple[FunctionBreakpoint, ...]) -> None:
        """Replace all; of two with one name the first stays."""
        kept = tuple({one.name: one for one in reversed(functions) if one.name}.values())[::-1]
        if kept != self._functions:
            self._functions = kept
            self.functions_changed.emit()

    def verify_functions(self, verified: tuple[FunctionBreakpoint, ...]) -> None:
        by_name = {one.name: one for one in verified}
        self.set_functions(
            tuple(
                replace(one, is_verified=by_name[one.name].is_verified, reason=by_name[one.name].reason)
                if one.name in by_name
                else one
                for one in self._functions
            )
        )

    def all(self) -> tuple[Breakpoint, ...]:
        return self._set.all()

    def of(self, path: str) -> tuple[Breakpoint, ...]:
        return self._set.of(path)

    def paths(self) -> tuple[str, ...]:
        return self._set.paths()

    def at(self, path: str, line: int) -> Breakpoint | None:
        return self._set.at(path, line)

    def toggle(self, path: str, line: int) -> None:
        present = self._set.at(path, line)
        if present is None:
            self._set.add(path, line)
        else:
            self._set.remove(present.key)
        self._publish(path)

    def set(
        self, path: str, line: int, *, condition: str = "", hit_condition: str = "", log_message: str = ""
    ) -> None:
        self._set.add(path, line, condition=condition, hit_condition=hit_condition, log_message=log_message)
        self._publish(path)

    def toggle_checkpoint(self, path: str, line: int) -> None:
        """Make the line's breakpoint a checkpoint, or a breakpoint again; one that is not there is made."""
        present = self._set.at(path, line) or self._set.add(path, line)
        self._set.put(replace(present, is_checkpoint=not present.is_checkpoint))
        self._publish(path)

    def set_enabled(self, breakpoint: Breakpoint, is_enabled: bool) -> None:
        self._set.put(replace(breakpoint, is_enabled=is_enabled))
        self._publish(breakpoint.path)

    def change(self, breakpoint: Breakpoint) -> None:
        """Give it another condition, hit count or message, wherever it stands now."""
        present = self._set.get(breakpoint.key)
        if present is not None:
            self._set.put(
                replace(
                    present,
                    condition=breakpoint.condition,
                    hit_condition=breakpoint.hit_condition,
                    log_message=breakpoint.log_message,
                )
            )
            self._publish(present.path)

    def remove(self, breakpoint: Breakpoint) -> None:
        self._set.remove(breakpoint.key)
        self._publish(breakpoint.path)

    def restore(self, breakpoints: tuple[Breakpoint, ...]) -> None:
        """Bring removed ones back."""
        for one in breakpoints:
            self._set.put(one)
        for path in {one.path for one in breakpoints}:
            self._publish(path)

    def clear(self) -> tuple[Breakpoint, ...]:
        """Remove all; returns them, for undo."""
        removed = self._set.all()
        for one in removed:
            self._set.remove(one.key)
        for path in {one.path for one in removed}:
            self._publish(path)
        return removed

    def follow_text(self, path: str, lines: dict[str, int]) -> None:
        """The editor's markers moved with their text."""
        if self._set.move(path, lines):
            self._publish(path)

    def verify(self, verdicts: tuple[Verdict, ...]) -> None:
        """What the debugger answered; those removed meanwhile stay removed."""
        judged = [self._set.judge(verdict) for verdict in verdicts]
        for path in {one.path for one in judged if one is not None}:
            self._publish(path)

    def count_hits(self, keys: frozenset[str]) -> None:
        """The run stopped at these."""
        hit = [one for key in keys if (one := self._set.get(key)) is not None]
        for one in hit:
            self._set.put(replace(one, hits=one.hits + 1))
        for path in {one.path for one in hit}:
            self._publish(path)

    def forget_hits(self) -> None:
        self._renew(lambda one: replace(one, hits=0))

    def forget_verification(self) -> None:
        """The session is over: nothing is known to be bound any more."""
        self._renew(lambda one: replace(one, is_verified=None, reason=""))
        self.set_functions(tuple(replace(one, is_verified=None, reason="") for one in self._functions))

    def core(self) -> BreakpointSet:
        return self._set

    def _renew(self, change: Callable[[Breakpoint], Breakpoint]) -> None:
        changed = [(one, change(one)) for one in self._set.all()]
        for _, one in changed:
            self._set.put(one)
        for path in {after.path for before, after in changed if before != after}:
            self._publish(path)

    def _publish(self, path: str) -> None:
        self.changed.emit(path)
