"""How workers end: limits, floods, crashes, kills; and what the host can read of them meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from circuit_link import wire
from circuit_link.framing import ConnectionEnded, DeadlinePassed
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import WorkerExit


def _start(host, text, new_start, handlers=None, **fields):
    made = host(handlers)
    made.begin(new_start(text, **fields))
    while not isinstance(made.receive(), wire.Log):
        pass
    made.worker.mark_baseline()
    return made


def _wait_until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\nwhile True:\n    x += 1\n", (2, 3)),
        ("def f():\n    return sum(range(10**12))\nf()\n", (2,)),
        ("while True:\n    try:\n        pass\n    except BaseException:\n        pass\n", (1, 2, 3)),
        ("import re\nre.match('(a+)+$', 'a' * 40 + 'b')\n", (2,)),
    ],
)
def test_running_line_is_reported_also_inside_a_c_loop_and_kill_ends_it(host, new_start, text, line):
    made = _start(host, text, new_start)
    _wait_until(lambda: made.worker.cpu_ns() > 50_000_000)

    frame = made.worker.capture_line()
    made.worker.kill()

    assert frame is not None
    assert (frame.path, frame.line in line) == ("scripts/main.py", True)
    assert made.worker.wait(5) == WorkerExit(signal=signal.SIGKILL)


def test_cpu_clock_counts_work_and_not_waiting(host, new_start):
    made = _start(host, "import time\ntime.sleep(30)", new_start)

    time.sleep(0.2)

    assert made.worker.cpu_ns() < 20_000_000


def test_heap_reading_follows_what_the_script_holds(host, new_start):
    text = """
import time
from circuitos import CircuitDB
CircuitDB.count("SELECT COUNT() FROM Contact")
x = bytes(range(256)) * 80_000
print("held")
time.sleep(30)
"""
    made = _start(host, text, new_start, {wire.Query: lambda message, made: 0})

    while not made.stdout:
        made.step()

    assert 19_000_000 < made.worker.heap_bytes() < 24_000_000


def test_memory_above_the_hard_stop_is_refused_to_the_script(run):
    text = "try:\n    x = bytearray(200_000_000)\nexcept MemoryError:\n    print('refused')"

    assert run(text).stdout == "refused\n"


def test_uncaught_memory_error_names_the_limit(run):
    error = run("x = bytearray(200_000_000)", limits={"heap_bytes": 64_000_000}).done.error

    assert (error.type, error.message) == (
        "MemoryError",
        "no memory is left below the heap limit of 64000000 bytes",
    )


def test_endless_recursion_is_an_error_of_the_script(run):
    error = run("def f(n):\n    return f(n + 1)\nf(0)\n").done.error

    assert error.type == "RecursionError"
    assert len(error.frames) == 200
    assert "more times" in error.text


def test_script_outside_the_project_keeps_its_absolute_path(host, new_start):
    entry = wire.AnonymousEntry(path="/home/ada/run.py", text="while True:\n    pass\n")
    made = _start(host, entry, new_start)
    _wait_until(lambda: made.worker.cpu_ns() > 20_000_000)

    frame = made.worker.capture_line()

    assert frame is not None
    assert frame.path == "/home/ada/run.py"


def test_output_flood_reaches_the_host_in_batches_and_is_bounded(run):
    host = run("for _ in range(60_000):\n    print('x' * 999)\n")

    outputs = host.sent(wire.Output)
    assert len(host.stdout) < 17_000_000
    assert host.stdout.endswith("is dropped]\n")
    assert len(outputs) < 200


def test_what_was_logged_before_an_endless_loop_arrives(host, new_start):
    text = """
from circuitos import CircuitLog
CircuitLog.debug("first")
CircuitLog.debug("second")
print("third")
while True:
    pass
