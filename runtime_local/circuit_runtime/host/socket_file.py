"""A listening unix socket and its name in the file system."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_BACKLOG = 64


class SocketFile:
    """Listens at `path`, for its owner alone. The caller holds the project's lock: a file found there is stale.

    Attributes:
        socket: listening; whoever made this object closes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            self.socket.bind(str(path))
        finally:
            os.umask(old_mask)
        self._identity = _identity(path)
        self.socket.listen(_BACKLOG)

    def remove(self) -> None:
        """Take the name away, unless another host has the place by now: that of a project made anew."""
        if _identity(self._path) == self._identity:
            self._path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
