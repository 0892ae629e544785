"""A worker that was started ahead of need, where processes cannot be forked from a warm parent.

`python -I -m circuitos.worker.idle plain|debug SOCKET [DEBUG_SOCKET] LINE_FD`; its limits come as the first frame.
"""

from __future__ import annotations

import os
import struct
import sys

from circuitos.worker import confinement, session


def main() -> None:
    *sockets, line_fd = (int(argument) for argument in sys.argv[2:])
    if sys.argv[1] == "debug":
        import ctypes  # noqa: F401 - loaded for the debugger, which patches code that runs
    heap_bytes, cpu_ms = struct.unpack("=QQ", _first_frame(sockets[0]))
    limits = confinement.Limits(heap_bytes=heap_bytes, cpu_ms=cpu_ms)
    session.serve(confinement.confine(sockets, line_fd, None, limits))


def _first_frame(descriptor: int) -> bytes:
    """Read exactly one frame, so that the frames after it stay for the confined worker."""
    header = _read_exactly(descriptor, 4)
    return _read_exactly(descriptor, int.from_bytes(header, "big"))


def _read_exactly(descriptor: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = os.read(descriptor, size - len(data))
        if not chunk:
            os._exit(71)
        data += chunk
    return data


if __name__ == "__main__":
    main()
