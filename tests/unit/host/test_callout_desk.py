"""The time that the callouts of one transaction may take together (C03)."""

import pytest

from circuit_link import wire
from circuit_log.levels import LogLevels
from circuit_log.limits import LimitName
from circuit_runtime.governor.governor import Governor
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.host.callout_desk import CalloutDesk
from circuit_runtime.host.conversation import ScriptException
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.settings import parse_settings


class SlowNetwork:
    """Answers after the time it is told, on a clock of its own; a `CalloutPort`."""

    def __init__(self):
        self.now_s = 0.0
        self.takes_s = 0.0
        self.timeouts_ms = []

    def send(self, method, url, headers, body, timeout_ms, allow):
        self.timeouts_ms.append(timeout_ms)
        self.now_s += min(self.takes_s, timeout_ms / 1000)
        return wire.HttpAnswer(status_code=200, headers={}, body=b"")


class Transaction:
    """What a desk asks of the data side, and of its triggers."""

    has_open_savepoints = False
    has_uncommitted_work = False
    depth = 0

    def give_locks_back(self):
        return None


class Nobody:
    def emit(self, event):
        """Nobody looks."""


@pytest.fixture
def network():
    return SlowNetwork()


@pytest.fixture
def transaction():
    return Transaction()


@pytest.fixture
def call(network, transaction):
    # Its wall limit leaves room for callouts of two minutes.
    settings = parse_settings('[project]\nname = "p"\n[limits]\noverrides = { wall_ms = 600000 }\n')
    desk = CalloutDesk(
        network,
        settings,
        Governor(limits_for(settings.limits)),
        transaction,
        transaction,
        EventLog(LogLevels(), 0, Nobody()),
        lambda: network.now_s,
    )

    def run(takes_s, timeout_s=120):
        network.takes_s = takes_s
        return desk.send(
            wire.Callout(id=1, method="GET", url="https://example.com/", timeout_ms=int(timeout_s * 1000))
        )

    return run


def test_c03_callouts_may_take_two_minutes_together(call, network):
    for _ in range(4):
        call(takes_s=29)
    call(takes_s=4)

    with pytest.raises(
        ScriptException, match="Exceeded max time limit of 120000 milliseconds for callouts"
    ) as caught:
        call(takes_s=1)

    assert caught.value.exception == "CalloutException"
    assert len(network.timeouts_ms) == 5


def test_c03_the_last_callout_gets_what_is_left(call, network):
    call(takes_s=100)
    call(takes_s=1, timeout_s=60)

    assert network.timeouts_ms == [120_000, 20_000]


def test_callouts_over_uncommitted_work_may_take_thirty_seconds_together(call, transaction, network):
    transaction.has_uncommitted_work = True

    call(takes_s=25)
    call(takes_s=10)
    with pytest.raises(ScriptException, match="30000 milliseconds"):
        call(takes_s=1)

    assert network.timeouts_ms == [30_000, 5_000]


@pytest.mark.parametrize("timeout_ms", [0, -5, 120_001])
def test_c03_a_timeout_out_of_range_is_refused_before_it_counts(network, transaction, timeout_ms):
    settings = parse_settings('[project]\nname = "p"\n')
    governor = Governor(limits_for(settings.limits))
    events = EventLog(LogLevels(), 0, Nobody())
    desk = CalloutDesk(network, settings, governor, transaction, transaction, events)

    with pytest.raises(ScriptException, match="between 1 and 120000 ms"):
        desk.send(wire.Callout(id=1, method="GET", url="https://example.com/", timeout_ms=timeout_ms))

    assert governor.table()[LimitName.CALLOUTS] == (0, 50)
    assert network.timeouts_ms == []
