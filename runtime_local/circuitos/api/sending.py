"""Records of a DML statement on their way to the host: under canonical names, by column, in small frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from circuit_link import wire
from circuit_link.frame_bounds import SMALL_FRAME_BYTES
from circuitos.api.exceptions import RecordException
from circuitos.api.objects import ObjectFields
from circuitos.api.records import Record, identity, values_to_send
from circuitos.api.values import all_to_wire, is_plain
from circuitos.worker.channel import checked_frame, encoded_at_any_length

_FIRST_PART_RECORDS = 500

Values = dict[str, Any]


def all_to_send(
    operation: wire.DmlOperation, object_name: str, fields: ObjectFields | None, items: list[Any]
) -> list[Values]:
    """Records, dicts and ids of one object as wire values under canonical field names. Raises: RecordException."""
    if operation == "insert" and fields is not None and _are_sent_as_they_are(items, fields):
        return items
    return [_to_send(operation, object_name, fields, item, is_master=idx == 0) for idx, item in enumerate(items)]


def frames_of(statement: wire.Dml, records: Sequence[Values]) -> Iterator[bytes]:
    """The statement with its records in small frames, so that the host decodes one while the next is made.

    Runs no code of the script.

    Raises: CircuitException: one record alone is too long, or holds what cannot travel.
    """
    start, count = 0, _FIRST_PART_RECORDS
    while True:
        part = records[start : start + count]
        more = start + len(part) < len(records)
        frame = encoded_at_any_length(
            msgspec.structs.replace(statement, records=wire.in_columns(part, start), more=more)
        )
        if len(frame) > SMALL_FRAME_BYTES and len(part) > 1:
            count = max(1, len(part) * SMALL_FRAME_BYTES // len(frame) * 9 // 10)
            continue
        yield checked_frame(frame)
        if not more:
            return
        start += len(part)
        if 2 * len(frame) < SMALL_FRAME_BYTES:
            count *= 2


def _are_sent_as_they_are(items: list[Any], fields: ObjectFields) -> bool:
    """Whether all are dicts under canonical names with values that need no conversion; seen from C."""
    return (
        {dict}.issuperset(map(type, items))
        and fields.types.keys() >= set().union(*items)
        and is_plain(itertools.chain.from_iterable(map(dict.values, items)))
    )


def _to_send(
    operation: str, object_name: str, fields: ObjectFields | None, item: Any, *, is_master: bool
) -> Values:
    """One record as the host gets it."""
    only_id = operation in ("delete", "undelete", "empty_recycle_bin") or (operation == "merge" and not is_master)
    if isinstance(item, str):
        return {"id": item}
    if isinstance(item, Record):
        _check_record(object_name, item)
        if only_id:
            return {"id": identity(item)}
        return values_to_send(item, changed_only=operation != "insert")
    if not isinstance(item, Mapping):
        raise RecordException(f"A record is a Record or a dict, not {type(item).__name__}.")
    if fields is not None and fields.types.keys() >= item.keys():
        values = all_to_wire(item)
    else:
        sent = {str(name): value for name, value in all_to_wire(item).items()}
        values = {(fields and fields.canonical(name)) or name: value for name, value in sent.items()}
    return {"id": values.get("id")} if only_id else values


def _check_record(object_name: str, record: Record) -> None:
    if record.object_name != object_name:
        raise RecordException(f"A record of {record.object_name} cannot be saved as {object_name}.")
    if record._circuit_owner is not None and record._circuit_owner.is_running:
        raise RecordException("DML statement cannot operate on trigger.new or trigger.old")