"""
    made = _start(host, text, new_start)

    while "third" not in made.stdout or len(made.entries) < 2:
        made.receive()

    assert [entry.text for entry in made.entries] == ["first", "second"]


BAD_BYTECODE = "exec((lambda: 0).__code__.replace(co_code=bytes([100, 255, 83, 0]), co_consts=()))"


@pytest.mark.parametrize("text", ["import os\nos._exit(0)", BAD_BYTECODE])
def test_worker_that_dies_ends_the_connection(host, new_start, text):
    made = host()
    made.begin(new_start(text))

    with pytest.raises(ConnectionEnded):
        while True:
            made.receive()

    assert made.worker.wait(5) in (WorkerExit(code=0), WorkerExit(signal=signal.SIGSEGV))


def test_worker_ends_when_the_host_closes_the_socket(host, new_start):
    made = _start(host, "from circuitos import CircuitDB\nCircuitDB.query('SELECT id FROM Contact')", new_start)
    made.receive()

    made.worker.socket.close()

    assert made.worker.wait(5) == WorkerExit(code=71)


SPINNING_HOST = """
import sys, time
sys.path.insert(0, {conftest!r})
import conftest
pool = conftest.WorkerPool()
host = conftest.ScriptedHost(pool.acquire(conftest.LIMITS), {{}})
host.begin(conftest.make_start("while True: pass"))
host.receive()
(link,) = pool._sources.values()
print(host.worker.pid, link.pid, flush=True)
time.sleep(60)
"""


def test_killed_host_takes_zygote_and_spinning_worker_with_it(pytestconfig):
    code = SPINNING_HOST.format(conftest=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as proc:
        assert proc.stdout is not None
        pids = [int(text) for text in proc.stdout.readline().split()]

        proc.kill()

    for pid in pids:
        _wait_until(lambda pid=pid: not _is_alive(pid), 5)


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def test_dead_zygote_is_replaced_and_its_workers_are_gone(new_start, limits):
    with WorkerPool() as pool:
        first = pool.acquire(limits)
        (link,) = pool._sources.values()
        os.kill(link.pid, signal.SIGKILL)

        with pool.acquire(limits) as second:
            assert isinstance(wire.decode_from_worker(second.socket.receive(time.monotonic() + 10)), wire.Hello)
        first.close()

        assert not _is_alive(first.pid)


def test_closed_pool_leaves_no_process(limits):
    pool = WorkerPool()
    worker = pool.acquire(limits)
    (link,) = pool._sources.values()
    zygote = link.pid

    pool.close()

    _wait_until(lambda: not _is_alive(worker.pid) and not _is_alive(zygote), 5)
    worker.close()


def test_breach_cannot_be_caught_and_no_later_request_leaves(host, new_start, refusal):
    text = """
from circuitos import CircuitDB, CircuitLog
for _ in range(3):
    try:
        CircuitDB.query("SELECT id FROM Contact")
    except Exception:
        print("never")
    except BaseException as exc:
        print(type(exc).__name__)
try:
    CircuitDB.insert("Contact", {"last_name": "x"})
except BaseException:
    pass
raise ValueError("something else")
"""

    def breach(message, _host):
        raise refusal("GovernorLimitException", "Too many SOQL queries: 101")

    made = host({wire.Query: breach})
    done = made.run(new_start(text))

    assert (done.error.type, done.error.message) == ("GovernorLimitException", "Too many SOQL queries: 101")
    assert len(made.sent(wire.Query)) == 1
    assert made.sent(wire.Dml) == []
    assert made.stdout == "GovernorLimitException\n" * 3


def test_swallowed_breach_still_ends_as_the_breach(host, new_start, refusal):
    def breach(message, _host):
        raise refusal("GovernorLimitException", "Too many SOQL queries: 101")

    text = "from circuitos import CircuitDB\ntry:\n    CircuitDB.query('q')\nexcept BaseException:\n    pass"
    done = host({wire.Query: breach}).run(new_start(text))

    assert (done.exit_code, done.error.type) == (1, "GovernorLimitException")


def test_stop_ends_a_script_at_its_next_request_whatever_it_catches(host, new_start):
    text = """
from circuitos import CircuitDB
while True:
    try:
        CircuitDB.query("q")
        break
    except Exception:
        pass
"""
    made = host()
    made.begin(new_start(text))
    while not isinstance(made.receive(), wire.Query):
        pass

    made.send(wire.Stop(reason="stopped by the user"))
    while not isinstance(message := made.receive(), wire.Done):
        pass

    assert message.error.message == "stopped by the user"


def test_first_line_of_a_script_runs_soon_after_the_request(pool, new_start, limits):
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        with pool.acquire(limits) as worker:
            worker.socket.receive(time.monotonic() + 10)
            worker.socket.send(wire.encode(new_start("print('first')")))
            while not isinstance(
                wire.decode_from_worker(worker.socket.receive(time.monotonic() + 10)), wire.Output
            ):
                pass
            times.append(time.perf_counter() - begin)

    assert sorted(times)[len(times) // 2] < 0.1


def test_silent_worker_does_not_hold_the_host(host, new_start):
    made = _start(host, "import time\ntime.sleep(60)", new_start)

    with pytest.raises(DeadlinePassed):
        made.worker.socket.receive(time.monotonic() + 0.05)
