"""Bring a database's tables to a schema, in one transaction, losing nothing.

Fields are added, widened, renamed (`renamed_from`) and converted where every value survives it. What the project
does not have any more is hidden, not dropped: it comes back with its values when it is declared again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.store.bookkeeping import placeholders, read_meta, write_meta
from circuit_runtime.store.columns import Column, definition
from circuit_runtime.store.conversion import convert_column, needs_conversion
from circuit_runtime.store.errors import MigrationRefused
from circuit_runtime.store.identifiers import reference_index, unique_index
from circuit_runtime.store.ids import autonumber_text
from circuit_runtime.store.search_index import drop_outdated_index
from circuit_runtime.store.session import Row, Session
from circuit_runtime.store.users import ensure_developer

FORMAT_VERSION = 3

_PAGE_ROWS = 2_000

Columns = dict[str, Column]


@dataclass(frozen=True, slots=True)
class Migration:
    """What was changed, in words (`Contact.vlpr_score added`); empty when the database fitted."""

    changes: tuple[str, ...]


def migrate(session: Session, schema: Schema, *, going_back: bool = False) -> Migration:
    """Within one transaction of `session`, which is committed at the end. Quick when nothing changed.

    Args:
        going_back: the schema was in use before. Values that are too long for it by now are kept as they are, so
            that an environment can return to an earlier release.

    Raises: MigrationRefused, with nothing changed.
    """
    version = f"{FORMAT_VERSION}/{schema.version}"
    if _has_bookkeeping(session) and read_meta(session, "version") == version:
        return Migration(())
    session.begin()
    try:
        _wait_for_other_migrations(session)
        _create_bookkeeping(session)
        known = _known_columns(session)
        changes: list[str] = []
        for item in schema:
            _refuse_other_spelling(item, known)
            table = _Table(session, schema, item, known.setdefault(item.name, {}))
            changes += table.migrate(going_back=going_back)
        for name in known.keys() - schema.objects.keys():
            changes += _hide(name, known[name], known[name])
        ensure_developer(session, schema)
        write_meta(session, "columns", msgspec.json.encode(known).decode())
        write_meta(session, "version", version)
        session.commit()
        return Migration(tuple(changes))
    except BaseException:
        session.rollback()
        raise


class _Table:
    """The migration of one object's table; `known` is what it has by column, and is brought up to date."""

    def __init__(self, session: Session, schema: Schema, item: ObjectType, known: Columns) -> None:
        self._session = session
        self._schema = schema
        self._item = item
        self._known = known
        self._stored = [field for field in item.fields.values() if field.is_stored]
        self._changes: list[str] = []

    def migrate(self, *, going_back: bool) -> list[str]:
        if self._known:
            self._refuse_other_prefix()
        else:
            self._create()
        drop_outdated_index(self._session, self._item)
        self._session.create_counters(self._item)
        for field in self._stored:
            self._take_over_renamed(field)
            if field.name not in self._known:
                self._add(field)
            else:
                self._adapt(field, self._known[field.name], going_back=going_back)
            self._index(field)
        gone = self._known.keys() - {field.name for field in self._stored}
        for name in gone:
            self._drop_index(name)
        self._changes += _hide(self._item.name, self._known, gone)
        return self._changes

    def _refuse_other_prefix(self) -> None:
        """An id tells its object by its first three characters."""
        record = self._session.execute(f"SELECT id FROM {self._item.table} LIMIT 1")
        if record and not record[0][0].startswith(self._item.key_prefix):
            prefix = record[0][0][:3]
            raise MigrationRefused(
                f"The key prefix of {self._item.name} cannot become {self._item.key_prefix}: "
                f"there are records whose ids begin with {prefix}.",
                code="KEY_PREFIX_IN_USE",
                hint=f'Write key_prefix = "{prefix}" again.',
                path=f"objects/{self._item.name}.toml",
            )

    def _create(self) -> None:
        dialect = self._session.dialect
        columns = ", ".join(definition(field, dialect) for field in self._stored)
        rowid = " WITHOUT ROWID" if dialect == "sqlite" else ""
        self._session.execute(f"CREATE TABLE {self._item.table} ({columns}, PRIMARY KEY (id)){rowid}")
        for field in self._stored:
            self._known[field.name] = msgspec.structs.replace(Column.of(field), index="")
        self._changes.append(f"{self._item.name} created")

    def _take_over_renamed(self, field: Field) -> None:
        """Give the field the column of the field that it was, also when a release is taken back."""
        old = self._former_name(field)
        if old is None or (field.name in self._known and not self._drop_if_empty(field.name)):
            return
        self._drop_index(old)
        self._session.execute(f'ALTER TABLE {self._item.table} RENAME COLUMN "{old}" TO "{field.name}"')
        if field.type is FieldType.AUTONUMBER:
            self._session.rename_counter(self._item, old, field.name)
        self._known[field.name] = msgspec.structs.replace(self._known.pop(old), was=old, hidden=False)
        self._changes.append(f"{self._item.name}.{old} renamed to {field.name}")

    def _former_name(self, field: Field) -> str | None:
        """Name of the column that the field had before, or got later, if it is there and no field has it now."""
        taken = {other.name for other in self._stored}
        if field.renamed_from in self._known and field.renamed_from not in taken:
            return field.renamed_from
        if field.name in self._known:
            return None
        return next(
            (name for name, column in self._known.items() if column.was == field.name and name not in taken), None
        )

    def _drop_if_empty(self, name: str) -> bool:
        """Make room for a renamed column; one that holds values by itself stays."""
        table = self._item.table
        if self._session.execute(f'SELECT 1 FROM {table} WHERE "{name}" IS NOT NULL LIMIT 1'):
            return False
        self._drop_index(name)
        self._session.execute(f'ALTER TABLE {table} DROP COLUMN "{name}"')
        del self._known[name]
        return True

    def _add(self, field: Field) -> None:
        self._session.execute(
            f"ALTER TABLE {self._item.table} ADD COLUMN {definition(field, self._session.dialect)}"
        )
        self._known[field.name] = msgspec.structs.replace(Column.of(field), index="")
        if field.type is FieldType.AUTONUMBER:
            self._number_rows(field)
        self._changes.append(f"{self._item.name}.{field.name} added")

    def _number_rows(self, field: Field) -> None:
        """Give the records that are there a number each, in the order of their ids."""
        for page in self._ids():
            first = self._session.next_number(self._item, field.name, len(page))
            rows: list[Row] = [
                (record_id, autonumber_text(field.number_format or "{0}", number))
                for number, record_id in enumerate(page, start=first)
            ]
            self._session.update(self._item, (field.name,), rows)

    def _ids(self) -> Iterator[list[str]]:
        last = ""
        query = f"SELECT id FROM {self._item.table} WHERE id > ? ORDER BY id LIMIT {_PAGE_ROWS}"
        while page := [row[0] for row in self._session.execute(placeholders(self._session, query), (last,))]:
            yield page
            last = page[-1]

    def _adapt(self, field: Field, column: Column, *, going_back: bool) -> None:
        wanted = msgspec.structs.replace(Column.of(field, column.was), index=column.index)
        if wanted == column:
            return
        if needs_conversion(field, column) and not (going_back and column.type is field.type):
            self._drop_index(field.name)
            convert_column(self._session, self._item, field, column, self._points_to)
            wanted = msgspec.structs.replace(wanted, index="")
        if column.hidden:
            self._changes.append(f"{self._item.name}.{field.name} is back with its values")
        if column.type is not field.type:
            self._changes.append(f"{self._item.name}.{field.name} is {field.type.value} now")
        self._known[field.name] = wanted

    def _points_to(self, field: Field, record_id: str) -> bool:
        target = self._schema.object_of_id(record_id)
        return target is not None and target.name in field.reference_to

    def _index(self, field: Field) -> None:
        """Deleted records do not occupy a unique value."""
        wanted = Column.of(field).index
        if self._known[field.name].index == wanted:
            return
        self._drop_index(field.name)
        table, session = self._item.table, self._session
        if wanted == "reference":
            name = reference_index(table, field.name)
            session.execute(f'CREATE INDEX IF NOT EXISTS {name} ON {table} ("{field.name}")')
        elif wanted:
            self._refuse_duplicates(field, _folded(field, wanted))
            name = unique_index(table, field.name)
            column = _indexed(field, wanted, session)
            session.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table} ({column}) WHERE NOT is_deleted")
        self._known[field.name] = msgspec.structs.replace(self._known[field.name], index=wanted)

    def _drop_index(self, name: str) -> None:
        for index in (unique_index(self._item.table, name), reference_index(self._item.table, name)):
            self._session.execute(f"DROP INDEX IF EXISTS {index}")
        self._known[name] = msgspec.structs.replace(self._known[name], index="")

    def _refuse_duplicates(self, field: Field, value: str) -> None:
        twice = self._session.execute(
            f'SELECT min("{field.name}"), count(*) FROM {self._item.table} '
            f'WHERE "{field.name}" IS NOT NULL AND NOT is_deleted GROUP BY {value} HAVING count(*) > 1 '
            "ORDER BY 1 LIMIT 3"
        )
        if twice:
            examples = ", ".join(f"{shown!r} in {count} records" for shown, count in twice)
            raise MigrationRefused(
                f"{self._item.name}.{field.name} cannot become unique: there is {examples}.",
                code="UNIQUE_VIOLATED",
                hint=f"Find them with a query over {self._item.name}, and change or delete them.",
                path=f"objects/{self._item.name}.toml",
            )


