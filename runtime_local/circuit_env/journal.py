"""Deployments and their events, stored as they happen and given to whoever follows them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator

import msgspec
import sqlalchemy as sa

from circuit_env import tables
from circuit_link.env_protocol import FINAL_STATES, ApiError, Deployment, DeploymentEvent
from circuit_link.errors import UserFacingError

_RESTARTED = ApiError(
    code="SERVER_RESTARTED",
    message="The environment's server ended during this deployment. Nothing was activated.",
    hint="Deploy again; files that were uploaded are kept.",
)


class Journal:
    """What every deployment of one environment is and did. Thread-safe."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], dt.datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._written = threading.Condition()

    def create(self, deployment: Deployment, *, idempotency_key: str, user: str) -> Deployment:
        """Store a new deployment; with a key that was used before, the deployment of that key instead."""
        with self._engine.begin() as connection:
            if idempotency_key:
                same = tables.deployment.c.idempotency_key == idempotency_key
                if row := connection.execute(tables.deployment.select().where(same)).one_or_none():
                    return msgspec.json.decode(row.state_json, type=Deployment)
            connection.execute(
                tables.deployment.insert().values(
                    id=deployment.deployment,
                    idempotency_key=idempotency_key or None,
                    state=deployment.state,
                    state_json=msgspec.json.encode(deployment),
                    requested_by=user,
                    created_at=self._clock(),
                )
            )
        return deployment

    def write(self, deployment: Deployment, message: str) -> None:
        """Store a deployment's new state with the event that led to it, and wake those that follow it."""
        name = deployment.deployment
        seq = sa.select(sa.func.coalesce(sa.func.max(tables.deployment_event.c.seq), 0) + 1).where(
            tables.deployment_event.c.deployment == name
        )
        with self._written:
            with self._engine.begin() as connection:
                event = DeploymentEvent(
                    seq=connection.execute(seq).scalar_one(),
                    at=self._clock(),
                    message=message,
                    deployment=deployment,
                )
                connection.execute(
                    tables.deployment_event.insert().values(
                        deployment=name, seq=event.seq, event_json=msgspec.json.encode(event)
                    )
                )
                connection.execute(
                    tables.deployment.update()
                    .where(tables.deployment.c.id == name)
                    .values(state=deployment.state, state_json=msgspec.json.encode(deployment))
                )
            self._written.notify_all()

    def refuse(self, deployment: Deployment, error: UserFacingError) -> None:
        """Store that a deployment was refused before it began."""
        reason = ApiError(code=error.code, message=error.message, hint=error.hint)
        self.write(msgspec.structs.replace(deployment, state="FAILED", error=reason), error.message)

    def end_unchanged(self, deployment: Deployment) -> Deployment:
        """Store that there was nothing to deploy: the release is the current one already."""
        ended = msgspec.structs.replace(deployment, state="SUCCEEDED")
        self.write(ended, "No changes to deploy")
        return ended

    def read(self, name: str) -> Deployment:
        """Raises: UserFacingError, for a deployment that does not exist."""
        query = sa.select(tables.deployment.c.state_json).where(tables.deployment.c.id == name)
        with self._engine.begin() as connection:
            data = connection.execute(query).scalar_one_or_none()
        if data is None:
            raise UserFacingError(f"This environment knows no deployment {name}.", code="DEPLOYMENT_UNKNOWN")
        return msgspec.json.decode(data, type=Deployment)

    def follow(self, name: str, after: int, keep_alive_s: float) -> Iterator[DeploymentEvent | None]:
        """Events of a deployment from behind number `after` until it has ended.

        Yields None after each `keep_alive_s` seconds of silence, so that the listener can show that it lives.
        """
        while True:
            with self._written:
                events = self._events(name, after)
                if not events:
                    if self.read(name).state in FINAL_STATES:
                        return
                    self._written.wait(keep_alive_s)
                    events = self._events(name, after)
            if not events:
                yield None
            for event in events:
                after = event.seq
                yield event
                if event.deployment.state in FINAL_STATES:
                    return

    def end_interrupted(self) -> None:
        """At start: end what the last server left unfinished, as succeeded if it had been activated."""
        unfinished = tables.deployment.c.state.not_in(FINAL_STATES)
        query = sa.select(tables.deployment.c.state_json, tables.activation.c.generation).outerjoin(
            tables.activation, tables.activation.c.deployment == tables.deployment.c.id
        )
        with self._engine.begin() as connection:
            rows = list(connection.execute(query.where(unfinished)))
        for row in rows:
            left = msgspec.json.decode(row.state_json, type=Deployment)
            if row.generation is None:
                ended = msgspec.structs.replace(left, state="FAILED", error=_RESTARTED)
                self.write(ended, _RESTARTED.message)
            else:
                ended = msgspec.structs.replace(left, state="SUCCEEDED", activated=True, generation=row.generation)
                self.write(ended, "Activated; the server was restarted before it could say so")

    def _events(self, name: str, after: int) -> list[DeploymentEvent]:
        query = (
            sa.select(tables.deployment_event.c.event_json)
            .where(tables.deployment_event.c.deployment == name, tables.deployment_event.c.seq > after)
            .order_by(tables.deployment_event.c.seq)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query).scalars().all()
        return [msgspec.json.decode(data, type=DeploymentEvent) for data in rows]
