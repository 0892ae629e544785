"""The owner-only socket on which a project's host waits for its clients.

On Windows a named pipe with an access list for the user would stand here; it is not built.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

from circuit_link.framing import FrameSocket
from circuit_runtime.host.socket_file import SocketFile

_PEER_CREDENTIALS = struct.Struct("3i")


class Listener:
    """Takes connections at `path`, see `SocketFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SocketFile(path)

    def accept(self) -> FrameSocket | None:
        """The next connection of this user; None once `close` was called from any thread."""
        while (connection := self._file.accept()) is not None:
            if _is_own(connection):
                return FrameSocket(connection)
            connection.close()
        return None

    def close(self) -> None:
        """Stop listening; whoever has connected but was not accepted finds the connection ended."""
        self._file.close()


def _is_own(connection: socket.socket) -> bool:
    """Whether the peer runs as this user; the folder's mode says so where the kernel does not."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    _, user_id, _ = _PEER_CREDENTIALS.unpack(data)
    return bool(user_id == os.getuid())
