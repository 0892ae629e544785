"""Records as they are in the database, before a statement changes them and after triggers did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from circuit_runtime.dml.errors import in_own_trigger, is_deleted, no_such_record
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.dml.work import Work, sound
from circuit_runtime.project.schema import ObjectType
from circuit_runtime.store.session import Session


def load_current(
    operation: Literal["update", "delete"],
    item: ObjectType,
    chunk: Sequence[Work],
    session: Session,
    triggers: Triggers,
) -> None:
    """Lock the records of a chunk, and give each work its old values and a copy of them as the new ones."""
    ids = [work.id for work in sound(chunk) if work.id]
    rows = session.fetch(item, ids, for_update=True, include_deleted=True)
    for work in sound(chunk):
        row = rows.get(work.id or "")
        if row is None:
            work.errors.append(no_such_record())
        elif row["is_deleted"]:
            work.errors.append(is_deleted())
        elif (trigger := triggers.forbids(operation, work.id or "")) is not None:
            what = "recursively update itself" if operation == "update" else "be deleted"
            work.errors.append(in_own_trigger(work.id or "", trigger, what))
        else:
            work.old = row
            work.new = dict(row)


def as_stored(item: ObjectType, works: Sequence[Work], session: Session) -> list[Work]:
    """The works whose records are still there, with what triggers made of them by DML of their own."""
    rows = session.fetch(item, [work.id for work in works if work.id])
    left = [work for work in works if work.id in rows]
    for work in left:
        work.new = rows[work.id or ""]
    return left
