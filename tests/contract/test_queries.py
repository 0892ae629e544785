"""Queries of every form on both databases: the same rows, no crash, and nothing of a text in the SQL."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuit_link.wire import UserRef
from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.project import Project, load_folder
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.query import prepare
from circuit_runtime.soql.search import prepare_search
from circuit_runtime.store.errors import StatementFailed
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store
from circuit_runtime.store.values import to_storage

FIELDS = {
    "text": ["name", "code", "parent.name", "parent.parent.code"],
    "number": ["amount", "twice", "parent.amount"],
    "boolean": ["is_red", "parent.is_red"],
    "date": ["on_day", "next_day", "parent.on_day"],
    "datetime": ["at", "parent.at"],
    "labels": ["labels"],
    "id": ["id", "parent", "parent.id"],
}
PLAIN = [field for fields in FIELDS.values() for field in fields]
DATE_FUNCTIONS = [
    "CALENDAR_YEAR",
    "CALENDAR_MONTH",
    "DAY_IN_WEEK",
    "WEEK_IN_YEAR",
    "FISCAL_QUARTER",
    "FISCAL_YEAR",
]
LITERALS = ["TODAY", "THIS_MONTH", "LAST_N_DAYS:40", "NEXT_N_WEEKS:3", "THIS_FISCAL_YEAR", "N_YEARS_AGO:1"]
COMPARISONS = ["=", "!=", "<>", "<", "<=", ">", ">="]


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


letters = st.text(alphabet="aBcüÜß%_'\\; -0", max_size=6)
texts = letters.map(quoted)
numbers = st.one_of(st.integers(-5, 5).map(str), st.sampled_from(["1.5", "-2.25", "1e2", "99999999999999999999"]))
dates = st.sampled_from(["2024-02-29", "2025-06-11", "2025-01-01", *LITERALS])
times = st.sampled_from(["2025-06-11T04:00:00Z", "2024-02-29T23:59:59.999-05:00", *LITERALS])
VALUES = {
    "text": texts,
    "number": numbers,
    "boolean": st.sampled_from(["true", "false"]),
    "date": dates,
    "datetime": times,
    "labels": st.sampled_from(["'red'", "'red;green'", "'GREEN'", "'none'"]),
    "id": st.sampled_from(["'a00000000000001AAA'", "'x'", "null"]),
}


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(list(FIELDS)))
    field = draw(st.sampled_from(FIELDS[kind]))
    value = VALUES[kind]
    if kind in ("date", "datetime") and draw(st.booleans()):
        function = draw(st.sampled_from(DATE_FUNCTIONS))
        return f"{function}({field}) {draw(st.sampled_from(COMPARISONS))} {draw(numbers)}"
    forms = [f"{field} = {draw(value)}", f"{field} != {draw(value)}", f"{field} = null", f"{field} != null"]
    members = ", ".join(draw(st.lists(value, min_size=1, max_size=3)))
    forms.append(f"{field} {draw(st.sampled_from(['IN', 'NOT IN']))} ({members})")
    if kind == "text":
        forms += [f"{field} LIKE {draw(texts)}", f"{field} LIKE ({draw(texts)}, {draw(texts)})"]
    if kind == "labels":
        forms += [f"{field} INCLUDES ({draw(value)}, {draw(value)})", f"{field} EXCLUDES ({draw(value)})"]
    if kind in ("text", "number", "date", "datetime"):
        forms.append(f"{field} {draw(st.sampled_from(COMPARISONS))} {draw(value)}")
    if kind == "number":
        forms.append(f"FORMULA('amount * 2 + 1') > {draw(numbers)}")
    if kind == "id":
        forms.append("parent IN (SELECT id FROM Node WHERE amount > 0)")
    return draw(st.sampled_from(forms))


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        parts.map(lambda part: f"(NOT {part})"),
        st.lists(parts, min_size=2, max_size=3).map(lambda them: f"({' AND '.join(them)})"),
        st.lists(parts, min_size=2, max_size=3).map(lambda them: f"({' OR '.join(them)})"),
    )


conditions = st.recursive(comparisons(), _combined, max_leaves=6)
orderings = st.builds(
    "{} {} {}".format,
    st.sampled_from(["name", "amount", "at", "on_day", "is_red", "parent.name"]),
    st.sampled_from(["", "ASC", "DESC"]),
    st.sampled_from(["", "NULLS FIRST", "NULLS LAST"]),
)


@st.composite
def record_queries(draw: st.DrawFn) -> str:
    chosen = draw(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        chosen.append(f"(SELECT name, amount FROM parts WHERE {draw(comparisons())} ORDER BY name LIMIT 2)")
    query = f"SELECT {', '.join(chosen)} FROM Node"
    if draw(st.booleans()):
        query += f" WHERE {draw(conditions)}"
    query += f" ORDER BY {', '.join([*draw(st.lists(orderings, max_size=2)), 'name', 'code'])}"
    if draw(st.booleans()):
        query += f" LIMIT {draw(st.integers(0, 9))} OFFSET {draw(st.integers(0, 3))}"
    return query


@st.composite
def group_queries(draw: st.DrawFn) -> str:
    groups = draw(
        st.lists(
            st.sampled_from(
                ["name", "is_red", "parent.name", "on_day", "CALENDAR_YEAR(at)", "FISCAL_QUARTER(on_day)"]
            ),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    figures = draw(
        st.lists(
            st.sampled_from(
                ["COUNT(id)", "SUM(amount)", "MIN(at)", "MAX(on_day)", "COUNT_DISTINCT(name)", "AVG(amount)"]
            ),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    named = [f"{group} g{place}" for place, group in enumerate(groups)]
    kind = draw(st.sampled_from(["", "ROLLUP", "CUBE"]))
    by = f"{kind}({', '.join(groups)})" if kind else ", ".join(groups)
    query = f"SELECT {', '.join([*named, *figures])} FROM Node"
    if draw(st.booleans()):
        query += f" WHERE {draw(conditions)}"
    query += f" GROUP BY {by}"
    if draw(st.booleans()):
        wanted = ["COUNT(id) > 1", "SUM(amount) != null", "NOT (MAX(on_day) = 2025-01-01)"]
        query += f" HAVING {draw(st.sampled_from(wanted))}"
    if draw(st.booleans()):
        query += f" ORDER BY {draw(st.sampled_from(figures[:1] + groups))} DESC NULLS LAST"
    return query


queries = st.one_of(record_queries(), group_queries())
_PIECES = (
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "GROUP", "BY", "ROLLUP(", "CUBE(",
    "HAVING", "ORDER", "LIMIT", "OFFSET", "ALL", "ROWS", "FOR", "UPDATE", "TYPEOF", "WHEN", "THEN", "ELSE",
    "END", "FIELDS(ALL)", "COUNT()", "COUNT(", "SUM(", "MAX(", "FORMULA(", "FORMAT(", "toLabel(", "USING",
    "SCOPE", "mine", "WITH", "USER_MODE", "WITH", "INCLUDES", "EXCLUDES", "NULLS", "(", ")", ",", ".", "*",
    ":", ":b", "=", "!=", "<", ">", "'", "''", "'x'", "\\", "--", ";", "/*", "*/", '"', "null", "true", "1",
    "-1", "1e999", "2025-01-01", "2025-13-45", "12:00:00Z", "TODAY", "LAST_N_DAYS:9999999", "id", "name",
    "parent", "parts", "Node", "Contact", "who", "UNION", "DROP", "TABLE", "o_node", "\x00", "\ud800", "é",
    "USD5", "{", "}",
)  # fmt: skip


@st.composite
def broken_queries(draw: st.DrawFn) -> str:
    """A text of the grammar with pieces put in, taken out or exchanged; or pieces only."""
    words = draw(queries).split(" ") if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(words)))
        words[place : place + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from(_PIECES), max_size=4))
    return " ".join(words)


# ------------------------------------------------------------------------------------------- records

CONTEXT = QueryContext(
    now=dt.datetime(2025, 6, 11, 12, tzinfo=dt.UTC),
    zone=zoneinfo.ZoneInfo("America/New_York"),
    fiscal_year_start_month=2,
    user=UserRef(id="005000000000001AAA", name="Dev", profile="Developer"),
    profiles={},
)
NODES: list[dict[str, Any]] = [
    {"name": "root", "amount": 1.5, "on_day": dt.date(2024, 2, 29), "labels": "red;green", "code": "A"},
    {
        "name": "a",
        "parent": 0,
        "amount": 2,
        "is_red": True,
        "at": dt.datetime(2025, 6, 11, 3, tzinfo=dt.UTC),
        "code": "a",
    },
    {
        "name": "A",
        "parent": 0,
        "amount": -3,
        "at": dt.datetime(2025, 6, 11, 5, tzinfo=dt.UTC),
        "labels": "green",
        "code": "B",
    },
    {"name": "bü_", "parent": 1, "on_day": dt.date(2025, 6, 11), "is_red": True, "code": "c"},
    {"name": "BÜ%", "parent": 1, "amount": 2, "on_day": dt.date(2025, 1, 31), "code": "d"},
    {
        "name": "it's",
        "parent": 3,
        "amount": 0,
        "at": dt.datetime(2024, 12, 31, 23, 30, tzinfo=dt.UTC),
        "code": "e",
    },
    {"name": "back\\slash", "labels": "amber", "code": "f"},
    {"code": "g"},
]
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG = settings(QUICK, max_examples=3_000)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_folder(Path(__file__).parents[1] / "conformance" / "queries")


class Database:
    """One of two databases with the same records."""

    def __init__(self, session: Session, project: Project) -> None:
        self.session = session
        self.project = project

    def __repr__(self) -> str:
        return self.session.dialect

    def run(self, text: str, **binds: Any) -> Any:
        """The rows, or the place and code of the refusal, as a value that can be compared."""
        schema, dialect = self.project.schema, self.session.dialect
        try:
            if text[:4].upper() == "FIND":
                return prepare_search(text, binds, schema, dialect, CONTEXT, None).run(self.session)
            return _plain(prepare(text, binds, schema, dialect, CONTEXT).run(self.session, 100)[0])
        except SoqlError as exc:
            return (exc.line, exc.column, exc.code)
        except StatementFailed as exc:
            return (1, 1, str(exc))


Databases = tuple[Database, Database]


@pytest.fixture(scope="module")
def databases(
    project: Project, tmp_path_factory: pytest.TempPathFactory, postgresql_database: Callable[[], str]
) -> Iterator[Databases]:
    """SQLite and PostgreSQL."""
    stores = [
        Store.open(f"sqlite:///{tmp_path_factory.mktemp('queries') / 'data.db'}"),
        Store.open(postgresql_database()),
    ]
    opened = []
    for store in stores:
        store.migrate(project.schema)
        session = store.session()
        _fill(session, project)
        opened.append(session)
    yield Database(opened[0], project), Database(opened[1], project)
    for session in opened:
        session.close()
    for store in stores:
        store.close()


def _fill(session: Session, project: Project) -> None:
    item = project.schema.objects["Node"]
    columns = [field.name for field in item.fields.values() if field.is_stored]
    session.begin()
    ids = session.next_ids(item, len(NODES))
    rows = []
    for record_id, values in zip(ids, NODES, strict=True):
        full = {
            "is_red": False,
            "is_deleted": False,
            "created_at": CONTEXT.now,
            "modified_at": CONTEXT.now,
            **values,
        }
        full["id"] = record_id
        if "parent" in values:
            full["parent"] = ids[values["parent"]]
        rows.append(tuple(to_storage(item.fields[name], full.get(name)) for name in columns))
    session.insert(item, columns, rows)
    session.commit()


def _plain(rows: Any) -> Any:
    """Booleans and rounding differ between the drivers."""
    match rows:
        case list():
            return [_plain(row) for row in rows]
        case bool():
            return int(rows)
        case float():
            return round(rows, 6)
        case _:
            return rows


def check_same_rows(databases: Databases, text: str) -> None:
    sqlite, postgresql = (database.run(text) for database in databases)

    assert sqlite == postgresql


def check_no_crash(databases: Databases, text: str) -> None:
    """Whatever the text is: rows or a refusal with a place; and the records are still there."""
    for database in databases:
        answer = database.run(text, b="x")
        kept = database.session.execute("SELECT COUNT(*) FROM o_node")[0][0]

        assert isinstance(answer, list) or answer[0] >= 1
        assert kept == len(NODES)


@QUICK
@given(text=queries)
def test_both_databases_give_the_same_rows(databases: Databases, text: str) -> None:
    check_same_rows(databases, text)


@QUICK
@given(text=broken_queries())
def test_no_text_crashes_the_engine(databases: Databases, text: str) -> None:
    check_no_crash(databases, text)


@pytest.mark.long
@LONG
@given(text=queries)
def test_both_databases_give_the_same_rows_for_long(databases: Databases, text: str) -> None:
    check_same_rows(databases, text)


@pytest.mark.long
@LONG
@given(text=broken_queries())
def test_no_text_crashes_the_engine_for_long(databases: Databases, text: str) -> None:
    check_no_crash(databases, text)


@QUICK
@given(
    text=st.one_of(letters, st.text(max_size=40)),
    # A blank text stands for no value, which records do have.
    wanted=st.lists(st.text(min_size=1, max_size=8).filter(str.strip), max_size=3),
)
def test_no_text_of_a_value_is_in_the_sql(databases: Databases, text: str, wanted: list[str]) -> None:
    marked = f"marker{text}marker"
    for database in databases:
        session = database.session
        try:
            prepared = prepare(
                f"SELECT id FROM Node WHERE name = {quoted(marked)} OR name LIKE :b OR name IN :many",
                {"b": marked, "many": [marked, *wanted]},
                database.project.schema,
                session.dialect,
                CONTEXT,
            )
            rows, _children = prepared.run(session, 100)
        except SoqlError:
            continue  # a character that no record can hold

        assert "marker" not in prepared._plan.sql
        assert rows == []


@QUICK
@given(text=st.one_of(letters, st.text(max_size=12)))
def test_a_literal_and_a_bind_find_the_same(databases: Databases, text: str) -> None:
    for database in databases:
        by_literal = database.run(f"SELECT name FROM Node WHERE name = {quoted(text)}")
        by_bind = database.run("SELECT name FROM Node WHERE name = :b", b=text)

        assert isinstance(by_literal, tuple) == isinstance(by_bind, tuple)
        if isinstance(by_literal, list):
            assert by_literal == by_bind
            same = [node["name"] for node in NODES if node.get("name", "").lower() == text.lower() and text]
            assert len(by_literal) == (len(same) if text else 1)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM Node WHERE " + " OR ".join(f"amount = {number}" for number in range(3_000)),
        "SELECT id FROM Node WHERE " + "(" * 20 + "amount = 1" + ")" * 20,
        "SELECT id FROM Node WHERE " + "NOT (" * 10 + "amount = 1" + ")" * 10,
        "SELECT id FROM Node WHERE amount IN (" + ", ".join(map(str, range(9_000))) + ")",
    ],
)
def test_long_and_nested_queries_are_run(databases: Databases, text: str) -> None:
    assert [isinstance(database.run(text), list) for database in databases] == [True, True]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM Node WHERE " + "(" * 5_000 + "amount = 1" + ")" * 5_000,
        "SELECT id FROM Node WHERE " + "NOT " * 5_000 + "amount = 1",
        "SELECT " + "FORMAT(" * 5_000 + "name" + ")" * 5_000 + " FROM Node",
        "SELECT id FROM Node WHERE FORMULA('" + "(" * 5_000 + "1" + ")" * 5_000 + "') = 1",
        "SELECT id FROM Node WHERE FORMULA('" + "1 + " * 5_000 + "1') = 1",
        "SELECT id FROM Node WHERE FORMULA('" + "-" * 5_000 + "1') = 1",
        "SELECT id FROM Node WHERE name = '" + "x" * 200_000 + "'",
        "FIND {" + "(" * 5_000 + "a" + ")" * 5_000 + "} RETURNING Node",
        "FIND {" + "NOT " * 5_000 + "a} RETURNING Node",
    ],
)
def test_what_is_too_much_is_refused(databases: Databases, text: str) -> None:
    for database in databases:
        assert isinstance(database.run(text), tuple)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("rank = 9007199254740993", [9007199254740993]),
        ("rank = 9007199254740992", []),
        ("rank > 9007199254740992", [9007199254740993]),
        ("rank IN (9007199254740993, 2.5)", [9007199254740993]),
        ("rank NOT IN (1.0, 9007199254740992)", [9007199254740993]),
        ("rank IN (1.0, 2.5)", [1]),
        ("rank < 1.5", [1]),
        ("rank < 99999999999999999999", [1, 9007199254740993]),
        ("rank IN (99999999999999999999)", []),
    ],
)
def test_q06_whole_numbers_compare_exactly(url: str, condition: str, found: list[int]) -> None:
    schema = load_schema({"objects/Place.toml": '[fields.rank]\ntype = "integer"\n'})
    store = Store.open(url)
    store.migrate(schema)
    with store.session() as session:
        session.begin()
        item = schema.objects["Place"]
        ids = session.next_ids(item, 2)
        ranks = (1, 9007199254740993)
        rows = [(record_id, rank, False) for record_id, rank in zip(ids, ranks, strict=True)]
        session.insert(item, ("id", "rank", "is_deleted"), rows)

        text = f"SELECT rank FROM Place WHERE {condition} ORDER BY rank"
        answer, _children = prepare(text, {}, schema, session.dialect, CONTEXT).run(session, 100)

        assert [row[0] for row in answer] == found
    store.close()
