"""Run a project's tests, each in a transaction of its own, and add up what they covered."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
import zlib
from collections.abc import Sequence
from typing import Protocol

import circuit_link.host_protocol as hp
from circuit_link import wire
from circuit_log.events import LogEvent
from circuit_log.levels import Category, Level, LogLevels
from circuit_runtime.host.execution_request import ExecutionRequest, ExecutionResult, RunControl
from circuit_runtime.host.guard import guarded
from circuit_runtime.host.run_preparation import test_entry
from circuit_runtime.host.test_selection import broken_test_files, select_tests
from circuit_runtime.host.workspace import Opened, Workspace, refuse_broken
from circuit_runtime.project.catalog import TestDefinition
from circuit_runtime.project.project import Project

TEST_TIMEOUT_S = 60.0
_COVERED_FOLDERS = ("classes/", "triggers/", "jobs/", "api/")
_NEEDED_BY_TESTS = ("circuit.toml", "objects/", "triggers/")
_MAX_STDOUT_CHARACTERS = 100_000
# Tests are looked at through their results; what nobody reads is not logged.
_QUIET = LogLevels(dict.fromkeys(Category, Level.NONE))


class TestListener(Protocol):
    """Hears of each test, on the thread that runs them; it must not block."""

    def test_started(self, test_id: str, index: int, count: int) -> None: ...

    def test_finished(self, result: hp.TestResult) -> None: ...


class TestRuns:
    """Runs tests one after another. Thread-safe; `stop` ends them from another thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._controls: set[RunControl] = set()
        self._stopped = False

    @property
    def is_running(self) -> bool:
        with self._lock:
            return bool(self._controls)

    def stop(self, reason: str) -> None:
        """End the running tests and start no others."""
        with self._lock:
            self._stopped = True
            controls = tuple(self._controls)
        for control in controls:
            control.stop(reason)

    def run(self, names: Sequence[str], *, coverage: bool, listener: TestListener) -> hp.TestReport:
        """Raises: UserFacingError: a broken project, or a name that means no test."""
        with self._workspace.opened() as opened:
            refuse_broken(opened.project, _NEEDED_BY_TESTS)
            tests = select_tests(opened.project, names)
            results = [self._broken_file(problem) for problem in broken_test_files(opened.project, names)]
            for result in results:
                listener.test_finished(result)
            tally = _Coverage(opened.project)
            for idx, test in enumerate(tests):
                if self._stopped:
                    break
                listener.test_started(test.id, idx, len(tests))
                result = self._run_one(opened, test, tally if coverage else None)
                results.append(result)
                listener.test_finished(result)
            if coverage and not tally.has_lines:
                self._measure_nothing(opened, tally)
            return _report(results, tally.report() if coverage else None)

    def _run_one(self, opened: Opened, test: TestDefinition, tally: _Coverage | None) -> hp.TestResult:
        sink = _Output()
        began = time.monotonic()
        # The same numbers on each run, so that a test that uses chance fails again when it is run again.
        request = ExecutionRequest(
            entry=test_entry(test),
            levels=_QUIET,
            now=dt.datetime.now(dt.UTC),
            mode="coverage" if tally is not None else "plain",
            seed=zlib.crc32(test.id.encode()),
            timeout_s=TEST_TIMEOUT_S,
        )
        result = self._execute(opened, request, sink)
        if tally is not None:
            tally.add(result)
        return _test_result(test, result, (time.monotonic() - began) * 1000, sink.text)

    def _execute(self, opened: Opened, request: ExecutionRequest, sink: _Output) -> ExecutionResult:
        control = RunControl()
        with self._lock:
            self._controls.add(control)
            if self._stopped:
                control.stop("stopped before it began")
        try:
            return guarded(
                lambda: opened.runtime.run(opened.project, request, sink, control), f"the test of {request.entry}"
            )
        finally:
            with self._lock:
                self._controls.discard(control)

    def _measure_nothing(self, opened: Opened, tally: _Coverage) -> None:
        """With no test run, learn from an empty script which lines could have been covered: all are missing."""
        request = ExecutionRequest(
            entry=wire.AnonymousEntry(path="nothing.py", text=""),
            levels=_QUIET,
            now=dt.datetime.now(dt.UTC),
            mode="coverage",
        )
        tally.add(self._execute(opened, request, _Output()))

    def _broken_file(self, problem: hp.Problem) -> hp.TestResult:
        return hp.TestResult(
            id=problem.path,
            name=problem.path,
            outcome="error",
            message=problem.message,
            file=problem.path,
            line=problem.line,
        )


