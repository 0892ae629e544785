"""The border of one transaction: whatever fails within the runtime ends this one alone."""

from __future__ import annotations

import logging
from collections.abc import Callable

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import RunError
from circuit_runtime.host.execution_request import ExecutionResult
from circuit_runtime.host.shortage import shortage

_log = logging.getLogger("circuit.runtime.runs")


def guarded(execute: Callable[[], ExecutionResult], what: str) -> ExecutionResult:
    """The result of `execute`, or one that says what went wrong; `what` names it in the host's log."""
    try:
        return execute()
    except UserFacingError as exc:
        error = _run_error(exc)
    except (MemoryError, OSError) as exc:
        _log.exception("%s failed for want of something", what)
        error = _run_error(shortage(exc))
    except Exception as exc:  # noqa: BLE001 - the border of a run: our bug ends this run alone
        _log.exception("%s failed within the runtime", what)
        error = RunError(
            type="InternalError",
            message=f"The runtime failed: {type(exc).__name__}: {exc}. .circuit/host.log has the details.",
        )
    return ExecutionResult(outcome="error", error=error, exit_code=1, limits={}, committed=False)


def _run_error(error: UserFacingError) -> RunError:
    return RunError(type=error.code, message=error.message, file=error.path, line=error.line, column=error.column)
