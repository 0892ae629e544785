"""A project whose runs are executed in this process by real workers, and what can be counted from outside."""

from __future__ import annotations

import datetime as dt
import errno
import os
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import circuit_link.host_protocol as hp
from circuit_link import wire
from circuit_link.client import connect_or_start
from circuit_log.levels import LogLevels
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host.execution_request import ExecutionRequest, RunControl
from circuit_runtime.host.local_workspace import LocalWorkspace
from circuit_runtime.sandbox.pool import WorkerPool

OBJECT = """
label = "Area"
[fields.zip]
type = "text"
length = 10
required = true
[fields.income]
type = "integer"
[fields.share]
type = "decimal"
[fields.extra]
type = "json"
[fields.seen]
type = "date"
"""
TRIGGER = """
from circuitos import CircuitTrigger, trigger

class AreaTrigger(CircuitTrigger):
    @trigger("Area", ["beforeInsert", "afterInsert"])
    def handle(self, context):
        if context.is_before:
            for area in context.new_records:
                area.income = (area.income or 0) + 1
"""
FILES = {
    "circuit.toml": '[project]\nname = "Areas"\n',
    "objects/Area.toml": OBJECT,
    "triggers/area.py": TRIGGER,
}
GOOD = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "good"})\n'


class Seen:
    """Keeps what a run tells."""

    def __init__(self):
        self.events = []
        self.stdout = ""
        self.stderr = ""

    def emit(self, event):
        self.events.append(event)

    def output(self, stream, text):
        if stream == "stdout":
            self.stdout += text
        else:
            self.stderr += text


class Bench:
    """Runs scripts; `seen` is what the last one told, `rows` what SQLite alone finds in the database."""

    def __init__(self, root: Path, pool: WorkerPool) -> None:
        self.root = root
        self.pool = pool
        self.callouts = CalloutClient()
        self.seen = Seen()
        self._workspace = None

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def limits(self, **overrides):
        lines = "".join(f"{name} = {value}\n" for name, value in overrides.items())
        self.write("circuit.toml", f'[project]\nname = "Areas"\n[limits.overrides]\n{lines}')

    @property
    def workspace(self):
        if self._workspace is None:
            self._workspace = LocalWorkspace(self.root, self.pool, self.callouts)
        return self._workspace

    def run(self, text, *, mode="plain", control=None, timeout_s=None, entry=None):
        self.seen = Seen()
        request = ExecutionRequest(
            entry=entry or wire.AnonymousEntry(path="a.py", text=text),
            levels=LogLevels(),
            now=dt.datetime.now(dt.UTC),
            mode=mode,
            commit=True,
            timeout_s=timeout_s,
        )
        with self.workspace.opened() as opened:
            return opened.runtime.run(opened.project, request, self.seen, control or RunControl())

    def rows(self):
        connection = sqlite3.connect(self.root / ".circuit" / "data.db")
        try:
            return connection.execute("SELECT * FROM o_area ORDER BY id").fetchall()
        finally:
            connection.close()

    def close(self):
        """The next run opens the data anew."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None


def parents():
    """Live processes and their parents."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            if after_name[0] not in "ZX":
                found[int(folder.name)] = int(after_name[1])
    return found


def children(pid):
    return {child for child, parent in parents().items() if parent == pid}


def descendants(pid):
    """Live processes below `pid`."""
    known, found = parents(), {pid}
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found - {pid}


def is_alive(pid):
    return pid in parents()


def descriptors(pid="self"):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident_bytes(pid="self"):
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def threads(pid):
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def wait_until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.01)


class Outside:
    """What the operating system says of a process."""

    children = staticmethod(children)
    descendants = staticmethod(descendants)
    is_alive = staticmethod(is_alive)
    descriptors = staticmethod(descriptors)
    threads = staticmethod(threads)
    resident_bytes = staticmethod(resident_bytes)
    wait_until = staticmethod(wait_until)


@pytest.fixture
def outside():
    return Outside


@pytest.fixture(scope="session")
def pool():
    with WorkerPool() as made:
        yield made


@pytest.fixture
def bench(tmp_path, pool):
    made = Bench(tmp_path / "project", pool)
    made.limits()
    made.write("objects/Area.toml", OBJECT)
    made.write("triggers/area.py", TRIGGER)
    (made.root / ".circuit").mkdir()
    assert made.run(GOOD).committed
    yield made
    made.close()


@pytest.fixture
def check_unharmed(bench, outside):
    """After whatever a test did: the rows are as they were but for `added` new ones, nothing is left over, and
    the next run works."""
    before = bench.rows()
    processes = outside.descendants(os.getpid())
    open_descriptors = outside.descriptors()

    def check(added=0):
        assert bench.rows()[: len(before)] == before
        assert len(bench.rows()) == len(before) + added
        outside.wait_until(lambda: outside.descendants(os.getpid()) <= processes)
        outside.wait_until(lambda: outside.descriptors() <= open_descriptors)
        assert bench.run(GOOD).committed
        assert len(bench.rows()) == len(before) + added + 1

    return check


class Host:
    """The real host process of a project, and clients of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._clients = []
        self._pids = set()

    def client(self):
        made = connect_or_start(self.root, client="test")
        self._clients.append(made)
        self._pids.add(made.attached.pid)
        return made

    def run(self, client, text, on_message=None, **options):
        entry = hp.ExecEntry(path="a.py", text=text)
        return client.run(hp.RunRequest(entry=entry, commit=True, **options), on_message)

    def rows(self):
        """Every row of every table."""
        connection = sqlite3.connect(self.root / ".circuit" / "data.db")
        try:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for (name,) in names}
        finally:
            connection.close()

    def end(self, terminate):
        for client in self._clients:
            client.close()
        for pid in self._pids:
            terminate(pid)


@pytest.fixture
def new_host(monkeypatch, terminate):
    """Makes the host of the project in a folder."""
    with tempfile.TemporaryDirectory() as runtime:  # short, since a socket's path is limited
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield from _hosts(terminate)


def _hosts(terminate):
    made = []

    def make(root: Path) -> Host:
        for path, text in FILES.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        made.append(Host(root))
        return made[-1]

    yield make
    for host in made:
        host.end(terminate)


@pytest.fixture
def host(new_host, tmp_path):
    return new_host(tmp_path / "project")


class SmallDisk:
    """A file system of its own with a few megabytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, but_bytes=0):
        """Leave only so many bytes."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError as exc:
                assert exc.errno == errno.ENOSPC
            file.truncate(max(0, file.tell() - but_bytes))

    def free(self):
        self._filler.unlink()


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "small", folder], check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no tmpfs")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
