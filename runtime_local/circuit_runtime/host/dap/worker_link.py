"""A debug worker as the DAP session sees it: questions with answers, and events."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from circuit_link import debug_wire as dw
from circuit_link.framing import ConnectionEnded, FrameSocket, FrameTooLong
from circuit_runtime.host.conversation import Pace
from circuit_runtime.host.dap.connection import Refused, WouldChange

_T = TypeVar("_T")
_ANSWER_TIMEOUT_S = 15.0


class WorkerLink:
    """The host's end of a worker's debugger channel. Any thread may ask; events come on the link's own thread.

    It works on a duplicate of `link`: what a worker told before its end is heard, though its socket is closed.
    """

    def __init__(self, link: FrameSocket, on_event: Callable[[dw.DebugEvent], None]) -> None:
        self._link = link.duplicate()
        self._on_event = on_event
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[threading.Event, list[dw.Answer | dw.Refusal]]] = {}
        self._lock = threading.Lock()
        self._is_gone = False
        self._thread = threading.Thread(target=self._read, name="debug-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until the worker has gone and its last event was taken."""
        self._thread.join(timeout_s)

    def tell(self, command: dw.DebugCommand) -> None:
        """Send a command that has no answer; a worker that is gone hears nothing."""
        with self._sending:
            try:
                self._link.send(dw.encode(command))
            except (ConnectionEnded, ValueError, OSError):
                return

    def ask(self, make: Callable[[int], dw.Question], kind: type[_T]) -> _T:
        """Ask and wait. Raises: Refused."""
        number = next(self._numbers)
        done = threading.Event()
        answers: list[dw.Answer | dw.Refusal] = []
        with self._lock:
            if self._is_gone:
                raise Refused("The script has ended.")
            self._waiting[number] = (done, answers)
        self.tell(make(number))
        if not done.wait(_ANSWER_TIMEOUT_S):
            with self._lock:
                self._waiting.pop(number, None)
            raise Refused("The script did not answer in time.")
        if not answers:
            raise Refused("The script has ended.")
        answer = answers[0]
        if isinstance(answer, dw.Refusal):
            raise WouldChange(answer.message) if answer.would_change else Refused(answer.message)
        return msgspec.msgpack.decode(answer.value, type=kind)

    def _read(self) -> None:
        # A flood is left in the socket, which stops its sender: no frame of a worker is believed, here neither.
        pace = Pace()
        while True:
            try:
                event = dw.decode_event(self._link.receive())
            except (ConnectionEnded, FrameTooLong, msgspec.DecodeError, ValueError, RecursionError, OSError):
                break
            if wait_s := pace.wait_s():
                time.sleep(wait_s)
            if isinstance(event, dw.Answer | dw.Refusal):
                self._deliver(event)
            else:
                self._on_event(event)
        with self._sending:
            self._link.close()
        with self._lock:
            self._is_gone = True
            waiting, self._waiting = self._waiting, {}
        for done, _answers in waiting.values():
            done.set()

    def _deliver(self, answer: dw.Answer | dw.Refusal) -> None:
        with self._lock:
            waiting: Any = self._waiting.pop(answer.id, None)
        if waiting is not None:
            done, answers = waiting
            answers.append(answer)
            done.set()
