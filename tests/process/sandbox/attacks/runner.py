"""Makes every attempt in a real worker of a real host, and prints what happened, one JSON document a line.

`python runner.py FOLDER kernel|native`: `kernel` runs the attempts of the families through whole transactions;
`native` calls the kernel directly from workers that have `ctypes`. The sentences that stand before the kernel's
refusals are switched off: it is the kernel that is tried.
"""

import datetime as dt
import json
import os
import runpy
import socket
import sqlite3
import sys
import time
from pathlib import Path

import msgspec

from circuit_link import debug_wire, wire
from circuit_link.framing import ConnectionEnded
from circuit_log.levels import LogLevels
from circuit_runtime.callouts.client import CalloutClient
from circuit_runtime.host.execution_request import ExecutionRequest, RunControl
from circuit_runtime.host.local_workspace import LocalWorkspace
from circuit_runtime.sandbox.pool import WorkerPool
from circuit_runtime.sandbox.worker import WorkerLimits

HERE = Path(__file__).parent
FAMILIES = ("controls", "files", "processes", "native_code", "network", "resources", "lies", "leftovers")
PROJECT = """
[project]
name = "Areas"
[limits.overrides]
cpu_ms = 300
wall_ms = 1500
heap_bytes = 64000000
query_rows = 200
"""
OBJECT = 'label = "Area"\n[fields.zip]\ntype = "text"\nlength = 20\n'
MARK = "call: "
SEED = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", [{"zip": str(n)} for n in range(50)])\n'


class BareSocket:
    """A worker's socket on which `Start` asks for no sentences before refusals."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def send(self, payload, deadline=None):
        message = wire.decode_from_host(payload)
        if isinstance(message, wire.Start):
            payload = wire.encode(msgspec.structs.replace(message, explain_refusals=False))
        self._inner.send(payload, deadline)


class BarePool:
    """The real pool; its workers are started without sentences."""

    def __init__(self, pool):
        self._pool = pool

    def acquire(self, limits, **kind):
        worker = self._pool.acquire(limits, **kind)
        worker.socket = BareSocket(worker.socket)
        return worker


class Seen:
    """What a run printed."""

    def __init__(self):
        self.stdout = ""

    def emit(self, event):
        pass

    def output(self, stream, text):
        self.stdout += text


class Targets:
    """What the attempts are after: files, sockets and processes, all of this test's own."""

    def __init__(self, folder, zygote_pid):
        self.folder = folder
        for path, text in {
            "home/.ssh/id_ed25519": "planted-secret",
            "home/.bashrc": "# planted\n",
            "tenant/secret.txt": "planted-secret",
            "project/circuit.toml": PROJECT,
            "project/objects/Area.toml": OBJECT,
        }.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        (folder / "project" / ".circuit").mkdir()
        (folder / "project" / "link").symlink_to(folder / "tenant" / "secret.txt")
        self.before = self.files()
        abstract = f"circuit-planted-{os.getpid()}"
        self.sockets = [
            socket.create_server(("127.0.0.1", 0)),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(socket.AF_UNIX),
            socket.socket(socket.AF_UNIX),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
        ]
        tcp, udp, path, name, datagrams = self.sockets
        udp.bind(("127.0.0.1", 0))
        path.bind(str(folder / "planted.sock"))
        name.bind(f"\0{abstract}")
        datagrams.bind(f"\0{abstract}-datagrams")
        for listening in (tcp, path, name):
            listening.listen()
        for one in self.sockets:
            one.setblocking(False)
        os.environ["PLANTED"] = "planted-token"
        self.names = {
            "home": str(folder / "home"),
            "tenant": str(folder / "tenant"),
            "project": str(folder / "project"),
            "tcp_port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_path": str(folder / "planted.sock"),
            "abstract": abstract,
            "host_pid": os.getpid(),
            "zygote_pid": zygote_pid,
        }

    def files(self):
        """Every planted file with its content, mode and owner; the project's own database is the host's matter."""
        return {
            str(path): (path.read_bytes() if path.is_file() else b"", path.lstat().st_mode, path.lstat().st_uid)
            for path in self.folder.rglob("*")
            if ".circuit" not in path.parts and not path.is_socket()
        }

    def touched(self):
        """What an attempt has changed or reached."""
        reached = [f"changed {path}" for path, known in self.before.items() if self.files().get(path) != known]
        reached += [f"made {path}" for path in self.files().keys() - self.before.keys()]
        for one in self.sockets:
            try:
                one.recv(1) if one.type == socket.SOCK_DGRAM else one.accept()
                reached.append(f"reached {one.getsockname()}")
            except BlockingIOError:
                pass
        return reached


