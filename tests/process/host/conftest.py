import os
import select
import sqlite3
from pathlib import Path

import pytest

import circuit_link.host_protocol as hp
from circuit_link.client import connect_or_start

OBJECT = """
label = "Area"
[fields.zip]
type = "text"
length = 10
required = true
[fields.income]
type = "integer"
"""
TRIGGER = """
from circuitos import CircuitTrigger, trigger

class AreaTrigger(CircuitTrigger):
    @trigger("Area", ["beforeInsert"])
    def double(self, context):
        for area in context.new_records:
            area.income = (area.income or 0) * 2
"""
CLASS = """
def covered():
    return 1


def uncovered():
    return 2
"""
TESTS = """
from circuitos import CircuitDB, CircuitGovernor
from circuitos.testing import CircuitTest, test

from classes.maths import covered


@test
class Areas:
    @test("Income is doubled")
    def doubled(self):
        (result,) = CircuitDB.insert("Area", [{"zip": "1", "income": 5}])
        assert result.success
        print("inserted")

    @test
    def fails(self):
        assert covered() == 2

    @test
    def errs(self):
        raise ValueError("no")

    @test("Too many statements", expects_limit="dml_statements")
    def breaches(self):
        while True:
            CircuitDB.insert("Area", [{"zip": "1"}])

    @test("Never breaches", expects_limit="dml_statements")
    def stays_below(self):
        pass
"""
FILES = {
    "circuit.toml": '[project]\nname = "Areas"\n',
    "objects/Area.toml": OBJECT,
    "triggers/area_trigger.py": TRIGGER,
    "classes/maths.py": CLASS,
    "tests/test_areas.py": TESTS,
    "seed/Area.csv": "zip,income\n10019,87450\n",
}


class Project:
    """A project in a temporary folder, its host processes, and its database seen from outside."""

    def __init__(self, root):
        self.root = root
        self.clients = []
        self.host_pids = set()

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def connect(self, subscribe=False):
        client = connect_or_start(self.root, client="test", subscribe=subscribe)
        self.clients.append(client)
        self.host_pids.add(client.attached.pid)
        return client

    def exec(self, client, text, *, commit=False, on_message=None, **options):
        entry = hp.ExecEntry(path="scripts/a.py", text=text)
        return client.run(hp.RunRequest(entry=entry, commit=commit, **options), on_message)

    def start(self, client, text, *, commit=False):
        """Start a script and return the number of the request and the run's id."""
        number = client.next_request()
        entry = hp.ExecEntry(path="scripts/a.py", text=text)
        client.send(hp.StartRun(request=number, run=hp.RunRequest(entry=entry, commit=commit)))
        started = self.await_message(client, hp.RunStarted)
        return number, started.run_id

    def await_message(self, client, kind, matches=lambda message: True):
        for message in client.messages():
            if isinstance(message, kind) and matches(message):
                return message
        raise AssertionError(f"no {kind.__name__} came")

    def await_output(self, client, text):
        return self.await_message(client, hp.OutputEmitted, lambda message: text in message.text)

    def rows(self):
        """Every row of every table, read by SQLite alone."""
        connection = sqlite3.connect(self.root / ".circuit" / "data.db")
        try:
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'o!_%' ESCAPE '!'"
            )
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for (name,) in names}
        finally:
            connection.close()

    def areas(self):
        return [row[1:] for row in self.column_rows("zip", "income")]

    def column_rows(self, *columns):
        connection = sqlite3.connect(self.root / ".circuit" / "data.db")
        try:
            return connection.execute(f"SELECT id, {', '.join(columns)} FROM o_area ORDER BY id").fetchall()
        finally:
            connection.close()

    def end(self, terminate):
        for client in self.clients:
            client.close()
        for pid in self.host_pids:
            terminate(pid)


def worker_of(host_pid):
    """The process that runs a script for this host. Process ids that a script sees are its own namespace's."""
    (worker,) = [
        pid
        for zygote in children_of(host_pid)
        for pid in children_of(zygote)
        if status_of(pid)["NSpid"].split()[-1] != "1"
    ]
    return worker


def children_of(parent):
    return [
        pid
        for pid in (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal())
        if status_of(pid).get("PPid") == str(parent)
    ]


def status_of(pid):
    """The kernel's account of a process; empty when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.fixture
def project(tmp_path, tmp_path_factory, monkeypatch, terminate):
    # Short: a socket's path has at most 107 bytes.
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    made = Project(tmp_path / "project")
    for path, text in FILES.items():
        made.write(path, text)
    yield made
    made.end(terminate)


@pytest.fixture
def worker_pid():
    return worker_of


@pytest.fixture
def await_end():
    """Wait until a process that is not our child has ended; signal 0 asks for nothing."""

    def wait(pid):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        ended = poller.poll(20_000)
        os.close(descriptor)
        assert ended, f"process {pid} does not end"

    return wait
