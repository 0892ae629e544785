"""What the sandbox really enforces here, found by trying it inside real workers."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuit_link import debug_wire, wire
from circuit_link.framing import ConnectionEnded, DeadlinePassed
from circuit_link.host_protocol import Guarantee, SandboxLayer
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import Worker, WorkerLimits

_TIMEOUT_S = 20.0
_LIMITS = WorkerLimits(heap_bytes=64 * 1024 * 1024, cpu_ms=10_000)
_HARMLESS_VARIABLES = {"MALLOC_ARENA_MAX", "LC_CTYPE"}
_ATTEMPTS = (
    ("files_unreadable", "read_file", "a file of the host cannot be opened"),
    ("files_unwritable", "write_file", "no file can be created"),
    ("existence_hidden", "see_file", "whether a file exists cannot be seen"),
    ("no_network", "use_network", "no socket can be made"),
    ("no_processes", "start_process", "no process can be started"),
    ("no_signals", "signal_host", "no other process can be signalled"),
    ("memory_limit", "use_memory", "memory above the limit is refused"),
)
# 0 to 2, the host's socket, line pipe, life pipe; in a debug worker the debugger's socket and its own.
_MAX_DESCRIPTORS = 8
_UNLIMITED = 2**40
_SPIN = "while True:\n    pass\n"
_LAYERS = (
    "no_new_privileges",
    "user",
    "user_namespace",
    "namespaces",
    "process_namespace",
    "private_root",
    "landlock",
    "seccomp",
    "no_native_code",
    "rlimits",
    "threads",
    "closed_descriptors",
    "environment",
    "non_dumpable",
    "dies_with_host",
    "seatbelt",
    "job_object",
)


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found: the guarantees, and the layers that a worker says it has, in a fixed order."""

    guarantees: tuple[Guarantee, ...]
    layers: tuple[SandboxLayer, ...]


@dataclass(slots=True)
class _Findings:
    """What the attempts of one worker told, by their names; what is missing was refused by the worker's end."""

    by_attempt: dict[str, dict[str, Any]] = field(default_factory=dict)
    hello: wire.Hello | None = None
    status: dict[str, str] = field(default_factory=dict)
    owner: int | None = None

    def value(self, attempt: str) -> Any:
        return self.by_attempt.get(attempt, {}).get("ok")


def probe(pool: WorkerPool, *, debug: bool = False) -> Probed:
    """Run the probes in workers of `pool`; takes some tenths of a second.

    Raises:
        UserFacingError: no worker could be started.
    """
    text = importlib.resources.files("circuit_runtime.sandbox").joinpath("probe_script.py").read_text("utf-8")
    with _planted_file() as planted:
        arguments = (str(planted), str(os.getpid()), str(_LIMITS.heap_bytes))
        with pool.acquire(_LIMITS, debug=debug) as worker:
            findings = _try(worker, text, arguments)
        with pool.acquire(_LIMITS, debug=debug) as worker:
            native = _try(worker, text, (*arguments, "call_native_code"))
    with pool.acquire(_LIMITS, debug=debug) as worker:
        spinning = _watch(worker)
    with pool.acquire(_LIMITS, debug=debug) as worker:
        ended = _kill(worker)
    guarantees = (
        *_inherited(findings),
        *_refused(findings),
        _no_native_code(findings, native),
        *_confined(findings),
        *spinning,
        ended,
    )
    said = findings.hello.layers if findings.hello is not None else {}
    layers = (*_LAYERS, *sorted(said.keys() - set(_LAYERS)))
    return Probed(
        guarantees, tuple(SandboxLayer(name=name, used=name in said, how=said.get(name, "")) for name in layers)
    )


@contextmanager
def _planted_file() -> Iterator[Path]:
    """A file that every user of this machine may read."""
    with tempfile.TemporaryDirectory(prefix="circuit-probe-") as folder:
        Path(folder).chmod(0o755)
        planted = Path(folder, "planted")
        planted.write_text("planted", "utf-8")
        planted.chmod(0o644)
        yield planted


def _try(worker: Worker, text: str, arguments: tuple[str, ...]) -> _Findings:
    """What the script printed, up to the worker's end or the time limit, and what the kernel says of it."""
    deadline = time.monotonic() + _TIMEOUT_S
    findings = _Findings()
    printed = ""
    try:
        hello = wire.decode_from_worker(worker.socket.receive(deadline))
        findings.hello = hello if isinstance(hello, wire.Hello) else None
        findings.status, findings.owner = _kernel_account(worker.pid)
        _begin(worker, _start(text, arguments), deadline)
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive(deadline)), wire.Done):
            if isinstance(message, wire.Output) and message.stream == "stdout":
                printed += message.text
    except (ConnectionEnded, DeadlinePassed):
        pass  # what is missing counts as not enforced
    for line in printed.splitlines():
        name, found = json.loads(line)
        findings.by_attempt[name] = found
    return findings


