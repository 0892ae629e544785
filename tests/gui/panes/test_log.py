from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt

import circuit_link.host_protocol as hp
from circuit_console.core.log_filter import LogFilter
from circuit_console.panes.log.pane import LogPane


@pytest.fixture
def pane(qtbot, theme, run_log):
    pane = LogPane(theme, run_log)
    qtbot.addWidget(pane)
    pane.resize(776, 328)
    pane.show()
    return pane


@pytest.fixture
def table(pane):
    return pane.browser.table


def shown_events(table):
    return [table.cells_at(place).event for place in range(len(table.rows))]


def test_before_the_first_run_it_says_how_to_get_one(pane):
    assert pane._stack.currentIndex() == 0


def test_rows_say_what_the_picture_says(table, play, samples):
    play(samples.scoring_run())
    cells = table.cells_at(len(table.rows) - 3)

    assert cells.time == "0.575"
    assert cells.event == "CALLOUT_END"
    assert cells.detail == "GET census acs5?zip=10041   200 OK   1.2 kB"
    assert cells.source == "virtual_lpr.py:20"
    assert cells.duration == "8 ms"
    assert cells.governor == "callouts 42 / 50"


def test_a_warning_shows_its_share_and_a_pause_its_frame(table, play, samples):
    play(samples.scoring_run())
    warning, paused = (table.cells_at(len(table.rows) - back) for back in (2, 1))

    assert (warning.event, warning.governor, warning.governor_color) == ("LIMIT_WARNING", "84 %", "warn")
    assert (paused.event, paused.detail, paused.tone) == ("PAUSED", "Breakpoint step", "paused")


def test_an_error_is_a_red_row(table, play, theme, samples):
    play(samples.failing_run())
    place = shown_events(table).index("FATAL_ERROR")
    image = table.viewport().grab().toImage()

    assert table.cells_at(place).tone == "error"
    assert image.pixelColor(600, table.point_of(place).y() - 8) == theme.color("err_soft")


def test_hidden_rows_are_always_stated_and_a_click_shows_them(qtbot, table, play, samples):
    play(samples.scoring_run())
    hidden = table.rows.hidden_count
    assert table.hidden_words() == f"{hidden} rows hidden"
    table.viewport().grab()

    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table._hidden_words.center().toPoint())

    assert table.hidden_words() == ""
    assert "METHOD_ENTRY" in shown_events(table)


def test_typing_filters_and_the_words_tell_how_much(qtbot, pane, table, play, samples):
    play(samples.scoring_run())

    qtbot.keyClicks(pane.browser._search, "hot lead")

    assert set(shown_events(table)) == {"DEBUG"}
    assert table.hidden_words()


def test_the_level_hides_debug_lines(pane, table, play, samples):
    play(samples.scoring_run())

    pane.browser._level.setCurrentText("INFO")

    assert "DEBUG" not in shown_events(table)


def test_kinds_can_be_hidden_from_the_menu(pane, table, play, samples):
    play(samples.scoring_run())

    pane.browser._group_actions["Callouts"].trigger()

    assert "CALLOUT_END" not in shown_events(table)
    pane.browser._on_usual_wanted()
    assert pane.browser.filter == LogFilter()


def test_it_follows_the_newest_row(table, play, host, samples):
    events = samples.scoring_run()
    play(events[:150])
    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[150:])))

    bar = table.verticalScrollBar()
    assert table.is_following
    assert bar.value() == bar.maximum()


def test_scrolling_up_stops_following_and_the_chip_counts_and_returns(qtbot, pane, table, play, host, samples):
    events = samples.scoring_run()
    play(events[:200])
    table.verticalScrollBar().setValue(0)
    assert not table.is_following

    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[200:])))
    chip = pane.browser._newest
    assert chip.isVisible()
    assert chip.text() == f"{table.unseen_count} new ↓"
    assert table.verticalScrollBar().value() == 0

    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert table.is_following
    assert not chip.isVisible()
    assert table.verticalScrollBar().value() == table.verticalScrollBar().maximum()


def test_keys_walk_the_rows(qtbot, table, run_log, play, samples):
    play(samples.scoring_run())
    table.setFocus()

    qtbot.keyClick(table, Qt.Key.Key_Home)
    first = run_log.selection.row
    qtbot.keyClick(table, Qt.Key.Key_Down)
    second = run_log.selection.row
    qtbot.keyClick(table, Qt.Key.Key_End)

    assert (first, second) == (table.rows[0], table.rows[1])
    assert run_log.selection.row == table.rows[len(table.rows) - 1]


def test_a_click_on_the_source_asks_for_the_line_at_once(qtbot, pane, table, play, samples):
    play(samples.scoring_run())
    place = len(table.rows) - 1
    left, _ = table._columns()[3]

    with qtbot.waitSignal(pane.location_requested, timeout=0) as asked:
        qtbot.mouseClick(
            table.viewport(),
            Qt.MouseButton.LeftButton,
            pos=QPoint(int(left) + 10, table.point_of(place).y()),
        )

    assert asked.args[0].line == 14


def test_a_narrow_table_gives_up_the_columns_at_the_right(pane, table, play, samples):
    play(samples.scoring_run())
    pane.resize(420, 300)

    widths = [width for _, width in table._columns()]

    assert widths[5] == 0
    assert widths[2] >= 100


def test_a_chosen_row_is_spoken(table, run_log, play, samples):
    play(samples.scoring_run())

    run_log.select_row(table.rows[len(table.rows) - 1])

    assert table.accessibleDescription().startswith("0.577, PAUSED, Breakpoint step")
