"""How many executions an environment admits."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from circuit_env.quotas import Meter, QuotaExceeded, Quotas
from circuit_env.tables import open_engine

COST = {"cost_micros": (250, 1000)}


class Clock:
    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 30, 23, 59, 30, tzinfo=dt.UTC)
        self.moment = 0.0

    def __call__(self) -> dt.datetime:
        return self.now

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_meter(tmp_path, clock):
    """A meter on the same database each time, as after a restart."""

    def make(**quotas):
        engine = open_engine(f"sqlite:///{tmp_path / 'e.db'}")
        return Meter(engine, Quotas(**quotas), clock, clock.monotonic)

    return make


def refusal(meter):
    with pytest.raises(QuotaExceeded) as caught:
        meter.admit()
    return caught.value


def test_a_month_s_executions_are_used_up_and_a_restart_forgets_none(new_meter):
    for _ in range(3):
        new_meter(executions_per_month=3).admit()

    refused = refusal(new_meter(executions_per_month=3))

    assert (refused.code, refused.message) == ("QUOTA_MONTH", "The 3 executions of 2026-11 are used up.")
    assert refused.retry_after_s == 30
    assert new_meter(executions_per_month=3).usage().executions == 3


def test_a_new_month_begins_at_nothing(new_meter, clock):
    meter = new_meter(executions_per_month=1)
    meter.admit()
    clock.now += dt.timedelta(minutes=1)

    meter.admit()

    assert (meter.usage().month, meter.usage().executions) == ("2026-12", 1)


def test_only_so_many_run_at_once(new_meter):
    meter = new_meter(concurrent=2)
    first, _second = meter.admit(), meter.admit()

    assert refusal(meter).code == "QUOTA_CONCURRENT"
    first.give_back({})
    meter.admit()
    assert (meter.usage().running, meter.usage().executions) == (2, 3)


def test_a_burst_is_admitted_and_then_the_rate_counts(new_meter, clock):
    meter = new_meter(per_second=0.5, burst=3)
    for _ in range(3):
        meter.admit()

    refused = refusal(meter)
    clock.moment += 2
    meter.admit()

    assert (refused.code, refused.retry_after_s) == ("QUOTA_RATE", 2)
    assert refusal(meter).code == "QUOTA_RATE"


def test_what_is_refused_is_not_counted(new_meter):
    meter = new_meter(executions_per_month=5, concurrent=1)
    meter.admit()

    refusal(meter)

    assert meter.usage().executions == 1


def test_costs_add_up_in_the_month_in_which_they_were_admitted(new_meter, clock):
    meter = new_meter()
    first, second = meter.admit(), meter.admit()
    first.give_back(COST)
    november = meter.usage()
    clock.now += dt.timedelta(minutes=1)

    second.give_back(COST)

    assert november.cost_micros == 250
    assert meter.usage().cost_micros == 0
    clock.now -= dt.timedelta(minutes=1)
    assert meter.usage().cost_micros == 500


def test_two_servers_on_one_database_admit_no_more_than_the_quota(new_meter):
    admitted = []

    def hammer():
        meter = new_meter(executions_per_month=25)
        for _ in range(20):
            try:
                admitted.append(meter.admit())
            except QuotaExceeded:
                return

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(admitted) == 25
