"""How long a worker takes from the request to a script's first line, beside a cold interpreter in the same run."""

from __future__ import annotations

import datetime as dt
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from circuit_link import wire
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import Worker, WorkerLimits

ROUNDS = 30
LIMITS = WorkerLimits(heap_bytes=64 * 1024 * 1024, cpu_ms=10_000)
COLD = "import circuitos, sys; sys.stdout.write('first')"


def _start(text: str) -> wire.Start:
    return wire.Start(
        version=wire.PROTOCOL_VERSION,
        mode="plain",
        entry=wire.AnonymousEntry(path="first.py", text=text),
        sources=(),
        objects=(),
        now=dt.datetime.now(dt.UTC),
        user=wire.UserRef(id="", name=""),
        limits_profile="circuit",
        limits={},
        seed=0,
        started_ns=time.monotonic_ns(),
        log_levels={},
    )


def _first_line(pool: WorkerPool) -> Worker:
    worker = pool.acquire(LIMITS)
    worker.socket.receive(time.monotonic() + 10)
    worker.socket.send(wire.encode(_start("print('first')\n")))
    while not isinstance(wire.decode_from_worker(worker.socket.receive(time.monotonic() + 10)), wire.Output):
        pass
    return worker


def _median_ms(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS)) * 1000


def test_request_to_first_line_of_script(capsys):
    with WorkerPool() as pool:
        _first_line(pool).close()

        def warm() -> float:
            begin = time.perf_counter()
            worker = _first_line(pool)
            elapsed = time.perf_counter() - begin
            worker.close()
            return elapsed

        def cold() -> float:
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-I", "-c", COLD], check=True, capture_output=True)
            return time.perf_counter() - begin

        warm_ms, cold_ms = _median_ms(warm), _median_ms(cold)

    with capsys.disabled():
        sys.stdout.write(
            f"\nrequest to first line of script: {warm_ms:.1f} ms from the pool, "
            f"{cold_ms:.1f} ms with a cold interpreter\n"
        )
    assert warm_ms <= 15
    assert warm_ms < cold_ms
