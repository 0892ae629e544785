"""The governor's counters as people see them: names, units, shares, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from circuit_console.core.quantities import format_count
from circuit_log.limits import LimitName, LimitUse

WARNING_SHARE = 0.80
DANGER_SHARE = 0.95
Tone = Literal["normal", "warning", "danger"]

_MEGABYTE = 1024 * 1024
_MICROS = 1_000_000


class _Words(msgspec.Struct, frozen=True):
    """`title` on a card, `short` in a table's cell, `advice` when the limit comes near."""

    title: str
    short: str
    advice: str


_WORDS: dict[LimitName, _Words] = {
    LimitName.CALLOUTS: _Words("Callouts", "callouts", "Make one callout for many records."),
    LimitName.QUERIES: _Words("Queries", "queries", "Query once outside the loop, with IN :ids."),
    LimitName.CPU_MS: _Words("CPU time", "CPU", "Look for the widest bar of the timeline."),
    LimitName.HEAP_BYTES: _Words("Heap", "heap", "Work through the rows in chunks."),
    LimitName.DML_STATEMENTS: _Words("DML", "DML", "Collect the records and save them once."),
    LimitName.QUERY_ROWS: _Words("Rows", "rows", "Narrow the query with WHERE or LIMIT."),
    LimitName.DML_ROWS: _Words("DML rows", "DML rows", "Save only the records that changed."),
    LimitName.WALL_MS: _Words("Run time", "run time", "Look for what the run waits for."),
    LimitName.AGGREGATE_QUERIES: _Words("Sub-queries", "sub-queries", "Query the children on their own."),
    LimitName.SOSL_QUERIES: _Words("Searches", "searches", "Search once for all terms."),
    LimitName.QUERY_LOCATOR_ROWS: _Words("Locator rows", "locator rows", "Narrow the locator's query."),
    LimitName.PUBLISH_IMMEDIATE: _Words("Events", "events", "Publish the events in one call."),
    LimitName.QUEUEABLE_JOBS: _Words("Jobs", "jobs", "Enqueue one job for many records."),
    LimitName.FUTURE_CALLS: _Words("Future calls", "future calls", "Call once with all ids."),
    LimitName.EMAIL_INVOCATIONS: _Words("E-mails", "e-mails", "Send the messages in one call."),
    LimitName.MOBILE_PUSH: _Words("Push calls", "push calls", "Send the notifications in one call."),
    LimitName.COST_MICROS: _Words("Cost", "cost", "Look for what has a price: [limits.cost] in circuit.toml."),
}

# The cards that are always there, in the order in which they stand; others appear once they are used.
CARDS: tuple[LimitName, ...] = (
    LimitName.CALLOUTS,
    LimitName.QUERIES,
    LimitName.CPU_MS,
    LimitName.HEAP_BYTES,
    LimitName.DML_STATEMENTS,
    LimitName.QUERY_ROWS,
)
_MORE: tuple[LimitName, ...] = tuple(name for name in _WORDS if name not in CARDS)


def title_of(name: LimitName) -> str:
    return _WORDS[name].title


def short_title_of(name: LimitName) -> str:
    return _WORDS[name].short


def advice_for(name: LimitName) -> str:
    return _WORDS[name].advice


def amount(name: LimitName, used: int, maximum: int) -> str:
    """`42 / 50`, `0.52 / 30 s`, `12 / 512 MB`."""
    match name:
        case LimitName.CPU_MS | LimitName.WALL_MS:
            return f"{_seconds(used)} / {_seconds(maximum)} s"
        case LimitName.HEAP_BYTES:
            return f"{_megabytes(used)} / {_megabytes(maximum)} MB"
        case LimitName.COST_MICROS:
            return f"{used / _MICROS:.4f} / {maximum / _MICROS:.4f}"
        case _:
            return f"{format_count(used)} / {format_count(maximum)}"


def percent(used: int, maximum: int) -> int:
    """The used part, rounded up from 0 to 1 but never up to a 100 that is not reached."""
    if maximum <= 0:
        return 100 if used > 0 else 0
    if used <= 0:
        return 0
    share = 100 * used / maximum
    return max(1, min(99, round(share))) if share < 100 else round(share)


def tone_of(used: int, maximum: int) -> Tone:
    share = LimitUse(LimitName.QUERIES, used, maximum).share
    if share >= DANGER_SHARE:
        return "danger"
    return "warning" if share >= WARNING_SHARE else "normal"


class GaugeView(msgspec.Struct, frozen=True):
    """One card. `ghost_share` is where the previous run ended, None where there was none."""

    name: LimitName
    title: str
    amount: str
    percent: int
    share: float
    tone: Tone
    ghost_share: float | None = None

    def spoken(self) -> str:
        """What a screen reader says."""
        state = {"normal": "", "warning": ", close to the limit", "danger": ", at the limit"}[self.tone]
        return f"{self.title}, {self.amount.replace('/', 'of')}, {self.percent} percent{state}"


Counters = Mapping[LimitName, tuple[int, int]]


def gauges(counters: Counters, previous: Counters) -> tuple[GaugeView, ...]:
    """The cards for counters as name to (used, maximum); cards without a counter are left out."""
    shown = [name for name in CARDS if name in counters]
    shown += [name for name in _MORE if name in counters and _is_worth_a_card(name, *counters[name])]
    return tuple(_gauge(name, counters[name], previous.get(name)) for name in shown)


def breached(counters: Counters) -> LimitName | None:
    """The counter that is above its maximum, if one is."""
    return next((name for name, (used, maximum) in counters.items() if used > maximum), None)


def _is_worth_a_card(name: LimitName, used: int, maximum: int) -> bool:
    """Run time moves with every run, so it shows only when it comes near its limit."""
    return tone_of(used, maximum) != "normal" if name is LimitName.WALL_MS else used > 0


def _gauge(name: LimitName, use: tuple[int, int], before: tuple[int, int] | None) -> GaugeView:
    used, maximum = use
    return GaugeView(
        name=name,
        title=title_of(name),
        amount=amount(name, used, maximum),
        percent=percent(used, maximum),
        share=LimitUse(name, used, maximum).share,
        tone=tone_of(used, maximum),
        ghost_share=LimitUse(name, *before).share if before else None,
    )


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.2f}".rstrip("0").rstrip(".") if ms else "0"


def _megabytes(size_bytes: int) -> str:
    value = size_bytes / _MEGABYTE
    return f"{value:.1f}".removesuffix(".0") if 0 < value < 10 else f"{value:.0f}"
