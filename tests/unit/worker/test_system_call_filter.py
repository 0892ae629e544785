"""The filter of system calls, run here by a small interpreter of its instructions, for both machines."""

from __future__ import annotations

import struct

import pytest

from circuitos.worker.layers.bpf import Assembler
from circuitos.worker.layers.seccomp import ABSENT, ALLOW, KILL, REFUSE, worker_filter
from circuitos.worker.layers.syscalls import AARCH64, X86_64

THREAD = 0x3D0F00


def verdict(program, audit, number, *arguments):
    """What the kernel would answer. `seccomp_data`: number, machine, instruction pointer, six arguments."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *([0] * (6 - len(arguments))))
    instructions = list(struct.iter_unpack("<HBBI", program))
    position, word = 0, 0
    while True:
        code, met, unmet, value = instructions[position]
        position += 1
        match code:
            case 0x20:
                word = struct.unpack_from("<I", data, value)[0]
            case 0x54:
                word &= value
            case 0x05:
                position += value
            case 0x15:
                position += met if word == value else unmet
            case 0x35:
                position += met if word >= value else unmet
            case 0x06:
                return value


@pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=lambda machine: machine.name)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("read", (), ALLOW),
        ("futex", (), ALLOW),
        ("exit_group", (), ALLOW),
        ("ptrace", (), KILL),
        ("bpf", (), KILL),
        ("clone3", (), ABSENT),
        ("clone", (THREAD,), ALLOW),
        ("clone", (17,), REFUSE),
        ("clone", (THREAD | 0x10000000,), REFUSE),
        ("clone", (THREAD | 1 << 40,), REFUSE),
        ("mmap", (0, 4096, 3), ALLOW),
        ("mmap", (0, 4096, 5), REFUSE),
        ("mprotect", (0, 4096, 4), REFUSE),
        ("prlimit64", (0, 7, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1 << 40, 0), REFUSE),
        ("prlimit64", (1, 7, 0, 1), REFUSE),
        ("fcntl", (3, 4), ALLOW),
        ("fcntl", (3, 8), REFUSE),
        ("socketpair", (1, 0o2000001), ALLOW),
        ("socketpair", (1, 2), REFUSE),
        ("sendto", (3, 1, 1, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 1 << 33), REFUSE),
        ("tgkill", (7, 7), REFUSE),
        ("prctl", (), REFUSE),
    ],
)
def test_call_is_judged_by_number_and_arguments(machine, name, arguments, expected):
    program = worker_filter(machine)

    assert verdict(program, machine.audit, machine.numbers[name], *arguments) == expected


@pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=lambda machine: machine.name)
def test_call_through_another_machine_s_table_ends_the_process(machine):
    assert verdict(worker_filter(machine), 0x40000003, 0) == KILL


def test_x32_call_ends_the_process():
    assert verdict(worker_filter(X86_64), X86_64.audit, 0x40000000 + 39) == KILL


def test_call_newer_than_the_table_is_absent():
    assert verdict(worker_filter(X86_64), X86_64.audit, 460) == ABSENT


def test_threads_of_a_debug_worker_may_signal_each_other_and_nobody_else():
    program = worker_filter(X86_64, signals_itself=7)

    assert verdict(program, X86_64.audit, X86_64.numbers["tgkill"], 7, 8) == ALLOW
    assert verdict(program, X86_64.audit, X86_64.numbers["tgkill"], 8, 8) == REFUSE


def test_jump_to_a_label_that_is_not_ahead_is_an_error():
    program = Assembler()
    program.place("behind")
    program.jump("behind")
    program.answer(ALLOW)

    with pytest.raises(ValueError, match="not ahead"):
        program.assemble()