def _refuse_other_spelling(item: ObjectType, known: dict[str, Columns]) -> None:
    """Names of objects are the same in any case, and so are their tables."""
    there = next((name for name in known if name != item.name and name.lower() == item.name.lower()), None)
    if there is not None:
        raise MigrationRefused(
            f"The object {item.name} is there already, as {there}.",
            code="OBJECT_SPELLED_DIFFERENTLY",
            hint=f"Name its file objects/{there}.toml.",
            path=f"objects/{item.name}.toml",
        )


def _hide(object_name: str, known: Columns, names: Iterable[str]) -> list[str]:
    """Mark columns that no field has any more."""
    fresh = sorted(name for name in names if not known[name].hidden)
    for name in fresh:
        known[name] = msgspec.structs.replace(known[name], hidden=True)
    return [f"{object_name}.{name} is gone from the project; its values are kept" for name in fresh]


def _folded(field: Field, index: str) -> str:
    return f'lower("{field.name}")' if index == "unique_any_case" else f'"{field.name}"'


def _indexed(field: Field, index: str, session: Session) -> str:
    if index == "unique_any_case" and session.dialect == "sqlite":
        return f'"{field.name}" COLLATE NOCASE'
    return _folded(field, index)


# ------------------------------------------------------------------------------------------- bookkeeping


