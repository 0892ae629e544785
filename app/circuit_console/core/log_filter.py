"""Which rows of a log are shown: by kind of event, by debug level, by text."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import msgspec

from circuit_console.core.event_kinds import FACTS_BY_NUMBER, GROUPS, NAMES_BY_NUMBER, Edge, EventType
from circuit_console.core.log_store import LogStore
from circuit_log.levels import Level

# What the timeline shows better than a table, and what is noise to most readers.
DEFAULT_HIDDEN_GROUPS: frozenset[str] = frozenset({"Methods", "Statements and variables", "System", "Savepoints"})
_LEVEL_OF = {
    EventType.ERROR: Level.ERROR,
    EventType.WARN: Level.WARN,
    EventType.INFO: Level.INFO,
    EventType.DEBUG: Level.DEBUG,
    EventType.FINE: Level.FINE,
    EventType.FINER: Level.FINER,
    EventType.FINEST: Level.FINEST,
}


class LogFilter(msgspec.Struct, frozen=True):
    """What to show.

    Attributes:
        text: part of the event's name, its detail or its source, in any case.
        hidden_groups: entries of `event_kinds.GROUPS` that are left out.
        level: debug lines above it are left out.
        shows_beginnings: whether the rows that open a query, a statement or a call are shown too, which their
            ends repeat.
    """

    text: str = ""
    hidden_groups: frozenset[str] = DEFAULT_HIDDEN_GROUPS
    level: Level = Level.FINEST
    shows_beginnings: bool = False

    @property
    def is_showing_all(self) -> bool:
        return not self.text and not self.hidden_groups and self.level is Level.FINEST and self.shows_beginnings


SHOW_ALL = LogFilter(hidden_groups=frozenset(), shows_beginnings=True)


class FilteredRows:
    """The rows of a store that pass a filter, looked through step by step so that no step takes long.

    A row is looked at once. The rows found so far are in order from the start on.
    """

    def __init__(self, store: LogStore, log_filter: LogFilter) -> None:
        self.store = store
        self.filter = log_filter
        self._shown = array("l")
        self._looked_at = 0
        self._passes = _passing_events(log_filter)
        self._needle = log_filter.text.casefold()

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, place: int) -> int:
        """The row shown at a place."""
        return self._shown[place]

    @property
    def hidden_count(self) -> int:
        """Rows looked at and left out."""
        return self._looked_at - len(self._shown)

    @property
    def is_behind(self) -> bool:
        """Whether rows wait to be looked at."""
        return self._looked_at < len(self.store.rows)

    def step(self, row_budget: int) -> int:
        """Look at up to `row_budget` more rows; how many of them are shown."""
        first, end = self._looked_at, min(len(self.store.rows), self._looked_at + row_budget)
        before = len(self._shown)
        passes = self._passes
        events = self.store.rows.event
        if self._needle:
            self._shown.extend(row for row in range(first, end) if passes[events[row]] and self._has_text(row))
        else:
            self._shown.extend(row for row in range(first, end) if passes[events[row]])
        self._looked_at = end
        return len(self._shown) - before

    def place_of(self, row: int) -> int:
        """Where a row is shown, or of the next one that is; len(self) behind the last."""
        return bisect_left(self._shown, row)

    def shows(self, row: int) -> bool:
        place = self.place_of(row)
        return place < len(self._shown) and self._shown[place] == row

    def _has_text(self, row: int) -> bool:
        rows = self.store.rows
        needle = self._needle
        return (
            needle in rows.detail[row].casefold()
            or needle in NAMES_BY_NUMBER[rows.event[row]].casefold()
            or needle in f"{rows.path(row)}:{rows.line[row]}".casefold()
        )


def _passing_events(log_filter: LogFilter) -> tuple[bool, ...]:
    assert log_filter.hidden_groups <= set(GROUPS), log_filter.hidden_groups
    return tuple(_passes(event, log_filter) for event in EventType)


def _passes(event: EventType, log_filter: LogFilter) -> bool:
    facts = FACTS_BY_NUMBER[event]
    if facts.group in log_filter.hidden_groups:
        return False
    if facts.edge is Edge.BEGIN and not log_filter.shows_beginnings:
        return False
    return _LEVEL_OF.get(event, Level.NONE) <= log_filter.level
