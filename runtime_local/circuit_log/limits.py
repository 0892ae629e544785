"""Names of the governor's counters and how an ApexLog prints them."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class LimitName(StrEnum):
    """A counter of `CircuitGovernor`; the value is its public name."""

    QUERIES = "queries"
    AGGREGATE_QUERIES = "aggregate_queries"
    QUERY_ROWS = "query_rows"
    QUERY_LOCATOR_ROWS = "query_locator_rows"
    SOSL_QUERIES = "sosl_queries"
    DML_STATEMENTS = "dml_statements"
    DML_ROWS = "dml_rows"
    PUBLISH_IMMEDIATE = "publish_immediate"
    CPU_MS = "cpu_ms"
    HEAP_BYTES = "heap_bytes"
    WALL_MS = "wall_ms"
    CALLOUTS = "callouts"
    EMAIL_INVOCATIONS = "email_invocations"
    FUTURE_CALLS = "future_calls"
    QUEUEABLE_JOBS = "queueable_jobs"
    MOBILE_PUSH = "mobile_push"
    COST_MICROS = "cost_micros"  # millionths of the unit in which circuit.toml gives prices; only where it does


# The lines of a LIMIT_USAGE_FOR_NS block in Salesforce's order.
BLOCK_LABELS: tuple[tuple[LimitName, str], ...] = (
    (LimitName.QUERIES, "Number of SOQL queries"),
    (LimitName.QUERY_ROWS, "Number of query rows"),
    (LimitName.SOSL_QUERIES, "Number of SOSL queries"),
    (LimitName.DML_STATEMENTS, "Number of DML statements"),
    (LimitName.PUBLISH_IMMEDIATE, "Number of Publish Immediate DML"),
    (LimitName.DML_ROWS, "Number of DML rows"),
    (LimitName.CPU_MS, "Maximum CPU time"),
    (LimitName.HEAP_BYTES, "Maximum heap size"),
    (LimitName.CALLOUTS, "Number of callouts"),
    (LimitName.EMAIL_INVOCATIONS, "Number of Email Invocations"),
    (LimitName.FUTURE_CALLS, "Number of future calls"),
    (LimitName.QUEUEABLE_JOBS, "Number of queueable jobs added to the queue"),
    (LimitName.MOBILE_PUSH, "Number of Mobile Apex push calls"),
)


class LimitUse(msgspec.Struct, frozen=True, array_like=True):
    """One counter at one moment: how much was used of how much; in the unit of its name."""

    name: LimitName
    used: int
    maximum: int

    @property
    def share(self) -> float:
        """Used part, 0.0 to 1.0 or above after a breach; 0.0 where nothing is allowed or used."""
        return self.used / self.maximum if self.maximum else float(self.used > 0)
