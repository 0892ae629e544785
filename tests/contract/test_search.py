"""SOSL over the full-text index of both databases."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from circuit_link.wire import UserRef
from circuit_runtime.project.project import Project, load_folder
from circuit_runtime.project.schema import ObjectType, Schema
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.search import prepare_search
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store

CONTEXT = QueryContext(
    now=dt.datetime(2025, 6, 11, 12, tzinfo=dt.UTC),
    zone=zoneinfo.ZoneInfo("UTC"),
    fiscal_year_start_month=1,
    user=UserRef(id="005000000000001AAA", name="Dev", profile="Developer"),
    profiles={},
)
CONTACTS: dict[str, dict[str, Any]] = {
    "marcus": {"first_name": "Marcus", "last_name": "Jones", "email": "marcus.jones@example.com"},
    "maria": {"first_name": "Maria", "last_name": "Müller", "phone": "(555) 123-4567"},
    "joan": {"last_name": "Joan", "title": "Marcus' manager", "description": "New York office"},
    "york": {"last_name": "York", "description": "a new office in town", "email": "york@example.org"},
}


@pytest.fixture(scope="module")
def project() -> Project:
    return load_folder(Path(__file__).parents[1] / "conformance" / "queries")


@pytest.fixture
def contact(project: Project) -> ObjectType:
    return project.schema.objects["Contact"]


@pytest.fixture
def session(store: Store, contact: ObjectType) -> Iterator[Session]:
    with store.session() as opened:
        opened.begin()
        write(opened, contact, list(CONTACTS.values()))
        opened.commit()
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def unchanged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, project: Project
) -> Iterator[Session]:
    """A session of records that no test changes."""
    path = tmp_path_factory.mktemp("search") / "data.db"
    is_sqlite = request.param == "sqlite"
    store = Store.open(f"sqlite:///{path}" if is_sqlite else request.getfixturevalue("postgresql_database")())
    store.migrate(project.schema)
    with store.session() as opened:
        opened.begin()
        write(opened, project.schema.objects["Contact"], list(CONTACTS.values()))
        opened.commit()
        yield opened
    store.close()


def write(session: Session, item: ObjectType, records: list[dict[str, Any]]) -> list[str]:
    columns = [field.name for field in item.fields.values() if field.is_stored]
    ids = session.next_ids(item, len(records))
    whole = [
        {"is_deleted": False, "do_not_contact": False, "id": record_id, **values}
        for record_id, values in zip(ids, records, strict=True)
    ]
    session.insert(item, columns, [tuple(values.get(name) for name in columns) for values in whole])
    return ids


def find(session: Session, project: Project, sosl: str, **binds: Any) -> list[list[str]]:
    """The last names that are found, by object."""
    search = prepare_search(sosl, binds, project.schema, session.dialect, CONTEXT, None)
    return [[row[0] for row in rows] for rows in search.run(session)]


def names(session: Session, project: Project, words: str, scope: str = "ALL", rest: str = "") -> list[str]:
    sosl = f"FIND {{{words}}} IN {scope} FIELDS RETURNING Contact(last_name ORDER BY last_name){rest}"
    return find(session, project, sosl)[0]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("marcus", ["Joan", "Jones"]),
        ("MARCUS", ["Joan", "Jones"]),
        ("marc", []),
        ("marc*", ["Joan", "Jones"]),
        ("mar*", ["Joan", "Jones", "Müller"]),
        ("m?r*s", ["Joan", "Jones"]),
        ("mari?", ["Müller"]),
        ("*rcus", ["Joan", "Jones"]),
        ("marcus jones", ["Jones"]),
        ("marcus AND jones", ["Jones"]),
        ("jones OR müller", ["Jones", "Müller"]),
        ("MÜLLER", ["Müller"]),
        ("marcus AND NOT jones", ["Joan"]),
        ("marcus NOT jones", ["Joan"]),
        ("(marcus OR maria) AND (jones OR müller)", ["Jones", "Müller"]),
        ("jones OR marcus AND manager", ["Joan", "Jones"]),
        ('"new york"', ["Joan"]),
        ('"new off*"', ["York"]),
        ("york", ["Joan", "York"]),
        ("york@example.org", ["York"]),
        ("555 4567", ["Müller"]),
        (r"marcus\' manager", ["Joan"]),
        ("nobody", []),
    ],
)
def test_words_phrases_wildcards_and_operators_find_what_they_say(
    unchanged: Session, project: Project, words: str, wanted: list[str]
) -> None:
    assert names(unchanged, project, words) == wanted


@pytest.mark.parametrize(
    ("scope", "words", "wanted"),
    [
        ("NAME", "marcus", ["Jones"]),
        ("EMAIL", "marcus", ["Jones"]),
        ("EMAIL", "example", ["Jones", "York"]),
        ("PHONE", "555", ["Müller"]),
        ("PHONE", "marcus", []),
        ("NAME", "m*s", ["Jones"]),
        ("SIDEBAR", "marcus", ["Joan", "Jones"]),
    ],
)
def test_a_search_looks_into_the_fields_of_its_group(
    unchanged: Session, project: Project, scope: str, words: str, wanted: list[str]
) -> None:
    assert names(unchanged, project, words, scope) == wanted


def test_the_index_follows_inserts_changes_and_removals(
    session: Session, project: Project, contact: ObjectType
) -> None:
    names(session, project, "marcus")
    session.begin()
    (new,) = write(session, contact, [{"last_name": "Newman", "title": "zebra"}])
    before = names(session, project, "zebra")
    session.update(contact, ("title",), [(new, "lion")])
    changed = (names(session, project, "zebra"), names(session, project, "lion"))
    session.delete(contact, [new])
    gone = names(session, project, "lion")
    session.commit()

    assert (before, changed, gone) == (["Newman"], ([], ["Newman"]), [])


def test_a_rollback_takes_the_index_back(session: Session, project: Project, contact: ObjectType) -> None:
    names(session, project, "marcus")
    session.begin()
    write(session, contact, [{"last_name": "Kept", "title": "zebra"}])
    mark = session.savepoint()
    write(session, contact, [{"last_name": "Lost", "title": "zebra"}])
    inside = names(session, project, "zebra")
    session.rollback_to(mark)
    after = names(session, project, "zebra")
    session.rollback()

    assert (inside, after, names(session, project, "zebra")) == (["Kept", "Lost"], ["Kept"], [])


def test_another_session_finds_what_is_committed_only(
    store: Store, session: Session, project: Project, contact: ObjectType
) -> None:
    names(session, project, "marcus")
    session.begin()
    write(session, contact, [{"last_name": "Newman", "title": "zebra"}])
    with store.session() as other:
        before = names(other, project, "zebra")
        session.commit()
        after = names(other, project, "zebra")

    assert (before, after) == ([], ["Newman"])


def test_deleted_records_are_not_found(session: Session, project: Project, contact: ObjectType) -> None:
    session.begin()
    write(session, contact, [{"last_name": "Gone", "title": "zebra", "is_deleted": True}])
    session.commit()

    assert names(session, project, "zebra") == []


def test_the_index_is_made_anew_when_other_fields_are_searched(
    store: Store, session: Session, project: Project, contact: ObjectType
) -> None:
    names(session, project, "marcus")
    fields = dict(contact.fields)
    fields["slogan"] = replace(contact.fields["title"], name="slogan", label="Slogan")
    wider = replace(contact, fields=fields)
    schema = Schema({**project.schema.objects, "Contact": wider}, "wider")
    session.close()
    store.migrate(schema)
    with store.session() as other:
        other.begin()
        write(other, wider, [{"last_name": "Slogan", "slogan": "zebra"}])
        other.commit()
        sosl = "FIND {zebra} RETURNING Contact(last_name)"
        found = prepare_search(sosl, {}, schema, other.dialect, CONTEXT, None).run(other)

    assert [row[0] for row in found[0]] == ["Slogan"]


def test_where_order_limit_and_offset_belong_to_each_object(unchanged: Session, project: Project) -> None:
    sosl = (
        "FIND {mar* OR york} RETURNING "
        "Contact(last_name WHERE email != null ORDER BY last_name DESC LIMIT 1 OFFSET 1), Account"
    )

    assert find(unchanged, project, sosl) == [["Jones"], []]


def test_without_returning_every_object_is_searched_for_ids(unchanged: Session, project: Project) -> None:
    search = prepare_search("FIND {marcus}", {}, project.schema, unchanged.dialect, CONTEXT, None)
    found = dict(zip([shape.object_name for shape in search.shapes], search.run(unchanged), strict=True))

    assert (len(found["Contact"]), found["Account"]) == (2, [])
    assert "User" not in found


def test_the_words_may_come_by_a_bind_or_in_quotes(unchanged: Session, project: Project) -> None:
    returning = "RETURNING Contact(last_name)"

    assert find(unchanged, project, f"FIND :words IN NAME FIELDS {returning}", words="marcus") == [["Jones"]]
    assert find(unchanged, project, f"FIND 'marcus' IN NAME FIELDS {returning}") == [["Jones"]]


def test_a_search_brings_two_thousand_rows_and_several_objects_share_them(
    session: Session, project: Project, contact: ObjectType
) -> None:
    session.begin()
    write(session, contact, [{"last_name": f"N{number}", "title": "zebra"} for number in range(2_001)])
    session.commit()

    (alone,) = find(session, project, "FIND {zebra} RETURNING Contact(last_name)")
    shared, _none = find(session, project, "FIND {zebra} RETURNING Contact(last_name), Account(name)")
    limited, _none = find(session, project, "FIND {zebra} RETURNING Contact(last_name), Account(name) LIMIT 7")

    assert (len(alone), len(shared), len(limited)) == (2_000, 250, 7)
