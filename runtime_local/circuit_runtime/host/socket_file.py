"""A listening unix socket and its name in the file system."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from pathlib import Path

_log = logging.getLogger("circuit.runtime.host")

_BACKLOG = 64
# The client or the machine is short of something for the moment; the next connection is another matter.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EPROTO})
_BREATH_S = 0.1


class SocketFile:
    """Listens at `path`, for its owner alone. The caller holds the project's lock: a file found there is stale."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = threading.Event()
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            self._socket.bind(str(path))
        finally:
            os.umask(old_mask)
        self._identity = _identity(path)
        self._socket.listen(_BACKLOG)

    def accept(self) -> socket.socket | None:
        """The next connection; None once `close` was called. A process out of descriptors waits for some."""
        is_short = False
        while not self._closed.is_set():
            try:
                return self._socket.accept()[0]
            except OSError as exc:
                if self._closed.is_set():
                    break
                if exc.errno not in _PASSING:
                    raise
                if not is_short:
                    _log.warning("no connection can be taken at %s for now: %s", self._path, exc.strerror)
                is_short = True
                self._closed.wait(_BREATH_S)
        return None

    def close(self) -> None:
        """Stop listening, from any thread; whoever was not accepted finds the connection ended. More than once."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._remove()
        # A plain close does not wake a thread that waits in accept.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _remove(self) -> None:
        """Take the name away, unless another host has the place by now: that of a project made anew."""
        if _identity(self._path) == self._identity:
            self._path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
