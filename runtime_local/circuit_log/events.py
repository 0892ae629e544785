"""The event stream of a run: what happened, in order, as typed values.

The ApexLog text, the timeline, the call tree, the gauges and the tables are views of this stream.
The host alone makes these events: it numbers them, stamps them and drops what the run's levels exclude.
"""

from __future__ import annotations

import msgspec

from circuit_log.levels import Level
from circuit_log.limits import LimitUse


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event carries.

    Attributes:
        seq: place in the run's stream, from 0, without gaps.
        ns: nanoseconds since the run started, on the host's monotonic clock; never decreases.
        path: source file relative to the project, with forward slashes; "" outside script.
        line: 1-based line in `path`; 0 outside script (an ApexLog prints EXTERNAL).
    """

    seq: int
    ns: int
    path: str = ""
    line: int = 0


class UserInfo(_Event, frozen=True, kw_only=True, tag="USER_INFO"):
    user_id: str
    user_name: str
    time_zone: str
    utc_offset: str


class ExecutionStarted(_Event, frozen=True, kw_only=True, tag="EXECUTION_STARTED"):
    pass


class ExecutionFinished(_Event, frozen=True, kw_only=True, tag="EXECUTION_FINISHED"):
    pass


class CodeUnitStarted(_Event, frozen=True, kw_only=True, tag="CODE_UNIT_STARTED"):
    """A trigger, an anonymous block, a test method, … begins.

    Attributes:
        unit_id: 18-character id of a trigger; "" for anonymous code.
        name: as Salesforce prints it: `execute_anonymous_apex`,
            `ContactTrigger on Contact trigger event AfterInsert for [id, id]`.
        type_ref: `__sfdc_trigger/ContactTrigger` or "".
        rows: number of records the unit works on; 0 where it works on none.
    """

    name: str
    unit_id: str = ""
    type_ref: str = ""
    rows: int = 0


class CodeUnitFinished(_Event, frozen=True, kw_only=True, tag="CODE_UNIT_FINISHED"):
    name: str
    type_ref: str = ""


class MethodEntry(_Event, frozen=True, kw_only=True, tag="METHOD_ENTRY"):
    """`signature` is `Class.method(args)` or `module.function(args)`; `path`/`line` are the callee's."""

    signature: str


class MethodExit(_Event, frozen=True, kw_only=True, tag="METHOD_EXIT"):
    signature: str


class StatementExecute(_Event, frozen=True, kw_only=True, tag="STATEMENT_EXECUTE"):
    pass


class VariableAssignment(_Event, frozen=True, kw_only=True, tag="VARIABLE_ASSIGNMENT"):
    name: str
    value: str


class HeapAllocate(_Event, frozen=True, kw_only=True, tag="HEAP_ALLOCATE"):
    size_bytes: int


class UserDebug(_Event, frozen=True, kw_only=True, tag="USER_DEBUG"):
    """A `CircuitLog` call. `data` is JSON text, or "" where the script passed none."""

    level: Level
    text: str
    data: str = ""


class SoqlBegin(_Event, frozen=True, kw_only=True, tag="SOQL_EXECUTE_BEGIN"):
    query: str
    aggregations: int = 0


class SoqlExplain(_Event, frozen=True, kw_only=True, tag="SOQL_EXECUTE_EXPLAIN"):
    plan: str


class SoqlEnd(_Event, frozen=True, kw_only=True, tag="SOQL_EXECUTE_END"):
    rows: int


class SoslBegin(_Event, frozen=True, kw_only=True, tag="SOSL_EXECUTE_BEGIN"):
    query: str


class SoslEnd(_Event, frozen=True, kw_only=True, tag="SOSL_EXECUTE_END"):
    rows: int


class DmlBegin(_Event, frozen=True, kw_only=True, tag="DML_BEGIN"):
    """`operation` is Insert, Update, Upsert, Delete, Undelete or Merge."""

    operation: str
    object_name: str
    rows: int


class DmlEnd(_Event, frozen=True, kw_only=True, tag="DML_END"):
    pass


