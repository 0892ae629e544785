"""Deployments of one environment: one at a time, each on a thread of its own, followed by whoever likes."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from circuit_env import activation, tables
from circuit_env.access import Principal
from circuit_env.journal import Journal
from circuit_env.pipeline import STEPS, Pipeline, Plan, Target
from circuit_env.releases import Releases
from circuit_link.env_protocol import (
    FINAL_STATES,
    Deployment,
    DeploymentKind,
    DeploymentRequest,
    LockHolder,
    RollbackRequest,
)
from circuit_link.errors import UserFacingError

_LOWEST_MINIMUM = 75


class DeployLocked(UserFacingError):
    """Another deployment is under way."""


@dataclass(frozen=True, slots=True)
class _Running:
    deployment: str
    holder: str
    since: dt.datetime
    pipeline: Pipeline
    thread: threading.Thread


class Deployments:
    """Starts, finds and cancels the deployments of one environment. Thread-safe."""

    def __init__(
        self,
        name: str,
        *,
        engine: sa.Engine,
        journal: Journal,
        releases: Releases,
        target: Target,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._name = name
        self._engine = engine
        self._journal = journal
        self._releases = releases
        self._target = target
        self._clock = clock
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def deploy(self, request: DeploymentRequest, principal: Principal) -> Deployment:
        """Begin a deployment or validation. It goes on after the client has left.

        Raises: UserFacingError: refused at once, with nothing stored but the release.
        """
        if request.kind == "deploy" and not request.run_tests:
            raise UserFacingError(
                "Deployments to this environment run the tests; they cannot be left out.",
                code="TESTS_REQUIRED",
                hint="Deploy with --run-tests.",
            )
        release = self._releases.store(request.manifest, commit=request.commit, user=principal.user)
        steps = {"check", "test", "expand", "activate", "verify"} if request.kind == "deploy" else {"check"}
        if request.run_tests:
            steps.add("test")
        return self._begin(
            kind=request.kind,
            release=release,
            steps=steps,
            principal=principal,
            base_generation=request.base_generation,
            idempotency_key=request.idempotency_key,
            minimum_coverage=max(request.minimum_coverage, _LOWEST_MINIMUM),
            uploaded_bytes=request.uploaded_bytes,
        )

    def roll_back(self, request: RollbackRequest, principal: Principal) -> Deployment:
        """Begin to point the environment at a release that served it before. Raises: UserFacingError."""
        with self._engine.begin() as connection:
            release = activation.find_release(connection, request.to)
            base = activation.current(connection)
        current_deployment = self._deployment_of(base.generation)
        if request.only_if_current and current_deployment != request.only_if_current:
            raise UserFacingError(
                f"The current deployment is {current_deployment}, not {request.only_if_current}.",
                code="NOT_CURRENT",
            )
        return self._begin(
            kind="rollback",
            release=release,
            steps={"expand", "activate", "verify", "check"},
            principal=principal,
            base_generation=base.generation,
            idempotency_key="",
            minimum_coverage=_LOWEST_MINIMUM,
            uploaded_bytes=0,
        )

    def cancel(self, name: str) -> Deployment:
        """Ask a running deployment to end; it does, unless it is past its point of no return."""
        with self._lock:
            if self._running and self._running.deployment == name:
                self._running.pipeline.cancel()
        return self._journal.read(name)

    def lock_holder(self) -> LockHolder | None:
        """Who deploys just now, since when, and how far it is."""
        with self._lock:
            running = self._running
        if running is None or not running.thread.is_alive():
            return None
        phase = self._journal.read(running.deployment).state
        return LockHolder(holder=running.holder, since=running.since, phase=phase)

    def close(self) -> None:
        """Cancel what is running and wait for its end."""
        with self._lock:
            running = self._running
        if running:
            running.pipeline.cancel()
            running.thread.join()

    def _begin(
        self,
        *,
        kind: DeploymentKind,
        release: str,
        steps: set[str],
        principal: Principal,
        base_generation: int | None,
        idempotency_key: str,
        minimum_coverage: int,
        uploaded_bytes: int,
    ) -> Deployment:
        with self._lock:
            with self._engine.begin() as connection:
                base = activation.current(connection)
            wanted = Deployment(
                deployment=f"dep_{uuid.uuid4().hex[:20]}",
                environment=self._name,
                kind=kind,
                state="CREATED",
                release=release,
                base_release=base.release,
                generation=base.generation,
                activated=False,
                uploaded_bytes=uploaded_bytes,
            )
            deployment = self._journal.create(wanted, idempotency_key=idempotency_key, user=principal.user)
            if deployment is not wanted:
                return deployment
            try:
                self._refuse_if_locked()
                _refuse_if_moved(base, base_generation)
            except UserFacingError as error:
                self._journal.refuse(deployment, error)
                raise
            if release == base.release and kind == "deploy":
                return self._journal.end_unchanged(deployment)
            plan = Plan(release, base, frozenset(steps & set(STEPS)), minimum_coverage, principal.user)
            pipeline = Pipeline(
                deployment,
                plan,
                engine=self._engine,
                journal=self._journal,
                releases=self._releases,
                target=self._target,
                clock=self._clock,
            )
            thread = threading.Thread(target=pipeline.run, name=deployment.deployment)
            self._running = _Running(deployment.deployment, principal.user, self._clock(), pipeline, thread)
            thread.start()
            return deployment

    def _refuse_if_locked(self) -> None:
        running = self._running
        if running is None or not running.thread.is_alive():
            return
        state = self._journal.read(running.deployment).state
        if state not in FINAL_STATES:
            raise DeployLocked(
                f"{running.holder} deploys {running.deployment} since {running.since:%H:%M:%S} UTC ({state}).",
                code="DEPLOY_LOCKED",
                hint="Wait for its end, or cancel it.",
            )
        running.thread.join()

    def _deployment_of(self, generation: int) -> str:
        table = tables.activation
        query = sa.select(table.c.deployment).where(table.c.generation == generation)
        with self._engine.begin() as connection:
            return connection.execute(query).scalar_one_or_none() or ""


def _refuse_if_moved(base: activation.Current, seen_generation: int | None) -> None:
    if seen_generation is not None and seen_generation != base.generation:
        raise activation.BaseMoved(
            f"The environment is at generation {base.generation} ({base.release}), not {seen_generation}.",
            code="DEPLOY_BASE_MOVED",
            hint="Look at what was deployed, and deploy again.",
        )