class _Output:
    """The `EventSink` of a test: keeps what it printed."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._characters = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def emit(self, event: LogEvent) -> None:
        """Nobody watches a test's events."""

    def output(self, stream: str, text: str) -> None:
        if self._characters < _MAX_STDOUT_CHARACTERS:
            self._parts.append(text[: _MAX_STDOUT_CHARACTERS - self._characters])
            self._characters += len(text)


class _Coverage:
    """Lines of the project's code that any of the tests ran."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lines: dict[str, set[int]] = {}
        self._hit: dict[str, set[int]] = {}
        self._triggers_run: set[tuple[str, str, str]] = set()

    @property
    def has_lines(self) -> bool:
        return bool(self._lines)

    def add(self, result: ExecutionResult) -> None:
        self._triggers_run |= result.triggers_run
        for path, (executable, executed) in result.coverage.items():
            if path.startswith(_COVERED_FOLDERS):
                self._lines.setdefault(path, set()).update(executable)
                self._hit.setdefault(path, set()).update(executed)

    def report(self) -> hp.CoverageReport:
        files = tuple(self._file(path) for path in sorted(self._lines))
        covered = sum(entry.covered for entry in files)
        total = sum(entry.total for entry in files)
        return hp.CoverageReport(
            covered=covered,
            total=total,
            percent=math.floor(10_000 * covered / total) / 100 if total else 100.0,
            files=files,
            triggers_uncovered=tuple(
                f"{trigger.path}::{trigger.class_name}.{trigger.method}"
                for trigger in self._project.catalog.triggers
                if (trigger.path, trigger.class_name, trigger.method) not in self._triggers_run
            ),
        )

    def _file(self, path: str) -> hp.FileCoverage:
        lines = self._lines[path]
        hit = self._hit[path] & lines
        return hp.FileCoverage(
            path=path,
            covered=len(hit),
            total=len(lines),
            missing=tuple(sorted(lines - hit)),
            hit=tuple(sorted(hit)),
        )


def _test_result(test: TestDefinition, result: ExecutionResult, duration_ms: float, stdout: str) -> hp.TestResult:
    outcome, message = _judge(test, result)
    error = result.error if outcome in ("failed", "error") else None
    return hp.TestResult(
        id=test.id,
        name=test.name,
        outcome=outcome,
        message=message,
        file=error.file if error is not None and error.file else test.path,
        line=error.line if error is not None and error.file else test.line,
        duration_ms=round(duration_ms, 3),
        limits=result.limits,
        traceback=error.traceback if error is not None else "",
        stdout=stdout,
    )


def _judge(test: TestDefinition, result: ExecutionResult) -> tuple[hp.TestOutcome, str]:
    """A failed assertion is a failure, anything else that ends a test early is an error."""
    error = result.error
    if test.expects_limit:
        if result.breached == test.expects_limit:
            return "passed", ""
        ended = f"it ended with {error.type}: {error.message}" if error is not None else "it stayed below"
        return "failed", f"The test should exceed the limit {test.expects_limit}, but {ended}."
    if result.outcome == "success" and error is None:
        return ("passed", "") if result.exit_code == 0 else ("error", f"It called sys.exit({result.exit_code}).")
    if error is None:
        return "error", f"It ended as {result.outcome}."
    if error.type == "AssertionError":
        return "failed", error.message or "An assertion failed."
    return "error", f"{error.type}: {error.message}"


def _report(results: Sequence[hp.TestResult], coverage: hp.CoverageReport | None) -> hp.TestReport:
    outcomes = [result.outcome for result in results]
    return hp.TestReport(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        errors=outcomes.count("error"),
        tests=tuple(results),
        coverage=coverage,
    )
