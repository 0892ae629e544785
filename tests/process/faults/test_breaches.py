"""X02 and X03: nothing a script does after a breach lets it go on, or keeps anything; and its line is told.

The runaways are those that each way of ending a script from within has been tried on: a breach that is raised in
the script can be swallowed, one that is measured and ended from outside cannot.
"""

from __future__ import annotations

import threading
import time

import pytest

import circuit_log.events as ev
from circuit_runtime.host.execution_request import RunControl

WRITE = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "x"})\n'

# Source and the lines among which the running one is; two lines of `WRITE` stand before it.
RUNAWAYS = {
    "while True": ("while True: pass", {3}),
    "swallow": (
        "x = 0\nwhile True:\n    try:\n        x += 1\n    except BaseException:\n        pass",
        {4, 5, 6, 7, 8},
    ),
    "swallow, call in try": (
        "def work():\n    return 1\nwhile True:\n    try:\n        work()\n    except BaseException:\n"
        "        continue",
        range(3, 11),
    ),
    "swallow, nested": (
        "while True:\n    try:\n        try:\n            x = 1\n        except BaseException:\n"
        "            x = 2\n    except BaseException:\n        x = 3",
        range(3, 11),
    ),
    "suppress": (
        "import contextlib\nwhile True:\n    with contextlib.suppress(BaseException):\n        x = 1",
        range(4, 7),
    ),
    "finally continue": ("while True:\n    try:\n        x = 1\n    finally:\n        continue", range(3, 8)),
    "generator": (
        "def numbers():\n    while True:\n        try:\n            yield 1\n        except GeneratorExit:\n"
        "            while True: pass\nfor n in numbers():\n    break\nwhile True: pass",
        range(3, 13),
    ),
    "another thread": (
        "import threading\ndef spin():\n    while True:\n        try:\n            x = 1\n"
        "        except BaseException:\n            pass\nthreading.Thread(target=spin).start()",
        range(4, 11),
    ),
    "a destructor": (
        "class Stubborn:\n    def __del__(self):\n        while True: pass\nStubborn()",
        range(3, 7),
    ),
    "settrace(None) and at exit": (
        "import atexit, sys\nsys.settrace(None)\natexit.register(lambda: None)\nwhile True: pass",
        {6},
    ),
    "a large power": ("x = 10**10**8", {3}),
    "a regular expression": ("import re\nre.match('(a+)+$', 'a' * 40 + 'b')", {4}),
    "sum(range)": ("x = sum(range(10**12))", {3}),
    "sum(repeat)": ("import itertools\nx = sum(itertools.repeat(1))", {4}),
}


def check_breach(bench, result, name, lines):
    assert (result.outcome, result.breached) == ("limit", name), result.error
    assert result.error.type == "GovernorLimitException"
    assert not result.committed
    assert result.error.file == "a.py"
    assert result.error.line in lines, result.error
    kinds = [type(event) for event in bench.seen.events]
    assert kinds.index(ev.ExceptionThrown) < kinds.index(ev.FatalError)


@pytest.mark.parametrize("runaway", RUNAWAYS)
def test_x03_a_runaway_ends_at_its_cpu_limit_and_its_line_is_told(bench, check_unharmed, runaway):
    text, lines = RUNAWAYS[runaway]
    bench.limits(cpu_ms=200)

    result = bench.run(WRITE + text)

    check_breach(bench, result, "cpu_ms", lines)
    assert result.limits["cpu_ms"][0] < 300 + 200
    bench.limits()
    check_unharmed()


def test_x03_a_script_that_blocks_every_signal_ends_all_the_same(bench, check_unharmed):
    text = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass"
    bench.limits(cpu_ms=200)

    result = bench.run(WRITE + text)

    # It does not answer for its line either: the last one that asked for something is told.
    check_breach(bench, result, "cpu_ms", {2})
    bench.limits()
    check_unharmed()


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(60)",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "import os\nos.read(os.pipe()[0], 1)",
    ],
    ids=["sleep", "lock", "pipe"],
)
def test_a_script_that_waits_ends_at_its_wall_limit(bench, check_unharmed, text):
    bench.limits(wall_ms=400)
    began = time.monotonic()

    result = bench.run(WRITE + text)

    check_breach(bench, result, "wall_ms", range(3, 7))
    assert result.limits["wall_ms"][0] < 400 + 100 + 500
    assert time.monotonic() - began < 10
    bench.limits()
    check_unharmed()


