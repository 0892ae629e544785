"""Runs the Circuit Script tests of the projects beside this file on the real runtime and both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import circuit_link.host_protocol as hp
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host import test_runs
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.host.workspace import Opened
from circuit_runtime.project.project import Project, load_folder
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.store import Store

HERE = Path(__file__).parent
PROJECTS = {name: load_folder(HERE / name) for name in ("circuit", "apex", "queries")}
CASES = [
    pytest.param(name, test.id, id=f"{name}: {test.name}")
    for name, project in PROJECTS.items()
    for test in project.catalog.tests
]


class Place:
    """The `Workspace` of one project on a database of its own."""

    def __init__(self, project: Project, store: Store, runtime: Runtime) -> None:
        self._opened = Opened(project, store, runtime)

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        yield self._opened


class Quiet:
    def test_started(self, test_id: str, index: int, count: int) -> None:
        """Not looked at."""

    def test_finished(self, result: hp.TestResult) -> None:
        """Not looked at."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes empty databases of one kind, and tells their addresses."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('store') / 'data.db'}"
    made: Callable[[], str] = request.getfixturevalue("postgresql_database")
    return made


@pytest.fixture(scope="module")
def runners(new_database: Callable[[], str]) -> Iterator[dict[str, test_runs.TestRuns]]:
    pool = WorkerPool()
    stores = []
    made = {}
    for name, project in PROJECTS.items():
        store = Store.open(new_database())
        store.migrate(project.schema)
        stores.append(store)
        made[name] = test_runs.TestRuns(Place(project, store, Runtime(store, pool, CalloutClient())))
    yield made
    pool.close()
    for store in stores:
        store.close()


def test_the_projects_have_no_problems() -> None:
    assert {name: project.problems for name, project in PROJECTS.items()} == {
        "circuit": (),
        "apex": (),
        "queries": (),
    }


@pytest.mark.parametrize(("project", "test_id"), CASES)
def test_case(runners: dict[str, test_runs.TestRuns], project: str, test_id: str) -> None:
    report = runners[project].run((test_id,), coverage=False, listener=Quiet())

    (result,) = report.tests
    assert result.outcome == "passed", f"{result.message}\n{result.traceback}"


class BrokenRuntime:
    """Stands for a runtime with a fault of ours: every run ends in an exception that nobody foresaw."""

    def run(self, *_request: object) -> None:
        raise KeyError("a fault of ours")


def test_a_fault_of_the_runtime_is_an_error_of_its_test_alone(tmp_path: Path) -> None:
    project = PROJECTS["apex"]
    tests = [test.id for test in project.catalog.tests[:2]]
    store = Store.open(f"sqlite:///{tmp_path / 'data.db'}")
    runtime: Any = BrokenRuntime()

    report = test_runs.TestRuns(Place(project, store, runtime)).run(tests, coverage=False, listener=Quiet())

    assert [(result.outcome, result.message[:33]) for result in report.tests] == [
        ("error", "InternalError: The runtime failed")
    ] * 2
    store.close()
