"""Columns of values become what their values become one by one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.store.columnwise import column_converter
from circuit_runtime.store.values import ValueProblem, converter

FIELDS = [
    Field(name="f", label="F", type=FieldType.TEXT, length=5),
    Field(name="f", label="F", type=FieldType.TEXTAREA),
    Field(name="f", label="F", type=FieldType.EMAIL, length=20),
    Field(name="f", label="F", type=FieldType.INTEGER),
    Field(name="f", label="F", type=FieldType.INTEGER, minimum=0, maximum=9),
    Field(name="f", label="F", type=FieldType.DECIMAL, precision=6, scale=2),
    Field(name="f", label="F", type=FieldType.BOOLEAN),
    Field(name="f", label="F", type=FieldType.DATE),
    Field(name="f", label="F", type=FieldType.DATETIME),
    Field(name="f", label="F", type=FieldType.PICKLIST, values=("Red", "Green"), length=255),
    Field(name="f", label="F", type=FieldType.PICKLIST, values=("Red",), restricted=False, length=255),
    Field(name="f", label="F", type=FieldType.MULTIPICKLIST, values=("Red", "Green")),
    Field(name="f", label="F", type=FieldType.LOOKUP, reference_to=("Contact",)),
    Field(name="f", label="F", type=FieldType.JSON),
]
TEXTS = [
    "",
    " \t",
    "a",
    "12345",
    "123456",
    "a@b.co",
    "red",
    "Red",
    "12",
    "2026-02-28",
    "003000000000001",
    "yes",
    "0",
    "Red;Green",
]
VALUES = st.one_of(
    st.none(),
    st.sampled_from(TEXTS),
    st.booleans(),
    st.integers(-3, 12) | st.sampled_from([2**63 - 1, 2**63, -(2**64)]),
    st.floats(-100, 100) | st.just(float("nan")),
    st.decimals(-10, 10, places=3),
    st.just(dt.date(2026, 2, 28)),
    st.just(dt.datetime(2026, 2, 28, tzinfo=dt.UTC)),
    st.lists(st.sampled_from(["Red", "Blue"])),
)
# Mostly of one kind, as columns are.
COLUMNS = st.lists(VALUES, max_size=6) | st.lists(st.none() | st.sampled_from(TEXTS), max_size=6)


def outcome(convert: Any) -> Any:
    try:
        return [(type(value), repr(value)) for value in convert()]
    except ValueProblem:
        return ValueProblem


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: f"{field.type}")
@given(values=COLUMNS)
def test_a_column_becomes_what_its_values_become(field: Field, values: list[Any]) -> None:
    one_by_one = outcome(lambda: map(converter(field), values))

    assert outcome(lambda: column_converter(field)(values)) == one_by_one


def test_columns_that_need_nothing_are_not_copied() -> None:
    values = ("a", None, "b")

    assert column_converter(FIELDS[0])(values) is values


def test_decimals_are_rounded_in_columns_too() -> None:
    assert column_converter(FIELDS[5])([Decimal("1.005"), "2.675", None]) == [1.01, 2.68, None]
