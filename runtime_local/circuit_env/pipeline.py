"""One deployment from its files to its activation, step by step.

Everything before `activate` changes nothing that executions see; expanding the database only adds. So a failure
or the server's end at any moment leaves the environment as it was, or wholly on the new release.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec
import sqlalchemy as sa

from circuit_env import activation, gate
from circuit_env.components import compare
from circuit_env.journal import Journal
from circuit_env.releases import Releases
from circuit_link.env_protocol import ApiError, Deployment, DeploymentState, DeploymentStep, StepState
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import TestReport
from circuit_runtime.project.project import Project

STEPS = ("check", "test", "expand", "activate", "verify")
_STATE_OF_STEP: dict[str, DeploymentState] = {
    "check": "CHECKING",
    "test": "TESTING",
    "expand": "EXPANDING",
    "activate": "ACTIVATING",
    "verify": "VERIFYING",
}


class Target(Protocol):
    """What a pipeline needs of the environment it deploys to."""

    def load(self, release: str) -> Project: ...

    def run_tests(self, project: Project, on_progress: Callable[[str], None]) -> TestReport: ...

    def expand(self, project: Project) -> None: ...

    def use(self, project: Project) -> None: ...

    def verify(self, project: Project) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: steps that are not in `steps` are shown as skipped."""

    release: str
    base: activation.Current
    steps: frozenset[str]
    minimum_coverage: int
    user: str


class StepFailed(Exception):
    """A step refused the deployment; `error` says why."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Canceled(Exception):
    """Somebody canceled the deployment before its point of no return."""


class Pipeline:
    """Runs one deployment; used once, on one thread. `cancel` may come from another."""

    def __init__(
        self,
        deployment: Deployment,
        plan: Plan,
        *,
        engine: sa.Engine,
        journal: Journal,
        releases: Releases,
        target: Target,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._deployment = msgspec.structs.replace(deployment, steps=_initial_steps(plan))
        self._plan = plan
        self._engine = engine
        self._journal = journal
        self._releases = releases
        self._target = target
        self._clock = clock
        self._cancel_requested = False

    def cancel(self) -> None:
        self._cancel_requested = True

    def run(self) -> None:
        """To the end, whatever it is; nothing is raised but our own bugs, which also end the deployment."""
        finished = False
        try:
            project = self._check()
            self._test(project)
            self._expand(project)
            self._activate(project)
            self._verify(project)
            finished = True
        except StepFailed as failed:
            self._fail(failed.error)
        except UserFacingError as error:
            self._fail(ApiError(code=error.code, message=error.message, hint=error.hint))
        except Canceled:
            self._finish("CANCELED", "Canceled before anything was activated")
        else:
            self._finish("SUCCEEDED", "Finished")
        finally:
            if not finished and self._deployment.state not in ("FAILED", "CANCELED"):
                self._fail(ApiError(code="INTERNAL_ERROR", message="The server failed; its log says more."))

    def _check(self) -> Project:
        with self._step("check"):
            project = self._target.load(self._plan.release)
            old = self._hashes(self._plan.base.release) if self._plan.base.release else {}
            components = compare(old, self._hashes(self._plan.release), project.problems)
            self._update(components=components)
            if broken := [component for component in components if not component.ok]:
                first = broken[0]
                raise StepFailed(
                    ApiError(
                        code="COMPONENTS_INVALID",
                        message=(
                            f"Problems in the project's files: {len(broken)}. "
                            f"First: {first.path}:{first.line}:{first.column}: {first.problem}"
                        ),
                        hint="All are listed with the components. Nothing was activated.",
                    )
                )
        return project

    def _test(self, project: Project) -> None:
        with self._step("test") as wanted:
            if wanted:
                report = self._target.run_tests(project, self._tell)
                self._update(tests=report, coverage=report.coverage)
                if refused := gate.refusal(report, self._plan.minimum_coverage):
                    raise StepFailed(refused)

    def _expand(self, project: Project) -> None:
        with self._step("expand") as wanted:
            if wanted:
                self._target.expand(project)

    def _activate(self, project: Project) -> None:
        with self._step("activate") as wanted:
            if not wanted:
                return
            with self._engine.begin() as connection:
                now = activation.activate(
                    connection,
                    release=self._plan.release,
                    base=self._plan.base,
                    deployment=self._deployment.deployment,
                    user=self._plan.user,
                    at=self._clock(),
                )
            # From here on the deployment has succeeded, also if this process ends now (`Journal.end_interrupted`).
            self._update(activated=True, generation=now.generation)
            self._target.use(project)

    def _verify(self, project: Project) -> None:
        with self._step("verify") as wanted:
            if wanted:
                self._target.verify(project)

    def _hashes(self, release: str) -> dict[str, str]:
        return {entry.path: entry.sha256 for entry in self._releases.manifest(release).files}

    @contextmanager
    def _step(self, name: str) -> Iterator[bool]:
        """Show a step as running, then as done or failed, with its time; False inside for one to be skipped."""
        if name not in self._plan.steps:
            yield False
            return
        if self._cancel_requested and not self._deployment.activated:
            raise Canceled
        started = time.monotonic()
        self._update(state=_STATE_OF_STEP[name])
        self._set_step(name, "running", 0.0)
        self._tell(f"{name} started")
        try:
            yield True
        except BaseException:
            self._set_step(name, "failed", (time.monotonic() - started) * 1000)
            raise
        self._set_step(name, "done", (time.monotonic() - started) * 1000)
        self._tell(f"{name} done")

    def _set_step(self, name: str, state: StepState, ms: float) -> None:
        changed = DeploymentStep(name=name, state=state, ms=round(ms, 1))
        self._update(steps=tuple(changed if step.name == name else step for step in self._deployment.steps))

    def _update(self, **changes: object) -> None:
        self._deployment = msgspec.structs.replace(self._deployment, **changes)

    def _tell(self, message: str) -> None:
        self._journal.write(self._deployment, message)

    def _fail(self, error: ApiError) -> None:
        self._update(error=error)
        self._finish("FAILED", error.message)

    def _finish(self, state: DeploymentState, message: str) -> None:
        self._update(state=state)
        self._tell(message)


def _initial_steps(plan: Plan) -> tuple[DeploymentStep, ...]:
    return tuple(DeploymentStep(name=name, state="pending" if name in plan.steps else "skipped") for name in STEPS)
