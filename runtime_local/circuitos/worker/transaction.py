"""The transaction that this process runs. The public API consists of static classes, so it is found here."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from circuit_link import wire
from circuitos.worker.channel import Channel
from circuitos.worker.journal import Journal
from circuitos.worker.scripts import Scripts

if TYPE_CHECKING:
    from circuitos.api.objects import ObjectCatalog
    from circuitos.testing.mocks import ClassMocks
    from circuitos.worker.dispatch import TriggerDispatch

_monotonic_ns = time.monotonic_ns


class Clock:
    """The transaction's clock: starts at `Start.now` and goes on with real time, unless fixed."""

    def __init__(self, now: dt.datetime, *, fixed: bool) -> None:
        self._base = now.astimezone(dt.UTC)
        self._fixed = fixed
        self._from_ns = _monotonic_ns()

    def now(self) -> dt.datetime:
        if self._fixed:
            return self._base
        return self._base + dt.timedelta(microseconds=(_monotonic_ns() - self._from_ns) // 1000)

    def set(self, now: dt.datetime) -> None:
        """Stop the clock at `now`; a naive time is UTC."""
        self._base = now.replace(tzinfo=dt.UTC) if now.tzinfo is None else now.astimezone(dt.UTC)
        self._fixed = True


class Transaction:
    """What the public API works on.

    Attributes:
        in_test: whether a test runs, so that a callout without a mock is refused.
        class_mocks: what `set_mock` replaced.
        http_mock: what `set_http_mock` set: takes an HTTP request, returns its response.
    """

    def __init__(
        self, start: wire.Start, channel: Channel, journal: Journal, scripts: Scripts, catalog: ObjectCatalog
    ) -> None:
        self.channel = channel
        self.journal = journal
        self.scripts = scripts
        self.catalog = catalog
        self.clock = Clock(start.now, fixed=start.now_fixed)
        self.user = start.user
        self.in_test = isinstance(start.entry, wire.TestEntry)
        self.http_mock: Callable[[Any], Any] | None = None
        self.class_mocks: ClassMocks | None = None
        self.triggers: TriggerDispatch | None = None

    def forget_handlers(self) -> None:
        """Make trigger handlers anew at their next call."""
        if self.triggers is not None:
            self.triggers.forget_handlers()

    def request(self, kind: Callable[..., wire.WorkerToHost], /, **fields: Any) -> wire.Reply:
        """Ask the host, naming the script's line; what was logged before is sent before."""
        self.channel.check_alive()
        self.journal.flush()
        path, line = self.scripts.position()
        return self.channel.request(kind, path=path, line=line, **fields)

    def fetch(self, cursor: int, meanwhile: Callable[[], object]) -> wire.Reply:
        """The next page of a result; `meanwhile` is called while the host prepares it."""
        self.channel.check_alive()
        path, line = self.scripts.position()
        return self.channel.request_frames(
            lambda number: [wire.encode(wire.Fetch(id=number, path=path, line=line, cursor=cursor))],
            meanwhile,
            wire.Fetch,
        )


_current: Transaction | None = None


def current() -> Transaction:
    """The running transaction.

    Raises:
        RuntimeError: no script is running, the public API was used outside a worker.
        GovernorLimitException: a limit was exceeded before.
    """
    if _current is None:
        raise RuntimeError(
            "circuitos works inside a Circuit Script run only: `circuit-cli exec` or `circuit-cli test`."
        )
    _current.channel.check_alive()
    return _current


def begin(transaction: Transaction) -> None:
    global _current
    _current = transaction
