"""What the sandbox really enforces here, found by trying it inside a real worker."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import json
import signal
import time
from typing import Any

from circuit_link import wire
from circuit_link.framing import ConnectionEnded, DeadlinePassed
from circuit_link.host_protocol import Guarantee
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import Worker, WorkerLimits

_TIMEOUT_S = 20.0
_LIMITS = WorkerLimits(heap_bytes=64 * 1024 * 1024, cpu_ms=10_000)
_HARMLESS_VARIABLES = {"MALLOC_ARENA_MAX", "LC_CTYPE"}
_NOT_YET = "Nothing closes it to scripts yet; run only code that you trust as much as your own programs."
_ATTEMPTS = (
    ("files_unreadable", "read_file"),
    ("files_unwritable", "write_file"),
    ("no_network", "network"),
    ("no_processes", "process"),
    ("no_native_code", "native_code"),
)
# 0 to 2, the host's socket, the debugger's in a debug worker, line pipe, life pipe, and the listing's own.
_MAX_DESCRIPTORS = 8
_UNLIMITED = 2**40
_SPIN = "while True:\n    pass\n"


def probe(pool: WorkerPool, *, debug: bool = False) -> tuple[Guarantee, ...]:
    """Run the probes in a worker of `pool`; takes some tenths of a second.

    Raises:
        UserFacingError: no worker could be started.
    """
    with pool.acquire(_LIMITS, debug=debug) as worker:
        text = importlib.resources.files("circuit_runtime.sandbox").joinpath("probe_script.py").read_text("utf-8")
        findings = _read_findings(_run(worker, text))
    with pool.acquire(_LIMITS, debug=debug) as worker:
        return (*_from_inside(findings), *_from_outside(worker))


def _run(worker: Worker, text: str) -> str:
    """What the script printed, up to the worker's end or the time limit."""
    deadline = time.monotonic() + _TIMEOUT_S
    printed = ""
    try:
        worker.socket.receive(deadline)
        worker.socket.send(wire.encode(_start(text)), deadline)
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive(deadline)), wire.Done):
            if isinstance(message, wire.Output) and message.stream == "stdout":
                printed += message.text
    except (ConnectionEnded, DeadlinePassed):
        pass  # what is missing counts as not enforced
    return printed


def _start(text: str) -> wire.Start:
    return wire.Start(
        version=wire.PROTOCOL_VERSION,
        mode="plain",
        entry=wire.AnonymousEntry(path="probe.py", text=text),
        sources=(),
        objects=(),
        now=dt.datetime.now(dt.UTC),
        user=wire.UserRef(id="", name="probe"),
        limits_profile="circuit",
        limits={},
        seed=0,
        started_ns=time.monotonic_ns(),
        log_levels={},
    )


def _read_findings(printed: str) -> dict[str, dict[str, Any]]:
    findings: dict[str, dict[str, Any]] = {}
    for line in printed.splitlines():
        try:
            name, found = json.loads(line)
        except ValueError:
            continue
        if isinstance(name, str) and isinstance(found, dict):
            findings[name] = found
    return findings


def _from_inside(findings: dict[str, dict[str, Any]]) -> list[Guarantee]:
    return [
        *_process_guarantees(findings),
        *_confinement_guarantees(findings),
        *(
            _guarantee(
                name,
                "refused" in findings.get(attempt, {}),
                findings.get(attempt, {}).get("refused", ""),
                _NOT_YET,
            )
            for name, attempt in _ATTEMPTS
        ),
    ]


def _process_guarantees(findings: dict[str, dict[str, Any]]) -> list[Guarantee]:
    """What the process was started with and what it inherited."""
    environment = findings.get("environment", {}).get("ok")
    extra = sorted(set(environment or ()) - _HARMLESS_VARIABLES)
    descriptors = findings.get("descriptors", {}).get("ok") or []
    return [
        _guarantee(
            "no_new_privileges",
            findings.get("no_new_privs", {}).get("ok") == "1",
            "no-new-privs is set",
            "The kernel did not set it.",
        ),
        _guarantee(
            "empty_environment",
            environment is not None and not extra,
            "the worker has no variable of the host",
            f"It sees {', '.join(extra)}." if extra else "It could not be read.",
        ),
        _guarantee(
            "closed_descriptors",
            0 < len(descriptors) <= _MAX_DESCRIPTORS and max(descriptors) < _MAX_DESCRIPTORS,
            "only the worker's own sockets and pipes are open",
            f"Open are {descriptors}.",
        ),
    ]


def _confinement_guarantees(findings: dict[str, dict[str, Any]]) -> list[Guarantee]:
    """What the process gave up before the script began."""
    rlimits = findings.get("rlimits", {}).get("ok") or {}
    return [
        _guarantee(
            "resource_limits",
            len(rlimits) == 4 and all(0 <= value < _UNLIMITED for value in rlimits.values()),
            ", ".join(f"{name.removeprefix('RLIMIT_').lower()} {value}" for name, value in rlimits.items()),
            "This system does not keep them.",
        ),
        _guarantee(
            "dies_with_host",
            signal.SIGKILL in (findings.get("dies_with_host", {}).get("ok") or ()),
            "the kernel kills the worker when the host ends",
            "Only a worker that waits for the host notices its end.",
        ),
        _guarantee(
            "memory_hidden",
            findings.get("dumpable", {}).get("ok") == 0,
            "other processes of this user cannot read the worker's memory",
            "A worker without native code loaded cannot ask for it; it holds no secret but those its script read.",
        ),
    ]


def _from_outside(worker: Worker) -> list[Guarantee]:
    """Read a spinning worker's clocks and line, then end it."""
    deadline = time.monotonic() + _TIMEOUT_S
    try:
        worker.socket.receive(deadline)
        worker.socket.send(wire.encode(_start(_SPIN)), deadline)
        worker.socket.receive(deadline)
    except (ConnectionEnded, DeadlinePassed):
        return []
    worker.mark_baseline()
    while worker.cpu_ns() < 20_000_000 and time.monotonic() < deadline:
        time.sleep(0.005)
    frame = worker.capture_line()
    measured = worker.cpu_ns() >= 20_000_000
    worker.kill()
    ended = worker.wait(5.0) is not None
    return [
        _guarantee("cpu_limit", measured, "the host reads the worker's CPU clock", "The clock cannot be read."),
        _guarantee(
            "line_before_kill",
            frame is not None and frame.path == "probe.py",
            "the running line is captured, also inside C code",
            "The worker did not answer.",
        ),
        _guarantee("killable", ended, "a spinning worker was killed from outside", "It did not end."),
    ]


def _guarantee(name: str, enforced: bool, how: str, why_not: str) -> Guarantee:
    return Guarantee(
        name=name, enforced=enforced, how=how if enforced else "", why_not="" if enforced else why_not
    )
