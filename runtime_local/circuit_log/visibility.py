"""Which category and level an event needs to be logged; the table of Salesforce's debug log levels."""

from __future__ import annotations

import circuit_log.events as ev
from circuit_log.levels import Category, Level, LogLevels

_NEEDS: dict[type, tuple[Category, Level]] = {
    ev.UserInfo: (Category.APEX_CODE, Level.ERROR),
    ev.ExecutionStarted: (Category.APEX_CODE, Level.ERROR),
    ev.ExecutionFinished: (Category.APEX_CODE, Level.ERROR),
    ev.CodeUnitStarted: (Category.APEX_CODE, Level.ERROR),
    ev.CodeUnitFinished: (Category.APEX_CODE, Level.ERROR),
    ev.FatalError: (Category.APEX_CODE, Level.ERROR),
    ev.ExceptionThrown: (Category.APEX_CODE, Level.INFO),
    ev.MethodEntry: (Category.APEX_CODE, Level.FINE),
    ev.MethodExit: (Category.APEX_CODE, Level.FINE),
    ev.StatementExecute: (Category.APEX_CODE, Level.FINER),
    ev.HeapAllocate: (Category.APEX_CODE, Level.FINER),
    ev.VariableAssignment: (Category.APEX_CODE, Level.FINEST),
    ev.SoqlBegin: (Category.DB, Level.INFO),
    ev.SoqlEnd: (Category.DB, Level.INFO),
    ev.SoqlExplain: (Category.DB, Level.FINEST),
    ev.SoslBegin: (Category.DB, Level.INFO),
    ev.SoslEnd: (Category.DB, Level.INFO),
    ev.DmlBegin: (Category.DB, Level.INFO),
    ev.DmlEnd: (Category.DB, Level.INFO),
    ev.SavepointSet: (Category.DB, Level.INFO),
    ev.SavepointRollback: (Category.DB, Level.INFO),
    ev.SavepointRelease: (Category.DB, Level.INFO),
    ev.SavepointReset: (Category.DB, Level.INFO),
    ev.LocksReleased: (Category.DB, Level.INFO),
    ev.CalloutRequest: (Category.CALLOUT, Level.INFO),
    ev.CalloutResponse: (Category.CALLOUT, Level.INFO),
    ev.ValidationRule: (Category.VALIDATION, Level.INFO),
    ev.ValidationFormula: (Category.VALIDATION, Level.INFO),
    ev.ValidationPass: (Category.VALIDATION, Level.INFO),
    ev.ValidationFail: (Category.VALIDATION, Level.INFO),
    # Salesforce's table says FINEST, its own samples print the block at INFO; we follow the samples.
    ev.LimitUsageForNamespace: (Category.APEX_PROFILING, Level.INFO),
}


def is_visible(event: ev.LogEvent, levels: LogLevels) -> bool:
    """Whether a run with these levels logs the event.

    Events that feed only the live views (`circuit.*`) are always let through.
    """
    if isinstance(event, ev.UserDebug):
        return levels.allows(Category.APEX_CODE, event.level)
    need = _NEEDS.get(type(event))
    return need is None or levels.allows(*need)
