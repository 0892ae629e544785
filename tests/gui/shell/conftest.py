"""A console on a small project with a fake host, and a fake debugger that answers by a script."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import circuit_link.host_protocol as hp
from circuit_console.bootstrap import Console
from circuit_console.core.folders import Folders
from circuit_console.core.session import Settings
from circuit_console.core.theme import Appearance
from circuit_console.services.fake_host_link import FakeHostLink
from circuit_console.widgets.theme import Theme

CODE = '''"""Score a lead."""


class Score:
    def total(self, lead):
        fit = 26
        intent = 36
        return fit + intent
'''


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    made = Theme(Appearance.DARK)
    made.apply(qapp)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "lead-scoring"
    for name, text in {
        "circuit.toml": '[project]\nname = "lead-scoring"\n',
        "classes/score.py": CODE,
        "events/marcus.json": "{}",
        "tests/test_score.py": "from circuitos.testing import test\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(state=tmp_path / "state", data=tmp_path / "data")


OpenConsole = Callable[[], Console]


@pytest.fixture
def open_console(qtbot: QtBot, theme: Theme, project: Path, folders: Folders) -> Iterator[OpenConsole]:
    """Open the project; what was opened is closed at the end."""
    opened: list[Console] = []

    def build() -> Console:
        console = Console(theme, folders, Settings(), project, host=FakeHostLink(project))
        opened.append(console)
        console.show()
        qtbot.waitExposed(console.window)
        qtbot.waitUntil(lambda: bool(console.explorer.files))
        return console

    yield build
    for console in opened:
        console.window.close()
        console.window.deleteLater()
        console.deleteLater()


@pytest.fixture
def console(open_console: OpenConsole) -> Console:
    return open_console()


@pytest.fixture
def host(console: Console) -> FakeHostLink:
    assert isinstance(console.host, FakeHostLink)
    return console.host


def describe(
    host: FakeHostLink, *configurations: hp.RunConfiguration, problems: tuple[hp.Problem, ...] = ()
) -> None:
    """Let the host answer with a project that has these run configurations."""
    project = hp.ProjectDescription(
        name="lead-scoring",
        root=str(host.project_root),
        profile="circuit",
        objects=(),
        triggers=(),
        tests=(),
        run_configurations=configurations,
        environments=(),
        problems=problems,
    )
    host.handle(hp.ProjectDescribed(request=0, project=project))


ABILITIES = {
    "supportsRestartFrame": True,
    "supportsGotoTargetsRequest": True,
    "supportsStepInTargetsRequest": True,
    "supportsCompletionsRequest": True,
    "exceptionBreakpointFilters": [{"filter": one} for one in ("raised", "uncaught", "userUnhandled")],
}


class FakeDebugger:
    """A DAP server with one stop: in `total`, lines that the test says, then the end."""

    def __init__(self, path: Path, address: Path) -> None:
        self.requests: list[dict[str, Any]] = []
        self.stop_lines = [6]
        self.stop_reason = "breakpoint"
        self.checkpoints: list[int] = []
        self.stop_text = ""
        self.refusals: dict[str, tuple[int, str]] = {}
        self.step_targets = [{"id": 1, "label": "fit_of(lead)"}, {"id": 2, "label": "intent_of(lead)"}]
        self.address = str(address)
        self._path = str(path)
        self.value = "26"
        self._connection: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.address)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        for sock in (self._listener, self._connection):
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._listener.close()
        self._thread.join(5)

    def commands(self) -> list[str]:
        return [str(one["command"]) for one in self.requests]

    def arguments(self, command: str) -> dict[str, Any]:
        """Of the newest request of a kind."""
        return next(one["arguments"] for one in reversed(self.requests) if one["command"] == command)

    def _serve(self) -> None:
        try:
            self._connection, _ = self._listener.accept()
        except OSError:
            return
        try:
            self._talk(self._connection)
        except OSError:
            pass  # The test has ended while an answer was on its way.

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            while (request := _read(stream)) is not None:
                self.requests.append(request)
                for message in self._answers(request):
                    payload = json.dumps({"seq": 0, **message}).encode()
                    stream.write(b"Content-Length: %d\r\n\r\n" % len(payload) + payload)
                stream.flush()
                if request["command"] == "disconnect":
                    return

    def _answers(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        if request["command"] in self.refusals:
            number, why = self.refusals[request["command"]]
            return [
                {
                    "type": "response",
                    "request_seq": request["seq"],
                    "command": request["command"],
                    "success": False,
                    "message": why,
                    "body": {"error": {"id": number, "format": why}},
                }
            ]
        body, events = self._body(request["command"], request["arguments"])
        response = {
            "type": "response",
            "request_seq": request["seq"],
            "command": request["command"],
            "success": True,
            "body": body,
        }
        return [response, *({"type": "event", **event} for event in events)]

    def _body(self, command: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        match command:
            case "initialize":
                return ABILITIES, [{"event": "initialized"}]
            case "setBreakpoints":
                lines = [one["line"] for one in arguments["breakpoints"]]
                return {"breakpoints": [self._bound(line) for line in lines]}, []
            case "setFunctionBreakpoints":
                known = [one["name"] == "Score.total" for one in arguments["breakpoints"]]
                reasons = ["" if is_known else "No function of that name." for is_known in known]
                return {
                    "breakpoints": [
                        {"verified": is_known, "message": reason}
                        for is_known, reason in zip(known, reasons, strict=True)
                    ]
                }, []
            case "gotoTargets":
                return {"targets": [{"id": 91, "label": "there", "line": arguments["line"]}]}, []
            case "stepInTargets":
                return {"targets": self.step_targets}, []
            case "completions":
                return {"targets": [{"label": name} for name in ("fit", "field", "total")]}, []
            case "goto":
                return {}, [self._next_stop("goto")]
            case "stepBack":
                stopped = self._next_stop("step")
                stopped["body"]["recorded"] = True
                return {}, [stopped]
            case "launch" if arguments.get("recordStatements"):
                return {}, [{"event": "capabilities", "body": {"capabilities": {"supportsStepBack": True}}}]
            case "configurationDone" | "next" | "continue" | "stepIn" | "restartFrame":
                kept = [self._checkpoint(line) for line in self.checkpoints]
                self.checkpoints = []
                if kept:
                    return {}, [*kept, self._next_stop(self.stop_reason)]
                return {}, [self._next_stop(self.stop_reason if command == "configurationDone" else "step")]
            case "stackTrace":
                return {"stackFrames": self._frames()}, []
            case "scopes":
                return {"scopes": [{"name": "Locals", "variablesReference": 7, "expensive": False}]}, []
            case "variables":
                variable = {"name": "fit", "value": self.value, "type": "int", "variablesReference": 0}
                return {"variables": [variable | {"evaluateName": "fit"}]}, []
            case "setVariable":
                self.value = arguments["value"]
                return {"value": self.value}, []
            case "evaluate":
                return {"result": "62", "type": "int", "variablesReference": 0}, []
            case "terminate":
                return {}, [{"event": "terminated"}]
            case _:
                return {}, []

    def _next_stop(self, reason: str) -> dict[str, Any]:
        self._line = self.stop_lines.pop(0) if self.stop_lines else 0
        if not self._line:
            return {"event": "terminated"}
        body = {"reason": reason, "threadId": 1, "text": self.stop_text}
        if reason == "breakpoint":
            body["hitBreakpointIds"] = [self._line]
        return {"event": "stopped", "body": body}

    def _checkpoint(self, line: int) -> dict[str, Any]:
        body = {
            "breakpointId": line,
            "source": {"path": self._path},
            "line": line,
            "function": "total",
            "variables": [{"name": "fit", "value": "26", "type": "int"}],
        }
        return {"event": "circuit/checkpoint", "body": body}

    def _bound(self, line: int) -> dict[str, Any]:
        """Its line is its id; beyond the text nothing can stop."""
        if line > 9:
            return {"id": line, "verified": False, "line": line, "message": f"Line {line} does not run."}
        return {"id": line, "verified": True, "line": line}

    def _frames(self) -> list[dict[str, Any]]:
        source = {"path": self._path, "name": "score.py"}
        return [
            {"id": 1, "name": "total", "source": source, "line": self._line, "column": 1},
            {"id": 2, "name": "insert Contact", "line": 0, "column": 0, "presentationHint": "label"},
            {"id": 3, "name": "handle", "source": source, "line": 4, "column": 1},
        ]


def _read(stream: Any) -> dict[str, Any] | None:
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if length else None


@pytest.fixture
def debugger(project: Path, tmp_path: Path) -> Iterator[FakeDebugger]:
    # A socket path is short by force, a test's folder is not.
    address = Path("/tmp") / f"circuit-dap-{abs(hash(str(tmp_path))) % 10**10}"
    made = FakeDebugger(project / "classes/score.py", address)
    yield made
    made.close()
    address.unlink(missing_ok=True)
