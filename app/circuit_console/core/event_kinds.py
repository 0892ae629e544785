"""What the rows of a run's log are, and how they are named and coloured."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec

from circuit_log.limits import LimitName

Tone = Literal["plain", "warning", "error", "paused"]


class Kind(IntEnum):
    """What a bar or a row is about. The order is the priority where several share a pixel, lowest first."""

    LOG = 0
    CODE = 1
    CALLOUT = 2
    QUERY = 3
    DML = 4


class Edge(IntEnum):
    """Whether a row stands alone, or opens or closes a frame of the timeline."""

    NONE = 0
    BEGIN = 1
    END = 2


class EventType(IntEnum):
    """Every event that has a row of its own; its facts are in `FACTS`."""

    USER_INFO = 0
    EXECUTION_STARTED = 1
    EXECUTION_FINISHED = 2
    UNIT_BEGIN = 3
    UNIT_END = 4
    METHOD_ENTRY = 5
    METHOD_EXIT = 6
    STATEMENT = 7
    VARIABLE = 8
    HEAP = 9
    ERROR = 10
    WARN = 11
    INFO = 12
    DEBUG = 13
    FINE = 14
    FINER = 15
    FINEST = 16
    QUERY_BEGIN = 17
    QUERY_PLAN = 18
    QUERY_END = 19
    SEARCH_BEGIN = 20
    SEARCH_END = 21
    DML_BEGIN = 22
    DML_END = 23
    SAVEPOINT = 24
    ROLLBACK = 25
    RELEASE = 26
    RESET = 27
    LOCKS_RELEASED = 28
    CALLOUT_BEGIN = 29
    CALLOUT_END = 30
    VALIDATION = 31
    FORMULA = 32
    VALIDATION_PASS = 33
    VALIDATION_FAIL = 34
    EXCEPTION = 35
    FATAL_ERROR = 36
    LIMIT_USAGE = 37
    LIMIT_WARNING = 38
    PAUSED = 39
    RESUMED = 40


class EventFacts(msgspec.Struct, frozen=True):
    """How one type of event is shown.

    Attributes:
        group: the entry of the filter menu it belongs to.
        counter: the counter that its GOVERNOR cell shows.
    """

    kind: Kind
    group: str
    edge: Edge = Edge.NONE
    tone: Tone = "plain"
    counter: LimitName | None = None


_SYSTEM = EventFacts(Kind.LOG, "System")
_DETAIL = EventFacts(Kind.LOG, "Statements and variables")
_DEBUG = EventFacts(Kind.LOG, "Debug lines")
_SAVEPOINTS = EventFacts(Kind.DML, "Savepoints")
_VALIDATION = EventFacts(Kind.LOG, "Validation")

FACTS: dict[EventType, EventFacts] = {
    EventType.USER_INFO: _SYSTEM,
    EventType.EXECUTION_STARTED: _SYSTEM,
    EventType.EXECUTION_FINISHED: _SYSTEM,
    EventType.UNIT_BEGIN: EventFacts(Kind.CODE, "Code units", Edge.BEGIN),
    EventType.UNIT_END: EventFacts(Kind.CODE, "Code units", Edge.END),
    EventType.METHOD_ENTRY: EventFacts(Kind.CODE, "Methods", Edge.BEGIN),
    EventType.METHOD_EXIT: EventFacts(Kind.CODE, "Methods", Edge.END),
    EventType.STATEMENT: _DETAIL,
    EventType.VARIABLE: _DETAIL,
    EventType.HEAP: _DETAIL,
    EventType.ERROR: EventFacts(Kind.LOG, "Debug lines", tone="error"),
    EventType.WARN: EventFacts(Kind.LOG, "Debug lines", tone="warning"),
    EventType.INFO: _DEBUG,
    EventType.DEBUG: _DEBUG,
    EventType.FINE: _DEBUG,
    EventType.FINER: _DEBUG,
    EventType.FINEST: _DEBUG,
    EventType.QUERY_BEGIN: EventFacts(Kind.QUERY, "Queries", Edge.BEGIN, counter=LimitName.QUERIES),
    EventType.QUERY_PLAN: EventFacts(Kind.QUERY, "Queries"),
    EventType.QUERY_END: EventFacts(Kind.QUERY, "Queries", Edge.END, counter=LimitName.QUERIES),
    EventType.SEARCH_BEGIN: EventFacts(Kind.QUERY, "Queries", Edge.BEGIN, counter=LimitName.SOSL_QUERIES),
    EventType.SEARCH_END: EventFacts(Kind.QUERY, "Queries", Edge.END, counter=LimitName.SOSL_QUERIES),
    EventType.DML_BEGIN: EventFacts(Kind.DML, "DML", Edge.BEGIN, counter=LimitName.DML_STATEMENTS),
    EventType.DML_END: EventFacts(Kind.DML, "DML", Edge.END, counter=LimitName.DML_STATEMENTS),
    EventType.SAVEPOINT: _SAVEPOINTS,
    EventType.ROLLBACK: EventFacts(Kind.DML, "Savepoints", tone="warning"),
    EventType.RELEASE: _SAVEPOINTS,
    EventType.RESET: _SAVEPOINTS,
    EventType.LOCKS_RELEASED: _SAVEPOINTS,
    EventType.CALLOUT_BEGIN: EventFacts(Kind.CALLOUT, "Callouts", Edge.BEGIN, counter=LimitName.CALLOUTS),
    EventType.CALLOUT_END: EventFacts(Kind.CALLOUT, "Callouts", Edge.END, counter=LimitName.CALLOUTS),
    EventType.VALIDATION: _VALIDATION,
    EventType.FORMULA: _VALIDATION,
    EventType.VALIDATION_PASS: _VALIDATION,
    EventType.VALIDATION_FAIL: EventFacts(Kind.LOG, "Validation", tone="error"),
    EventType.EXCEPTION: EventFacts(Kind.LOG, "Errors", tone="error"),
    EventType.FATAL_ERROR: EventFacts(Kind.LOG, "Errors", tone="error"),
    EventType.LIMIT_USAGE: EventFacts(Kind.LOG, "Limits"),
    EventType.LIMIT_WARNING: EventFacts(Kind.LOG, "Limits", tone="warning"),
    EventType.PAUSED: EventFacts(Kind.LOG, "Pauses", tone="paused"),
    EventType.RESUMED: EventFacts(Kind.LOG, "Pauses", tone="paused"),
}

# By the event's number, so that a row is looked up without a hash of the enum.
FACTS_BY_NUMBER: tuple[EventFacts, ...] = tuple(FACTS[event] for event in EventType)
NAMES_BY_NUMBER: tuple[str, ...] = tuple(event.name for event in EventType)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(facts.group for facts in FACTS_BY_NUMBER))
