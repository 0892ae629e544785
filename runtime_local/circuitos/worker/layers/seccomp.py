"""Which system calls a worker may make, and the filter program that says so to the kernel.

A call that is not named here is refused. A filter sees numbers and register values, not what pointers lead to:
paths are Landlock's and the private root's matter, and `clone3`, whose flags lie in memory, does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOSYS, EPERM

from circuitos.worker.layers.bpf import Assembler
from circuitos.worker.layers.syscalls import Architecture

ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
_ERRNO = 0x0005_0000
REFUSE = _ERRNO | EPERM
ABSENT = _ERRNO | ENOSYS

_NUMBER_OFFSET = 0
_ARCH_OFFSET = 4
_ARGUMENTS_OFFSET = 16
_FIRST_UNKNOWN = 450
_X32_BIT = 0x4000_0000

_PLAIN = """
    read write readv writev pread64 pwrite64 preadv close close_range lseek dup dup2 dup3 pipe pipe2 eventfd2
    fstat newfstatat stat lstat statx open openat access faccessat faccessat2 getdents getdents64 getcwd
    readlink readlinkat
    munmap mremap madvise brk
    futex sched_yield sched_getaffinity rseq set_robust_list set_tid_address membarrier getcpu restart_syscall
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getrusage getrandom
    getpid gettid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgid getpgrp getsid
    uname sysinfo getrlimit
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
    pause alarm setitimer getitimer
    recvfrom shutdown getsockname getpeername getsockopt
    exit exit_group wait4 waitid
"""

# Nothing that a script could reach by accident: whoever calls these is taking the process over.
_NEVER = """
    ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp
    mount umount2 pivot_root move_mount open_tree fsopen fsmount fsconfig fspick mount_setattr
    name_to_handle_at open_by_handle_at
    bpf io_uring_setup io_uring_enter io_uring_register userfaultfd perf_event_open
    keyctl add_key request_key personality iopl ioperm modify_ldt
    kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One register: of argument `argument`, the low 32 bits under `mask` must be one of `values`.

    With `whole`, the high 32 bits must be 0 too.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFF_FFFF
    whole: bool = False


_PROT_EXEC = 0x4
_THREAD_FLAGS = 0x3D_0F00
_CLONE_DETACHED = 0x40_0000  # musl sets it; the kernel ignores it
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE_MASK = 1, 1, 0xF
_SAFE_FCNTL = (0, 1, 2, 3, 4, 1030, 1032, 1033, 1034)
"""Duplicate, descriptor flags, status flags, pipe size, seals; no signals to other processes, no leases."""
_SAFE_IOCTL = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
"""Is it a terminal, bytes to read, non-blocking, close-on-exec."""

_CHECKED: Mapping[str, tuple[Check, ...]] = {
    "mmap": (Check(2, (0,), mask=_PROT_EXEC),),
    "mprotect": (Check(2, (0,), mask=_PROT_EXEC),),
    "clone": (Check(0, (_THREAD_FLAGS,), mask=0xFFFF_FFFF & ~_CLONE_DETACHED, whole=True),),
    "prlimit64": (Check(0, (0,), whole=True), Check(2, (0,), whole=True)),
    "fcntl": (Check(1, _SAFE_FCNTL),),
    "ioctl": (Check(1, _SAFE_IOCTL),),
    "socketpair": (Check(0, (_AF_UNIX,)), Check(1, (_SOCK_STREAM,), mask=_SOCK_TYPE_MASK)),
    "sendto": (Check(4, (0,), whole=True),),
}


def worker_filter(architecture: Architecture, *, signals_itself: int | None = None) -> bytes:
    """The program for a worker.

    Args:
        signals_itself: the process id of a worker whose threads may signal each other, as the debugger's need.
    """
    numbers = architecture.numbers
    checked = dict(_CHECKED)
    if signals_itself is not None:
        checked["tgkill"] = (Check(0, (signals_itself,)),)
    rules: dict[int, int | tuple[Check, ...]] = {
        numbers[name]: ALLOW for name in _PLAIN.split() if name in numbers
    }
    rules |= {numbers[name]: KILL for name in _NEVER.split() if name in numbers}
    rules |= {numbers[name]: checks for name, checks in checked.items() if name in numbers}
    rules[numbers["clone3"]] = ABSENT
    program = Assembler()
    _check_architecture(program, architecture)
    program.load(_NUMBER_OFFSET)
    _decide(program, _spans(rules))
    return program.assemble()


def _check_architecture(program: Assembler, architecture: Architecture) -> None:
    """Kill what calls through another table of numbers: 32-bit calls, and x32 on x86_64."""
    native = program.new_label()
    program.load(_ARCH_OFFSET)
    program.jump_if_equal(architecture.audit, native)
    program.answer(KILL)
    program.place(native)
    if architecture.name == "x86_64":
        x32, known = program.new_label(), program.new_label()
        program.load(_NUMBER_OFFSET)
        program.jump_if_at_least(_X32_BIT, x32)
        program.jump(known)
        program.place(x32)
        program.answer(KILL)
        program.place(known)


@dataclass(frozen=True, slots=True)
class _Span:
    """What is done with the numbers from `first` to before the next span's."""

    first: int
    verdict: int | tuple[Check, ...]


def _spans(rules: Mapping[int, int | tuple[Check, ...]]) -> list[_Span]:
    """Neighbours with one verdict together, in ascending order, from 0 on."""
    spans: list[_Span] = []
    for number in range(_FIRST_UNKNOWN):
        verdict = rules.get(number, REFUSE)
        if not spans or spans[-1].verdict != verdict:
            spans.append(_Span(number, verdict))
    # What a newer kernel knows and this table does not looks like an older kernel to the C library.
    return [*spans, _Span(_FIRST_UNKNOWN, ABSENT)]


def _decide(program: Assembler, spans: list[_Span]) -> None:
    """Find the number's span by halving, so that every call passes few comparisons."""
    if len(spans) == 1:
        _conclude(program, spans[0].verdict)
        return
    middle = len(spans) // 2
    upper = program.new_label()
    program.jump_if_at_least(spans[middle].first, upper)
    _decide(program, spans[:middle])
    program.place(upper)
    _decide(program, spans[middle:])


def _conclude(program: Assembler, verdict: int | tuple[Check, ...]) -> None:
    if isinstance(verdict, int):
        program.answer(verdict)
        return
    refused = program.new_label()
    for check in verdict:
        _require(program, check, refused)
    program.answer(ALLOW)
    program.place(refused)
    program.answer(REFUSE)


def _require(program: Assembler, check: Check, refused: str) -> None:
    low = _ARGUMENTS_OFFSET + 8 * check.argument
    if check.whole:
        program.load(low + 4)
        program.jump_unless_equal(0, refused)
    program.load(low)
    if check.mask != 0xFFFF_FFFF:
        program.mask(check.mask)
    met = program.new_label()
    for value in check.values:
        program.jump_if_equal(value, met)
    program.jump(refused)
    program.place(met)
