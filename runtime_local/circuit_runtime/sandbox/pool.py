"""Hands out workers: forked from a warm zygote where the system can, started idle beforehand elsewhere."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from typing import Protocol, Self

from circuit_link.errors import UserFacingError
from circuit_runtime.sandbox.spawned import IdleWorkers
from circuit_runtime.sandbox.worker import Worker, WorkerLimits
from circuit_runtime.sandbox.zygote_link import ZygoteEnded, ZygoteLink

_log = logging.getLogger("circuit.sandbox")


class WorkerSource(Protocol):
    """Where workers come from."""

    def start(self) -> None: ...

    def acquire(self, limits: WorkerLimits) -> Worker: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a source has loaded: workers that differ in it come from different sources.

    A debug worker has `ctypes`, which the engine that patches running code needs and a plain worker must not have.
    """

    debug: bool
    libraries: tuple[str, ...] = ()


class WorkerPool:
    """One worker per transaction. Thread-safe; close it to end everything it started."""

    def __init__(self, *, python: str = sys.executable, fork: bool | None = None) -> None:
        """`fork` chooses zygote (True) or idle processes (False); None takes what the system can do."""
        self._python = python
        self._fork = sys.platform == "linux" if fork is None else fork
        self._lock = threading.Lock()
        self._sources: dict[_Kind, WorkerSource] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def prestart(self, *, debug: bool = False) -> None:
        """Start what makes the first worker quick, without waiting for it."""
        self._source(_Kind(debug)).start()

    def acquire(self, limits: WorkerLimits, *, debug: bool = False, libraries: tuple[str, ...] = ()) -> Worker:
        """A fresh worker that has been sent nothing yet; its first message is `Hello`.

        `libraries` are the third-party packages that its script may import: a sealed worker cannot load the
        native parts of one any more.

        Raises:
            UserFacingError: code SANDBOX_UNAVAILABLE, a worker cannot be started, with what Python printed.
        """
        kind = _Kind(debug, libraries)
        source = self._source(kind)
        try:
            return _acquired(source, limits)
        except ZygoteEnded:
            _log.warning("the zygote has ended; starting another one")
            return _acquired(self._replace(kind, source), limits)

    def close(self) -> None:
        """Kill every worker and end the processes behind the pool."""
        with self._lock:
            self._closed = True
            sources, self._sources = list(self._sources.values()), {}
        for source in sources:
            source.close()

    def _source(self, kind: _Kind) -> WorkerSource:
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker pool is closed")
            if kind not in self._sources:
                self._sources[kind] = self._make_source(kind)
            return self._sources[kind]

    def _replace(self, kind: _Kind, dead: WorkerSource) -> WorkerSource:
        with self._lock:
            if self._closed:
                raise RuntimeError("the worker pool is closed")
            if self._sources.get(kind) is dead:
                self._sources[kind] = self._make_source(kind)
            current = self._sources[kind]
        dead.close()
        return current

    def _make_source(self, kind: _Kind) -> WorkerSource:
        if self._fork:
            return ZygoteLink(self._python, debug=kind.debug, libraries=kind.libraries)
        return IdleWorkers(self._python, debug=kind.debug, libraries=kind.libraries)


def _acquired(source: WorkerSource, limits: WorkerLimits) -> Worker:
    try:
        return source.acquire(limits)
    except OSError as exc:
        raise UserFacingError(
            f"No worker can be started: {exc.strerror or exc}.",
            code="SANDBOX_UNAVAILABLE",
            hint="The machine is short of descriptors, processes or memory; try again in a moment.",
        ) from exc
