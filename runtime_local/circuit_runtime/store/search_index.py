"""The full-text index of an object's texts: FTS5 on SQLite, tsvector on PostgreSQL.

It is made when an object is first searched, and kept in step by triggers of the database from then on: within the
transaction that writes, so that a rollback undoes it too. Objects that nobody searches cost nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from circuit_runtime.project.schema import Field, FieldType, ObjectType
from circuit_runtime.store.bookkeeping import forget_meta, read_meta, write_meta
from circuit_runtime.store.identifiers import identifier
from circuit_runtime.store.session import Session

_WORD = re.compile(r"[^\W_]+")
_NAMES = frozenset({"name", "first_name", "last_name", "subject"})
_SEARCHED = {
    FieldType.EMAIL: "email",
    FieldType.PHONE: "phone",
    FieldType.TEXT: "other",
    FieldType.TEXTAREA: "other",
    FieldType.URL: "other",
    FieldType.PICKLIST: "other",
    FieldType.MULTIPICKLIST: "other",
    FieldType.AUTONUMBER: "other",
}


class Part(StrEnum):
    """A column of the index; on PostgreSQL a weight, A to D in this order."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    OTHER = "other"


_WEIGHTS = dict(zip(Part, "ABCD", strict=True))


def words_of(text: str) -> list[str]:
    """A text as the index has it: letters and digits in lower case, cut at everything else."""
    return _WORD.findall(text.lower())


def indexed_fields(item: ObjectType) -> dict[Part, list[Field]]:
    """The fields of each part, in order; parts without fields are left out."""
    parts: dict[Part, list[Field]] = {}
    for field in item.fields.values():
        kind = _SEARCHED.get(field.type)
        if kind is not None and field.is_stored and not field.system:
            parts.setdefault(Part.NAME if field.name in _NAMES else Part(kind), []).append(field)
    return parts


def index_table(item: ObjectType) -> str:
    return _name(item)


