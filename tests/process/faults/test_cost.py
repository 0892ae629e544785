"""Prices of circuit.toml in real runs."""

PRICES = """
[project]
name = "Areas"
[callouts]
allow = ["http://127.0.0.1:9"]
[limits.cost]
ceiling = 0.25
execution = 0.01
prices = { dml_rows = 0.02, cpu_ms = 0.001 }
[limits.cost.callouts]
"http://127.0.0.1:9" = 0.2
"""


def test_a_run_tells_what_it_cost(bench):
    bench.write("circuit.toml", PRICES)

    result = bench.run('from circuitos import CircuitDB\nCircuitDB.insert("Area", [{"zip": "1"}, {"zip": "2"}])')

    used, maximum = result.limits["cost_micros"]
    assert maximum == 250_000
    assert used == 10_000 + 2 * 20_000 + result.limits["cpu_ms"][0] * 1_000


def test_a_spinning_script_ends_where_it_becomes_too_dear(bench, check_unharmed):
    bench.write("circuit.toml", PRICES)

    result = bench.run("while True: pass")

    assert (result.outcome, result.breached) == ("limit", "cost_micros")
    assert result.error.message.startswith("Execution cost ceiling exceeded: 0.2")
    assert 230 <= result.limits["cpu_ms"][0] < 1000
    bench.limits()
    check_unharmed()


def test_a_dear_callout_is_not_even_sent(bench, check_unharmed):
    bench.write("circuit.toml", PRICES)
    text = """
from circuitos import CircuitHTTP, CalloutException
for _ in range(3):
    try:
        CircuitHTTP.get("http://127.0.0.1:9/")
    except CalloutException:
        print("sent")
"""

    result = bench.run(text)

    assert (result.outcome, result.breached) == ("limit", "cost_micros")
    assert bench.seen.stdout == "sent\n"
    bench.limits()
    check_unharmed()
