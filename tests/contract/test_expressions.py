"""Formulas give the same in a query, computed by the database, as in the host, for rules and triggers."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.schema import Schema
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.expressions import EvaluationContext, compile_expression
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
OBJECT = """
[fields.word]
type = "text"
[fields.other]
type = "text"
[fields.count]
type = "integer"
[fields.price]
type = "decimal"
scale = 2
[fields.sold]
type = "boolean"
[fields.day]
type = "date"
[fields.colour]
type = "picklist"
values = ["Red", "Green"]
[fields.labels]
type = "multipicklist"
values = ["a", "b"]
[fields.at]
type = "datetime"
"""
ROWS = [
    ("Ada", "Lovelace", 3, 2.5, True, "2024-02-29", "Red", "a;b", 1_709_251_199_000),
    ("ada 100%", None, 0, 0.0, False, "1999-12-31", "Green", "b", -1_500),
    ("ÜbEr's ß", " -3e1 ", 2**40, -99999.99, True, "0001-01-01", None, None, -62_135_596_800_000),
    (None, None, None, None, False, None, None, None, None),
]
COLUMNS = ("word", "other", "count", "price", "sold", "day", "colour", "labels", "at")
TEXTS = [
    "TRIM(BLANKVALUE(word, '') & ' ' & BLANKVALUE(other, 'nobody'))",
    "UPPER(word)",
    "LOWER(word)",
    "LEFT(word, 2)",
    "RIGHT(word, 2)",
    "SUBSTITUTE(word, 'a', 'o')",
    "IF(sold, 'sold', 'free')",
    "IF(count > 2, word, other)",
    "CASE(colour, 'Red', 'r', 'Green', 'g', '-')",
    "NULLVALUE(word, 'none')",
    "'100%' & word",
    "TEXT(count)",
]
NUMBERS = [
    "count + 1",
    "count - price",
    "count * price",
    "price / count",
    "-count",
    "BLANKVALUE(count, 7)",
    "BLANKVALUE(price, 1.5)",
    "NULLVALUE(count, 0)",
    "ROUND(price, 0)",
    "ROUND(price / 3, 2)",
    "ABS(0 - price)",
    "FLOOR(price)",
    "CEILING(price)",
    "MIN(count, 2)",
    "MAX(count, 2)",
    "MOD(count, 2)",
    "LEN(word)",
    "YEAR(day)",
    "MONTH(day)",
    "DAY(day)",
    "IF(sold, count, price)",
    "CASE(colour, 'Red', 1, 2)",
]
TRUTHS = [
    "word = 'ada'",
    "word <> 'ADA'",
    "word = NULL",
    "count = 3",
    "count >= price",
    "price < 1",
    "sold",
    "NOT(sold)",
    "sold && count > 2",
    "sold || ISBLANK(word)",
    "ISBLANK(count)",
    "CONTAINS(word, 'AD')",
    "BEGINS(word, 'a')",
    "REGEX(word, '[a-z]+ .*')",
    "ISPICKVAL(colour, 'red')",
    "INCLUDES(labels, 'A')",
    "day < 2000-01-01",
]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema({"objects/Thing.toml": OBJECT})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, schema: Schema
) -> Iterator[Session]:
    """One for all, as nothing is changed."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('expressions') / 'data.db'}"
    else:
        url = str(request.getfixturevalue("postgresql_database")())
    store = Store.open(url)
    store.migrate(schema)
    with store.session() as opened:
        opened.begin()
        item = schema.objects["Thing"]
        ids = opened.next_ids(item, len(ROWS))
        rows = [(record_id, *row, False) for record_id, row in zip(ids, ROWS, strict=True)]
        opened.insert(item, ("id", *COLUMNS, "is_deleted"), rows)
        yield opened
    store.close()


