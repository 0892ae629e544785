"""One debugged script as a session sees it: its channel, whether it stands still, and its clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from circuit_link import debug_wire as dw
from circuit_link import wire
from circuit_link.framing import FrameSocket
from circuit_runtime.host.dap.connection import NotStopped
from circuit_runtime.host.dap.worker_link import WorkerLink
from circuit_runtime.host.execution_request import RunControl

_T = TypeVar("_T")
_LAST_EVENTS_S = 2.0
_PRINTED_WITHIN_S = 2.0


class Debuggee:
    """Questions need a script that stands still; commands reach it in any case.

    Args:
        on_event: called on the channel's own thread, after the run's clock was held or let go. A stop is told
            after all that was printed before it.
        on_note: called on the run's thread with the text of a logpoint, or of an expression that failed.
    """

    def __init__(
        self,
        socket: FrameSocket,
        control: RunControl,
        pid: int,
        on_event: Callable[[dw.DebugEvent], None],
        on_note: Callable[[wire.DebugNote], None],
    ) -> None:
        self.pid = pid
        self.control = control
        self._on_event = on_event
        self._on_note = on_note
        self._printed = threading.Condition()
        self._announced_stop = 0
        control.on_note = self._take_note
        self._is_paused = False
        self._link = WorkerLink(socket, self._take)

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    def start(self) -> None:
        """Begin to listen to it."""
        self._link.start()

    def wait_until_heard(self) -> None:
        """For the run's thread, at its end: wait for what the worker has told last."""
        self._link.join(_LAST_EVENTS_S)

    def tell(self, command: dw.DebugCommand) -> None:
        """Send a command that has no answer."""
        self._link.tell(command)

    def go_on(self, command: dw.Continue | dw.Step) -> None:
        """Raises: NotStopped."""
        if not self._is_paused:
            raise NotStopped
        self._is_paused = False
        self._link.tell(command)

    def ask(self, make: Callable[[int], dw.Question], kind: type[_T]) -> _T:
        """Raises: NotStopped; Refused: with what the worker says."""
        if not self._is_paused:
            raise NotStopped
        return self._link.ask(make, kind)

    def _take(self, event: dw.DebugEvent) -> None:
        if isinstance(event, dw.Stopped):
            self._is_paused = True
            self.control.paused(event.reason, event.path, event.line)
            with self._printed:
                self._printed.wait_for(lambda: self._announced_stop >= event.number, _PRINTED_WITHIN_S)
        elif isinstance(event, dw.Resumed):
            self.control.resumed()
        self._on_event(event)

    def _take_note(self, note: wire.DebugNote) -> None:
        if note.stop:
            with self._printed:
                self._announced_stop = note.stop
                self._printed.notify_all()
        else:
            self._on_note(note)
