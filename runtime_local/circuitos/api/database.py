"""CircuitDB: queries, DML and savepoints."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from circuit_link import wire
from circuitos.api.exceptions import (
    CircuitException,
    DmlError,
    DmlException,
    DmlFailure,
    QueryException,
    RecordException,
)
from circuitos.api.records import Layout, Record, from_row, layout_of_result, put_id
from circuitos.api.sending import all_to_send, frames_of
from circuitos.api.values import to_wire
from circuitos.worker import transaction
from circuitos.worker.channel import errors_of

RecordInput = Record | Mapping[str, Any]
IdOrRecord = str | RecordInput


class SaveResult(NamedTuple):
    """What became of one record of a DML statement."""

    id: str | None
    success: bool
    created: bool
    errors: list[DmlError]


class Savepoint(NamedTuple):
    """A point that the transaction can be rolled back to."""

    number: int


class QueryLocator(NamedTuple):
    """A query for the start of a batch."""

    query: str
    binds: dict[str, Any]


class CircuitDB:
    """The data of the project. Every method is one call to the host, which counts it.

    Where `object_name` is None, the records are Records, each of its own object: at most ten runs of the same one.
    """

    @staticmethod
    def query(soql: str, binds: Mapping[str, Any] | None = None, /, **bind_kw: Any) -> list[Record]:
        """The records that a SOQL query finds. `:name` in it stands for the bind of that name."""
        page = _ask(soql, _binds(binds, bind_kw), "query")
        return _records(page)

    @staticmethod
    def query_one(soql: str, binds: Mapping[str, Any] | None = None, /, **bind_kw: Any) -> Record:
        """The one record that a query finds.

        Raises:
            QueryException: it finds none, or more than one.
        """
        page = _ask(soql, _binds(binds, bind_kw), "query")
        if page.total == 0:
            raise QueryException("List has no rows for assignment to SObject")
        if page.total > 1:
            raise QueryException("List has more than 1 row for assignment to SObject")
        return _records(page)[0]

    @staticmethod
    def count(soql: str, binds: Mapping[str, Any] | None = None, /, **bind_kw: Any) -> int:
        """The number of rows of `SELECT COUNT() FROM …`."""
        reply = transaction.current().request(
            wire.Query, text=_text(soql), binds=_binds(binds, bind_kw), kind="count"
        )
        return wire.decode_reply(reply.value, int)

    @staticmethod
    def search(sosl: str, binds: Mapping[str, Any] | None = None, /, **bind_kw: Any) -> list[list[Record]]:
        """The records that a SOSL search finds, a list for each object of its RETURNING clause."""
        reply = transaction.current().request(
            wire.Query, text=_text(sosl), binds=_binds(binds, bind_kw), kind="search"
        )
        return [_records(page) for page in wire.decode_reply(reply.value, list[wire.ResultPage])]

    @staticmethod
    def query_locator(soql: str, binds: Mapping[str, Any] | None = None, /, **bind_kw: Any) -> QueryLocator:
        """A query that a batch's `start` returns; it is not run here."""
        transaction.current()
        return QueryLocator(_text(soql), _binds(binds, bind_kw))

    @staticmethod
    def insert(
        object_name: str | None, records: RecordInput | Sequence[RecordInput], all_or_none: bool = True
    ) -> list[SaveResult]:
        """Save new records; each gets its `id`, also a passed dict."""
        return _save("insert", object_name, _as_list(records), all_or_none)

    @staticmethod
    def update(
        object_name: str | None, records: RecordInput | Sequence[RecordInput], all_or_none: bool = True
    ) -> list[SaveResult]:
        """Save changed records by their id."""
        return _save("update", object_name, _as_list(records), all_or_none)

    @staticmethod
    def upsert(
        object_name: str | None,
        records: RecordInput | Sequence[RecordInput],
        external_id: str | None = None,
        all_or_none: bool = True,
    ) -> list[SaveResult]:
        """Update the records that exist by `external_id` (or their id), insert the others."""
        return _save("upsert", object_name, _as_list(records), all_or_none, external_id)

    @staticmethod
    def delete(
        object_name: str | None, records: IdOrRecord | Sequence[IdOrRecord], all_or_none: bool = True
    ) -> list[SaveResult]:
        """Move records to the recycle bin."""
        return _save("delete", object_name, _as_list(records), all_or_none)

    @staticmethod
    def undelete(
        object_name: str | None, records: IdOrRecord | Sequence[IdOrRecord], all_or_none: bool = True
    ) -> list[SaveResult]:
        """Take records back out of the recycle bin."""
        return _save("undelete", object_name, _as_list(records), all_or_none)

    @staticmethod
    def merge(object_name: str, master: IdOrRecord, losers: IdOrRecord | Sequence[IdOrRecord]) -> list[SaveResult]:
        """Merge up to two records into `master`, whose fields win; the losers are deleted."""
        return _save("merge", object_name, [master, *_as_list(losers)], True)

    @staticmethod
    def empty_recycle_bin(object_name: str, records: IdOrRecord | Sequence[IdOrRecord]) -> list[SaveResult]:
        """Remove deleted records for ever."""
        return _save("empty_recycle_bin", object_name, _as_list(records), True)

    @staticmethod
    def savepoint() -> Savepoint:
        reply = transaction.current().request(wire.Savepoint)
        return Savepoint(wire.decode_reply(reply.value, int))

    @staticmethod
    def rollback(savepoint: Savepoint) -> None:
        """Undo what was saved since `savepoint`. Records in memory keep their values and ids."""
        transaction.current().request(wire.Rollback, savepoint=_number(savepoint))

    @staticmethod
    def release(savepoint: Savepoint) -> None:
        """Give a savepoint up, so that callouts are possible again."""
        transaction.current().request(wire.Release, savepoint=_number(savepoint))


