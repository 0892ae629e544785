from __future__ import annotations

import pytest

import circuit_log.events as ev
from circuit_console.core.event_kinds import Kind
from circuit_console.core.flame import Window, bars, ticks, whole
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.flame_summary import describe_frame, tooltip_lines

MS = 1_000_000


def test_bars_stand_where_their_time_is(run):
    run.call(0, 10, "first")
    run.call(20, 40, "second")

    made = bars(run.store.frames, 0, Window(0, 40 * MS), 400, run.store.last_ns)

    assert [(round(bar.left_px, 6), round(bar.right_px, 6), bar.frame) for bar in made] == [
        (0, 100, 0),
        (200, 400, 1),
    ]


def test_bars_are_cut_at_the_edges_of_the_window(run):
    run.call(0, 100, "long")

    made = bars(run.store.frames, 0, Window(25 * MS, 50 * MS), 500, run.store.last_ns)

    assert [(bar.left_px, bar.right_px) for bar in made] == [(0, 500)]


def test_an_open_frame_reaches_to_now(run):
    run.at(0, ev.MethodEntry, signature="A.outer()")

    made = bars(run.store.frames, 0, Window(0, 10 * MS), 100, 5 * MS)

    assert [(bar.left_px, round(bar.right_px, 6)) for bar in made] == [(0, 50)]


def test_frames_under_a_pixel_share_it(run):
    for ms in range(1000):
        run.call(ms, ms + 0.5, "small")

    made = bars(run.store.frames, 0, Window(0, 1000 * MS), 100, run.store.last_ns)

    assert len(made) < 110
    assert all(bar.frame == NO_FRAME for bar in made)
    assert made[-1].right_px >= 99


def test_a_frame_alone_in_its_pixel_can_be_hit(run):
    run.call(0, 0.1, "first")
    run.call(500, 500.1, "second")
    run.call(999, 1000, "third")

    made = bars(run.store.frames, 0, Window(0, 1000 * MS), 100, run.store.last_ns)

    assert [bar.frame for bar in made] == [0, 1, 2]


def test_a_wide_frame_that_begins_in_a_shared_pixel_keeps_its_bar(run):
    run.call(0, 1, "small")
    run.call(2, 3, "small")
    run.call(4, 900, "wide")

    made = bars(run.store.frames, 0, Window(0, 1000 * MS), 100, run.store.last_ns)

    assert made[-1].frame == 2
    assert made[-1].right_px == pytest.approx(90)


def test_a_shared_pixel_shows_the_more_important_kind(run):
    run.call(0, 1, "code")
    run.at(2, ev.DmlBegin, operation="Insert", object_name="Contact", rows=1)
    run.at(3, ev.DmlEnd)
    run.call(999, 1000, "end")

    made = bars(run.store.frames, 0, Window(0, 1000 * MS), 10, run.store.last_ns)

    assert made[0].kind == Kind.DML


def test_the_time_bars_take_grows_with_the_width_not_with_the_frames(run):
    frames = run.store.frames
    for place in range(200_000):
        frames.begin(place * 10, Kind.CODE, "f", "", 0)
        frames.end(place, place * 10 + 8, 0)

    made = bars(frames, 0, Window(0, 2_000_000), 200, 2_000_000)

    assert len(made) <= 200


def test_zooming_keeps_what_is_under_the_pointer():
    window = Window(100 * MS, 200 * MS)

    closer = window.zoomed(0.5, 150 * MS, 1000 * MS)

    assert closer.span_ns == 100 * MS
    assert closer.x_px(150 * MS, 400) == pytest.approx(window.x_px(150 * MS, 400))


def test_a_window_stays_inside_the_run():
    window = whole(100 * MS).zoomed(0.5, 0, 100 * MS)

    assert window.moved(-50 * MS, 100 * MS).start_ns == 0
    assert window.moved(500 * MS, 100 * MS).end_ns == pytest.approx(whole(100 * MS).end_ns)


def test_a_window_moves_to_what_is_chosen_and_no_more():
    window = Window(0, 10 * MS)

    assert window.showing(2 * MS, 4 * MS, 100 * MS) is window
    moved = window.showing(50 * MS, 52 * MS, 100 * MS)
    assert moved.span_ns == window.span_ns
    assert moved.start_ns < 50 * MS < moved.end_ns


def test_ticks_are_round_and_labelled_every_other_time():
    made = ticks(Window(410 * MS, 110 * MS), 700)

    assert [tick.text for tick in made if tick.text] == [
        "420 ms",
        "440 ms",
        "460 ms",
        "480 ms",
        "500 ms",
        "520 ms",
    ]


def test_a_tooltip_names_total_self_rows_and_queries(run):
    run.at(0, ev.MethodEntry, signature="A.outer(leads)", path="classes/a.py", line=3)
    run.at(2, ev.SoqlBegin, query="SELECT id FROM Contact")
    run.at(6, ev.SoqlEnd, rows=200)
    run.at(10, ev.MethodExit, signature="A.outer(leads)")

    assert tooltip_lines(run.store, 0) == [
        "A.outer(leads)",
        "Total 10 ms, self 6 ms",
        "1 query (self)",
        "classes/a.py:3",
    ]
    assert tooltip_lines(run.store, 1)[2] == "200 rows"
    assert describe_frame(run.store, 1) == "Contact, SELECT id FROM Contact, 4 ms, level 2"
