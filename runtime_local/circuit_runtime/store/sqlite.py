"""The store on SQLite: the database of a project on a developer's machine."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from circuit_runtime.project.schema import ObjectType
from circuit_runtime.store import faults
from circuit_runtime.store.calendar import date_part
from circuit_runtime.store.errors import StatementFailed, StoreBusy, UniqueViolation
from circuit_runtime.store.formula_functions import register
from circuit_runtime.store.ids import number_of, record_ids
from circuit_runtime.store.patterns import fits
from circuit_runtime.store.session import Row, Session, stored_columns

_OPEN_WAIT_S = 5.0
_BUSY_POLL_MS = 20
_ID_BLOCK = 1000
# Rows that one INSERT takes at most: one of 100 rows costs a quarter less than 100 of one row.
_ROWS_OF_AN_INSERT = 100
_REASONS = {
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CANTOPEN: "its files cannot be opened",
    sqlite3.SQLITE_READONLY: "its files may not be written",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is no database",
}
# Failures of a statement's values and of its size, for which SQLite has no codes.
_FAILURES = re.compile(
    "integer overflow|LIKE or GLOB pattern too complex|parser stack overflow|Expression tree is too large"
    "|tables in a join|too many SQL variables|too many columns|too many terms"
)


# The driver binds truth values as numbers anyway, but looks for an adapter for each of them first, at some length.
sqlite3.register_adapter(bool, int)


def fault_of(error: Exception) -> Exception | None:
    """What a driver's error means for its user; None for one that is a mistake of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_FULL:
            return faults.disk_full()
        case sqlite3.SQLITE_INTERRUPT:
            return faults.interrupted()
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy()
        case sqlite3.SQLITE_TOOBIG:
            return StatementFailed(str(error))
        case sqlite3.SQLITE_ERROR if _FAILURES.search(str(error)):
            return StatementFailed(str(error))
        case _:
            return faults.failed(_REASONS[code]) if code in _REASONS else None


_tells_faults = faults.telling(sqlite3.DatabaseError, fault_of)


def configure(connection: sqlite3.Connection) -> None:
    """Settings of every connection. Transactions are opened by us alone (`isolation_level` None)."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_POLL_MS}")
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "temp_store=MEMORY", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("circuit_fold", 1, _fold, deterministic=True)
    connection.create_function("circuit_regex", 2, _matches, deterministic=True)
    connection.create_function("circuit_number", 1, number_of, deterministic=True)
    register(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Several may open a new database at once: all but the one that makes it a WAL are refused, and try again."""
    deadline = time.monotonic() + _OPEN_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(_BUSY_POLL_MS / 1000)


