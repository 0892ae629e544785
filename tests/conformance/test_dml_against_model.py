"""Random DML on the host's own transaction, compared after every statement with a plain model in memory."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.dml_model import OBJECTS, Model, Statement, Values

from circuit_link import wire
from circuit_log.levels import LogLevels
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.dml.operations import DmlRequest
from circuit_runtime.dml.order_of_execution import SaveContext
from circuit_runtime.dml.parents import Parents
from circuit_runtime.dml.rights import Rights
from circuit_runtime.dml.rules import Rules
from circuit_runtime.dml.transaction import DataTransaction
from circuit_runtime.dml.triggers import Triggers
from circuit_runtime.governor.governor import Governor
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.project import Project, load_files
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store
from circuit_runtime.store.users import find_user

NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
FILES = {"circuit.toml": '[project]\nname = "model"\n[limits.overrides]\ndml_statements = 10000\n', **OBJECTS}

place = st.integers(0, 7)
code = st.sampled_from(["a", "A", "b", "B", "c", "long"])
amount = st.sampled_from([0, 1, 5, 9, 10, None])
box_values = st.fixed_dictionaries({}, optional={"label": st.sampled_from(["one", "two", "", "beyond", None])})
item_values = st.fixed_dictionaries(
    {}, optional={"box": place | st.none(), "code": code | st.none(), "amount": amount, "buddy": place | st.none()}
)
good_item = st.fixed_dictionaries(
    {"box": place}, optional={"code": code, "amount": st.integers(0, 9), "buddy": place}
)
rows = {
    "Box": st.lists(box_values | st.just({"label": "box"}), min_size=1, max_size=4),
    "Item": st.lists(item_values | good_item, min_size=1, max_size=5),
}
statement = st.one_of(
    *(st.tuples(st.just("insert"), st.just(name), rows[name], st.booleans()) for name in rows),
    *(
        st.tuples(
            st.just("update"),
            st.just(name),
            st.lists(st.tuples(place, rows[name].map(lambda some: some[0])), min_size=1, max_size=7),
            st.booleans(),
        )
        for name in rows
    ),
    st.tuples(st.just("upsert"), st.just("Item"), rows["Item"], st.booleans()),
    *(
        st.tuples(st.just(operation), st.just(name), st.lists(place, min_size=1, max_size=4), st.booleans())
        for operation in ("delete", "undelete", "delete", "undelete", "empty_recycle_bin")
        for name in rows
    ),
)
step = statement | st.tuples(st.just("savepoint")) | st.tuples(st.just("rollback"), place)
# Each run begins with something to work on.
beginning = [
    ("insert", "Box", [{"label": "box"}] * 3, True),
    ("insert", "Item", [{"box": 0, "code": "a", "amount": 1}, {"box": 1, "buddy": 0, "amount": 2}], True),
]


class NoWorker:
    """The trigger port of a project without triggers."""

    def call_trigger(self, *_call: Any) -> wire.Return:
        raise AssertionError("there is no trigger")


class Nobody:
    def emit(self, event: object) -> None:
        """Nobody looks."""


class Host:
    """The data side of one transaction, as an `Execution` builds it."""

    def __init__(self, project: Project, session: Session) -> None:
        self.schema = project.schema
        self.session = session
        events = EventLog(LogLevels(), 0, Nobody())
        user = find_user(session, project.schema, "")
        parents = Parents(project.schema, session)
        triggers = Triggers(project, NoWorker(), events, lambda: NOW, parents)
        context = SaveContext(
            schema=project.schema,
            session=session,
            triggers=triggers,
            rules=Rules(project.schema, events, parents, project.settings.zone),
            written=[],
            user=lambda: user,
            now=lambda: NOW,
        )
        rights = Rights({}, session, triggers, lambda: user)
        self.data = DataTransaction(context, rights, Governor(limits_for(project.settings.limits)), events)

    def execute(self, statement: Statement) -> tuple[list[bool], list[str | None]]:
        """Which rows were saved, and the ids of all."""
        request = DmlRequest(
            operation=statement.operation,  # type: ignore[arg-type]  # one of the model's names
            object_name=statement.object_name,
            records=wire.in_columns(dict(row) for row in statement.rows),
            all_or_none=statement.all_or_none,
            external_id="code" if statement.operation == "upsert" else None,
        )
        try:
            saved = self.data.execute(request)
        except DmlFailed as failed:
            bad = {index for index, _outcome in failed.failures}
            return [index not in bad for index in range(len(statement.rows))], [None] * len(statement.rows)
        return [index not in saved.errors for index in range(len(statement.rows))], saved.ids

    def rows(self, object_name: str, names: tuple[str, ...]) -> dict[str, Values]:
        table = self.schema.objects[object_name].table
        columns = ", ".join(f'"{name}"' for name in names)
        return {
            row[0]: dict(zip((*names, "deleted"), (*row[1:-1], bool(row[-1])), strict=True))
            for row in self.session.execute(f"SELECT id, {columns}, is_deleted FROM {table}")
        }


class Database:
    """One session for all runs: each runs in a transaction that is rolled back."""

    def __init__(self, project: Project, session: Session) -> None:
        self.project = project
        self.session = session


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    project = load_files({path: text.encode() for path, text in FILES.items()}, "model")
    address = "sqlite:///:memory:"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql_database")()
    store = Store.open(address)
    store.migrate(project.schema)
    with store.session() as session:
        yield Database(project, session)
    store.close()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(step, min_size=1, max_size=12))
def test_any_sequence_of_statements_leaves_what_the_model_says(
    database: Database, steps: list[tuple[Any, ...]]
) -> None:
    host, model = Host(database.project, database.session), Model()
    known: dict[str, list[str]] = {"Box": [], "Item": []}
    marks: list[tuple[int, Model]] = []
    try:
        for each in [*beginning, *steps]:
            if each[0] == "savepoint":
                marks.append((host.data.savepoint(), copy.deepcopy(model)))
            elif each[0] == "rollback":
                if marks:
                    del marks[each[1] % len(marks) + 1 :]
                    host.data.roll_back(marks[-1][0])
                    model = copy.deepcopy(marks[-1][1])
            else:
                model = _compare_statement(host, model, _resolve(each, known), known)
            _compare_records(host, model)
    finally:
        database.session.rollback()


def _resolve(step: tuple[Any, ...], known: dict[str, list[str]]) -> Statement:
    """The statement with ids for places: the records as they were made, deleted and undone ones too."""
    operation, name, given_rows, all_or_none = step

    def id_at(object_name: str, number: int) -> str:
        ids = known[object_name]
        return ids[number % len(ids)]

    def values(given: Values) -> Values:
        references = ("box", "buddy")
        return {
            key: id_at("Box", value) if key in references and value is not None else value
            for key, value in given.items()
        }

    match operation:
        case "insert" | "upsert":
            made = [values(given) for given in given_rows]
        case "update":
            made = [{"id": id_at(name, number), **values(given)} for number, given in given_rows]
        case _:
            made = [{"id": id_at(name, number)} for number in given_rows]
    return Statement(operation, name, tuple(made), all_or_none)


def _compare_statement(host: Host, model: Model, statement: Statement, known: dict[str, list[str]]) -> Model:
    """Run it on both sides; the model afterwards."""
    after, expected = model.execute(statement)
    saved, ids = host.execute(statement)
    assert saved == expected, statement
    names = {f"new {index}": record_id for index, record_id in enumerate(ids) if record_id}
    after.rename(names)
    for record_id in ids:
        if record_id and record_id not in known[statement.object_name]:
            known[statement.object_name].append(record_id)
    return after


def _compare_records(host: Host, model: Model) -> None:
    assert host.rows("Item", ("box", "code", "amount", "buddy")) == model.items
    boxes = host.rows("Box", ("label", "items", "total"))
    assert {key: {"label": row["label"], "deleted": row["deleted"]} for key, row in boxes.items()} == model.boxes
    for key, row in boxes.items():
        amounts = [item["amount"] for item in model.items.values() if item["box"] == key and not item["deleted"]]
        if not row["deleted"]:
            assert (row["items"], row["total"]) == (len(amounts), sum(each or 0 for each in amounts)), key
