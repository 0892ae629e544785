"""Roll-up summaries of records that were there before the roll-up was declared or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from circuit_runtime.dml.figures import bring_up_to_date
from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.schema import Schema
from circuit_runtime.store.session import Session
from circuit_runtime.store.store import Store

LINE = """
[fields.order]
type = "master_detail"
reference_to = "Order"
[fields.amount]
type = "decimal"
scale = 2
[fields.pieces]
type = "integer"
[fields.twice]
type = "decimal"
scale = 2
formula = "amount * 2"
"""


def schema_of(rollup: str = "") -> Schema:
    field = f"[fields.figure]\n{rollup}\n" if rollup else ""
    return load_schema({"objects/Order.toml": f'label = "Order"\n{field}', "objects/Line.toml": LINE})


def put(session: Session, schema: Schema, name: str, rows: list[dict[str, Any]]) -> list[str]:
    item = schema.objects[name]
    ids = session.next_ids(item, len(rows))
    for record_id, row in zip(ids, rows, strict=True):
        values = {"id": record_id, "is_deleted": False, **row}
        session.insert(item, tuple(values), [tuple(values.values())])
    return ids


@pytest.fixture
def orders(url: str) -> Iterator[Store]:
    """A store with two orders, of which the first has three lines and one that is deleted."""
    store = Store.open(url)
    schema = schema_of()
    store.migrate(schema)
    with store.session() as session:
        session.begin()
        first, _second = put(session, schema, "Order", [{}, {}])
        lines: list[dict[str, Any]] = [
            {"order": first, "amount": amount, "pieces": pieces}
            for amount, pieces in ((0.1, 1), (0.2, 2), (5.0, 4))
        ]
        put(session, schema, "Line", [*lines, {"order": first, "amount": 9.0, "pieces": 9, "is_deleted": True}])
        session.commit()
    yield store
    store.close()


def figures(store: Store, schema: Schema) -> list[Any]:
    store.migrate(schema)
    bring_up_to_date(store, schema)
    with store.session() as session:
        return [row[0] for row in session.execute("SELECT o.figure FROM o_order o ORDER BY id")]


@pytest.mark.parametrize(
    ("rollup", "expected"),
    [
        ('type = "decimal"\nscale = 2\nrollup = { child = "Line", function = "SUM", field = "amount" }', [5.3, 0]),
        (
            'type = "decimal"\nscale = 2\nrollup = { child = "Line", function = "SUM", field = "twice" }',
            [10.6, 0],
        ),
        ('type = "integer"\nrollup = { child = "Line", function = "SUM", field = "Pieces" }', [7, 0]),
        ('type = "integer"\nrollup = { child = "Line", function = "COUNT" }', [3, 0]),
        (
            'type = "decimal"\nscale = 3\nrollup = { child = "Line", function = "AVG", field = "pieces" }',
            [2.333, None],
        ),
        (
            'type = "decimal"\nscale = 2\nrollup = { child = "Line", function = "MAX", field = "amount" }',
            [5.0, None],
        ),
        (
            'type = "decimal"\nscale = 2\n'
            'rollup = { child = "Line", function = "SUM", field = "amount", where = "pieces < 4" }',
            [0.3, 0],
        ),
    ],
)
def test_a_new_rollup_counts_the_children_that_are_there(orders: Store, rollup: str, expected: list[Any]) -> None:
    assert figures(orders, schema_of(rollup)) == expected


def test_a_rollup_that_means_something_else_is_computed_anew(orders: Store) -> None:
    figures(orders, schema_of('type = "integer"\nrollup = { child = "Line", function = "COUNT" }'))

    changed = schema_of('type = "integer"\nrollup = { child = "Line", function = "MAX", field = "pieces" }')

    assert figures(orders, changed) == [4, None]
