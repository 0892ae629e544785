"""Bring a database's tables to a schema: only additions and renames, in one transaction, losing nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.store.errors import MigrationRefused
from circuit_runtime.store.identifiers import reference_index, unique_index
from circuit_runtime.store.session import Dialect, Session

FORMAT_VERSION = 2

_TEXTS = frozenset(
    {
        FieldType.TEXT,
        FieldType.TEXTAREA,
        FieldType.EMAIL,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.PICKLIST,
        FieldType.AUTONUMBER,
    }
)
# A column's type may change without touching its values: both have the same storage form.
_LOSSLESS = {(FieldType.INTEGER, FieldType.DECIMAL), (FieldType.LOOKUP, FieldType.MASTER_DETAIL)} | {
    (FieldType.MASTER_DETAIL, FieldType.LOOKUP)
}


@dataclass(frozen=True, slots=True)
class Migration:
    """What was changed, in words (`Contact.vlpr_score added`); empty when the database fitted."""

    changes: tuple[str, ...]


def create_bookkeeping(session: Session) -> None:
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


def migrate(session: Session, schema: Schema) -> Migration:
    """Within one transaction of `session`, which is committed at the end.

    Raises: MigrationRefused, with nothing changed.
    """
    create_bookkeeping(session)
    version = f"{FORMAT_VERSION}/{schema.version}"
    if _meta(session, "version") == version:
        return Migration(())
    session.begin()
    try:
        known: dict[str, dict[str, str]] = json.loads(_meta(session, "columns") or "{}")
        changes: list[str] = []
        for item in schema:
            changes += _migrate_object(session, item, known.setdefault(item.name, {}))
        _set_meta(session, "columns", json.dumps(known, sort_keys=True))
        _set_meta(session, "version", version)
        session.commit()
        return Migration(tuple(changes))
    except BaseException:
        session.rollback()
        raise


def _migrate_object(session: Session, item: ObjectType, known: dict[str, str]) -> list[str]:
    """`known` maps the columns that the table has to their field types, and is brought up to date."""
    stored = [field for field in item.fields.values() if field.is_stored]
    changes: list[str] = []
    if not known:
        columns = ", ".join(_column(field, session.dialect) for field in stored)
        rowid = " WITHOUT ROWID" if session.dialect == "sqlite" else ""
        session.execute(f"CREATE TABLE {item.table} ({columns}, PRIMARY KEY (id)){rowid}")
        known.update({field.name: field.type.value for field in stored})
        changes.append(f"{item.name} created")
    for field in stored:
        if field.name not in known and field.renamed_from in known:
            rename = f'RENAME COLUMN "{field.renamed_from}" TO "{field.name}"'
            session.execute(f"ALTER TABLE {item.table} {rename}")
            known[field.name] = known.pop(field.renamed_from)
            changes.append(f"{item.name}.{field.renamed_from} renamed to {field.name}")
        elif field.name not in known:
            session.execute(f"ALTER TABLE {item.table} ADD COLUMN {_column(field, session.dialect)}")
            known[field.name] = field.type.value
            changes.append(f"{item.name}.{field.name} added")
        elif known[field.name] != field.type.value:
            _change_type(item, field, FieldType(known[field.name]))
            known[field.name] = field.type.value
            changes.append(f"{item.name}.{field.name} is {field.type.value} now")
    for field in stored:
        _create_indexes(session, item, field)
    session.create_counters(item)
    return changes


def _change_type(item: ObjectType, field: Field, old: FieldType) -> None:
    if (old in _TEXTS and field.type in _TEXTS) or (old, field.type) in _LOSSLESS:
        return
    raise MigrationRefused(
        f"{item.name}.{field.name} was {old.value} and cannot be {field.type.value}: its values would be lost.",
        code="FIELD_TYPE_CHANGED",
        hint="Give the new field another name, or reset the local data.",
        path=f"objects/{item.name}.toml",
    )


def _column(field: Field, dialect: Dialect) -> str:
    default = f" DEFAULT {_boolean(bool(field.default), dialect)}" if field.type is FieldType.BOOLEAN else ""
    required = " NOT NULL" if field.name == "id" else ""
    return f'"{field.name}" {_sql_type(field, dialect)}{required}{default}'


def _sql_type(field: Field, dialect: Dialect) -> str:
    match field.type:
        case FieldType.INTEGER | FieldType.DATETIME:
            return "INTEGER" if dialect == "sqlite" else "BIGINT"
        case FieldType.DECIMAL:
            return "REAL" if dialect == "sqlite" else "DOUBLE PRECISION"
        case FieldType.BOOLEAN:
            return "INTEGER" if dialect == "sqlite" else "BOOLEAN"
        case _:
            # Byte order, so that both databases sort and compare alike.
            return "TEXT" if dialect == "sqlite" else 'TEXT COLLATE "C"'


def _boolean(value: bool, dialect: Dialect) -> str:
    if dialect == "sqlite":
        return "1" if value else "0"
    return "TRUE" if value else "FALSE"


def _create_indexes(session: Session, item: ObjectType, field: Field) -> None:
    """Unique fields and lookups have an index; deleted records do not occupy a unique value."""
    if field.unique:
        column = _folded(field, session.dialect)
        alive = "is_deleted = 0" if session.dialect == "sqlite" else "NOT is_deleted"
        try:
            name = unique_index(item.table, field.name)
            session.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {item.table} ({column}) WHERE {alive}")
        except Exception as exc:
            raise MigrationRefused(
                f"{item.name}.{field.name} cannot become unique: the database holds values of it twice.",
                code="UNIQUE_VIOLATED",
                hint=f"Find them with a query over {item.name}, and change or delete them.",
                path=f"objects/{item.name}.toml",
            ) from exc
    elif field.is_reference and not field.system:
        name = reference_index(item.table, field.name)
        session.execute(f'CREATE INDEX IF NOT EXISTS {name} ON {item.table} ("{field.name}")')


def _folded(field: Field, dialect: Dialect) -> str:
    name = f'"{field.name}"'
    if field.case_sensitive or field.type not in _TEXTS:
        return name
    return f"{name} COLLATE NOCASE" if dialect == "sqlite" else f"lower({name})"


def _meta(session: Session, key: str) -> str | None:
    rows = session.execute(_placeholders(session, "SELECT value FROM circuit_meta WHERE key = ?"), (key,))
    return str(rows[0][0]) if rows else None


def _set_meta(session: Session, key: str, value: Any) -> None:
    sql = (
        "INSERT INTO circuit_meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    session.execute(_placeholders(session, sql), (key, value))


def _placeholders(session: Session, sql: str) -> str:
    return sql if session.dialect == "sqlite" else sql.replace("?", "%s")