def _fold(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _matches(text: Any, pattern: Any) -> bool | None:
    if text is None or pattern is None:
        return None
    return fits(str(text), str(pattern))


class Numbers:
    """Counters of record ids and autonumbers of one database, shared by its sessions.

    Given numbers are never taken back: the counter lives in memory, and the database holds a mark beyond it, which
    is written with the transaction that first needs it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, int] = {}
        self._marked: dict[str, int] = {}

    def take(self, connection: sqlite3.Connection, key: str, count: int) -> int:
        """The first of `count` numbers; within a write transaction of `connection`."""
        with self._lock:
            if key not in self._next:
                row = connection.execute("SELECT next FROM circuit_number WHERE key = ?", (key,)).fetchone()
                self._next[key] = row[0] if row else 1
                self._marked[key] = self._next[key]
            first = self._next[key]
            self._next[key] = first + count
            # Written also when a rolled-back transaction had marked it: its mark is gone with it.
            mark = self._next[key] + (_ID_BLOCK if key.startswith("id/") else 0)
            connection.execute(
                "INSERT INTO circuit_number (key, next) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET next = max(next, excluded.next)",
                (key, mark),
            )
            return first


class Writer:
    """Who holds the write lock of a database, for the sentence that refuses others."""

    def __init__(self) -> None:
        self.label = ""
        self.is_paused = False


class SqliteSession(Session):
    """See `Session`. `give_back` returns the connection to its pool."""

    dialect = "sqlite"

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbers: Numbers,
        writer: Writer,
        label: str,
        give_back: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._numbers = numbers
        self._writer = writer
        self._label = label
        self._give_back = give_back
        self._is_closed = False
        self._closing = threading.Lock()
        self._calendar = ("", 0)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @_tells_faults
    def begin(self, wait_s: float = 5.0) -> None:
        if self.in_transaction:
            return
        deadline = time.monotonic() + wait_s
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._writer.label = self._label
                return
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) and "busy" not in str(exc):
                    raise
                if self._writer.is_paused or time.monotonic() >= deadline:
                    raise StoreBusy(self._writer.label) from exc

    @_tells_faults
    def commit(self) -> None:
        if self.in_transaction:
            self._connection.execute("COMMIT")
            self._writer.label = ""

    @_tells_faults
    def rollback(self) -> None:
        if self.in_transaction:
            self._connection.execute("ROLLBACK")
            self._writer.label = ""

    def close(self) -> None:
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        self.rollback()
        self._give_back()

    @_tells_faults
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[Row]]:
        cursor = self._cursor(sql, parameters)
        try:
            while rows := self._next_rows(cursor, size):
                yield rows
        finally:
            cursor.close()

    def insert(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        row_marks = f"({','.join('?' * len(columns))})"
        into = f"INSERT INTO {item.table} ({_names(columns)}) VALUES "
        parameters = self._connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        size = min(_ROWS_OF_AN_INSERT, parameters // len(columns))
        if whole := len(rows) // size * size:
            groups = (tuple(chain.from_iterable(rows[start : start + size])) for start in range(0, whole, size))
            self._write_many(into + ",".join([row_marks] * size), groups)
        self._write_many(into + row_marks, rows[whole:])

    def update(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        # Numbered parameters let a row keep the id in front.
        settings = ",".join(f'"{name}"=?{place}' for place, name in enumerate(columns, start=2))
        self._write_many(f"UPDATE {item.table} SET {settings} WHERE id=?1", rows)

    @_tells_faults
    def fetch(
        self, item: ObjectType, ids: Iterable[str], *, for_update: bool = False, include_deleted: bool = False
    ) -> dict[str, dict[str, Any]]:
        if for_update:
            self.begin()
        columns = stored_columns(item)
        alive = "" if include_deleted else " AND NOT is_deleted"
        rows = self._connection.execute(
            f"SELECT {_names(columns)} FROM {item.table} WHERE id IN (SELECT value FROM json_each(?)){alive}",
            (json.dumps(list(ids)),),
        )
        place = columns.index("id")
        return {row[place]: dict(zip(columns, row, strict=True)) for row in rows}

    @_tells_faults
    def delete(self, item: ObjectType, ids: Iterable[str]) -> None:
        self._connection.execute(
            f"DELETE FROM {item.table} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
        )

    def create_counters(self, item: ObjectType) -> None:
        """Nothing to do: `Numbers` begins a counter when it is first used."""

    def rename_counter(self, item: ObjectType, old_field: str, new_field: str) -> None:
        keys = [_autonumber_counter(item, name) for name in (new_field, old_field)]
        self._connection.execute("UPDATE circuit_number SET key = ? WHERE key = ?", keys)

    @_tells_faults
    def next_ids(self, item: ObjectType, count: int) -> list[str]:
        first = self._numbers.take(self._connection, f"id/{item.key_prefix}", count)
        return record_ids(item.key_prefix, first, count)

    @_tells_faults
    def next_number(self, item: ObjectType, field_name: str, count: int) -> int:
        return self._numbers.take(self._connection, _autonumber_counter(item, field_name), count)

    def set_calendar(self, zone: str, fiscal_year_start_month: int) -> None:
        if (zone, fiscal_year_start_month) != self._calendar:
            self._calendar = (zone, fiscal_year_start_month)
            self._connection.create_function("circuit_date_part", 3, self._date_part)

    def interrupt(self) -> None:
        with self._closing:
            if not self._is_closed:
                self._connection.interrupt()

    @_tells_faults
    def _cursor(self, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        return self._connection.execute(sql, parameters)

    @_tells_faults
    def _next_rows(self, cursor: sqlite3.Cursor, size: int) -> list[Row]:
        return cursor.fetchmany(size)

    def _date_part(self, function: str, value: int | str | None, in_user_zone: int) -> int | str | None:
        zone, fiscal_year_start_month = self._calendar
        return date_part(function, value, zone if in_user_zone else "UTC", fiscal_year_start_month)

    @_tells_faults
    def _write_many(self, sql: str, rows: Iterable[Row]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.IntegrityError as exc:
            table, _, column = str(exc).rpartition(": ")[2].partition(".")
            raise UniqueViolation(table, column) from exc


def _autonumber_counter(item: ObjectType, field_name: str) -> str:
    return f"auto/{item.name}.{field_name}"


def _names(columns: Sequence[str]) -> str:
    return ",".join(f'"{name}"' for name in columns)
