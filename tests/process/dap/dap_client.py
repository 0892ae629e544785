"""Debugs real projects over TCP with a client that is not ours, and holds every message to the protocol's schema.

Its stream is debugpy's, and so is the schema: the official one, in the form that debugpy ships.
"""

import contextlib
import importlib.resources
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

import jsonschema
from debugpy.common.messaging import JsonIOStream

from circuit_link.client import HostNotRunning, connect

DEADLINE_S = 20.0
TRIGGER = """\
from circuitos import CircuitTrigger, trigger


class AreaTrigger(CircuitTrigger):
    @trigger("Area", ["beforeInsert"])
    def double(self, context):
        for area in context.new_records:
            area.income = (area.income or 0) * 2
            if area.zip == "bad":
                raise ValueError("a bad zip")
"""
MATHS = """\
def double(number):
    result = number * 2
    return result


def fail(text):
    raise ValueError(text)


class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, number):
        self.value += number
        return self.value
"""
TESTS = """\
from circuitos import CircuitDB
from circuitos.testing import test


@test
class Areas:
    @test("Income is doubled")
    def doubled(self):
        area = {"zip": "1", "income": 5}
        CircuitDB.insert("Area", [area])
        assert area["id"]
"""
FILES = {
    "circuit.toml": '[project]\nname = "Areas"\n',
    "objects/Area.toml": (
        'label = "Area"\n[fields.zip]\ntype = "text"\nlength = 10\nrequired = true\n'
        '[fields.income]\ntype = "integer"\n'
    ),
    "triggers/area_trigger.py": TRIGGER,
    "classes/maths.py": MATHS,
    "tests/test_areas.py": TESTS,
}


class Schema:
    """The official schema: which definition a message has to fit, and whether it does."""

    def __init__(self):
        package = importlib.resources.files("debugpy")
        path = package / "_vendored/pydevd/_pydevd_bundle/_debug_adapter/debugProtocol.json"
        self._document = json.loads(path.read_text("utf-8"))
        self._definitions = self._document["definitions"]
        self._events = {
            part["properties"]["event"]["enum"][0]: name
            for name, definition in self._definitions.items()
            if name.endswith("Event") and name != "Event"
            for part in definition["allOf"]
            if "properties" in part
        }

    def check(self, message):
        name = self._name(message)
        if name is None:
            assert message["event"].startswith("circuit/"), message
            return
        schema = {**self._document, "$ref": f"#/definitions/{name}"}
        jsonschema.Draft4Validator(schema).validate(message)

    def _name(self, message):
        if message["type"] == "event":
            return self._events.get(message["event"])
        if not message["success"]:
            return "ErrorResponse"
        return message["command"][0].upper() + message["command"][1:] + "Response"


SCHEMA = Schema()


