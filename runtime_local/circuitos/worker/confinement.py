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
from dataclasses import dataclass
from socket import socket as Socket

from circuit_link.framing import FrameSocket

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
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard stops of one worker; the host ends it before they are reached."""

    heap_bytes: int
    cpu_ms: int


@dataclass(frozen=True, slots=True)
class Channels:
    """What a confined worker has left: its socket, the debugger's in a debug worker, and its layers."""

    socket: FrameSocket
    debug_socket: Socket | None
    layers: dict[str, str]


def confine(sockets: list[int], line_fd: int, life_fd: int | None, limits: Limits) -> Channels:
    """Confine this process, in its main thread and before any other exists.

    Args:
        sockets: the host's, and in a debug worker the debugger's.
        line_fd: where `faulthandler` writes the running line on SIGUSR2.
        life_fd: read end of a pipe whose writer is the host; its end kills this process. None where the
            system cannot do that.
    """
    layers: dict[str, str] = {}
    kept = _keep_only([*sockets, line_fd, *([] if life_fd is None else [life_fd])])
    layers["closed_descriptors"] = "closed"
    _lead_a_session()
    _reset_signals()
    if life_fd is not None:
        layers["dies_with_host"] = _die_with(kept[-1])
    _set_rlimits(limits)
    layers["rlimits"] = "data, cpu, core, nofile"
    if "ctypes" in sys.modules:
        layers["non_dumpable"] = _forbid_dumps()
    faulthandler.register(signal.SIGUSR2, file=kept[len(sockets)], all_threads=True)
    os.environ.clear()
    layers["environment"] = "empty"
    threading.stack_size(_THREAD_STACK_BYTES)
    gc.enable()
    return Channels(
        socket=FrameSocket(Socket(fileno=kept[0])),
        debug_socket=Socket(fileno=kept[1]) if len(sockets) > 1 else None,
        layers=layers,
    )


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


def _die_with(life_fd: int) -> str:
    """Let the kernel send SIGKILL when the host's end of the pipe closes, whatever the script is doing then."""
    if sys.platform != "linux":
        return ""
    fcntl.fcntl(life_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life_fd, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life_fd, fcntl.F_SETFL, fcntl.fcntl(life_fd, fcntl.F_GETFL) | os.O_ASYNC)
    return "the kernel kills the worker when the host's pipe closes"


def _set_rlimits(limits: Limits) -> None:
    cpu_s = math.ceil(limits.cpu_ms / 1000) + _CPU_GRACE_S
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _lower(resource.RLIMIT_CPU, cpu_s)
    _lower(resource.RLIMIT_DATA, _data_bytes() + limits.heap_bytes + limits.heap_bytes // 4)


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _data_bytes() -> int:
    """The private writable memory that this process has mapped, as RLIMIT_DATA counts it."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib costs start-up time
            for line in status:
                if line.startswith("VmData:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 256 * 1024 * 1024


def _forbid_dumps() -> str:
    import ctypes

    refused = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return "" if refused else "other processes of this user cannot read its memory"
