import xml.etree.ElementTree as ET

import pytest

import circuit_link.host_protocol as hp
from circuit_cli.tests import line_ranges

PASSED = hp.TestResult(
    id="tests/test_a.py::A::one",
    name="One is one",
    outcome="passed",
    file="tests/test_a.py",
    line=3,
    duration_ms=5.0,
)
FAILED = hp.TestResult(
    id="tests/test_a.py::A::two",
    name="two",
    outcome="failed",
    message="assert 1 == 2",
    file="classes/a.py",
    line=7,
    duration_ms=6.0,
    limits={"queries": (1, 100)},
    traceback="Traceback…\x1b",
)
COVERAGE = hp.CoverageReport(
    covered=3,
    total=4,
    percent=75.0,
    files=(hp.FileCoverage(path="classes/a.py", covered=3, total=4, missing=(7,), hit=(1, 2, 3)),),
    triggers_uncovered=("triggers/t.py::T.run",),
)


def report(*results, coverage=COVERAGE):
    outcomes = [result.outcome for result in results]
    return hp.TestReport(
        passed=outcomes.count("passed"),
        failed=outcomes.count("failed"),
        errors=outcomes.count("error"),
        tests=results,
        coverage=coverage,
    )


def answering(of):
    def answer(message):
        finished = [hp.TestFinished(request=message.request, result=result) for result in of.tests]
        return [*finished, hp.TestsFinished(request=message.request, report=of)]

    return answer


def test_test_prints_its_document(cli, host):
    host(answering(report(PASSED, FAILED)))

    ended = cli("test", "--json")

    assert ended.exit_code == 1
    assert ended.document == {
        "passed": 1,
        "failed": 1,
        "errors": 0,
        "tests": [
            {
                "id": "tests/test_a.py::A::one",
                "name": "One is one",
                "outcome": "passed",
                "message": "",
                "file": "tests/test_a.py",
                "line": 3,
                "duration_ms": 5.0,
                "limits": {},
            },
            {
                "id": "tests/test_a.py::A::two",
                "name": "two",
                "outcome": "failed",
                "message": "assert 1 == 2",
                "file": "classes/a.py",
                "line": 7,
                "duration_ms": 6.0,
                "limits": {"queries": [1, 100]},
            },
        ],
        "coverage": {
            "covered": 3,
            "total": 4,
            "percent": 75.0,
            "files": [{"path": "classes/a.py", "covered": 3, "total": 4, "missing": [7]}],
            "triggers_uncovered": ["triggers/t.py::T.run"],
        },
    }


def test_test_shows_each_test_as_it_ends(cli, host):
    host(answering(report(PASSED, FAILED)))

    ended = cli("test")

    assert "✓ One is one" in ended.stdout
    assert "assert 1 == 2" in ended.stdout
    assert "classes/a.py:7" in ended.stdout
    assert "1 passed, 1 failed, 0 errors" in ended.stdout


@pytest.mark.parametrize(("minimum", "code"), [("75", 0), ("75.01", 1), ("0", 0)])
def test_too_little_coverage_fails(cli, host, minimum, code):
    host(answering(report(PASSED)))

    assert cli("test", "--coverage", minimum).exit_code == code


def test_names_and_the_wish_for_coverage_are_sent(cli, host):
    fake = host(answering(report(PASSED, coverage=None)))

    ended = cli("test", "tests/test_a.py", "One is one", "--no-coverage", "--json")

    assert fake.received == [hp.RunTests(request=1, names=("tests/test_a.py", "One is one"), coverage=False)]
    assert ended.document["coverage"] is None


def test_an_unknown_test_is_wrong_use(cli, host, answers):
    host(answers.failed("TEST_NOT_FOUND"))

    assert cli("test", "nothing").exit_code == 2


def test_junit_tells_what_failed(cli, host, project):
    host(answering(report(PASSED, FAILED)))

    cli("test", "--junit", "junit.xml")

    suite = ET.parse(project / "junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["One is one", "two"]
    assert cases[1].get("classname") == "tests.test_a.A"
    assert cases[1].find("failure").get("message") == "assert 1 == 2"


def test_cobertura_names_each_line(cli, host, project):
    host(answering(report(PASSED)))

    cli("test", "--cobertura", "coverage.xml")

    root = ET.parse(project / "coverage.xml").getroot()
    assert root.get("line-rate") == "0.7500"
    entry = root.find("packages/package/classes/class")
    assert entry.get("filename") == "classes/a.py"
    assert [(line.get("number"), line.get("hits")) for line in entry.find("lines")] == [
        ("1", "1"),
        ("2", "1"),
        ("3", "1"),
        ("7", "0"),
    ]


def test_a_report_that_cannot_be_written_is_told(cli, host):
    host(answering(report(PASSED)))

    ended = cli("test", "--junit", "/nowhere/junit.xml")

    assert ended.exit_code == 1
    assert "/nowhere/junit.xml" in ended.stderr


def test_lines_are_shown_as_ranges():
    assert line_ranges((1, 3, 4, 5, 9, 10)) == "1, 3-5, 9-10"
