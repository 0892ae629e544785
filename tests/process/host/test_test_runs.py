"""A project's tests through a real host."""

import circuit_link.host_protocol as hp


def test_tests_run_each_on_its_own_and_are_added_up(project):
    client = project.connect()
    seen = []

    report = client.run_tests(on_message=seen.append)

    outcomes = {result.id.rpartition("::")[2]: result for result in report.tests}
    assert {name: result.outcome for name, result in outcomes.items()} == {
        "doubled": "passed",
        "fails": "failed",
        "errs": "error",
        "breaches": "passed",
        "stays_below": "failed",
    }
    assert (report.passed, report.failed, report.errors) == (2, 2, 1)
    assert outcomes["doubled"].name == "Income is doubled"
    assert outcomes["doubled"].stdout == "inserted\n"
    assert outcomes["doubled"].limits["dml_statements"][0] == 1
    assert (outcomes["fails"].file, outcomes["fails"].line) == ("tests/test_areas.py", 18)
    assert "1" in outcomes["fails"].message
    assert outcomes["errs"].message == "ValueError: no"
    assert [type(message).__name__ for message in seen] == ["TestStarted", "TestFinished"] * 5
    assert [message.index for message in seen if isinstance(message, hp.TestStarted)] == [0, 1, 2, 3, 4]
    assert project.areas() == [("10019", 87450)]


def test_coverage_counts_every_file_once(project):
    project.write("classes/never_imported.py", "a = 1\n\nb = 2\n")
    client = project.connect()

    coverage = client.run_tests(["doubled", "fails"]).coverage

    files = {entry.path: entry for entry in coverage.files}
    assert set(files) == {"classes/maths.py", "classes/never_imported.py", "triggers/area_trigger.py"}
    assert files["classes/never_imported.py"].missing == (1, 3)
    assert files["classes/maths.py"].missing == (7,)
    assert files["triggers/area_trigger.py"].missing == ()
    assert coverage.covered == sum(entry.covered for entry in coverage.files)
    assert coverage.total == sum(entry.total for entry in coverage.files)
    assert coverage.triggers_uncovered == ()


def test_without_tests_nothing_is_covered(project):
    project.write("tests/test_areas.py", "")

    report = project.connect().run_tests()

    assert report.tests == ()
    assert report.coverage.covered == 0
    assert report.coverage.total > 0
    assert report.coverage.triggers_uncovered == ("triggers/area_trigger.py::AreaTrigger.double",)


def test_a_test_file_that_cannot_be_read_is_an_error_of_its_own(project):
    project.write("tests/test_broken.py", "def (:\n")

    report = project.connect().run_tests(["tests/test_broken.py"], coverage=False)

    (result,) = report.tests
    assert (result.outcome, result.file, result.line) == ("error", "tests/test_broken.py", 1)
    assert report.coverage is None


def test_running_tests_are_stopped_and_report_what_ran(project):
    project.write("tests/test_areas.py", ENDLESS_TESTS)
    client = project.connect()
    number = client.next_request()
    client.send(hp.RunTests(request=number, coverage=False))
    project.await_message(client, hp.TestStarted, lambda message: message.test_id.endswith("endless"))

    client.stop_run(f"tests:{number}")

    report = project.await_message(client, hp.TestsFinished).report
    assert [result.id.rpartition("::")[2] for result in report.tests] == ["first", "endless"]
    assert [result.outcome for result in report.tests] == ["passed", "error"]


ENDLESS_TESTS = """
from circuitos.testing import test

@test
class Endless:
    @test
    def first(self):
        pass

    @test
    def endless(self):
        while True:
            pass

    @test
    def last(self):
        pass
"""