def _name(item: ObjectType, suffix: str = "") -> str:
    return identifier(f"s_{item.name.lower()}{suffix}")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side; the last is the beginning of a word if `is_prefix`.

    `wildcard` is a word in lower case with `*` and `?` in it, which one word has to fit; `words` is then what
    stands before the first of them, and may be nothing.
    """

    words: tuple[str, ...]
    is_prefix: bool = False
    wildcard: str | None = None


def ensure_index(session: Session, item: ObjectType) -> None:
    """Make the index of an object, unless it is there and fits the object's fields. Opens no lasting transaction.

    Raises: StoreBusy, if it has to be made while another transaction writes.
    """
    signature = _signature(item)
    if _known_signature(session, item) == signature:
        return
    is_ours = not session.in_transaction
    session.begin()
    try:
        drop_index(session, item)
        for statement in _creation(session, item):
            session.execute(statement)
        write_meta(session, f"search/{item.name}", signature)
        if is_ours:
            session.commit()
    except BaseException:
        if is_ours:
            session.rollback()
        raise


def drop_outdated_index(session: Session, item: ObjectType) -> None:
    """Drop the index if the object's searched fields are others now; within the migration's transaction."""
    if _known_signature(session, item) not in (None, _signature(item)):
        drop_index(session, item)


def drop_index(session: Session, item: ObjectType) -> None:
    table = index_table(item)
    for event in ("insert", "update", "delete"):
        on_table = "" if session.dialect == "sqlite" else f" ON {item.table}"
        session.execute(f"DROP TRIGGER IF EXISTS {_name(item, f'_{event}')}{on_table}")
    session.execute(f"DROP TABLE IF EXISTS {table}")
    forget_meta(session, f"search/{item.name}")


def _known_signature(session: Session, item: ObjectType) -> str | None:
    return read_meta(session, f"search/{item.name}")


def _signature(item: ObjectType) -> str:
    fields = indexed_fields(item)
    return ";".join(f"{part}={','.join(field.name for field in fields[part])}" for part in Part if part in fields)


def _creation(session: Session, item: ObjectType) -> Sequence[str]:
    return _sqlite_creation(item) if session.dialect == "sqlite" else _postgresql_creation(item)


def _sqlite_creation(item: ObjectType) -> Sequence[str]:
    table, fields = index_table(item), indexed_fields(item)
    columns = [field.name for part in fields.values() for field in part]
    names = ", ".join(["rowid", "id", *Part])

    def values(row: str) -> str:
        texts = [_joined(f"{row}.", fields.get(part, []), "' '") for part in Part]
        return ", ".join([f"circuit_number({row}.id)", f"{row}.id", *texts])

    remove = f"DELETE FROM {table} WHERE rowid = circuit_number(old.id)"
    add = f"INSERT INTO {table} ({names}) VALUES ({values('new')})"
    changed = ", ".join(f'"{name}"' for name in columns) or "id"
    on = f"OF {changed} ON {item.table}"
    tokens = "tokenize = 'unicode61 remove_diacritics 0'"
    return (
        f"CREATE VIRTUAL TABLE {table} USING fts5(id UNINDEXED, {', '.join(Part)}, {tokens})",
        f"INSERT INTO {table} ({names}) SELECT {values('o')} FROM {item.table} o",
        f"CREATE TRIGGER {_name(item, '_insert')} AFTER INSERT ON {item.table} BEGIN {add}; END",
        f"CREATE TRIGGER {_name(item, '_update')} AFTER UPDATE {on} BEGIN {remove}; {add}; END",
        f"CREATE TRIGGER {_name(item, '_delete')} AFTER DELETE ON {item.table} BEGIN {remove}; END",
    )


def _postgresql_creation(item: ObjectType) -> Sequence[str]:
    table, fields = index_table(item), indexed_fields(item)

    def words(row: str) -> str:
        parts = []
        for part in Part:
            text = f"""lower(({_joined(f"{row}.", fields.get(part, []), "' '")}) COLLATE "default")"""
            cut = f"regexp_replace({text}, '[^[:alnum:]]+', ' ', 'g')"
            parts.append(f"setweight(to_tsvector('simple', {cut}), '{_WEIGHTS[part]}')")
        return " || ".join(parts)

    body = (
        f"BEGIN IF TG_OP <> 'INSERT' THEN DELETE FROM {table} WHERE id = OLD.id; END IF; "
        f"IF TG_OP <> 'DELETE' THEN INSERT INTO {table} VALUES (NEW.id, {words('NEW')}); END IF; RETURN NULL; END"
    )
    changed = ", ".join(f'"{field.name}"' for part in fields.values() for field in part) or "id"
    run = f"FOR EACH ROW EXECUTE FUNCTION {_name(item, '_keep')}()"
    return (
        f'CREATE TABLE {table} (id TEXT COLLATE "C" PRIMARY KEY, words tsvector NOT NULL)',
        f"INSERT INTO {table} SELECT o.id, {words('o')} FROM {item.table} o",
        f"CREATE INDEX {_name(item, '_words')} ON {table} USING gin (words)",
        f"CREATE OR REPLACE FUNCTION {_name(item, '_keep')}() RETURNS trigger "
        f"LANGUAGE plpgsql AS $keep$ {body} $keep$",
        f"CREATE TRIGGER {_name(item, '_insert')} AFTER INSERT ON {item.table} {run}",
        f"CREATE TRIGGER {_name(item, '_update')} AFTER UPDATE OF {changed} ON {item.table} {run}",
        f"CREATE TRIGGER {_name(item, '_delete')} AFTER DELETE ON {item.table} {run}",
    )


def _joined(row: str, fields: Sequence[Field], between: str) -> str:
    texts = [f"COALESCE({row}\"{field.name}\", '')" for field in fields]
    return f" || {between} || ".join(texts) or "''"


def sqlite_match(parts: Sequence[Part], term: Term) -> str:
    """What FTS5 looks for: the words in the columns of `parts`."""
    phrase = " + ".join(f'"{word}"' for word in term.words) + ("*" if term.is_prefix else "")
    return f"{{{' '.join(parts)}}} : {phrase}"


def postgresql_match(parts: Sequence[Part], term: Term) -> str:
    """What a tsquery looks for: the words with the weights of `parts`."""
    weights = "".join(_WEIGHTS[part] for part in parts)
    *before, last = term.words
    lexemes = [f"'{word}':{weights}" for word in before] + [f"'{last}':{'*' if term.is_prefix else ''}{weights}"]
    return " <-> ".join(lexemes)


def sqlite_pattern(wildcard: str) -> str:
    """A regular expression of Python over a whole text that holds a fitting word."""
    word = wildcard.replace("?", r"[^\W_]").replace("*", r"[^\W_]*")
    return rf"(?si).*(?<![^\W_]){word}(?![^\W_]).*"


def postgresql_pattern(wildcard: str) -> str:
    """A regular expression of PostgreSQL over one word."""
    return f"^{wildcard.replace('?', '.').replace('*', '.*')}$"


def weights_of(parts: Sequence[Part]) -> str:
    """The weights of parts as a PostgreSQL array."""
    return "{" + ",".join(_WEIGHTS[part].lower() for part in parts) + "}"
