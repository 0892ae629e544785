"""The data side of one transaction: DML statements with their limits, savepoints and partial success."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import circuit_log.events as ev
from circuit_link.wire import DmlOperation, SaveOutcome
from circuit_log.limits import LimitName
from circuit_runtime.dml.deletion import Deletion
from circuit_runtime.dml.errors import DmlFailed, error, failed, taken_meanwhile, too_many_retries
from circuit_runtime.dml.order_of_execution import OrderOfExecution, SaveContext
from circuit_runtime.dml.rights import Rights
from circuit_runtime.dml.rollups import Rollups
from circuit_runtime.dml.system_validation import find_by_value, folded
from circuit_runtime.dml.work import Work, chunks, sound
from circuit_runtime.governor.governor import Governor
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.schema import Field, ObjectType
from circuit_runtime.store.errors import UniqueViolation
from circuit_runtime.store.ids import long_id
from circuit_runtime.store.values import ValueProblem, converter

_ATTEMPTS = 3
_SAME_ID_AT_MOST = 5
_MERGE_AT_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DmlRequest:
    """One DML statement: plain values by the names they were sent with; ids alone as `{"id": …}`.

    A merge has the master first, then the records that go into it. `path` and `line` are the script's.
    """

    operation: DmlOperation
    object_name: str
    records: Sequence[Mapping[str, Any]]
    all_or_none: bool = True
    external_id: str | None = None
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class _Savepoint:
    """How many records had been written when it was set, and the trigger call that set it."""

    written: int
    call: int


Step = Callable[[ObjectType, Sequence[Work]], None]


class DataTransaction:
    """Executes the DML of one transaction on its session; begins the write transaction when it is first needed.

    Attributes:
        in_run_as: setup and other objects may be written in one transaction, as Salesforce's runAs allows.
    """

    def __init__(self, context: SaveContext, rights: Rights, governor: Governor, events: EventLog) -> None:
        self._context = context
        self._rights = rights
        self._governor = governor
        self._events = events
        self._order = OrderOfExecution(context)
        self._rollups = Rollups(context.schema, context.session, self._order.save_parents)
        self._deletion = Deletion(context, self._rollups)
        self._savepoints: dict[int, _Savepoint] = {}
        self._first_written: ObjectType | None = None
        self._forgiven = 0
        self._has_locked = False
        self.in_run_as = False

    @property
    def has_uncommitted_work(self) -> bool:
        return len(self._context.written) > self._forgiven

    @property
    def has_open_savepoints(self) -> bool:
        return any(point.call in self._calls_around() for point in self._savepoints.values())

    def execute(self, request: DmlRequest) -> list[SaveOutcome]:
        """Execute one statement.

        Returns one outcome for each record, in the order they were sent.

        Raises:
            DmlFailed: the statement was undone; with `all_or_none` for any record that failed.
            LimitBreached, StoreBusy.
        """
        item = self._object(request.object_name)
        if not request.records:
            # As in Salesforce, a statement on an empty list costs nothing.
            return []
        self._governor.charge(LimitName.DML_STATEMENTS)
        if request.operation != "empty_recycle_bin":
            self._governor.charge(LimitName.DML_ROWS, len(request.records))
        self._refuse_mixed(item)
        self._context.session.begin()
        place: dict[str, Any] = {"path": request.path, "line": request.line}
        operation = request.operation.capitalize()
        self._events.emit(
            ev.DmlBegin, operation=operation, object_name=item.name, rows=len(request.records), **place
        )
        try:
            return self._undone_if_failed(request, item)
        finally:
            self._events.emit(ev.DmlEnd, **place)

    def begin_locking(self) -> None:
        """A query is about to lock its rows, which only a write transaction can. Raises: StoreBusy."""
        self._context.session.begin()
        self._has_locked = True

    def give_locks_back(self) -> bool | None:
        """Let go of the rows that queries locked, unless that would undo something.

        Returns whether it did; None where no query has locked anything.
        """
        if not self._has_locked:
            return None
        if self._context.written or self.has_open_savepoints:
            return False
        self._context.session.rollback()
        self._has_locked = False
        return True

    def savepoint(self) -> int:
        """Mark this moment. Costs one DML statement."""
        self._governor.charge(LimitName.DML_STATEMENTS)
        self._context.session.begin()
        mark = self._context.session.savepoint()
        self._savepoints[mark] = _Savepoint(len(self._context.written), self._calls_around()[-1])
        return mark

    def roll_back(self, savepoint: int) -> None:
        """Undo what came after a savepoint; later savepoints are gone. Costs one DML statement.

        Raises: DmlFailed, for a savepoint that is gone, or that another trigger made.
        """
        self._governor.charge(LimitName.DML_STATEMENTS)
        point = self._known_savepoint(savepoint)
        self._context.session.rollback_to(savepoint)
        del self._context.written[point.written :]
        self._savepoints = {name: value for name, value in self._savepoints.items() if name <= savepoint}

    def release(self, savepoint: int) -> None:
        """Forget a savepoint and those after it. Raises: DmlFailed."""
        self._known_savepoint(savepoint)
        self._context.session.release(savepoint)
        self._savepoints = {name: value for name, value in self._savepoints.items() if name < savepoint}

    def forget_savepoints(self) -> None:
        """Release all of them, as the start of a test's measured part does."""
        for savepoint, point in list(self._savepoints.items()):
            if point.call == 0:
                self.release(savepoint)
                return

    def forgive_uncommitted_work(self) -> None:
        """What was written so far stands no longer in the way of callouts, as before a test's measured part."""
        self._forgiven = len(self._context.written)

    def _known_savepoint(self, savepoint: int) -> _Savepoint:
        point = self._savepoints.get(savepoint)
        if point is None or point.call not in self._calls_around():
            raise DmlFailed(
                "The savepoint does not exist any more: it was released, an earlier one was rolled back to, "
                "or the trigger that set it has ended."
            )
        if point.call != self._calls_around()[-1]:
            raise DmlFailed("A trigger cannot roll back to, or release, a savepoint that was set outside of it.")
        return point

    def _calls_around(self) -> Sequence[int]:
        """The trigger calls that run just now, by number, innermost last; 0 is the script itself."""
        return (0, *self._context.triggers.open_calls)

    def _undone_if_failed(self, request: DmlRequest, item: ObjectType) -> list[SaveOutcome]:
        """Run the statement behind a savepoint; with `all_or_none`, any failure takes it back."""
        session = self._context.session
        mark = session.savepoint()
        written = len(self._context.written)
        try:
            works = self._run(request, item)
            outcomes = [work.outcome() for work in works]
            if request.all_or_none and not all(outcome.success for outcome in outcomes):
                raise failed(request.operation, outcomes)
        except BaseException as exc:
            if session.in_transaction:
                session.rollback_to(mark)
                session.release(mark)
            del self._context.written[written:]
            if isinstance(exc, UniqueViolation):
                raise taken_meanwhile(request.operation, exc.column) from exc
            raise
        session.release(mark)
        if self._first_written is None and not self.in_run_as and any(outcome.success for outcome in outcomes):
            self._first_written = item
        return outcomes

    def _run(self, request: DmlRequest, item: ObjectType) -> list[Work]:
        works = [Work(index, values) for index, values in enumerate(request.records)]
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
        return works

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
            given = work.given.get("id")
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
            with_id = [work for work in works if work.given.get("id") is not None]
            self._take_ids(item, with_id, "upsert")
            return
        keys: dict[int, Any] = {}
        for work in works:
            given = next((value for name, value in work.given.items() if item.field(name) is field), None)
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

    def _object(self, name: str) -> ObjectType:
        item = self._context.schema.object(name)
        if item is None:
            raise DmlFailed(f"There is no object {name!r}.")
        return item

    def _refuse_mixed(self, item: ObjectType) -> None:
        first = self._first_written
        if first is None or self.in_run_as or first.is_setup == item.is_setup:
            return
        raise DmlFailed(
            "MIXED_DML_OPERATION, DML operation on setup object is not permitted after you have updated a "
            f"non-setup object (or vice versa): {item.name}, original object: {first.name}"
        )
