"""Many transactions of every kind in one host leave no memory, descriptor, thread, process or file behind."""

from __future__ import annotations

import threading

import pytest

WRITE = """
from circuitos import CircuitDB, CircuitLog
mark = CircuitDB.savepoint()
(area,) = CircuitDB.insert("Area", [{"zip": "1", "extra": {"n": list(range(50))}}])
CircuitDB.update("Area", [{"id": area.id, "income": 5}])
CircuitLog.info("half way", {"zip": "1"})
CircuitDB.query("SELECT id, zip, income FROM Area WHERE zip = '1' LIMIT 20")
CircuitDB.rollback(mark)
print("done")
"""
# How a transaction ends: the script and the outcome.
KINDS = (
    (WRITE, "success"),
    (WRITE, "success"),
    (WRITE + "raise ValueError('no')", "error"),
    (WRITE + "import os\nos._exit(3)", "killed"),
    ("from circuitos import CircuitDB\nwhile True: CircuitDB.query('SELECT id FROM Area LIMIT 1')", "limit"),
    ("import os, struct\nos.write(3, struct.pack('>I', 2**31))\nimport time\ntime.sleep(60)", "killed"),
    ("class A: pass\nA().nothing", "error"),
    ("import threading\nthreading.Thread(target=print, args=(1,)).start()", "success"),
)
CLIENTS = 2


def run_many(host, clients, count):
    """Run `count` transactions over all clients; what did not end as it should."""
    wrong = []

    def work(client, first):
        for number in range(first, count, len(clients)):
            text, outcome = KINDS[number % len(KINDS)]
            result = host.run(client, text)
            if result.outcome != outcome:
                wrong.append((number, result.outcome, result.error))

    threads = [threading.Thread(target=work, args=(client, first)) for first, client in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.parametrize(
    ("count", "warm_up", "most_growth_bytes"),
    [
        pytest.param(300, 60, 12_000_000, id="300"),
        # A log of each of the last 500 runs is kept: their index is part of what is warm.
        pytest.param(10_000, 600, 25_000_000, id="10,000", marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_transactions_leave_nothing_behind(host, outside, count, warm_up, most_growth_bytes):
    clients = [host.client() for _ in range(CLIENTS)]
    pid = clients[0].attached.pid
    assert run_many(host, clients, warm_up) == []
    before = {
        "bytes": outside.resident_bytes(pid),
        "descriptors": outside.descriptors(pid),
        "processes": len(outside.descendants(pid)),
        "threads": outside.threads(pid),
    }

    assert run_many(host, clients, count) == []

    outside.wait_until(lambda: len(outside.descendants(pid)) <= before["processes"])
    outside.wait_until(lambda: outside.descriptors(pid) <= before["descriptors"])
    outside.wait_until(lambda: outside.threads(pid) <= before["threads"])
    assert outside.resident_bytes(pid) - before["bytes"] < most_growth_bytes
    logs = list((host.root / ".circuit" / "logs").iterdir())
    assert len(logs) <= 3 * 500 + 3 * CLIENTS
    assert host.rows()["o_area"] == []
