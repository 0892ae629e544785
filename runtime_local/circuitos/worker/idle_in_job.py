"""A worker on Windows, started ahead of need, which the host holds in a Job object. Never run on Windows.

`python -I -m circuitos.worker.idle_in_job plain|debug [LIBRARY…]`; its sockets come through its standard input,
each as a u32 big-endian length and what `socket.share` told, and nothing after them.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import gc
    import struct
    from socket import fromshare
    from socket import socket as Socket

    from circuit_link.framing import FrameSocket
    from circuitos.worker import session
    from circuitos.worker.confinement import Channels
    from circuitos.worker.layers.preparation import prepare

    def main() -> None:
        kind, *libraries = sys.argv[1:]
        prepared = prepare(debug=kind == "debug", forks=False, libraries=libraries)
        sockets = _sockets(2 if prepared.debug else 1)
        os.environ.clear()
        gc.enable()
        session.serve(
            Channels(
                socket=FrameSocket(sockets[0]),
                debug_socket=sockets[1] if prepared.debug else None,
                layers=prepared.layers | {"environment": "empty"},
                explain_refusals=lambda: None,  # nothing that could be explained is refused here
            )
        )

    def _sockets(count: int) -> list[Socket]:
        found = []
        for _ in range(count):
            header = sys.stdin.buffer.read(4)
            if len(header) < 4:
                os._exit(71)
            found.append(fromshare(sys.stdin.buffer.read(struct.unpack(">I", header)[0])))
        return found

    if __name__ == "__main__":
        main()
