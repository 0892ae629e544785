"""What this debug adapter says it can do."""

from __future__ import annotations

from typing import Any

from circuit_runtime.host.dap.configuration import EXCEPTION_FILTERS

CAPABILITIES: dict[str, Any] = {
    "supportsConfigurationDoneRequest": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsFunctionBreakpoints": True,
    "supportsBreakpointLocationsRequest": True,
    "supportsEvaluateForHovers": True,
    "supportsClipboardContext": True,
    "supportsValueFormattingOptions": True,
    "supportsSetVariable": True,
    "supportsSetExpression": True,
    "supportsCompletionsRequest": True,
    "completionTriggerCharacters": ["."],
    "supportsExceptionInfoRequest": True,
    "supportsExceptionOptions": True,
    "supportsExceptionFilterOptions": True,
    "supportsGotoTargetsRequest": True,
    "supportsStepInTargetsRequest": True,
    "supportsRestartFrame": True,
    "supportsRestartRequest": True,
    "supportsTerminateRequest": True,
    "supportTerminateDebuggee": True,
    "supportsCancelRequest": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsLoadedSourcesRequest": True,
    "supportsModulesRequest": True,
    "supportedChecksumAlgorithms": ["SHA256"],
    "exceptionBreakpointFilters": [
        {
            "filter": name,
            "label": label,
            "description": description,
            "default": is_default,
            "supportsCondition": True,
            "conditionDescription": "Names of exception types, for example: ValueError, KeyError",
        }
        for name, label, description, is_default in EXCEPTION_FILTERS
    ],
}

# Told once a run is launched that records its statements.
STEPPING_BACK: dict[str, Any] = {"supportsStepBack": True}
