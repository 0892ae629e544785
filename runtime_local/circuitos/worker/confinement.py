"""Turns a fresh process into a worker: descriptors, limits, signals, environment.

What each layer did is reported in `Hello.layers`; the host's probes check it again from inside.
"""

from __future__ import annotations

import faulthandler
import gc
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from socket import socket as Socket

from circuit_link.framing import FrameSocket
from circuitos.worker.layers import refusals
from circuitos.worker.layers.preparation import Prepared

if sys.platform != "win32":
    import fcntl
    import resource

_FIRST_FD = 3
_PARKED_FD = 200
_LAST_FD = 65_536
_MAX_OPEN_FILES = 64
_CPU_GRACE_S = 5
_THREAD_STACK_BYTES = 1024 * 1024
_F_SETSIG = 10
_MAX_THREADS = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard stops of one worker, heap beyond its baseline; the host ends it before they are reached."""

    heap_bytes: int
    cpu_ms: int


@dataclass(frozen=True, slots=True)
class Channels:
    """What a confined worker has left.

    Attributes:
        socket: the host's.
        debug_socket: the debugger's, in a debug worker.
        layers: what holds this process, in words, by the layer's name.
        explain_refusals: from its call on, what the system refuses is refused in a sentence.
    """

    socket: FrameSocket
    debug_socket: Socket | None
    layers: dict[str, str]
    explain_refusals: Callable[[], None]


def confine(sockets: list[int], line_fd: int, life_fd: int | None, limits: Limits, prepared: Prepared) -> Channels:
    """Confine this process, in its main thread and before any other exists.

    Args:
        sockets: the host's, and in a debug worker the debugger's.
        line_fd: where `faulthandler` writes the running line on SIGUSR2.
        life_fd: read end of a pipe whose writer is the host; its end kills this process. None where the
            system cannot do that.
        limits: its hard stops.
        prepared: what this process, or the zygote that it comes from, has prepared.
    """
    layers = dict(prepared.layers)
    data_bytes = prepared.data_bytes()
    if sys.platform == "linux" and prepared.ruleset_fd >= 0:
        from circuitos.worker.layers import libc

        libc.restrict_self(prepared.ruleset_fd)
    kept = _keep_only([*sockets, line_fd, *([] if life_fd is None else [life_fd])])
    layers["closed_descriptors"] = "only the worker's own sockets and pipes are open"
    _lead_a_session()
    _reset_signals()
    if life_fd is not None:
        _die_with(kept[-1])
        layers["dies_with_host"] = "the kernel kills the worker when the host ends"
    _set_rlimits(limits, data_bytes)
    kept_limits = "CPU time, open files, file size, core dumps"
    layers["rlimits"] = f"memory, {kept_limits}" if sys.platform == "linux" else kept_limits
    faulthandler.register(signal.SIGUSR2, file=kept[len(sockets)], all_threads=True)
    os.environ.clear()
    layers["environment"] = "empty"
    threading.stack_size(_THREAD_STACK_BYTES)
    if sys.platform == "linux":
        layers |= _seal(prepared)
    gc.enable()
    return Channels(
        socket=FrameSocket(Socket(fileno=kept[0])),
        debug_socket=Socket(fileno=kept[1]) if len(sockets) > 1 else None,
        layers=layers,
        explain_refusals=partial(
            refusals.install, prepared.readable, prepared.devices, native_code=prepared.debug
        ),
    )


def _seal(prepared: Prepared) -> dict[str, str]:
    """Close the system calls, and in a plain worker the way to native code, in the order in which that works."""
    from circuitos.worker.layers import libc

    layers = {}
    try:
        libc.unshare(libc.NEW_USERS)
        libc.drop_capabilities()
        _lower(resource.RLIMIT_NPROC, _MAX_THREADS)
        layers["threads"] = f"at most {_MAX_THREADS}"
    except OSError:
        pass  # no user namespaces here; memory bounds the threads
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    layers["non_dumpable"] = "other processes of this user cannot read its memory"
    program = prepared.filter_of(os.getpid())
    if program is None:
        return layers
    libc.set_filter(program)
    layers["seccomp"] = "a list of allowed system calls; no new machine code"
    if prepared.native_code:
        libc.forget(list(prepared.native_code))
        layers["no_native_code"] = "the code of ctypes is unmapped"
    return layers


def _keep_only(descriptors: list[int]) -> list[int]:
    """Move `descriptors` to 3, 4, …, point 0 to 2 at nothing, and close every other one."""
    parked = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _PARKED_FD) for descriptor in descriptors]
    null = fcntl.fcntl(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), fcntl.F_DUPFD_CLOEXEC, _PARKED_FD)
    for standard in range(3):
        os.dup2(null, standard)
    kept = list(range(_FIRST_FD, _FIRST_FD + len(parked)))
    for source, target in zip(parked, kept, strict=True):
        os.dup2(source, target, inheritable=False)
    os.closerange(_FIRST_FD + len(kept), _LAST_FD)
    return kept


def _lead_a_session() -> None:
    """Have a process group of its own, so that a kill reaches what the script has started."""
    try:
        os.setsid()
    except PermissionError:
        pass  # it was started as a leader


def _reset_signals() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _die_with(life_fd: int) -> None:
    """Let the kernel send SIGKILL when the host's end of the pipe closes, whatever the script is doing then."""
    fcntl.fcntl(life_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life_fd, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life_fd, fcntl.F_SETFL, fcntl.fcntl(life_fd, fcntl.F_GETFL) | os.O_ASYNC)


def _set_rlimits(limits: Limits, data_bytes: int) -> None:
    cpu_s = math.ceil(limits.cpu_ms / 1000) + _CPU_GRACE_S
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _lower(resource.RLIMIT_CPU, cpu_s)
    _lower(resource.RLIMIT_DATA, data_bytes + limits.heap_bytes)


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
