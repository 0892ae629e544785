"""Run inside a worker as a script: tries what a script must not be able to do, and prints what happened.

Never imported by the host; `probes` reads its text. Each line of output is one JSON list: name, what was found.
Arguments: a file of the host that anyone may read, the host's process id, the memory limit in bytes; then the
names of the attempts to make, or none for all that end well.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

PLANTED, HOST_PID, MEMORY_BYTES, *CHOSEN = sys.argv[1:]


def environment() -> list[str]:
    names = set(os.environ)
    try:
        started_with = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        started_with = []
    return sorted(names | {entry.partition(b"=")[0].decode("utf-8", "replace") for entry in started_with if entry})


def descriptors() -> list[int]:
    open_ones = []
    for number in range(1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        open_ones.append(number)
    return open_ones


def rlimits() -> dict[str, int]:
    import resource

    names = ("RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_CORE", "RLIMIT_NOFILE")
    return {name: resource.getrlimit(getattr(resource, name))[1] for name in names}


def use_memory() -> str:
    return f"held {len(bytearray(2 * int(MEMORY_BYTES)))} bytes"


def read_file() -> str:
    return f"read {len(Path(PLANTED).read_bytes())} bytes of a file of the host"


def see_file() -> str:
    try:
        Path(PLANTED).stat()
    except OSError as refusal:
        try:
            Path(PLANTED).with_name("absent").stat()
        except OSError as absence:
            if refusal.errno == absence.errno:
                raise
        return "was refused a file of the host in another way than one that is not there"
    return "saw that a file of the host exists"


def write_file() -> str:
    refusals = []
    for folder in (Path(PLANTED).parent, Path("/tmp"), Path("/dev/shm"), Path(os.__file__).parent):
        target = folder / f"circuit-probe-{os.getpid()}"
        try:
            target.touch()
        except OSError as exc:
            refusals.append(exc)
        else:
            target.unlink()
            return f"created a file in {folder}"
    raise refusals[0]


def use_network() -> str:
    import socket

    refusals = []
    for family, kind in (
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
    ):
        try:
            socket.socket(family, kind).close()
        except OSError as exc:
            refusals.append(exc)
        else:
            return "made a socket"
    raise refusals[0]


def start_process() -> str:
    if sys.platform == "win32":
        import subprocess

        return f"started a process: {subprocess.run([sys.executable, '-I', '-c', '']).args[0]}"
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "forked a process"


def signal_host() -> str:
    if sys.platform == "win32":
        import ctypes

        terminate = 1
        if not ctypes.windll.kernel32.OpenProcess(terminate, False, int(HOST_PID)):
            raise ctypes.WinError()
        return "could end the host"
    os.kill(int(HOST_PID), 0)
    return "could signal the host"


def map_native_code() -> str:
    if sys.platform == "win32":
        return call_native_code()
    import mmap

    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return "mapped memory that can be run"


def call_native_code() -> str:
    import ctypes

    if sys.platform == "win32":
        return f"called the kernel: pid {ctypes.windll.kernel32.GetCurrentProcessId()}"
    return f"called libc: pid {ctypes.CDLL(None).getpid()}"


HARMLESS: dict[str, Callable[[], object]] = {
    "environment": environment,
    "descriptors": descriptors,
    "rlimits": rlimits,
    "use_memory": use_memory,
    "read_file": read_file,
    "see_file": see_file,
    "write_file": write_file,
    "use_network": use_network,
    "start_process": start_process,
    "signal_host": signal_host,
    "map_native_code": map_native_code,
}
# Where the code of ctypes is gone, its use ends the process.
FATAL: dict[str, Callable[[], object]] = {"call_native_code": call_native_code}

for name in CHOSEN or HARMLESS:
    try:
        found = {"ok": {**HARMLESS, **FATAL}[name]()}
    except (OSError, ImportError, ValueError, MemoryError) as exc:
        found = {"refused": f"{type(exc).__name__}: {exc}"}
    sys.stdout.write(json.dumps([name, found]) + "\n")