def test_memory_that_is_touched_piece_by_piece_ends_at_the_heap_limit(bench, check_unharmed):
    bench.limits(heap_bytes=64_000_000)

    result = bench.run(WRITE + "held = []\nwhile True:\n    held.append(bytes(range(256)) * 400)")

    assert result.outcome in ("limit", "error")
    if result.outcome == "limit":
        check_breach(bench, result, "heap_bytes", {3, 4, 5})
    else:
        assert result.error.type == "MemoryError"
    bench.limits()
    check_unharmed()


SWALLOWING = {
    "except Exception": "try:\n        BREACH\n    except Exception:\n        pass",
    "bare except": "try:\n        BREACH\n    except:\n        pass",
    "finally": "try:\n        BREACH\n    finally:\n        CircuitDB.insert('Area', {'zip': 'late'})",
    "return in finally": (
        "def f():\n        try:\n            BREACH\n        finally:\n            return 1\n    f()"
    ),
    "with": "with contextlib.suppress(BaseException):\n        BREACH",
    "generator close": (
        "g = gen()\n    next(g)\n    try:\n        g.close()\n    except BaseException:\n        pass"
    ),
    "thread": "t = threading.Thread(target=breach)\n    t.start()\n    t.join()",
    "settrace(None)": "sys.settrace(None)\n    try:\n        BREACH\n    except BaseException:\n        pass",
    "exception group": "try:\n        BREACH\n    except* BaseException:\n        pass",
}


@pytest.mark.parametrize("way", SWALLOWING)
def test_x02_a_breach_that_is_swallowed_ends_the_transaction(bench, check_unharmed, way):
    bench.limits(queries=3)
    body = SWALLOWING[way].replace("BREACH", "breach()")
    text = f"""
import contextlib, sys, threading
from circuitos import CircuitDB

CircuitDB.insert("Area", {{"zip": "early"}})

def breach():
    while True:
        CircuitDB.query("SELECT id FROM Area")

def gen():
    try:
        yield
    finally:
        breach()

def main():
    {body}
    for _ in range(3):
        try:
            CircuitDB.insert("Area", {{"zip": "late"}})
            print("inserted")
        except BaseException:
            pass

main()
"""

    result = bench.run(text)

    assert (result.outcome, result.breached) == ("limit", "queries"), result.error
    assert result.error.message == "Too many SOQL queries: 4"
    assert result.limits["dml_statements"][0] == 1
    assert bench.seen.stdout == ""
    bench.limits()
    check_unharmed()


def test_x02_a_script_that_does_not_unwind_after_a_breach_is_killed(bench, check_unharmed):
    bench.limits(queries=1)

    result = bench.run(
        WRITE + "try:\n    while True: CircuitDB.query('SELECT id FROM Area')\nexcept BaseException:\n"
        "    while True: pass"
    )

    assert (result.outcome, result.breached) == ("limit", "queries")
    bench.limits()
    check_unharmed()


def test_a_stop_reaches_a_spinning_script_and_tells_its_line(bench, check_unharmed):
    control = RunControl()
    timer = threading.Timer(0.3, control.stop, ["stopped by the user"])
    timer.start()

    result = bench.run(WRITE + "while True: pass", control=control)
    timer.join()

    assert (result.outcome, result.error.type, result.error.message) == (
        "killed",
        "Stopped",
        "stopped by the user",
    )
    assert (result.error.file, result.error.line) == ("a.py", 3)
    check_unharmed()


def test_x04_waiting_costs_wall_time_and_no_cpu(bench):
    result = bench.run("import time\ntime.sleep(0.5)")

    # The wall clock starts when the host hears that the sources are loaded: the script is a little ahead of it.
    assert result.limits["cpu_ms"][0] < 200
    assert result.limits["wall_ms"][0] >= 400
