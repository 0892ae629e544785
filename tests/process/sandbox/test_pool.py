"""Pools and what the doctor's probes find."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from circuit_link import wire
from circuit_link.errors import UserFacingError
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.probes import probe
from circuit_runtime.sandbox.worker import WorkerExit


def test_probes_find_every_guarantee_enforced_here(pool):
    probed = probe(pool)

    assert [guarantee for guarantee in probed.guarantees if not guarantee.enforced] == []
    assert all(guarantee.how for guarantee in probed.guarantees)


def test_probes_name_the_layers_that_are_used(pool):
    used = {layer.name for layer in probe(pool).layers if layer.used}

    assert used >= {"no_new_privileges", "landlock", "seccomp", "rlimits", "private_root", "no_native_code"}


def test_debug_workers_lack_only_the_refusal_of_native_code(pool):
    lacking = [guarantee.name for guarantee in probe(pool, debug=True).guarantees if not guarantee.enforced]

    assert lacking == ["no_native_code"]


def test_debug_workers_hide_their_memory_and_have_a_second_socket(pool, new_start, limits):
    with pool.acquire(limits, debug=True) as worker:
        hello = wire.decode_from_worker(worker.socket.receive())

        assert isinstance(hello, wire.Hello)
        assert "non_dumpable" in hello.layers
        assert worker.debug_socket is not None


def test_secret_of_the_host_s_environment_is_not_in_the_worker(monkeypatch, new_start, limits):
    monkeypatch.setenv("CIRCUIT_PLANTED_TOKEN", "planted-secret")
    text = """
import gc, os
try:
    print("planted" in open("/proc/self/environ").read())
except PermissionError:
    print(False)
print("planted" in repr(os.environ), len(os.environ))
print(any(isinstance(item, str) and "planted-" + "secret" in item for item in gc.get_objects()))
"""
    with WorkerPool() as pool, pool.acquire(limits) as worker:
        worker.socket.receive()
        worker.socket.send(wire.encode(new_start(text)))
        printed = ""
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive()), wire.Done):
            printed += message.text if isinstance(message, wire.Output) else ""

    assert printed == "False\nFalse 0\nFalse\n"


def test_idle_processes_serve_where_fork_is_not_available(new_start, limits):
    with WorkerPool(fork=False) as pool:
        for number in range(3):
            with pool.acquire(limits) as worker:
                assert isinstance(wire.decode_from_worker(worker.socket.receive()), wire.Hello)
                worker.socket.send(wire.encode(new_start(f"import os\nprint({number}, dict(os.environ))")))
                printed = ""
                while not isinstance(message := wire.decode_from_worker(worker.socket.receive()), wire.Done):
                    printed += message.text if isinstance(message, wire.Output) else ""
            assert printed == f"{number} {{}}\n"
            assert worker.wait() == WorkerExit(signal=9)


def test_interpreter_that_cannot_start_is_an_error_for_the_user(tmp_path, limits):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 1\n")
    broken.chmod(0o755)

    with WorkerPool(python=str(broken), fork=True) as pool, pytest.raises(UserFacingError) as caught:
        pool.acquire(limits)

    assert caught.value.code == "SANDBOX_UNAVAILABLE"
    assert "no such module" in caught.value.details


def test_many_transactions_leave_no_descriptor_and_no_process(pool, limits):
    with pool.acquire(limits):
        pass
    before = len(list(Path("/proc/self/fd").iterdir()))

    workers = [pool.acquire(limits) for _ in range(8)]
    for worker in workers:
        worker.close()

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)


def test_workers_run_side_by_side(pool, new_start, limits):
    workers = [pool.acquire(limits) for _ in range(3)]
    for number, worker in enumerate(workers):
        worker.socket.receive()
        worker.socket.send(wire.encode(new_start(f"print({number})")))

    printed = []
    for worker in workers:
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive()), wire.Done):
            printed += [message.text] if isinstance(message, wire.Output) else []
        worker.close()

    assert printed == ["0\n", "1\n", "2\n"]
