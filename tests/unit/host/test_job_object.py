"""The structures and flags of Windows Job objects, as winnt.h has them for 64 bits."""

from __future__ import annotations

import ctypes
import struct

import pytest

from circuit_runtime.sandbox.job_object import (
    EVERY_UI_RESTRICTION,
    BasicAccounting,
    BasicLimits,
    ExtendedLimits,
    extended_limits,
)
from circuit_runtime.sandbox.worker import WorkerLimits
from circuitos.worker.layers.job_object import described

LIMITS = WorkerLimits(heap_bytes=64 * 1024 * 1024, cpu_ms=10_000)

pytestmark = pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the structures are those of 64 bits")


@pytest.mark.parametrize(
    ("structure", "size_bytes"), [(BasicLimits, 64), (ExtendedLimits, 144), (BasicAccounting, 48)]
)
def test_structure_has_the_size_that_windows_asks_for(structure, size_bytes):
    assert ctypes.sizeof(structure) == size_bytes


@pytest.mark.parametrize(
    ("field", "offset"),
    [
        ("per_process_user_time_limit", 0),
        ("limit_flags", 16),
        ("minimum_working_set_size", 24),
        ("active_process_limit", 40),
        ("affinity", 48),
        ("scheduling_class", 60),
    ],
)
def test_basic_limit_stands_where_windows_reads_it(field, offset):
    assert getattr(BasicLimits, field).offset == offset


def test_memory_limit_stands_behind_the_counters_of_transfers():
    assert ExtendedLimits.process_memory_limit.offset == 112


def test_worker_is_one_process_with_memory_and_time_that_ends_with_its_job():
    asked = extended_limits(LIMITS)

    assert asked.basic.limit_flags == 0x2000 | 0x400 | 0x100 | 0x8 | 0x2
    assert asked.basic.active_process_limit == 1
    assert asked.process_memory_limit == (256 + 64 + 16) * 1024 * 1024
    assert asked.basic.per_process_user_time_limit == 15 * 10_000_000


def test_idle_worker_is_held_alone_before_its_limits_are_known():
    asked = extended_limits(None)

    assert asked.basic.limit_flags == 0x2000 | 0x400 | 0x8
    assert asked.basic.active_process_limit == 1


def test_every_restriction_of_the_desktop_is_asked_for():
    handles, clipboard, parameters, display, atoms, desktop, session = 0x1, 0x2 | 0x4, 0x8, 0x10, 0x20, 0x40, 0x80

    asked = handles | clipboard | parameters | display | atoms | desktop | session

    assert asked == EVERY_UI_RESTRICTION


def test_worker_tells_the_layer_from_what_the_host_asked_for():
    assert described(bytes(extended_limits(LIMITS))) == {"job_object": "no other process, a memory limit"}
    assert described(bytes(extended_limits(None))) == {"job_object": "no other process"}


def test_job_of_a_terminal_that_allows_many_processes_is_no_layer():
    other = struct.pack("=QQI4xQQI", 0, 0, 0x2000, 0, 0, 0).ljust(144, b"\0")

    assert described(other) == {}
