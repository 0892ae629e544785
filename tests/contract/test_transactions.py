"""Transactions of several workers on one database, seen from outside: locks, and what is visible when."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from circuit_link import wire
from circuit_log.events import LocksReleased, LogEvent, UserDebug
from circuit_log.levels import LogLevels
from circuit_runtime.callouts.port import CalloutPort
from circuit_runtime.host.execution_request import ExecutionRequest, ExecutionResult, RunControl
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.project.project import Project, load_files
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.store import Store

SETTINGS = '[project]\nname = "locks"\n[callouts]\nallow = ["https://api.example.com"]\n[limits]\nprofile = "{}"\n'
COUNTER = 'label = "Counter"\n[fields.count]\ntype = "integer"\n'
MAKE = (
    'from circuitos import CircuitDB\nCircuitDB.insert("Counter", {"name": "c", "count": 0})\nprint("inserted")\n'
)
COUNT_UP = """
from circuitos import CircuitDB
print("asking")
row = CircuitDB.query_one("SELECT id, count FROM Counter WHERE name = 'c' FOR UPDATE")
print("locked")
CircuitDB.update("Counter", {"id": row.id, "count": row.count + 1})
"""
CALL_OUT = """
from circuitos import CircuitDB, CircuitHTTP
row = CircuitDB.query_one("SELECT id, count FROM Counter FOR UPDATE")
{}
CircuitHTTP.get("https://api.example.com/")
"""
TAKE_CARE = """
from circuitos import CircuitDB, DmlException
try:
    CircuitDB.query("SELECT id FROM Counter FOR UPDATE")
except DmlException as exc:
    print("busy:", exc)
print(CircuitDB.count("SELECT COUNT() FROM Counter"))
"""


class Answers(CalloutPort):
    """The outer world: runs `meanwhile` before it answers."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, *_request: object) -> wire.HttpAnswer:
        self.meanwhile()
        return wire.HttpAnswer(status_code=200, headers={}, body=b"")


@dataclass
class Sink:
    """Events and output of a run; `on_output` may hold the run up."""

    on_output: Callable[[str], None] = lambda _text: None
    text: str = ""
    events: list[LogEvent] = field(default_factory=list)

    def emit(self, event: LogEvent) -> None:
        self.events.append(event)

    def output(self, stream: str, text: str) -> None:
        self.text += text
        self.on_output(text)


@dataclass
class Place:
    store: Store
    runtime: Runtime
    answers: Answers

    def run(self, text: str, sink: Sink | None = None, profile: str = "apex") -> ExecutionResult:
        project = project_of(profile)
        entry = wire.AnonymousEntry(path="script.py", text=text)
        request = ExecutionRequest(entry=entry, levels=LogLevels(), now=dt.datetime.now(dt.UTC), commit=True)
        return self.runtime.run(project, request, sink or Sink(), RunControl())

    def counts(self) -> list[int]:
        with self.store.session() as session:
            return [row[0] for row in session.execute("SELECT c.count FROM o_counter c")]


def project_of(profile: str) -> Project:
    files = {"circuit.toml": SETTINGS.format(profile).encode(), "objects/Counter.toml": COUNTER.encode()}
    return load_files(files, "locks")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    made = WorkerPool()
    yield made
    made.close()


@pytest.fixture
def place(url: str, pool: WorkerPool) -> Iterator[Place]:
    store = Store.open(url)
    store.migrate(project_of("apex").schema)
    answers = Answers()
    yield Place(store, Runtime(store, pool, answers), answers)
    store.close()


def test_t11_nobody_else_sees_a_record_before_the_transaction_ends(place: Place) -> None:
    seen: list[list[int]] = []

    result = place.run(MAKE, Sink(on_output=lambda _text: seen.append(place.counts())))

    assert result.committed, result.error
    assert seen[0] == []
    assert place.counts() == [0]


def test_d10_for_update_makes_a_second_worker_wait_until_the_first_commits(place: Place) -> None:
    place.run(MAKE)
    is_locked, may_go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def hold(text: str) -> None:
        if "locked" in text:
            order.append("first locked")
            is_locked.set()
            may_go_on.wait(30)

    def note(text: str) -> None:
        order.extend(f"second {word}" for word in text.split())
        if "asking" in text:
            may_go_on.set()

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(place.run, COUNT_UP, Sink(on_output=hold))
        assert is_locked.wait(30)
        second = threads.submit(place.run, COUNT_UP, Sink(on_output=note))
        assert (first.result(60).outcome, second.result(60).outcome) == ("success", "success")

    assert order == ["first locked", "second asking", "second locked"]
    assert place.counts() == [2]


def test_d10_a_worker_that_waits_too_long_for_a_row_may_go_on_without_it(place: Place) -> None:
    place.run(MAKE)
    other = Sink()

    holder = Sink(on_output=lambda text: place.run(TAKE_CARE, other) if "locked" in text else None)
    place.run(COUNT_UP, holder)

    assert other.text.startswith("busy: UNABLE_TO_LOCK_ROW")
    assert other.text.splitlines()[-1] == "1"


@pytest.mark.parametrize("profile", ["apex", "circuit"])
def test_d10_a_callout_gives_the_locks_back_and_the_log_says_so(place: Place, profile: str) -> None:
    place.run(MAKE)
    sink = Sink()
    place.answers.meanwhile = lambda: place.run(COUNT_UP)

    result = place.run(CALL_OUT.format(""), sink, profile)

    assert result.outcome == "success", result.error
    assert [event.line for event in sink.events if isinstance(event, LocksReleased)] == [5]
    assert place.counts() == [1]


def test_d10_locks_are_kept_where_there_is_uncommitted_work_and_the_log_says_so(place: Place) -> None:
    place.run(MAKE)
    sink = Sink()

    result = place.run(CALL_OUT.format('CircuitDB.update("Counter", row)'), sink, "circuit")

    assert result.outcome == "success", result.error
    assert not [event for event in sink.events if isinstance(event, LocksReleased)]
    assert ["stay locked" in event.text for event in sink.events if isinstance(event, UserDebug)] == [True]


def test_a_query_that_the_database_cannot_answer_leaves_the_transaction_usable(place: Place) -> None:
    text = """
from circuitos import CircuitDB, QueryException
huge = [{"name": str(n), "count": 2**62} for n in range(4)]
CircuitDB.insert("Counter", huge)
try:
    CircuitDB.query("SELECT SUM(count) FROM Counter")
except QueryException as exc:
    print("refused")
CircuitDB.insert("Counter", {"name": "after", "count": 1})
"""
    sink = Sink()

    result = place.run(text, sink)

    assert result.committed, result.error
    assert sink.text == "refused\n"
    assert len(place.counts()) == 5


def test_a_record_too_long_for_a_message_is_refused_and_the_statement_leaves_nothing(place: Place) -> None:
    text = """
from circuitos import CircuitDB, CircuitException
rows = [{"name": "x" * 70} for _ in range(3000)] + [{"name": "y" * 9_000_000}]
try:
    CircuitDB.insert("Counter", rows)
except CircuitException as exc:
    print(type(exc).__name__, "too long" in str(exc))
CircuitDB.insert("Counter", {"name": "after", "count": 1})
"""
    sink = Sink()

    result = place.run(text, sink, "circuit")

    assert result.committed, result.error
    assert sink.text == "CircuitException True\n"
    assert place.counts() == [1]
