"""One environment with all its parts: made once by the server, used by its routes."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

import circuit_link.host_protocol as hp
from circuit_env import activation, tables
from circuit_env.access import Access, Principal
from circuit_env.deployments import Deployments
from circuit_env.journal import Journal
from circuit_env.log_tail import LogTail
from circuit_env.place import Place
from circuit_env.quotas import Meter, Quotas
from circuit_env.releases import Releases
from circuit_link import env_protocol as env
from circuit_link.errors import UserFacingError
from circuit_runtime.host.log_archive import LogArchive
from circuit_runtime.host.queries import answer_query
from circuit_runtime.host.runs import RunService
from circuit_runtime.project.objects import load_schema
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.probes import probe
from circuit_runtime.sandbox.requirements import require_for_hosting
from circuit_runtime.store.store import Store

_RUN_WAIT_S = 700.0


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Environment:
    """An environment on a folder (SQLite) or on a PostgreSQL database. Thread-safe; `close` it at the end.

    Args:
        name: `staging`, `production`, …
        folder: holds logs, and the databases where `database_url` is None.
        quotas: what its operator allows it to execute.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        database_url: str | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
        quotas: Quotas | None = None,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = name
        own_url = database_url or f"sqlite:///{folder.resolve() / 'environment.db'}"
        self._engine = tables.open_engine(own_url.replace("postgresql://", "postgresql+psycopg://", 1))
        _ensure_row(self._engine, name)
        self._store = Store.open(database_url or f"sqlite:///{folder.resolve() / 'records.db'}")
        # The standard objects are there before the first deployment: its tests run as one of the users.
        self._store.migrate(load_schema({}))
        self._pool = WorkerPool()
        self._pool.prestart()
        self.access = Access(self._engine, clock)
        self.releases = Releases(self._engine, clock)
        self.journal = Journal(self._engine, clock)
        self.journal.end_interrupted()
        self.place = Place(self._engine, self.releases, self._store, self._pool)
        self.deployments = Deployments(
            name, engine=self._engine, journal=self.journal, releases=self.releases, target=self.place, clock=clock
        )
        self.tail = LogTail()
        self.logs = LogArchive(folder / "logs")
        self.logs.close_abandoned()
        self._meter = Meter(self._engine, quotas or Quotas(), clock)
        self._runs = RunService(self.place, self.logs, self.tail.watch, self._meter)

    def require_sandbox(self, *, allow_weak: bool) -> None:
        """Refuse to go on where the sandbox does not hold scripts. Raises: UserFacingError, code SANDBOX_WEAK."""
        require_for_hosting(probe(self._pool).guarantees, allow_weak=allow_weak)

    def status(self) -> env.EnvironmentStatus:
        current = self.current()
        return env.EnvironmentStatus(
            environment=self.name,
            release=current.release,
            generation=current.generation,
            healthy=self._is_healthy(current),
            lock=self.deployments.lock_holder(),
            runtime=f"Python {platform.python_version()}",
            usage=self._meter.usage(),
        )

    def current(self) -> activation.Current:
        with self._engine.begin() as connection:
            return activation.current(connection)

    def run(self, request: hp.RunRequest) -> hp.RunResult:
        """Run on the current release and wait for the end. Raises: UserFacingError."""
        handle = self._runs.start(request)
        result = handle.wait(_RUN_WAIT_S)
        if result is None:
            handle.stop("It took longer than a request may wait.")
            raise UserFacingError("The run did not end in time and was stopped.", code="RUN_TIMEOUT")
        return result

    def query(self, request: env.QueryRequest) -> env.QueryAnswer:
        """Raises: UserFacingError."""
        with self.place.opened() as opened:
            parts = list(answer_query(opened, hp.RunQuery(request=0, text=request.soql)))
        first = parts[0]
        return env.QueryAnswer(
            object_name=first.object_name,
            columns=first.columns,
            rows=[row for part in parts for row in part.rows],
            count=first.count,
            limits=first.limits,
        )

    def require(self, token: str | None, scope: str) -> Principal:
        """Who makes a request, with the right to make it. Raises: AccessDenied."""
        principal = self.access.principal(token)
        principal.require(scope)
        return principal

    def close(self) -> None:
        self.deployments.close()
        self._runs.stop_all("The environment's server ends.")
        self._pool.close()
        self._store.close()
        self._engine.dispose()

    def _is_healthy(self, current: activation.Current) -> bool:
        if not current.release:
            return True
        try:
            self.place.verify(self.place.project())
        except (UserFacingError, sa.exc.SQLAlchemyError):
            return False
        return True


def _ensure_row(engine: sa.Engine, name: str) -> None:
    with engine.begin() as connection:
        if connection.execute(tables.environment.select()).first() is None:
            connection.execute(tables.environment.insert().values(name=name, current_release="", generation=0))
