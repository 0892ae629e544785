"""How DML fails, in Salesforce's status codes and words."""

from __future__ import annotations

from collections.abc import Sequence

from circuit_link.wire import DmlErrorInfo, FailedRecord, Saved


class DmlFailed(Exception):
    """A DML statement that was undone as a whole.

    Attributes:
        failures: index and outcome of every record that has an error; () where the statement itself is wrong.
    """

    def __init__(self, message: str, failures: Sequence[tuple[int, FailedRecord]] = ()) -> None:
        super().__init__(message)
        self.failures = tuple(failures)


def failed(operation: str, saved: Saved) -> DmlFailed:
    """The exception for a statement of which some records failed: names the first, carries all."""
    failures = [
        (index, FailedRecord(id=saved.ids[index], errors=errors)) for index, errors in saved.errors.items()
    ]
    index, first = failures[0]
    error = first.errors[0]
    fields = f": [{', '.join(error.fields)}]"
    which = f" with id {first.id}" if first.id and operation != "insert" else ""
    text = (
        f"{_failure_of(operation)} First exception on row {index}{which}; "
        f"first error: {error.status_code}, {error.message}{fields}"
    )
    return DmlFailed(text, failures)


def taken_meanwhile(operation: str, field: str) -> DmlFailed:
    """For a value that another transaction stored in a unique field while this one ran."""
    return DmlFailed(
        f"{_failure_of(operation)} DUPLICATE_VALUE, duplicate value found: {field or 'a unique field'} "
        "duplicates a value that another transaction has saved"
    )


def refused_by_database(operation: str, reason: str) -> DmlFailed:
    """For values that only the database finds impossible."""
    return DmlFailed(f"{_failure_of(operation)} UNKNOWN_EXCEPTION, {reason}")


def error(status_code: str, message: str, *fields: str) -> DmlErrorInfo:
    return DmlErrorInfo(status_code=status_code, message=message, fields=fields)


def too_many_retries() -> DmlErrorInfo:
    return error(
        "UNKNOWN_EXCEPTION", "Too many batch retries in the presence of Apex triggers and partial failures."
    )


def depth_exceeded(around: Sequence[str]) -> str:
    """Salesforce's text: the triggers around the statement, outermost first, each as `Contact trigger event …`."""
    return "\n".join(("Maximum trigger depth exceeded", *around))


def mixed_dml(object_name: str, first_written: str) -> DmlErrorInfo:
    return error(
        "MIXED_DML_OPERATION",
        "DML operation on setup object is not permitted after you have updated a non-setup object "
        f"(or vice versa): {object_name}, original object: {first_written}",
    )


def no_such_record() -> DmlErrorInfo:
    return error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def is_deleted() -> DmlErrorInfo:
    return error("ENTITY_IS_DELETED", "entity is deleted")


def in_own_trigger(record_id: str, trigger: str, what: str) -> DmlErrorInfo:
    return error(
        "SELF_REFERENCE_FROM_TRIGGER",
        f"Object (id = {record_id}) is currently in trigger {trigger}, therefore it cannot {what}",
    )


def no_rights() -> DmlErrorInfo:
    return error("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def required_missing(names: Sequence[str]) -> DmlErrorInfo:
    return error("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", *names)


def no_such_field(object_name: str, name: str, near: str | None) -> DmlErrorInfo:
    hint = f". Did you mean {near}?" if near else ""
    return error("INVALID_FIELD", f"No such column '{name}' on entity '{object_name}'{hint}", name)


def not_writeable(name: str) -> DmlErrorInfo:
    return error(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {name}. Please check the security settings of this field and verify "
        "that it is read/write for your profile or permission set.",
        name,
    )


def _failure_of(operation: str) -> str:
    return f"{operation.replace('_', ' ').capitalize()} failed."
