"""What one transaction would leave for the next: poison first, then look."""

POISON = """
import builtins, json, sys, os, threading, random, decimal, signal
builtins.open = builtins.print
builtins.POISON = "left"
json.loads = lambda text: "poisoned"
sys.modules["poison"] = json
sys.path.insert(0, "/tmp")
os.environ["POISON"] = "left"
decimal.getcontext().prec = 2
random.seed(1)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
import circuitos
circuitos.CircuitDB.query = None
for folder in ("/tmp", "/dev/shm", "/"):
    try:
        os.close(os.open(folder + "/circuit-left", os.O_CREAT | os.O_WRONLY))
    except OSError:
        pass
"""

ATTEMPTS = {
    "70 poison modules for the next transaction": """
import builtins, json, decimal, circuitos
tries(lambda: HELD if not hasattr(builtins, "POISON") else "builtins", lambda: HELD if json.loads("1") == 1 else "json",
      lambda: HELD if "poison" not in sys.modules else "modules", lambda: HELD if "/tmp" not in sys.path else "path",
      lambda: HELD if "POISON" not in os.environ else "environ", lambda: HELD if decimal.getcontext().prec == 28 else "decimal",
      lambda: HELD if circuitos.CircuitDB.query("SELECT id FROM Area") else "api")
""",
    "71 leave a file for the next transaction": """
tries(*(lambda folder=folder: open(folder + "/circuit-left") for folder in ("/tmp", "/dev/shm", "/")))
""",
}
