"""What the cells of the log table say, and in which colour."""

from __future__ import annotations

from typing import NamedTuple

from circuit_console.core.event_kinds import FACTS_BY_NUMBER, NAMES_BY_NUMBER, EventType, Kind
from circuit_console.core.event_rows import NO_DURATION
from circuit_console.core.governor_view import amount, percent, short_title_of, tone_of
from circuit_console.core.log_store import LogStore
from circuit_console.core.quantities import format_clock, format_duration
from circuit_console.core.theme import ColorName
from circuit_console.widgets.flame_colors import TEXT_COLORS


class Cells(NamedTuple):
    """One row's texts; `tone` colours the whole row where it is not "plain"."""

    time: str
    event: str
    event_color: ColorName
    detail: str
    source: str
    duration: str
    governor: str
    governor_color: ColorName
    tone: str

    def spoken(self) -> str:
        """What a screen reader says of the row."""
        return ", ".join(
            filter(None, (self.time, self.event, self.detail, self.source, self.duration, self.governor))
        )


def cells_of(store: LogStore, row: int) -> Cells:
    rows = store.rows
    event = rows.event[row]
    facts = FACTS_BY_NUMBER[event]
    governor, governor_color = _governor(store, row, event)
    path, line = rows.path(row), rows.line[row]
    duration = rows.duration_ns[row]
    return Cells(
        time=format_clock(rows.time_ns[row]),
        event=NAMES_BY_NUMBER[event],
        event_color=_event_color(facts.kind, facts.tone),
        detail=rows.detail[row].replace("\n", "  "),
        source=f"{path.rpartition('/')[2]}:{line}" if path else "",
        duration="" if duration == NO_DURATION else format_duration(duration),
        governor=governor,
        governor_color=governor_color,
        tone=facts.tone,
    )


def _event_color(kind: Kind, tone: str) -> ColorName:
    match tone:
        case "error":
            return "err"
        case "warning":
            return "warn"
        case "paused":
            return "paused"
        case _:
            return TEXT_COLORS[kind]


def _governor(store: LogStore, row: int, event: int) -> tuple[str, ColorName]:
    name = store.rows.counter_name(row)
    if name is None:
        return "", "dim"
    used, maximum = store.rows.used[row], store.rows.maximum[row]
    tone = tone_of(used, maximum)
    color: ColorName = "err" if tone == "danger" else "warn" if tone == "warning" else "dim"
    if event == EventType.LIMIT_WARNING:
        return f"{percent(used, maximum)} %", color
    return f"{short_title_of(name)} {amount(name, used, maximum)}", color
