"""First step of a zygote or an idle worker, run by path under `python -I -S`.

It gives up privileges and replaces itself, so that the process which goes on never loads `ctypes`:
no-new-privs stays over exec and fork. Imports nothing of ours, to start quickly.
"""

import os
import sys

_PR_SET_NO_NEW_PRIVS = 38


def _give_up_privileges() -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes
    except ImportError:
        return
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


if __name__ == "__main__":
    _give_up_privileges()
    os.execve(
        sys.executable, [sys.executable, "-I", "-X", "utf8", "-m", sys.argv[1], *sys.argv[2:]], dict(os.environ)
    )
