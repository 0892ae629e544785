"""A writer of events for the stores."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import circuit_log.events as ev
from circuit_console.core.log_store import LogStore
from circuit_log.limits import LimitName, LimitUse


class Run:
    """Appends events to a store one by one, at milliseconds since the run's start."""

    def __init__(self) -> None:
        self.store = LogStore("run", (LimitUse(LimitName.QUERIES, 0, 100), LimitUse(LimitName.CALLOUTS, 0, 50)))
        self._seq = itertools.count()

    def at(self, ms: float, kind: type[Any], **fields: Any) -> None:
        self.store.append([kind(seq=next(self._seq), ns=int(ms * 1_000_000), **fields)])

    def call(self, begin_ms: float, end_ms: float, name: str) -> None:
        """A method from begin to end, with nothing in it."""
        self.at(begin_ms, ev.MethodEntry, signature=f"A.{name}()", path="classes/a.py", line=1)
        self.at(end_ms, ev.MethodExit, signature=f"A.{name}()")


@pytest.fixture
def run() -> Run:
    return Run()
