"""What an environment remembers about releases and deployments, as tables (SQLite or PostgreSQL).

Releases and blobs never change. An environment points at one release; the pointer and `generation`, its
compare-and-swap token, move together in one transaction (`circuit_env.activation`).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData()


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware datetimes in UTC; SQLite forgets the zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        return value.astimezone(dt.UTC) if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        moment: dt.datetime = value
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


blob = sa.Table(
    "env_blob",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

release = sa.Table(
    "env_release",
    metadata,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("manifest", sa.LargeBinary, nullable=False),
    sa.Column("git_commit", sa.String(80), nullable=False),
    sa.Column("created_by", sa.String(120), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# One row: the environment itself.
environment = sa.Table(
    "env_environment",
    metadata,
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("current_release", sa.String(24), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
)

activation = sa.Table(
    "env_activation",
    metadata,
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("release", sa.String(24), sa.ForeignKey("env_release.id"), nullable=False),
    sa.Column("deployment", sa.String(40), nullable=False),
    sa.Column("activated_at", UtcDateTime, nullable=False),
)

# `state_json` is the deployment as `circuit_link.env_protocol.Deployment`; `state` repeats it for look-ups.
deployment = sa.Table(
    "env_deployment",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("idempotency_key", sa.String(80), nullable=True, unique=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("state_json", sa.LargeBinary, nullable=False),
    sa.Column("requested_by", sa.String(120), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

deployment_event = sa.Table(
    "env_deployment_event",
    metadata,
    sa.Column("deployment", sa.String(40), sa.ForeignKey("env_deployment.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("event_json", sa.LargeBinary, nullable=False),
)

token = sa.Table(
    "env_token",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("user_name", sa.String(120), nullable=False),
    sa.Column("scopes", sa.String(400), nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=True),
)

audit = sa.Table(
    "env_audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
)

# One row a month (`2026-11`, UTC): what was executed, and what that cost in millionths of the prices' unit.
usage = sa.Table(
    "env_usage",
    metadata,
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("executions", sa.BigInteger, nullable=False),
    sa.Column("cost_micros", sa.BigInteger, nullable=False),
)


def open_engine(url: str) -> sa.Engine:
    """The engine for an environment's own tables; creates those that are missing."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    metadata.create_all(engine)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: it would do so too late for a compare-and-swap.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
