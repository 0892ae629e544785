"""Tell clients of runs: the one who started it everything about it, subscribers the events of all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

import circuit_link.host_protocol as hp
from circuit_log.events import LogEvent
from circuit_runtime.host.client_session import ClientSession


@dataclass(frozen=True, slots=True)
class RequestedBy:
    """The `origin` of a run that a client asked for: its session and the number of its request."""

    session: ClientSession
    request: int


class Audience:
    """The attached sessions. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: tuple[ClientSession, ...] = ()

    @property
    def sessions(self) -> tuple[ClientSession, ...]:
        return self._sessions

    def add(self, session: ClientSession) -> None:
        with self._lock:
            self._sessions = (*self._sessions, session)

    def remove(self, session: ClientSession) -> None:
        with self._lock:
            self._sessions = tuple(item for item in self._sessions if item is not session)


class RunBroadcast:
    """The observer of one run for all clients."""

    def __init__(self, audience: Audience, origin: object) -> None:
        self._audience = audience
        self._requester = origin if isinstance(origin, RequestedBy) else None

    def started(self, message: hp.RunStarted) -> None:
        if self._requester is not None:
            own = msgspec.structs.replace(message, request=self._requester.request)
            self._requester.session.send(own)
        for session in self._others():
            session.send(message)

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None:
        for session in self._audience.sessions:
            if session.subscribed:
                session.outbox.put_events(run_id, events)

    def output(self, message: hp.OutputEmitted) -> None:
        if self._requester is not None:
            self._requester.session.outbox.put_output(message)
        for session in self._others():
            session.outbox.put_output(message)

    def finished(self, run_id: str, result: hp.RunResult) -> None:
        if self._requester is not None:
            own = hp.RunFinished(request=self._requester.request, run_id=run_id, result=result)
            self._requester.session.outbox.put_finished(own)
        message = hp.RunFinished(request=None, run_id=run_id, result=result)
        for session in self._others():
            session.outbox.put_finished(message)

    def _others(self) -> list[ClientSession]:
        requester = self._requester.session if self._requester is not None else None
        return [item for item in self._audience.sessions if item.subscribed and item is not requester]