def _kernel_account(pid: int) -> tuple[dict[str, str], int | None]:
    """The kernel's status of a process and who owns its files in /proc; empty where there is no such thing."""
    folder = Path(f"/proc/{pid}")
    try:
        lines = (folder / "status").read_text("utf-8").splitlines()
        owner = (folder / "status").stat().st_uid
    except OSError:
        return {}, None
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}, owner


def _begin(worker: Worker, start: wire.Start, deadline: float) -> None:
    worker.socket.send(wire.encode(start), deadline)
    if worker.debug_socket is not None:
        worker.debug_socket.send(debug_wire.encode(debug_wire.Go()), deadline)


def _start(text: str, arguments: tuple[str, ...] = ()) -> wire.Start:
    return wire.Start(
        version=wire.PROTOCOL_VERSION,
        mode="plain",
        entry=wire.AnonymousEntry(path="probe.py", text=text, argv=arguments),
        sources=(),
        objects=(),
        now=dt.datetime.now(dt.UTC),
        user=wire.UserRef(id="", name="probe"),
        limits_profile="circuit",
        limits={},
        seed=0,
        started_ns=time.monotonic_ns(),
        log_levels={},
        explain_refusals=False,
    )


def _inherited(findings: _Findings) -> list[Guarantee]:
    """What the process was started with."""
    environment = findings.value("environment")
    extra = sorted(set(environment or ()) - _HARMLESS_VARIABLES)
    descriptors = findings.value("descriptors") or []
    return [
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


def _refused(findings: _Findings) -> list[Guarantee]:
    """What the script tried and must not have done."""
    return [
        _guarantee(
            name,
            "refused" in findings.by_attempt.get(attempt, {}),
            f"{how} ({findings.by_attempt.get(attempt, {}).get('refused', '')})",
            f"A script {findings.value(attempt) or 'could not try it'}.",
        )
        for name, attempt, how in _ATTEMPTS
    ]


def _no_native_code(findings: _Findings, native: _Findings) -> Guarantee:
    done = findings.value("map_native_code") or native.value("call_native_code")
    tried = "map_native_code" in findings.by_attempt and native.hello is not None
    return _guarantee(
        "no_native_code",
        tried and done is None,
        "no machine code can be loaded, and ctypes is not there",
        f"A script {done or 'could not try it'}.",
    )


def _confined(findings: _Findings) -> list[Guarantee]:
    """What the process gave up before the script began, as the kernel tells it."""
    rlimits = findings.value("rlimits") or {}
    status = findings.status
    return [
        _guarantee(
            "no_new_privileges",
            status.get("NoNewPrivs") == "1" and int(status.get("CapEff", "1"), 16) == 0,
            "no capabilities, and no-new-privs is set",
            "The kernel did not take them away.",
        ),
        _guarantee(
            "system_calls_filtered",
            status.get("Seccomp") == "2",
            "the kernel refuses system calls that are not on a list",
            "This system has no such filter, or the machine is not known.",
        ),
        _guarantee(
            "resource_limits",
            len(rlimits) == 4 and all(0 <= value < _UNLIMITED for value in rlimits.values()),
            ", ".join(f"{name.removeprefix('RLIMIT_').lower()} {value}" for name, value in rlimits.items()),
            "This system does not keep them.",
        ),
        _guarantee(
            "memory_hidden",
            findings.owner is not None and str(findings.owner) != status.get("Uid", "").split("\t")[0],
            "other processes of this user cannot read the worker's memory",
            "This system cannot hide it; it holds no secret but those its script read.",
        ),
    ]


def _watch(worker: Worker) -> list[Guarantee]:
    """Read a spinning worker's clocks and line, then let go of it."""
    deadline = time.monotonic() + _TIMEOUT_S
    try:
        worker.socket.receive(deadline)
        _begin(worker, _start(_SPIN), deadline)
        worker.socket.receive(deadline)
    except (ConnectionEnded, DeadlinePassed):
        return []
    worker.mark_baseline()
    while worker.cpu_ns() < 20_000_000 and time.monotonic() < deadline:
        time.sleep(0.005)
    frame = worker.capture_line()
    measured = worker.cpu_ns() >= 20_000_000
    worker.let_go()
    return [
        _guarantee("cpu_limit", measured, "the host reads the worker's CPU clock", "The clock cannot be read."),
        _guarantee(
            "line_before_kill",
            frame is not None and frame.path == "probe.py",
            "the running line is captured, also inside C code",
            "The worker did not answer.",
        ),
        _guarantee(
            "dies_with_host",
            worker.wait(2.0) is not None,
            "the kernel kills the worker when the host ends",
            "Only a worker that waits for the host notices its end.",
        ),
    ]


def _kill(worker: Worker) -> Guarantee:
    worker.kill()
    return _guarantee(
        "killable", worker.wait(5.0) is not None, "a worker was killed from outside", "It did not end."
    )


def _guarantee(name: str, enforced: bool, how: str, why_not: str) -> Guarantee:
    return Guarantee(
        name=name, enforced=enforced, how=how if enforced else "", why_not="" if enforced else why_not
    )
