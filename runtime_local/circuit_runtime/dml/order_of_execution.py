"""The order of execution of a save (Apex Developer Guide, "Triggers and Order of Execution").

Numbers in comments are those of the guide; steps that have no meaning here (flows, assignment and escalation
rules, entitlements) are left out. Steps 19 and 20, commit and what follows it, are the transaction's end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from circuit_link.host_protocol import RecordWritten
from circuit_link.wire import DmlErrorInfo, UserRef
from circuit_runtime.dml.errors import DmlFailed, error
from circuit_runtime.dml.rollups import Rollups
from circuit_runtime.dml.rules import Rules
from circuit_runtime.dml.system_validation import (
    check_references,
    check_required,
    check_unique,
    convert,
    defaults,
    resolve_parents,
)
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.dml.work import Work, chunks, sound
from circuit_runtime.project.schema import FieldType, ObjectType, Schema
from circuit_runtime.store.session import Row, Session, stored_columns, update_groups

SaveKind = Literal["insert", "update"]


@dataclass(frozen=True, slots=True)
class SaveContext:
    """What a save works with; one for each transaction.

    Attributes:
        written: records written so far, in order; rolling back cuts its end off.
        user: who saves, changed by `run_as`.
    """

    schema: Schema
    session: Session
    triggers: Triggers
    rules: Rules
    written: list[RecordWritten]
    user: Callable[[], UserRef]
    now: Callable[[], dt.datetime]


class OrderOfExecution:
    """Saves chunks of records of one object; what fails is told on the works, and nothing is rolled back here."""

    def __init__(self, context: SaveContext) -> None:
        self._context = context
        self._saving: set[str] = set()
        self._rollups = Rollups(context.schema, context.session, self.save_parents)

    def save(self, kind: SaveKind, item: ObjectType, chunk: Sequence[Work]) -> None:
        """Take a chunk through all the steps. Records with an error take no further step.

        Raises:
            DmlFailed: triggers are nested too deep.
        """
        # 1, 2: the old record, overwritten with the new values; system validation of each value.
        self._load(kind, item, chunk)
        # 4: before triggers.
        self._context.triggers.fire(item, "beforeInsert" if kind == "insert" else "beforeUpdate", sound(chunk))
        # 5: system validation of the whole record, then the custom rules.
        self._validate(item, sound(chunk))
        # 7: saved, not committed.
        saved = sound(chunk)
        self._write(kind, item, saved)
        is_recursive = any(work.id in self._saving for work in saved)
        ids = {work.id for work in saved if work.id} - self._saving
        self._saving |= ids
        try:
            # 8: after triggers.
            self._context.triggers.fire(item, "afterInsert" if kind == "insert" else "afterUpdate", saved)
            # A save within a save of the same record skips the steps from 9 to 17.
            if not is_recursive:
                # 11: field updates; the record is saved once more, and its update triggers run once more only.
                self._update_fields(item, sound(saved))
                # 16, 17: roll-up summaries of the parents, and of theirs.
                self._rollups.refresh(item, sound(saved))
        finally:
            self._saving -= ids

    def _load(self, kind: SaveKind, item: ObjectType, chunk: Sequence[Work]) -> None:
        if kind == "insert":
            blank = defaults(item)
            if "owner" in item.fields:
                blank["owner"] = self._context.user().id
            for work in chunk:
                work.new = dict(blank)
                work.created = True
        else:
            rows = self._context.session.fetch(item, [work.id for work in chunk if work.id], for_update=True)
            for work in chunk:
                work.old = rows.get(work.id or "")
                if work.old is None:
                    work.errors.append(
                        error("ENTITY_IS_DELETED", f"entity is deleted or does not exist: {work.id}")
                    )
                elif (around := self._context.triggers.trigger_around(work.id or "")) is not None:
                    work.errors.append(_in_own_trigger(work, around))
                else:
                    work.new = dict(work.old)
        resolve_parents(self._context.schema, self._context.session, item, sound(chunk))
        for work in sound(chunk):
            values = {name: value for name, value in work.given.items() if name != "id"}
            if kind == "insert" and work.given.get("id") is not None:
                work.errors.append(
                    error("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "id")
                )
            work.errors += convert(item, values, work.new)
            work.changed = {field.name for name in values if (field := item.field(name))}

    def _validate(self, item: ObjectType, works: Sequence[Work]) -> None:
        check_required(item, works)
        check_references(self._context.schema, self._context.session, item, works)
        check_unique(self._context.session, item, works)
        self._context.rules.validate(item, sound(works), self._context.now())

    def _write(self, kind: SaveKind, item: ObjectType, works: Sequence[Work]) -> None:
        if not works:
            return
        user_id = self._context.user().id
        now_ms = int(self._context.now().timestamp() * 1000)
        if kind == "insert":
            ids = self._context.session.next_ids(item, len(works))
            for work, record_id in zip(works, ids, strict=True):
                work.id = record_id
                work.new.update(
                    id=record_id,
                    created_at=now_ms,
                    created_by=user_id,
                    modified_at=now_ms,
                    modified_by=user_id,
                    is_deleted=False,
                )
            self._number(item, works)
            columns = stored_columns(item)
            rows: list[Row] = [tuple([work.new[name] for name in columns]) for work in works]
            self._context.session.insert(item, columns, rows)
        else:
            for work in works:
                work.new.update(modified_at=now_ms, modified_by=user_id)
            self._write_changes(item, works)
        self._context.written.extend(
            RecordWritten(object=item.name, id=work.id or "", operation=kind) for work in works
        )

    def _write_changes(self, item: ObjectType, works: Sequence[Work]) -> None:
        changes = {work.id: _differences(work) for work in works if work.id is not None}
        for columns, rows in update_groups(changes):
            self._context.session.update(item, columns, rows)

    def _number(self, item: ObjectType, works: Sequence[Work]) -> None:
        for field in item.fields.values():
            if field.type is FieldType.AUTONUMBER:
                first = self._context.session.next_number(item, field.name, len(works))
                for number, work in enumerate(works, start=first):
                    work.new[field.name] = _formatted(field.number_format or "{0}", number)

    def _update_fields(self, item: ObjectType, works: Sequence[Work]) -> None:
        """Field updates see the record as saved; triggers of the second save see `old` from before the first."""
        if not item.field_updates:
            return
        again: list[Work] = []
        stored: dict[str, dict[str, Any]] = {}
        for work in works:
            changes = self._context.rules.field_updates(item, work, self._context.now())
            if changes and work.id:
                stored[work.id] = dict(work.new)
                work.new.update(changes)
                again.append(work)
        if not again:
            return
        for work in again:
            if work.old is None:
                work.old = dict(stored[work.id or ""])
        self._context.triggers.fire(item, "beforeUpdate", again)
        for work in sound(again):
            changes = _differences(work, stored[work.id or ""])
            for columns, rows in update_groups({work.id or "": changes}):
                self._context.session.update(item, columns, rows)
        self._context.triggers.fire(item, "afterUpdate", sound(again))

    def save_parents(self, item: ObjectType, changes: dict[str, dict[str, Any]]) -> None:
        """Save roll-ups on their parents, with the parents' triggers. Raises: DmlFailed."""
        works = [Work(index, {}, id=record_id) for index, record_id in enumerate(changes)]
        for chunk in chunks(works):
            self._load("update", item, chunk)
            for work in sound(chunk):
                work.new.update(changes[work.id or ""])
                work.changed = set(changes[work.id or ""])
            self._context.triggers.fire(item, "beforeUpdate", sound(chunk))
            self._validate(item, sound(chunk))
            saved = sound(chunk)
            self._write("update", item, saved)
            self._context.triggers.fire(item, "afterUpdate", saved)
            self._rollups.refresh(item, sound(saved))
            for work in chunk:
                if work.errors:
                    raise _parent_failed(item, work)


def _differences(work: Work, old: dict[str, Any] | None = None) -> dict[str, Any]:
    base = old if old is not None else work.old or {}
    return {name: value for name, value in work.new.items() if base.get(name) != value}


def _formatted(number_format: str, number: int) -> str:
    """`INV-{0000}` with 7 is INV-0007."""
    before, _, rest = number_format.partition("{")
    digits, _, after = rest.partition("}")
    return f"{before}{number:0{len(digits)}d}{after}"


def _in_own_trigger(work: Work, trigger: str) -> DmlErrorInfo:
    return error(
        "SELF_REFERENCE_FROM_TRIGGER",
        f"Object (id = {work.id}) is currently in trigger {trigger}, "
        "therefore it cannot recursively update itself",
    )


def _parent_failed(item: ObjectType, work: Work) -> DmlFailed:
    first = work.errors[0]
    return DmlFailed(
        f"The roll-up on {item.name} {work.id} could not be saved: {first.status_code}, {first.message}"
    )
