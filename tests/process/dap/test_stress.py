"""Many steps, and many breakpoints set and taken away while code runs: no stop is lost, nothing hangs or stays."""

import os
from pathlib import Path

import pytest

WORK = """\
def work(n):
    a = n + 1
    b = a * 2
    c = [x for x in range(3)]
    try:
        d = {}[n]
    except KeyError:
        d = 0
    return b + d


n = 0
while True:
    n += 1
    last = work(n)
"""
# Lines of the loop; those of `work` that run on each pass.
LOOP = (13, 14, 15)
BODY = (2, 3, 4, 5, 6, 7, 8, 9)


def children_of(pid):
    """Every process below `pid`, as the system has them now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == pid:
                found += [int(entry.name), *children_of(int(entry.name))]
    return found


def walk(client, path, steps, toggles):
    client.set_breakpoints(path, [])
    places = set()
    line = LOOP[0]
    for number in range(steps):
        last = "stepOut" if line in BODY else "next"
        line = client.step(("next", "stepIn", "stepIn", last)[number % 4])[1]
        places.add(line)
    assert places >= {2, 14, 15}

    client.resume()
    for number in range(toggles):
        line = (*BODY, *LOOP[1:])[number % 10]
        client.set_breakpoints(path, [line])
        client.stopped("breakpoint")
        assert client.place()[1] == line
        client.set_breakpoints(path, [])
        client.resume()


def run(debug, client, steps, toggles):
    debug(WORK, 13)
    client.stopped("breakpoint")
    walk(client, client.stack()[0]["source"]["path"], steps, toggles)
    client.request("terminate")
    assert client.finish() != 0


def test_steps_and_toggled_breakpoints_lose_no_stop(debug, client):
    run(debug, client, steps=150, toggles=30)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_steps_and_five_hundred_toggles_lose_no_stop_and_leave_no_process(debug, client, server):
    before = set(children_of(os.getpid()))

    run(debug, client, steps=10_000, toggles=500)

    assert len(set(children_of(os.getpid())) - before) <= 3
