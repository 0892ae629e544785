"""One Debug Adapter Protocol session: a client that launches, stops, steps and looks at one run."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import circuit_link.host_protocol as hp
from circuit_link import debug_wire as dw
from circuit_link.dap import DapViolation, Message, MessageBuffer, encode
from circuit_link.errors import UserFacingError
from circuit_log.events import LogEvent
from circuit_runtime.host.dap_breakpoints import bind, executable_lines
from circuit_runtime.host.dap_launch import relative_path, run_request
from circuit_runtime.host.dap_worker import QuestionRefused, WorkerLink
from circuit_runtime.host.execution_request import RunControl
from circuit_runtime.host.runs import RunHandle, RunService
from circuit_runtime.project.project import Project
from circuit_runtime.sandbox.worker import Worker

_THREAD = 1
_MAIN_THREAD = "Script"
_CHUNK_BYTES = 65_536
_STEPS: dict[str, dw.StepKind] = {"next": "over", "stepIn": "into", "stepOut": "out"}

CAPABILITIES: dict[str, Any] = {
    "supportsConfigurationDoneRequest": True,
    "supportsConditionalBreakpoints": True,
    "supportsHitConditionalBreakpoints": True,
    "supportsLogPoints": True,
    "supportsFunctionBreakpoints": True,
    "supportsEvaluateForHovers": True,
    "supportsSetVariable": True,
    "supportsSetExpression": True,
    "supportsGotoTargetsRequest": True,
    "supportsCompletionsRequest": True,
    "supportsExceptionInfoRequest": True,
    "supportsTerminateRequest": True,
    "supportTerminateDebuggee": True,
    "supportsDelayedStackTraceLoading": True,
    "supportsLoadedSourcesRequest": True,
    "supportsModulesRequest": True,
    "supportsBreakpointLocationsRequest": True,
    "supportsRestartRequest": True,
    "supportsCancelRequest": True,
    "exceptionBreakpointFilters": [
        {"filter": "raised", "label": "Raised exceptions", "default": False},
        {"filter": "uncaught", "label": "Uncaught exceptions", "default": True},
    ],
}


class _Refused(Exception):
    """A request that cannot be carried out; the text is for the user."""


class DapSession:
    """Reads requests on its own thread; the run's thread and the worker's channel send events beside it."""

    def __init__(
        self, connection: socket.socket, root: Path, runs: RunService, project: Callable[[], Project]
    ) -> None:
        self._connection = connection
        self._root = root
        self._runs = runs
        self._project = project
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._breakpoint_ids = itertools.count(1)
        self._breakpoints: dict[str, tuple[dw.LineBreakpoint, ...]] = {}
        self._functions: tuple[str, ...] = ()
        self._filters = dw.SetExceptionFilters(raised=False, uncaught=False)
        self._launch: tuple[Message, hp.RunRequest] | None = None
        self._is_configured = False
        self._link: WorkerLink | None = None
        self._handle: RunHandle | None = None
        self._control: RunControl | None = None
        self._is_paused = False
        self._is_restarting = False
        self._handlers: dict[str, Callable[[Message], dict[str, Any] | None]] = {
            "initialize": lambda _arguments: CAPABILITIES,
            "setBreakpoints": self._set_breakpoints,
            "setFunctionBreakpoints": self._set_function_breakpoints,
            "setExceptionBreakpoints": self._set_exception_breakpoints,
            "breakpointLocations": self._breakpoint_locations,
            "threads": lambda _arguments: {"threads": [{"id": _THREAD, "name": _MAIN_THREAD}]},
            "stackTrace": self._stack_trace,
            "scopes": self._scopes,
            "variables": self._variables,
            "setVariable": self._set_variable,
            "setExpression": self._set_expression,
            "evaluate": self._evaluate,
            "completions": self._completions,
            "exceptionInfo": self._exception_info,
            "continue": self._continue,
            "next": lambda _arguments: self._step("next"),
            "stepIn": lambda _arguments: self._step("stepIn"),
            "stepOut": lambda _arguments: self._step("stepOut"),
            "pause": self._pause,
            "gotoTargets": self._goto_targets,
            "goto": self._goto,
            "source": self._source,
            "modules": self._modules,
            "loadedSources": self._loaded_sources,
            "terminate": self._terminate,
            "restart": self._restart,
            "cancel": lambda _arguments: None,
        }

    # ------------------------------------------------------------------------------------- connection

    def serve(self) -> None:
        """Answer requests until the client is gone."""
        buffer = MessageBuffer()
        while True:
            try:
                data = self._connection.recv(_CHUNK_BYTES)
            except OSError:
                return
            if not data:
                return
            try:
                messages = buffer.feed(data)
            except DapViolation as exc:
                self._event("output", {"category": "stderr", "output": f"The connection is no DAP: {exc}\n"})
                return
            for message in messages:
                if message.get("type") == "request" and not self._take(message):
                    return

    def close(self) -> None:
        """End the connection and the run that it launched."""
        if self._handle is not None:
            self._handle.stop("The debugger's client has gone.")
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()

    def _take(self, request: Message) -> bool:
        """Carry out one request; False when the session is over."""
        command = str(request.get("command", ""))
        arguments = request.get("arguments")
        given: Message = arguments if isinstance(arguments, dict) else {}
        if command == "disconnect":
            self._disconnect(given)
            self._respond(request)
            return False
        try:
            match command:
                case "launch":
                    self._launch = (request, run_request(given, self._root, self._project()))
                    self._event("initialized")
                    self._start_if_ready()
                case "attach":
                    raise _Refused("No run waits for a debugger here. Use launch.")
                case "configurationDone":
                    self._is_configured = True
                    self._respond(request)
                    self._start_if_ready()
                case _ if command in self._handlers:
                    self._respond(request, self._handlers[command](given))
                case _:
                    raise _Refused(f"{command!r} is not supported.")
        except (_Refused, QuestionRefused) as exc:
            self._refuse(request, str(exc))
        except UserFacingError as exc:
            self._refuse(request, f"{exc.message} {exc.hint}".strip())
        except (KeyError, TypeError, ValueError) as exc:
            self._refuse(request, f"{command}: the arguments are not as the protocol has them: {exc!r}")
        return True

    def _respond(self, request: Message, body: dict[str, Any] | None = None) -> None:
        self._send(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "command": request.get("command", ""),
                "success": True,
                **({"body": body} if body is not None else {}),
            }
        )

    def _refuse(self, request: Message, text: str) -> None:
        self._send(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "command": request.get("command", ""),
                "success": False,
                "message": text,
                "body": {"error": {"id": 1, "format": "{text}", "variables": {"text": text}, "showUser": True}},
            }
        )

    def _event(self, name: str, body: dict[str, Any] | None = None) -> None:
        self._send({"type": "event", "event": name, **({"body": body} if body is not None else {})})

    def _send(self, message: Message) -> None:
        with self._sending:
            try:
                self._connection.sendall(encode({"seq": next(self._numbers), **message}))
            except OSError:
                return

    # ------------------------------------------------------------------------------------- the run

    def _start_if_ready(self) -> None:
        """Start the run once it is launched and configured; only then is `launch` answered."""
        if self._launch is None or not self._is_configured or self._handle is not None:
            return
        request, run = self._launch
        stop_on_entry = bool((request.get("arguments") or {}).get("stopOnEntry"))

        def on_debug_worker(worker: Worker, control: RunControl) -> None:
            self._take_worker(worker, control, stop_on_entry)

        try:
            self._handle = self._runs.start(run, observer=_Watcher(self), on_debug_worker=on_debug_worker)
        except UserFacingError as exc:
            self._launch = None
            self._refuse(request, f"{exc.message} {exc.hint}".strip())
            return
        if not self._is_restarting:
            self._respond(request)
        self._is_restarting = False
        self._event("process", {"name": _title(run), "startMethod": "launch", "isLocalProcess": True})
        self._event("thread", {"reason": "started", "threadId": _THREAD})

    def _take_worker(self, worker: Worker, control: RunControl, stop_on_entry: bool) -> None:
        """On the run's thread, before the worker is told anything: hand it the configuration."""
        if worker.debug_socket is None:
            return
        link = WorkerLink(worker.debug_socket, self._on_worker_event)
        self._control = control
        for path, points in self._breakpoints.items():
            link.tell(dw.SetBreakpoints(path=path, breakpoints=points))
        link.tell(dw.SetFunctionBreakpoints(names=self._functions))
        link.tell(self._filters)
        link.tell(dw.Go(stop_on_entry=stop_on_entry))
        self._link = link
        link.start()

    def _on_worker_event(self, event: dw.DebugEvent) -> None:
        match event:
            case dw.Stopped():
                self._is_paused = True
                if self._control is not None:
                    self._control.paused(event.reason)
                self._event("stopped", _stopped_body(event))
            case dw.Resumed():
                self._is_paused = False
                if self._control is not None:
                    self._control.resumed()
            case dw.Logged():
                self._event(
                    "output",
                    {
                        "category": "stderr" if event.is_error else "console",
                        "output": event.text + "\n",
                        "source": self._source_of(event.path),
                        "line": event.line,
                    },
                )
            case dw.Answer() | dw.Refusal():
                return

    def on_output(self, stream: str, text: str) -> None:
        self._event("output", {"category": stream, "output": text})

    def on_finished(self, result: hp.RunResult) -> None:
        self._link = None
        self._is_paused = False
        if result.error is not None:
            text = result.error.traceback or f"{result.error.type}: {result.error.message}"
            self._event("output", {"category": "stderr", "output": text.rstrip() + "\n"})
        if self._is_restarting:
            self._handle = None
            self._start_if_ready()
            return
        self._event("thread", {"reason": "exited", "threadId": _THREAD})
        self._event("exited", {"exitCode": result.exit_code})
        self._event("terminated")

    def _worker(self) -> WorkerLink:
        if self._link is None:
            raise _Refused("No script runs under the debugger now.")
        return self._link

    def _stopped_worker(self) -> WorkerLink:
        link = self._worker()
        if not self._is_paused:
            raise _Refused("The script runs; it must stand still for that.")
        return link

    # ------------------------------------------------------------------------------------- breakpoints

    def _set_breakpoints(self, arguments: Message) -> dict[str, Any]:
        path = relative_path(str(arguments["source"].get("path", "")), self._root)
        text = self._text_of(path)
        points: list[dw.LineBreakpoint] = []
        answers: list[dict[str, Any]] = []
        for wanted in arguments.get("breakpoints") or ():
            number = next(self._breakpoint_ids)
            line = int(wanted["line"])
            bound = bind(text, path, line)
            answer: dict[str, Any] = {"id": number, "verified": bound.line > 0, "line": bound.line or line}
            if bound.reason:
                answer["message"] = bound.reason
            answers.append(answer)
            if bound.line:
                points.append(
                    dw.LineBreakpoint(
                        id=number,
                        line=bound.line,
                        condition=str(wanted.get("condition") or ""),
                        hit_condition=str(wanted.get("hitCondition") or ""),
                        log_message=str(wanted.get("logMessage") or ""),
                    )
                )
        self._breakpoints[path] = tuple(points)
        if self._link is not None:
            self._link.tell(dw.SetBreakpoints(path=path, breakpoints=tuple(points)))
        return {"breakpoints": answers}

    def _set_function_breakpoints(self, arguments: Message) -> dict[str, Any]:
        self._functions = tuple(str(item["name"]) for item in arguments.get("breakpoints") or ())
        if self._link is not None:
            self._link.tell(dw.SetFunctionBreakpoints(names=self._functions))
        return {"breakpoints": [{"id": next(self._breakpoint_ids), "verified": True} for _ in self._functions]}

    def _set_exception_breakpoints(self, arguments: Message) -> dict[str, Any]:
        filters = arguments.get("filters") or ()
        self._filters = dw.SetExceptionFilters(raised="raised" in filters, uncaught="uncaught" in filters)
        if self._link is not None:
            self._link.tell(self._filters)
        return {"breakpoints": [{"verified": True} for _ in filters]}

    def _breakpoint_locations(self, arguments: Message) -> dict[str, Any]:
        path = relative_path(str(arguments["source"].get("path", "")), self._root)
        first = int(arguments["line"])
        lines = executable_lines(self._text_of(path), path, first, int(arguments.get("endLine") or first))
        return {"breakpoints": [{"line": line} for line in lines]}

    # ------------------------------------------------------------------------------------- looking

    def _stack_trace(self, arguments: Message) -> dict[str, Any]:
        start, levels = int(arguments.get("startFrame") or 0), int(arguments.get("levels") or 0)
        answer = self._stopped_worker().ask(
            lambda number: dw.Stack(id=number, start=start, levels=levels), dw.StackAnswer
        )
        return {"stackFrames": [self._frame_body(frame) for frame in answer.frames], "totalFrames": answer.total}

    def _frame_body(self, frame: dw.FrameInfo) -> dict[str, Any]:
        if frame.is_label:
            return {"id": frame.id, "name": frame.name, "line": 0, "column": 0, "presentationHint": "label"}
        return {
            "id": frame.id,
            "name": frame.name,
            "source": self._source_of(frame.path),
            "line": frame.line,
            "column": 1,
        }

    def _scopes(self, arguments: Message) -> dict[str, Any]:
        frame = int(arguments["frameId"])
        scopes = self._stopped_worker().ask(lambda number: dw.Scopes(id=number, frame=frame), list[dw.ScopeInfo])
        return {
            "scopes": [
                {
                    "name": scope.name,
                    "variablesReference": scope.reference,
                    "namedVariables": scope.named,
                    "expensive": scope.is_expensive,
                    **({"presentationHint": "locals"} if scope.name == "Locals" else {}),
                }
                for scope in scopes
            ]
        }

    def _variables(self, arguments: Message) -> dict[str, Any]:
        found = self._stopped_worker().ask(
            lambda number: dw.Variables(
                id=number,
                reference=int(arguments["variablesReference"]),
                filter=arguments.get("filter") or "",
                start=int(arguments.get("start") or 0),
                count=int(arguments.get("count") or 0),
            ),
            list[dw.VariableInfo],
        )
        return {"variables": [{"name": item.name, **_value_body(item, "value")} for item in found]}

    def _set_variable(self, arguments: Message) -> dict[str, Any]:
        answer = self._stopped_worker().ask(
            lambda number: dw.SetVariable(
                id=number,
                reference=int(arguments["variablesReference"]),
                name=str(arguments["name"]),
                value=str(arguments["value"]),
            ),
            dw.VariableInfo,
        )
        return _value_body(answer, "value")

    def _set_expression(self, arguments: Message) -> dict[str, Any]:
        answer = self._stopped_worker().ask(
            lambda number: dw.SetExpression(
                id=number,
                expression=str(arguments["expression"]),
                value=str(arguments["value"]),
                frame=arguments.get("frameId"),
            ),
            dw.VariableInfo,
        )
        return _value_body(answer, "value")

    def _evaluate(self, arguments: Message) -> dict[str, Any]:
        answer = self._stopped_worker().ask(
            lambda number: dw.Evaluate(
                id=number,
                expression=str(arguments["expression"]),
                frame=arguments.get("frameId"),
                context=str(arguments.get("context") or "watch"),
                allow_effects=bool(arguments.get("allowEffects")),
            ),
            dw.VariableInfo,
        )
        return _value_body(answer, "result")

    def _completions(self, arguments: Message) -> dict[str, Any]:
        text = str(arguments["text"])[: max(int(arguments.get("column") or 1) - 1, 0)]
        names = self._stopped_worker().ask(
            lambda number: dw.Completions(id=number, text=text, frame=arguments.get("frameId")), list[str]
        )
        return {"targets": [{"label": name} for name in names]}

    def _exception_info(self, _arguments: Message) -> dict[str, Any]:
        answer = self._stopped_worker().ask(lambda number: dw.ExceptionInfo(id=number), dw.ExceptionAnswer)
        return {
            "exceptionId": answer.type,
            "description": answer.message,
            "breakMode": "unhandled" if answer.is_uncaught else "always",
            "details": {"message": answer.message, "typeName": answer.type, "stackTrace": answer.traceback},
        }

    def _source(self, arguments: Message) -> dict[str, Any]:
        source = arguments.get("source") or {}
        return {"content": self._text_of(relative_path(str(source.get("path", "")), self._root))}

    def _modules(self, _arguments: Message) -> dict[str, Any]:
        modules = [
            {"id": source.path, "name": source.path, "path": str(self._root / source.path), "isUserCode": True}
            for source in self._project().sources
        ]
        return {"modules": modules, "totalModules": len(modules)}

    def _loaded_sources(self, _arguments: Message) -> dict[str, Any]:
        return {"sources": [self._source_of(source.path) for source in self._project().sources]}

    # ------------------------------------------------------------------------------------- going on

    def _continue(self, _arguments: Message) -> dict[str, Any]:
        self._stopped_worker().tell(dw.Continue())
        return {"allThreadsContinued": True}

    def _step(self, command: str) -> None:
        self._stopped_worker().tell(dw.Step(kind=_STEPS[command]))

    def _pause(self, _arguments: Message) -> None:
        self._worker().tell(dw.Pause())

    def _goto_targets(self, arguments: Message) -> dict[str, Any]:
        line = int(arguments["line"])
        return {"targets": [{"id": line, "label": f"Line {line}", "line": line}]}

    def _goto(self, arguments: Message) -> None:
        line = int(arguments["targetId"])
        self._stopped_worker().ask(lambda number: dw.Goto(id=number, line=line), type(None))

    def _terminate(self, _arguments: Message) -> None:
        if self._handle is not None:
            self._handle.stop("Stopped by the debugger.")

    def _restart(self, _arguments: Message) -> None:
        if self._launch is None:
            raise _Refused("Nothing was launched.")
        request, _run = self._launch
        self._launch = (request, run_request(request.get("arguments") or {}, self._root, self._project()))
        self._is_restarting = True
        if self._handle is None or self._handle.wait(0) is not None:
            self._handle = None
            self._start_if_ready()
        else:
            self._handle.stop("Restarted by the debugger.")

    def _disconnect(self, arguments: Message) -> None:
        """A launched run ends with its session, unless the client asks to leave it."""
        if self._handle is None:
            return
        if arguments.get("terminateDebuggee", True):
            self._handle.stop("The debugger has disconnected.")
        elif self._link is not None:
            for path in self._breakpoints:
                self._link.tell(dw.SetBreakpoints(path=path, breakpoints=()))
            self._link.tell(dw.SetExceptionFilters(raised=False, uncaught=False))
            self._link.tell(dw.Continue())
        self._handle = None

    # ------------------------------------------------------------------------------------- files

    def _text_of(self, path: str) -> str:
        try:
            return (self._root / path).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise _Refused(f"{path} cannot be read: {exc}") from exc

    def _source_of(self, path: str) -> dict[str, Any]:
        absolute = Path(path) if Path(path).is_absolute() else self._root / path
        return {"name": absolute.name, "path": str(absolute)}


