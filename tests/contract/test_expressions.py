"""Formulas give the same in a query, computed by the database, as in the host, for rules and triggers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.schema import Schema
from circuit_runtime.soql.expressions import EvaluationContext, compile_expression
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store

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
"""
ROWS = [
    ("Ada", "Lovelace", 3, 2.5, True, "2024-02-29", "Red", "a;b"),
    ("ada 100%", "", 0, 0.0, False, "1999-12-31", "Green", "b"),
    (None, None, None, None, False, None, None, None),
]
COLUMNS = ("word", "other", "count", "price", "sold", "day", "colour", "labels")
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
    rows = session.execute(f"SELECT {expression.sql(session.dialect, 't')} FROM o_thing t ORDER BY t.id")
    context = EvaluationContext(now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    stored = session.fetch(item, [row[0] for row in session.execute("SELECT id FROM o_thing")])
    return [row[0] for row in rows], [expression.evaluate(stored[key], context) for key in sorted(stored)]


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
