"""An idle worker started through the program that confines it on macOS, by a stand-in that confines nothing."""

from __future__ import annotations

from pathlib import Path

from circuit_link import wire
from circuit_runtime.sandbox import seatbelt
from circuit_runtime.sandbox.pool import WorkerPool

STAND_IN = """#!/bin/sh
while [ "$1" != -p ]; do shift; done
printf '%s' "$2" > "$0.profile"
shift 2
exec "$@"
"""


def test_worker_started_through_another_program_keeps_its_descriptors_and_process(
    monkeypatch, tmp_path, new_start, limits
):
    program = tmp_path / "sandbox-exec"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setattr(seatbelt, "SANDBOX_EXEC", str(program))
    monkeypatch.setattr(seatbelt, "is_available", lambda: True)

    with WorkerPool(fork=False) as pool, pool.acquire(limits) as worker:
        hello = wire.decode_from_worker(worker.socket.receive())
        worker.socket.send(wire.encode(new_start("print('ran')")))
        printed = ""
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive()), wire.Done):
            printed += message.text if isinstance(message, wire.Output) else ""

    assert isinstance(hello, wire.Hello)
    assert printed == "ran\n"
    assert "seatbelt" not in hello.layers  # the worker asks the system, and this one knows of no such thing
    assert Path(f"{program}.profile").read_text().startswith("(version 1)\n(deny default)\n")
