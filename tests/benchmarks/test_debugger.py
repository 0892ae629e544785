"""What debugging costs: the same work plain, with each of our engines, and with debugpy, in one run.

Ratios are CPU time of the debugged work over that of the plain work, best of twelve; both come from this run.
"""

import json
import socket
import statistics
import subprocess
import sys
import time

import pytest
from debugpy.common.messaging import JsonIOStream
from tests.process.dap.dap_client import Server

WORK = """\
import json
import sys
import time


def tight(count):
    total = 0
    for number in range(count):
        if number < 0:
            total = -1
        total += number
    return total


def fib(number):
    if number < 0:
        number = 0
    if number < 2:
        return number
    return fib(number - 1) + fib(number - 2)


def score(record, weights):
    total = 0.0
    for name, weight in weights.items():
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            total += weight * (len(value.strip().lower()) % 7)
        else:
            total += weight * value
    return round(min(total, 100.0), 2)


def business(count):
    weights = {"visits": 2.5, "income": 0.0004, "industry": 1.5, "called": 5}
    rows = []
    for number in range(count):
        if number < 0:
            rows = []
        record = {"id": f"003{number:012}", "visits": number % 9, "income": 20_000 + number, "industry": " Tech "}
        record["score"] = score(record, weights)
        if record["score"] > 40:
            rows.append({"id": record["id"], "grade": "A" if record["score"] > 60 else "B"})
    return len(json.dumps(rows))


def never():
    return 1


def taken(function, argument):
    began = time.thread_time()
    function(argument)
    return time.thread_time() - began


scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1
work = [(tight, int(400_000 * scale)), (fib, 22 if scale == 1 else 14), (business, int(8_000 * scale))]
# In turns, so that the processor's branch prediction learns each anew: what it learned once may be a fifth slower.
rounds = [[taken(*one) for one in work] for _ in range(12)]
best = [min(times) for times in zip(*rounds)]
print(json.dumps({function.__name__: time for (function, _), time in zip(work, best)}), flush=True)
"""


def line_of(text, number=0):
    return [place for place, line in enumerate(WORK.splitlines(), start=1) if line.strip() == text][number]


RUNNING = """\
n = 0
print("begun", flush=True)
while True:
    n += 1
    m = n
"""
OTHER = "def other():\n    return 1\n"
KINDS = {
    "nothing armed": (),
    "same function, not hit": (line_of("total = -1"), line_of("number = 0"), line_of("rows = []", 1)),
    "same file": (line_of("return 1"),),
    "another file": "other",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("project"), files={"circuit.toml": '[project]\nname = "bench"\n'})
    server.write("classes/other.py", OTHER)
    yield server
    server.end()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    path = tmp_path_factory.mktemp("work") / "work.py"
    path.write_text(WORK)
    return path


def run_ours(server, work, lines=(), **arguments):
    """Seconds by workload, under our adapter."""
    client = server.connect()
    try:
        points = {server.root / "classes/other.py": [2]} if lines == "other" else {work: lines}
        client.launch(points, program=str(work), **arguments)
        client.finish()
        return json.loads(client.output("stdout"))
    finally:
        client.close()