class Bench:
    def __init__(self, folder, pool):
        self.root = folder / "project"
        self.workspace = LocalWorkspace(self.root, BarePool(pool), CalloutClient())

    def run(self, text):
        seen = Seen()
        request = ExecutionRequest(
            entry=wire.AnonymousEntry(path="attempt.py", text=text),
            levels=LogLevels(),
            now=dt.datetime.now(dt.UTC),
            mode="plain",
            commit=True,
        )
        with self.workspace.opened() as opened:
            return opened.runtime.run(opened.project, request, seen, RunControl()), seen.stdout

    def rows(self):
        connection = sqlite3.connect(self.root / ".circuit" / "data.db")
        try:
            return sorted(row[0] for row in connection.execute("SELECT zip FROM o_area"))
        finally:
            connection.close()


def main():
    folder, kind = Path(sys.argv[1]).resolve(), sys.argv[2]
    with WorkerPool() as pool:
        pool.acquire(WorkerLimits(heap_bytes=1, cpu_ms=1)).close()
        (source,) = pool._sources.values()
        if kind == "native":
            native_calls(pool)
            return
        targets = Targets(folder, source.pid)
        bench = Bench(folder, pool)
        assert bench.run(SEED)[0].committed
        prelude = (HERE / "prelude.py").read_text("utf-8")
        for family in FAMILIES:
            loaded = runpy.run_path(str(HERE / f"{family}.py"))
            for name, text in loaded["ATTEMPTS"].items():
                if "POISON" in loaded:
                    bench.run(loaded["POISON"])
                begun = time.monotonic()
                result, printed = bench.run(f"PLANTED = {targets.names!r}\n{prelude}{text}")
                tell(
                    family=family,
                    name=name,
                    outcome=result.outcome,
                    error=None if result.error is None else f"{result.error.type}: {result.error.message}",
                    printed=printed[-20_000:],
                    seconds=round(time.monotonic() - begun, 2),
                    touched=targets.touched(),
                    rows=bench.rows(),
                )
        bench.workspace.close()


def native_calls(pool):
    """One worker makes the calls one after another; where one ends it, another one goes on behind that call."""
    loaded = runpy.run_path(str(HERE / "native_calls.py"))
    left = dict(loaded["ATTEMPTS"])
    while left:
        text = loaded["PRELUDE"] + "".join(f"say({MARK + name!r})\n{code}" for name, code in left.items())
        with pool.acquire(WorkerLimits(heap_bytes=64_000_000, cpu_ms=5000), debug=True) as worker:
            printed = talk(worker, text)
            ended = worker.wait(0.0)
        alive, *parts = printed.split(MARK)
        for part in parts:
            name, _, answer = part.partition("\n")
            del left[name]
            last = part is parts[-1] and ended is not None
            tell(name=name, alive=alive, answer=answer, signal=ended.signal if last else None)
        if not parts:
            raise RuntimeError(f"a worker ended before its first call: {printed} {ended}")


def talk(worker, text):
    """What a script printed in a worker, up to its end or the worker's."""
    deadline = time.monotonic() + 30
    printed = ""
    worker.socket.receive(deadline)
    worker.socket.send(
        wire.encode(
            wire.Start(
                version=wire.PROTOCOL_VERSION,
                mode="plain",
                entry=wire.AnonymousEntry(path="native.py", text=text),
                sources=(),
                objects=(),
                now=dt.datetime.now(dt.UTC),
                user=wire.UserRef(id="", name=""),
                limits_profile="circuit",
                limits={},
                seed=0,
                started_ns=time.monotonic_ns(),
                log_levels={},
                explain_refusals=False,
            )
        )
    )
    worker.debug_socket.send(debug_wire.encode(debug_wire.Go()), deadline)
    try:
        while not isinstance(message := wire.decode_from_worker(worker.socket.receive(deadline)), wire.Done):
            printed += message.text if isinstance(message, wire.Output) else ""
    except ConnectionEnded:
        worker.wait(5.0)
    return printed


def tell(**found):
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
