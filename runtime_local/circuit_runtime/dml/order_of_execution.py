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
from circuit_runtime.dml.conversion import take_over
from circuit_runtime.dml.current import as_stored, load_current
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.rollups import Rollups
from circuit_runtime.dml.rules import Rules
from circuit_runtime.dml.system_validation import (
    check_references,
    check_required,
    check_unique,
    defaults,
    resolve_parents,
)
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.dml.work import Work, begin, chunks, columns, put, sound
from circuit_runtime.project.schema import FieldType, ObjectType, Schema
from circuit_runtime.store.ids import autonumber_text
from circuit_runtime.store.session import Session, stored_columns, update_groups

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
        """Take a chunk through all the steps. Records with an error take no further step."""
        # 1, 2: the old record, overwritten with the new values; system validation of each value.
        parents: set[str] = set()
        self._load(kind, item, chunk, parents)
        # 4: before triggers.
        self._context.triggers.fire(item, "beforeInsert" if kind == "insert" else "beforeUpdate", chunk)
        # 5: system validation of the whole record, then the custom rules.
        self._check_system(item, sound(chunk), parents)
        self._context.rules.validate(item, sound(chunk), self._context.now())
        # 7: saved, not committed.
        saved = sound(chunk)
        self._write(kind, item, saved)
        # A save within a save of the same record skips the steps from 9 to 17.
        outermost = [work for work in saved if work.id not in self._saving]
        ids = {work.id for work in outermost if work.id}
        self._saving |= ids
        try:
            # 8: after triggers.
            written = len(self._context.written)
            self._context.triggers.fire(item, "afterInsert" if kind == "insert" else "afterUpdate", saved)
            outermost = sound(outermost)
            if len(self._context.written) > written:
                outermost = as_stored(item, outermost, self._context.session)
            # 11: field updates; the record is saved once more, and its update triggers run once more only.
            self._update_fields(item, outermost)
            # 16, 17: roll-up summaries of the parents, and of theirs.
            self._rollups.refresh(item, sound(outermost))
        finally:
            self._saving -= ids

    def _load(self, kind: SaveKind, item: ObjectType, chunk: Sequence[Work], parents: set[str]) -> None:
        if kind == "insert":
            blank = defaults(item)
            if "owner" in item.fields:
                blank["owner"] = self._context.user().id
            begin(chunk, blank)
            for work in chunk:
                work.created = True
                if work.sent_as("id") is not None:
                    message = "cannot specify Id in an insert call"
                    work.errors.append(error("INVALID_FIELD_FOR_INSERT_UPDATE", message, "id"))
        else:
            load_current("update", item, chunk, self._context.session, self._context.triggers)
        resolve_parents(self._context.schema, self._context.session, item, sound(chunk))
        take_over(item, sound(chunk))
        fit = sound(chunk)
        for work in fit:
            if work.computed:
                work.new.update(work.computed)
        check_references(self._context.schema, self._context.session, item, fit, parents)

    def _check_system(self, item: ObjectType, works: Sequence[Work], parents: set[str]) -> None:
        check_required(item, works)
        check_references(self._context.schema, self._context.session, item, works, parents)
        check_unique(self._context.session, item, works)

    def _write(self, kind: SaveKind, item: ObjectType, works: Sequence[Work]) -> None:
        if not works:
            return
        user_id = self._context.user().id
        now_ms = int(self._context.now().timestamp() * 1000)
        if kind == "insert":
            ids = self._context.session.next_ids(item, len(works))
            for work, record_id in zip(works, ids, strict=True):
                work.id = record_id
            system = {
                "created_at": now_ms,
                "created_by": user_id,
                "modified_at": now_ms,
                "modified_by": user_id,
                "is_deleted": False,
            }
            put(works, {"id": ids, **{name: [value] * len(works) for name, value in system.items()}})
            self._number(item, works)
            stored = columns(works, stored_columns(item))
            self._context.session.insert(item, tuple(stored), list(zip(*stored.values(), strict=True)))
        else:
            for work in works:
                work.new.update(modified_at=now_ms, modified_by=user_id)
            self._write_changes(item, {work.id or "": _differences(work, work.old or {}) for work in works})
        self._context.written.extend(
            [RecordWritten(object=item.name, id=work.id or "", operation=kind) for work in works]
        )

    def _write_changes(self, item: ObjectType, changes: dict[str, dict[str, Any]]) -> None:
        for names, rows in update_groups(changes):
            self._context.session.update(item, names, rows)

    def _number(self, item: ObjectType, works: Sequence[Work]) -> None:
        for field in item.fields.values():
            if field.type is FieldType.AUTONUMBER:
                first = self._context.session.next_number(item, field.name, len(works))
                form = field.number_format or "{0}"
                texts = [autonumber_text(form, number) for number in range(first, first + len(works))]
                put(works, {field.name: texts})

    def _update_fields(self, item: ObjectType, works: Sequence[Work]) -> None:
        """Field updates see the record as saved; triggers of the second save see `old` from before the first.

        The second save is checked by the system, but not by the custom rules.
        """
        if not item.field_updates:
            return
        again: list[Work] = []
        stored: dict[str, dict[str, Any]] = {}
        for work, changes in self._context.rules.field_updates(item, works, self._context.now()):
            if work.id:
                stored[work.id] = dict(work.new)
                work.new.update(changes)
                again.append(work)
        for work in again:
            if work.old is None:
                work.old = stored[work.id or ""]
        self._context.triggers.fire(item, "beforeUpdate", again)
        self._check_system(item, sound(again), set())
        self._write_changes(
            item, {work.id or "": _differences(work, stored[work.id or ""]) for work in sound(again)}
        )
        self._context.triggers.fire(item, "afterUpdate", sound(again))

    def save_parents(self, item: ObjectType, changes: dict[str, dict[str, Any]]) -> dict[str, DmlErrorInfo]:
        """Save roll-ups on their parents by all the steps; the first error of each parent that refuses."""
        works = [
            Work(index, id=record_id, computed=values) for index, (record_id, values) in enumerate(changes.items())
        ]
        for chunk in chunks(works):
            self.save("update", item, chunk)
        return {work.id or "": work.errors[0] for work in works if work.errors}


def _differences(work: Work, old: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in work.new.items() if old.get(name) != value}
