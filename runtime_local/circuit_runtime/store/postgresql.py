"""The store on PostgreSQL: the database of an environment that several servers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from circuit_runtime.project.schema import FieldType, ObjectType
from circuit_runtime.store import faults
from circuit_runtime.store.errors import StatementFailed, StoreBusy, UniqueViolation
from circuit_runtime.store.identifiers import identifier, unique_index
from circuit_runtime.store.ids import record_id
from circuit_runtime.store.session import Row, Session, stored_columns
from circuit_runtime.store.sqlite import Writer

_COPY_FROM_ROWS = 20
_CANCEL_TIMEOUT_S = 5.0


def fault_of(error: Exception) -> Exception | None:
    """What a driver's error means for its user; None for one that is a mistake of ours."""
    match error:
        case psycopg.errors.DiskFull():
            return faults.disk_full()
        case psycopg.errors.QueryCanceled():
            return faults.interrupted()
        case psycopg.errors.LockNotAvailable() | psycopg.errors.DeadlockDetected():
            return StoreBusy()
        case psycopg.DataError():
            return StatementFailed(str(error).partition("\n")[0])
        case psycopg.Error(sqlstate=str(code)) if code.startswith("54"):
            return StatementFailed(f"it is beyond the database's bounds: {error}".partition("\n")[0])
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return faults.failed(str(error).strip().splitlines()[0] or "its server does not answer")
        case _:
            return None


_tells_faults = faults.telling(psycopg.Error, fault_of)


