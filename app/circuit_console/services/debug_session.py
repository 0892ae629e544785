"""The console's debugger: a DAP client with one session at a time."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from circuit_console.core.breakpoints import Breakpoint
from circuit_console.core.debugging import (
    DebugOutput,
    Evaluation,
    Launch,
    Scope,
    StackFrame,
    Stop,
    Variable,
)
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.dap_connection import Body, DapConnection, DapMessage, FailureSlot
from circuit_link.errors import UserFacingError

StepKind = Literal["next", "stepIn", "stepOut"]
_MAIN_THREAD = 1
_STACK_FRAMES = 200
_QUIET_STEP_MS = 200
SIDE_EFFECTS_REFUSED = "DEBUGGER_REFUSED_1001"


class DebugState(Enum):
    """What the debugged run does."""

    INACTIVE = auto()
    STARTING = auto()
    RUNNING = auto()
    PAUSED = auto()
    ENDING = auto()


class DebugSession(QObject):
    """Debugs one run after another over the host's DAP socket.

    Line numbers are 1-based, paths relative to the project where they lie in it. Requests are ignored while no
    session is active; those that read values need the state PAUSED.

    Signals:
        state_changed: DebugState.
        stopped: Stop, after state_changed.
        stack_loaded: tuple[StackFrame, ...], innermost first; empty when the run goes on.
        frame_selected: StackFrame or None.
        values_changed: None, after a variable was set: read again.
        output_received: DebugOutput.
        failed: UserFacingError, when the session could not start or broke.
    """

    state_changed = Signal(object)
    stopped = Signal(object)
    stack_loaded = Signal(object)
    frame_selected = Signal(object)
    values_changed = Signal()
    output_received = Signal(object)
    failed = Signal(object)

    def __init__(self, project_root: Path, breakpoints: Breakpoints, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = project_root.resolve()
        self._breakpoints = breakpoints
        self._connection: DapConnection | None = None
        self._launch = Launch()
        self._state = DebugState.INACTIVE
        self._thread_id = _MAIN_THREAD
        self._stack: tuple[StackFrame, ...] = ()
        self._frame: StackFrame | None = None
        self._stop: Stop | None = None
        self._queued_step: StepKind | None = None
        self._is_configured = False
        self._is_answering = False
        self._cursor_line: tuple[str, int] | None = None
        self._step_timer = QTimer(self)
        self._step_timer.setSingleShot(True)
        self._step_timer.setInterval(_QUIET_STEP_MS)
        self._step_timer.timeout.connect(self._on_step_takes_long)
        breakpoints.changed.connect(self._on_breakpoints_changed)
        breakpoints.filters_changed.connect(self._on_filters_changed)

    # ------------------------------------------------------------------------------------------ state

    @property
    def state(self) -> DebugState:
        return self._state

    @property
    def stack(self) -> tuple[StackFrame, ...]:
        return self._stack

    @property
    def frame(self) -> StackFrame | None:
        """The frame whose values are shown; None unless paused."""
        return self._frame

    @property
    def stop_reason(self) -> Stop | None:
        return self._stop

    # ------------------------------------------------------------------------------------------ control

    def launch(self, address: str, launch: Launch) -> None:
        """Start a run under the debugger. Only while INACTIVE."""
        if self._state is not DebugState.INACTIVE:
            return
        self._launch = launch
        self._is_configured = False
        self._queued_step = None
        connection = DapConnection(address, self)
        connection.event_received.connect(self._on_event)
        connection.ended.connect(self._on_ended)
        self._connection = connection
        self._enter(DebugState.STARTING)
        connection.start()
        arguments = {
            "clientID": "circuit-console",
            "adapterID": "circuit",
            "pathFormat": "path",
            "linesStartAt1": True,
            "columnsStartAt1": True,
            "supportsVariableType": True,
            "supportsVariablePaging": True,
            "supportsInvalidatedEvent": True,
        }
        connection.request("initialize", arguments, self._on_initialize_answered, self._on_start_refused)

    def resume(self) -> None:
        if self._state is DebugState.PAUSED:
            self._request("continue", {"threadId": self._thread_id})
            self._enter(DebugState.RUNNING)

    def pause(self) -> None:
        if self._state is DebugState.RUNNING:
            self._request("pause", {"threadId": self._thread_id})

    def step(self, kind: StepKind) -> None:
        """Step; while another step is under way one more is kept and done after it.

        That the run goes on is told only when the step takes longer, so that nothing flickers at each key.
        """
        if self._state is DebugState.RUNNING:
            self._queued_step = kind
        elif self._state is DebugState.PAUSED:
            self._request(kind, {"threadId": self._thread_id})
            self._state = DebugState.RUNNING
            self._step_timer.start()

    def run_to(self, path: str, line: int) -> None:
        """Go on until the line is reached, by a breakpoint that goes away at the next stop."""
        if self._state is DebugState.PAUSED:
            self._cursor_line = (path, line)
            self._send_breakpoints(path)
            self.resume()

    def terminate(self) -> None:
        if self._state in (DebugState.INACTIVE, DebugState.ENDING):
            return
        self._enter(DebugState.ENDING)
        self._request("terminate", {})
        self._request("disconnect", {"terminateDebuggee": True})

    def close(self) -> None:
        """End the session at once, without waiting for the server."""
        if self._connection is not None:
            self._connection.close()
        self._end()

    def select_frame(self, frame: StackFrame) -> None:
        if self._state is DebugState.PAUSED and frame in self._stack and not frame.is_label:
            self._frame = frame
            self.frame_selected.emit(frame)

    # ------------------------------------------------------------------------------------------ values

    def scopes(self, frame: StackFrame, on_answer: Callable[[tuple[Scope, ...]], None]) -> None:
        def answered(body: Body) -> None:
            on_answer(tuple(_scope(one) for one in body.get("scopes", ())))

        self._request("scopes", {"frameId": frame.id}, answered)

    def variables(
        self,
        reference: int,
        on_answer: Callable[[tuple[Variable, ...]], None],
        *,
        start: int = 0,
        count: int = 0,
        on_failed: FailureSlot | None = None,
    ) -> None:
        """Children of a scope or variable; `count` > 0 asks for that page of the indexed ones."""
        arguments: Body = {"variablesReference": reference}
        if count:
            arguments |= {"filter": "indexed", "start": start, "count": count}

        def answered(body: Body) -> None:
            on_answer(tuple(_variable(one) for one in body.get("variables", ())))

        self._request("variables", arguments, answered, on_failed)

    def evaluate(
        self,
        expression: str,
        on_answer: Callable[[Evaluation], None],
        on_failed: FailureSlot,
        *,
        context: Literal["watch", "repl", "hover"] = "watch",
        allow_side_effects: bool = False,
    ) -> None:
        """In the selected frame. What would change data is refused with SIDE_EFFECTS_REFUSED unless allowed."""
        arguments: Body = {"expression": expression, "context": context}
        if allow_side_effects:
            arguments["allowEffects"] = True
        if self._frame is not None:
            arguments["frameId"] = self._frame.id

        def answered(body: Body) -> None:
            on_answer(
                Evaluation(
                    value=str(body.get("result", "")),
                    type_name=str(body.get("type", "")),
                    reference=int(body.get("variablesReference", 0)),
                    indexed_count=int(body.get("indexedVariables", 0) or 0),
                )
            )

        self._request("evaluate", arguments, answered, on_failed)

    def set_variable(self, reference: int, name: str, value: str, on_failed: FailureSlot) -> None:
        arguments = {"variablesReference": reference, "name": name, "value": value}
        self._request("setVariable", arguments, lambda _body: self.values_changed.emit(), on_failed)

    def values_may_have_changed(self) -> None:
        """After an evaluation that could have assigned: views read again."""
        self.values_changed.emit()

    # ------------------------------------------------------------------------------------------ protocol

    def _request(
        self,
        command: str,
        arguments: Body,
        on_answer: Callable[[Body], None] | None = None,
        on_failed: FailureSlot | None = None,
    ) -> None:
        if self._connection is not None:
            self._connection.request(command, arguments, on_answer, on_failed)

    def _on_initialize_answered(self, _body: Body) -> None:
        self._request("launch", self._launch_arguments(), None, self._on_start_refused)

    def _launch_arguments(self) -> Body:
        launch = self._launch
        arguments: Body = {
            "cwd": str(self._root),
            "stopOnEntry": launch.stop_on_entry,
            "justMyCode": True,
            "commit": launch.commit,
            "source": launch.source,
            "now": launch.now,
            "logLevels": launch.log_levels,
        }
        for name, value in (("program", launch.program), ("event", launch.event), ("test", launch.test)):
            if value:
                arguments[name] = value
        return arguments

    def _on_start_refused(self, error: UserFacingError) -> None:
        self.close()
        self.failed.emit(error)

    @Slot(object)
    def _on_event(self, message: DapMessage) -> None:
        body = message.body or {}
        match message.event:
            case "initialized":
                self._configure()
            case "stopped":
                self._on_stopped(body)
            case "continued":
                if self._state is DebugState.PAUSED:
                    self._enter(DebugState.RUNNING)
            case "output":
                self._publish_output(body)
            case "breakpoint":
                self._on_breakpoint_event(body)
            case "terminated":
                self._enter(DebugState.ENDING)
                self._request("disconnect", {}, self._on_disconnected, lambda _error: self.close())
            case "invalidated":
                self.values_changed.emit()
            case _:
                pass  # The protocol lets a client ignore events it has no use for.

    def _on_disconnected(self, _body: Body) -> None:
        self.close()

    @Slot(str)
    def _on_ended(self, reason: str) -> None:
        was_ending = self._state is DebugState.ENDING
        self._end()
        if reason and not was_ending:
            self.failed.emit(UserFacingError(f"Debugging ended: {reason}.", code="DEBUGGER_GONE"))

    def _configure(self) -> None:
        for path in self._breakpoints.paths():
            self._send_breakpoints(path)
        self._send_filters()
        self._is_configured = True
        self._request("configurationDone", {}, self._on_configured, self._on_start_refused)

    def _on_configured(self, _body: Body) -> None:
        if self._state is DebugState.STARTING:
            self._enter(DebugState.RUNNING)

    def _on_stopped(self, body: Body) -> None:
        self._thread_id = int(body.get("threadId", _MAIN_THREAD))
        stop = Stop(
            reason=str(body.get("reason", "")),
            thread_id=self._thread_id,
            description=str(body.get("description", "") or ""),
            text=str(body.get("text", "") or ""),
            hit_breakpoint_ids=tuple(body.get("hitBreakpointIds", ()) or ()),
        )
        if self._cursor_line is not None:
            path, self._cursor_line = self._cursor_line[0], None
            self._send_breakpoints(path)
        queued, self._queued_step = self._queued_step, None
        if queued is not None and stop.reason == "step":
            self._request(queued, {"threadId": self._thread_id})
            return
        self._stop = stop
        self._enter(DebugState.PAUSED)
        self.stopped.emit(stop)
        self._load_stack()

    def _load_stack(self) -> None:
        arguments = {"threadId": self._thread_id, "startFrame": 0, "levels": _STACK_FRAMES}
        self._request("stackTrace", arguments, self._on_stack_answered)

    def _on_stack_answered(self, body: Body) -> None:
        if self._state is not DebugState.PAUSED:
            return
        self._stack = tuple(self._frame_of(one) for one in body.get("stackFrames", ()))
        self.stack_loaded.emit(self._stack)
        first = next((frame for frame in self._stack if not frame.is_label), None)
        if first is not None:
            self.select_frame(first)

    def _publish_output(self, body: Body) -> None:
        source = body.get("source") or {}
        output = DebugOutput(
            category=body.get("category", "console") or "console",
            text=str(body.get("output", "")),
            path=self._relative(str(source.get("path", "") or "")),
            line=int(body.get("line", 0) or 0),
        )
        if output.category != "telemetry":
            self.output_received.emit(output)

    # ------------------------------------------------------------------------------------------ breakpoints

    @Slot(str)
    def _on_breakpoints_changed(self, path: str) -> None:
        if self._is_configured and not self._is_answering:
            self._send_breakpoints(path)

    @Slot()
    def _on_filters_changed(self) -> None:
        if self._is_configured:
            self._send_filters()

    def _send_filters(self) -> None:
        filters = []
        if self._breakpoints.stops_on_uncaught:
            filters.append("uncaught")
        if self._breakpoints.stops_on_raised:
            filters.append("raised")
        self._request("setExceptionBreakpoints", {"filters": filters})

    def _send_breakpoints(self, path: str) -> None:
        sent = tuple(one for one in self._breakpoints.of(path) if one.is_enabled)
        wanted: list[Body] = [_source_breakpoint(one) for one in sent]
        if self._cursor_line is not None and self._cursor_line[0] == path:
            wanted.append({"line": self._cursor_line[1]})
        arguments = {
            "source": {"path": str(self._root / path), "name": path.rpartition("/")[2]},
            "breakpoints": wanted,
            "sourceModified": False,
        }
        self._request(
            "setBreakpoints", arguments, lambda body: self._on_breakpoints_answered(sent, body), self._on_refused
        )

    def _on_breakpoints_answered(self, sent: tuple[Breakpoint, ...], body: Body) -> None:
        answered = body.get("breakpoints", ())
        verified = tuple(
            replace(
                one,
                is_verified=bool(answer.get("verified")),
                reason=str(answer.get("message", "") or ""),
                line=int(answer.get("line", one.line) or one.line),
            )
            for one, answer in zip(sent, answered, strict=False)
        )
        # What the server answers must not be sent back to it as a change.
        self._is_answering = True
        try:
            self._breakpoints.verify(verified)
        finally:
            self._is_answering = False

    def _on_breakpoint_event(self, _body: Body) -> None:
        """The server moved or bound one later: ask again by sending what we have."""
        for path in self._breakpoints.paths():
            self._send_breakpoints(path)

    def _on_refused(self, error: UserFacingError) -> None:
        self.output_received.emit(DebugOutput(category="important", text=f"{error.message}\n"))

    # ------------------------------------------------------------------------------------------ inside

    @Slot()
    def _on_step_takes_long(self) -> None:
        if self._state is DebugState.RUNNING:
            self._publish_state()

    def _enter(self, state: DebugState) -> None:
        self._step_timer.stop()
        if state is not self._state:
            self._state = state
            self._publish_state()

    def _publish_state(self) -> None:
        state = self._state
        if state is not DebugState.PAUSED:
            self._stop = None
            self._frame = None
            self._stack = ()
        self.state_changed.emit(state)
        if state is not DebugState.PAUSED:
            self.stack_loaded.emit(())
            self.frame_selected.emit(None)

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.deleteLater()
            self._connection = None
        self._is_configured = False
        self._cursor_line = None
        self._enter(DebugState.INACTIVE)
        self._breakpoints.forget_verification()

    def _frame_of(self, body: Body) -> StackFrame:
        source = body.get("source") or {}
        return StackFrame(
            id=int(body.get("id", 0)),
            name=str(body.get("name", "")),
            path=self._relative(str(source.get("path", "") or "")),
            line=int(body.get("line", 0) or 0),
            column=int(body.get("column", 0) or 0),
            is_label=body.get("presentationHint") == "label",
        )

    def _relative(self, path: str) -> str:
        if not path:
            return ""
        try:
            return Path(path).relative_to(self._root).as_posix()
        except ValueError:
            return path


def _source_breakpoint(one: Breakpoint) -> Body:
    wanted: Body = {"line": one.line}
    for name, value in (
        ("condition", one.condition),
        ("hitCondition", one.hit_condition),
        ("logMessage", one.log_message),
    ):
        if value:
            wanted[name] = value
    return wanted


def _scope(body: dict[str, Any]) -> Scope:
    return Scope(
        name=str(body.get("name", "")),
        reference=int(body.get("variablesReference", 0)),
        is_expensive=bool(body.get("expensive", False)),
    )


def _variable(body: dict[str, Any]) -> Variable:
    return Variable(
        name=str(body.get("name", "")),
        value=str(body.get("value", "")),
        type_name=str(body.get("type", "") or ""),
        reference=int(body.get("variablesReference", 0) or 0),
        named_count=int(body.get("namedVariables", 0) or 0),
        indexed_count=int(body.get("indexedVariables", 0) or 0),
        evaluate_name=str(body.get("evaluateName", "") or ""),
    )
