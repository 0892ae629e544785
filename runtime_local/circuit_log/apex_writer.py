"""Write a run's events as the text of a Salesforce debug log (ApexLog).

Format: Apex Developer Guide v65, "Debug Log Levels"; field order as read by the log parser of
certinia/debug-log-analyzer. A field's `|` is not escaped: Salesforce does not, and readers join from field 4.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import assert_never

import circuit_log.events as ev
from circuit_log.levels import LogLevels
from circuit_log.limits import BLOCK_LABELS, LimitName

API_VERSION = "65.0"
_CLOSE_TO_LIMIT = 0.8
# The others' readers take a further line of any other event for a fault.
_MULTI_LINE = (
    ev.UserDebug,
    ev.ExceptionThrown,
    ev.FatalError,
    ev.ValidationFormula,
    ev.LimitUsageForNamespace,
)
_LINE_END = re.compile(r"[\r\n]+")
# A further line that begins as an event does would be read as one: a script could forge what it never did.
_EVENT_LIKE = re.compile(r"([\r\n])(?=\d{2}:\d{2}:\d{2})")


class ApexLogWriter:
    """Turn events into log lines. Keeps no text; the caller writes what `header` and `lines` give.

    Args:
        levels: printed in the header; the events given are already filtered by them.
        started_at: wall clock at event time 0; the time of day of each line counts from it.
        source: text of an anonymous run, printed behind the header; "" for other runs.
    """

    def __init__(self, levels: LogLevels, started_at: dt.datetime, source: str = "") -> None:
        self._levels = levels
        self._started_at = started_at
        self._source = source

    def header(self) -> str:
        """The lines before the first event, each with its line feed."""
        lines = [f"{API_VERSION} {self._levels.text()}"]
        lines += [f"Execute Anonymous: {line}" for line in self._source.splitlines()]
        return "".join(f"{line}\n" for line in lines)

    def lines(self, event: ev.LogEvent) -> str:
        """The event's text with its line feeds; "" for events that an ApexLog has no place for."""
        bodies = map(_continued if isinstance(event, _MULTI_LINE) else _unbroken, _bodies(event))
        return "".join(f"{self._stamp(event)}|{body}\n" for body in bodies)

    def _stamp(self, event: ev.LogEvent) -> str:
        moment = self._started_at + dt.timedelta(microseconds=event.ns // 1000)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d} ({event.ns})"


def _place(event: ev.LogEvent) -> str:
    return f"[{event.line}]" if event.line else "[EXTERNAL]"


def _bodies(event: ev.LogEvent) -> Iterator[str]:
    place = _place(event)
    match event:
        case ev.UserInfo():
            yield (f"USER_INFO|[EXTERNAL]|{event.user_id}|{event.user_name}|{event.time_zone}|{event.utc_offset}")
        case ev.ExecutionStarted():
            yield "EXECUTION_STARTED"
        case ev.ExecutionFinished():
            yield "EXECUTION_FINISHED"
        case ev.CodeUnitStarted():
            parts = [part for part in (event.unit_id, event.name, event.type_ref) if part]
            yield "|".join(["CODE_UNIT_STARTED", "[EXTERNAL]", *parts])
        case ev.CodeUnitFinished():
            yield "|".join(part for part in ("CODE_UNIT_FINISHED", event.name, event.type_ref) if part)
        case ev.MethodEntry():
            yield f"METHOD_ENTRY|{place}||{event.signature}"
        case ev.MethodExit():
            yield f"METHOD_EXIT|{place}||{event.signature}"
        case ev.StatementExecute():
            yield f"STATEMENT_EXECUTE|{place}"
        case ev.VariableAssignment():
            yield f"VARIABLE_ASSIGNMENT|{place}|{event.name}|{event.value}"
        case ev.HeapAllocate():
            yield f"HEAP_ALLOCATE|{place}|Bytes:{event.size_bytes}"
        case ev.UserDebug():
            text = f"{event.text} {event.data}" if event.data else event.text
            yield f"USER_DEBUG|{place}|{event.level.name}|{text}"
        case ev.SoqlBegin():
            yield f"SOQL_EXECUTE_BEGIN|{place}|Aggregations:{event.aggregations}|{_one_line(event.query)}"
        case ev.SoqlExplain():
            yield f"SOQL_EXECUTE_EXPLAIN|{place}|{event.plan}"
        case ev.SoqlEnd():
            yield f"SOQL_EXECUTE_END|{place}|Rows:{event.rows}"
        case ev.SoslBegin():
            yield f"SOSL_EXECUTE_BEGIN|{place}|{_one_line(event.query)}"
        case ev.SoslEnd():
            yield f"SOSL_EXECUTE_END|{place}|Rows:{event.rows}"
        case ev.DmlBegin():
            yield f"DML_BEGIN|{place}|Op:{event.operation}|Type:{event.object_name}|Rows:{event.rows}"
        case ev.DmlEnd():
            yield f"DML_END|{place}"
        case ev.SavepointSet():
            yield f"SAVEPOINT_SET|{place}|{event.name}"
        case ev.SavepointRollback():
            yield f"SAVEPOINT_ROLLBACK|{place}|{event.name}"
        case ev.SavepointRelease():
            yield f"SAVEPOINT_RELEASE|{place}|{event.name}"
        case ev.SavepointReset():
            yield f"SAVEPOINT_RESET|{place}"
        case ev.LocksReleased():
            yield f"FOR_UPDATE_LOCKS_RELEASE|{place}"
        case ev.CalloutRequest():
            yield (f"CALLOUT_REQUEST|{place}|System.HttpRequest[Endpoint={event.endpoint}, Method={event.method}]")
        case ev.CalloutResponse():
            yield (
                f"CALLOUT_RESPONSE|{place}|"
                f"System.HttpResponse[Status={event.status}, StatusCode={event.status_code}]"
            )
        case ev.ValidationRule():
            yield f"VALIDATION_RULE|{event.rule}"
        case ev.ValidationFormula():
            yield f"VALIDATION_FORMULA|{event.formula}"
        case ev.ValidationPass():
            yield "VALIDATION_PASS"
        case ev.ValidationFail():
            yield "VALIDATION_FAIL"
        case ev.ExceptionThrown():
            yield f"EXCEPTION_THROWN|{place}|{event.type_name}: {event.message}"
        case ev.FatalError():
            yield f"FATAL_ERROR|{event.type_name}: {event.message}\n{_stack(event)}"
        case ev.LimitUsageForNamespace():
            yield "CUMULATIVE_LIMIT_USAGE"
            yield f"LIMIT_USAGE_FOR_NS|{event.namespace}|\n{_block(event)}"
            yield "CUMULATIVE_LIMIT_USAGE_END\n"
        case ev.LimitChanged() | ev.LimitWarning() | ev.Paused() | ev.Resumed():
            return
        case _:
            assert_never(event)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _unbroken(text: str) -> str:
    return _LINE_END.sub(" ", text) if "\n" in text or "\r" in text else text


def _continued(text: str) -> str:
    return _EVENT_LIKE.sub(r"\1 ", text) if "\n" in text or "\r" in text else text


def _stack(event: ev.FatalError) -> str:
    return "".join(f"\n{frame.name}: line {frame.line}, column 1" for frame in event.stack)


def _block(event: ev.LimitUsageForNamespace) -> str:
    uses = {use.name: use for use in event.limits}
    lines = []
    for name, label in BLOCK_LABELS:
        use = uses.get(name)
        # Salesforce leaves this row out unless it is used.
        if use is None or (name is LimitName.PUBLISH_IMMEDIATE and not use.used):
            continue
        close = " ******* CLOSE TO LIMIT" if use.share >= _CLOSE_TO_LIMIT else ""
        lines.append(f"  {label}: {use.used} out of {use.maximum}{close}\n")
    return "".join(lines)
