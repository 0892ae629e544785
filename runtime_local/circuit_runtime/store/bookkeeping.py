"""What the store notes about its database."""

from __future__ import annotations

from circuit_runtime.store.session import Session


def read_meta(session: Session, key: str) -> str | None:
    """What the store has noted about its database, None where it has not."""
    rows = session.execute(placeholders(session, "SELECT value FROM circuit_meta WHERE key = ?"), (key,))
    return str(rows[0][0]) if rows else None


def write_meta(session: Session, key: str, value: str) -> None:
    sql = (
        "INSERT INTO circuit_meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    session.execute(placeholders(session, sql), (key, value))


def forget_meta(session: Session, key: str) -> None:
    session.execute(placeholders(session, "DELETE FROM circuit_meta WHERE key = ?"), (key,))


def placeholders(session: Session, sql: str) -> str:
    """SQL written with `?` as the session's driver takes it."""
    return sql if session.dialect == "sqlite" else sql.replace("?", "%s")
