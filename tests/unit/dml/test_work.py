"""Records are the same, whether they are looked at as columns or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from circuit_link.wire import RecordColumns, in_columns
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.dml.work import Work, begin, column, columns, put, sent_together, works_of

Touch = Callable[[Sequence[Work]], object]
BLANK = {"id": None, "name": "", "size": 0}


def leave(works: Sequence[Work]) -> None:
    """The rows stay columns."""


def ask_for_a_row(works: Sequence[Work]) -> None:
    assert works[1].new


# What makes rows of columns, or does not: nothing else may differ by it.
TOUCHES = [leave, ask_for_a_row]


@pytest.fixture
def works() -> list[Work]:
    made = [Work(index) for index in range(3)]
    begin(made, BLANK)
    return made


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_is_put_into_all_records_is_in_columns_and_in_rows(works: list[Work], touch: Touch) -> None:
    touch(works)

    put(works, {"name": ["a", "b", "c"], "size": [1, 2, 3]})

    assert list(column(works, "name")) == ["a", "b", "c"]
    assert {name: list(values) for name, values in columns(works, ("id", "size")).items()} == {
        "id": [None] * 3,
        "size": [1, 2, 3],
    }
    assert works[2].new == {"id": None, "name": "c", "size": 3}


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_is_put_into_some_records_is_not_in_the_others(works: list[Work], touch: Touch) -> None:
    touch(works)

    put(works[1:], {"name": ["b", "c"]})

    assert list(column(works, "name")) == ["", "b", "c"]


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_is_written_to_one_row_is_in_the_column(works: list[Work], touch: Touch) -> None:
    touch(works)

    works[0].new["name"] = "changed"
    works[2].new = {**BLANK, "name": "replaced"}

    assert list(column(works, "name")) == ["changed", "", "replaced"]


def test_records_that_begin_again_forget_their_rows(works: list[Work]) -> None:
    works[0].new["name"] = "changed"

    for work in works:
        work.restart()
    begin(works, BLANK)

    assert list(column(works, "name")) == ["", "", ""]


MIXED = [{"a": 1}, {"a": 2, "b": 3}, {}, {"a": 4}, {"b": 5, "a": 6}]


def test_records_that_name_different_fields_keep_their_order_over_all_frames() -> None:
    works = works_of([*in_columns(MIXED[:2]), *in_columns(MIXED[2:], first=2)])

    assert [work.index for work in works] == [0, 1, 2, 3, 4]
    assert [work.given() for work in works] == [record or {"id": None} for record in MIXED]


def test_some_of_the_records_are_taken_together_with_their_own_values() -> None:
    works = works_of(in_columns([{"a": number} for number in range(6)]))

    ((alike, sent),) = sent_together([works[0], works[2], works[5]])

    assert [work.index for work in alike] == [0, 2, 5]
    assert list(sent["a"]) == [0, 2, 5]


@pytest.mark.parametrize("places", [[1, 0], [0, 0], [0, 2], [1, 2], [-1, 0]])
def test_places_that_are_not_those_of_a_statement_are_refused(places: list[int]) -> None:
    with pytest.raises(DmlFailed):
        works_of([RecordColumns(names=("a",), places=places, columns=[[1, 2]])])
