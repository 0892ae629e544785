"""The exceptions of the public API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class DmlError(NamedTuple):
    """Why a record was not saved; `status_code` as Apex names it, `fields` the fields it is about."""

    status_code: str
    message: str
    fields: list[str] = []


class DmlFailure(NamedTuple):
    """A record of a failed statement: its index in the list that was passed, its id, its errors."""

    index: int  # type: ignore[assignment]  # the public name, which hides tuple.index
    id: str | None
    errors: list[DmlError]


class CircuitException(Exception):
    """Base of every error that a script can catch."""


class DmlException(CircuitException):
    """A DML statement failed; nothing of it was saved.

    Attributes:
        failures: (index, id, errors) of every record that failed.
    """

    def __init__(self, message: str = "", failures: Sequence[DmlFailure] = ()) -> None:
        super().__init__(message)
        self.failures = list(failures)

    def get_num_dml(self) -> int:
        """How many records failed; the other methods take a place among these, from 0."""
        return len(self.failures)

    def get_dml_index(self, place: int) -> int:
        """The index of a failed record in the list that was passed."""
        return self.failures[place].index

    def get_dml_id(self, place: int) -> str | None:
        return self.failures[place].id

    def get_dml_type(self, place: int) -> str:
        """The status code of its first error."""
        return self.failures[place].errors[0].status_code

    def get_dml_message(self, place: int) -> str:
        return self.failures[place].errors[0].message

    def get_dml_field_names(self, place: int) -> list[str]:
        return self.failures[place].errors[0].fields


class QueryException(CircuitException):
    """A query is malformed, or did not return what `query_one` promises."""


class RecordException(CircuitException, AttributeError):
    """A field that the record does not have or that its query did not select, or a write to a read-only record.

    It is an `AttributeError` too, so that `hasattr` and `getattr(record, name, default)` work.
    """


class CalloutException(CircuitException):
    """A callout was refused, failed or took too long."""


class AsyncException(CircuitException):
    """A job could not be enqueued, scheduled or published."""


class ValidationException(CircuitException):
    """Raise it in classes to refuse a value."""


class NotFoundException(CircuitException):
    """A class, a method, a secret or a counter of that name does not exist."""


class GovernorLimitException(BaseException):
    """A limit was exceeded. It ends the transaction whatever the script catches."""


BY_NAME: dict[str, type[CircuitException]] = {
    kind.__name__: kind
    for kind in (
        CircuitException,
        DmlException,
        QueryException,
        RecordException,
        CalloutException,
        AsyncException,
        ValidationException,
        NotFoundException,
    )
}