def _has_bookkeeping(session: Session) -> bool:
    if session.dialect == "sqlite":
        return bool(session.execute("SELECT 1 FROM sqlite_master WHERE name = 'circuit_meta'"))
    return session.execute("SELECT to_regclass('circuit_meta') IS NOT NULL") == [(True,)]


def _create_bookkeeping(session: Session) -> None:
    """The tables that hold what the store knows about the database itself."""
    big = "INTEGER" if session.dialect == "sqlite" else "BIGINT"
    session.execute("CREATE TABLE IF NOT EXISTS circuit_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    session.execute(f"CREATE TABLE IF NOT EXISTS circuit_number (key TEXT PRIMARY KEY, next {big} NOT NULL)")
    # What went with a deleted record, so that undelete can bring it back: children deleted, lookups emptied.
    session.execute(
        "CREATE TABLE IF NOT EXISTS circuit_recycled "
        "(root_id TEXT NOT NULL, object_name TEXT NOT NULL, record_id TEXT NOT NULL, field_name TEXT)"
    )
    session.execute("CREATE INDEX IF NOT EXISTS i_circuit_recycled ON circuit_recycled (root_id)")


def _wait_for_other_migrations(session: Session) -> None:
    """Servers that share a PostgreSQL migrate one after another; SQLite has one writer anyway."""
    if session.dialect == "postgresql":
        session.execute("SELECT pg_advisory_xact_lock(hashtext('circuit migration'))")


def _known_columns(session: Session) -> dict[str, Columns]:
    """What the tables have, by object and column; databases of format 1 and 2 remember types only."""
    text = read_meta(session, "columns") or "{}"
    stored = msgspec.json.decode(text, type=dict[str, dict[str, Column | FieldType]])
    return {
        name: {key: item if isinstance(item, Column) else Column(type=item) for key, item in columns.items()}
        for name, columns in stored.items()
    }
