"""Direct system calls from workers that have `ctypes`: what is left when native code is in the attacker's hand.

Each prints the call's result; a refusal is a negative one, or the worker's end by SIGSYS.
"""

PRELUDE = """
import ctypes, os, sys
def say(*words):
    print(*words)
    sys.stdout._journal.flush()
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
say("alive", libc.syscall(NUMBERS["getpid"]) > 0)
def call(name, *arguments):
    number = NUMBERS[name] if isinstance(name, str) else name
    converted = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted)
    say("result", result, ctypes.get_errno())
    if result == 0 and name in ("fork", "vfork", "clone", "clone3"):
        os._exit(0)
buffer = ctypes.create_string_buffer(4096)
"""

_TABLE = {
    "x86_64": {
        "getpid": 39, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58, "clone": 56, "clone3": 435, "socket": 41,
        "connect": 42, "bind": 49, "listen": 50, "accept": 43, "sendmsg": 46, "recvmsg": 47, "kill": 62, "tkill": 200,
        "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "pidfd_open": 434, "pidfd_send_signal": 424,
        "memfd_create": 319, "memfd_secret": 447, "prctl": 157, "arch_prctl": 158, "seccomp": 317, "setuid": 105,
        "setresuid": 117, "setgroups": 116, "capset": 126, "mknod": 133, "mprotect": 10, "mmap": 9, "pkey_mprotect": 329,
        "shmget": 29, "shmat": 30, "msgget": 68, "semget": 64, "mq_open": 240, "ioctl": 16, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161,
        "unshare": 272, "setns": 308, "bpf": 321, "io_uring_setup": 425, "userfaultfd": 323, "perf_event_open": 298,
        "keyctl": 250, "add_key": 248, "request_key": 249, "open_by_handle_at": 304, "name_to_handle_at": 303,
        "pidfd_getfd": 438, "personality": 135, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "init_module": 175,
        "finit_module": 313, "kexec_load": 246, "reboot": 169, "swapon": 167, "openat2": 437, "open_tree": 428,
        "move_mount": 429, "fsopen": 430, "mount_setattr": 442, "landlock_create_ruleset": 444, "prlimit64": 302,
        "setrlimit": 160, "sched_setaffinity": 203, "setpriority": 141, "fanotify_init": 300, "inotify_init1": 294,
        "timer_create": 222, "splice": 275, "vmsplice": 278, "tee": 276, "sendfile": 40, "copy_file_range": 326,
        "remap_file_pages": 216, "mbind": 237, "move_pages": 279, "clock_settime": 227, "settimeofday": 164,
        "sethostname": 170, "acct": 163, "quotactl": 179, "truncate": 76, "ftruncate": 77, "fcntl": 72, "sendto": 44,
        "socketpair": 53, "setsockopt": 54, "rename": 82, "unlink": 87, "mkdir": 83, "symlink": 88, "link": 86, "chmod": 90,
        "open": 2,
    },
}  # fmt: skip
PRELUDE = f"NUMBERS = {_TABLE['x86_64']!r}\n" + PRELUDE
MACHINES = tuple(_TABLE)

