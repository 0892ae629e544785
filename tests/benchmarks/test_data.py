"""Queries and DML of a script through the whole runtime, beside `sqlite3` doing the same without it."""

from __future__ import annotations

import datetime as dt
import sqlite3
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from circuit_link import wire
from circuit_log.events import LogEvent
from circuit_log.levels import Category, Level, LogLevels
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host.execution_request import ExecutionRequest, RunControl
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.project.project import Project, load_files
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.soql.parser import parse
from circuit_runtime.store.store import Store

QUIET = LogLevels(dict.fromkeys(Category, Level.NONE))
FIELDS = [f"f{number:02d}" for number in range(20)]
OBJECT = 'label = "Row"\n' + "".join(f'[fields.{name}]\ntype = "text"\nlength = 80\n' for name in FIELDS)
SETTINGS = '[project]\nname = "bench"\n[limits.overrides]\nquery_rows = 1000000\ndml_rows = 1000000\n'
TRIGGER = """
from circuitos import CircuitTrigger, trigger

class RowTrigger(CircuitTrigger):
    @trigger("Row", ["beforeInsert", "afterInsert"])
    def nothing(self, context): ...
"""
INSERT = """
import time
from circuitos import CircuitDB
rows = [{f"f{i:02d}": f"value {n} of {i}" for i in range(20)} for n in range(10_000)]
began = time.perf_counter()
CircuitDB.insert("Row", rows)
print(time.perf_counter() - began)
"""
QUERY = """
import time
from circuitos import CircuitDB
began = time.perf_counter()
rows = CircuitDB.query("SELECT id, f00, f01, f02, f03, f04, f05, f06, f07, f08, f09 FROM Row")
count = sum(1 for row in rows if row.f00 is not None)
print(time.perf_counter() - began)
assert count == 50_000, count
"""
ROUND_TRIP = """
import time
from circuitos import CircuitDB
first = CircuitDB.query_one("SELECT id FROM Row LIMIT 1").id
times = []
for _ in range(90):
    began = time.perf_counter()
    CircuitDB.query("SELECT id, f00 FROM Row WHERE id = :id", id=first)
    times.append(time.perf_counter() - began)
print(sorted(times)[45])
"""


class Printed:
    def __init__(self) -> None:
        self.text = ""

    def emit(self, event: LogEvent) -> None:
        """Not looked at."""

    def output(self, stream: str, text: str) -> None:
        self.text += text


class Bench:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "bench.db"
        self.store = Store.open(f"sqlite:///{self.path}")
        self.pool = WorkerPool()
        self.runtime = Runtime(self.store, self.pool, CalloutClient())

    def run(self, text: str, *, triggers: bool = False, commit: bool = False) -> float:
        """What the script printed: seconds."""
        project = _project(triggers)
        self.store.migrate(project.schema)
        printed = Printed()
        entry = wire.AnonymousEntry(path="bench.py", text=text)
        request = ExecutionRequest(entry=entry, levels=QUIET, now=dt.datetime.now(dt.UTC), commit=commit)
        result = self.runtime.run(project, request, printed, RunControl())
        assert result.outcome == "success", result.error
        return float(printed.text)


def _project(triggers: bool) -> Project:
    files = {"circuit.toml": SETTINGS.encode(), "objects/Row.toml": OBJECT.encode()}
    if triggers:
        files["triggers/row_trigger.py"] = TRIGGER.encode()
    return load_files(files, "bench")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    yield made
    made.pool.close()
    made.store.close()


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n{text}")


def raw_insert_s(folder: Path) -> float:
    """10,000 rows of 20 fields and an id, as ready tuples."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("DROP TABLE IF EXISTS r")
    connection.execute(f"CREATE TABLE r (id TEXT PRIMARY KEY, {', '.join(FIELDS)}) WITHOUT ROWID")
    rows = [(f"{number:018d}", *(f"value {number} of {i}" for i in range(20))) for number in range(10_000)]
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO r VALUES ({','.join('?' * 21)})", rows)
    connection.execute("COMMIT")
    elapsed = time.perf_counter() - began
    connection.close()
    return elapsed


@pytest.mark.parametrize(("triggers", "goal"), [(False, 2), (True, 4)])
def test_insert_10_000(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], triggers: bool, goal: int
) -> None:
    ours = statistics.median(bench.run(INSERT, triggers=triggers) for _ in range(3))
    raw = statistics.median(raw_insert_s(tmp_path) for _ in range(3))

    what = "with a before and an after trigger" if triggers else "without triggers"
    say(
        capsys,
        f"insert 10,000 x 20 {what}: {ours * 1000:.0f} ms, raw executemany {raw * 1000:.0f} ms, "
        f"ratio {ours / raw:.1f} (goal {goal})",
    )
    assert ours / raw < 60


def test_query_50_000_and_round_trip(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        bench.run(INSERT, commit=True)
    ours = statistics.median(bench.run(QUERY) for _ in range(3))
    trip = bench.run(ROUND_TRIP)

    connection = sqlite3.connect(bench.path)
    connection.row_factory = lambda cursor, row: dict(zip([c[0] for c in cursor.description], row, strict=True))
    names = ", ".join(["id", *FIELDS[:10]])
    began = time.perf_counter()
    rows = connection.execute(f"SELECT {names} FROM o_row").fetchall()
    raw = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(100):
        connection.execute("SELECT id, f00 FROM o_row WHERE id = ?", (rows[0]["id"],)).fetchall()
    raw_trip = (time.perf_counter() - began) / 100
    connection.close()

    say(
        capsys,
        f"query 50,000 x 11 to Records: {ours * 1000:.0f} ms, sqlite3 to dicts {raw * 1000:.0f} ms, "
        f"ratio {ours / raw:.2f} (goal 2)\n"
        f"round trip of a query: {trip * 1e6:.0f} us, sqlite3 in the process {raw_trip * 1e6:.0f} us",
    )
    assert ours / raw < 20


def test_parse(capsys: pytest.CaptureFixture[str]) -> None:
    text = "SELECT id, account.name, email FROM Contact WHERE last_name = :name AND created_at > LAST_N_DAYS:30"
    texts = [f"{text} LIMIT {number}" for number in range(1, 200)]
    began = time.perf_counter()
    for each in texts:
        parse(each)
    uncached = (time.perf_counter() - began) / len(texts)
    began = time.perf_counter()
    for each in texts:
        parse(each)
    cached = (time.perf_counter() - began) / len(texts)

    say(
        capsys,
        f"parse of a query: {uncached * 1e6:.0f} us, seen before {cached * 1e6:.2f} us (goals 1,000 and 20)",
    )
    assert uncached < 0.01
