"""Runs scripts on the real runtime, each on a database of its own, and keeps what the log got."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from circuit_link import wire
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.events import LogEvent
from circuit_log.levels import LogLevels
from circuit_runtime.callouts.port import CalloutPort
from circuit_runtime.host.execution_request import ExecutionRequest, ExecutionResult, RunControl
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.project.project import load_files
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.store.store import Store

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def _nothing(_heard: object) -> None:
    """Nobody listens."""


@dataclass
class Sink:
    """What a run emitted and printed; `on_event` and `on_output` hear it on the run's thread."""

    on_event: Callable[[LogEvent], None] = _nothing
    on_output: Callable[[str], None] = _nothing
    events: list[LogEvent] = field(default_factory=list)
    stdout: str = ""

    def emit(self, event: LogEvent) -> None:
        self.events.append(event)
        self.on_event(event)

    def output(self, stream: str, text: str) -> None:
        self.stdout += text
        self.on_output(text)

    def log(self) -> str:
        """The events as ApexLog text."""
        writer = ApexLogWriter(LogLevels(), NOW)
        return "".join(writer.lines(event) for event in self.events)


class OpenLine:
    """The `CalloutPort` of a network where everybody answers at once."""

    def send(self, method: str, url: str, *_details: object) -> wire.HttpAnswer:
        return wire.HttpAnswer(status_code=200, headers={}, body=b'{"ok": true}')


class Place:
    """A project with its database, which scripts run in one after another."""

    def __init__(self, files: Mapping[str, str], address: str, pool: WorkerPool, callouts: CalloutPort) -> None:
        self.project = load_files({path: text.encode() for path, text in files.items()}, "place")
        self.store = Store.open(address)
        self.store.migrate(self.project.schema)
        self._runtime = Runtime(self.store, pool, callouts)

    def run(
        self,
        text: str,
        *,
        commit: bool = False,
        on_event: Callable[[LogEvent], None] = _nothing,
        on_output: Callable[[str], None] = _nothing,
    ) -> tuple[ExecutionResult, Sink]:
        sink = Sink(on_event, on_output)
        request = ExecutionRequest(
            entry=wire.AnonymousEntry(path="script.py", text=f"from circuitos import *\n{text}"),
            levels=LogLevels(),
            now=NOW,
            commit=commit,
        )
        return self._runtime.run(self.project, request, sink, RunControl()), sink

    def count(self, object_name: str) -> int:
        """How many records of an object are committed, deleted ones left out."""
        with self.store.session() as session:
            table = self.project.schema.objects[object_name].table
            return int(session.execute(f"SELECT COUNT(*) FROM {table} WHERE NOT is_deleted")[0][0])


MakePlace = Callable[..., Place]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool()
    yield pool
    pool.close()


@pytest.fixture
def make_place(pool: WorkerPool, tmp_path: Path) -> Iterator[MakePlace]:
    """Makes projects from the settings below `[project]` and other files."""
    made: list[Place] = []

    def make(
        settings: str = "",
        files: Mapping[str, str] | None = None,
        callouts: CalloutPort | None = None,
        address: str = "",
    ) -> Place:
        texts = {"circuit.toml": f'[project]\nname = "place"\n{settings}', **(files or {})}
        address = address or f"sqlite:///{tmp_path / f'data{len(made)}.db'}"
        made.append(Place(texts, address, pool, callouts or OpenLine()))
        return made[-1]

    yield make
    for place in made:
        place.store.close()
