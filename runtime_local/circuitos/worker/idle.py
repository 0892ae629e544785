"""A worker that was started ahead of need, where processes cannot be forked from a warm parent.

`python -I -m circuitos.worker.idle plain|debug SOCKET[,DEBUG_SOCKET],LINE_FD [LIBRARY…]`; its limits come as the
first frame.
"""

from __future__ import annotations

import os
import struct
import sys

from circuitos.worker import confinement, session
from circuitos.worker.layers.preparation import prepare


def main() -> None:
    kind, descriptors, *libraries = sys.argv[1:]
    *sockets, line_fd = (int(descriptor) for descriptor in descriptors.split(","))
    prepared = prepare(debug=kind == "debug", forks=False, libraries=libraries)
    heap_bytes, cpu_ms = struct.unpack("=QQ", _first_frame(sockets[0]))
    limits = confinement.Limits(heap_bytes=heap_bytes, cpu_ms=cpu_ms)
    session.serve(confinement.confine(sockets, line_fd, None, limits, prepared))


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
