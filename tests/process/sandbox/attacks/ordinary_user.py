"""Run a command as an ordinary user: `python ordinary_user.py [--no-namespaces] COMMAND…`, started as root.

With `--no-namespaces` the user can make none, as in many containers.
Where the interpreter lies in a folder that is closed to other users, a mount namespace of its own shows that
folder with nothing but the interpreter in it; nothing outside this process and its children sees that.
"""

import ctypes
import os
import sys
from pathlib import Path

USER = 12_345
NEW_MOUNTS, NEW_USERS, PRIVATE, BIND = 0x2_0000, 0x1000_0000, 0x4_4000, 0x5000

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source, target, kind, flags, options=b""):
    check(libc.mount(source.encode(), str(target).encode(), kind, ctypes.c_ulong(flags), options))


def open_up(path):
    """Let other users reach `path`."""
    closed = next((one for one in [*reversed(path.parents), path] if not one.stat().st_mode & 0o001), None)
    if closed is None:
        return
    kept = os.open(path, os.O_PATH)
    mount("none", closed, b"tmpfs", 0, b"mode=755")
    path.mkdir(parents=True, exist_ok=True)
    mount(f"/proc/self/fd/{kept}", path, None, BIND)
    os.close(kept)


check(libc.unshare(NEW_MOUNTS))
mount("none", "/", None, PRIVATE)
for needed in (sys.base_prefix, sys.prefix, str(Path(__file__).parents[4])):
    open_up(Path(needed))
os.setgroups([])
os.setresgid(USER, USER, USER)
os.setresuid(USER, USER, USER)
command = sys.argv[1:]
if command[0] == "--no-namespaces":
    command.pop(0)
    check(libc.prctl(4, 1, 0, 0, 0))  # dumpable: who changes its user loses its own /proc
    check(libc.unshare(NEW_USERS))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{USER} {USER} 1"), ("gid_map", f"{USER} {USER} 1")):
        Path("/proc/self", name).write_text(text)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
os.execve(command[0], command, {**os.environ, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"})
