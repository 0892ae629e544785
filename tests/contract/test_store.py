"""What `Session` promises, kept by both databases."""

from __future__ import annotations

import threading

import pytest

from circuit_runtime.project.project import Project
from circuit_runtime.project.schema import ObjectType
from circuit_runtime.store.errors import UniqueViolation
from circuit_runtime.store.faults import StoreFault
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store

COLUMNS = ("id", "last_name", "ghl_id", "created_at", "modified_at", "is_deleted")


@pytest.fixture
def contact(project: Project) -> ObjectType:
    return project.schema.objects["Contact"]


def insert(session: Session, contact: ObjectType, names: list[str]) -> list[str]:
    ids = session.next_ids(contact, len(names))
    rows = [(record_id, name, record_id, 1, 1, False) for record_id, name in zip(ids, names, strict=True)]
    session.insert(contact, COLUMNS, rows)
    return ids


def names(store: Store, contact: ObjectType, ids: list[str]) -> list[str]:
    with store.session() as session:
        found = session.fetch(contact, ids)
    return [found[record_id]["last_name"] for record_id in ids if record_id in found]


def test_what_is_committed_is_seen_by_others_and_what_is_not_is_not(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        ids = insert(session, contact, ["Ada", "Grace"])
        before = names(store, contact, ids)
        session.commit()

    assert (before, names(store, contact, ids)) == ([], ["Ada", "Grace"])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 230])
def test_any_number_of_rows_is_inserted_at_once(store: Store, contact: ObjectType, count: int) -> None:
    given = [f"Contact {number}" for number in range(count)]

    with store.session() as session:
        session.begin()
        ids = insert(session, contact, given)
        session.commit()

    assert names(store, contact, ids) == given


def test_a_session_that_is_closed_without_commit_leaves_nothing(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        ids = insert(session, contact, ["Ada"])

    assert names(store, contact, ids) == []


def test_a_savepoint_undoes_what_came_after_it(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        first = insert(session, contact, ["Ada"])
        mark = session.savepoint()
        second = insert(session, contact, ["Grace"])
        session.rollback_to(mark)
        session.commit()

    assert names(store, contact, first + second) == ["Ada"]


def test_ids_are_never_given_twice_also_after_a_rollback(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        lost = session.next_ids(contact, 3)
        session.rollback()
        session.begin()
        kept = session.next_ids(contact, 3)

    assert len({*lost, *kept}) == 6


def test_a_unique_field_names_itself(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        ids = insert(session, contact, ["Ada"])
        fresh = session.next_ids(contact, 1)
        with pytest.raises(UniqueViolation) as caught:
            session.insert(contact, COLUMNS, [(fresh[0], "Double", ids[0], 1, 1, False)])

    assert (caught.value.table, caught.value.column) == (contact.table, "ghl_id")


def test_many_rows_are_written_and_streamed_in_pages(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        ids = insert(session, contact, [f"Name {number}" for number in range(450)])
        pages = list(session.stream(f"SELECT id FROM {contact.table}", (), 200))

    streamed = {row[0] for page in pages for row in page}
    assert set(ids) <= streamed
    assert max(map(len, pages)) <= 200


def test_updates_change_the_named_columns_only(store: Store, contact: ObjectType) -> None:
    with store.session() as session:
        session.begin()
        ids = insert(session, contact, ["Ada", "Grace"])
        session.update(contact, ("last_name",), [(ids[1], "Hopper")])
        found = session.fetch(contact, ids)

    assert [(found[one]["last_name"], found[one]["ghl_id"]) for one in ids] == [
        ("Ada", ids[0]),
        ("Hopper", ids[1]),
    ]


def test_a_statement_is_stopped_from_another_thread_and_the_session_goes_on(
    store: Store, contact: ObjectType
) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with store.session() as session:
        timer = threading.Timer(0.2, session.interrupt)
        timer.start()
        with pytest.raises(StoreFault) as caught:
            session.execute(endless)
        timer.join()
        session.rollback()
        session.begin()
        ids = insert(session, contact, ["Ada"])
        session.commit()

    assert caught.value.code == "STORE_INTERRUPTED"
    assert names(store, contact, ids) == ["Ada"]


def test_nothing_is_stopped_once_the_session_is_closed(store: Store, contact: ObjectType) -> None:
    session = store.session()
    session.close()

    session.interrupt()

    with store.session() as other:
        assert other.execute("SELECT 1")[0][0] == 1
