"""Start the host of a project as a process of its own, and wait until it listens."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import msgspec

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import ErrorInfo

_START_TIMEOUT_S = 30.0
_DETACH_TIMEOUT_S = 5.0
HOST_LOG = "host.log"


class StartReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a starting host writes to the descriptor it was given: one JSON line.

    `error` is None once it listens. The lock of another host counts as listening: connect to that one.
    """

    pid: int
    error: ErrorInfo | None = None


def encode_report(report: StartReport) -> bytes:
    return msgspec.json.encode(report) + b"\n"


@contextmanager
def starter_lock(project_root: Path) -> Iterator[None]:
    """Held while a client looks for the host and starts it, so that two clients do not start two.

    Raises:
        UserFacingError: the project's `.circuit` folder cannot be written.
    """
    folder = state_folder(project_root)
    lock = filelock.FileLock(folder / "start.lock", timeout=_START_TIMEOUT_S)
    try:
        lock.acquire()
    except filelock.Timeout as exc:
        raise UserFacingError(
            f"Another program has been starting the host of {project_root} for {_START_TIMEOUT_S:g} s.",
            code="HOST_START_BLOCKED",
            hint="Look for a hanging circuit-cli or console of this project and end it.",
        ) from exc
    except OSError as exc:
        raise _unusable(folder, exc) from exc
    try:
        yield
    finally:
        lock.release()


def state_folder(project_root: Path) -> Path:
    """`.circuit` of the project, made where it is missing."""
    folder = project_root / ".circuit"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise _unusable(folder, exc) from exc
    return folder


def start_host(project_root: Path) -> None:
    """Start a host and return when it listens, or when another one turns out to hold the project.

    Raises:
        UserFacingError: it ended before it listened, and the message is the host's own where it gave one; or the
            `.circuit` folder cannot be written.
    """
    log_path = state_folder(project_root) / HOST_LOG
    try:
        log = log_path.open("ab")
    except OSError as exc:
        raise _unusable(log_path.parent, exc) from exc
    read_end, write_end = os.pipe()
    command = [
        sys.executable,
        "-m",
        "circuit_runtime.host",
        "--project",
        str(project_root),
        "--report-fd",
        str(write_end),
    ]
    try:
        with log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(write_end,),
                start_new_session=True,
                cwd="/",
            )
    finally:
        os.close(write_end)
    try:
        line = _read_line(read_end, time.monotonic() + _START_TIMEOUT_S)
    finally:
        os.close(read_end)
    # The host forks itself away before it reports, so that it outlives us without becoming our zombie.
    process.wait(_DETACH_TIMEOUT_S)
    _raise_for(line, log_path)


def _read_line(descriptor: int, deadline: float) -> bytes:
    received = b""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while not received.endswith(b"\n"):
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            break
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            break
        received += chunk
    return received


def _raise_for(line: bytes, log_path: Path) -> None:
    try:
        report = msgspec.json.decode(line, type=StartReport)
    except msgspec.DecodeError as exc:
        raise UserFacingError(
            "The project's host ended before it was ready.",
            code="HOST_START_FAILED",
            hint=f"Its log says why: {log_path}",
        ) from exc
    if report.error is not None:
        error = report.error
        raise UserFacingError(
            error.message,
            code=error.code,
            hint=error.hint,
            path=error.path,
            line=error.line,
            column=error.column,
        )


def _unusable(folder: Path, exc: OSError) -> UserFacingError:
    return UserFacingError(
        f"{folder} cannot be used: {exc.strerror or exc}.",
        code="STATE_FOLDER_UNUSABLE",
        hint="The local database and the logs live there: make it, and all in it, writable for yourself.",
    )
