from __future__ import annotations

import pytest

from circuit_console.core.governor_view import amount, breached, gauges, percent, tone_of
from circuit_console.core.quantities import (
    counted,
    format_clock,
    format_count,
    format_duration,
    format_size,
)
from circuit_log.limits import LimitName

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "used", "maximum", "words"),
    [
        (LimitName.CALLOUTS, 42, 50, "42 / 50"),
        (LimitName.CPU_MS, 520, 30_000, "0.52 / 30 s"),
        (LimitName.CPU_MS, 0, 10_000, "0 / 10 s"),
        (LimitName.HEAP_BYTES, 12 * MB, 512 * MB, "12 / 512 MB"),
        (LimitName.HEAP_BYTES, int(1.5 * MB), 512 * MB, "1.5 / 512 MB"),
        (LimitName.QUERY_ROWS, 200, 50_000, "200 / 50\u00a0000"),
    ],
)
def test_amounts_have_the_unit_of_their_limit(name, used, maximum, words):
    assert amount(name, used, maximum) == words


@pytest.mark.parametrize(
    ("used", "tone"),
    [(0, "normal"), (79, "normal"), (80, "warning"), (94, "warning"), (95, "danger"), (101, "danger")],
)
def test_a_gauge_warns_from_80_percent_and_alarms_from_95(used, tone):
    assert tone_of(used, 100) == tone


@pytest.mark.parametrize(("used", "shown"), [(0, 0), (1, 1), (49_999, 99), (50_000, 100), (51_000, 102)])
def test_percent_shows_use_early_and_the_limit_only_when_it_is_reached(used, shown):
    assert percent(used, 50_000) == shown


def test_cards_stand_in_a_fixed_order_and_others_join_when_they_are_used():
    counters = dict.fromkeys(LimitName, (0, 100))
    counters[LimitName.DML_ROWS] = (7, 100)

    names = [view.name for view in gauges(counters, {})]

    assert names[:2] == [LimitName.CALLOUTS, LimitName.QUERIES]
    assert names[6:] == [LimitName.DML_ROWS]


def test_the_run_before_leaves_a_ghost():
    view = gauges({LimitName.QUERIES: (5, 100)}, {LimitName.QUERIES: (40, 100)})[0]

    assert view.ghost_share == pytest.approx(0.4)


def test_a_card_is_spoken_with_its_state():
    view = gauges({LimitName.CALLOUTS: (42, 50)}, {})[0]

    assert view.spoken() == "Callouts, 42 of 50, 84 percent, close to the limit"


def test_a_breach_is_a_counter_above_its_maximum():
    assert breached({LimitName.QUERIES: (100, 100)}) is None
    assert breached({LimitName.QUERIES: (101, 100)}) is LimitName.QUERIES


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (900, "900 ns"),
        (340_000, "340 µs"),
        (1_500_000, "1.5 ms"),
        (9_000_000, "9 ms"),
        (45_400_000, "45 ms"),
        (999_700_000, "1.00 s"),
        (125_000_000_000, "2 min 05 s"),
    ],
)
def test_durations_have_the_unit_that_fits(ns, words):
    assert format_duration(ns) == words


def test_small_things_are_written_as_people_write_them():
    assert format_clock(516_400_000) == "0.516"
    assert format_count(9999) == "9999"
    assert format_count(50_000) == "50\u00a0000"
    assert format_size(1229) == "1.2 kB"
    assert counted(1, "query", "queries") == "1 query"
    assert counted(0, "row") == "0 rows"
