"""What each DML operation does with the records of one object: in chunks, in waves, and in attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from circuit_link.wire import DmlOperation, RecordColumns
from circuit_runtime.dml.deletion import Deletion
from circuit_runtime.dml.errors import DmlFailed, error, too_many_retries
from circuit_runtime.dml.order_of_execution import OrderOfExecution, SaveContext
from circuit_runtime.dml.rights import Rights
from circuit_runtime.dml.rollups import Rollups
from circuit_runtime.dml.system_validation import find_by_value, folded
from circuit_runtime.dml.work import Work, chunks, sound
from circuit_runtime.governor.governor import Governor
from circuit_runtime.project.schema import Field, ObjectType
from circuit_runtime.store.ids import long_id
from circuit_runtime.store.values import ValueProblem, converter

_ATTEMPTS = 3
_SAME_ID_AT_MOST = 5
_MERGE_AT_MOST = 3

Step = Callable[[ObjectType, Sequence[Work]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DmlRequest:
    """One DML statement: plain values by the names they were sent with.

    A merge has the master first, then the records that go into it. `path` and `line` are the script's.

    Attributes:
        groups: object and number of records one after another, where they are not all of `object_name`.
    """

    operation: DmlOperation
    object_name: str
    records: Sequence[RecordColumns]
    all_or_none: bool = True
    external_id: str | None = None
    groups: Sequence[tuple[str, int]] = ()
    path: str = ""
    line: int = 0

    @property
    def rows(self) -> int:
        """The number of its records."""
        return sum(len(part.places) for part in self.records)


class Operations:
    """The operations of one transaction. Undoing a failed statement is its caller's work."""

    def __init__(self, context: SaveContext, rights: Rights, governor: Governor) -> None:
        self._context = context
        self._rights = rights
        self._governor = governor
        self._order = OrderOfExecution(context)
        self._rollups = Rollups(context.schema, context.session, self._order.save_parents)
        self._deletion = Deletion(context, self._rollups)

    def run(self, request: DmlRequest, item: ObjectType, works: list[Work]) -> None:
        """Perform the statement's operation on works of one object; what fails is told on them.

        Raises:
            DmlFailed: the statement as a whole is wrong.
        """
        match request.operation:
            case "insert":
                self._each_chunk(request, item, works, self._insert)
            case "update":
                self._take_ids(item, works, "update")
                self._in_waves(request, item, sound(works))
            case "upsert":
                self._upsert(request, item, works)
            case "delete":
                self._take_ids_once(item, works, "delete")
                self._each_chunk(request, item, sound(works), self._delete)
            case "undelete":
                self._take_ids_once(item, works, "undelete")
                self._each_chunk(request, item, sound(works), self._undelete)
            case "empty_recycle_bin":
                self._take_ids_once(item, works, "delete")
                self._each_chunk(request, item, sound(works), self._empty_recycle_bin)
            case "merge":
                self._merge(item, works)

    def _insert(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        self._rights.check("create", item, chunk)
        self._order.save("insert", item, sound(chunk))

    def _update(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        self._rights.check("edit", item, chunk)
        self._order.save("update", item, sound(chunk))

    def _delete(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        self._rights.check("delete", item, chunk)
        self._deletion.delete(item, sound(chunk))

    def _undelete(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        self._rights.check("delete", item, chunk)
        self._deletion.undelete(item, sound(chunk))

    def _empty_recycle_bin(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        self._rights.check("delete", item, chunk)
        self._deletion.empty_recycle_bin(item, sound(chunk))

    def _take_ids_once(self, item: ObjectType, works: Sequence[Work], operation: str) -> None:
        self._take_ids(item, works, operation)
        seen: set[str | None] = set()
        for work in sound(works):
            if work.id in seen:
                work.errors.append(error("DUPLICATE_VALUE", f"Duplicate id in list: {work.id}", "id"))
            seen.add(work.id)

    def _take_ids(self, item: ObjectType, works: Sequence[Work], operation: str) -> None:
        for work in works:
            given = work.sent_as("id")
            work.id = long_id(given) if isinstance(given, str) else None
            if given is None:
                work.errors.append(error("MISSING_ARGUMENT", f"Id not specified in an {operation} call", "id"))
            elif work.id is None:
                work.errors.append(error("MALFORMED_ID", f"malformed id {given}", "id"))
            elif not work.id.startswith(item.key_prefix):
                message = f"{item.label} ID: id value of incorrect type: {given}"
                work.errors.append(error("MALFORMED_ID", message, "id"))

    def _in_waves(self, request: DmlRequest, item: ObjectType, works: Sequence[Work]) -> None:
        """Updates of the same record one after another; Salesforce takes five of them in one statement."""
        waves: list[list[Work]] = [[] for _ in range(_SAME_ID_AT_MOST)]
        seen: dict[str | None, int] = {}
        for work in works:
            turn = seen.get(work.id, 0)
            seen[work.id] = turn + 1
            if turn < _SAME_ID_AT_MOST:
                waves[turn].append(work)
            else:
                message = f"the record {work.id} stands in this statement more than {_SAME_ID_AT_MOST} times"
                work.errors.append(error("DUPLICATE_VALUE", message, "id"))
        for wave in waves:
            self._each_chunk(request, item, wave, self._update)

    def _upsert(self, request: DmlRequest, item: ObjectType, works: Sequence[Work]) -> None:
        field = self._upsert_field(item, request.external_id)
        self._match(item, field, works)
        self._each_chunk(request, item, [work for work in sound(works) if work.id is None], self._insert)
        self._in_waves(request, item, [work for work in sound(works) if work.id is not None and not work.created])

    def _upsert_field(self, item: ObjectType, name: str | None) -> Field:
        field = item.field(name or "id")
        if field is None or not (field.external_id or field.name == "id"):
            raise DmlFailed(f"Field name provided, {name} is not an External ID or indexed field for {item.name}")
        return field

    def _match(self, item: ObjectType, field: Field, works: Sequence[Work]) -> None:
        """Give each record that exists already its id."""
        if field.name == "id":
            with_id = [work for work in works if work.sent_as("id") is not None]
            self._take_ids(item, with_id, "upsert")
            return
        keys: dict[int, Any] = {}
        for work in works:
            given = next((value for name, value in work.given().items() if item.field(name) is field), None)
            try:
                stored = converter(field)(given)
            except ValueProblem as exc:
                work.errors.append(error(exc.status_code, str(exc), field.name))
                continue
            if stored is None:
                work.errors.append(error("MISSING_ARGUMENT", f"{field.name} not specified", field.name))
            else:
                keys[work.index] = folded(field, stored)
        found = find_by_value(self._context.session, item, field, set(keys.values()))
        seen: set[Any] = set()
        for work in works:
            if (key := keys.get(work.index)) is None:
                continue
            ids = found.get(key, [])
            if len(ids) > 1:
                message = f"{field.name}: more than one record found for external id field: {ids}"
                work.errors.append(error("DUPLICATE_EXTERNAL_ID", message, field.name))
            elif key in seen:
                message = f"Duplicate external id specified: {key}"
                work.errors.append(error("DUPLICATE_VALUE", message, field.name))
            elif ids:
                work.id = ids[0]
            seen.add(key)

    def _merge(self, item: ObjectType, works: list[Work]) -> None:
        self._take_ids(item, works, "merge")
        if len(works) > _MERGE_AT_MOST:
            raise DmlFailed(f"A merge takes a master and at most {_MERGE_AT_MOST - 1} other records.")
        master, losers = works[0], works[1:]
        if master.errors or any(loser.id == master.id for loser in losers):
            raise DmlFailed("The master of a merge must be a record of its own, with an id.")
        self._rights.check("delete", item, losers)
        self._deletion.reparent(item, [loser.id or "" for loser in losers], master.id or "")
        self._deletion.delete(item, losers, master.id or "")
        if not any(loser.errors for loser in losers):
            self._update(item, [master])
            self._rollups.refresh_parents(item, [master])

    def _each_chunk(self, request: DmlRequest, item: ObjectType, works: Sequence[Work], step: Step) -> None:
        for chunk in chunks(works):
            if request.all_or_none:
                step(item, chunk)
            else:
                self._in_attempts(item, chunk, step)

    def _in_attempts(self, item: ObjectType, chunk: Sequence[Work], step: Step) -> None:
        """Save the good rows of a chunk: rows that fail are set aside, and the others tried again with triggers.

        Counters go back to what they were before the first attempt; what triggers left in memory stays.
        """
        session = self._context.session
        before = self._governor.mark()
        alive = list(chunk)
        for attempt in range(1, _ATTEMPTS + 1):
            mark = session.savepoint()
            written = len(self._context.written)
            step(item, alive)
            good = sound(alive)
            if len(good) == len(alive):
                session.release(mark)
                return
            session.rollback_to(mark)
            session.release(mark)
            del self._context.written[written:]
            self._governor.restore(before)
            if attempt == _ATTEMPTS:
                for work in alive:
                    work.errors.append(too_many_retries())
            if not good:
                return
            alive = good
            for work in alive:
                work.restart()
