from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent

import circuit_link.host_protocol as hp
from circuit_console.core.event_kinds import EventType
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.location import Location
from circuit_console.panes.timeline.pane import TimelinePane


@pytest.fixture
def pane(qtbot, theme, run_log):
    pane = TimelinePane(theme, run_log)
    qtbot.addWidget(pane)
    pane.resize(776, 328)
    pane.show()
    return pane


def frame_named(run_log, name, last=True):
    frames = run_log.store.frames
    found = [frame for frame in range(len(frames)) if frames.title(frame) == name]
    return found[-1 if last else 0]


def test_before_the_first_run_it_says_how_to_get_one(pane):
    assert pane._stack.currentIndex() == 0
    assert "F5" in pane._stack.currentWidget().accessibleName()


def test_the_window_follows_the_end_while_the_run_goes_on(pane, run_log, play, host, samples):
    events = samples.scoring_run()
    play(events[:40])
    early = pane.window_shown

    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[40:])))

    assert pane.window_shown.end_ns > early.end_ns
    assert pane.window_shown.end_ns >= run_log.store.last_ns


def test_zooming_stops_following_and_r_starts_it_again(qtbot, pane, play, host, run_log, samples):
    events = samples.scoring_run()
    play(events[:200])
    pane.chart.setFocus()
    qtbot.keyClick(pane.chart, Qt.Key.Key_W)
    qtbot.keyClick(pane.chart, Qt.Key.Key_A)
    zoomed = pane.window_shown

    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[200:])))
    assert pane.window_shown == zoomed

    qtbot.keyClick(pane.chart, Qt.Key.Key_R)
    assert pane.window_shown.end_ns >= run_log.store.last_ns
    assert pane.window_shown.start_ns == 0


def test_a_click_on_a_bar_marks_its_row(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())
    frame = frame_named(run_log, "Contact")

    qtbot.mouseClick(pane.chart.viewport(), Qt.MouseButton.LeftButton, pos=pane.chart.point_of(frame))

    assert run_log.selection.frame == frame
    row = run_log.selection.row
    assert run_log.store.rows.event[row] == EventType.QUERY_END
    assert "Contact" in pane.browser.table.accessibleDescription()


def test_choosing_a_row_outlines_its_bar_and_brings_it_in_sight(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())
    for _ in range(8):
        qtbot.keyClick(pane.chart, Qt.Key.Key_W)
    frame = frame_named(run_log, "Contact")

    run_log.select_row(run_log.store.row_of(frame))

    start_ns = run_log.store.frames.start_ns[frame]
    assert pane.window_shown.start_ns <= start_ns <= pane.window_shown.end_ns
    assert pane.chart.accessibleDescription().startswith("Contact")


def test_arrows_walk_to_child_neighbour_and_parent(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())
    pane.chart.setFocus()
    titles = []
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(pane.chart, key)
        titles.append(run_log.store.frames.title(run_log.selection.frame))
    qtbot.keyClick(pane.chart, Qt.Key.Key_Right)
    titles.append(run_log.store.frames.title(run_log.selection.frame))
    qtbot.keyClick(pane.chart, Qt.Key.Key_Up)
    titles.append(run_log.store.frames.title(run_log.selection.frame))

    assert titles == [
        "Anonymous run",
        "insert Contact",
        "ContactTrigger",
        "score_new_leads",
        "Contact",
        "calculate",
        "score_new_leads",
    ]


def test_enter_on_a_bar_asks_for_its_line(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())
    run_log.select_frame(frame_named(run_log, "_fit"))

    with qtbot.waitSignal(pane.location_requested, timeout=0) as asked:
        qtbot.keyClick(pane.chart, Qt.Key.Key_Return)

    assert asked.args == [Location(samples.LPR, 19)]


def test_enter_and_a_double_click_on_a_row_ask_for_its_line(qtbot, pane, run_log, play, samples):
    play(samples.scoring_run())
    table = pane.browser.table
    place = len(table.rows) - 1
    table.choose(table.rows[place])

    with qtbot.waitSignal(pane.location_requested, timeout=0) as asked:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert asked.args == [Location(samples.LPR, 14)]

    with qtbot.waitSignal(pane.location_requested, timeout=0) as asked:
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.point_of(place))
    assert asked.args == [Location(samples.LPR, 14)]


