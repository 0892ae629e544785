"""One Debug Adapter Protocol session: a client that launches or joins runs, stops, steps and looks at them."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import circuit_link.host_protocol as hp
from circuit_link import debug_wire as dw
from circuit_link import wire
from circuit_link.dap import Message
from circuit_link.errors import UserFacingError
from circuit_log.events import LogEvent
from circuit_runtime.host.dap.capabilities import CAPABILITIES, STEPPING_BACK
from circuit_runtime.host.dap.configuration import Configuration
from circuit_runtime.host.dap.connection import DapConnection, NotStopped, Refused
from circuit_runtime.host.dap.debuggee import Debuggee
from circuit_runtime.host.dap.files import ClientFiles
from circuit_runtime.host.dap.inspection import (
    THREAD,
    Body,
    Inspection,
    LiveInspection,
    of_the_thread,
    stopped_body,
)
from circuit_runtime.host.dap.launch import DebugOptions, debug_options, run_request
from circuit_runtime.host.dap.recording import Direction, Recording
from circuit_runtime.host.execution_request import RunControl
from circuit_runtime.host.runs import RunHandle, RunService
from circuit_runtime.project.project import Project
from circuit_runtime.sandbox.worker import Worker

_log = logging.getLogger("circuit.debug")

_THREAD_NAME = "Script"
_OUTSIDE_A_SESSION = ("initialize", "disconnect")
_STEPS: dict[str, dw.StepKind] = {"next": "over", "stepIn": "into", "stepOut": "out"}

Handler = Callable[[Body], Body | None]


class DapSession:
    """Carries requests out one after another on a thread of its own; reads them on the caller's.

    The run's thread and the worker's channel send events beside it, and the run's end takes the debuggee away at
    any time: who needs it reads it once. What a request causes is told after its response. A request that ends
    something takes effect when it is read, so that nothing can hold it up.
    """

    def __init__(
        self, connection: DapConnection, root: Path, runs: RunService, project: Callable[[], Project]
    ) -> None:
        self._connection = connection
        self._root = root
        self._runs = runs
        self._project = project
        self._files = ClientFiles(root, project)
        self._configuration = Configuration(self._files)
        self._recording = Recording(self._files)
        self._requests: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._current = -1
        self._is_initialized = False
        self._start_request: Message | None = None
        self._run: hp.RunRequest | None = None
        self._options = DebugOptions()
        self._is_configured = False
        self._is_attached = False
        self._is_restarting = False
        self._is_pause_wanted = False
        self._handle: RunHandle | None = None
        self._debuggee: Debuggee | None = None
        self._live: LiveInspection | None = None
        self._stopped_at = ("", 0)
        self._result: hp.RunResult | None = None
        self._handlers = self._table()

    def _table(self) -> dict[str, Handler]:
        configuration = self._configuration
        return {
            "initialize": self._initialize,
            "configurationDone": self._configuration_done,
            "setBreakpoints": configuration.set_breakpoints,
            "setFunctionBreakpoints": configuration.set_function_breakpoints,
            "setExceptionBreakpoints": configuration.set_exception_breakpoints,
            "breakpointLocations": configuration.locations,
            "threads": lambda _arguments: {"threads": [{"id": THREAD, "name": _THREAD_NAME}]},
            "stackTrace": lambda arguments: self._standing().stack_trace(of_the_thread(arguments)),
            "scopes": lambda arguments: self._standing().scopes(arguments),
            "variables": lambda arguments: self._standing().variables(arguments),
            "setVariable": lambda arguments: self._standing().set_variable(arguments),
            "setExpression": lambda arguments: self._standing().set_expression(arguments),
            "evaluate": lambda arguments: self._standing().evaluate(arguments),
            "completions": lambda arguments: self._standing().completions(arguments),
            "exceptionInfo": lambda arguments: self._standing().exception_info(of_the_thread(arguments)),
            "stepInTargets": lambda arguments: self._standing().step_in_targets(arguments),
            "gotoTargets": lambda arguments: self._standing().goto_targets(arguments),
            "goto": lambda arguments: self._standing().goto(of_the_thread(arguments)),
            "restartFrame": lambda arguments: self._standing().restart_frame(arguments),
            "continue": self._continue,
            "next": lambda arguments: self._step("next", arguments),
            "stepIn": lambda arguments: self._step("stepIn", arguments),
            "stepOut": lambda arguments: self._step("stepOut", arguments),
            "stepBack": lambda arguments: self._look_back("stepBack", arguments),
            "reverseContinue": lambda arguments: self._look_back("reverseContinue", arguments),
            "pause": self._pause,
            "source": self._files.source,
            "modules": self._files.modules,
            "loadedSources": self._files.loaded,
            "terminate": self._terminate,
            "restart": self._restart,
        }

    # ------------------------------------------------------------------------------------- requests

    def serve(self) -> None:
        """Answer requests until the client is gone or has said that it goes."""
        worker = threading.Thread(target=self._carry_out_all, name="dap-requests", daemon=True)
        worker.start()
        for request in self._connection.requests():
            self._heed(request)
            if request.get("command") != "cancel":
                self._requests.put(request)
            if request.get("command") == "disconnect":
                break
        else:
            self._end_run("The debugger's client has gone.")
        self._requests.put(None)
        worker.join()

    def close(self) -> None:
        """End the connection and, unless it was only joined, the run."""
        self._end_run("The debugger's client has gone.")
        self._connection.close()

    def _heed(self, request: Message) -> None:
        """What a request does at once, on the reader's thread, whatever is being carried out."""
        arguments = _arguments(request)
        match request.get("command"):
            case "terminate":
                if self._handle is not None:
                    self._handle.stop("Stopped by the debugger.")
            case "disconnect":
                wanted = arguments.get("terminateDebuggee")
                is_end = not self._is_attached if wanted is None else bool(wanted)
                if is_end and self._handle is not None:
                    self._handle.stop("The debugger has disconnected.")
                else:
                    self._interrupt()
            case "cancel":
                number = arguments.get("requestId")
                if isinstance(number, int):
                    self._cancelled.add(number)
                    if number == self._current:
                        self._interrupt()
                self._connection.respond(request)

    def _interrupt(self) -> None:
        if (debuggee := self._debuggee) is not None:
            debuggee.tell(dw.Interrupt())

    def _carry_out_all(self) -> None:
        while (request := self._requests.get()) is not None:
            with self._connection.events_after_response():
                self._carry_out(request)

    def _carry_out(self, request: Message) -> None:
        command, arguments = str(request.get("command", "")), _arguments(request)
        self._current = request.get("seq", -1)
        try:
            if self._current in self._cancelled:
                raise Refused("The request was cancelled.", short="cancelled")
            if not self._is_initialized and command not in _OUTSIDE_A_SESSION:
                raise Refused("The first request has to be initialize.")
            match command:
                case "launch":
                    self._launch(request, arguments)
                case "attach":
                    self._attach(request, arguments)
                case "disconnect":
                    self._disconnect()
                    self._connection.respond(request)
                case _ if command in self._handlers:
                    self._connection.respond(request, self._handlers[command](arguments))
                    if command == "configurationDone":
                        self._start_if_ready()
                case _:
                    raise Refused(f"{command!r} is not supported.")
        except Refused as exc:
            is_cancelled = self._current in self._cancelled
            self._connection.refuse(request, Refused(str(exc), short="cancelled") if is_cancelled else exc)
        except UserFacingError as exc:
            self._connection.refuse(request, Refused(f"{exc.message} {exc.hint}".strip()))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            reason = f"{command}: the arguments are not as the protocol has them: {exc!r}"
            self._connection.refuse(request, Refused(reason))
        except Exception as exc:  # noqa: BLE001 - a border: one request's fault must not silence the session
            _log.exception("a debug session could not carry out %s", command)
            self._connection.refuse(request, Refused(f"{command} failed within the debugger: {exc!r}"))
        finally:
            self._current = -1

    # ------------------------------------------------------------------------------------- begin and end

    def _initialize(self, arguments: Body) -> Body:
        if self._is_initialized:
            raise Refused("This session has been initialized already.")
        self._is_initialized = True
        self._files.agree(arguments)
        return CAPABILITIES

    def _launch(self, request: Message, arguments: Body) -> None:
        if self._start_request is not None:
            raise Refused("This session has been started already.")
        self._prepare(arguments)
        self._start_request = request
        self._connection.event("initialized")
        self._start_if_ready()

    def _attach(self, request: Message, arguments: Body) -> None:
        """Join the host: the next run that somebody starts, and those after it, are debugged by this client."""
        if self._start_request is not None:
            raise Refused("This session has been started already.")
        self._options = debug_options(arguments, self._project())
        self._configuration.just_my_code = self._options.just_my_code
        self._start_request = request
        self._is_attached = True
        self._connection.event("initialized")
        self._start_if_ready()

    def _prepare(self, arguments: Body) -> None:
        """Read what is to run. Raises: UserFacingError."""
        project = self._project()
        self._run = run_request(arguments, self._root, project)
        self._options = debug_options(arguments, project)
        self._configuration.just_my_code = self._options.just_my_code
        entry = self._run.entry
        self._files.program = entry.path if isinstance(entry, hp.ExecEntry) else ""
        if self._options.recorded_statements:
            self._connection.event("capabilities", {"capabilities": STEPPING_BACK})

    def _configuration_done(self, _arguments: Body) -> None:
        self._is_configured = True

    def _start_if_ready(self) -> None:
        """Start the run once it is launched and configured; only then is `launch` answered."""
        request = self._start_request
        if request is None or not self._is_configured or self._handle is not None:
            return
        if self._is_attached:
            self._runs.join(self)
            self._connection.respond(request)
            return
        assert self._run is not None
        self._files.running = self._files.scripts()
        is_restart, self._is_restarting = self._is_restarting, False
        try:
            handle = self._runs.start(self._run, observer=self, on_debug_worker=self.take_worker)
        except UserFacingError as exc:
            reason = Refused(f"{exc.message} {exc.hint}".strip())
            if is_restart:
                self._connection.event("output", {"category": "stderr", "output": f"{reason}\n"})
                self._connection.event("terminated")
            else:
                self._start_request = None
                self._connection.refuse(request, reason)
            return
        if not is_restart:
            self._connection.respond(request)
        self.run_started(handle)

    def _disconnect(self) -> None:
        self._runs.leave(self)
        if (debuggee := self._debuggee) is not None:
            for command in self._configuration.clearing():
                debuggee.tell(command)
            debuggee.tell(dw.Continue())
        self._configuration.tell = None
        self._handle = None

    def _end_run(self, reason: str) -> None:
        self._runs.leave(self)
        if self._handle is not None and not self._is_attached:
            self._handle.stop(reason)
        elif self._debuggee is not None:
            self._disconnect()

    def _terminate(self, _arguments: Body) -> None:
        """It was stopped when the request was read; a recording that is being walked ends here."""
        if self._result is not None:
            self._tell_end(self._result)

    def _restart(self, arguments: Body) -> None:
        if self._start_request is None or self._is_attached:
            raise Refused("Nothing was launched.")
        self._prepare(arguments.get("arguments") or _arguments(self._start_request))
        self._is_restarting = True
        if self._handle is None or self._handle.wait(0) is not None:
            self._handle = None
            self._start_if_ready()
        else:
            self._handle.stop("Restarted by the debugger.")

    # ------------------------------------------------------------------------------------- the run tells

    @property
    def is_free(self) -> bool:
        """Whether it waits for a run that it can debug."""
        return self._is_attached and self._handle is None

    def run_started(self, handle: RunHandle) -> None:
        self._handle = handle
        method = "attach" if self._is_attached else "launch"
        body = {"name": self._files.program or handle.run_id, "startMethod": method, "isLocalProcess": True}
        self._connection.event("process", body)
        self._connection.event("thread", {"reason": "started", "threadId": THREAD})

    def take_worker(self, worker: Worker, control: RunControl) -> None:
        """On the run's thread, before the worker is told anything: hand it the configuration."""
        if worker.debug_socket is None:
            return
        if self._is_attached:
            self._files.running = self._files.scripts()
        debuggee = Debuggee(worker.debug_socket, control, worker.pid, self._on_worker_event, self._on_note)
        for command in self._configuration.commands():
            debuggee.tell(command)
        debuggee.tell(
            dw.Go(
                stop_on_entry=self._options.stop_on_entry,
                engine=self._options.engine,
                just_my_code=self._options.just_my_code,
                recorded_statements=self._options.recorded_statements,
            )
        )
        self._debuggee = debuggee
        self._tell_pause()
        self._live = LiveInspection(debuggee, self._files)
        self._configuration.tell = debuggee.tell
        debuggee.start()

    def _on_worker_event(self, event: dw.DebugEvent) -> None:
        match event:
            case dw.Stopped():
                self._stopped_at = (event.path, event.line)
                self._connection.event("stopped", stopped_body(event))
            case dw.Captured():
                self._keep(event.moments)
            case dw.Began() if event.reason:
                text = f"Breakpoints are noticed by tracing here, which is slower: {event.reason}.\n"
                self._connection.event("output", {"category": "console", "output": text})
            case _:
                return

    def _on_note(self, note: wire.DebugNote) -> None:
        body: Body = {"category": "stderr" if note.is_error else "stdout", "output": note.text}
        place = {"source": self._files.source_out(note.path), "line": self._files.line_out(note.line)}
        self._connection.event("output", {**body, **place})

    def _keep(self, moments: tuple[dw.Moment, ...]) -> None:
        debuggee = self._debuggee
        limits = debuggee.control.limits() if debuggee is not None else {}
        self._recording.add(moments, limits)
        for moment in moments:
            if moment.checkpoint_id:
                self._connection.event("circuit/checkpoint", self._recording.checkpoint_body(moment, limits))

    def started(self, message: hp.RunStarted) -> None:
        """The session has told its client already."""

    def events(self, run_id: str, events: Sequence[LogEvent]) -> None:
        """The log has views of its own."""

    def output(self, message: hp.OutputEmitted) -> None:
        self._connection.event("output", {"category": message.stream, "output": message.text})

    def finished(self, run_id: str, result: hp.RunResult) -> None:
        if self._debuggee is not None:
            self._debuggee.wait_until_heard()
        self._debuggee = self._live = None
        self._configuration.tell = None
        self._files.running = {}
        if result.error is not None and result.error.type != "SystemExit":
            error = result.error
            place = f" ({error.file}, line {error.line})" if error.line else ""
            text = error.traceback or f"{error.type}: {error.message}{place}"
            self._connection.event("output", {"category": "stderr", "output": text.rstrip() + "\n"})
        if self._is_restarting:
            self._handle = None
            self._start_if_ready()
        elif self._is_attached:
            self._handle = None
            self._connection.event("thread", {"reason": "exited", "threadId": THREAD})
        elif self._options.replay and result.outcome != "killed" and self._recording.enter("", 0):
            self._result = result
            self._tell_moment("The run has ended. Walk back through what it recorded, or continue to the end.")
        else:
            self._tell_end(result)

    def _tell_end(self, result: hp.RunResult) -> None:
        self._result = None
        self._recording.stand_at(None)
        self._connection.event("thread", {"reason": "exited", "threadId": THREAD})
        self._connection.event("exited", {"exitCode": result.exit_code})
        self._connection.event("terminated")

    # ------------------------------------------------------------------------------------- looking, going on

    def _standing(self) -> Inspection:
        """What can be looked at now. Raises: NotStopped."""
        if self._recording.position is not None:
            return self._recording
        live = self._live
        if live is None:
            raise NotStopped
        return live

    @property
    def _is_starting(self) -> bool:
        """Whether a run has been started whose worker is about to come."""
        is_debugged = self._is_attached or (self._run is not None and self._run.mode == "debug")
        is_going = self._handle is not None and self._handle.wait(0) is None
        return self._is_restarting or (self._debuggee is None and is_going and is_debugged)

    def _running(self) -> Debuggee:
        debuggee = self._debuggee
        if debuggee is None:
            raise Refused("No script runs under the debugger now.")
        return debuggee

    def _continue(self, arguments: Body) -> Body:
        of_the_thread(arguments)
        if self._recording.position is not None:
            self._walk("continue")
        else:
            self._running().go_on(dw.Continue())
        return {"allThreadsContinued": True}

    def _step(self, command: Direction, arguments: Body) -> None:
        of_the_thread(arguments)
        if self._recording.position is not None:
            self._walk(command)
            return
        live = self._live
        target = live.step_target(arguments.get("targetId")) if live is not None and command == "stepIn" else ""
        self._running().go_on(dw.Step(kind=_STEPS[command], target=target))

    def _look_back(self, direction: Direction, arguments: Body) -> None:
        of_the_thread(arguments)
        if self._recording.position is None:
            if not self._running().is_paused:
                raise NotStopped
            if not self._recording.enter(*self._stopped_at):
                raise Refused("Nothing was recorded before this; launch with recordStatements.")
            if direction == "stepBack":
                self._tell_moment("")
                return
        self._walk(direction)

    def _walk(self, direction: Direction) -> None:
        """Move among the recorded moments; beyond the last one is the script, or its end."""

        def is_stop(moment: dw.Moment) -> bool:
            return bool(moment.checkpoint_id) or self._configuration.stops_at(moment.path, moment.line)

        if self._recording.walk(direction, is_stop):
            self._tell_moment("")
        elif self._result is not None:
            self._tell_end(self._result)
        else:
            path, line = self._stopped_at
            self._connection.event("stopped", stopped_body(dw.Stopped(reason="step", path=path, line=line)))

    def _tell_moment(self, text: str) -> None:
        body: Body = {"reason": "step", "description": "Looking at a recorded moment", "threadId": THREAD}
        body["recorded"] = True
        self._connection.event("stopped", {**body, "allThreadsStopped": True, **({"text": text} if text else {})})

    def _pause(self, arguments: Body) -> None:
        of_the_thread(arguments)
        if not self._is_starting:
            self._running()
        self._is_pause_wanted = True
        self._tell_pause()

    def _tell_pause(self) -> None:
        debuggee = self._debuggee
        if debuggee is not None and self._is_pause_wanted and not self._is_restarting:
            self._is_pause_wanted = False
            debuggee.tell(dw.Pause())


def _arguments(request: Message) -> Body:
    arguments = request.get("arguments")
    return arguments if isinstance(arguments, dict) else {}