class Client:
    """A client of the debug adapter. Every message is checked as it comes."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = JsonIOStream.from_socket(self._socket)
        self._numbers = itertools.count(1)
        self._last_seq = 0
        self._responses = {}
        self._waiting = set()
        self.messages = []
        self.events = []
        self._seen = 0

    def send(self, command, arguments=None):
        """Send a request without waiting for the answer; its number."""
        number = next(self._numbers)
        self._waiting.add(number)
        message = {"seq": number, "type": "request", "command": command}
        self._stream.write_json({**message, "arguments": arguments} if arguments is not None else message)
        return number

    def request(self, command, **arguments):
        """The body of the answer to a request that succeeds."""
        return self.answer(self.send(command, arguments or None))

    def refusal(self, command, **arguments):
        """The answer to a request that fails."""
        response = self.response(self.send(command, arguments or None))
        assert not response["success"], response
        return response

    def answer(self, number):
        response = self.response(number)
        assert response["success"], response
        return response["body"]

    def response(self, number):
        self._read_until(lambda: number in self._responses)
        return self._responses[number]

    def event(self, name, matches=lambda body: True):
        """The next event of that name that was not waited for yet."""
        found = None

        def is_there():
            nonlocal found
            for index in range(self._seen, len(self.events)):
                event = self.events[index]
                if event["event"] == name and matches(event.get("body", {})):
                    found = event.get("body", {})
                    self._seen = index + 1
                    return True
            return False

        self._read_until(is_there)
        return found

    def next_of(self, *names):
        """The next event of any of these names that was not waited for yet."""

        def at():
            places = range(self._seen, len(self.events))
            return next((place for place in places if self.events[place]["event"] in names), None)

        self._read_until(lambda: at() is not None)
        place = at()
        self._seen = place + 1
        return self.events[place]

    def stopped(self, reason=None):
        body = self.event("stopped")
        if reason is not None:
            assert body["reason"] == reason, body
        return body

    def output(self, category=None):
        """What was printed so far."""
        return "".join(
            event["body"]["output"]
            for event in self.events
            if event["event"] == "output" and category in (None, event["body"]["category"])
        )

    def await_output(self, text, category="stdout"):
        """Wait until exactly this was printed; it comes on a way of its own, before or after a stop."""
        self._read_until(lambda: len(self.output(category)) >= len(text))
        assert self.output(category) == text

    # ---------------------------------------------------------------------------- whole conversations

    def launch(self, breakpoints=None, *, exceptions=(), functions=(), **arguments):
        """Launch and configure; the answers to `setBreakpoints` by path."""
        launching = self.send("launch", arguments)
        return self._configure(launching, breakpoints, exceptions, functions)

    def attach(self, breakpoints=None, **arguments):
        return self._configure(self.send("attach", arguments), breakpoints, (), ())

    def _configure(self, starting, breakpoints, exceptions, functions):
        self.event("initialized")
        answers = {}
        for path, points in (breakpoints or {}).items():
            answers[path] = self.set_breakpoints(path, points)
        if functions:
            self.request("setFunctionBreakpoints", breakpoints=[{"name": name} for name in functions])
        self.request("setExceptionBreakpoints", filters=list(exceptions))
        self.request("configurationDone")
        self.answer(starting)
        return answers

    def set_breakpoints(self, path, points):
        """`points` are lines or SourceBreakpoints."""
        wanted = [point if isinstance(point, dict) else {"line": point} for point in points]
        return self.request("setBreakpoints", source={"path": str(path)}, breakpoints=wanted)["breakpoints"]

    def stack(self, **arguments):
        return self.request("stackTrace", threadId=1, **arguments)["stackFrames"]

    def place(self):
        """(file name, line) of the innermost frame."""
        frame = self.stack()[0]
        return frame["source"]["name"], frame["line"]

    def scope(self, frame=None, name="Locals"):
        frame = frame or self.stack()[0]
        scopes = self.request("scopes", frameId=frame["id"])["scopes"]
        return next(scope for scope in scopes if scope["name"] == name)

    def variables(self, reference=None, **arguments):
        """Name to variable, of a reference or of the innermost frame's locals."""
        reference = reference or self.scope()["variablesReference"]
        found = self.request("variables", variablesReference=reference, **arguments)["variables"]
        return {variable["name"]: variable for variable in found}

    def evaluate(self, expression, context="watch", **arguments):
        frame = self.stack()[0]["id"]
        return self.request("evaluate", expression=expression, frameId=frame, context=context, **arguments)

    def step(self, command, **arguments):
        """Step and say where that ends."""
        self.request(command, threadId=1, **arguments)
        self.stopped("step")
        return self.place()

    def resume(self):
        self.request("continue", threadId=1)

    def finish(self):
        """Let it run to its end; the exit code."""
        code = self.event("exited")["exitCode"]
        self.event("terminated")
        self.request("disconnect")
        return code

    def close(self):
        self._stream.close()

    # ---------------------------------------------------------------------------- messages

    def _read_until(self, is_done):
        deadline = time.monotonic() + DEADLINE_S
        while not is_done():
            left = deadline - time.monotonic()
            assert select.select([self._socket], [], [], max(left, 0))[0], (
                f"nothing came after {self.messages[-3:]}"
            )
            self._check(self._stream.read_json())

    def _check(self, message):
        SCHEMA.check(message)
        assert message["seq"] == self._last_seq + 1
        self._last_seq = message["seq"]
        self.messages.append(message)
        if message["type"] == "event":
            self.events.append(message)
        else:
            assert message["request_seq"] in self._waiting, message
            self._waiting.remove(message["request_seq"])
            self._responses[message["request_seq"]] = message


class Server:
    """`circuit-cli debug --dap` on a project of its own."""

    def __init__(self, root, *, files=FILES):
        self.root = root
        self._clients = []
        for path, text in files.items():
            self.write(path, text)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "circuit_cli",
                "debug",
                "--dap",
                "127.0.0.1:0",
                "--json",
                "--project",
                str(root),
            ],
            stdout=subprocess.PIPE,
        )
        assert select.select([self._process.stdout], [], [], DEADLINE_S)[0]
        self.port = json.loads(self._process.stdout.readline())["port"]

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        return target

    def connect_only(self):
        """A client that has not said anything yet."""
        client = Client(self.port)
        self._clients.append(client)
        return client

    def connect(self, **initialize):
        client = self.connect_only()
        client.capabilities = client.request(
            "initialize", adapterID="circuit", clientID="test", pathFormat="path", **initialize
        )
        return client

    def end(self):
        for client in self._clients:
            client.close()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(DEADLINE_S)
        self._process.stdout.close()
        _end_host(self.root)


def _end_host(root):
    """The host outlives its last client for a while; a test's must not."""
    try:
        client = connect(root, client="test")
    except HostNotRunning:
        return
    pid = client.attached.pid
    client.close()
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            select.select([descriptor], [], [], DEADLINE_S)
        finally:
            os.close(descriptor)