def _text(query: str) -> str:
    if not isinstance(query, str):
        raise QueryException(f"A query is a text, not {type(query).__name__}.")
    return query


def _binds(binds: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_wire(value) for name, value in {**(binds or {}), **more}.items()}


def _ask(soql: str, binds: dict[str, Any], kind: str) -> wire.ResultPage:
    reply = transaction.current().request(wire.Query, text=_text(soql), binds=binds, kind=kind)
    return wire.decode_reply(reply.value, wire.ResultPage)


def _records(page: wire.ResultPage) -> list[Record]:
    """The Records of a result; those of one page are made while the host prepares the next."""
    running = transaction.current()
    if page.shape is None:
        raise SystemError("the first page of a result has no shape")
    layout = layout_of_result(page.shape, running.catalog.find)
    records: list[Record] = []
    while page.cursor is not None:
        take = partial(_take_rows, records, layout, page.rows)
        page = wire.decode_reply(running.fetch(page.cursor, meanwhile=take).value, wire.ResultPage)
    _take_rows(records, layout, page.rows)
    return records


def _take_rows(records: list[Record], layout: Layout, rows: Sequence[Sequence[Any]]) -> None:
    records += [from_row(layout, row) for row in rows]


def _as_list(records: Any) -> list[Any]:
    if isinstance(records, Record | Mapping | str):
        return [records]
    if not isinstance(records, Iterable):
        raise RecordException(f"Records are a Record, a dict or a list of them, not {type(records).__name__}.")
    return list(records)


def _number(savepoint: Savepoint) -> int:
    if not isinstance(savepoint, Savepoint):
        raise RecordException(
            f"A savepoint is what CircuitDB.savepoint() returned, not {type(savepoint).__name__}."
        )
    return savepoint.number


def _check_arguments(operation: str, object_name: Any, items: list[Any], external_id: Any) -> None:
    """Raises: RecordException, for names that are none, and a new Record that stands in its statement twice."""
    for what, name in (("object", object_name), ("field", external_id)):
        if name is not None and not isinstance(name, str):
            raise RecordException(f"The name of the {what} is a text, not {type(name).__name__}.")
    if operation in ("insert", "upsert"):
        records = [id(item) for item in items if isinstance(item, Record)]
        if len(set(records)) < len(records):
            # Apex's text. Dicts are values here, of which many may be alike; a Record can take one id only.
            raise RecordException("Before Insert or Upsert list must not have two identically equal elements")


def _save(
    operation: wire.DmlOperation,
    object_name: str | None,
    items: list[Any],
    all_or_none: bool,
    external_id: str | None = None,
) -> list[SaveResult]:
    _check_arguments(operation, object_name, items, external_id)
    running = transaction.current()
    groups: list[tuple[str, int]] = []
    values: list[dict[str, Any]] = []
    for name, members in [(object_name, items)] if object_name is not None else _by_object(items):
        fields = running.catalog.find(name)
        name = fields.name if fields is not None else name
        values += all_to_send(operation, name, fields, members)
        groups.append((name, len(members)))
        if fields is not None and external_id is not None:
            external_id = fields.canonical(external_id) or external_id
    saved = _send(running, operation, groups, values, all_or_none, external_id)
    if operation in ("insert", "upsert"):
        _give_ids(items, saved)
    if all_or_none and saved.errors:
        failures = [DmlFailure(idx, saved.ids[idx], errors_of(errors)) for idx, errors in saved.errors.items()]
        raise DmlException(failures[0].errors[0].message, failures)
    no_errors: Iterator[list[DmlError]] = ([] for _ in items)
    columns = zip(saved.ids, itertools.repeat(True), saved.created, no_errors)
    results = list(map(SaveResult._make, columns))
    for idx, errors in saved.errors.items():
        results[idx] = SaveResult(saved.ids[idx], False, False, errors_of(errors))
    return results


def _by_object(items: list[Any]) -> list[tuple[str, list[Any]]]:
    """The records in runs of the same object. Raises: RecordException, for one that does not know its object."""
    stranger = next((item for item in items if not isinstance(item, Record)), None)
    if stranger is not None:
        raise RecordException(f"Without an object's name a Record is needed, not {type(stranger).__name__}.")
    return [(name, list(run)) for name, run in itertools.groupby(items, lambda record: record.object_name)] or [
        ("", [])
    ]


def _send(
    running: transaction.Transaction,
    operation: wire.DmlOperation,
    groups: list[tuple[str, int]],
    values: list[dict[str, Any]],
    all_or_none: bool,
    external_id: str | None,
) -> wire.Saved:
    """Raises: CircuitException, where a record is too long; nothing was done."""
    running.channel.check_alive()
    running.journal.flush()
    path, line = running.scripts.position()
    refused: list[CircuitException] = []

    def frames(number: int) -> Iterator[bytes]:
        statement = wire.Dml(
            id=number,
            path=path,
            line=line,
            operation=operation,
            object_name=groups[0][0],
            records=[],
            all_or_none=all_or_none,
            external_id=external_id,
            groups=groups if len(groups) > 1 else [],
        )
        try:
            yield from frames_of(statement, values)
        except CircuitException as exc:
            refused.append(exc)
            yield wire.encode(msgspec.structs.replace(statement, abandoned=True))

    reply = running.channel.request_frames(frames)
    if refused:
        raise refused[0]
    return wire.decode_reply(reply.value, wire.Saved)


def _give_ids(items: list[Any], saved: wire.Saved) -> None:
    for idx, (item, record_id) in enumerate(zip(items, saved.ids, strict=True)):
        if record_id is None or idx in saved.errors:
            continue
        if isinstance(item, Record):
            put_id(item, record_id)
        elif isinstance(item, dict):
            item["id"] = record_id
