from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

import circuit_link.host_protocol as hp
from circuit_console.core.breakpoints import BreakpointSet
from circuit_console.core.location import Location
from circuit_console.core.test_results import TestState
from circuit_console.models.test_tree import STATE_ROLE
from circuit_console.panes.tests.pane import TestsPane
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.services.runs import Runs
from circuit_console.services.tasks import Tasks


@pytest.fixture
def link(qapp, tmp_path):
    made = FakeHostLink(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def tests(qtbot, theme, link, tmp_path):
    tasks = Tasks()
    debug = DebugSession(tmp_path, Breakpoints(BreakpointSet()))
    runs = Runs(link, debug, tasks)
    pane = TestsPane(theme, link, runs)
    pane.runs = runs
    qtbot.addWidget(pane)
    pane.show()
    yield pane
    tasks.stop()


def describe(link, samples, **changes):
    link.handle(hp.ProjectDescribed(request=0, project=samples.project(**changes)))


def run(link, samples, failing=()):
    """Tell the pane of a run of all tests, of which some fail."""
    descriptions = samples.test_descriptions()
    request = link.last(hp.RunTests).request
    results = tuple(
        samples.test_result(one, message="assert 77 == 78\n  left: 77" if one.name in failing else "")
        for one in descriptions
    )
    for place, (one, result) in enumerate(zip(descriptions, results, strict=True)):
        link.handle(hp.TestStarted(request=request, test_id=one.id, index=place, count=len(descriptions)))
        link.handle(hp.TestFinished(request=request, result=result))
    bad = len(failing)
    report = hp.TestReport(
        passed=len(results) - bad, failed=bad, errors=0, tests=results, coverage=samples.coverage(86.0)
    )
    link.handle(hp.TestsFinished(request=request, report=report))


def row_of(tests, name):
    model = tests.model
    for group in range(model.rowCount()):
        head = model.index(group, 0)
        for row in range(model.rowCount(head)):
            if model.index(row, 0, head).data() == name:
                return model.index(row, 0, head)
    raise LookupError(name)


def test_a_project_without_tests_offers_to_make_one(qtbot, tests, link, samples):
    describe(link, samples, tests=())

    assert tests._stack.currentIndex() == 0


def test_tests_stand_by_file_before_they_ran(tests, link, samples):
    describe(link, samples)

    assert tests._stack.currentIndex() == 1
    assert tests.model.rowCount() == 2
    assert row_of(tests, "census_mock").data(STATE_ROLE) is TestState.UNKNOWN


def test_all_are_run_with_coverage_and_shown(tests, link, samples):
    describe(link, samples)

    tests.run_all()
    assert row_of(tests, "census_mock").data(STATE_ROLE) is TestState.WAITING
    run(link, samples)

    assert link.last(hp.RunTests).coverage
    assert row_of(tests, "census_mock").data(STATE_ROLE) is TestState.PASSED
    assert tests._bar.isVisible()
    assert tests._bar.accessibleName().startswith("Coverage 86 percent")


def test_a_failure_shows_its_message_and_opens_its_line(qtbot, tests, link, samples):
    describe(link, samples)
    tests.run_all()
    run(link, samples, failing=("bulk_200_leads",))
    failed = row_of(tests, "bulk_200_leads")

    with qtbot.waitSignal(tests.location_requested, timeout=0) as asked:
        tests.view.setCurrentIndex(failed)
        qtbot.keyClick(tests.view, Qt.Key.Key_Return)

    assert tests.model.index(0, 0, failed).data() == "assert 77 == 78"
    assert tests.view.isExpanded(failed)
    assert asked.args == [Location("tests/test_virtual_lpr.py", 33)]


def test_only_what_failed_is_run_again(tests, link, samples):
    describe(link, samples)
    tests.run_all()
    run(link, samples, failing=("bulk_200_leads",))

    tests.run_failed()

    again = link.last(hp.RunTests)
    assert again.names == ("tests/test_virtual_lpr.py::Tests::bulk_200_leads",)
    assert not again.coverage


def test_progress_is_told_and_can_be_canceled(qtbot, tests, link, samples):
    describe(link, samples)
    tests.run_all()
    first = samples.test_descriptions()[0]
    request = link.last(hp.RunTests).request

    link.handle(hp.TestStarted(request=request, test_id=first.id, index=0, count=9))
    words = tests._words.full_text()
    qtbot.mouseClick(tests._cancel, Qt.MouseButton.LeftButton)

    assert words == "0 of 9   high_intent_scores_70"
    assert tests._words.full_text() == "Canceling…"
    assert not tests._cancel.isEnabled()
