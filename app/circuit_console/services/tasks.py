"""Background work: values go in, a value or an error comes back on the GUI thread."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

_Value = TypeVar("_Value")
_THREADS = 4
_STOP_TIMEOUT_MS = 2_000


class _Outcome(msgspec.Struct, frozen=True):
    number: int
    value: Any
    error: BaseException | None


class _Job(QRunnable):
    """Runs on a pool thread; hands its outcome to the owner through a queued signal."""

    def __init__(self, number: int, work: Callable[[], Any], relay: _Relay) -> None:
        super().__init__()
        self._number = number
        self._work = work
        self._relay = relay

    def run(self) -> None:
        try:
            outcome = _Outcome(self._number, self._work(), None)
        except BaseException as exc:  # noqa: BLE001 - carried to the GUI thread and raised or shown there
            outcome = _Outcome(self._number, None, exc)
        self._relay.publish(outcome)


class _Relay(QObject):
    finished = Signal(object)

    def publish(self, outcome: _Outcome) -> None:
        self.finished.emit(outcome)


class Tasks(QObject):
    """Owner of the console's worker threads for short work: reading files, searching, HTTP.

    `work` runs on another thread: it takes values (bind them), returns a value and touches no widget.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[BaseException], None] | None]] = {}
        self._relay = _Relay(self)
        self._relay.finished.connect(self._on_job_finished)

    def run(
        self,
        work: Callable[[], _Value],
        on_done: Callable[[_Value], None],
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Run `work` on another thread, then `on_done` here.

        Without `on_error` an exception of `work` is raised here, in the event loop, where bootstrap's hook
        shows a UserFacingError and logs anything else.
        """
        number = next(self._numbers)
        self._waiting[number] = (on_done, on_error)
        self._pool.start(_Job(number, work, self._relay))

    def stop(self) -> None:
        """Forget what waits, and give what runs a moment to end."""
        self._waiting.clear()
        self._pool.clear()
        self._pool.waitForDone(_STOP_TIMEOUT_MS)

    @Slot(object)
    def _on_job_finished(self, outcome: _Outcome) -> None:
        on_done, on_error = self._waiting.pop(outcome.number, (None, None))
        if on_done is None:
            return
        if outcome.error is None:
            on_done(outcome.value)
        elif on_error is not None:
            on_error(outcome.error)
        else:
            raise outcome.error
