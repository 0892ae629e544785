"""Says in a sentence what a script cannot do, before the system refuses it in fewer words.

An audit hook is no boundary: it can be passed by, and then the kernel refuses. It is here for the developer who
reads the message.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from errno import EACCES, EPERM
from typing import Any

_NETWORK = "A script cannot use the network; CircuitHTTP reaches the addresses that circuit.toml allows"
_PROCESS = "A script cannot start or signal other processes"
_WRITE = "A script cannot write files; CircuitDB keeps what has to last"
_READ = "A script can read no files but Python's own library"
_NATIVE = "A script cannot call native code"

_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_NETWORK_EVENTS = """
    socket.connect socket.bind socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr socket.getnameinfo
    socket.sendto socket.sendmsg
"""
_PROCESS_EVENTS = """
    subprocess.Popen os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty pty.spawn os.kill os.killpg
"""
_WRITE_EVENTS = """
    os.chmod os.chown os.chflags os.link os.mkdir os.remove os.removexattr os.rename os.rmdir os.setxattr
    os.symlink os.truncate os.utime tempfile.mkdtemp tempfile.mkstemp
"""
_LIST_EVENTS = ("os.listdir", "os.scandir")

_Judge = Callable[[tuple[Any, ...]], None]


def install(readable: tuple[str, ...], devices: tuple[str, ...], *, native_code: bool) -> None:
    """Explain refusals in this process from now on; it cannot be undone.

    Args:
        readable: folders and files that may be read.
        devices: files that may be read and written.
        native_code: `ctypes` can be used, as a debug worker's debugger does.
    """
    folders = tuple(f"{path}/" for path in readable)
    exact = frozenset((*readable, *devices))

    def judge_open(args: tuple[Any, ...]) -> None:
        path, _, flags = args
        name = _name(path)
        if name is None or name in devices:
            return
        if flags & _WRITING_FLAGS:
            raise PermissionError(EACCES, _WRITE, name)
        _judge_read(name)

    def judge_list(args: tuple[Any, ...]) -> None:
        name = _name(args[0] if args and args[0] is not None else ".")
        if name is not None:
            _judge_read(name)

    def _judge_read(name: str) -> None:
        path = os.path.normpath(name)
        if path not in exact and not path.startswith(folders):
            raise PermissionError(EACCES, _READ, name)

    judges: dict[str, _Judge] = {
        "open": judge_open,
        "socket.__new__": _judge_socket,
        **dict.fromkeys(_LIST_EVENTS, judge_list),
        **dict.fromkeys(_NETWORK_EVENTS.split(), _refuse(_NETWORK)),
        **dict.fromkeys(_PROCESS_EVENTS.split(), _refuse(_PROCESS)),
        **dict.fromkeys(_WRITE_EVENTS.split(), _refuse(_WRITE)),
    }
    if not native_code:
        judges["import"] = _judge_import

    def hook(event: str, args: tuple[Any, ...]) -> None:
        judge = judges.get(event)
        if judge is not None:
            judge(args)

    sys.addaudithook(hook)


def _refuse(sentence: str) -> _Judge:
    def refuse(args: tuple[Any, ...]) -> None:
        raise PermissionError(EPERM, sentence)

    return refuse


def _judge_socket(args: tuple[Any, ...]) -> None:
    # -1 stands for a socket that exists already, as each end of a pair.
    if args[1] not in (-1, socket.AF_UNIX):
        raise PermissionError(EPERM, _NETWORK)


def _judge_import(args: tuple[Any, ...]) -> None:
    if args[0] in ("ctypes", "_ctypes"):
        raise ImportError(f"{_NATIVE}: {args[0]} is not available.", name=args[0])


def _name(path: object) -> str | None:
    """The path as text; None for an open descriptor, which has been judged when it was opened."""
    if isinstance(path, str):
        return path
    return os.fsdecode(path) if isinstance(path, bytes | os.PathLike) else None
