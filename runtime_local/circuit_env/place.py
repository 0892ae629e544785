"""Where an environment's code runs: its current release on its own data. The deployments' target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from circuit_env import activation
from circuit_env.releases import Releases
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import TestReport, TestResult
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.dml.figures import bring_up_to_date
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.host.seeds import load_seeds
from circuit_runtime.host.test_runs import TestRuns
from circuit_runtime.host.workspace import Opened
from circuit_runtime.project.project import Project, load_files
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.store import Store


class Place:
    """The `Workspace` of an environment. Thread-safe.

    A run keeps the release with which it began: `opened` hands out immutable values, and an activation only
    changes what the next one gets.
    """

    def __init__(self, engine: sa.Engine, releases: Releases, store: Store, pool: WorkerPool) -> None:
        self._engine = engine
        self._releases = releases
        self._store = store
        self._runtime = Runtime(store, pool, CalloutClient())
        self._lock = threading.Lock()
        self._projects: dict[str, Project] = {}

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """See `Workspace.opened`."""
        project = self.project()
        yield Opened(project, self._store, self._runtime, release=project.root)

    def project(self) -> Project:
        """The current release as a project. Raises: UserFacingError, before the first deployment."""
        with self._engine.begin() as connection:
            release = activation.current(connection).release
        if not release:
            raise UserFacingError(
                "Nothing was deployed to this environment yet.",
                code="NOTHING_DEPLOYED",
                hint="Deploy a project first: circuit-cli deploy.",
            )
        return self.load(release)

    def load(self, release: str) -> Project:
        """A release as a project, kept for the next time. Raises: UserFacingError, for one that does not load."""
        with self._lock:
            if release not in self._projects:
                self._projects[release] = load_files(self._releases.files(release), release)
            return self._projects[release]

    def run_tests(self, project: Project, on_progress: Callable[[str], None]) -> TestReport:
        candidate = _Candidate(Opened(project, self._store, self._runtime))
        return TestRuns(candidate).run((), coverage=True, listener=_Progress(on_progress))

    def expand(self, project: Project) -> None:
        """Add what the release's objects need; a first deployment also brings the sample records."""
        with self._engine.begin() as connection:
            is_first = not activation.current(connection).release
            going_back = activation.was_active(connection, project.root)
        self._store.migrate(project.schema, going_back=going_back)
        bring_up_to_date(self._store, project.schema)
        if is_first:
            load_seeds(self._store, project)

    def use(self, project: Project) -> None:
        """Runs that begin from now on get the new release; those under way keep theirs."""
        with self._lock:
            self._projects[project.root] = project

    def verify(self, project: Project) -> None:
        """The current release loads, and its objects can be read. Raises: UserFacingError."""
        with self.opened() as opened, opened.store.session("verification") as session:
            for item in opened.project.schema:
                session.execute(f"SELECT id FROM {item.table} LIMIT 1")


class _Candidate:
    """The `Workspace` of a release that is not active yet."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        yield self._opened


class _Progress:
    """Tells a deployment's followers about each test."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._count = 0

    def test_started(self, test_id: str, index: int, count: int) -> None:
        self._count = count
        self._tell(f"test {index + 1} of {count}: {test_id}")

    def test_finished(self, result: TestResult) -> None:
        if result.outcome in ("failed", "error"):
            self._tell(f"{result.outcome}: {result.id}: {result.message}")
