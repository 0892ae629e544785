import threading

import pytest

import circuit_link.host_protocol as hp
from circuit_log.events import StatementExecute
from circuit_runtime.host import outbox as outbox_module
from circuit_runtime.host.outbox import BATCH_INTERVAL_S, Outbox, OutboxFull


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outbox(clock):
    return Outbox(clock)


def event(seq):
    return StatementExecute(seq=seq, ns=seq)


def accepted(request):
    return hp.Accepted(request=request)


def finished(run_id="r"):
    result = hp.RunResult(
        run_id=run_id, outcome="success", error=None, exit_code=0, stdout="", limits={}, duration_ms=1.0, log=""
    )
    return hp.RunFinished(request=None, run_id=run_id, result=result)


def output(text, stream="stdout"):
    return hp.OutputEmitted(run_id="r", stream=stream, text=text)


def test_answers_leave_at_once_and_in_order(outbox):
    outbox.put(accepted(1))
    outbox.put(accepted(2))

    assert outbox.take() == [accepted(1), accepted(2)]


def test_events_of_a_run_leave_at_most_once_an_interval(outbox, clock):
    outbox.put_events("r", [event(0)])
    assert outbox.take() == [hp.EventsEmitted(run_id="r", events=(event(0),))]

    outbox.put_events("r", [event(1)])
    outbox.put_events("r", [event(2)])
    outbox.put(accepted(1))
    assert outbox.take() == [accepted(1)]

    clock.now += BATCH_INTERVAL_S
    outbox.put(accepted(2))
    assert outbox.take() == [accepted(2), hp.EventsEmitted(run_id="r", events=(event(1), event(2)))]


def test_the_end_of_a_run_follows_all_it_emitted(outbox, clock):
    outbox.put_events("r", [event(0)])
    outbox.take()
    outbox.put_events("r", [event(1)])
    outbox.put_output(output("a"))
    outbox.put_output(output("b"))
    outbox.put_output(output("!", "stderr"))
    outbox.put_finished(finished())
    clock.now += BATCH_INTERVAL_S

    assert outbox.take() == [
        hp.EventsEmitted(run_id="r", events=(event(1),)),
        output("ab"),
        output("!", "stderr"),
        finished(),
    ]


def test_a_waiting_writer_is_given_what_comes(clock):
    outbox = Outbox()
    taken = []
    writer = threading.Thread(target=lambda: taken.extend(outbox.take()))
    writer.start()

    outbox.put_events("r", [event(0)])
    writer.join(5)

    assert taken == [hp.EventsEmitted(run_id="r", events=(event(0),))]


def test_a_client_that_does_not_read_keeps_the_newest_events_only(outbox, monkeypatch, clock):
    outbox.put_events("r", [event(seq) for seq in range(outbox_module.MAX_EVENTS + 10)])

    (message,) = outbox.take()

    assert len(message.events) == outbox_module.MAX_EVENTS
    assert message.events[-1] == event(outbox_module.MAX_EVENTS + 9)


def test_a_client_that_does_not_read_its_answers_is_given_up(outbox, monkeypatch):
    monkeypatch.setattr(outbox_module, "MAX_ANSWERS", 2)
    outbox.put(accepted(1))
    outbox.put(accepted(2))

    with pytest.raises(OutboxFull):
        outbox.put(accepted(3))


def test_output_that_nobody_reads_is_bounded(outbox, monkeypatch):
    monkeypatch.setattr(outbox_module, "MAX_OUTPUT_CHARACTERS", 10)
    for number in range(10):
        outbox.put_output(output(f"{number}" * 4))

    (message,) = outbox.take()

    assert message.text == "88889999"


def test_closing_gives_what_is_left_and_then_ends(outbox):
    outbox.put_events("r", [event(0)])
    outbox.take()
    outbox.put_events("r", [event(1)])
    outbox.put(accepted(1))
    outbox.close()

    assert outbox.take() == [accepted(1), hp.EventsEmitted(run_id="r", events=(event(1),))]
    assert outbox.take() == []
