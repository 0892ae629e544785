"""A client of a project's host: the console and the terminal reach a project only through it.

Blocking. One thread reads (`messages`, or the helpers that wait for an answer); any thread may send.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_link.framing import ConnectionEnded, DeadlinePassed, FrameSocket, FrameTooLong
from circuit_link.host_address import host_socket_path
from circuit_link.host_start import start_host, starter_lock

_ATTACH_TIMEOUT_S = 10.0
_SEND_TIMEOUT_S = 10.0
_CONNECT_ATTEMPTS = 5

_Answer = TypeVar("_Answer")
MessageListener = Callable[[hp.HostToClient], None]


class HostNotRunning(Exception):
    """Nobody listens for this project, or the host ended while we attached."""


class HostGone(UserFacingError):
    """The host ended while a client waited for it. What had not been committed is rolled back."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The project's host ended unexpectedly ({reason}).",
            code="HOST_GONE",
            hint="Run the command again: it starts a new host. The open transaction was rolled back.",
        )


class HostClient:
    """One connection to a project's host, already attached. A context manager."""

    def __init__(self, connection: FrameSocket, attached: hp.Attached) -> None:
        self.attached = attached
        self._connection = connection
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; a thread inside `messages` returns."""
        self._closed = True
        self._connection.close()

    def next_request(self) -> int:
        """A number for the `request` of a message, unique on this connection. Any thread."""
        return next(self._numbers)

    def send(self, message: hp.ClientToHost) -> None:
        """Any thread. Raises: HostGone; UserFacingError if the message is longer than a frame."""
        payload = hp.encode(message)
        try:
            with self._sending:
                self._connection.send(payload, time.monotonic() + _SEND_TIMEOUT_S)
        except FrameTooLong as exc:
            raise UserFacingError(
                f"This input is too large for the host: {exc}.",
                code="INPUT_TOO_LARGE",
                hint="Split it into several smaller ones.",
            ) from exc
        except (ConnectionEnded, DeadlinePassed) as exc:
            raise HostGone(str(exc) or "it does not read what is sent to it") from exc

    def receive(self) -> hp.HostToClient:
        """The host's next message. Reader thread only. Raises: HostGone."""
        try:
            return hp.decode_from_host(self._connection.receive())
        except (ConnectionEnded, FrameTooLong) as exc:
            raise HostGone(str(exc)) from exc
        except (msgspec.ValidationError, msgspec.DecodeError) as exc:
            raise HostGone(f"it sent a message this version does not understand: {exc}") from exc

    def messages(self) -> Iterator[hp.HostToClient]:
        """Everything the host sends, until `close`. Raises: HostGone if the host ends first."""
        while True:
            try:
                message = self.receive()
            except HostGone:
                if self._closed:
                    return
                raise
            yield message

    # ------------------------------------------------------------------------------ one request, one answer

    def run(self, request: hp.RunRequest, on_message: MessageListener | None = None) -> hp.RunResult:
        """Run to the end. `on_message` sees RunStarted, the events and the output if this client subscribed."""
        number = self.next_request()
        self.send(hp.StartRun(request=number, run=request))
        return self._await(number, hp.RunFinished, on_message).result

    def save_records(
        self, object_name: str, records: Iterable[dict[str, Any]], on_message: MessageListener | None = None
    ) -> hp.RunResult:
        number = self.next_request()
        self.send(hp.SaveRecords(request=number, object_name=object_name, records=tuple(records)))
        return self._await(number, hp.RunFinished, on_message).result

    def run_tests(
        self, names: Iterable[str] = (), *, coverage: bool = True, on_message: MessageListener | None = None
    ) -> hp.TestReport:
        number = self.next_request()
        self.send(hp.RunTests(request=number, names=tuple(names), coverage=coverage))
        return self._await(number, hp.TestsFinished, on_message).report

    def query(self, text: str, user: str = "") -> hp.QueryAnswered:
        """All rows, joined to one message."""
        number = self.next_request()
        self.send(hp.RunQuery(request=number, text=text, user=user))
        parts = [self._await(number, hp.QueryAnswered)]
        while parts[-1].more:
            parts.append(self._await(number, hp.QueryAnswered))
        return join_rows(parts)

    def describe(self) -> hp.ProjectDescription:
        number = self.next_request()
        self.send(hp.DescribeProject(request=number))
        return self._await(number, hp.ProjectDescribed).project

    def list_logs(self, search: str = "") -> tuple[hp.LogSummary, ...]:
        number = self.next_request()
        self.send(hp.ListLogs(request=number, search=search))
        return self._await(number, hp.LogsListed).logs

    def read_log(self, log_id: str) -> hp.LogRead:
        """The whole log, joined to one message."""
        number = self.next_request()
        self.send(hp.ReadLog(request=number, log_id=log_id))
        parts = [self._await(number, hp.LogRead)]
        while parts[-1].more:
            parts.append(self._await(number, hp.LogRead))
        return join_log(parts)

    def reset_data(self) -> None:
        number = self.next_request()
        self.send(hp.ResetData(request=number))
        self._await(number, hp.Accepted)

    def diagnose(self) -> hp.DoctorReport:
        number = self.next_request()
        self.send(hp.Diagnose(request=number))
        return self._await(number, hp.Diagnosed).report

    def stop_run(self, run_id: str) -> int:
        """Ask for the end of a run, without waiting; the answer `Accepted` carries the returned number."""
        number = self.next_request()
        self.send(hp.StopRun(request=number, run_id=run_id))
        return number

    def _await(self, number: int, kind: type[_Answer], on_message: MessageListener | None = None) -> _Answer:
        while True:
            message = self.receive()
            if getattr(message, "request", None) == number:
                if isinstance(message, kind):
                    return message
                if isinstance(message, hp.Failed):
                    raise failure(message.error)
            if on_message is not None:
                on_message(message)


