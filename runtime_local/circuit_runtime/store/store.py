"""Open a database, keep its pool, and hand out sessions."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool, StaticPool

from circuit_runtime.project.schema import Schema
from circuit_runtime.store.faults import failed
from circuit_runtime.store.migration import Migration, migrate
from circuit_runtime.store.session import Dialect, Session
from circuit_runtime.store.sqlite import Numbers, SqliteSession, Writer, configure
from circuit_runtime.store.sqlite import fault_of as sqlite_fault_of

if TYPE_CHECKING:
    import psycopg

_MEMORY = "sqlite:///:memory:"


class Store:
    """One database. Thread-safe; sessions are not.

    One in memory or made by `scratch` has one connection, so one session at a time.
    """

    def __init__(self, engine: sa.Engine, dialect: Dialect) -> None:
        self._engine = engine
        self._numbers = Numbers()
        self._writer = Writer()
        self.dialect: Dialect = dialect

    @classmethod
    def open(cls, url: str) -> Self:
        """A store at `sqlite:///PATH`, `sqlite:///:memory:` or `postgresql://…`."""
        if url.startswith("sqlite"):
            if url != _MEMORY:
                Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            pool: dict[str, Any] = (
                {"poolclass": StaticPool}
                if url == _MEMORY
                else {"poolclass": QueuePool, "pool_size": 8, "max_overflow": 32}
            )
            engine = sa.create_engine(url, connect_args={"check_same_thread": False}, **pool)
            sa.event.listen(engine, "connect", lambda connection, _record: configure(connection))
            return cls(engine, "sqlite")
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=8)
        return cls(engine, "postgresql")

    def scratch(self) -> Self:
        """An empty database of the same kind that nobody else sees and that is gone once it is closed.

        On PostgreSQL its tables are temporary ones of one connection: a server that dies leaves nothing behind.
        """
        if self.dialect == "sqlite":
            return type(self).open(_MEMORY)
        engine = sa.create_engine(self._engine.url, poolclass=StaticPool)
        sa.event.listen(engine, "connect", lambda connection, _record: _use_temporary_tables(connection))
        return type(self)(engine, "postgresql")

    def session(self, label: str = "") -> Session:
        """A session; `label` names its writer to others that have to wait.

        Raises: StoreFault, StoreBusy: the database cannot be opened.
        """
        try:
            pooled = self._engine.raw_connection()
        except (sa.exc.DBAPIError, sqlite3.Error) as exc:
            raise _fault_of(exc) from exc
        driver: Any = pooled.driver_connection
        if self.dialect == "sqlite":
            connection: sqlite3.Connection = driver
            return SqliteSession(connection, self._numbers, self._writer, label, pooled.close)
        from circuit_runtime.store.postgresql import PostgresSession

        postgres: psycopg.Connection[tuple[Any, ...]] = driver
        return PostgresSession(postgres, self._writer, label, pooled.close)

    def migrate(self, schema: Schema, *, going_back: bool = False) -> Migration:
        """Bring the tables to `schema`, and make sure that there is a user. See `migration.migrate`.

        Raises: MigrationRefused, StoreBusy.
        """
        with self.session("a change of the project's objects") as session:
            return migrate(session, schema, going_back=going_back)

    def set_writer_paused(self, is_paused: bool) -> None:
        """While the transaction that holds the write lock is paused, other writers are refused at once."""
        self._writer.is_paused = is_paused

    def close(self) -> None:
        self._engine.dispose()


def _use_temporary_tables(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Let names stand for temporary tables, also those that are to be created."""
    connection.execute("SET search_path = pg_temp")
    connection.commit()


def _fault_of(error: sa.exc.DBAPIError | sqlite3.Error) -> Exception:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return sqlite_fault_of(cause) or error
    return failed(str(cause).strip().splitlines()[0] if str(cause).strip() else "its server does not answer")
