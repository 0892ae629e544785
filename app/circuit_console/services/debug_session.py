"""The console's debugger: a DAP client with one session at a time."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from circuit_console.core.debugging import (
    Abilities,
    DebugOutput,
    Evaluation,
    Launch,
    Scope,
    StackFrame,
    StepTarget,
    Stop,
    Variable,
)
from circuit_console.services import dap_bodies
from circuit_console.services.breakpoint_sync import BreakpointSync
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.dap_connection import AnswerSlot, Body, DapConnection, DapMessage, FailureSlot
from circuit_link.errors import UserFacingError

StepKind = Literal["next", "stepIn", "stepOut", "stepBack", "reverseContinue"]
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
        checkpoint_reached: Checkpoint.
        failed: UserFacingError, when the session could not start or broke.
    """

    state_changed = Signal(object)
    stopped = Signal(object)
    stack_loaded = Signal(object)
    frame_selected = Signal(object)
    values_changed = Signal()
    output_received = Signal(object)
    checkpoint_reached = Signal(object)
    failed = Signal(object)

    def __init__(self, project_root: Path, breakpoints: Breakpoints, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = project_root.resolve()
        self._sync = BreakpointSync(self._root, breakpoints, self._request, self)
        self._sync.refused.connect(self._on_refused)
        self._capabilities: Body = {}
        self._abilities = Abilities()
        self._connection: DapConnection | None = None
        self._launch = Launch()
        self._state = DebugState.INACTIVE
        self._thread_id = _MAIN_THREAD
        self._stack: tuple[StackFrame, ...] = ()
        self._frame: StackFrame | None = None
        self._stop: Stop | None = None
        self._queued_step: StepKind | None = None
        self._step_timer = QTimer(self)
        self._step_timer.setSingleShot(True)
        self._step_timer.setInterval(_QUIET_STEP_MS)
        self._step_timer.timeout.connect(self._on_step_takes_long)

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

    @property
    def abilities(self) -> Abilities:
        """Of the debugger of the present session, or of the last one."""
        return self._abilities

    # ------------------------------------------------------------------------------------------ control

    def launch(self, address: str, launch: Launch) -> None:
        """Start a run under the debugger. Only while INACTIVE."""
        if self._state is not DebugState.INACTIVE:
            return
        self._launch = launch
        self._queued_step = None
        connection = DapConnection(address, self)
        connection.event_received.connect(self._on_event)
        connection.ended.connect(self._on_ended)
        self._connection = connection
        self._enter(DebugState.STARTING)
        connection.start()
        connection.request(
            "initialize", dap_bodies.INITIALIZE, self._on_initialize_answered, self._on_start_refused
        )

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
        else:
            self._move(kind, {"threadId": self._thread_id})

    def step_into_target(self, target: StepTarget) -> None:
        """Enter this call of the line, whatever is called before it."""
        self._move("stepIn", {"threadId": self._thread_id, "targetId": target.id})

    def restart_frame(self, frame: StackFrame) -> None:
        """Begin the call again; what it has done stays done."""
        if self._abilities.restarts_frames:
            self._move("restartFrame", {"frameId": frame.id})

    def jump_to(self, path: str, line: int) -> None:
        """Make a line of the innermost call the next one, without running those between."""
        if self._state is not DebugState.PAUSED or not self._abilities.jumps:
            return

        def answered(body: Body) -> None:
            targets = body.get("targets") or ()
            if targets:
                arguments = {"threadId": self._thread_id, "targetId": int(targets[0]["id"])}
                self._request("goto", arguments, None, self._on_refused)
            else:
                self._on_refused(UserFacingError(f"The run cannot go on at line {line}.", code="NO_TARGET"))

        source = {"path": str(self._root / path), "name": path.rpartition("/")[2]}
        self._request("gotoTargets", {"source": source, "line": line}, answered, self._on_refused)

    def run_to(self, path: str, line: int) -> None:
        """Go on until the line is reached, by a breakpoint that goes away at the next stop."""
        if self._state is DebugState.PAUSED:
            self._sync.run_to(path, line)
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
            on_answer(tuple(dap_bodies.scope(one) for one in body.get("scopes", ())))

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
            on_answer(tuple(dap_bodies.variable(one) for one in body.get("variables", ())))

        self._request("variables", arguments, answered, on_failed)

    def evaluate(
        self,
        expression: str,
        on_answer: Callable[[Evaluation], None],
        on_failed: FailureSlot,
        *,
        context: Literal["watch", "repl", "hover", "clipboard"] = "watch",
        allow_side_effects: bool = False,
    ) -> None:
        """In the selected frame. What would change data is refused with SIDE_EFFECTS_REFUSED unless allowed."""
        arguments: Body = {"expression": expression, "context": context}
        if allow_side_effects:
            arguments["allowEffects"] = True
        if self._frame is not None:
            arguments["frameId"] = self._frame.id

        self._request("evaluate", arguments, lambda body: on_answer(dap_bodies.evaluation(body)), on_failed)

    def set_variable(self, reference: int, name: str, value: str, on_failed: FailureSlot) -> None:
        arguments = {"variablesReference": reference, "name": name, "value": value}
        self._request("setVariable", arguments, lambda _body: self.values_changed.emit(), on_failed)

    def complete(self, text: str, on_answer: Callable[[tuple[str, ...]], None]) -> None:
        """What could follow `text` in the selected frame; nothing is answered where it cannot be said."""
        if self._frame is not None and self._abilities.completes:
            arguments = {"text": text, "column": len(text) + 1, "frameId": self._frame.id}
            self._request("completions", arguments, lambda body: on_answer(dap_bodies.completions(body)))

    def step_targets(self, on_answer: Callable[[tuple[StepTarget, ...]], None]) -> None:
        """The calls on the line that runs next, in the order in which they run."""
        if self._frame is not None and self._abilities.chooses_call:
            arguments = {"frameId": self._frame.id}
            self._request("stepInTargets", arguments, lambda body: on_answer(dap_bodies.step_targets(body)))

    def values_may_have_changed(self) -> None:
        """After an evaluation that could have assigned: views read again."""
        self.values_changed.emit()

    # ------------------------------------------------------------------------------------------ protocol

    def _request(
        self,
        command: str,
        arguments: Body,
        on_answer: AnswerSlot | None = None,
        on_failed: FailureSlot | None = None,
    ) -> None:
        if self._connection is not None:
            self._connection.request(command, arguments, on_answer, on_failed)

    def _move(self, command: str, arguments: Body) -> None:
        """Let the run go on to a stop that is expected soon: the views hold still until it takes long."""
        if self._state is DebugState.PAUSED:
            self._request(command, arguments, None, self._on_move_refused)
            self._state = DebugState.RUNNING
            self._step_timer.start()

    def _on_move_refused(self, error: UserFacingError) -> None:
        """The run still stands where it stood."""
        self._on_refused(error)
        if self._state is DebugState.RUNNING:
            self._step_timer.stop()
            self._state = DebugState.PAUSED
            self.state_changed.emit(self._state)
            self._load_stack()

    def _on_initialize_answered(self, body: Body) -> None:
        self._capabilities = {}
        self._learn(body)
        arguments = dap_bodies.launch_arguments(self._launch, self._root)
        self._request("launch", arguments, None, self._on_start_refused)

    def _learn(self, capabilities: Body) -> None:
        """What it can do may depend on what is launched, and is told then."""
        self._capabilities |= capabilities
        self._abilities = dap_bodies.abilities(self._capabilities)

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
                self._sync.take_event(body)
            case "terminated":
                self._enter(DebugState.ENDING)
                self._request("disconnect", {}, self._on_disconnected, lambda _error: self.close())
            case "capabilities":
                self._learn(body.get("capabilities") or {})
            case "circuit/checkpoint":
                checkpoint = dap_bodies.checkpoint(body, self._root)
                self._sync.take_checkpoint(checkpoint)
                self.checkpoint_reached.emit(checkpoint)
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
        self._sync.begin(self._abilities)
        self._request("configurationDone", {}, self._on_configured, self._on_start_refused)

    def _on_configured(self, _body: Body) -> None:
        if self._state is DebugState.STARTING:
            self._enter(DebugState.RUNNING)

    def _on_stopped(self, body: Body) -> None:
        stop = dap_bodies.stop(body, self._thread_id)
        self._thread_id = stop.thread_id
        self._sync.take_stop(stop)
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
        self._stack = tuple(dap_bodies.stack_frame(one, self._root) for one in body.get("stackFrames", ()))
        self.stack_loaded.emit(self._stack)
        first = next((frame for frame in self._stack if not frame.is_label), None)
        if first is not None:
            self.select_frame(first)

    def _publish_output(self, body: Body) -> None:
        source = body.get("source") or {}
        output = DebugOutput(
            category=body.get("category", "console") or "console",
            text=str(body.get("output", "")),
            path=dap_bodies.relative(str(source.get("path", "") or ""), self._root),
            line=int(body.get("line", 0) or 0),
        )
        if output.category != "telemetry":
            self.output_received.emit(output)

    @Slot(object)
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
        self._enter(DebugState.INACTIVE)
        self._sync.end()
