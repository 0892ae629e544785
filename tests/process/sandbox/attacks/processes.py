"""Starting, signalling and outliving processes; privileges."""

ATTEMPTS = {
    "17 os.system": """
tries(lambda: HELD if os.system("true") else "ran", lambda: os.popen("id").read() or HELD)
""",
    "18 subprocess.run": """
import subprocess
tries(lambda: subprocess.run(["/bin/true"]), lambda: subprocess.run([sys.executable, "-c", "1"]),
      lambda: subprocess.run("true", shell=True, close_fds=False))
""",
    "19 os.execv": """
tries(lambda: os.execv("/bin/true", ["true"]), lambda: os.execv(sys.executable, ["python"]),
      lambda: os.execve(os.open(os.__file__, os.O_RDONLY), ["x"], {}))
""",
    "20 os.posix_spawn": """
tries(lambda: os.posix_spawn("/bin/true", ["true"], {}), lambda: os.posix_spawnp("true", ["true"], {}))
""",
    "21 run a file in memory": """
tries(lambda: os.memfd_create("x"), lambda: os.memfd_create("x", 0), lambda: os.execve(3, ["x"], {}))
""",
    "25 multiprocessing": """
import multiprocessing
for method in ("fork", "spawn", "forkserver"):
    tries(lambda: multiprocessing.get_context(method).Process(target=print).start())
""",
    "35 fork bomb": """
import _posixsubprocess
tries(*([os.fork] * 40), os.forkpty,
      lambda: _posixsubprocess.fork_exec([b"x"], [b"/bin/true"], True, (), None, [b""], -1, -1, -1, -1, -1, -1, 4, 5, False, False, 0, None, None, None, -1, None, True))
""",
    "38 signal the host": """
import signal
pid = PLANTED["host_pid"]
tries(lambda: os.kill(pid, signal.SIGCONT), lambda: os.killpg(pid, 0), lambda: os.pidfd_open(pid), lambda: os.kill(os.getppid(), 0))
""",
    "39 signal everyone": """
import signal
tries(lambda: os.kill(-1, 0), lambda: os.kill(0, 0), lambda: os.kill(1, 0), lambda: os.kill(PLANTED["zygote_pid"], 0),
      lambda: [os.kill(pid, 0) for pid in range(1, 30)])
""",
    "39 signal through a pipe's owner": """
import fcntl
read, write = os.pipe()
tries(lambda: fcntl.fcntl(read, fcntl.F_SETOWN, PLANTED["host_pid"]), lambda: fcntl.fcntl(read, 10, 9),
      lambda: fcntl.fcntl(read, 15, b"\\1\\0\\0\\0\\1\\0\\0\\0"), lambda: fcntl.fcntl(os.open(os.__file__, 0), 1024, 0))
""",
    "40 become somebody": """
tries(lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.seteuid(0),
      lambda: os.chroot("/"), lambda: os.nice(-5), lambda: os.sched_setaffinity(0, {0}), lambda: os.setpriority(0, 0, -1), lambda: os.setsid())
""",
    "41 raise the own limits": """
import resource
for name in ("RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_NPROC"):
    kind = getattr(resource, name)
    tries(lambda: resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
          lambda: resource.prlimit(0, kind, (-1, -1)), lambda: resource.prlimit(PLANTED["host_pid"], kind))
""",
    "processes: what the worker was before it was sealed": """
frame = sys._getframe()
found = {}
while frame:
    found.update(frame.f_locals)
    frame = frame.f_back
tries(lambda: found["self"]._control.send(b"{}"), lambda: found["self"]._answer() or HELD)
from circuitos.worker.layers import enclosure
tries(lambda: enclosure.start_init())
""",
}
