"""What the runtime asks of its database: one connection, at most one transaction at a time.

Rows travel in storage form (`circuit_link.wire`). SQL is made in `store/` and `soql/` only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from circuit_runtime.project.schema import ObjectType

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]


def stored_columns(item: ObjectType) -> tuple[str, ...]:
    """Columns of an object's table in the order of its fields."""
    return tuple(field.name for field in item.fields.values() if field.is_stored)


class Session(ABC):
    """A connection from the store's pool; a context manager whose end rolls back what is open.

    Used by one thread at a time. Reads outside a transaction see what is committed at that moment. Any method
    may raise StoreFault: then the open transaction is lost.
    """

    dialect: Dialect

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def in_transaction(self) -> bool: ...

    @abstractmethod
    def begin(self, wait_s: float = 5.0) -> None:
        """Open the write transaction; does nothing in an open one.

        Raises: StoreBusy: another one is not over after `wait_s`, or is paused in the debugger.
        """

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def interrupt(self) -> None:
        """From any thread: end the statement that runs now, if one does, with StoreFault."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Placeholders are the driver's: `?` in SQLite, `%s` in PostgreSQL, where a bare `%` is written `%%`."""

    @abstractmethod
    def stream(self, sql: str, parameters: Sequence[Any], size: int) -> Iterator[list[Row]]:
        """The rows in lists of at most `size`; the statement is closed when the iterator is.

        Raises: StatementFailed; StoreBusy, where rows that it locks stay locked by others.
        """

    @abstractmethod
    def insert(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Raises: UniqueViolation."""

    @abstractmethod
    def update(self, item: ObjectType, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Set `columns` of rows by id: each row is the id, then the values. Raises: UniqueViolation."""

    @abstractmethod
    def fetch(
        self, item: ObjectType, ids: Iterable[str], *, for_update: bool = False, include_deleted: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Rows by id as field name to stored value; ids that do not exist are left out."""

    @abstractmethod
    def delete(self, item: ObjectType, ids: Iterable[str]) -> None:
        """Remove rows for good."""

    @abstractmethod
    def create_counters(self, item: ObjectType) -> None:
        """Make the counters of an object's ids and autonumbers that are not there yet."""

    @abstractmethod
    def rename_counter(self, item: ObjectType, old_field: str, new_field: str) -> None:
        """Let an autonumber field go on from the number of the field that it was."""

    @abstractmethod
    def next_ids(self, item: ObjectType, count: int) -> list[str]:
        """Fresh record ids; never given twice, also after a rollback."""

    @abstractmethod
    def next_number(self, item: ObjectType, field_name: str, count: int) -> int:
        """The first of `count` fresh numbers of an autonumber field."""

    @abstractmethod
    def set_calendar(self, zone: str, fiscal_year_start_month: int) -> None:
        """The time zone and fiscal year of date functions in the queries that follow."""

    def savepoint(self) -> int:
        """Mark this moment of the transaction; later marks have higher numbers."""
        self._marks = getattr(self, "_marks", 0) + 1
        self.execute(f"SAVEPOINT circuit_{self._marks}")
        return self._marks

    def rollback_to(self, mark: int) -> None:
        """Undo what was written since `mark`, which stays usable."""
        self.execute(f"ROLLBACK TO SAVEPOINT circuit_{mark}")

    def release(self, mark: int) -> None:
        """Forget `mark` and all later ones; what was written stays."""
        self.execute(f"RELEASE SAVEPOINT circuit_{mark}")


def update_groups(
    changes: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Changes by id as `Session.update` takes them: one group for each set of columns."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for record_id, values in changes.items():
        if values:
            groups.setdefault(tuple(values), []).append((record_id, *values.values()))
    yield from groups.items()
