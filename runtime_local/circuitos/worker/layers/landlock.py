"""Landlock: the files a worker may open, no TCP ports, no signals and abstract sockets to other processes.

Source: Linux, Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from circuitos.worker.layers import libc

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FILE_RIGHTS_BY_VERSION = ((5, (1 << 16) - 1), (3, (1 << 15) - 1), (2, (1 << 14) - 1), (1, (1 << 13) - 1))
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_TCP_VERSION = 4
_SCOPES_VERSION = 6


def make_ruleset(readable: Iterable[str], devices: Iterable[str]) -> tuple[int, str]:
    """A ruleset's descriptor, to be applied by `libc.restrict_self`, and what it holds in words.

    Args:
        readable: folders and files that may be read; those that do not exist are passed over.
        devices: device files that may be read and written.

    Raises:
        OSError: the kernel has no Landlock, or it is not switched on.
    """
    version = libc.landlock_version()
    file_rights = next((rights for since, rights in _FILE_RIGHTS_BY_VERSION if version >= since), 0)
    network = _BIND_AND_CONNECT_TCP if version >= _TCP_VERSION else 0
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_VERSION else 0
    fields = [file_rights, *([network] if network else []), *([scopes] if scopes else [])]
    ruleset = libc.create_ruleset(struct.pack(f"={len(fields)}Q", *fields))
    for path in readable:
        _allow(ruleset, path, _READ_FILE | _READ_DIR)
    for path in devices:
        _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
    parts = ["files", *(["TCP"] if network else []), *(["signals, abstract sockets"] if scopes else [])]
    return ruleset, f"version {version}: {', '.join(parts)}"


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= ~_READ_DIR
        libc.add_path_rule(ruleset, struct.pack("=Qi", rights, descriptor))
    finally:
        os.close(descriptor)
