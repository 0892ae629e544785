"""Windows Job objects: one per worker, whose limits the kernel keeps and whose end ends the worker.

The structures are those of winnt.h for 64-bit Windows, with types of fixed size. Never run on Windows.
"""

from __future__ import annotations

import ctypes
import sys

from circuit_runtime.sandbox.worker import WorkerLimits

_BASIC_ACCOUNTING = 1
_UI_RESTRICTIONS = 4
_EXTENDED_LIMITS = 9

LIMIT_PROCESS_TIME = 0x2
LIMIT_ACTIVE_PROCESS = 0x8
LIMIT_PROCESS_MEMORY = 0x100
LIMIT_DIE_ON_UNHANDLED_EXCEPTION = 0x400
LIMIT_KILL_ON_JOB_CLOSE = 0x2000
# Handles of others, clipboard (read, write), system parameters, display, atoms, desktops, the end of the session.
EVERY_UI_RESTRICTION = 0xFF

_TICKS_PER_MS = 10_000
_CPU_GRACE_MS = 5_000
_INTERPRETER_BYTES = 256 * 1024 * 1024


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = [
        ("per_process_user_time_limit", ctypes.c_int64),
        ("per_job_user_time_limit", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("minimum_working_set_size", ctypes.c_size_t),
        ("maximum_working_set_size", ctypes.c_size_t),
        ("active_process_limit", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    ]


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = [
        ("basic", BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory_limit", ctypes.c_size_t),
        ("job_memory_limit", ctypes.c_size_t),
        ("peak_process_memory_used", ctypes.c_size_t),
        ("peak_job_memory_used", ctypes.c_size_t),
    ]


class BasicAccounting(ctypes.Structure):
    """JOBOBJECT_BASIC_ACCOUNTING_INFORMATION; times in units of 100 ns."""

    _fields_ = [
        ("total_user_time", ctypes.c_int64),
        ("total_kernel_time", ctypes.c_int64),
        ("this_period_total_user_time", ctypes.c_int64),
        ("this_period_total_kernel_time", ctypes.c_int64),
        ("total_page_fault_count", ctypes.c_uint32),
        ("total_processes", ctypes.c_uint32),
        ("active_processes", ctypes.c_uint32),
        ("total_terminated_processes", ctypes.c_uint32),
    ]


def extended_limits(limits: WorkerLimits | None) -> ExtendedLimits:
    """What the kernel is to keep; of an idle worker, only that it is one process and ends with its job."""
    asked = ExtendedLimits()
    asked.basic.active_process_limit = 1
    asked.basic.limit_flags = LIMIT_ACTIVE_PROCESS | LIMIT_DIE_ON_UNHANDLED_EXCEPTION | LIMIT_KILL_ON_JOB_CLOSE
    if limits is not None:
        asked.basic.limit_flags |= LIMIT_PROCESS_TIME | LIMIT_PROCESS_MEMORY
        asked.basic.per_process_user_time_limit = (limits.cpu_ms + _CPU_GRACE_MS) * _TICKS_PER_MS
        asked.process_memory_limit = _INTERPRETER_BYTES + limits.heap_stop_bytes
    return asked


if sys.platform == "win32":
    from ctypes import wintypes

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel32.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    _kernel32.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel32.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    _kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
    _kernel32.SetInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
    )
    _kernel32.QueryInformationJobObject.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.c_void_p,
    )

    class Job:
        """One Job object. Its processes end when it is closed, also by this process's end."""

        def __init__(self) -> None:
            """Raises: OSError."""
            self._handle = _kernel32.CreateJobObjectW(None, None)
            if not self._handle:
                raise ctypes.WinError(ctypes.get_last_error())
            try:
                self._set(_EXTENDED_LIMITS, extended_limits(None))
                self._set(_UI_RESTRICTIONS, ctypes.c_uint32(EVERY_UI_RESTRICTION))
            except OSError:
                self.close()
                raise

        def assign(self, process_handle: int) -> None:
            """Raises: OSError, the process is not in the job."""
            _check(_kernel32.AssignProcessToJobObject(self._handle, process_handle))

        def limit(self, limits: WorkerLimits) -> None:
            """Raises: OSError, the limits are not kept."""
            self._set(_EXTENDED_LIMITS, extended_limits(limits))

        def cpu_ns(self) -> int:
            """CPU time of all that ran in it. Raises: OSError."""
            figures = BasicAccounting()
            _check(
                _kernel32.QueryInformationJobObject(
                    self._handle, _BASIC_ACCOUNTING, ctypes.byref(figures), ctypes.sizeof(figures), None
                )
            )
            return int(figures.total_user_time + figures.total_kernel_time) * 100

        def terminate(self) -> None:
            _kernel32.TerminateJobObject(self._handle, 1)

        def close(self) -> None:
            _kernel32.CloseHandle(self._handle)

        def _set(self, kind: int, value: ctypes.Structure | ctypes.c_uint32) -> None:
            _check(
                _kernel32.SetInformationJobObject(self._handle, kind, ctypes.byref(value), ctypes.sizeof(value))
            )

    def _check(succeeded: int) -> None:
        if not succeeded:
            raise ctypes.WinError(ctypes.get_last_error())