def failure(error: hp.ErrorInfo) -> UserFacingError:
    """The host's refusal as the error that every front end presents."""
    return UserFacingError(
        error.message,
        code=error.code,
        hint=error.hint,
        path=error.path,
        line=error.line,
        column=error.column,
    )


def join_rows(parts: list[hp.QueryAnswered]) -> hp.QueryAnswered:
    """The parts of one answer, in order and not empty, as one message."""
    rows = [row for part in parts for row in part.rows]
    return msgspec.structs.replace(parts[-1], rows=rows, more=False)


def join_log(parts: list[hp.LogRead]) -> hp.LogRead:
    """The parts of one log, in order and not empty, as one message."""
    return hp.LogRead(
        request=parts[0].request,
        text="".join(part.text for part in parts),
        events=tuple(event for part in parts for event in part.events),
    )


def connect(project_root: Path, *, client: str, subscribe: bool = False) -> HostClient:
    """Attach to the running host of a project.

    Args:
        client: how the host's log names this client (`circuit-cli exec`).
        subscribe: also receive the events of every run of the project, whoever started it.

    Raises:
        HostNotRunning: nobody listens, or the host ended just now.
        UserFacingError: the host speaks another version.
    """
    connection = _open(host_socket_path(project_root))
    deadline = time.monotonic() + _ATTACH_TIMEOUT_S
    attach = hp.Attach(version=hp.PROTOCOL_VERSION, client=client, subscribe=subscribe)
    try:
        connection.send(hp.encode(attach), deadline)
        answer = hp.decode_from_host(connection.receive(deadline))
    except (ConnectionEnded, DeadlinePassed) as exc:
        connection.close()
        raise HostNotRunning(str(exc)) from exc
    except (msgspec.ValidationError, msgspec.DecodeError, FrameTooLong) as exc:
        connection.close()
        raise _other_version(str(exc)) from exc
    if isinstance(answer, hp.Failed):
        connection.close()
        raise failure(answer.error)
    if not isinstance(answer, hp.Attached):
        connection.close()
        raise _other_version(f"it answered {type(answer).__name__}")
    return HostClient(connection, answer)


def connect_or_start(project_root: Path, *, client: str, subscribe: bool = False) -> HostClient:
    """Attach to the host of a project; start one where none runs. Two starters at once share one host.

    Raises:
        UserFacingError: the folder is not a project, the host could not start, or it speaks another version.
    """
    root = project_root.resolve()
    if not (root / "circuit.toml").is_file():
        raise UserFacingError(
            f"{root} is not a project: it has no circuit.toml.",
            code="NOT_A_PROJECT",
            hint="Name the project with --project, or make one with `circuit-cli init`.",
        )
    for _ in range(_CONNECT_ATTEMPTS):
        try:
            return connect(root, client=client, subscribe=subscribe)
        except HostNotRunning:
            pass
        with starter_lock(root):
            try:
                return connect(root, client=client, subscribe=subscribe)
            except HostNotRunning:
                start_host(root)
    raise UserFacingError(
        f"The host of {root} starts and ends again at once.",
        code="HOST_UNSTABLE",
        hint=f"Its log says why: {root / '.circuit' / 'host.log'}",
    )


def _open(path: Path) -> FrameSocket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(_ATTACH_TIMEOUT_S)
    try:
        sock.connect(str(path))
    except OSError as exc:
        sock.close()
        raise HostNotRunning(f"{path}: {exc.strerror or exc}") from exc
    return FrameSocket(sock)


def _other_version(details: str) -> UserFacingError:
    return UserFacingError(
        "The project's running host is of another version of Circuit Console.",
        code="VERSION_MISMATCH",
        hint="Close the other console and terminals of this project, then try again.",
        details=details,
    )