def both(session: Session, schema: Schema, source: str) -> tuple[list[Any], list[Any]]:
    """What the database and the host make of an expression."""
    item = schema.objects["Thing"]
    expression = compile_expression(source, item, schema)
    sql = expression.sql_with(
        session.dialect,
        lambda path: (f't."{path.parts[0]}"', item.fields[path.parts[0]]),
        {"now": str((NOW - EPOCH) // dt.timedelta(milliseconds=1)), "today": f"'{NOW.date()}'"}.__getitem__,
    )
    rows = session.execute(f"SELECT {sql} FROM o_thing t ORDER BY t.id")
    context = EvaluationContext(now=NOW)
    stored = session.fetch(item, [row[0] for row in session.execute("SELECT id FROM o_thing")])
    return [row[0] for row in rows], [expression.evaluate(stored[key], context) for key in sorted(stored)]


ATOMS = {
    "text": ["word", "other", "colour", "labels", "'Ada'", "''", "'100%'", "'it\\'s'", "NULL"],
    "number": ["count", "price", "0", "1", "-3", "2.5", "0.1", "100", "NULL"],
    "truth": ["sold", "TRUE", "NULL"],
    "day": ["day", "2024-02-29", "TODAY()", "NULL"],
    "time": ["at", "2024-01-01T00:00:00Z", "NOW()"],
    "sign": ["=", "<>", "<", "<=", ">", ">="],
    "digits": ["0", "1", "2", "-1"],
    "exponent": ["2", "3", "0", "-1", "0.5"],
}
FORMS = {
    "text": [
        "({text} & {any} & {text})", "({text} + {text})", "UPPER({text})", "LOWER({text})", "TRIM({text})",
        "LEFT({text}, {number})", "RIGHT({text}, {number})", "SUBSTITUTE({text}, {text}, {text})",
        "TEXT({any})", "IF({truth}, {text}, {text})",
        "CASE({number}, {number}, {text}, {number}, {text}, {text})", "BLANKVALUE({text}, {text})",
        "NULLVALUE({text}, {text})",
    ],
    "number": [
        "({number} + {number})", "({number} - {number})", "({number} * {number})", "({number} / {number})",
        "({number} ^ {exponent})", "ABS({number})", "FLOOR({number})", "CEILING({number})", "-({number})",
        "ROUND({number}, {digits})", "MIN({number}, {number})", "MAX({number}, {number})", "LEN({text})",
        "MOD({number}, {number})", "YEAR({day})", "MONTH({time})", "DAY({time})", "VALUE({text})",
        "({day} - {day})", "({day} - {time})", "({time} - {time})", "IF({truth}, {number}, {number})",
    ],
    "truth": [
        "({text} {sign} {text})", "({number} {sign} {number})", "({day} {sign} {day})", "NOT({truth})",
        "({time} {sign} {time})", "({day} {sign} {time})", "({truth} AND {truth})", "({truth} OR {truth})",
        "ISBLANK({any})", "CONTAINS({text}, {text})", "BEGINS({text}, {text})", "ISPICKVAL({text}, {text})",
        "INCLUDES(labels, {text})", "({truth} = {truth})",
    ],
    "day": [
        "({day} + {number})", "({day} - {number})", "IF({truth}, {day}, {day})",
    ],
    "time": [
        "({time} + {number})", "({time} - {number})", "IF({truth}, {time}, {time})",
    ],
}  # fmt: skip
_HOLE = re.compile(r"\{(\w+)\}")


def expression_of(kind: str, chance: random.Random, depth: int = 2) -> str:
    if kind == "any":
        kind = chance.choice(sorted(FORMS))
    if depth == 0 or kind not in FORMS or chance.random() < 0.2:
        return chance.choice(ATOMS[kind])
    return _HOLE.sub(lambda hole: expression_of(hole[1], chance, depth - 1), chance.choice(FORMS[kind]))


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _comparable(value: Any, kind: str) -> Any:
    """A value of the host or of a database, in one form."""
    if value is None or value == "":
        return False if kind == "truth" else None
    match kind:
        case "truth":
            return bool(value)
        case "number":
            return float(value)
        case "day":
            return str(value)
        case "time":
            moment = value if isinstance(value, dt.datetime) else EPOCH + dt.timedelta(milliseconds=int(value))
            return moment.replace(microsecond=0)
    return value


@pytest.mark.parametrize("kind", sorted(FORMS))
@QUICK
@given(seed=st.integers(0, 2**32))
def test_q09_any_expression_gives_the_same_in_the_host_and_in_the_database(
    session: Session, schema: Schema, kind: str, seed: int
) -> None:
    source = expression_of(kind, random.Random(seed))

    try:
        by_database, by_host = both(session, schema, source)
    except SoqlError:
        reject()  # a null without a type met a value of another

    for stored, plain in zip(by_database, by_host, strict=True):
        left, right = _comparable(stored, kind), _comparable(plain, kind)
        assert left == right or (kind == "number" and left == pytest.approx(right, rel=1e-6, abs=1e-6))


@pytest.mark.parametrize("source", TEXTS)
def test_texts(session: Session, schema: Schema, source: str) -> None:
    by_database, by_host = both(session, schema, source)

    assert [value or None for value in by_database] == [value or None for value in by_host]


@pytest.mark.parametrize("source", NUMBERS)
def test_numbers(session: Session, schema: Schema, source: str) -> None:
    by_database, by_host = both(session, schema, source)

    assert [value if value is None else round(float(value), 6) for value in by_database] == [
        value if value is None else round(float(value), 6) for value in by_host
    ]


@pytest.mark.parametrize("source", TRUTHS)
def test_truths(session: Session, schema: Schema, source: str) -> None:
    by_database, by_host = both(session, schema, source)

    assert [bool(value) for value in by_database] == [bool(value) for value in by_host]
