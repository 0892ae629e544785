"""SIGKILL of host, zygote and worker in every state of theirs: all tables as before, no orphan, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import circuit_link.host_protocol as hp
from circuit_link.client import HostGone

WRITE = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "lost"})\n'
GOOD = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "good"})\n'
TESTS = """
from circuitos import CircuitDB
from circuitos.testing import test

@test
class Endless:
    @test
    def spins(self):
        CircuitDB.insert("Area", {"zip": "1"})
        while True:
            pass
"""
# What runs when the host is killed; each says "ready" when it is there.
STATES = {
    "spinning": f"{WRITE}print('ready', flush=True)\nwhile True: pass",
    "in a C loop": f"{WRITE}print('ready', flush=True)\nsum(range(10**12))",
    "waiting with an open transaction": f"{WRITE}print('ready', flush=True)\nimport time\ntime.sleep(600)",
    "with a thread of its own": (
        f"{WRITE}import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print('ready', flush=True)"
    ),
    "within a trigger": None,
}
SLOW_TRIGGER = """
from circuitos import CircuitTrigger, trigger

class Slow(CircuitTrigger):
    @trigger("Area", ["afterInsert"])
    def handle(self, context):
        print("ready")
        while True: pass
"""


def start(host, client, text):
    """Start a run and wait until it says that it is ready."""
    number = client.next_request()
    entry = hp.ExecEntry(path="a.py", text=text)
    client.send(hp.StartRun(request=number, run=hp.RunRequest(entry=entry, commit=True)))
    for message in client.messages():
        if isinstance(message, hp.OutputEmitted) and "ready" in message.text:
            return number
    raise AssertionError("the run did not become ready")


def gone(client):
    """Wait until the client notices that its host is gone; seconds that it took."""
    began = time.monotonic()
    with pytest.raises(HostGone):
        for _ in client.messages():
            pass
    return time.monotonic() - began


@pytest.mark.parametrize("state", STATES)
def test_a_killed_host_loses_nothing_and_leaves_no_process(host, outside, kill, state):
    client = host.client()
    assert host.run(client, GOOD).committed
    before = host.rows()
    pid = client.attached.pid
    text = STATES[state]
    if text is None:
        (host.root / "triggers" / "slow.py").write_text(SLOW_TRIGGER)
        text = WRITE
    start(host, client, text)
    family = outside.descendants(pid)
    assert family

    kill(pid)

    assert gone(client) < 5
    outside.wait_until(lambda: not any(outside.is_alive(one) for one in family))
    assert host.rows() == before
    (host.root / "triggers" / "slow.py").unlink(missing_ok=True)
    again = host.client()
    assert host.run(again, GOOD).committed
    assert [log.outcome for log in again.list_logs()] == ["success", "killed", "success"]
    assert again.query("SELECT zip FROM Area").count == 2


def test_a_host_killed_while_tests_run_leaves_no_process_and_no_row(host, outside, kill):
    (host.root / "tests").mkdir()
    (host.root / "tests" / "test_endless.py").write_text(TESTS)
    client = host.client()
    assert host.run(client, GOOD).committed
    before = host.rows()
    pid = client.attached.pid
    client.send(hp.RunTests(request=client.next_request(), names=(), coverage=False))
    started = next(message for message in client.messages() if isinstance(message, hp.TestStarted))
    assert "spins" in started.test_id
    outside.wait_until(lambda: len(outside.descendants(pid)) > 2)
    family = outside.descendants(pid)

    kill(pid)

    gone(client)
    outside.wait_until(lambda: not any(outside.is_alive(one) for one in family))
    assert host.rows() == before
    assert host.run(host.client(), GOOD).committed


def test_killed_zygotes_are_replaced_in_any_state(host, outside, kill):
    client = host.client()
    assert host.run(client, GOOD).committed
    pid = client.attached.pid

    def kill_zygotes():
        for zygote in outside.children(pid):
            os.kill(zygote, signal.SIGKILL)

    kill_zygotes()
    assert host.run(client, GOOD).committed, "idle"

    number = start(host, client, "print('ready', flush=True)\nimport time\ntime.sleep(0.5)\n" + GOOD)
    kill_zygotes()
    finished = next(m for m in client.messages() if isinstance(m, hp.RunFinished) and m.request == number)

    # The worker may have been taken along; what it wrote stands wholly or not at all.
    committed = 3 if finished.result.committed else 2
    assert finished.result.outcome == ("success" if finished.result.committed else "killed")
    assert len(host.rows()["o_area"]) == committed
    assert host.run(client, GOOD).committed
    assert len(host.rows()["o_area"]) == committed + 1


def test_a_terminal_whose_host_is_killed_says_so_and_ends(host, outside, kill):
    client = host.client()
    pid = client.attached.pid
    command = [sys.executable, "-m", "circuit_cli", "exec", "-", "--project", str(host.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as terminal:
        terminal.stdin.write("print('ready', flush=True)\nwhile True: pass\n")
        terminal.stdin.close()
        assert terminal.stdout.readline() == "ready\n"

        kill(pid)

        assert terminal.wait(20) == 1
        message = terminal.stderr.read()
    assert "host ended unexpectedly" in message
    assert "rolled back" in message
    assert "Traceback" not in message


def test_a_host_answers_while_scripts_spin_and_tells_the_line_of_one_that_is_stopped(host):
    client, watcher = host.client(), host.client()
    assert host.run(client, GOOD).committed
    numbers = [start(host, client, "x = 1\nprint('ready', flush=True)\nwhile True: pass") for _ in range(2)]
    waits = []
    for _ in range(5):
        began = time.monotonic()
        assert watcher.query("SELECT zip FROM Area").count == 1
        waits.append(time.monotonic() - began)
    runs = [log.id for log in watcher.list_logs() if log.outcome == "running"]

    stopping = [
        threading.Thread(target=watcher.send, args=(hp.StopRun(request=100 + n, run_id=run_id),))
        for n, run_id in enumerate(runs)
    ]
    for thread in stopping:
        thread.start()
        thread.join()
    results = []
    for message in client.messages():
        if isinstance(message, hp.RunFinished) and message.request in numbers:
            results.append(message.result)
            if len(results) == 2:
                break

    assert sorted(waits)[2] < 2.0
    assert [(r.outcome, r.error.file, r.error.line) for r in results] == [("killed", "a.py", 3)] * 2
    assert len(host.rows()["o_area"]) == 1
