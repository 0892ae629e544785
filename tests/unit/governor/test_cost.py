"""The cost of an execution is counted like any limit, and never turned back."""

import pytest

from circuit_link.errors import UserFacingError
from circuit_log.limits import LimitName
from circuit_runtime.governor.cost import Prices
from circuit_runtime.governor.governor import Governor, LimitBreached
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.project.settings import parse_settings

COST = """
[project]
name = "Costs"
[limits.cost]
ceiling = 0.5
execution = 0.01
prices = { callouts = 0.1, cpu_ms = 0.001 }
[limits.cost.callouts]
"https://api.example.com" = 0.05
"https://api.example.com/dear" = 0.2
"""


@pytest.fixture
def governor():
    limits = parse_settings(COST).limits
    return Governor(limits_for(limits), prices=Prices.of(limits.cost))


def cost(governor):
    return governor.table()["cost_micros"]


def test_an_execution_costs_from_the_beginning(governor):
    assert cost(governor) == (10_000, 500_000)


def test_counted_and_measured_use_adds_up(governor):
    governor.charge(LimitName.CALLOUTS, 2)
    governor.measure(LimitName.CPU_MS, 30)
    governor.measure(LimitName.CPU_MS, 40)
    governor.charge(LimitName.QUERIES, 5)

    assert cost(governor)[0] == 10_000 + 200_000 + 40_000


@pytest.mark.parametrize(
    ("url", "micros"),
    [
        ("https://api.example.com/x", 50_000),
        ("https://api.example.com/dear/x", 200_000),
        ("https://free.example.com/x", 0),
    ],
)
def test_a_call_costs_what_its_address_costs(governor, url, micros):
    governor.charge_call(url)

    assert cost(governor)[0] == 10_000 + micros


def test_passing_the_ceiling_ends_the_transaction(governor):
    governor.charge(LimitName.CALLOUTS, 4)
    with pytest.raises(LimitBreached) as caught:
        governor.charge(LimitName.CALLOUTS)

    assert caught.value.name is LimitName.COST_MICROS
    assert str(caught.value) == "Execution cost ceiling exceeded: 0.510000 of 0.500000"
    with pytest.raises(LimitBreached):
        governor.refuse_if_dead()


def test_the_clock_can_pass_the_ceiling(governor):
    assert governor.is_within(LimitName.COST_MICROS)

    governor.measure(LimitName.CPU_MS, 600)

    assert not governor.is_within(LimitName.COST_MICROS)


def test_what_was_paid_stays_paid_when_counters_are_put_back(governor):
    mark = governor.mark()
    governor.charge(LimitName.CALLOUTS)
    governor.restore(mark)
    governor.start_test()
    governor.stop_test()

    assert (governor.table()["callouts"][0], cost(governor)[0]) == (0, 110_000)


def test_without_prices_there_is_no_cost():
    settings = parse_settings('[project]\nname = "Free"\n')

    assert "cost_micros" not in Governor(limits_for(settings.limits), prices=Prices.of(None)).table()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("ceiling = 0", "expected a number > 0"),
        ("execution = 1", "ceiling"),
        ("ceiling = 1\nprices = { callout = 1 }", "has a price for 'callout', which is not counted"),
        ("ceiling = 1\nprices = { heap_bytes = 1 }", "has a price for 'heap_bytes'"),
        ("ceiling = 1\nprices = { cost_micros = 1 }", "has a price for 'cost_micros'"),
        ("ceiling = 1\nprices = { callouts = -1 }", ">= 0"),
        ('ceiling = 1\ncallouts = { "api.example.com" = 1 }', "which is no address"),
        ("ceiling = 1\nprice = 2", "price"),
    ],
)
def test_a_price_list_that_makes_no_sense_is_refused_with_its_line(table, problem):
    with pytest.raises(UserFacingError, match=problem) as caught:
        parse_settings(f'[project]\nname = "Costs"\n[limits.cost]\n{table}\n')

    assert caught.value.line >= 3