_SIMPLE = """
execve b"/bin/true", None, None | execveat -100, b"/bin/true", None, None, 0 | fork | vfork | clone 17, 0, 0, 0, 0
clone 0x10011, 0, 0, 0, 0 | clone3 buffer, 88 | socket 2, 1, 0 | socket 1, 1, 0 | socket 16, 3, 0 | socket 40, 1, 0
connect 3, buffer, 16 | bind 3, buffer, 16 | listen 3, 1 | accept 3, None, None | sendmsg 3, buffer, 0
recvmsg 3, buffer, 0 | kill 1, 0 | kill -1, 0 | tkill 1, 0 | tgkill 1, 1, 0 | rt_sigqueueinfo 1, 10, buffer
rt_tgsigqueueinfo 1, 1, 10, buffer | pidfd_open 1, 0 | pidfd_send_signal 3, 0, None, 0 | memfd_create b"x", 0
memfd_secret 0 | prctl 4, 1, 0, 0, 0 | prctl 1, 0, 0, 0, 0 | prctl 22, 0, 0, 0, 0 | arch_prctl 0x1002, 0 | seccomp 1, 0, buffer
setuid 0 | setresuid 0, 0, 0 | setgroups 0, None | capset buffer, buffer | mknod b"/x", 0o666, 0
mmap 0, 4096, 7, 0x22, -1, 0 | mmap 0, 4096, 5, 0x22, -1, 0 | mmap 0, 4096, 4, 0x22, -1, 0
pkey_mprotect 0, 4096, 7, 0 | shmget 0, 4096, 0o1666 | shmat 0, 0, 0o100000 | msgget 0, 0o1666 | semget 0, 1, 0o1666
mq_open b"x", 0o102, 0o600, None | ioctl 0, 0x5412, b"x" | ioctl 3, 0x8933, buffer | ptrace 16, 1, 0, 0
process_vm_readv 1, buffer, 1, buffer, 1, 0 | process_vm_writev 1, buffer, 1, buffer, 1, 0
mount b"none", b"/", b"tmpfs", 0, None | umount2 b"/", 2 | pivot_root b"/", b"/" | chroot b"/" | unshare 0x10000000
unshare 0x20000 | setns 3, 0 | bpf 0, buffer, 48 | io_uring_setup 4, buffer | userfaultfd 0
perf_event_open buffer, 0, -1, -1, 0 | keyctl 0, -3, 1 | add_key b"user", b"x", b"y", 1, -3
request_key b"user", b"x", None, -3 | open_by_handle_at 3, buffer, 0 | name_to_handle_at -100, b"/", buffer, buffer, 0
pidfd_getfd 3, 0, 0 | personality 0x0400000 | iopl 3 | ioperm 0, 1, 1 | modify_ldt 1, buffer, 16
init_module buffer, 0, b"" | finit_module 3, b"", 0 | kexec_load 0, 0, None, 0 | reboot 0, 0, 0, None | swapon b"/x", 0
openat2 -100, b"/etc/passwd", buffer, 24 | open_tree -100, b"/", 1 | move_mount 3, b"", 3, b"", 0 | fsopen b"tmpfs", 0
mount_setattr -100, b"/", 0, buffer, 32 | landlock_create_ruleset None, 0, 1 | prlimit64 0, 7, buffer, None
prlimit64 1, 7, None, buffer | setrlimit 7, buffer | sched_setaffinity 0, 8, buffer | setpriority 0, 0, -5
fanotify_init 0, 0 | inotify_init1 0 | timer_create 0, None, buffer | splice 3, None, 4, None, 1, 0
vmsplice 3, buffer, 1, 0 | tee 3, 4, 1, 0 | sendfile 3, 4, None, 1 | copy_file_range 3, None, 4, None, 1, 0
remap_file_pages 0, 4096, 0, 0, 0 | mbind 0, 4096, 0, None, 0, 0 | move_pages 1, 0, None, None, None, 0
clock_settime 0, buffer | settimeofday buffer, None | sethostname b"x", 1 | acct b"/x" | quotactl 0, None, 0, None
truncate b"/x", 0 | ftruncate 0, 0 | fcntl 3, 8, 1 | fcntl 3, 10, 9 | fcntl 3, 15, buffer | fcntl 3, 1024, 0
fcntl 3, 1026, 0 | fcntl 3, 1031, 1048576 | sendto 3, b"x", 1, 0, buffer, 16 | socketpair 1, 2, 0, buffer
socketpair 1, 5, 0, buffer | socketpair 2, 1, 0, buffer | setsockopt 3, 1, 26, buffer, 16 | rename b"/a", b"/b"
unlink b"/dev/null" | mkdir b"/x", 0o700 | symlink b"/etc", b"/x" | link b"/dev/null", b"/x" | chmod b"/", 0o777
open b"/etc/passwd", 0, 0 | open b"/dev/shm/x", 0o102, 0o600 | open b"/proc/self/mem", 2, 0
"""

ATTEMPTS = {
    f"{name} {arguments}".strip(): f'call("{name}", {arguments})\n'
    for line in _SIMPLE.strip().splitlines()
    for name, _, arguments in [one.strip().partition(" ") for one in line.split("|")]
}
ATTEMPTS |= {
    "mprotect of data": """
import mmap
area = mmap.mmap(-1, 4096)
call("mprotect", ctypes.addressof(ctypes.c_char.from_buffer(area)), 4096, 7)
""",
    "write into code": """
page = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
libc.mprotect(ctypes.c_void_p(page), 4096, 3)
call("mprotect", page, 4096, 5)
""",
    "x32 getpid": "call(0x40000000 + 39)\n",
    "x32 execve": 'call(0x40000000 + 520, b"/bin/true", None, None)\n',
    "unknown number": "call(460)\n",
    "large number": "call(0x7FFFFFFF)\n",
    "load another library": """
import glob, sysconfig
for path in glob.glob(sysconfig.get_paths()["purelib"] + "/_cffi_backend*.so"):
    try:
        ctypes.CDLL(path)
    except OSError as exc:
        say("result", -1, exc)
    else:
        say("result", 0, path)
""",
    "call back from native code": """
try:
    ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)()
except (OSError, MemoryError) as exc:
    say("result", -1, exc)
else:
    say("result -1: by a trampoline that was mapped before")
""",
}
