"""What a zygote or an idle worker does once, before it becomes or makes workers.

Everything native that a script may need is mapped now, because a sealed worker can map none; then the process
leaves the system behind as far as it can (`enclosure`), and makes the rules that its workers will seal
themselves with.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from circuitos.worker.layers.seccomp import worker_filter
from circuitos.worker.layers.syscalls import Architecture, this_architecture

_DEVICES = ("/dev/null", "/dev/urandom")
_OUR_PACKAGES = ("circuitos", "circuit_link", "circuit_log")
_NOT_MAPPED = ("_ctypes_test", "_curses", "_test", "_tkinter", "_xx", "readline", "xxlimited")
_C_LIBRARY_PARTS = ("libgcc_s.so.1",)
_UNKNOWN_DATA_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """What workers need to seal themselves.

    Attributes:
        debug: they keep `ctypes`, and their threads may signal each other.
        layers: what holds for all of them already, in words.
        readable: absolute paths of the folders and files that scripts may read.
        devices: device files that scripts may use.
        proc_fd: the kernel's folder of processes, which the private root does not show; -1 where it has none.
        ruleset_fd: Landlock's rules, -1 where there are none.
        architecture: what filters are made for, None where none can be made.
        plain_filter: the system calls of a plain worker, made once.
        native_code: the ranges of `ctypes` to unmap.
    """

    debug: bool
    layers: dict[str, str] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    devices: tuple[str, ...] = _DEVICES
    proc_fd: int = -1
    ruleset_fd: int = -1
    architecture: Architecture | None = None
    plain_filter: bytes = b""
    native_code: tuple[tuple[int, int], ...] = ()

    def filter_of(self, pid: int) -> bytes | None:
        """The system calls that the worker `pid` may make; None where the machine is not known."""
        if self.architecture is None or not self.debug:
            return self.plain_filter or None
        return worker_filter(self.architecture, signals_itself=pid)

    def data_bytes(self) -> int:
        """The private writable memory that this process has mapped, as RLIMIT_DATA counts it."""
        if self.proc_fd < 0:
            return _UNKNOWN_DATA_BYTES
        descriptor = os.open("self/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.proc_fd)
        with open(descriptor, encoding="ascii") as status:  # noqa: PTH123 - it is open
            return next(
                (int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:")), _UNKNOWN_DATA_BYTES
            )


def prepare(*, debug: bool, forks: bool, libraries: Sequence[str] = ()) -> Prepared:
    """Prepare this process while it is single-threaded.

    Args:
        debug: its workers serve a debugger, which needs `ctypes`.
        forks: it makes workers rather than becomes one.
        libraries: third-party packages that scripts may import.
    """
    _import_libraries(libraries)
    if sys.platform != "linux":
        return Prepared(debug=debug, layers=_held_from_outside(), readable=_readable())
    from circuitos.worker.layers import enclosure, libc

    architecture = this_architecture()
    os.umask(0o022)
    libc.map_libraries([*_native_modules(), *_native_parts_of(["coverage", *libraries]), *_C_LIBRARY_PARTS])
    readable = _readable()
    devices = tuple(path for path in _DEVICES if os.path.exists(path))  # noqa: PTH110 - pathlib costs start-up time
    native_code = () if debug else tuple(libc.native_code_ranges())
    proc_fd = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    layers = {}
    try:
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        layers["no_new_privileges"] = "no-new-privs is set"
    except OSError:
        pass
    layers |= enclosure.enclose(enclosure.Remains(readable, devices, processes=forks))
    ruleset_fd, rules = _landlock_rules(readable, devices)
    if rules:
        layers["landlock"] = rules
    return Prepared(
        debug=debug,
        layers=layers,
        readable=readable,
        devices=devices,
        proc_fd=proc_fd,
        ruleset_fd=ruleset_fd,
        architecture=architecture,
        plain_filter=b"" if architecture is None else worker_filter(architecture),
        native_code=native_code,
    )


def _held_from_outside() -> dict[str, str]:
    """What the host started this process in, where a process does not confine itself."""
    if sys.platform == "darwin":
        from circuitos.worker.layers import seatbelt

        return seatbelt.layer()
    from circuitos.worker.layers import job_object

    return job_object.layer()


def _import_libraries(names: Sequence[str]) -> None:
    for name in names:
        try:
            importlib.import_module(_import_name(name))
        except ImportError:
            continue  # the script that imports it is told


def _import_name(library: str) -> str:
    return library.replace("-", "_").lower()


def _native_modules() -> list[str]:
    """The standard library's shared objects, but those that need a screen, a terminal or are tests."""
    return [
        os.path.join(folder, file)  # noqa: PTH118 - pathlib costs start-up time
        for folder in sys.path
        if folder.endswith("lib-dynload")
        for file in _list(folder)
        if file.endswith(".so") and not file.startswith(_NOT_MAPPED)
    ]


def _native_parts_of(libraries: Sequence[str]) -> list[str]:
    found = []
    for library in libraries:
        spec = importlib.util.find_spec(_import_name(library))
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            for parent, _, files in os.walk(folder):
                found += [os.path.join(parent, file) for file in files if file.endswith(".so")]  # noqa: PTH118
    return found


def _list(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - pathlib costs start-up time
    except OSError:
        return []


def _readable() -> tuple[str, ...]:
    """Python's library and what is installed beside it, the worker's code, time zones; none inside another."""
    import zoneinfo

    ours = [path for name in _OUR_PACKAGES if (spec := importlib.util.find_spec(name)) for path in _folders(spec)]
    wanted = [path for path in [*sys.path, *ours, *zoneinfo.TZPATH] if path.startswith("/") and path != "/"]
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in wanted}):
        if os.path.exists(path) and not (kept and path.startswith(f"{kept[-1]}/")):  # noqa: PTH110
            kept.append(path)
    return tuple(kept)


def _folders(spec: importlib.machinery.ModuleSpec) -> list[str]:
    return list(spec.submodule_search_locations or ())


def _landlock_rules(readable: Sequence[str], devices: Sequence[str]) -> tuple[int, str]:
    from circuitos.worker.layers import landlock

    try:
        return landlock.make_ruleset(readable, devices)
    except OSError:
        return -1, ""
