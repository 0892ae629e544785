"""Keeps a debugger's breakpoints as the console's, and brings back what the debugger says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal, Slot

from circuit_console.core.breakpoints import Breakpoint, Verdict
from circuit_console.core.debugging import Abilities, Checkpoint, Stop
from circuit_console.services import dap_bodies
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.dap_connection import AnswerSlot, Body, FailureSlot
from circuit_link.errors import UserFacingError

Request = Callable[[str, Body, AnswerSlot | None, FailureSlot | None], None]


class BreakpointSync(QObject):
    """Sends line, function and exception breakpoints while a session is open, and again when they change.

    Signals:
        refused: UserFacingError, when the debugger does not take some.
    """

    refused = Signal(object)

    def __init__(
        self, root: Path, breakpoints: Breakpoints, request: Request, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._root = root
        self._breakpoints = breakpoints
        self._request = request
        self._abilities = Abilities()
        self._is_open = False
        self._is_answering = False
        self._cursor: tuple[str, int] | None = None
        self._key_of_id: dict[int, str] = {}
        breakpoints.changed.connect(self._on_changed)
        breakpoints.functions_changed.connect(self._on_functions_changed)
        breakpoints.filters_changed.connect(self._on_filters_changed)
        breakpoints.muting_changed.connect(self._on_muting_changed)

    def begin(self, abilities: Abilities) -> None:
        """A session is being configured: send everything."""
        self._abilities = abilities
        self._key_of_id.clear()
        self._breakpoints.forget_hits()
        for path in self._breakpoints.paths():
            self._send(path)
        if self._breakpoints.functions:
            self._send_functions()
        self._send_filters()
        self._is_open = True

    def end(self) -> None:
        """The session is over: nothing is known to be bound any more; how often each was hit stays."""
        self._is_open = False
        self._cursor = None
        self._breakpoints.forget_verification()

    def run_to(self, path: str, line: int) -> None:
        """Add a stop that goes away at the next one."""
        self._cursor = (path, line)
        self._send(path)

    def take_stop(self, stop: Stop) -> None:
        """Count the hits, and take away the stop of `run_to`."""
        if self._cursor is not None:
            path, self._cursor = self._cursor[0], None
            self._send(path)
        self._count(stop.hit_breakpoint_ids)

    def take_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._count((checkpoint.breakpoint_id,))

    def take_event(self, body: Body) -> None:
        """The debugger bound or moved one later."""
        answer = body.get("breakpoint") or {}
        present = self._breakpoints.core().get(self._key_of_id.get(int(answer.get("id", 0) or 0), ""))
        if present is not None:
            self._quietly(lambda: self._breakpoints.verify((_verdict(present, answer),)))

    # ------------------------------------------------------------------------------------------ inside

    def _count(self, ids: tuple[int, ...]) -> None:
        keys = frozenset(self._key_of_id[number] for number in ids if number in self._key_of_id)
        if keys:
            self._quietly(lambda: self._breakpoints.count_hits(keys))

    @Slot(str)
    def _on_changed(self, path: str) -> None:
        if self._is_open and not self._is_answering:
            self._send(path)

    @Slot()
    def _on_functions_changed(self) -> None:
        if self._is_open and not self._is_answering:
            self._send_functions()

    @Slot()
    def _on_filters_changed(self) -> None:
        if self._is_open:
            self._send_filters()

    @Slot()
    def _on_muting_changed(self) -> None:
        """Lines follow by themselves: each of their files is told as changed."""
        if self._is_open:
            self._send_functions()
            self._send_filters()

    def _send(self, path: str) -> None:
        is_heard = not self._breakpoints.is_muted
        sent = tuple(one for one in self._breakpoints.of(path) if one.is_enabled and is_heard)
        wanted = [dap_bodies.source_breakpoint(one) for one in sent]
        if self._cursor is not None and self._cursor[0] == path:
            wanted.append({"line": self._cursor[1]})
        arguments = {
            "source": {"path": str(self._root / path), "name": path.rpartition("/")[2]},
            "breakpoints": wanted,
            "sourceModified": False,
        }
        self._request("setBreakpoints", arguments, lambda body: self._on_answered(sent, body), self._on_refused)

    def _on_answered(self, sent: tuple[Breakpoint, ...], body: Body) -> None:
        verdicts = []
        for one, answer in zip(sent, body.get("breakpoints") or (), strict=False):
            self._key_of_id[int(answer.get("id", 0) or 0)] = one.key
            verdicts.append(_verdict(one, answer))
        self._quietly(lambda: self._breakpoints.verify(tuple(verdicts)))

    def _send_functions(self) -> None:
        is_heard = not self._breakpoints.is_muted
        sent = tuple(one for one in self._breakpoints.functions if one.is_enabled and is_heard)

        def answered(body: Body) -> None:
            answers = zip(sent, body.get("breakpoints") or (), strict=False)
            verified = tuple(
                replace(one, is_verified=bool(answer.get("verified")), reason=str(answer.get("message", "") or ""))
                for one, answer in answers
            )
            self._quietly(lambda: self._breakpoints.verify_functions(verified))

        arguments = {"breakpoints": [{"name": one.name} for one in sent]}
        self._request("setFunctionBreakpoints", arguments, answered, self._on_refused)

    def _send_filters(self) -> None:
        wanted = frozenset() if self._breakpoints.is_muted else self._breakpoints.filters
        filters = sorted(wanted & self._abilities.exception_filters)
        self._request("setExceptionBreakpoints", {"filters": filters}, None, self._on_refused)

    def _on_refused(self, error: UserFacingError) -> None:
        self.refused.emit(error)

    def _quietly(self, change: Callable[[], None]) -> None:
        """What the debugger says must not be sent back to it as a change."""
        self._is_answering = True
        try:
            change()
        finally:
            self._is_answering = False


def _verdict(sent: Breakpoint, answer: Body) -> Verdict:
    return Verdict(
        key=sent.key,
        sent_line=sent.line,
        line=int(answer.get("line", sent.line) or sent.line),
        is_verified=bool(answer.get("verified")),
        reason=str(answer.get("message", "") or ""),
    )
