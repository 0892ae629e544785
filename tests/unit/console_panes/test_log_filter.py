from __future__ import annotations

import pytest

import circuit_log.events as ev
from circuit_console.core.event_kinds import NAMES_BY_NUMBER
from circuit_console.core.log_filter import SHOW_ALL, FilteredRows, LogFilter
from circuit_log.levels import Level


@pytest.fixture
def store(run):
    run.at(0, ev.ExecutionStarted)
    run.call(1, 2, "calculate")
    run.at(3, ev.SoqlBegin, query="SELECT id FROM Contact", path="classes/lpr.py", line=26)
    run.at(4, ev.SoqlEnd, rows=2)
    run.at(5, ev.UserDebug, level=Level.FINE, text="Marcus", path="classes/lpr.py", line=15)
    run.at(6, ev.UserDebug, level=Level.WARN, text="hot lead")
    return run.store


def shown(rows: FilteredRows) -> list[str]:
    rows.step(1000)
    return [NAMES_BY_NUMBER[rows.store.rows.event[rows[place]]] for place in range(len(rows))]


def test_usually_what_the_timeline_shows_better_is_hidden_and_counted(store):
    rows = FilteredRows(store, LogFilter())

    assert shown(rows) == ["QUERY_END", "FINE", "WARN"]
    assert rows.hidden_count == 4


def test_everything_can_be_shown(store):
    rows = FilteredRows(store, SHOW_ALL)

    assert len(shown(rows)) == 7
    assert rows.hidden_count == 0


@pytest.mark.parametrize("text", ["marcus", "MARCUS", "lpr.py:15", "fine"])
def test_text_is_looked_for_in_detail_source_and_event(store, text):
    assert shown(FilteredRows(store, LogFilter(text=text))) == ["FINE"]


def test_debug_lines_above_the_level_are_hidden(store):
    assert shown(FilteredRows(store, LogFilter(level=Level.INFO))) == ["QUERY_END", "WARN"]


def test_rows_are_looked_at_in_steps_and_only_once(store):
    rows = FilteredRows(store, SHOW_ALL)

    assert rows.step(3) == 3
    assert rows.is_behind
    assert rows.step(100) == 4
    assert not rows.is_behind
    assert rows.step(100) == 0


def test_a_row_that_is_hidden_has_the_place_of_the_next_one(store):
    rows = FilteredRows(store, LogFilter())
    rows.step(100)

    assert not rows.shows(3)
    assert rows.place_of(3) == 0
    assert rows.shows(4)