class DebugpySession:
    """A program under debugpy, through its own adapter; its output comes on a pipe."""

    def __init__(self, program, points, *arguments):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = ["-Xfrozen_modules=off", "-m", "debugpy", "--listen", f"127.0.0.1:{port}", "--wait-for-client"]
        self.process = subprocess.Popen(
            [sys.executable, *command, str(program), *arguments], stdout=subprocess.PIPE, text=True
        )
        self._socket = self._connect(port)
        self._stream = JsonIOStream.from_socket(self._socket)
        self._number = 0
        self.events = []
        self.request("initialize", adapterID="python")
        self._send("attach", {"justMyCode": True})
        self.event("initialized")
        for path, lines in points.items():
            self.set_breakpoints(path, lines)
        self.request("configurationDone")

    def _connect(self, port):
        deadline = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def set_breakpoints(self, path, lines):
        wanted = [line if isinstance(line, dict) else {"line": line} for line in lines]
        self.request("setBreakpoints", source={"path": str(path)}, breakpoints=wanted)

    def _send(self, command, arguments):
        self._number += 1
        self._stream.write_json(
            {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        )
        return self._number

    def request(self, command, **arguments):
        number = self._send(command, arguments)
        while True:
            message = self._stream.read_json()
            if message["type"] == "response" and message["request_seq"] == number:
                return message.get("body")
            self.events.append(message)

    def event(self, name):
        while True:
            for index, message in enumerate(self.events):
                if message.get("event") == name:
                    del self.events[index]
                    return message.get("body", {})
            self.events.append(self._stream.read_json())

    def end(self):
        # Its adapter has the pipe too, and stays until its client goes: a line is all there is to wait for.
        output = self.process.stdout.readline()
        self.kill()
        return output

    def kill(self):
        self._stream.close()
        self.process.kill()
        self.process.wait(60)
        self.process.stdout.close()


def run_debugpy(work, lines, other, scale="1"):
    points = {other: [2]} if lines == "other" else {work: lines}
    return json.loads(DebugpySession(work, points, scale).end())


@pytest.mark.timeout(900)
def test_breakpoint_that_is_not_hit_costs_next_to_nothing(server, work, capsys):
    other = server.root / "classes/other.py"

    plain = run_ours(server, work, noDebug=True)
    rows = {}
    for name, lines in KINDS.items():
        for engine in ("slots", "settrace"):
            rows[name, engine] = ratios(run_ours(server, work, lines, engine=engine), plain)
        rows[name, "debugpy"] = ratios(run_debugpy(work, lines, other), plain)
    again = ratios(run_ours(server, work, noDebug=True), plain)

    with capsys.disabled():
        print(f"\n{'breakpoint':24}{'engine':10}{'tight':>8}{'fib':>8}{'business':>10}")
        for (name, engine), row in {**rows, ("not debugging, again", "plain"): again}.items():
            print(f"{name:24}{engine:10}{row['tight']:8.2f}{row['fib']:8.2f}{row['business']:10.2f}")
    for name in KINDS:
        for workload in plain:
            assert rows[name, "slots"][workload] < rows[name, "debugpy"][workload]
            assert rows[name, "slots"][workload] < 1.25
            assert rows[name, "settrace"][workload] < 1.15 * rows[name, "debugpy"][workload]


def ratios(debugged, plain):
    return {name: debugged[name] / plain[name] for name in plain}


def test_condition_that_is_false_costs_little_on_each_pass(server, work, capsys):
    passes = int(400_000 * 0.25)
    arguments = ["0.25"]
    plain = run_ours(server, work, noDebug=True, args=arguments)
    point = {"line": line_of("total += number"), "condition": "number < 0"}
    costs = {
        engine: (run_ours(server, work, [point], engine=engine, args=arguments)["tight"] - plain["tight"]) / passes
        for engine in ("slots", "settrace")
    }
    theirs = run_debugpy(work, [point], None, "0.25")["tight"]
    costs["debugpy"] = (theirs - plain["tight"]) / passes

    with capsys.disabled():
        print(
            "\nfalse condition, a pass: "
            + ", ".join(f"{name} {cost * 1e6:.2f} µs" for name, cost in costs.items())
        )
    assert costs["slots"] < costs["debugpy"]


def latencies(request_and_wait, count=30):
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        request_and_wait()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def test_step_and_arming_in_a_running_loop_are_quick(server, tmp_path, capsys):
    path = tmp_path / "running.py"
    path.write_text(RUNNING)
    client = server.connect()
    client.launch({path: [4]}, program=str(path))
    client.stopped("breakpoint")
    client.set_breakpoints(path, [])

    ours_step = latencies(lambda: (client.request("next", threadId=1), client.stopped("step")))

    def arm():
        client.set_breakpoints(path, [5])
        client.stopped("breakpoint")

    def arm_anew():
        client.set_breakpoints(path, [])
        client.resume()
        began = time.perf_counter()
        arm()
        return (time.perf_counter() - began) * 1000

    ours_arm = statistics.median(arm_anew() for _ in range(15))
    client.request("terminate")
    client.finish()
    client.close()
    session = DebugpySession(path, {path: [4]})
    thread = session.event("stopped")["threadId"]
    session.set_breakpoints(path, [])
    theirs_step = latencies(lambda: (session.request("next", threadId=thread), session.event("stopped")))

    def their_arming():
        session.set_breakpoints(path, [])
        session.request("continue", threadId=thread)
        began = time.perf_counter()
        session.set_breakpoints(path, [5])
        session.event("stopped")
        return (time.perf_counter() - began) * 1000

    theirs_arm = statistics.median(their_arming() for _ in range(15))
    session.kill()

    with capsys.disabled():
        print(
            f"\nstep {ours_step:.1f} ms (debugpy {theirs_step:.1f}), arming {ours_arm:.1f} ms ({theirs_arm:.1f})"
        )
    assert ours_step < theirs_step
    assert ours_arm < theirs_arm * 2


def test_recording_statements_has_a_cost_that_is_known(server, work, capsys):
    plain = run_ours(server, work, noDebug=True, args=["0.05"])
    recorded = run_ours(server, work, recordStatements=1000, replay=False, args=["0.05"])

    row = ratios(recorded, plain)

    with capsys.disabled():
        print("\nrecording statements: " + ", ".join(f"{name} {ratio:.0f}x" for name, ratio in row.items()))
    assert row["business"] > 1
