"""The worker, or the host, is killed at every single message of a run with DML: nothing of it may stay."""

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from circuit_link import wire
from circuit_log.levels import LogLevels
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host.execution_request import ExecutionRequest, RunControl
from circuit_runtime.host.local_workspace import LocalWorkspace
from circuit_runtime.sandbox.pool import WorkerPool

SCRIPT = """
from circuitos import CircuitDB, CircuitLog

(first, second) = CircuitDB.insert("Area", [{"zip": "1"}, {"zip": "2"}])
mark = CircuitDB.savepoint()
CircuitDB.update("Area", [{"id": first.id, "income": 5}])
CircuitDB.rollback(mark)
CircuitLog.info("half way")
CircuitDB.delete("Area", [second.id])
print("done")
"""


class KillingSocket:
    """Counts the frames that come from a worker, and strikes at one of them."""

    def __init__(self, inner, strike_at, strike):
        self._inner = inner
        self._strike_at = strike_at
        self._strike = strike
        self.frames = 0

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def receive(self, deadline=None):
        frame = self._inner.receive(deadline)
        if self.frames == self._strike_at:
            self._strike()
        self.frames += 1
        return frame


class KillingPool:
    """Hands out real workers behind a `KillingSocket`."""

    def __init__(self, pool, strike_at, strike):
        self._pool = pool
        self._strike_at = strike_at
        self._strike = strike
        self.sockets = []

    def acquire(self, limits, **kind):
        worker = self._pool.acquire(limits, **kind)
        worker.socket = KillingSocket(worker.socket, self._strike_at, lambda: self._strike(worker))
        self.sockets.append(worker.socket)
        return worker


class Nobody:
    def emit(self, event):
        pass

    def output(self, stream, text):
        pass


def execute(root, pool):
    workspace = LocalWorkspace(root, pool, CalloutClient())
    request = ExecutionRequest(
        entry=wire.AnonymousEntry(path="a.py", text=SCRIPT),
        levels=LogLevels(),
        now=dt.datetime.now(dt.UTC),
        commit=True,
    )
    try:
        with workspace.opened() as opened:
            return opened.runtime.run(opened.project, request, Nobody(), RunControl())
    finally:
        workspace.close()


def rows(root):
    """Every row of every table."""
    connection = sqlite3.connect(root / ".circuit" / "data.db")
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}
    finally:
        connection.close()


@pytest.fixture
def pool():
    with WorkerPool() as pool:
        yield pool


def test_a_worker_killed_at_any_message_leaves_all_or_nothing(project, pool):
    (project.root / ".circuit").mkdir()
    counting = KillingPool(pool, -1, lambda worker: None)
    assert execute(project.root, counting).outcome == "success"
    count = counting.sockets[0].frames
    outcomes = []

    for idx in range(count):
        before = rows(project.root)
        result = execute(project.root, KillingPool(pool, idx, lambda worker: (worker.kill(), worker.wait(5))))
        outcomes.append((result.outcome, result.committed))
        if not result.committed:
            assert rows(project.root) == before, idx
        else:
            assert len(rows(project.root)["o_area"]) == len(before["o_area"]) + 2, idx

    # Only where `Done` lay in the socket already, behind the output that goes with it, may the run stand.
    assert set(outcomes[:-3]) == {("killed", False)}
    assert outcomes[-1] == ("success", True)


def test_a_host_killed_at_any_message_leaves_nothing(project, pool):
    (project.root / ".circuit").mkdir()
    counting = KillingPool(pool, -1, lambda worker: None)
    assert execute(project.root, counting).outcome == "success"
    before = rows(project.root)

    for idx in range(counting.sockets[0].frames):
        host = subprocess.run(
            [sys.executable, "-c", HOST, json.dumps([__file__, str(project.root), idx])],
            timeout=60,
            capture_output=True,
            text=True,
        )
        assert host.returncode == -signal.SIGKILL, (idx, host.stderr)
        assert rows(project.root) == before, idx

    assert execute(project.root, pool).committed


def test_a_zygote_killed_at_any_message_leaves_all_or_nothing(project, pool):
    (project.root / ".circuit").mkdir()
    counting = KillingPool(pool, -1, lambda worker: None)
    assert execute(project.root, counting).outcome == "success"

    for idx in range(counting.sockets[0].frames):
        before = rows(project.root)
        result = execute(project.root, KillingPool(pool, idx, lambda worker: os.kill(parent(worker.pid), 9)))
        if result.committed:
            assert len(rows(project.root)["o_area"]) == len(before["o_area"]) + 2, idx
        else:
            assert (result.outcome, rows(project.root)) == ("killed", before), idx

    assert execute(project.root, pool).committed


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])


HOST = """
import importlib.util, json, os, signal, sys
from pathlib import Path
from circuit_runtime.sandbox.pool import WorkerPool

file, root, idx = json.loads(sys.argv[1])
spec = importlib.util.spec_from_file_location("kill_tests", file)
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
with WorkerPool() as pool:
    tests.execute(Path(root), tests.KillingPool(pool, idx, lambda worker: os.kill(os.getpid(), signal.SIGKILL)))
"""
