"""The data side of one transaction: DML statements with their limits, and savepoints."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import circuit_log.events as ev
from circuit_link.wire import DmlErrorInfo, Saved
from circuit_log.limits import LimitName
from circuit_runtime.dml.errors import DmlFailed, failed, mixed_dml, refused_by_database, taken_meanwhile
from circuit_runtime.dml.operations import DmlRequest, Operations
from circuit_runtime.dml.order_of_execution import SaveContext
from circuit_runtime.dml.rights import Rights
from circuit_runtime.dml.work import Work, saved, works_of
from circuit_runtime.governor.governor import Governor
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.schema import ObjectType
from circuit_runtime.store.errors import StatementFailed, UniqueViolation

_GROUPS_AT_MOST = 10
# What a log calls the object of a statement on records of several.
_ANY_OBJECT = "SObject"


@dataclass(frozen=True, slots=True)
class _Savepoint:
    """How many records had been written when it was set, and the trigger call that set it."""

    written: int
    call: int


class DataTransaction:
    """Executes the DML of one transaction on its session; begins the write transaction when it is first needed.

    Attributes:
        in_run_as: setup and other objects may be written in one transaction, as Salesforce's runAs allows.
    """

    def __init__(self, context: SaveContext, rights: Rights, governor: Governor, events: EventLog) -> None:
        self._context = context
        self._operations = Operations(context, rights, governor)
        self._governor = governor
        self._events = events
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

    def execute(self, request: DmlRequest) -> Saved:
        """Execute one statement.

        Returns one outcome for each record, in the order they were sent.

        Raises:
            DmlFailed: the statement was undone; with `all_or_none` for any record that failed.
            LimitBreached, StoreBusy.
        """
        rows = request.rows
        if not rows:
            # As in Salesforce, a statement on an empty list costs nothing.
            return Saved(ids=[], created=[], errors={})
        sizes = self._sizes(request)
        self._governor.charge(LimitName.DML_STATEMENTS)
        if request.operation != "empty_recycle_bin":
            self._governor.charge(LimitName.DML_ROWS, rows)
        self._refuse_mixed(request, [item for item, _size in sizes])
        self._context.session.begin()
        place: dict[str, Any] = {"path": request.path, "line": request.line}
        self._events.emit(
            ev.DmlBegin,
            operation=request.operation.capitalize(),
            object_name=sizes[0][0].name if len(sizes) == 1 else _ANY_OBJECT,
            rows=rows,
            **place,
        )
        try:
            works = iter(works_of(request.records))
            return self._undone_if_failed(
                request, [(item, list(itertools.islice(works, size))) for item, size in sizes]
            )
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

    def forget_what_was_written(self) -> None:
        """A test's setup counts as a transaction of its own: it may write users, and the test records."""
        self._first_written = None

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

    def _undone_if_failed(self, request: DmlRequest, groups: Sequence[tuple[ObjectType, list[Work]]]) -> Saved:
        """Run the statement behind a savepoint; with `all_or_none`, any failure takes it back."""
        session = self._context.session
        mark = session.savepoint()
        written = len(self._context.written)
        try:
            for item, works in groups:
                self._operations.run(request, item, works)
            outcome = saved([work for _item, works in groups for work in works])
            if request.all_or_none and outcome.errors:
                raise failed(request.operation, outcome)
        except BaseException as exc:
            if session.in_transaction:
                session.rollback_to(mark)
                session.release(mark)
            del self._context.written[written:]
            if isinstance(exc, UniqueViolation):
                raise taken_meanwhile(request.operation, exc.column) from exc
            if isinstance(exc, StatementFailed):
                raise refused_by_database(request.operation, str(exc)) from exc
            raise
        session.release(mark)
        if self._first_written is None and not self.in_run_as and len(outcome.errors) < len(outcome.ids):
            self._first_written = groups[0][0]
        return outcome

    def _sizes(self, request: DmlRequest) -> list[tuple[ObjectType, int]]:
        """How many records of which object follow each other in the statement. Raises: DmlFailed."""
        sizes = list(request.groups) or [(request.object_name, request.rows)]
        if len(sizes) > _GROUPS_AT_MOST:
            raise DmlFailed(
                f"Cannot have more than {_GROUPS_AT_MOST} chunks in a single operation. "
                "Please rearrange the data to reduce chunking."
            )
        if sum(count for _name, count in sizes) != request.rows:
            raise DmlFailed("The groups of the statement do not add up to its records.")
        return [(self._object(name), count) for name, count in sizes]

    def _object(self, name: str) -> ObjectType:
        item = self._context.schema.object(name)
        if item is None:
            near = difflib.get_close_matches(name.capitalize(), self._context.schema.objects, n=1)
            raise DmlFailed(f"There is no object {name!r}.{f' Did you mean {near[0]}?' if near else ''}")
        return item

    def _refuse_mixed(self, request: DmlRequest, items: Sequence[ObjectType]) -> None:
        """Setup objects and others do not go into one transaction. Raises: DmlFailed."""
        first = self._first_written or items[0]
        other = next((item for item in items if item.is_setup != first.is_setup), None)
        if other is not None and not self.in_run_as:
            places = range(request.rows)
            refusal = mixed_dml(other.name, first.name)
            refusals: dict[int, tuple[DmlErrorInfo, ...]] = dict.fromkeys(places, (refusal,))
            raise failed(
                request.operation,
                Saved(ids=[None for _ in places], created=[False for _ in places], errors=refusals),
            )