class SavepointSet(_Event, frozen=True, kw_only=True, tag="SAVEPOINT_SET"):
    name: str


class SavepointRollback(_Event, frozen=True, kw_only=True, tag="SAVEPOINT_ROLLBACK"):
    name: str


class SavepointRelease(_Event, frozen=True, kw_only=True, tag="SAVEPOINT_RELEASE"):
    name: str


class SavepointReset(_Event, frozen=True, kw_only=True, tag="SAVEPOINT_RESET"):
    pass


class LocksReleased(_Event, frozen=True, kw_only=True, tag="FOR_UPDATE_LOCKS_RELEASE"):
    pass


class CalloutRequest(_Event, frozen=True, kw_only=True, tag="CALLOUT_REQUEST"):
    method: str
    endpoint: str


class CalloutResponse(_Event, frozen=True, kw_only=True, tag="CALLOUT_RESPONSE"):
    status_code: int
    status: str
    size_bytes: int = 0


class ValidationRule(_Event, frozen=True, kw_only=True, tag="VALIDATION_RULE"):
    rule: str


class ValidationFormula(_Event, frozen=True, kw_only=True, tag="VALIDATION_FORMULA"):
    formula: str


class ValidationPass(_Event, frozen=True, kw_only=True, tag="VALIDATION_PASS"):
    pass


class ValidationFail(_Event, frozen=True, kw_only=True, tag="VALIDATION_FAIL"):
    pass


class ExceptionThrown(_Event, frozen=True, kw_only=True, tag="EXCEPTION_THROWN"):
    type_name: str
    message: str


class StackLine(msgspec.Struct, frozen=True, array_like=True):
    """One line of a script's stack: `Class.VirtualLPR.calculate`, its file and 1-based line."""

    name: str
    path: str
    line: int


class FatalError(_Event, frozen=True, kw_only=True, tag="FATAL_ERROR"):
    """The exception that ended the run; `stack` has the innermost call first."""

    type_name: str
    message: str
    stack: tuple[StackLine, ...] = ()


class LimitUsageForNamespace(_Event, frozen=True, kw_only=True, tag="LIMIT_USAGE_FOR_NS"):
    """All counters of a namespace; an ApexLog prints it as a block of lines."""

    namespace: str
    limits: tuple[LimitUse, ...]


class LimitChanged(_Event, frozen=True, kw_only=True, tag="circuit.limit"):
    """Counters after they moved. It feeds gauges and tables, and is not written to an ApexLog."""

    limits: tuple[LimitUse, ...]


class LimitWarning(_Event, frozen=True, kw_only=True, tag="circuit.limit_warning"):
    """A counter passed 80 %. Not written to an ApexLog (its block says CLOSE TO LIMIT)."""

    limit: LimitUse


class Paused(_Event, frozen=True, kw_only=True, tag="circuit.paused"):
    """The debugger stopped the run here. Not written to an ApexLog."""

    reason: str


class Resumed(_Event, frozen=True, kw_only=True, tag="circuit.resumed"):
    """The run goes on after `paused_ns` nanoseconds. Not written to an ApexLog."""

    paused_ns: int


LogEvent = (
    UserInfo
    | ExecutionStarted
    | ExecutionFinished
    | CodeUnitStarted
    | CodeUnitFinished
    | MethodEntry
    | MethodExit
    | StatementExecute
    | VariableAssignment
    | HeapAllocate
    | UserDebug
    | SoqlBegin
    | SoqlExplain
    | SoqlEnd
    | SoslBegin
    | SoslEnd
    | DmlBegin
    | DmlEnd
    | SavepointSet
    | SavepointRollback
    | SavepointRelease
    | SavepointReset
    | LocksReleased
    | CalloutRequest
    | CalloutResponse
    | ValidationRule
    | ValidationFormula
    | ValidationPass
    | ValidationFail
    | ExceptionThrown
    | FatalError
    | LimitUsageForNamespace
    | LimitChanged
    | LimitWarning
    | Paused
    | Resumed
)
