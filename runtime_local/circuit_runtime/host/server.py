"""The host of a project: serves consoles and terminals, and ends when nobody needs it any more."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_link.framing import FrameSocket
from circuit_runtime.host.broadcast import Audience, RequestedBy
from circuit_runtime.host.client_session import ClientSession
from circuit_runtime.host.description import describe
from circuit_runtime.host.diagnosis import diagnose
from circuit_runtime.host.listener import Listener
from circuit_runtime.host.local_workspace import LocalWorkspace
from circuit_runtime.host.log_archive import LogArchive
from circuit_runtime.host.queries import QueryInProgress, answer_query
from circuit_runtime.host.run_preparation import prepare_save
from circuit_runtime.host.runs import RunService
from circuit_runtime.host.test_runs import TestRuns
from circuit_runtime.sandbox.pool import WorkerPool

_log = logging.getLogger("circuit.runtime.host")

_JOIN_TIMEOUT_S = 2.0
_IDLE_CHECK_S = 0.25
_TESTS_PREFIX = "tests"
_QUERY_PREFIX = "query"


class HostServer:
    """Answers clients' requests with the project's workspace, runs, tests and logs.

    Args:
        is_orphaned: whether the project's state folder was removed, so that nothing here can be kept any more.
    """

    def __init__(
        self,
        root: Path,
        *,
        workspace: LocalWorkspace,
        archive: LogArchive,
        runs: RunService,
        audience: Audience,
        pool: WorkerPool,
        listener: Listener,
        dap_address: str,
        is_orphaned: Callable[[], bool],
    ) -> None:
        self._root = root
        self._workspace = workspace
        self._archive = archive
        self._runs = runs
        self._audience = audience
        self._pool = pool
        self._listener = listener
        self._is_orphaned = is_orphaned
        self._welcome = hp.Attached(
            version=hp.PROTOCOL_VERSION,
            project=str(root),
            pid=os.getpid(),
            python=platform.python_version(),
            dap_address=dap_address,
        )
        self._lock = threading.Lock()
        self._testing: dict[tuple[ClientSession, int], TestRuns] = {}
        self._querying: dict[tuple[ClientSession, int], QueryInProgress] = {}
        self._accepter = threading.Thread(target=self._accept, name="client-accepter", daemon=True)

    def start(self) -> None:
        self._accepter.start()

    def wait_until_idle(self, grace_s: float, stop: threading.Event, is_needed: Callable[[], bool]) -> None:
        """Return when `stop` is set, the project is gone, or for `grace_s` nobody was attached and nothing ran.

        Args:
            is_needed: whether someone else needs the host, such as a debugger's client.
        """
        idle_since = time.monotonic()
        while not stop.wait(min(_IDLE_CHECK_S, grace_s)) and not self._is_orphaned():
            if self._audience.sessions or self._runs.running or is_needed():
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= grace_s:
                return

    def close(self) -> None:
        """Stop listening, end what runs, and end every session."""
        self._listener.close()
        self._runs.stop_all("the host is ending")
        for session in self._audience.sessions:
            session.close()
            session.join(_JOIN_TIMEOUT_S)
        self._accepter.join(_JOIN_TIMEOUT_S)

    def _accept(self) -> None:
        while (connection := self._listener.accept()) is not None:
            self._greet(connection)

    def _greet(self, connection: FrameSocket) -> None:
        if self._is_orphaned():
            # The client takes this for a host that is just ending, and starts the next one.
            connection.close()
            return
        session = ClientSession(connection, self._welcome, self._handle, self._on_end)
        self._audience.add(session)
        try:
            session.start()
        except (RuntimeError, MemoryError):
            _log.warning("no thread can be started for another client")
            session.close()
            self._audience.remove(session)

    def _on_end(self, session: ClientSession) -> None:
        """A client has left: what it alone was waiting for is ended."""
        self._audience.remove(session)
        reason = "the client that started it has left"
        for handle in self._runs.running:
            if isinstance(handle.origin, RequestedBy) and handle.origin.session is session:
                handle.stop(reason)
        with self._lock:
            testing = [tests for (owner, _), tests in self._testing.items() if owner is session]
            left = [key for key in self._querying if key[0] is session]
            querying = [self._querying.pop(key) for key in left]
        for tests in testing:
            tests.stop(reason)
        for query in querying:
            query.stop()

    def _handle(self, session: ClientSession, message: hp.ClientToHost) -> None:
        match message:
            case hp.StartRun():
                self._runs.start(message.run, origin=RequestedBy(session, message.request))
            case hp.StopRun():
                self._stop(session, message.run_id)
                session.send(hp.Accepted(request=message.request))
            case hp.SaveRecords():
                self._runs.start_prepared(
                    lambda opened: prepare_save(opened.project, message.object_name, message.records),
                    origin=RequestedBy(session, message.request),
                )
            case hp.RunTests():
                self._run_tests(session, message)
            case hp.RunQuery():
                self._run_query(session, message)
            case hp.DescribeProject():
                project = describe(self._workspace.project(), self._root)
                session.send(hp.ProjectDescribed(request=message.request, project=project))
            case hp.ListLogs():
                session.send(hp.LogsListed(request=message.request, logs=self._archive.list(message.search)))
            case hp.ReadLog():
                for part in self._archive.read(message.log_id, message.request):
                    session.send(part)
            case hp.ResetData():
                self._workspace.reset()
                session.send(hp.Accepted(request=message.request))
            case hp.Diagnose():
                session.send(hp.Diagnosed(request=message.request, report=diagnose(self._pool)))
            case hp.Attach():
                raise UserFacingError("Attach came twice.", code="ATTACH_EXPECTED")
            case _:
                assert_never(message)

    def _stop(self, session: ClientSession, run_id: str) -> None:
        """End a run; with `tests:NUMBER` or `query:NUMBER` what this client asked for under that number."""
        reason = "stopped by the user"
        prefix, _, number = run_id.partition(":")
        if prefix == _QUERY_PREFIX and number.isdecimal():
            self._query(session, int(number)).stop()
            return
        if prefix != _TESTS_PREFIX or not number.isdecimal():
            self._runs.stop(run_id, reason)
            return
        with self._lock:
            tests = self._testing.get((session, int(number)))
        if tests is None:
            raise UserFacingError("These tests have ended already.", code="RUN_NOT_FOUND")
        tests.stop(reason)

    def _query(self, session: ClientSession, number: int) -> QueryInProgress:
        """The query of a request; its end may be asked for before the request's own thread has come to it."""
        with self._lock:
            return self._querying.setdefault((session, number), QueryInProgress())

    def _run_query(self, session: ClientSession, message: hp.RunQuery) -> None:
        progress = self._query(session, message.request)
        try:
            with self._workspace.opened() as opened:
                for rows in answer_query(opened, message, progress):
                    session.send(rows)
        finally:
            with self._lock:
                self._querying.pop((session, message.request), None)

    def _run_tests(self, session: ClientSession, message: hp.RunTests) -> None:
        tests = TestRuns(self._workspace)
        with self._lock:
            self._testing[session, message.request] = tests
        try:
            listener = _TestMessages(session, message.request)
            report = tests.run(message.names, coverage=message.coverage, listener=listener)
        finally:
            with self._lock:
                del self._testing[session, message.request]
        session.send(hp.TestsFinished(request=message.request, report=report))


class _TestMessages:
    """Tells one client of its tests."""

    def __init__(self, session: ClientSession, request: int) -> None:
        self._session = session
        self._request = request

    def test_started(self, test_id: str, index: int, count: int) -> None:
        self._session.send(hp.TestStarted(request=self._request, test_id=test_id, index=index, count=count))

    def test_finished(self, result: hp.TestResult) -> None:
        self._session.send(hp.TestFinished(request=self._request, result=result))
