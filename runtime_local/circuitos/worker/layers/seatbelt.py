"""Whether macOS confines this process, asked of the system rather than believed of the host."""

from __future__ import annotations

import ctypes
import os


def layer() -> dict[str, str]:
    """The layer by its name, in words; empty where the process is not confined. For macOS."""
    try:
        confined = ctypes.CDLL(None).sandbox_check(os.getpid(), None, 0)
    except AttributeError:
        return {}
    return {"seatbelt": "the system holds the process to a profile"} if confined == 1 else {}
