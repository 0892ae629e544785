"""Delete, undelete, merge and the recycle bin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from circuit_link.host_protocol import RecordWritten
from circuit_runtime.dml.current import as_stored, load_current
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.order_of_execution import SaveContext
from circuit_runtime.dml.rollups import Rollups
from circuit_runtime.dml.system_validation import check_unique, existing_ids
from circuit_runtime.dml.work import Work, sound
from circuit_runtime.project.schema import ChildRelation, Field, FieldType, ObjectType
from circuit_runtime.store.session import Row


class Deletion:
    """Deletes records softly: they stay in their table until the recycle bin is emptied."""

    def __init__(self, context: SaveContext, rollups: Rollups) -> None:
        self._context = context
        self._rollups = rollups

    def delete(self, item: ObjectType, chunk: Sequence[Work], master_id: str = "") -> None:
        """Delete a chunk with its triggers; children go, stay or forbid it as their lookup says."""
        load_current("delete", item, chunk, self._context.session, self._context.triggers)
        written = len(self._context.written)
        self._context.triggers.fire(item, "beforeDelete", chunk)
        gone = sound(chunk)
        if len(self._context.written) > written:
            gone = as_stored(item, gone, self._context.session)
        for work in gone:
            self._delete_children(item, work)
        gone = sound(gone)
        self._set_deleted(item, [work.id or "" for work in gone], True, "delete")
        self._context.triggers.fire(item, "afterDelete", gone, master_id)
        self._rollups.refresh(item, sound(gone))

    def undelete(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        """Bring records back from the recycle bin, with the children that went with them."""
        session = self._context.session
        self._load_deleted(item, chunk)
        for work in sound(chunk):
            work.new["is_deleted"] = False
        self._check_masters(item, sound(chunk))
        check_unique(session, item, sound(chunk))
        for work in sound(chunk):
            self._restore_children(work)
        back = sound(chunk)
        self._set_deleted(item, [work.id or "" for work in back], False, "undelete")
        self._context.triggers.fire(item, "afterUndelete", back)
        self._rollups.refresh_parents(item, sound(back))
        self._rollups.refresh(item, sound(back))

    def empty_recycle_bin(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        """Remove deleted records for good, with the children that went with them."""
        self._load_deleted(item, chunk)
        ids = [work.id or "" for work in sound(chunk)]
        for record_id in ids:
            gone: dict[str, list[str]] = {}
            for object_name, child_id, cleared in self._recycled(record_id):
                if cleared is None:
                    gone.setdefault(object_name, []).append(child_id)
            for object_name, child_ids in gone.items():
                if (child := self._context.schema.object(object_name)) is not None:
                    self._context.session.delete(child, child_ids)
            self._forget(record_id)
        self._context.session.delete(item, ids)

    def _load_deleted(self, item: ObjectType, chunk: Sequence[Work]) -> None:
        """Give each work its deleted record as the new values."""
        ids = [work.id for work in sound(chunk) if work.id]
        rows = self._context.session.fetch(item, ids, include_deleted=True, for_update=True)
        for work in sound(chunk):
            row = rows.get(work.id or "")
            if row is None or not row["is_deleted"]:
                work.errors.append(error("UNDELETE_FAILED", "Entity is not in the recycle bin"))
            else:
                work.new = row

    def _check_masters(self, item: ObjectType, works: Sequence[Work]) -> None:
        """A detail comes back only to a master that is there."""
        for field in item.fields.values():
            if field.type is not FieldType.MASTER_DETAIL:
                continue
            master = self._context.schema.objects[field.reference_to[0]]
            there = existing_ids(
                self._context.session, master, {work.new[field.name] for work in works if work.new[field.name]}
            )
            for work in works:
                if work.new[field.name] and work.new[field.name] not in there:
                    message = f"{field.label}: the {master.label} {work.new[field.name]} is deleted"
                    work.errors.append(error("UNDELETE_FAILED", message, field.name))

    def reparent(self, item: ObjectType, losers: Sequence[str], master_id: str) -> None:
        """Let the children of merged records belong to the master, without triggers."""
        for child, field in self._child_fields(item):
            for loser in losers:
                rows: list[Row] = [(child_id, master_id) for child_id in self._children_of(child, field, loser)]
                self._context.session.update(child, (field.name,), rows)

    def _delete_children(self, item: ObjectType, work: Work) -> None:
        """What a record's children do: gone with it, or left behind, or in the way."""
        pending: list[tuple[ObjectType, str]] = [(item, work.id or "")]
        while pending:
            parent, parent_id = pending.pop()
            for child, field in self._child_fields(parent):
                ids = self._children_of(child, field, parent_id)
                if not ids:
                    continue
                match field.on_delete:
                    case "restrict":
                        work.errors.append(
                            error(
                                "DELETE_FAILED",
                                f"Your attempt to delete {parent_id} could not be completed because it is "
                                f"associated with the following {child.plural}: {', '.join(ids[:5])}",
                            )
                        )
                    case "cascade":
                        self._remember(work.id or "", child, ids, None)
                        self._set_deleted(child, ids, True, None)
                        pending += [(child, child_id) for child_id in ids]
                    case "clear":
                        self._remember(work.id or "", child, ids, f"{field.name}={parent_id}")
                        self._context.session.update(child, (field.name,), [(child_id, None) for child_id in ids])

    def _restore_children(self, work: Work) -> None:
        """Bring back what went with a record; a child whose unique value is taken by now keeps the record away."""
        root_id = work.id or ""
        gone: dict[str, list[str]] = {}
        cleared: list[tuple[ObjectType, str, str, str]] = []
        for object_name, record_id, place in self._recycled(root_id):
            child = self._context.schema.object(object_name)
            if child is not None and place is None:
                gone.setdefault(child.name, []).append(record_id)
            elif child is not None:
                field_name, _, parent_id = place.partition("=")
                cleared.append((child, record_id, field_name, parent_id))
        for name, ids in gone.items():
            child = self._context.schema.objects[name]
            rows = self._context.session.fetch(child, ids, include_deleted=True)
            children = [Work(index, id=each, row=rows[each]) for index, each in enumerate(rows)]
            check_unique(self._context.session, child, children)
            work.errors += [problem for each in children for problem in each.errors]
        if work.errors:
            return
        for name, ids in gone.items():
            self._set_deleted(self._context.schema.objects[name], ids, False, None)
        for child, record_id, field_name, parent_id in cleared:
            row = self._context.session.fetch(child, [record_id]).get(record_id)
            # A lookup that points elsewhere by now stays where it is.
            if row is not None and row.get(field_name) is None:
                self._context.session.update(child, (field_name,), [(record_id, parent_id)])
        self._forget(root_id)

    def _set_deleted(self, item: ObjectType, ids: Sequence[str], is_deleted: bool, operation: str | None) -> None:
        now_ms = int(self._context.now().timestamp() * 1000)
        user_id = self._context.user().id
        rows: list[Row] = [(record_id, is_deleted, now_ms, user_id) for record_id in ids]
        if rows:
            self._context.session.update(item, ("is_deleted", "modified_at", "modified_by"), rows)
        if operation:
            self._context.written.extend(
                RecordWritten(object=item.name, id=each, operation=operation) for each in ids
            )

    def _child_fields(self, parent: ObjectType) -> Iterable[tuple[ObjectType, Field]]:
        relations: Iterable[ChildRelation] = self._context.schema.children(parent.name).values()
        for relation in relations:
            child = self._context.schema.objects[relation.child]
            field = child.fields[relation.field]
            if not field.system:
                yield child, field

    def _children_of(self, child: ObjectType, field: Field, parent_id: str) -> list[str]:
        rows = self._execute(
            f'SELECT id FROM {child.table} WHERE "{field.name}" = ? AND NOT is_deleted ORDER BY id', (parent_id,)
        )
        return [row[0] for row in rows]

    def _recycled(self, root_id: str) -> list[Row]:
        """What became of a deleted record's children, as `_remember` wrote it."""
        return self._execute(
            "SELECT object_name, record_id, field_name FROM circuit_recycled WHERE root_id = ?", (root_id,)
        )

    def _forget(self, root_id: str) -> None:
        self._execute("DELETE FROM circuit_recycled WHERE root_id = ?", (root_id,))

    def _remember(self, root_id: str, child: ObjectType, ids: Sequence[str], cleared: str | None) -> None:
        for record_id in ids:
            self._execute(
                "INSERT INTO circuit_recycled (root_id, object_name, record_id, field_name) VALUES (?, ?, ?, ?)",
                (root_id, child.name, record_id, cleared),
            )

    def _execute(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        session = self._context.session
        return session.execute(sql if session.dialect == "sqlite" else sql.replace("?", "%s"), parameters)
