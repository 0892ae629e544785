"""Sample records of a project: `seed/<Object>.csv` and `seed/<Object>.json`, loaded into a new local database.

They are stored as they are: no trigger, validation rule or roll-up runs, so that seeding is quick and the same
each time. A value that a field cannot take is an error with its line. Lookups hold ids.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from circuit_link.errors import UserFacingError
from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import Field, ObjectType
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store
from circuit_runtime.store.users import find_user
from circuit_runtime.store.values import ValueProblem, to_storage

_BATCH_ROWS = 2000


def load_seeds(store: Store, project: Project) -> dict[str, int]:
    """Insert all seeds in one transaction; returns the number of records by object.

    Raises:
        UserFacingError: a seed names an unknown object or field, or a value does not fit; nothing is stored.
    """
    counts: dict[str, int] = {}
    with store.session("the sample records") as session:
        session.begin()
        user_id = find_user(session, project.schema, "").id
        for path, data in sorted(project.seeds.items()):
            loader = _Loader(session, _object_of(project, path), path, user_id)
            counts[loader.item.name] = counts.get(loader.item.name, 0) + loader.load(data)
        session.commit()
    return counts


class _Loader:
    """Loads one seed file."""

    def __init__(self, session: Session, item: ObjectType, path: str, user_id: str) -> None:
        self.item = item
        self._session = session
        self._path = path
        now_ms = time.time_ns() // 1_000_000
        system = {
            "owner": user_id,
            "created_at": now_ms,
            "created_by": user_id,
            "modified_at": now_ms,
            "modified_by": user_id,
            "is_deleted": False,
        }
        self._constant = {name: value for name, value in system.items() if name in item.fields}
        for field in item.fields.values():
            if field.default is not None and field.is_stored and field.name not in self._constant:
                self._constant[field.name] = to_storage(field, field.default)

    def load(self, data: bytes) -> int:
        """Insert the file's records; returns how many they are."""
        count = 0
        batch: list[dict[str, Any]] = []
        for line, record in self._records(data):
            batch.append(self._stored(record, line))
            count += 1
            if len(batch) == _BATCH_ROWS:
                self._insert(batch)
                batch = []
        self._insert(batch)
        return count

    def _insert(self, batch: list[dict[str, Any]]) -> None:
        if not batch:
            return
        columns = list(dict.fromkeys(name for values in batch for name in values))
        ids = self._session.next_ids(self.item, len(batch))
        rows = [
            (record_id, *(values.get(name) for name in columns))
            for record_id, values in zip(ids, batch, strict=True)
        ]
        self._session.insert(self.item, ("id", *columns), rows)

    def _stored(self, record: dict[str, Any], line: int) -> dict[str, Any]:
        values = dict(self._constant)
        for name, value in record.items():
            field = self._field(name, line)
            try:
                values[field.name] = to_storage(field, value)
            except ValueProblem as exc:
                raise self._error(str(exc), line) from exc
        for field in self.item.fields.values():
            if field.required and not field.system and values.get(field.name) is None:
                raise self._error(f"{field.name} is required, and this record has none.", line)
        return values

    def _field(self, name: str, line: int) -> Field:
        field = self.item.field(name.strip())
        if field is None or not field.is_writable:
            raise self._error(f"{self.item.name} has no field {name!r} that a seed may fill.", line)
        return field

    def _records(self, data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line, field name to value) of each record; the line is the file's for JSON."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise self._error("The file is not UTF-8.", data[: exc.start].count(b"\n") + 1) from exc
        if self._path.endswith(".json"):
            yield from self._json_records(text)
            return
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            for record in reader:
                if None in record or None in record.values():
                    raise self._error(
                        "The line has more or fewer values than the first one names.", reader.line_num
                    )
                yield reader.line_num, {name: value if value else None for name, value in record.items()}
        except csv.Error as exc:
            raise self._error(f"The line is not CSV: {exc}.", reader.line_num) from exc

    def _json_records(self, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            records = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as exc:
            line = exc.lineno if isinstance(exc, json.JSONDecodeError) else 1
            raise self._error(f"The file is not JSON: {exc}.", line) from exc
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise self._error("The file is not a list of objects.", 1)
        yield from ((1, record) for record in records)

    def _error(self, message: str, line: int) -> UserFacingError:
        return UserFacingError(
            message,
            code="SEED_INVALID",
            hint="Nothing of the seeds was stored. Correct the file and run again.",
            path=self._path,
            line=line,
        )


def _object_of(project: Project, path: str) -> ObjectType:
    name = PurePosixPath(path).stem
    item = project.schema.object(name)
    if item is None:
        raise UserFacingError(
            f"{path} holds records of {name!r}, an object that does not exist.",
            code="SEED_INVALID",
            hint="Name the file after an object: seed/Contact.csv.",
            path=path,
        )
    return item
