"""The project's breakpoints as the console's panes share them."""

from __future__ import annotations

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from circuit_console.core.breakpoints import Breakpoint, BreakpointSet


class Breakpoints(QObject):
    """Owner of the one set of breakpoints; editors, the pane, the debugger and the session follow its signal.

    Signals:
        changed: str, path of the file whose breakpoints changed.
        filters_changed: None, when exceptions stop the run differently.
    """

    changed = Signal(str)
    filters_changed = Signal()

    def __init__(self, breakpoints: BreakpointSet, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._set = breakpoints
        self._uncaught = True
        self._raised = False

    @property
    def stops_on_uncaught(self) -> bool:
        return self._uncaught

    @property
    def stops_on_raised(self) -> bool:
        return self._raised

    def set_filters(self, *, uncaught: bool, raised: bool) -> None:
        if (uncaught, raised) != (self._uncaught, self._raised):
            self._uncaught, self._raised = uncaught, raised
            self.filters_changed.emit()

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

    def set_enabled(self, breakpoint: Breakpoint, is_enabled: bool) -> None:
        self._set.put(replace(breakpoint, is_enabled=is_enabled))
        self._publish(breakpoint.path)

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

    def verify(self, verified: tuple[Breakpoint, ...]) -> None:
        """What the debugger answered; those removed meanwhile stay removed."""
        present = {one.key for one in self._set.all()}
        kept = [one for one in verified if one.key in present]
        for one in kept:
            self._set.put(one)
        for path in {one.path for one in kept}:
            self._publish(path)

    def forget_verification(self) -> None:
        """The session is over: nothing is known to be bound any more."""
        for one in self._set.all():
            self._set.put(replace(one, is_verified=None, reason="", hits=0))
        for path in self._set.paths():
            self._publish(path)

    def core(self) -> BreakpointSet:
        return self._set

    def _publish(self, path: str) -> None:
        self.changed.emit(path)
