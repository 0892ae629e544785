from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

import circuit_link.host_protocol as hp
from circuit_console.core.location import Location
from circuit_console.panes.gauges.pane import GovernorPane
from circuit_log.limits import LimitName


@pytest.fixture
def pane(qtbot, theme, run_log):
    pane = GovernorPane(theme, run_log)
    qtbot.addWidget(pane)
    pane.resize(314, 200)
    pane.show()
    return pane


def test_before_the_first_run_the_limits_are_listed_with_nothing_used(pane):
    assert pane.card(LimitName.CALLOUTS).view.amount == "0 / 50"
    assert pane.card(LimitName.HEAP_BYTES).view.amount == "0 / 512 MB"


def test_values_rise_while_the_run_goes_on(qtbot, pane, play, host, samples):
    events = samples.scoring_run()
    play(events[:60])
    qtbot.waitUntil(lambda: pane.card(LimitName.CALLOUTS).view.amount != "0 / 50")
    early = int(pane.card(LimitName.CALLOUTS).view.amount.split(" ")[0])

    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[60:200])))

    qtbot.waitUntil(lambda: int(pane.card(LimitName.CALLOUTS).view.amount.split(" ")[0]) > early)
    assert pane._words.text() == "this transaction"


def test_a_pause_shows_the_values_at_once_and_freezes_them(pane, play, samples):
    play(samples.scoring_run())

    card = pane.card(LimitName.CALLOUTS)
    assert (card.view.amount, card.view.tone) == ("42 / 50", "warning")
    assert card.accessibleName() == "Callouts, 42 of 50, 84 percent, close to the limit, run is paused"
    assert pane._words.text() == "paused"


def test_the_end_of_the_run_before_is_a_ghost(pane, play, host, samples):
    play(samples.scoring_run(30))
    host.handle(samples.finished())
    host.handle(samples.started("r2"))

    assert pane.card(LimitName.CALLOUTS).view.ghost_share == pytest.approx(0.6)


def test_a_breach_names_the_limit_its_line_and_what_to_do(qtbot, pane, play, host, samples):
    play(samples.failing_run())
    host.handle(samples.finished(outcome="limit"))

    assert pane.breach_words() == "Callouts: 51 / 50"
    assert pane.card(LimitName.CALLOUTS).view.tone == "danger"
    assert pane._breach_advice.text() == "Make one callout for many records."
    with qtbot.waitSignal(pane.location_requested, timeout=0) as asked:
        pane._breach_line.click()
    assert asked.args == [Location(samples.LPR, 20)]


def test_a_new_run_forgets_the_breach(pane, play, host, samples):
    play(samples.failing_run())
    host.handle(samples.finished(outcome="limit"))

    host.handle(samples.started("r2"))

    assert pane.breach_words() == ""


def test_the_gauge_of_the_selected_event_is_marked(pane, run_log, play, samples):
    play(samples.scoring_run())

    run_log.select_row(run_log.store.last_row_of(LimitName.QUERIES))

    assert pane.card(LimitName.QUERIES).is_marked
    assert not pane.card(LimitName.CALLOUTS).is_marked


def test_picking_a_gauge_selects_the_newest_event_that_moved_it(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())

    qtbot.keyClick(pane.card(LimitName.QUERIES), Qt.Key.Key_Return)

    assert run_log.store.rows.counter_name(run_log.selection.row) is LimitName.QUERIES


def test_the_ring_is_filled_in_the_colour_of_its_share(pane, play, theme, samples):
    play(samples.scoring_run())

    image = pane.card(LimitName.CALLOUTS).grab().toImage()

    colors = {image.pixelColor(x, y).name() for x in range(8, 46) for y in range(8, 46)}
    assert theme.color("warn").name() in colors