class _Watcher:
    """The `RunObserver` that turns a run's output and end into events of the session."""

    def __init__(self, session: DapSession) -> None:
        self._session = session

    def started(self, message: hp.RunStarted) -> None:
        """The session has told its client already."""

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None:
        """The log has views of its own."""

    def output(self, message: hp.OutputEmitted) -> None:
        self._session.on_output(message.stream, message.text)

    def finished(self, run_id: str, result: hp.RunResult) -> None:
        self._session.on_finished(result)


def _title(run: hp.RunRequest) -> str:
    entry = run.entry
    return entry.test_id if isinstance(entry, hp.TestEntry) else entry.path


def _stopped_body(event: dw.Stopped) -> dict[str, Any]:
    described = {
        "breakpoint": "Paused on breakpoint",
        "step": "Paused on step",
        "pause": "Paused",
        "entry": "Paused on entry",
        "exception": "Paused on exception",
        "goto": "Paused on the chosen line",
    }
    body: dict[str, Any] = {
        "reason": event.reason,
        "description": described.get(event.reason, "Paused"),
        "threadId": _THREAD,
        "allThreadsStopped": True,
    }
    if event.text:
        body["text"] = event.text
    if event.hit_ids:
        body["hitBreakpointIds"] = list(event.hit_ids)
    return body


def _value_body(item: dw.VariableInfo, key: str) -> dict[str, Any]:
    body: dict[str, Any] = {key: item.value, "type": item.type, "variablesReference": item.reference}
    if item.named:
        body["namedVariables"] = item.named
    if item.indexed:
        body["indexedVariables"] = item.indexed
    if item.evaluate_name:
        body["evaluateName"] = item.evaluate_name
    return body