def test_the_lens_of_the_overview_moves_the_window(pane, run_log, play, samples):
    play(samples.scoring_run())
    pane._on_window_wanted(pane.window_shown.zoomed(0.2, 0, run_log.store.last_ns))
    lens = pane.overview.lens()

    drag(pane.overview, lens.center(), lens.center() + QPointF(200, 0))

    assert pane.window_shown.start_ns > 0
    assert pane.overview.lens().left() == pytest.approx(lens.left() + 200, abs=2)


def test_an_edge_of_the_lens_changes_how_much_is_shown(pane, run_log, play, samples):
    play(samples.scoring_run())
    before = pane.window_shown
    lens = pane.overview.lens()

    drag(pane.overview, QPointF(lens.left() + 1, lens.center().y()), QPointF(lens.center().x(), lens.center().y()))

    assert pane.window_shown.span_ns == pytest.approx(before.span_ns / 2, rel=0.05)
    assert pane.window_shown.end_ns == pytest.approx(before.end_ns, rel=0.01)


def test_a_drag_of_the_chart_pans(pane, run_log, play, samples):
    play(samples.scoring_run())
    pane._on_window_wanted(pane.window_shown.zoomed(0.2, run_log.store.last_ns / 2, run_log.store.last_ns))
    before = pane.window_shown

    drag(pane.chart, QPointF(300, 20), QPointF(200, 20))

    assert pane.window_shown.start_ns > before.start_ns
    assert pane.window_shown.span_ns == before.span_ns


def test_the_pixels_change_where_bars_lines_and_the_outline_are(pane, run_log, play, theme, samples):
    play(samples.scoring_run())
    frame = run_log.store.frames.innermost
    image = pane.chart.viewport().grab().toImage()
    right = round(pane.window_shown.x_px(run_log.store.last_ns, pane.chart.plot_width_px)) + 12

    assert run_log.store.paused_row is not None
    assert frame != NO_FRAME
    assert image.pixelColor(right, 60) == theme.color("paused")
    colors = {image.pixelColor(x, 30 + 21).name() for x in range(40, 300)}
    assert theme.color("f_dml").name() in colors


def test_the_flag_of_an_exception_leads_to_its_row(qtbot, pane, run_log, play, host, samples):
    play(samples.failing_run())
    host.handle(samples.finished(outcome="limit"))
    row = run_log.store.exceptions[0]
    x = pane.window_shown.x_px(run_log.store.rows.time_ns[row], pane.chart.plot_width_px) + 12

    qtbot.mouseClick(pane.chart.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(x) + 3, 12))

    assert run_log.selection.row == row


def test_another_run_forgets_the_one_before(pane, run_log, play, host, samples):
    play(samples.scoring_run())
    run_log.select_row(5)

    host.handle(samples.started("r2"))

    assert run_log.selection.frame == NO_FRAME
    assert len(pane.browser.table.rows) == 0


def test_holding_keeps_the_view_while_the_run_goes_on(pane, run_log, play, host, samples):
    events = samples.scoring_run()
    play(events[:100])
    pane._hold_button.click()
    held = pane.window_shown

    host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events[100:])))

    assert pane.window_shown == held
    assert pane.browser.table.unseen_count > 0


def test_a_change_of_the_theme_repaints_everything(pane, play, theme, qapp, samples):
    from circuit_console.core.theme import Appearance

    play(samples.scoring_run())
    dark = pane.chart.viewport().grab().toImage()

    theme.choose(Appearance.LIGHT, qapp)

    assert pane.chart.viewport().grab().toImage() != dark


def drag(target, start: QPointF, end: QPointF) -> None:
    """Press, move in two steps, release; straight to the handlers, as offscreen has no pointer to grab."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for handler, kind, place, button, buttons in (
        (target.mousePressEvent, QEvent.Type.MouseButtonPress, start, left, left),
        (target.mouseMoveEvent, QEvent.Type.MouseMove, (start + end) / 2, none, left),
        (target.mouseMoveEvent, QEvent.Type.MouseMove, end, none, left),
        (target.mouseReleaseEvent, QEvent.Type.MouseButtonRelease, end, left, none),
    ):
        handler(QMouseEvent(kind, place, place, button, buttons, Qt.KeyboardModifier.NoModifier))
