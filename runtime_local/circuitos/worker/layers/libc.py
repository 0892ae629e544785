"""The system calls that Python has no function for, made through `ctypes`, and the removal of that power.

Imported by a zygote and used by its forks until they are sealed. `forget` then unmaps the code of `ctypes`: with
no way to map new code (see `seccomp`), a script cannot call native functions again, whatever it imports or finds.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import struct
import sys
from collections.abc import Iterable

from circuitos.worker.layers.syscalls import this_architecture

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38

NEW_USERS = 0x1000_0000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
AT_RECURSIVE = 0x8000
_AT_FDCWD = -100

_SECCOMP_SET_MODE_FILTER = 1
_CAPABILITY_VERSION_3 = 0x2008_0522
_LAST_CAPABILITY = 63

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_architecture = this_architecture()
_numbers = {} if _architecture is None else _architecture.numbers


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def prctl(option: int, value: int) -> None:
    """Raises: OSError."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def unshare(flags: int) -> None:
    """Raises: OSError."""
    _check(_libc.unshare(flags))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Raises: OSError."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _check(_libc.mount(*encoded, ctypes.c_ulong(flags), os.fsencode(options)))


def set_mount_attributes(path: str, attributes: int, flags: int = 0) -> None:
    """Add `MOUNT_ATTR_*` to the mount at `path`. Raises: OSError."""
    request = struct.pack("=QQQQ", attributes, 0, 0, 0)
    _call("mount_setattr", _AT_FDCWD, os.fsencode(path), flags, request, len(request))


def make_root(path: str) -> None:
    """Let the mount at `path` be the root of this process, and nothing else be reachable. Raises: OSError."""
    os.chdir(path)
    _call("pivot_root", b".", b".")
    _check(_libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def forbid_capabilities() -> None:
    """Let no program that this process starts have any capability, as far as it may decide that."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one that this kernel knows, or already powerless


def drop_capabilities() -> None:
    """Give up every capability. Raises: OSError."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _call("capset", header, bytes(24))


def create_ruleset(attributes: bytes) -> int:
    """A Landlock ruleset's descriptor. Raises: OSError."""
    return _call("landlock_create_ruleset", attributes, len(attributes), 0)


def landlock_version() -> int:
    """The version of Landlock that this kernel speaks, 0 for none."""
    try:
        return _call("landlock_create_ruleset", None, 0, 1)
    except OSError:
        return 0


def add_path_rule(ruleset: int, rule: bytes) -> None:
    """Raises: OSError."""
    _call("landlock_add_rule", ruleset, 1, rule, 0)


def restrict_self(ruleset: int) -> None:
    """Raises: OSError."""
    _call("landlock_restrict_self", ruleset, 0)


def set_filter(program: bytes) -> None:
    """Let `program` judge every system call of this thread and its children from now on. Raises: OSError."""
    filter_program = _FilterProgram(len(program) // 8, program)
    _call("seccomp", _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(filter_program))


def map_libraries(paths: Iterable[str]) -> None:
    """Map shared objects, without initialising the modules in them: a later import then needs no new mapping."""
    for path in paths:
        try:
            ctypes.CDLL(path)
        except OSError:
            continue  # what it needs is not installed here; its import says so


def native_code_ranges() -> list[tuple[int, int]]:
    """Where the machine code of `ctypes` is mapped, as (start, length); empty where it cannot be told apart."""
    ranges = []
    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123 - pathlib costs start-up time
        for line in maps:
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and "x" in fields[1] and _is_ffi(fields[5].strip()):
                start, end = (int(address, 16) for address in fields[0].split("-"))
                ranges.append((start, end - start))
    return ranges


def forget(ranges: list[tuple[int, int]]) -> None:
    """Unmap `ctypes` at `ranges` and take it out of the import system. Nothing of this module works after it.

    The last step must not return into the code it removes, so `munmap` is called by an object of the `mmap`
    module that has been pointed at the range. Objects of `ctypes` that still exist are kept from ever being
    freed or visited, which would call that code.
    """
    unmappers = [_unmapper(start, length) for start, length in ranges]
    names = ("ctypes", "_ctypes", __name__)
    kept = [sys.modules.pop(name) for name in [*sys.modules] if name in names or name.startswith("ctypes.")]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    gc.freeze()
    for unmapper in unmappers:
        unmapper.close()


def _unmapper(start: int, length: int) -> mmap.mmap:
    """A memory map whose `close` unmaps the given range instead of its own page."""
    unmapper = mmap.mmap(-1, 3 * mmap.PAGESIZE)
    first = ctypes.c_char.from_buffer(unmapper)
    mine = (ctypes.addressof(first), len(unmapper))
    del first
    words = (ctypes.c_size_t * (unmapper.__sizeof__() // ctypes.sizeof(ctypes.c_size_t))).from_address(
        id(unmapper)
    )
    # The object holds its address and its length side by side; where, depends on the version of Python.
    at = next(place for place in range(len(words) - 1) if (words[place], words[place + 1]) == mine)
    words[at], words[at + 1] = start, length
    return unmapper


def _is_ffi(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(("_ctypes.", "libffi.", "libffi-"))


def _call(name: str, *arguments: object) -> int:
    number = _numbers.get(name)
    if number is None:
        raise OSError(f"{name} has no known number here")
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(_check(_libc.syscall(ctypes.c_long(number), *converted)))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
