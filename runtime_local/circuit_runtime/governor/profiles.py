"""The numbers of the limit profiles.

`apex` has Salesforce's (Apex Developer Guide v65, "Execution Governors and Limits"); `circuit`, the default, has
the eight of its own and Apex's for all the rest.
"""

from __future__ import annotations

from circuit_log.limits import LimitName
from circuit_runtime.project.settings import LimitsTable

TRIGGER_DEPTH = 16
TRIGGER_CHUNK = 200
CALLOUT_TOTAL_MS = 120_000
CALLOUT_TOTAL_IN_TRIGGER_MS = 30_000
MICROS = 1_000_000

# Name to (synchronous, asynchronous) maximum.
_APEX: dict[LimitName, tuple[int, int]] = {
    LimitName.QUERIES: (100, 200),
    LimitName.AGGREGATE_QUERIES: (300, 600),
    LimitName.QUERY_ROWS: (50_000, 50_000),
    LimitName.QUERY_LOCATOR_ROWS: (10_000, 10_000),
    LimitName.SOSL_QUERIES: (20, 20),
    LimitName.DML_STATEMENTS: (150, 150),
    LimitName.DML_ROWS: (10_000, 10_000),
    LimitName.PUBLISH_IMMEDIATE: (150, 150),
    LimitName.CPU_MS: (10_000, 60_000),
    LimitName.HEAP_BYTES: (6_000_000, 12_000_000),
    LimitName.WALL_MS: (600_000, 600_000),
    LimitName.CALLOUTS: (100, 100),
    LimitName.EMAIL_INVOCATIONS: (10, 10),
    LimitName.FUTURE_CALLS: (50, 0),
    LimitName.QUEUEABLE_JOBS: (50, 1),
    LimitName.MOBILE_PUSH: (10, 10),
}

_CIRCUIT: dict[LimitName, int] = {
    LimitName.WALL_MS: 30_000,
    LimitName.CPU_MS: 30_000,
    LimitName.HEAP_BYTES: 512 * 1024 * 1024,
    LimitName.CALLOUTS: 50,
    LimitName.QUERIES: 100,
    LimitName.QUERY_ROWS: 50_000,
    LimitName.DML_STATEMENTS: 150,
    LimitName.DML_ROWS: 10_000,
}

_TEXTS: dict[LimitName, str] = {
    LimitName.QUERIES: "Too many SOQL queries: {over}",
    LimitName.AGGREGATE_QUERIES: "Too many aggregate queries: {over}",
    LimitName.QUERY_ROWS: "Too many query rows: {over}",
    LimitName.QUERY_LOCATOR_ROWS: "Too many query locator rows: {over}",
    LimitName.SOSL_QUERIES: "Too many SOSL queries: {over}",
    LimitName.DML_STATEMENTS: "Too many DML statements: {over}",
    LimitName.DML_ROWS: "Too many DML rows: {over}",
    LimitName.PUBLISH_IMMEDIATE: "Too many publish immediate DML statements: {over}",
    LimitName.CPU_MS: "Apex CPU time limit exceeded",
    LimitName.HEAP_BYTES: "Apex heap size too large: {used}",
    LimitName.WALL_MS: "Maximum execution time exceeded: {maximum} ms",
    LimitName.CALLOUTS: "Too many callouts: {over}",
    LimitName.EMAIL_INVOCATIONS: "Too many Email Invocations: {over}",
    LimitName.FUTURE_CALLS: "Too many future calls: {over}",
    LimitName.QUEUEABLE_JOBS: "Too many queueable jobs added to the queue: {over}",
    LimitName.MOBILE_PUSH: "Too many Mobile Apex push calls: {over}",
    LimitName.COST_MICROS: "Execution cost ceiling exceeded: {used_units:.6f} of {maximum_units:.6f}",
}


def limits_for(table: LimitsTable, *, is_async: bool = False) -> dict[LimitName, int]:
    """The maximum of every counter for a project's settings."""
    maxima = {name: pair[is_async] for name, pair in _APEX.items()}
    if table.profile == "circuit":
        maxima.update(_CIRCUIT)
    maxima.update({LimitName(name): maximum for name, maximum in table.overrides.items()})
    if table.cost is not None:
        maxima[LimitName.COST_MICROS] = round(table.cost.ceiling * MICROS)
    return maxima


def breach_text(name: LimitName, used: int, maximum: int) -> str:
    """Salesforce's sentence. Counted limits name the first number that is too many."""
    return _TEXTS[name].format(
        over=maximum + 1,
        used=used,
        maximum=maximum,
        used_units=used / MICROS,
        maximum_units=maximum / MICROS,
    )
