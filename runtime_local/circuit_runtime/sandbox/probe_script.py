"""Run inside a worker as a script: tries what a script must not be able to do, and prints what happened.

Never imported by the host; `probes` reads its text. Each line of output is one JSON list: name, what was found.
"""

import json
import os
import sys
from collections.abc import Callable


def _status(field: str) -> str:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - as a script would
        return next((line.split()[1] for line in status if line.startswith(f"{field}:")), "")


def _environment() -> list[str]:
    with open("/proc/self/environ", "rb") as environ:  # noqa: PTH123 - as a script would
        started_with = environ.read().split(b"\0")
    names = {entry.partition(b"=")[0].decode("utf-8", "replace") for entry in started_with if entry}
    return sorted(names | set(os.environ))


def _descriptors() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - as a script would


def _rlimits() -> dict[str, int]:
    import resource

    names = ("RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_CORE", "RLIMIT_NOFILE")
    return {name: resource.getrlimit(getattr(resource, name))[1] for name in names}


def _dies_with_host() -> list[int]:
    import fcntl

    get_signal = 11
    return [fcntl.fcntl(fd, get_signal) for fd in _descriptors()[3:-1]]


def _dumpable() -> int:
    import ctypes

    get_dumpable = 3
    return ctypes.CDLL(None).prctl(get_dumpable, 0, 0, 0, 0)  # type: ignore[no-any-return]  # ctypes has no types


def _read_file() -> str:
    with open("/etc/passwd", "rb") as file:  # noqa: PTH123 - as a script would
        return f"read {len(file.read())} bytes of /etc/passwd"


def _write_file() -> str:
    path = f"/tmp/circuit-probe-{os.getpid()}"
    with open(path, "wb"):  # noqa: PTH123 - as a script would
        pass
    os.unlink(path)  # noqa: PTH108 - as a script would
    return "created a file in /tmp"


def _use_network() -> str:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return "bound a socket"


def _start_process() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "forked a process"


def _load_native_code() -> str:
    import ctypes

    return f"called libc: pid {ctypes.CDLL(None).getpid()}"


_PROBES: dict[str, Callable[[], object]] = {
    "no_new_privs": lambda: _status("NoNewPrivs"),
    "environment": _environment,
    "arguments": lambda: sys.orig_argv[1:],
    "descriptors": _descriptors,
    "rlimits": _rlimits,
    "dies_with_host": _dies_with_host,
    "dumpable": _dumpable,
    "read_file": _read_file,
    "write_file": _write_file,
    "network": _use_network,
    "process": _start_process,
    "native_code": _load_native_code,
}

for name, probe in _PROBES.items():
    try:
        found = {"ok": probe()}
    except (OSError, ImportError, ValueError) as exc:
        found = {"refused": f"{type(exc).__name__}: {exc}"}
    sys.stdout.write(json.dumps([name, found]) + "\n")
