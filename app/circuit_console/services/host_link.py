"""The console's connection to the project's host."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QObject, QThread, Signal, Slot

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from circuit_link.client import HostClient

AnswerSlot = Callable[[hp.HostToClient], None]
FailureSlot = Callable[[UserFacingError], None]
RequestBuilder = Callable[[int], hp.ClientToHost]

_CLIENT_NAME = "circuit-console"
_STOP_TIMEOUT_MS = 3_000
_abandoned: list[QThread] = []


class _Reader(QThread):
    """Connects, then decodes everything the host sends, away from the GUI thread."""

    connected = Signal(object)
    received = Signal(object)
    ended = Signal(object)

    def __init__(self, project_root: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._project_root = project_root
        self._lock = threading.Lock()
        self._client: HostClient | None = None
        self._is_given_up = False

    def give_up(self) -> None:
        """End the reading, also where a connection is being made or nobody has heard of it yet. Any thread."""
        with self._lock:
            self._is_given_up = True
            if self._client is not None:
                self._client.close()

    def run(self) -> None:
        # Imported here: sockets, locks and processes are not needed before the window shows.
        from circuit_link.client import HostGone, connect_or_start

        try:
            client = connect_or_start(self._project_root, client=_CLIENT_NAME, subscribe=True)
        except UserFacingError as exc:
            self.ended.emit(exc)
            return
        with self._lock:
            self._client = client
            if self._is_given_up:
                client.close()
                return
        self.connected.emit(client)
        try:
            for message in client.messages():
                self.received.emit(message)
        except HostGone as exc:
            self.ended.emit(exc)
        finally:
            client.close()


class _Writer(QThread):
    """Sends queued messages, so that a host that does not read cannot block the GUI thread."""

    failed = Signal(object)

    def __init__(self, client: HostClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._messages: queue.SimpleQueue[hp.ClientToHost | None] = queue.SimpleQueue()

    def put(self, message: hp.ClientToHost) -> None:
        self._messages.put(message)

    def finish(self) -> None:
        self._messages.put(None)

    def run(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                self._client.send(message)
            except UserFacingError as exc:
                self.failed.emit((message, exc))


class HostLink(QObject):
    """Talks to the project's host: asks with an answer slot, and publishes the events of every run.

    Nothing here blocks: connecting, reading, decoding and sending happen on two threads of its own, and what
    they bring arrives on the GUI thread. A host that ends is started again by the next `ask`.

    Signals:
        attached: host_protocol.Attached, when connected.
        detached: UserFacingError, when the host ended or could not be reached; open requests failed before.
        run_started, events_emitted, output_emitted, run_finished: the messages of those names, of every run of
            the project, whoever started it.
        test_started, test_finished, tests_finished: the messages of those names.
        project_described: ProjectDescription, after each answered DescribeProject.
        rows_arrived: QueryAnswered, each part of a query's answer as it comes, before the answer is delivered.
        failed: UserFacingError, a refused request whose asker gave no `on_failed`.
    """

    attached = Signal(object)
    detached = Signal(object)
    run_started = Signal(object)
    events_emitted = Signal(object)
    output_emitted = Signal(object)
    run_finished = Signal(object)
    test_started = Signal(object)
    test_finished = Signal(object)
    tests_finished = Signal(object)
    project_described = Signal(object)
    rows_arrived = Signal(object)
    failed = Signal(object)

    def __init__(self, project_root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project_root = project_root
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[AnswerSlot, FailureSlot | None]] = {}
        self._parts: dict[int, list[hp.QueryAnswered | hp.LogRead]] = {}
        self._unsent: list[hp.ClientToHost] = []
        self._reader: _Reader | None = None
        self._writer: _Writer | None = None
        self._client: HostClient | None = None

    def start(self) -> None:
        """Connect in the background, starting the host where none runs. Does nothing while connected."""
        if self._reader is not None:
            return
        reader = _Reader(self.project_root, self)
        reader.connected.connect(self._on_connected)
        reader.received.connect(self._on_received)
        reader.ended.connect(self._on_ended)
        self._reader = reader
        reader.start()

    def ask(
        self, build: RequestBuilder, on_answer: AnswerSlot | None = None, on_failed: FailureSlot | None = None
    ) -> int:
        """Send a request and have its answer delivered once, on the GUI thread.

        Args:
            build: makes the message from the request's number.
            on_answer: gets the answer that completes the request: `RunStarted` for StartRun (its end comes by
                `run_finished`), `TestsFinished` for RunTests, whole rows and logs however many messages they
                took. A slot of a QObject that lives as long as the window.
            on_failed: gets the refusal; without it `failed` is emitted.

        Returns:
            The request's number, as RunFinished and TestFinished carry it.
        """
        number = next(self._numbers)
        self._waiting[number] = (on_answer or _ignore, on_failed)
        self._deliver(build(number))
        return number

    def stop(self) -> None:
        """End the connection and its threads. Nothing is delivered afterwards."""
        self._waiting.clear()
        self._unsent.clear()
        self._close_connection()

    @Slot(object)
    def _on_connected(self, client: HostClient) -> None:
        self._client = client
        writer = _Writer(client, self)
        writer.failed.connect(self._on_send_failed)
        self._writer = writer
        writer.start()
        for message in self._unsent:
            writer.put(message)
        self._unsent.clear()
        self.attached.emit(client.attached)

    @Slot(object)
    def _on_received(self, message: hp.HostToClient) -> None:
        self.handle(message)

    @Slot(object)
    def _on_ended(self, error: UserFacingError) -> None:
        self._close_connection()
        self._unsent.clear()
        waiting, self._waiting = self._waiting, {}
        self._parts.clear()
        for _, on_failed in waiting.values():
            if on_failed is not None:
                on_failed(error)
        self.detached.emit(error)

    @Slot(object)
    def _on_send_failed(self, refused: tuple[hp.ClientToHost, UserFacingError]) -> None:
        message, error = refused
        self._fail(getattr(message, "request", 0), error)

    def handle(self, message: hp.HostToClient) -> None:
        """Publish one message of the host, and complete the request it answers."""
        match message:
            case hp.Attached() | hp.Accepted() | hp.LogsListed() | hp.Diagnosed():
                pass
            case hp.Failed():
                self._fail(message.request, _failure(message.error))
                return
            case hp.RunStarted():
                self.run_started.emit(message)
            case hp.EventsEmitted():
                self.events_emitted.emit(message)
                return
            case hp.OutputEmitted():
                self.output_emitted.emit(message)
                return
            case hp.RunFinished():
                self.run_finished.emit(message)
            case hp.TestStarted():
                self.test_started.emit(message)
                return
            case hp.TestFinished():
                self.test_finished.emit(message)
                return
            case hp.TestsFinished():
                self.tests_finished.emit(message)
            case hp.ProjectDescribed():
                self.project_described.emit(message.project)
            case hp.QueryAnswered() | hp.LogRead():
                self._collect(message)
                return
            case _:
                assert_never(message)
        self._complete(message)

    def _deliver(self, message: hp.ClientToHost) -> None:
        """Queue a message for the writer; without a connection, keep it and connect."""
        if self._writer is None:
            self._unsent.append(message)
            self.start()
        else:
            self._writer.put(message)

    def _collect(self, part: hp.QueryAnswered | hp.LogRead) -> None:
        parts = self._parts.setdefault(part.request, [])
        parts.append(part)
        if isinstance(part, hp.QueryAnswered):
            self.rows_arrived.emit(part)
        if part.more:
            return
        del self._parts[part.request]
        from circuit_link.client import join_log, join_rows

        rows = [one for one in parts if isinstance(one, hp.QueryAnswered)]
        logs = [one for one in parts if isinstance(one, hp.LogRead)]
        self._complete(join_rows(rows) if rows else join_log(logs))

    def _complete(self, message: hp.HostToClient) -> None:
        number = getattr(message, "request", None)
        on_answer, _ = self._waiting.pop(number, (None, None)) if number is not None else (None, None)
        if on_answer is not None:
            on_answer(message)

    def _fail(self, number: int, error: UserFacingError) -> None:
        self._parts.pop(number, None)
        _, on_failed = self._waiting.pop(number, (None, None))
        if on_failed is not None:
            on_failed(error)
        else:
            self.failed.emit(error)

    def _close_connection(self) -> None:
        reader, writer, client = self._reader, self._writer, self._client
        self._reader = self._writer = self._client = None
        if client is not None:
            client.close()
        if writer is not None:
            writer.finish()
            writer.wait(_STOP_TIMEOUT_MS)
            writer.deleteLater()
        if reader is not None:
            reader.give_up()
            for signal in (reader.connected, reader.received, reader.ended):
                signal.disconnect()
            if reader.wait(_STOP_TIMEOUT_MS):
                reader.deleteLater()
            else:
                # Still waiting for a host that starts slowly; destroying a running thread would abort us.
                reader.setParent(None)
                _abandoned.append(reader)


def _failure(error: hp.ErrorInfo) -> UserFacingError:
    from circuit_link.client import failure

    return failure(error)


def _ignore(_message: hp.HostToClient) -> None:
    """For requests whose answer says only that they were accepted."""
