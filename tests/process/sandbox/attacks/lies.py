"""The counters and the wire: lies that the host must not believe. Each ends in the outcome its name begins with."""

_RAW = """
import socket, struct
import msgspec
from circuit_link import wire
raw = socket.socket(fileno=os.dup(3))
raw.setblocking(True)
def send(message):
    data = wire.encode(message)
    raw.sendall(struct.pack(">I", len(data)) + data)
def query(number):
    send(wire.Query(id=number, text="SELECT id FROM Area", binds={}))
"""

ATTEMPTS = {
    "limit: 55 raise the limits in the script": """
from circuitos import CircuitDB, CircuitGovernor
for name in ("limits", "_limits"):
    try:
        setattr(CircuitGovernor, name, {"queries": 10**9})
    except Exception as exc:
        print("held", exc)
for number in range(150):
    CircuitDB.query("SELECT id FROM Area")
say("THROUGH")
""",
    "limit|killed: 56 speak the wire past the runtime": _RAW
    + """
for number in range(1000, 1150):
    query(number)
    raw.recv(65536)
""",
    "limit: 57 swallow the breach": """
from circuitos import CircuitDB
count = 0
for number in range(150):
    try:
        CircuitDB.query("SELECT id FROM Area")
        count += 1
    except BaseException:
        pass
if count > 100:
    say("THROUGH", count)
""",
    "limit: 58 read more rows than allowed": """
from circuitos import CircuitDB
while True:
    CircuitDB.query("SELECT id FROM Area")
""",
    "killed|limit: 59 a pickle on the wire": _RAW
    + """
import pickle
class Bomb:
    def __reduce__(self):
        return os.system, ("touch /tmp/circuit-pickle",)
data = pickle.dumps(Bomb())
raw.sendall(struct.pack(">I", len(data)) + data)
raw.recv(10)
""",
    "killed|limit: 60 a frame of four gigabytes": _RAW
    + """
raw.sendall(b"\\xff\\xff\\xff\\xff" + b"x" * 1000)
raw.recv(10)
""",
    "killed|limit: 61 half a frame, then silence": _RAW
    + """
import time
raw.sendall(struct.pack(">I", 5000) + b"half")
time.sleep(60)
""",
    "killed|limit: 62 deeply nested values": _RAW
    + """
data = b"\\x91" * 1_000_000 + b"\\xc0"
raw.sendall(struct.pack(">I", len(data)) + data)
raw.recv(10)
""",
    "killed|limit: 63 never read an answer": _RAW
    + """
number = 1000
while True:
    number += 1
    query(number)
""",
    "success|killed: 64 say that all is done, then go on": _RAW
    + """
from circuitos import CircuitDB
CircuitDB.insert("Area", {"zip": "forged"})
send(wire.Done(exit_code=0))
for number in range(1000, 1010):
    query(number)
while True:
    pass
""",
    "killed: 65 leave in the middle": """
from circuitos import CircuitDB
CircuitDB.insert("Area", {"zip": "half-done"})
os._exit(0)
""",
    "success: 66 SQL on the trusted side": """
from circuitos import CircuitDB
other = PLANTED["tenant"] + "/evil.db"
tries(lambda: CircuitDB.query(f"ATTACH DATABASE '{other}' AS x"), lambda: CircuitDB.query("SELECT id FROM sqlite_master"),
      lambda: CircuitDB.query("SELECT id FROM Area; DROP TABLE o_area"), lambda: CircuitDB.query("SELECT id FROM Area UNION SELECT 1"),
      lambda: CircuitDB.query("SELECT id, load_extension('x') FROM Area"),
      lambda: CircuitDB.query("SELECT id FROM Area WHERE zip = :z", z="' OR 1=1 --") or HELD,
      lambda: CircuitDB.insert("o_area", {"zip": "x"}), lambda: CircuitDB.insert("Area", {"zip\\" = 1; --": "x"}))
""",
}
