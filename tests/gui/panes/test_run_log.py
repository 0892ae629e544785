from __future__ import annotations

import circuit_link.host_protocol as hp
import circuit_log.events as ev
from circuit_console.services.run_log import RunLog
from circuit_log.limits import LimitName


def test_a_batch_is_published_once_with_its_rows(qtbot, run_log, host, samples):
    host.handle(samples.started())

    with qtbot.waitSignal(run_log.appended, timeout=0) as appended:
        host.handle(hp.EventsEmitted(run_id="r1", events=tuple(samples.scoring_run()[:20])))

    assert appended.args[0].first_row == 0
    assert appended.args[0].end_row == len(run_log.store.rows)
    assert appended.args[0].limits_changed


def test_the_end_comes_after_the_last_rows(qtbot, run_log, host, play, samples):
    order = []
    run_log.appended.connect(lambda _appended: order.append("appended"))
    run_log.run_ended.connect(lambda _finished: order.append("ended"))

    play(samples.scoring_run()[:30])
    host.handle(samples.finished())

    assert order == ["appended", "appended", "ended"]
    assert run_log.store.is_finished
    assert run_log.result is not None


def test_a_flood_is_taken_in_slices_and_nothing_is_lost(qtbot, host, samples):
    run_log = RunLog(host)
    host.handle(samples.started())
    flood = tuple(ev.StatementExecute(seq=seq, ns=seq, path="a.py", line=1) for seq in range(60_000))

    host.handle(hp.EventsEmitted(run_id="r1", events=flood))
    host.handle(samples.finished())
    taken_at_once = len(run_log.store.rows)

    with qtbot.waitSignal(run_log.run_ended, timeout=5000):
        pass
    assert taken_at_once < 60_000
    assert len(run_log.store.rows) == 60_000


def test_a_run_of_somebody_else_does_not_take_the_place_of_ones_own(run_log, host, samples):
    host.handle(samples.started("mine", request=4))
    others = hp.RunStarted(
        request=None,
        run_id="theirs",
        mode="plain",
        title="t",
        started_at=samples.started().started_at,
        limits=(),
        log_levels="",
    )

    host.handle(others)
    assert run_log.store.title == "marcus"

    host.handle(samples.finished("mine"))
    host.handle(others)
    assert run_log.store.title == "t"


def test_the_run_before_leaves_its_counters(run_log, host, play, samples):
    play(samples.scoring_run())
    used = run_log.store.limits[LimitName.CALLOUTS]

    host.handle(samples.started("r2"))

    assert run_log.previous_limits[LimitName.CALLOUTS] == used
    assert run_log.store.limits[LimitName.CALLOUTS] == (0, 50)
