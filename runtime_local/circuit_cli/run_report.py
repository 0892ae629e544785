"""How a run's end is shown, to programs and to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circuit_cli.options import EXIT_FAILED, EXIT_OK
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import RunResult

if TYPE_CHECKING:
    from rich.table import Table

    from circuit_cli.presenter import Presenter

_OUTCOMES = {
    "success": ("✓", "bold green", "Success"),
    "error": ("✗", "bold red", "Error"),
    "limit": ("✗", "bold red", "Limit exceeded"),
    "killed": ("✗", "bold red", "Ended"),
}
_CLOSE_TO_LIMIT = 0.8


_SHOWN_RECORDS = 20


def run_document(result: RunResult, *, with_records: bool) -> dict[str, Any]:
    """The JSON of `exec`, and with `records` of `event`."""
    error = result.error
    document: dict[str, Any] = {
        "outcome": result.outcome,
        "error": None
        if error is None
        else {
            "type": error.type,
            "message": error.message,
            "file": error.file,
            "line": error.line,
            "column": error.column,
            "traceback": error.traceback,
        },
        "exit_code": result.exit_code,
        "stdout": result.stdout,
        "limits": {name: list(use) for name, use in result.limits.items()},
        "duration_ms": result.duration_ms,
        "log": result.log,
        "run": result.run_id,
        "committed": result.committed,
    }
    if with_records:
        document["records"] = [
            {"object": record.object, "id": record.id, "operation": record.operation} for record in result.records
        ]
    return document


def refused_document(error: UserFacingError, *, with_records: bool) -> dict[str, Any]:
    """The same document for a run that could not start."""
    document: dict[str, Any] = {
        "outcome": "error",
        "error": {
            "type": error.code,
            "message": error.message,
            "file": error.path,
            "line": error.line,
            "column": error.column,
            "traceback": "",
            "hint": error.hint,
        },
        "exit_code": EXIT_FAILED,
        "stdout": "",
        "limits": {},
        "duration_ms": 0.0,
        "log": "",
        "run": "",
        "committed": False,
    }
    if with_records:
        document["records"] = []
    return document


def run_exit_code(result: RunResult) -> int:
    return EXIT_OK if result.outcome == "success" and result.exit_code == 0 else EXIT_FAILED


def show_result(presenter: Presenter, result: RunResult) -> None:
    """Outcome, error with its place, records, limits, log; on standard error, beside the script's own output."""
    from rich.text import Text

    mark, style, word = _OUTCOMES[result.outcome]
    text = Text()
    text.append(f"{mark} {word}", style)
    text.append(f" in {result.duration_ms:,.0f} ms", "dim")
    text.append(", committed" if result.committed else ", rolled back", "dim")
    if result.exit_code:
        text.append(f", exit code {result.exit_code}")
    if result.error is not None:
        _append_error(text, result)
    for record in result.records[:_SHOWN_RECORDS]:
        text.append(f"\n  {record.operation} ", "green")
        text.append(f"{record.object} {record.id}")
    if len(result.records) > _SHOWN_RECORDS:
        text.append(f"\n  and {len(result.records) - _SHOWN_RECORDS:,} more", "dim")
    presenter.message(text)
    if any(used for used, _ in result.limits.values()):
        presenter.message(limits_table(result.limits))
    if result.log:
        presenter.message(Text(f"  Log: {result.log}", "dim"))


def limits_table(limits: dict[str, tuple[int, int]]) -> Table:
    """Counters that were used, those close to their limit in colour."""
    from rich.table import Table

    table = Table("Limit", box=None, padding=(0, 2), header_style="dim")
    table.add_column("Used", justify="right")
    table.add_column("Of", justify="right")
    for name, (used, maximum) in limits.items():
        if used:
            share = used / maximum if maximum else 1.0
            style = "bold red" if share >= 1 else "yellow" if share >= _CLOSE_TO_LIMIT else ""
            table.add_row(name, f"{used:,}", f"{maximum:,}", style=style)
    return table


def _append_error(text: Any, result: RunResult) -> None:
    error = result.error
    assert error is not None
    text.append(f"\n  {error.type}: ", "bold")
    text.append(error.message)
    if error.file:
        place = f"{error.file}:{error.line}" if error.line else error.file
        text.append(f"\n  at {place}", "cyan")
        if error.column:
            text.append(f":{error.column}", "cyan")
    if error.traceback:
        text.append("\n" + "\n".join(f"    {line}" for line in error.traceback.rstrip().splitlines()), "dim")
