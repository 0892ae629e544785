from __future__ import annotations

import pytest

import circuit_link.host_protocol as hp
from circuit_console.core.coverage import ProjectCoverage
from circuit_console.core.location import Location
from circuit_console.core.test_results import TestBoard, TestState, message_lines


def described(path: str, method: str, line: int = 1) -> hp.TestDescription:
    return hp.TestDescription(
        id=f"{path}::T::{method}", name=method, path=path, line=line, class_name="T", method=method
    )


def result(test_id: str, outcome: str = "passed", **fields: object) -> hp.TestResult:
    return hp.TestResult(id=test_id, name="", outcome=outcome, **fields)  # type: ignore[arg-type]  # made by tests


@pytest.fixture
def board() -> TestBoard:
    board = TestBoard()
    board.replace(
        [described("tests/b.py", "three"), described("tests/a.py", "two", 9), described("tests/a.py", "one")]
    )
    return board


def test_tests_stand_by_file_and_line(board):
    assert [(file.name, [test.description.name for test in file.tests]) for file in board.files] == [
        ("a.py", ["one", "two"]),
        ("b.py", ["three"]),
    ]


@pytest.mark.parametrize(
    ("names", "count"), [((), 3), (("tests/a.py",), 2), (("tests/a.py::T",), 2), (("T",), 3), (("three",), 1)]
)
def test_names_choose_tests_by_file_class_and_name(board, names, count):
    assert len(board.matching(names)) == count


def test_a_file_is_as_bad_as_its_worst_test(board):
    board.finish((0, 0), result("tests/a.py::T::one"))
    board.finish((0, 1), result("tests/a.py::T::two", "failed", message="no", file="classes/x.py", line=7))

    assert board.files[0].state is TestState.FAILED
    assert board.files[0].passed_count == 1
    assert board.test((0, 1)).location == Location("classes/x.py", 7)
    assert board.failed_ids() == ("tests/a.py::T::two",)
    assert board.summary().failed == 1


def test_outcomes_survive_a_change_of_the_project(board):
    board.finish((1, 0), result("tests/b.py::T::three"))

    board.replace([described("tests/b.py", "three", 40), described("tests/b.py", "four", 60)])

    assert board.test((0, 0)).state is TestState.PASSED
    assert board.test((0, 0)).description.line == 40


def test_what_did_not_run_stands_as_before(board):
    board.finish((0, 0), result("tests/a.py::T::one"))
    board.wait((0, 0))
    board.wait((0, 1))
    board.start((0, 1))

    board.give_up()

    assert board.test((0, 0)).state is TestState.PASSED
    assert board.test((0, 1)).state is TestState.UNKNOWN


def test_a_long_message_is_cut():
    lines = message_lines("\n".join(str(number) for number in range(20)))

    assert len(lines) == 6
    assert lines[-1] == "… 15 more lines"


def report(covered: int, total: int = 100, untested: tuple[str, ...] = ()) -> hp.CoverageReport:
    file = hp.FileCoverage(path="classes/a.py", covered=covered, total=total, missing=(3,), hit=(1, 2))
    percent = 100 * covered / total
    return hp.CoverageReport(
        covered=covered, total=total, percent=percent, files=(file,), triggers_uncovered=untested
    )


def test_the_gate_is_75_percent_and_no_trigger_untested():
    assert ProjectCoverage(report(75)).passes_gate
    assert not ProjectCoverage(report(74)).passes_gate
    assert not ProjectCoverage(report(90, untested=("T",))).passes_gate


def test_the_verdict_says_what_is_lacking():
    assert ProjectCoverage(report(86)).verdict == "Passes the gate for deployments."
    assert ProjectCoverage(report(70)).verdict == "Below the gate: 5 more lines must be covered."
    assert "no test runs T" in ProjectCoverage(report(90, untested=("T",))).verdict


def test_coverage_knows_the_lines_of_a_file():
    lines = ProjectCoverage(report(86)).file("classes/a.py")

    assert lines is not None
    assert (lines.hit, lines.missing) == ({1, 2}, {3})
    assert ProjectCoverage(report(86)).file("tests/t.py") is None
