"""Which event the user looks at: one selection for the timeline, the log and the gauges."""

from __future__ import annotations

import msgspec

from circuit_console.core.event_kinds import FACTS_BY_NUMBER
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.location import Location
from circuit_console.core.log_store import LogStore
from circuit_log.limits import LimitName

NO_ROW = -1


class Selection(msgspec.Struct, frozen=True):
    """A row and the bar that goes with it; NO_ROW and NO_FRAME for nothing."""

    row: int = NO_ROW
    frame: int = NO_FRAME


def select_row(store: LogStore, row: int) -> Selection:
    """Raises: IndexError, there is no such row."""
    return Selection(row, store.bar_of(row))


def select_frame(store: LogStore, frame: int) -> Selection:
    return Selection() if frame == NO_FRAME else Selection(store.row_of(frame), frame)


def location_of(store: LogStore, selection: Selection) -> Location | None:
    """The line of source that the event belongs to; that of its bar where it has none itself."""
    rows = store.rows
    candidates = [selection.row]
    frame = selection.frame
    while frame != NO_FRAME:
        candidates.append(store.frames.begin_row[frame])
        frame = store.frames.parent[frame]
    for row in candidates:
        if row != NO_ROW and rows.path(row):
            return Location(rows.path(row), rows.line[row])
    return None


def counter_of(store: LogStore, selection: Selection) -> LimitName | None:
    """The gauge that the event moved."""
    if selection.row == NO_ROW:
        return None
    noted = store.rows.counter_name(selection.row)
    return noted or FACTS_BY_NUMBER[store.rows.event[selection.row]].counter
