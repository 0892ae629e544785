"""`test`: the project's own tests, with coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from circuit_cli.options import EXIT_FAILED, EXIT_OK
from circuit_cli.presenter import Presenter
from circuit_cli.project_folder import find_project
from circuit_link import host_protocol as hp
from circuit_link.client import connect_or_start
from circuit_link.errors import UserFacingError

_MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "error": ("!", "bold red"),
    "skipped": ("-", "yellow"),
}


def run_tests(
    presenter: Presenter,
    *,
    project: Path | None,
    names: tuple[str, ...],
    minimum_coverage: float | None,
    with_coverage: bool,
    junit: Path | None,
    cobertura: Path | None,
) -> int:
    """Run tests; returns the exit code: 1 where one failed or too little is covered."""
    root = find_project(project)

    def on_message(message: hp.HostToClient) -> None:
        if isinstance(message, hp.TestFinished) and not presenter.json_output:
            _show_test(presenter, message.result)

    with connect_or_start(root, client="circuit-cli test") as client:
        report = client.run_tests(names, coverage=with_coverage, on_message=on_message)
    _write_files(report, root, junit, cobertura)
    covered_enough = minimum_coverage is None or _percent(report) >= minimum_coverage
    if presenter.json_output:
        presenter.document(test_document(report))
    else:
        _show_report(presenter, report)
    if not covered_enough:
        presenter.error_text(f"{_percent(report):.2f} % is covered; {minimum_coverage:g} % is asked for.\n")
    return EXIT_OK if covered_enough and not report.failed and not report.errors else EXIT_FAILED


def test_document(report: hp.TestReport) -> dict[str, Any]:
    return {
        "passed": report.passed,
        "failed": report.failed,
        "errors": report.errors,
        "tests": [
            {
                "id": result.id,
                "name": result.name,
                "outcome": result.outcome,
                "message": result.message,
                "file": result.file,
                "line": result.line,
                "duration_ms": result.duration_ms,
                "limits": {name: list(use) for name, use in result.limits.items()},
            }
            for result in report.tests
        ],
        "coverage": None if report.coverage is None else _coverage_document(report.coverage),
    }


def _coverage_document(coverage: hp.CoverageReport) -> dict[str, Any]:
    return {
        "covered": coverage.covered,
        "total": coverage.total,
        "percent": coverage.percent,
        "files": [
            {"path": entry.path, "covered": entry.covered, "total": entry.total, "missing": list(entry.missing)}
            for entry in coverage.files
        ],
        "triggers_uncovered": list(coverage.triggers_uncovered),
    }


def _percent(report: hp.TestReport) -> float:
    return report.coverage.percent if report.coverage is not None else 0.0


def _write_files(report: hp.TestReport, root: Path, junit: Path | None, cobertura: Path | None) -> None:
    try:
        if junit is not None:
            from circuit_cli.junit import write_junit

            write_junit(report, junit)
        if cobertura is not None and report.coverage is not None:
            from circuit_cli.cobertura import write_cobertura

            write_cobertura(report.coverage, root, cobertura)
    except OSError as exc:
        raise UserFacingError(
            f"{exc.filename} cannot be written: {exc.strerror}.", code="FILE_NOT_WRITABLE"
        ) from exc


def _show_test(presenter: Presenter, result: hp.TestResult) -> None:
    from rich.text import Text

    mark, style = _MARKS[result.outcome]
    text = Text()
    text.append(f"{mark} ", style)
    text.append(result.name or result.id)
    text.append(f"  {result.id}  {result.duration_ms:,.0f} ms", "dim")
    if result.outcome in ("failed", "error"):
        text.append(f"\n    {result.message}", "red")
        if result.file:
            text.append(f"\n    at {result.file}:{result.line}", "cyan")
        if result.traceback:
            text.append("\n" + "\n".join(f"    {line}" for line in result.traceback.rstrip().splitlines()), "dim")
    elif result.message:
        text.append(f"\n    {result.message}", "dim")
    presenter.show(text)


def _show_report(presenter: Presenter, report: hp.TestReport) -> None:
    from rich.table import Table
    from rich.text import Text

    if report.coverage is not None and report.coverage.files:
        table = Table("File", box=None, padding=(0, 2), header_style="dim")
        table.add_column("Covered", justify="right")
        table.add_column("Missing lines", overflow="fold")
        for entry in report.coverage.files:
            # Rounded down: 100 % is said of complete files alone.
            percent = 100 * entry.covered // entry.total if entry.total else 100
            table.add_row(Text(entry.path), f"{percent} %", Text(line_ranges(entry.missing), "dim"))
        presenter.show(table)
        presenter.show(Text(f"{report.coverage.percent:.2f} % of {report.coverage.total} lines covered"))
        for trigger in report.coverage.triggers_uncovered:
            presenter.show(Text(f"Not run by any test: {trigger}", "yellow"))
    style = "bold red" if report.failed or report.errors else "bold green"
    presenter.show(Text(f"{report.passed} passed, {report.failed} failed, {report.errors} errors", style))


def line_ranges(lines: tuple[int, ...]) -> str:
    """Ascending lines as `3-5, 9`."""
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
