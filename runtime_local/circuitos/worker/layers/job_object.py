"""Whether a Windows Job object holds this process to itself, asked of the system rather than of the host."""

from __future__ import annotations

import ctypes
import struct
import sys

_EXTENDED_LIMITS = 9
_ACTIVE_PROCESS = 0x8
_PROCESS_MEMORY = 0x100
_EXTENDED_LIMITS_BYTES = 144
_FLAGS_OFFSET = 16
_ACTIVE_PROCESSES_OFFSET = 40


def layer() -> dict[str, str]:
    """The layer by its name, in words; empty where no job limits this process. For 64-bit Windows."""
    buffer = ctypes.create_string_buffer(_EXTENDED_LIMITS_BYTES)
    if sys.platform == "win32" and ctypes.windll.kernel32.QueryInformationJobObject(
        None, _EXTENDED_LIMITS, buffer, len(buffer), None
    ):
        return described(buffer.raw)
    return {}


def described(extended_limits: bytes) -> dict[str, str]:
    """What JOBOBJECT_EXTENDED_LIMIT_INFORMATION says of the process."""
    (flags,) = struct.unpack_from("=I", extended_limits, _FLAGS_OFFSET)
    (processes,) = struct.unpack_from("=I", extended_limits, _ACTIVE_PROCESSES_OFFSET)
    if flags & _ACTIVE_PROCESS and processes == 1:
        return {"job_object": f"no other process{', a memory limit' if flags & _PROCESS_MEMORY else ''}"}
    return {}
