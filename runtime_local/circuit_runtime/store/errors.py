"""What can go wrong between the runtime and its database."""

from __future__ import annotations

from circuit_link.errors import UserFacingError


class StoreBusy(UserFacingError):
    """Another transaction holds the database's write lock; nothing was changed."""

    def __init__(self, holder: str = "") -> None:
        super().__init__(
            f"The database is being written by {holder or 'another transaction'}.",
            code="STORE_BUSY",
            hint="Let the paused or running transaction go on, or stop it, and try again.",
        )


class MigrationRefused(UserFacingError):
    """The project's objects do not fit the data that is there; nothing was changed."""


class StatementFailed(Exception):
    """The database could not answer a query: a number out of its range, a pattern or condition too long.

    The transaction stands as it was before the query.
    """


class UniqueViolation(Exception):
    """A write would store a value twice in a unique field.

    Attributes:
        table, column: where; column is "" when the database does not tell.
    """

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"{table}.{column} would hold a value twice")
        self.table = table
        self.column = column
