"""Memory, descriptors, disk, threads, time. Each must end in the outcome that its name begins with."""

ATTEMPTS = {
    "success: 36 thread bomb": """
import threading, time
started = []
def hold():
    time.sleep(0.2)
def start():
    for number in range(300):
        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        started.append(thread)
    return len(started)
tries(start)
print("held", len(started))
""",
    "success: 37 leave a thread behind": """
import threading, time
def stay():
    time.sleep(600)
threading.Thread(target=stay, daemon=True).start()
tries(lambda: HELD)
""",
    "limit|killed: 42 block every signal, then spin": """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
""",
    "success: 43 three gigabytes at once": """
def take():
    try:
        return bytearray(3_000_000_000)
    except MemoryError:
        return HELD
tries(take)
""",
    "limit|error|killed: 44 many small objects": """
kept = []
while True:
    kept.append(object.__new__(type("C", (), {"__slots__": ("a",)})) if len(kept) % 1000 == 0 else [len(kept)] * 20)
""",
    "success: 45 use up the descriptors": """
def take():
    count = 0
    try:
        while count < 20000:
            os.dup(0)
            count += 1
    except OSError:
        return HELD if count < 100 else count
tries(take)
""",
    "success: 46 fill the disk": """
import tempfile
tries(*(lambda folder=folder: open(folder + "/fill", "wb").write(b"x" * 1000) for folder in ("/tmp", "/dev/shm", "/var/tmp", "/", PLANTED["project"])),
      lambda: tempfile.TemporaryFile().write(b"x"), lambda: tempfile.mkdtemp(), lambda: os.mkfifo("/fifo"), lambda: os.mknod("/node"))
""",
    "success: 47 fill the inodes": """
def fill():
    for number in range(5000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
tries(fill, lambda: [os.mkdir(f"/{number}") for number in range(10)])
""",
    "limit: 48 loop that catches everything": """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    "limit: 49 regular expression that never ends": """
import re
re.match("(a+)+$", "a" * 50 + "b")
""",
    "limit: 50 power that never ends": """
x = 9 ** 9 ** 8
""",
    "limit: 51 sleep past the end": """
import time
time.sleep(60)
""",
    "killed: 52 crash the interpreter": """
exec((lambda: 0).__code__.replace(co_code=bytes([100, 255, 83, 0]), co_consts=()))
""",
    "success|killed|limit: 53 recurse without end": """
sys.setrecursionlimit(10**9)
def down(n):
    return down(n + 1)
def nested():
    value = []
    for _ in range(200_000):
        value = [value]
    return repr(value) and HELD
tries(lambda: down(0), nested)
""",
    "success|limit|error: 54 flood the log": """
from circuitos import CircuitLog
for number in range(20_000):
    CircuitLog.info("x" * 1000)
tries(lambda: HELD)
""",
}
