"""The project's tests with what their last run brought, as the tests pane shows them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

import msgspec

from circuit_console.core.location import Location
from circuit_link.host_protocol import TestDescription, TestResult

_MESSAGE_LINES = 6


class TestState(Enum):
    """Where a test or a file of tests stands."""

    __test__ = False  # not a test class for pytest

    UNKNOWN = auto()
    WAITING = auto()
    RUNNING = auto()
    PASSED = auto()
    SKIPPED = auto()
    FAILED = auto()
    ERROR = auto()

    @property
    def is_bad(self) -> bool:
        return self in (TestState.FAILED, TestState.ERROR)

    @property
    def is_over(self) -> bool:
        return self in (TestState.PASSED, TestState.SKIPPED, TestState.FAILED, TestState.ERROR)


_STATE_OF = {
    "passed": TestState.PASSED,
    "failed": TestState.FAILED,
    "error": TestState.ERROR,
    "skipped": TestState.SKIPPED,
}


class TestCase(msgspec.Struct):
    """One test. `message_lines` say why it failed; `failed_at` where."""

    __test__ = False

    description: TestDescription
    state: TestState = TestState.UNKNOWN
    duration_ms: float = 0.0
    message_lines: tuple[str, ...] = ()
    failed_at: Location | None = None
    before: TestState = TestState.UNKNOWN

    @property
    def location(self) -> Location:
        """Where it failed, else where it begins."""
        return self.failed_at or Location(self.description.path, self.description.line)


class TestFile(msgspec.Struct):
    """The tests of one file in the order of their lines."""

    __test__ = False

    path: str
    tests: list[TestCase] = []

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def passed_count(self) -> int:
        return sum(test.state in (TestState.PASSED, TestState.SKIPPED) for test in self.tests)

    @property
    def state(self) -> TestState:
        states = {test.state for test in self.tests}
        for state in (TestState.RUNNING, TestState.FAILED, TestState.ERROR, TestState.WAITING):
            if state in states:
                return state
        if TestState.UNKNOWN in states or not states:
            return TestState.UNKNOWN
        return TestState.PASSED


class TestSummary(msgspec.Struct, frozen=True):
    """Counts of the tests' last outcomes."""

    __test__ = False

    passed: int = 0
    failed: int = 0
    errors: int = 0
    total: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How far a run is: `done` of `count`, and the name of the test that runs."""

    done: int
    count: int
    name: str = ""


Place = tuple[int, int]
"""File and test, by their places in the board."""


class TestBoard:
    """All tests by file. Outcomes survive a change of the project as long as the test's id does."""

    __test__ = False

    def __init__(self) -> None:
        self.files: list[TestFile] = []
        self._places: dict[str, Place] = {}

    def replace(self, descriptions: Sequence[TestDescription]) -> None:
        """Take over the project's tests."""
        known = {test.description.id: test for file in self.files for test in file.tests}
        files: dict[str, TestFile] = {}
        for description in sorted(descriptions, key=lambda one: (one.path, one.line)):
            test = known.get(description.id) or TestCase(description)
            test.description = description
            files.setdefault(description.path, TestFile(description.path)).tests.append(test)
        self.files = list(files.values())
        self._places = {
            test.description.id: (file_place, test_place)
            for file_place, file in enumerate(self.files)
            for test_place, test in enumerate(file.tests)
        }

    def holds(self, descriptions: Sequence[TestDescription]) -> bool:
        """Whether it has exactly these tests, so that nothing needs to be replaced."""
        held = {test.description for file in self.files for test in file.tests}
        return held == set(descriptions)

    def test(self, place: Place) -> TestCase:
        return self.files[place[0]].tests[place[1]]

    def place_of(self, test_id: str) -> Place | None:
        return self._places.get(test_id)

    def matching(self, names: Sequence[str]) -> list[Place]:
        """Places of the tests that these names choose: ids, files, classes, test names; all for none."""
        wanted = set(names)
        return [
            place
            for place in self._places.values()
            if not wanted or wanted & _names_of(self.test(place).description)
        ]

    def wait(self, place: Place) -> None:
        test = self.test(place)
        test.before, test.state = test.state, TestState.WAITING

    def start(self, place: Place) -> None:
        self.test(place).state = TestState.RUNNING

    def finish(self, place: Place, result: TestResult) -> None:
        test = self.test(place)
        test.state = _STATE_OF[result.outcome]
        test.duration_ms = result.duration_ms
        test.message_lines = message_lines(result.message) if test.state.is_bad else ()
        test.failed_at = Location(result.file, result.line) if test.state.is_bad and result.file else None

    def give_up(self) -> list[Place]:
        """The run is over: what did not run stands as it stood before; its places."""
        places = [
            place
            for place in self._places.values()
            if self.test(place).state in (TestState.WAITING, TestState.RUNNING)
        ]
        for place in places:
            self.test(place).state = self.test(place).before
        return places

    def failed_ids(self) -> tuple[str, ...]:
        return tuple(test.description.id for file in self.files for test in file.tests if test.state.is_bad)

    def summary(self) -> TestSummary:
        states = [test.state for file in self.files for test in file.tests]
        return TestSummary(
            passed=states.count(TestState.PASSED),
            failed=states.count(TestState.FAILED),
            errors=states.count(TestState.ERROR),
            total=len(states),
        )


def message_lines(message: str) -> tuple[str, ...]:
    """The first lines of a failure, without empty ones."""
    lines = [line.rstrip() for line in message.splitlines() if line.strip()]
    if len(lines) > _MESSAGE_LINES:
        lines = [*lines[: _MESSAGE_LINES - 1], f"… {len(lines) - _MESSAGE_LINES + 1} more lines"]
    return tuple(lines) or ("failed without a message",)


def _names_of(description: TestDescription) -> set[str]:
    return {
        description.id,
        description.path,
        description.name,
        description.method,
        description.class_name,
        f"{description.path}::{description.class_name}",
    }
