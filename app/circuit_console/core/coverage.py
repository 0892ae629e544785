"""Coverage by file, for the editor's margin and the gate's words."""

from __future__ import annotations

import msgspec

from circuit_link.host_protocol import CoverageReport, FileCoverage

GATE_PERCENT = 75


class FileLines(msgspec.Struct, frozen=True):
    """1-based lines of one file: those that ran in the tests and those that did not."""

    hit: frozenset[int]
    missing: frozenset[int]
    percent: float


class ProjectCoverage:
    """What the tests' last run with coverage covered. Replaced as a whole by each such run."""

    def __init__(self, report: CoverageReport) -> None:
        self.percent = report.percent
        self.covered = report.covered
        self.total = report.total
        self.triggers_uncovered = report.triggers_uncovered
        self._files = {
            file.path: FileLines(
                hit=frozenset(file.hit),
                missing=frozenset(file.missing),
                percent=100.0 * file.covered / file.total if file.total else 100.0,
            )
            for file in report.files
        }

    def file(self, path: str) -> FileLines | None:
        """None for a file that is not measured."""
        return self._files.get(path)

    def paths(self) -> tuple[str, ...]:
        return tuple(self._files)

    @property
    def passes_gate(self) -> bool:
        return self.percent >= GATE_PERCENT and not self.triggers_uncovered

    @property
    def verdict(self) -> str:
        """Why a deployment would pass or not, in a sentence."""
        if self.percent < GATE_PERCENT:
            lacking = -(-GATE_PERCENT * self.total // 100) - self.covered
            return f"Below the gate: {lacking} more lines must be covered."
        if self.triggers_uncovered:
            return f"Below the gate: no test runs {', '.join(self.triggers_uncovered)}."
        return "Passes the gate for deployments."


def covered_percent(coverage: FileCoverage | None, lines: tuple[int, int] | None) -> float | None:
    """Of the lines from one to another, or of the whole file; None where nothing is measured."""
    if coverage is None:
        return None
    first, last = lines or (1, 10**9)
    covered = sum(first <= line <= last for line in coverage.hit)
    missing = sum(first <= line <= last for line in coverage.missing)
    return 100.0 * covered / (covered + missing) if covered + missing else None
