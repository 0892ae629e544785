"""Callouts to servers that stall, drip or flood: the run ends when it is to end, and takes only so much in."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from circuit_runtime.host.execution_request import RunControl


@pytest.fixture
def serve():
    """Starts a server whose connections are handled by a function, and gives its address."""
    ended = threading.Event()
    servers, threads = [], []

    def start(handle):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        handle(connection, ended)
                    except OSError:
                        pass

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    ended.set()
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join(10)


def stall(connection, ended):
    ended.wait(30)


def drip(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not ended.wait(0.05):
        connection.sendall(b"x")


def flood(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x" * 1_000_000)


def allow(bench, url, limits=""):
    bench.write(
        "circuit.toml", f'[project]\nname = "A"\n[callouts]\nallow = ["{url}"]\n[limits.overrides]\n{limits}'
    )


@pytest.mark.parametrize("handle", [stall, drip])
def test_the_wall_limit_ends_a_run_that_waits_for_an_answer(bench, serve, handle):
    url = serve(handle)
    allow(bench, url, "wall_ms = 500")
    began = time.monotonic()

    result = bench.run(f'from circuitos import CircuitHTTP\nCircuitHTTP.get("{url}/", timeout_s=60)')

    assert (result.outcome, result.breached) == ("limit", "wall_ms"), result.error
    assert time.monotonic() - began < 10


def test_a_stop_does_not_wait_for_an_answer(bench, serve):
    url = serve(stall)
    allow(bench, url)
    control = RunControl()
    threading.Timer(0.4, control.stop, ["stopped by the user"]).start()
    began = time.monotonic()

    result = bench.run(
        f'from circuitos import CircuitHTTP\nCircuitHTTP.get("{url}/", timeout_s=25)', control=control
    )

    assert (result.outcome, result.error.message) == ("killed", "stopped by the user")
    assert time.monotonic() - began < 10


def test_an_answer_that_is_too_long_is_an_exception_of_the_script(bench, serve, outside):
    url = serve(flood)
    allow(bench, url)
    before = outside.resident_bytes()
    text = f"""
from circuitos import CalloutException, CircuitHTTP
try:
    CircuitHTTP.get("{url}/")
except CalloutException as exc:
    print(exc)"""

    result = bench.run(text)

    assert result.outcome == "success", result.error
    assert "more than 6,291,456 bytes" in bench.seen.stdout
    assert outside.resident_bytes() - before < 60_000_000
