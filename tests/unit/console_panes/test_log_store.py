from __future__ import annotations

import pytest

import circuit_log.events as ev
from circuit_console.core.event_kinds import NAMES_BY_NUMBER, Kind
from circuit_console.core.flame_frames import NO_FRAME, OPEN
from circuit_console.core.log_selection import counter_of, location_of, select_frame, select_row
from circuit_console.core.log_store import LogStore
from circuit_log.levels import Level
from circuit_log.limits import LimitName, LimitUse

MS = 1_000_000


def names(store: LogStore) -> list[str]:
    return [NAMES_BY_NUMBER[event] for event in store.rows.event]


def titles(store: LogStore) -> list[tuple[int, str]]:
    return [(store.frames.depth[frame], store.frames.title(frame)) for frame in range(len(store.frames))]


def test_nested_calls_become_nested_frames(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.call(2, 5, "inner")
    run.at(9, ev.MethodExit, signature="A.outer()")

    frames = run.store.frames
    assert titles(run.store) == [(0, "outer"), (1, "inner")]
    assert frames.parent[1] == 0
    assert frames.total_ns(0, 0) == 8 * MS
    assert frames.self_ns(0, 0) == 5 * MS


def test_both_rows_of_a_pair_have_its_duration(run):
    run.at(1, ev.SoqlBegin, query="SELECT id FROM Contact")
    run.at(46, ev.SoqlEnd, rows=200)

    assert list(run.store.rows.duration_ns) == [45 * MS, 45 * MS]
    assert run.store.frames.rows[0] == 200


def test_the_end_of_a_query_names_its_rows_and_its_text(run):
    run.at(1, ev.SoqlBegin, query="SELECT id FROM Contact")
    run.at(2, ev.SoqlEnd, rows=1)

    assert run.store.rows.detail[1] == "1 row   SELECT id FROM Contact"


def test_an_exit_closes_what_lies_open_within(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(2, ev.MethodEntry, signature="A.raises()")
    run.at(3, ev.CalloutRequest, method="GET", endpoint="https://api.census.gov/x")
    run.at(4, ev.MethodExit, signature="A.outer()")

    assert list(run.store.frames.end_ns) == [4 * MS] * 3
    assert run.store.frames.stack == []


def test_an_exit_that_fits_nothing_is_a_row_alone(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(2, ev.MethodExit, signature="B.other()")

    assert run.store.frames.end_ns[0] == OPEN
    assert names(run.store) == ["METHOD_ENTRY", "METHOD_EXIT"]


def test_a_finished_trigger_is_found_though_its_name_is_shorter(run):
    run.at(1, ev.CodeUnitStarted, name="T on Contact trigger event AfterInsert for [003, 004]", rows=2)
    run.at(3, ev.CodeUnitFinished, name="T on Contact trigger event AfterInsert")

    assert run.store.frames.end_ns[0] == 3 * MS
    assert run.store.frames.title(0) == "T"
    assert run.store.frames.hint(0) == "after insert · 2 records"


def test_the_end_of_the_execution_closes_everything(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(7, ev.ExecutionFinished)

    assert run.store.frames.end_ns[0] == 7 * MS


def test_finish_closes_what_the_log_left_open(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(2, ev.LimitChanged, limits=(LimitUse(LimitName.QUERIES, 3, 100),))

    run.store.finish({LimitName.QUERIES: (4, 100)})

    assert run.store.frames.end_ns[0] == 2 * MS
    assert run.store.limits[LimitName.QUERIES] == (4, 100)
    assert run.store.is_finished


def test_counters_have_no_row_but_are_noted_on_what_moved_them(run):
    run.at(1, ev.LimitChanged, limits=(LimitUse(LimitName.QUERIES, 1, 100),))
    run.at(1, ev.SoqlBegin, query="SELECT id FROM Contact")
    run.at(2, ev.SoqlEnd, rows=0)

    rows = run.store.rows
    assert len(rows) == 2
    assert rows.counter_name(1) is LimitName.QUERIES
    assert (rows.used[1], rows.maximum[1]) == (1, 100)


def test_appending_tells_whether_counters_moved(run):
    quiet = run.store.append([ev.ExecutionStarted(seq=0, ns=0)])
    moved = run.store.append([ev.LimitChanged(seq=1, ns=1, limits=(LimitUse(LimitName.QUERIES, 1, 100),))])

    assert (quiet.first_row, quiet.end_row, quiet.limits_changed) == (0, 1, False)
    assert (moved.first_row, moved.end_row, moved.limits_changed) == (1, 1, True)


def test_a_pause_takes_no_time_on_the_timeline(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(10, ev.Paused, reason="breakpoint", path="classes/a.py", line=4)
    run.at(5_000, ev.LimitChanged, limits=(LimitUse(LimitName.QUERIES, 1, 100),))
    run.at(60_010, ev.Resumed, paused_ns=60_000 * MS)
    run.at(60_012, ev.MethodExit, signature="A.outer()")

    assert run.store.frames.total_ns(0, 0) == 11 * MS
    assert list(run.store.rows.time_ns) == [1 * MS, 10 * MS, 10 * MS, 12 * MS]


def test_a_paused_run_knows_its_row_and_its_innermost_frame(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    run.at(2, ev.Paused, reason="step", path="classes/a.py", line=4)

    assert run.store.paused_row == 1
    assert run.store.rows.detail[1] == "Step"
    assert run.store.is_open_at_pause(0)

    run.at(3, ev.Resumed, paused_ns=1 * MS)
    assert run.store.paused_row is None


def test_a_fatal_error_is_kept_with_its_line_and_marks_the_bar_of_its_file(run):
    run.call(1, 2, "inner")
    run.at(3, ev.FatalError, type_name="ValueError", message="no", path="classes/a.py", line=9)

    failure = run.store.failure
    assert failure is not None
    assert (failure.path, failure.line, failure.row) == ("classes/a.py", 9, 2)
    assert run.store.frames.failed == {0}
    assert run.store.exceptions == [2]


@pytest.mark.parametrize(
    ("level", "name"), [(Level.ERROR, "ERROR"), (Level.DEBUG, "DEBUG"), (Level.FINEST, "FINEST")]
)
def test_a_debug_line_is_named_by_its_level(run, level, name):
    run.at(1, ev.UserDebug, level=level, text="hot lead", data='{"total":81,"fit":{"a":1}}')

    assert names(run.store) == [name]
    assert run.store.rows.detail[0] == 'hot lead   total=81  fit={"a":1}'


def test_a_warning_says_what_to_do(run):
    run.at(1, ev.LimitWarning, limit=LimitUse(LimitName.CALLOUTS, 42, 50))

    assert run.store.rows.detail[0] == "Callouts at 84 %. Make one callout for many records."


def test_time_never_goes_back(run):
    run.at(5, ev.ExecutionStarted)
    run.at(3, ev.ExecutionFinished)

    assert list(run.store.rows.time_ns) == [5 * MS, 5 * MS]


def test_children_are_counted_in_the_frame_directly_around_them(run):
    run.at(1, ev.MethodEntry, signature="A.outer()")
    for ms in (2, 4):
        run.at(ms, ev.SoqlBegin, query="SELECT id FROM Contact")
        run.at(ms + 1, ev.SoqlEnd, rows=1)
    run.at(6, ev.DmlBegin, operation="Insert", object_name="Contact", rows=3)
    run.at(7, ev.DmlEnd)

    frames = run.store.frames
    assert (frames.queries[0], frames.dml[0], frames.callouts[0]) == (2, 1, 0)
    assert frames.kind[3] == Kind.DML


def test_walking_goes_to_parent_child_and_neighbours(run):
    run.at(0, ev.MethodEntry, signature="A.outer()")
    run.call(1, 2, "first")
    run.call(3, 4, "second")
    frames = run.store.frames

    assert frames.first_child(NO_FRAME) == 0
    assert frames.first_child(0) == 1
    assert frames.first_child(1) == NO_FRAME
    assert frames.neighbour(1, 1) == 2
    assert frames.neighbour(2, -1) == 1
    assert frames.neighbour(2, 1) == NO_FRAME
    assert frames.at(1, 3 * MS, 9 * MS) == 2
    assert frames.at(1, int(2.5 * MS), 9 * MS) == NO_FRAME


def test_a_selected_row_knows_its_bar_its_line_and_its_gauge(run):
    run.at(1, ev.MethodEntry, signature="A.outer()", path="classes/a.py", line=4)
    run.at(2, ev.LimitChanged, limits=(LimitUse(LimitName.QUERIES, 1, 100),))
    run.at(2, ev.SoqlBegin, query="SELECT id FROM Contact", path="classes/a.py", line=7)
    run.at(3, ev.SoqlEnd, rows=1)

    selection = select_row(run.store, 2)

    assert selection.frame == 1
    location = location_of(run.store, selection)
    assert location is not None
    assert (location.path, location.line) == ("classes/a.py", 7)
    assert counter_of(run.store, selection) is LimitName.QUERIES
    assert select_frame(run.store, 1).row == 2


def test_an_event_without_a_line_has_that_of_the_frame_it_lies_in(run):
    run.at(1, ev.MethodEntry, signature="A.outer()", path="classes/a.py", line=4)
    run.at(2, ev.SavepointSet, name="s1")

    location = location_of(run.store, select_row(run.store, 1))

    assert location is not None
    assert (location.path, location.line) == ("classes/a.py", 4)