class PostgresSession(Session):
    """See `Session`. Numbers come from sequences, which a rollback does not turn back."""

    dialect = "postgresql"

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        writer: Writer,
        label: str,
        give_back: Callable[[], None],
    ) -> None:
        connection.rollback()
        connection.autocommit = True
        self._connection = connection
        self._writer = writer
        self._label = label
        self._give_back = give_back
        self._is_closed = False
        self._closing = threading.Lock()
        self._calendar = ("", 0)

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE

    @_tells_faults
    def begin(self, wait_s: float = 5.0) -> None:
        if not self.in_transaction:
            self._connection.execute("BEGIN")
            self._connection.execute(f"SET LOCAL lock_timeout = '{int(wait_s * 1000)}ms'")
            self._writer.label = self._label

    @_tells_faults
    def commit(self) -> None:
        if self.in_transaction:
            self._connection.execute("COMMIT")

    @_tells_faults
    def rollback(self) -> None:
        if self.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        self.rollback()
        self._connection.autocommit = False
        self._give_back()

    def interrupt(self) -> None:
        with self._closing:
            if not self._is_closed:
                self._connection.cancel_safe(timeout=_CANCEL_TIMEOUT_S)

    @_tells_faults
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        try:
            cursor = self._connection.execute(sql.encode(), parameters)
        except psycopg.errors.LockNotAvailable as exc:
            raise StoreBusy(self._writer.label) from exc
        return cursor.fetchall() if cursor.description else []

    def stream(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[Row]]:
        # A statement that fails would take the open transaction with it.
        mark = self.savepoint() if self.in_transaction else None
        try:
            with self._connection.cursor() as cursor:
                self._execute_on(cursor, sql, parameters)
                while rows := cursor.fetchmany(size):
                    yield rows
        except (StatementFailed, StoreBusy):
            if mark is not None:
                self.rollback_to(mark)
            raise
        finally:
            if mark is not None and self.in_transaction:
                self.release(mark)

    @_tells_faults
    def insert(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names = _names(columns)
        table = sql.Identifier(item.table)
        try:
            if len(rows) > _COPY_FROM_ROWS:
                copy_text = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
                with self._connection.cursor() as cursor, cursor.copy(copy_text) as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = sql.SQL(",").join([sql.Placeholder()] * len(columns))
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, names, marks)
                with self._connection.cursor() as cursor:
                    cursor.executemany(statement, rows)
        except psycopg.errors.UniqueViolation as exc:
            raise _unique(item, exc) from exc

    @_tells_faults
    def update(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        settings = sql.SQL(",").join(sql.SQL("{}=%s").format(sql.Identifier(name)) for name in columns)
        statement = sql.SQL("UPDATE {} SET {} WHERE id=%s").format(sql.Identifier(item.table), settings)
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, [(*row[1:], row[0]) for row in rows])
        except psycopg.errors.UniqueViolation as exc:
            raise _unique(item, exc) from exc
        except psycopg.errors.LockNotAvailable as exc:
            raise StoreBusy(self._writer.label) from exc

    @_tells_faults
    def fetch(
        self, item: ObjectType, ids: Iterable[str], *, for_update: bool = False, include_deleted: bool = False
    ) -> dict[str, dict[str, Any]]:
        if for_update:
            self.begin()
        columns = stored_columns(item)
        alive = "" if include_deleted else " AND NOT is_deleted"
        lock = " FOR UPDATE" if for_update else ""
        statement = sql.SQL("SELECT {} FROM {} WHERE id = ANY(%s)" + alive + lock).format(
            _names(columns), sql.Identifier(item.table)
        )
        try:
            rows = self._connection.execute(statement, (list(ids),)).fetchall()
        except psycopg.errors.LockNotAvailable as exc:
            raise StoreBusy(self._writer.label) from exc
        place = columns.index("id")
        return {row[place]: dict(zip(columns, row, strict=True)) for row in rows}

    @_tells_faults
    def delete(self, item: ObjectType, ids: Iterable[str]) -> None:
        statement = sql.SQL("DELETE FROM {} WHERE id = ANY(%s)").format(sql.Identifier(item.table))
        self._connection.execute(statement, (list(ids),))

    def create_counters(self, item: ObjectType) -> None:
        # With the table, in a transaction that is committed: a sequence made by one that rolls back would be gone.
        names = [_id_counter(item)]
        names += [
            _autonumber_counter(item, field.name)
            for field in item.fields.values()
            if field.type is FieldType.AUTONUMBER
        ]
        for name in names:
            self._connection.execute(sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}").format(sql.Identifier(name)))

    def rename_counter(self, item: ObjectType, old_field: str, new_field: str) -> None:
        old, new = (sql.Identifier(_autonumber_counter(item, name)) for name in (old_field, new_field))
        # The one of the new name was just made, and has given no number yet.
        self._connection.execute(sql.SQL("DROP SEQUENCE IF EXISTS {}").format(new))
        self._connection.execute(sql.SQL("ALTER SEQUENCE {} RENAME TO {}").format(old, new))

    def next_ids(self, item: ObjectType, count: int) -> list[str]:
        return [record_id(item.key_prefix, number) for number in self._numbers(_id_counter(item), count)]

    def next_number(self, item: ObjectType, field_name: str, count: int) -> int:
        return self._numbers(_autonumber_counter(item, field_name), count)[0]

    @_tells_faults
    def set_calendar(self, zone: str, fiscal_year_start_month: int) -> None:
        if (zone, fiscal_year_start_month) != self._calendar:
            self._calendar = (zone, fiscal_year_start_month)
            self._connection.execute(
                "SELECT set_config('circuit.zone', %s, false), set_config('circuit.fiscal', %s, false)",
                (zone, str(fiscal_year_start_month)),
            )

    @_tells_faults
    def _execute_on(self, cursor: psycopg.Cursor[Row], sql: str, parameters: Sequence[Any]) -> None:
        cursor.execute(sql.encode(), parameters)

    @_tells_faults
    def _numbers(self, name: str, count: int) -> list[int]:
        query = "SELECT nextval(%s::regclass) FROM generate_series(1, %s)"
        return [row[0] for row in self._connection.execute(query, (f'"{name}"', count)).fetchall()]


def _id_counter(item: ObjectType) -> str:
    return identifier(f"id_{item.table}")


def _autonumber_counter(item: ObjectType, field_name: str) -> str:
    return identifier(f"auto_{item.table}_{field_name}")


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(",").join(map(sql.Identifier, columns))


def _unique(item: ObjectType, error: psycopg.errors.UniqueViolation) -> UniqueViolation:
    index = error.diag.constraint_name or ""
    column = next((name for name in item.fields if unique_index(item.table, name) == index), "")
    return UniqueViolation(item.table, column)
