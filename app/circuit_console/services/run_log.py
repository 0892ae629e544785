"""The run whose log, timeline and gauges are shown: fed by the host, with one selection for all of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from PySide6.QtCore import QObject, QTimer, Signal, Slot

import circuit_link.host_protocol as hp
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.location import Location
from circuit_console.core.log_selection import (
    NO_ROW,
    Selection,
    counter_of,
    location_of,
    select_frame,
    select_row,
)
from circuit_console.core.log_store import Appended, LogStore
from circuit_console.services.host_link import HostLink
from circuit_log.events import LogEvent
from circuit_log.limits import LimitName

_SLICE_EVENTS = 500
_TICK_BUDGET_S = 0.008


class RunLog(QObject):
    """Holds the store of the newest run and publishes its growth.

    The console's own runs are always shown, and those of others while none of its own is under way. A flood is
    taken in slices, so that the GUI thread stays free.

    Signals:
        run_began: LogStore, empty but for the limits; views forget the run before.
        appended: Appended, after each batch, at most one for each message of the host.
        run_ended: RunFinished, after the last `appended`.
        selection_changed: Selection.
    """

    run_began = Signal(object)
    appended = Signal(object)
    run_ended = Signal(object)
    selection_changed = Signal(object)

    def __init__(self, host: HostLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = LogStore()
        self._selection = Selection()
        self._previous_limits: Mapping[LimitName, tuple[int, int]] = {}
        self._run_id = ""
        self._is_own = False
        self._log_levels = ""
        self._result: hp.RunResult | None = None
        self._pending: deque[LogEvent | hp.RunFinished] = deque()
        self._next_slice = QTimer(self)
        self._next_slice.setSingleShot(True)
        self._next_slice.setInterval(0)
        self._next_slice.timeout.connect(self._on_slice_due)
        host.run_started.connect(self._on_run_started)
        host.events_emitted.connect(self._on_events_emitted)
        host.run_finished.connect(self._on_run_finished)

    @property
    def store(self) -> LogStore:
        return self._store

    @property
    def selection(self) -> Selection:
        return self._selection

    @property
    def previous_limits(self) -> Mapping[LimitName, tuple[int, int]]:
        """Where the run before this one ended; empty before the second run."""
        return self._previous_limits

    @property
    def has_run(self) -> bool:
        """Whether anything has run since the console's start."""
        return bool(self._run_id)

    @property
    def log_levels(self) -> str:
        """The levels of the run that is shown, `APEX_CODE,FINE;DB,INFO`."""
        return self._log_levels

    @property
    def result(self) -> hp.RunResult | None:
        """How the run ended; None while it goes on."""
        return self._result

    def select_row(self, row: int) -> None:
        self._select(Selection() if row == NO_ROW else select_row(self._store, row))

    def select_frame(self, frame: int) -> None:
        self._select(Selection() if frame == NO_FRAME else select_frame(self._store, frame))

    def selected_location(self) -> Location | None:
        return location_of(self._store, self._selection)

    def selected_counter(self) -> LimitName | None:
        return counter_of(self._store, self._selection)

    def _select(self, selection: Selection) -> None:
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    # ------------------------------------------------------------------------------------------ following

    @Slot(object)
    def _on_run_started(self, started: hp.RunStarted) -> None:
        is_own = started.request is not None or started.mode == "debug"
        is_busy = bool(self._run_id) and not self._store.is_finished
        if not is_own and is_busy and self._is_own:
            return
        self._drain()
        if self._run_id:
            self._previous_limits = self._store.limits
        self._run_id, self._is_own = started.run_id, is_own
        self._log_levels = started.log_levels
        self._result = None
        self._store = LogStore(started.title, started.limits)
        self._selection = Selection()
        self.run_began.emit(self._store)

    @Slot(object)
    def _on_events_emitted(self, emitted: hp.EventsEmitted) -> None:
        if emitted.run_id == self._run_id and not self._store.is_finished:
            self._pending.extend(emitted.events)
            self._take(_TICK_BUDGET_S)

    @Slot(object)
    def _on_run_finished(self, finished: hp.RunFinished) -> None:
        if finished.run_id == self._run_id and not self._store.is_finished:
            self._pending.append(finished)
            self._take(_TICK_BUDGET_S)

    @Slot()
    def _on_slice_due(self) -> None:
        self._take(_TICK_BUDGET_S)

    def _drain(self) -> None:
        while self._pending:
            self._take(_TICK_BUDGET_S)

    def _take(self, budget_s: float) -> None:
        """Move what waits into the store until it is done or the time is up, then say so once."""
        deadline = time.monotonic() + budget_s
        first_row, limits = len(self._store.rows), self._store.limits
        ended: hp.RunFinished | None = None
        moved = False
        while self._pending and ended is None and time.monotonic() < deadline:
            ended = self._take_slice()
            moved = True
        if moved:
            self.appended.emit(
                Appended(first_row, len(self._store.rows), self._store.limits is not limits or ended is not None)
            )
        if ended is not None:
            self.run_ended.emit(ended)
        if self._pending:
            self._next_slice.start()

    def _take_slice(self) -> hp.RunFinished | None:
        events: list[LogEvent] = []
        while self._pending and len(events) < _SLICE_EVENTS:
            item = self._pending.popleft()
            if isinstance(item, hp.RunFinished):
                self._store.append(events)
                self._finish(item)
                return item
            events.append(item)
        self._store.append(events)
        return None

    def _finish(self, finished: hp.RunFinished) -> None:
        self._result = finished.result
        limits = finished.result.limits
        self._store.finish({name: limits[name] for name in LimitName if name in limits})
