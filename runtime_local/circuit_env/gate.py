"""The test gate: every test passes, 75 % of all lines are covered, and no trigger is untested."""

from __future__ import annotations

from circuit_link.env_protocol import ApiError
from circuit_link.host_protocol import CoverageReport, TestReport

_LOWEST_SHOWN = 3


def refusal(report: TestReport, minimum_coverage: int) -> ApiError | None:
    """Why a test run does not pass the gate, or None. Whole numbers decide, so 74.999 % never becomes 75."""
    if broken := [test for test in report.tests if test.outcome in ("failed", "error")]:
        first = broken[0]
        return ApiError(
            code="TESTS_FAILED",
            message=f"{len(broken)} of {len(report.tests)} tests failed. First: {first.id}: {first.message}",
            hint=f"See {first.file}:{first.line}. Nothing was activated.",
        )
    coverage = report.coverage
    if coverage is None or not coverage.total:
        return None
    if coverage.covered * 100 < minimum_coverage * coverage.total:
        return ApiError(
            code="COVERAGE_BELOW_MINIMUM",
            message=(
                f"Average coverage is {coverage.percent:.2f}% ({coverage.covered} of {coverage.total} lines), "
                f"at least {minimum_coverage}% is required. Lowest: {_lowest(coverage)}."
            ),
            hint="Write tests for the files named. Nothing was activated.",
        )
    if coverage.triggers_uncovered:
        return ApiError(
            code="TRIGGER_NOT_COVERED",
            message=f"No test runs a line of {', '.join(coverage.triggers_uncovered)}.",
            hint="Every trigger needs a test that makes it run. Nothing was activated.",
        )
    return None


def _lowest(coverage: CoverageReport) -> str:
    files = sorted((file for file in coverage.files if file.total), key=lambda file: file.covered / file.total)
    return ", ".join(f"{file.path} {file.covered}/{file.total}" for file in files[:_LOWEST_SHOWN])
