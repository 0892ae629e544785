"""A small host that speaks the wire with a real worker, for tests of the worker's side."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from circuit_link import wire
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import Worker, WorkerLimits

LIMITS = WorkerLimits(heap_bytes=64 * 1024 * 1024, cpu_ms=10_000)
NOW = dt.datetime(2025, 11, 13, 17, 45, 23, tzinfo=dt.UTC)
OBJECTS = (
    wire.ObjectInfo(
        name="Contact",
        key_prefix="003",
        fields=(
            wire.FieldInfo(name="id", type="id", writable=False),
            wire.FieldInfo(name="created_at", type="datetime", writable=False),
            wire.FieldInfo(name="first_name", type="text"),
            wire.FieldInfo(name="last_name", type="text"),
            wire.FieldInfo(name="email", type="email"),
            wire.FieldInfo(name="score", type="integer"),
            wire.FieldInfo(name="rate", type="decimal"),
            wire.FieldInfo(name="tags", type="multipicklist"),
            wire.FieldInfo(name="extra", type="json"),
            wire.FieldInfo(name="birthdate", type="date"),
            wire.FieldInfo(name="last_visit", type="datetime"),
            wire.FieldInfo(name="called", type="boolean"),
            wire.FieldInfo(name="account", type="lookup", reference_to=("Account",)),
        ),
    ),
    wire.ObjectInfo(
        name="Account",
        key_prefix="001",
        fields=(
            wire.FieldInfo(name="id", type="id", writable=False),
            wire.FieldInfo(name="name", type="text"),
            wire.FieldInfo(name="industry", type="text"),
        ),
        children={"contacts": ("Contact", "account")},
    ),
    wire.ObjectInfo(name="ZipIncome", key_prefix="a01", fields=(wire.FieldInfo(name="name", type="text"),)),
)
DONE_TIMEOUT_S = 20.0


class Refusal(Exception):
    """Raised by a handler to answer with an Error."""

    def __init__(
        self, exception: str, message: str, failures: tuple[tuple[int, wire.FailedRecord], ...] = ()
    ) -> None:
        super().__init__(message)
        self.exception = exception
        self.message = message
        self.failures = failures


Handler = Callable[[Any, "ScriptedHost"], Any]


@dataclass
class ScriptedHost:
    """Runs one entry in a worker and answers its requests by `handlers` (message type to function)."""

    worker: Worker
    handlers: Mapping[type, Handler]
    hello: wire.Hello | None = None
    messages: list[wire.WorkerToHost] = field(default_factory=list)
    done: wire.Done | None = None
    calls: int = 0

    def run(self, start: wire.Start, timeout_s: float = DONE_TIMEOUT_S) -> wire.Done:
        self.begin(start, timeout_s)
        while self.done is None:
            self.step()
        return self.done

    def begin(self, start: wire.Start, timeout_s: float = DONE_TIMEOUT_S) -> None:
        self.deadline = time.monotonic() + timeout_s
        hello = wire.decode_from_worker(self.worker.socket.receive(self.deadline))
        assert isinstance(hello, wire.Hello)
        self.hello = hello
        self.send(start)

    def send(self, message: wire.HostToWorker) -> None:
        self.worker.socket.send(wire.encode(message), self.deadline)

    def receive(self) -> wire.WorkerToHost:
        message = wire.decode_from_worker(self.worker.socket.receive(self.deadline))
        self.messages.append(message)
        return message

    def step(self) -> wire.WorkerToHost:
        message = self.receive()
        match message:
            case wire.Done():
                self.done = message
            case wire.Log() | wire.Output() | wire.Return():
                pass
            case _:
                self.answer(message)
        return message

    def answer(self, message: Any) -> None:
        handler = self.handlers.get(type(message))
        if handler is None:
            raise AssertionError(f"the worker asked for {message}")
        try:
            value = handler(message, self)
        except Refusal as refusal:
            self.send(
                wire.Error(
                    id=message.id,
                    exception=refusal.exception,
                    message=refusal.message,
                    failures=refusal.failures,
                )
            )
        else:
            self.send(wire.Reply(id=message.id, value=msgspec.Raw(wire.encode(value))))

    def call(self, **fields: Any) -> wire.Return:
        """Run triggers; requests that come in between are answered."""
        self.calls += 1
        number = 1000 + self.calls
        self.send(wire.Call(id=number, **fields))
        while True:
            message = self.step()
            if isinstance(message, wire.Return):
                assert message.id == number
                return message
            if isinstance(message, wire.Done):
                raise AssertionError(f"the worker ended within a call: {message}")

    @property
    def stdout(self) -> str:
        return "".join(m.text for m in self.messages if isinstance(m, wire.Output) and m.stream == "stdout")

    @property
    def stderr(self) -> str:
        return "".join(m.text for m in self.messages if isinstance(m, wire.Output) and m.stream == "stderr")

    @property
    def entries(self) -> list[wire.LogEntry]:
        return [entry for m in self.messages if isinstance(m, wire.Log) for entry in m.entries]

    def sent(self, kind: type) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]


def make_start(
    entry: wire.Entry | str,
    files: Mapping[str, str] | None = None,
    *,
    mode: wire.Mode = "plain",
    level: int = 4,
    **fields: Any,
) -> wire.Start:
    """A Start for script text, or for an entry, over `files`."""
    if isinstance(entry, str):
        entry = wire.AnonymousEntry(path="scripts/main.py", text=entry)
    return wire.Start(
        **{
            "version": wire.PROTOCOL_VERSION,
            "mode": mode,
            "entry": entry,
            "sources": tuple(
                wire.Source(path=path, text=text, sha256=hashlib.sha256(text.encode()).hexdigest())
                for path, text in (files or {}).items()
            ),
            "objects": OBJECTS,
            "now": NOW,
            "user": wire.UserRef(id="005000000000001AAA", name="Ada", time_zone="America/New_York"),
            "limits_profile": "circuit",
            "limits": {},
            "seed": 7,
            "started_ns": time.monotonic_ns(),
            "log_levels": {"APEX_CODE": level},
            **fields,
        }
    )


@pytest.fixture(scope="session")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


@pytest.fixture
def limits() -> WorkerLimits:
    return LIMITS


@pytest.fixture
def new_start() -> Callable[..., wire.Start]:
    return make_start


@pytest.fixture
def refusal() -> type[Refusal]:
    return Refusal


@pytest.fixture
def host(pool: WorkerPool) -> Iterator[Callable[..., ScriptedHost]]:
    """Makes hosts, each with a fresh worker that ends with the test."""
    hosts: list[ScriptedHost] = []

    def make(handlers: Mapping[type, Handler] | None = None, limits: WorkerLimits = LIMITS) -> ScriptedHost:
        made = ScriptedHost(pool.acquire(limits), handlers or {})
        hosts.append(made)
        return made

    yield make
    for made in hosts:
        made.worker.close()


@pytest.fixture
def run(host: Callable[..., ScriptedHost]) -> Callable[..., ScriptedHost]:
    """Runs an entry to its end and returns the host with what it saw."""

    def run_entry(
        entry: wire.Entry | str,
        files: Mapping[str, str] | None = None,
        handlers: Mapping[type, Handler] | None = None,
        **fields: Any,
    ) -> ScriptedHost:
        made = host(handlers)
        made.run(make_start(entry, files, **fields))
        return made

    return run_entry
