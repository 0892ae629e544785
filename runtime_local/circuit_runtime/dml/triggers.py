"""Fire triggers on a chunk of records and take over what they say."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import circuit_log.events as ev
from circuit_link import wire
from circuit_runtime.dml.conversion import convert
from circuit_runtime.dml.errors import depth_exceeded, error
from circuit_runtime.dml.parents import Parents
from circuit_runtime.dml.work import Columns, Work, columns, columns_of_rows, sound
from circuit_runtime.governor.profiles import TRIGGER_DEPTH
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.catalog import TriggerDefinition
from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import Field, FieldType, ObjectType
from circuit_runtime.soql.expressions import EvaluationContext, Expression, compile_expression, fitted
from circuit_runtime.store.columnwise import column_converter
from circuit_runtime.store.ids import record_id
from circuit_runtime.store.session import stored_columns
from circuit_runtime.store.values import ValueProblem, converter

_MASTER_RECORD_ID = "master_record_id"

Rows = Literal["new", "old"]


class TriggerPort(Protocol):
    """Runs one handler in the worker and waits for its answer."""

    def call_trigger(
        self,
        trigger: TriggerDefinition,
        event: wire.TriggerEvent,
        size: int,
        new: wire.RowBlock | None,
        old: wire.RowBlock | None,
    ) -> wire.Return: ...


@dataclass(frozen=True, slots=True)
class _OpenCall:
    """A trigger that runs: its number in the transaction, and `Contact trigger event AfterUpdate`."""

    number: int
    title: str


class Triggers:
    """The triggers of one transaction.

    Attributes:
        fired: (path, class, method) of every handler that ran.
    """

    def __init__(
        self,
        project: Project,
        port: TriggerPort,
        events: EventLog,
        now: Callable[[], dt.datetime],
        parents: Parents,
    ) -> None:
        self._catalog = project.catalog
        self._schema = project.schema
        self._zone = project.settings.zone
        self._parents = parents
        self._now = now
        self._port = port
        self._events = events
        self._open: list[_OpenCall] = []
        self._too_deep = ""
        self._calls = itertools.count(1)
        # Records in a before trigger just now: the event and the trigger's name by their id.
        self._in_before: dict[str, tuple[wire.TriggerEvent, str]] = {}
        # The columns that a formula field was last computed from, and its values.
        self._computed: dict[tuple[str, str, Rows], tuple[list[Sequence[Any]], Sequence[Any]]] = {}
        self.fired: set[tuple[str, str, str]] = set()

    def has(self, item: ObjectType, *events: str) -> bool:
        return any(self._catalog.triggers_for(item.name, event) for event in events)

    @property
    def depth(self) -> int:
        """How many triggers lie around the current statement."""
        return len(self._open)

    @property
    def open_calls(self) -> Sequence[int]:
        """Numbers of the trigger calls around the current statement, outermost first; each is given once."""
        return [call.number for call in self._open]

    def forbids(self, operation: Literal["update", "delete"], record_id: str) -> str | None:
        """Name of the before trigger in which a record must not be updated or deleted by DML; None if it may be.

        A record cannot be deleted in its own before delete, and can be neither in its own before update.
        """
        event, name = self._in_before.get(record_id, (None, None))
        return name if event == "beforeUpdate" or (event is not None and operation == "delete") else None

    def fire(self, item: ObjectType, event: wire.TriggerEvent, works: Sequence[Work], master_id: str = "") -> None:
        """Run every handler of the event on the sound ones of these records; errors and changes go to the works.

        At a depth of 16 no handler runs any more, and the records fail.
        """
        triggers = self._catalog.triggers_for(item.name, event)
        records = sound(works) if triggers else []
        for trigger in triggers if records else ():
            if self.depth >= TRIGGER_DEPTH:
                self._too_deep = depth_exceeded([call.title for call in self._open])
                return _fail_all(records, self._too_deep)
            # Each handler gets all of the records, also those that one before it refused.
            thrown = self._run(trigger, item, event, records, master_id)
            if thrown is not None:
                return _fail_all(records, self._cause(trigger, event, thrown))

    def _run(
        self,
        trigger: TriggerDefinition,
        item: ObjectType,
        event: wire.TriggerEvent,
        works: list[Work],
        master_id: str,
    ) -> wire.ScriptError | None:
        """Run one handler; what it raised."""
        stored = stored_columns(item)
        new = old = None
        if event not in ("beforeDelete", "afterDelete"):
            new = self._block(item, "new", columns(works, stored))
        if "Update" in event or "Delete" in event:
            was = columns_of_rows([work.old or {} for work in works], stored)
            old = self._block(item, "old", was, master_id if "Delete" in event else None)
        self.fired.add((trigger.path, trigger.class_name, trigger.method))
        title = f"{item.name} trigger event {_capital(event)}"
        name = f"{trigger.class_name} on {title}"
        type_ref = f"__sfdc_trigger/{trigger.class_name}"
        self._events.emit(
            ev.CodeUnitStarted,
            name=f"{name} for [{', '.join(work.id or 'new' for work in works)}]",
            unit_id=_unit_id(trigger),
            type_ref=type_ref,
            rows=len(works),
            path=trigger.path,
            line=trigger.line,
        )
        before = self._in_before
        if event in ("beforeUpdate", "beforeDelete"):
            self._in_before = before | {work.id: (event, trigger.class_name) for work in works if work.id}
        self._open.append(_OpenCall(next(self._calls), title))
        try:
            answer = self._port.call_trigger(trigger, event, len(works), new, old)
        finally:
            self._open.pop()
            self._in_before = before
            self._events.emit(ev.CodeUnitFinished, name=name, type_ref=type_ref)
        _take_answer(item, works, answer)
        return answer.error

    def _cause(self, trigger: TriggerDefinition, event: str, thrown: wire.ScriptError) -> str:
        """The text for a handler that raised; too deep a recursion is told once, not once for each level."""
        if self._too_deep and self._too_deep in thrown.message:
            return self._too_deep
        place = f" ({thrown.frames[0].path}:{thrown.frames[0].line})" if thrown.frames else ""
        return (
            f"{trigger.class_name}: execution of {_capital(event)} caused by: "
            f"{thrown.type}: {thrown.message}{place}"
        )

    def _block(self, item: ObjectType, rows: Rows, stored: Columns, master_id: str | None = None) -> wire.RowBlock:
        """Rows as the wire carries them; columns that are empty in all of them are left out.

        Deleted ones have `master_record_id` besides, which is empty where they are no losers of a merge.
        """
        formulas = {
            field.name: self._formula(item, field, rows, stored) for field in item.fields.values() if field.formula
        }
        used = {
            name: (item.fields[name].type.value, column)
            for name, column in (*stored.items(), *formulas.items())
            if column.count(None) < len(column)
        }
        size = len(stored["id"])
        if master_id is not None:
            used[_MASTER_RECORD_ID] = (FieldType.LOOKUP.value, [master_id or None] * size)
        return wire.RowBlock(
            columns=tuple(used),
            types=tuple(kind for kind, _column in used.values()),
            rows=list(zip(*(column for _type, column in used.values()), strict=True)) or [()] * size,
        )

    def _formula(self, item: ObjectType, field: Field, rows: Rows, stored: Columns) -> Sequence[Any]:
        """The values of a formula field in storage form, computed anew only where what it reads has changed."""
        formula = compile_expression(field.formula or "", item, self._schema)
        read = [stored[name] for name in formula.reads]
        size = len(stored["id"])
        known, values = self._computed.get((item.name, field.name, rows), ([], ()))
        if known != read or len(values) != size or formula.reads_beyond:
            cells = zip(*read, strict=True) if read else [()] * size
            records = [dict(zip(formula.reads, row, strict=True)) for row in cells]
            values = self._evaluated(item, field, formula, records)
            self._computed[item.name, field.name, rows] = read, values
        return values

    def _evaluated(
        self, item: ObjectType, field: Field, formula: Expression, records: Sequence[dict[str, Any]]
    ) -> Sequence[Any]:
        """A formula over what it reads of some records."""
        context = EvaluationContext(self._now(), self._zone, parent=self._parents.of(item, [formula], records))
        values = [fitted(field, formula.evaluate(record, context)) for record in records]
        try:
            return column_converter(field)(values)
        except ValueProblem:
            return [_stored_or_none(field, value) for value in values]


def _stored_or_none(field: Field, value: Any) -> Any:
    """A formula's result in storage form; one that its field cannot hold is empty, as in a query."""
    try:
        return converter(field)(value)
    except ValueProblem:
        return None


def _unit_id(trigger: TriggerDefinition) -> str:
    """An id in the form of Salesforce's trigger ids (01q), which follows from the trigger's place alone."""
    number = sum(ord(letter) * 31**place for place, letter in enumerate(f"{trigger.path}{trigger.class_name}"))
    return record_id("01q", number % 62**10)


def _fail_all(works: Sequence[Work], message: str) -> None:
    for work in works:
        work.errors.append(error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message))


def _capital(event: str) -> str:
    return f"{event[0].upper()}{event[1:]}"


def _take_answer(item: ObjectType, works: list[Work], answer: wire.Return) -> None:
    for change in answer.changes:
        work = works[change.index]
        work.errors += convert(item, change.values, work.new)
    for told in answer.errors:
        fields = (told.field,) if told.field else ()
        works[told.index].errors.append(error("FIELD_CUSTOM_VALIDATION_EXCEPTION", told.message, *fields))
