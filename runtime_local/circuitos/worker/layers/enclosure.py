"""Namespaces, a private root and an unprivileged user: what a zygote takes off before it makes workers.

The strongest way that works here is found by trying each in a fork first: a half-built one could not be undone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from circuitos.worker.layers import libc

_NEW_MOUNTS, _NEW_CGROUPS, _NEW_HOSTNAME, _NEW_IPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
_NEW_PIDS, _NEW_NETWORK = 0x2000_0000, 0x4000_0000
_NEW_EVERYTHING = _NEW_MOUNTS | _NEW_CGROUPS | _NEW_HOSTNAME | _NEW_IPC | _NEW_NETWORK
_NOBODY = 65534
# It exists wherever processes are told apart, and nothing below it is taken over into the new root.
_MOUNT_POINT = "/proc"
_ROOT_OPTIONS = "size=256k,nr_inodes=4k,mode=755"

_NAMESPACES = "mount, network, IPC, host name and cgroup namespaces of its own"
_PROCESS_NAMESPACE = "a process namespace, which its end empties"
_PRIVATE_ROOT = "a root of its own that holds Python's library and nothing else"

Layers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Remains:
    """What of the system stays.

    Attributes:
        readable: absolute paths of the folders and files that stay visible, read-only, under the same names.
        devices: device files that stay usable.
        processes: the process that encloses itself starts others, which are to have a process namespace. It
            can then start no threads.
    """

    readable: Sequence[str]
    devices: Sequence[str]
    processes: bool


def enclose(remains: Remains) -> Layers:
    """Leave as much of the system as can be left, and say in words what was."""
    for way in _ways():
        if _works(way, remains):
            return way(remains)
    return {}


def start_init() -> int:
    """Fork the first process of the new process namespace, which only holds it open; its id.

    It dies with this process, and the kernel then kills whatever is left in the namespace.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.closerange(0, 65_536)
        while True:
            signal.pause()
    finally:
        os._exit(1)


def _ways() -> list[Callable[[Remains], Layers]]:
    if os.geteuid() == 0:
        return [_enclose_as_root, _enclose_as_user, _become_nobody]
    return [_enclose_as_user]


def _works(way: Callable[[Remains], Layers], remains: Remains) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            way(remains)
            os._exit(0 if all(os.access(path, os.R_OK) for path in remains.readable) else 1)
        except OSError:
            os._exit(1)
        finally:
            os._exit(2)
    return os.waitpid(pid, 0)[1] == 0


def _enclose_as_root(remains: Remains) -> Layers:
    libc.unshare(_namespaces(remains))
    _build_root(remains)
    return {**_enclosed(remains), **_become_nobody(remains)}


def _enclose_as_user(remains: Remains) -> Layers:
    user, group = os.geteuid(), os.getegid()
    libc.unshare(libc.NEW_USERS | _namespaces(remains))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - as elsewhere here
            file.write(text)
    _build_root(remains)
    libc.forbid_capabilities()
    libc.drop_capabilities()
    return {**_enclosed(remains), "user_namespace": "privileges end at its border"}


def _namespaces(remains: Remains) -> int:
    return _NEW_EVERYTHING | (_NEW_PIDS if remains.processes else 0)


def _enclosed(remains: Remains) -> Layers:
    layers = {"namespaces": _NAMESPACES, "private_root": _PRIVATE_ROOT}
    return {**layers, "process_namespace": _PROCESS_NAMESPACE} if remains.processes else layers


def _become_nobody(remains: Remains) -> Layers:
    libc.forbid_capabilities()
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    libc.drop_capabilities()
    return {"user": "an unprivileged user that owns nothing"}


def _build_root(remains: Remains) -> None:
    libc.mount(None, "/", None, libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("none", _MOUNT_POINT, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC, _ROOT_OPTIONS)
    read_only = libc.MOUNT_ATTR_RDONLY | libc.MOUNT_ATTR_NOSUID
    for path in remains.readable:
        _bind(path)
        libc.set_mount_attributes(_MOUNT_POINT + path, read_only | libc.MOUNT_ATTR_NODEV, libc.AT_RECURSIVE)
    for path in remains.devices:
        _bind(path)
        libc.set_mount_attributes(_MOUNT_POINT + path, libc.MOUNT_ATTR_NOSUID | libc.MOUNT_ATTR_NOEXEC)
    libc.set_mount_attributes(_MOUNT_POINT, read_only | libc.MOUNT_ATTR_NODEV | libc.MOUNT_ATTR_NOEXEC)
    libc.make_root(_MOUNT_POINT)


def _bind(path: str) -> None:
    target = _MOUNT_POINT + path
    if os.path.isdir(path):  # noqa: PTH112 - pathlib costs start-up time
        os.makedirs(target, mode=0o755, exist_ok=True)  # noqa: PTH103
    else:
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    libc.mount(path, target, None, libc.MS_BIND | libc.MS_REC)
