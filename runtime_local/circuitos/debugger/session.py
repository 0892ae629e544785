"""The debugger of a worker: takes commands from the host, stops the script, and answers questions about it."""

from __future__ import annotations

import functools
import queue
import socket
import sys
import threading
import traceback
import types

import msgspec

from circuit_link import debug_wire as dw
from circuit_link import wire
from circuit_link.framing import ConnectionEnded, FrameSocket, FrameTooLong
from circuitos.debugger.arming import SlotArms, self_check
from circuitos.debugger.breakpoints import Breakpoints, Pass
from circuitos.debugger.capture import Recorder, checkpoint, without_children
from circuitos.debugger.engine import Arms, Engine, NoArms, Stop
from circuitos.debugger.evaluation import EvaluationEnded, interrupt, is_effect_refusal
from circuitos.debugger.inspector import Inspector, Refused
from circuitos.debugger.stack import StaleFrame
from circuitos.debugger.user_code import UserCode
from circuitos.debugger.values import StaleReference
from circuitos.worker import transaction
from circuitos.worker.scripts import CompileSource

_SWITCH_INTERVAL_S = 0.001
_MAX_REASON = 20_000
_Thread = threading.Thread
_get_ident = threading.get_ident


def warm() -> None:
    """Do what every debugged script needs once, before the workers are forked."""
    _why_no_slots()


@functools.cache
def _why_no_slots() -> str:
    return self_check()


def start(sock: socket.socket) -> DebugSession:
    """Start to listen on a debug worker's second socket, before any of the user's code."""
    return DebugSession(FrameSocket(sock))


class DebugSession:
    """One debugged script. Its thread stops in `stand_still`; a listener thread takes what the host sends."""

    def __init__(self, link: FrameSocket) -> None:
        self._link = link
        self._sending = threading.Lock()
        self._commands: queue.SimpleQueue[dw.DebugCommand | None] = queue.SimpleQueue()
        self._go: queue.SimpleQueue[dw.Go] = queue.SimpleQueue()
        self._breakpoints = Breakpoints()
        self._engine = Engine(self._breakpoints, self)
        self._slots: SlotArms | None = None
        self._user = UserCode(frozenset())
        self._inspector: Inspector | None = None
        self._recorder: Recorder | None = None
        self._is_standing = False
        self._evaluating_in = 0
        self._stops = 0
        _Thread(target=self._listen, name="debugger", daemon=True).start()

    # ------------------------------------------------------------------------------------- seams of the worker

    def wrap_compile(self, compile_source: CompileSource) -> CompileSource:
        """Code gets slots, if this run uses them."""

        def compiled(text: str, path: str) -> types.CodeType:
            code = compile_source(text, path)
            if self._slots is not None:
                code = self._slots.compiled(code)
            self._user.learn(code)
            return code

        return compiled

    def begin(self, paths: frozenset[str]) -> None:
        """Wait until the client has set its breakpoints, then debug this thread."""
        go = self._go.get()
        # The listener waits for the interpreter this long at most while the script computes.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        gate = transaction.current().channel
        self._user = UserCode(paths, just_my_code=go.just_my_code)
        self._inspector = Inspector(self._engine, self._user, gate, self._tell_stop)
        if go.recorded_statements:
            self._recorder = Recorder(go.recorded_statements, self._user, self._send_moments)
            self._engine.record = self._recorder.record
        self._engine.begin(self._user, self._choose_arms(go.engine), gate, stop_on_entry=go.stop_on_entry)

    def uncaught(self, error: BaseException) -> None:
        self._engine.uncaught(error)

    def end(self) -> None:
        self._engine.end()
        if self._recorder is not None:
            self._recorder.hand_over()

    def _choose_arms(self, wanted: dw.Engine) -> Arms:
        reason = "" if wanted == "settrace" else _why_no_slots()
        if wanted == "settrace" or reason:
            self._send(dw.Began(engine="settrace", reason=reason))
            return NoArms()
        self._slots = SlotArms(self._engine.at_slot)
        self._send(dw.Began(engine="slots"))
        return self._slots

    # ------------------------------------------------------------------------------------- the listener's thread

    def _listen(self) -> None:
        while True:
            try:
                command = dw.decode_command(self._link.receive())
            except (ConnectionEnded, FrameTooLong, msgspec.DecodeError):
                # Without a client nobody can let the script go on: let it run.
                self._breakpoints.clear()
                self._engine.exceptions.filters = dw.SetExceptionFilters()
                self._commands.put(None)
                self._go.put(dw.Go())
                self._engine.wake()
                return
            self._take(command)

    def _take(self, command: dw.DebugCommand) -> None:
        match command:
            case dw.Go():
                self._go.put(command)
            case dw.SetBreakpoints():
                self._breakpoints.replace(command.path, command.breakpoints)
                self._engine.wake()
            case dw.SetFunctionBreakpoints():
                self._breakpoints.replace_functions(command.breakpoints)
                self._engine.wake()
            case dw.SetExceptionFilters():
                self._engine.exceptions.filters = command
                self._engine.wake()
            case dw.Pause():
                self._engine.pause()
            case dw.Interrupt():
                if self._evaluating_in:
                    interrupt(self._evaluating_in)
            case dw.Continue() | dw.Step():
                if self._is_standing:
                    self._commands.put(command)
            case _ if not self._is_standing:
                self._send(dw.Refusal(id=command.id, message="The script runs; it must stand still for that."))
            case _:
                self._commands.put(command)

    # ------------------------------------------------------------------------------------- the script's thread

    def stand_still(self, stop: Stop) -> None:
        """Stop here and answer questions until a command lets the script go on."""
        inspector = self._inspector
        assert inspector is not None
        if self._recorder is not None:
            self._recorder.hand_over()
        inspector.begin(stop)
        self._is_standing = True
        self._tell_stop(stop)
        step: dw.Step | None = None
        while True:
            command = self._commands.get()
            if command is None or isinstance(command, dw.Continue):
                break
            if isinstance(command, dw.Step):
                step = command
                break
            if isinstance(command, dw.Question):
                self._answer(command, inspector)
        self._is_standing = False
        inspector.end()
        self._send(dw.Resumed())
        self._engine.resume(stop.frame, step.kind if step else None, step.target if step else "")

    def passed(self, found: Pass, frame: types.FrameType, line: int) -> None:
        path = frame.f_code.co_filename
        journal = transaction.current().journal
        for text in found.logged:
            journal.note(wire.DebugNote(text=text + "\n", path=path, line=line))
        for text in found.errors:
            journal.note(wire.DebugNote(text=text + "\n", path=path, line=line, is_error=True))
        if found.captured:
            self._send_moments(tuple(checkpoint(frame, line, self._user, number) for number in found.captured))

    def _tell_stop(self, stop: Stop) -> None:
        self._stops += 1
        # What was printed before is seen before the stop: the host waits for the note, which comes after it.
        journal = transaction.current().journal
        journal.note(wire.DebugNote(stop=self._stops))
        journal.flush()
        self._send(
            dw.Stopped(
                number=self._stops,
                reason=stop.reason,
                path=stop.frame.f_code.co_filename,
                line=stop.line(stop.frame),
                text=stop.text,
                hit_ids=stop.hit,
            )
        )

    def _answer(self, question: dw.Question, inspector: Inspector) -> None:
        self._evaluating_in = _get_ident()
        try:
            value = inspector.answer(question)
            self._evaluating_in = 0
        except (Refused, StaleFrame, StaleReference, EvaluationEnded) as exc:
            self._refuse(question, str(exc))
        except BaseException as exc:  # noqa: BLE001 - the border to the user's expressions, which may raise anything
            would_change = is_effect_refusal(exc)
            message = str(exc) if would_change else "".join(traceback.format_exception_only(exc)).strip()
            self._refuse(question, message, would_change=would_change)
        else:
            if isinstance(question, dw.Evaluate):
                transaction.current().journal.flush()
            try:
                self._send(dw.Answer(id=question.id, value=msgspec.Raw(dw.encode(value))))
            except FrameTooLong:
                self._refuse(question, "That is too much at once; ask for less.")
        finally:
            self._evaluating_in = 0

    def _refuse(self, question: dw.Question, message: str, *, would_change: bool = False) -> None:
        self._send(dw.Refusal(id=question.id, message=message[:_MAX_REASON], would_change=would_change))

    def _send_moments(self, moments: tuple[dw.Moment, ...]) -> None:
        try:
            self._send(dw.Captured(moments=moments))
        except FrameTooLong:
            if len(moments) > 1:
                middle = len(moments) // 2
                self._send_moments(moments[:middle])
                self._send_moments(moments[middle:])
            else:
                self._send(dw.Captured(moments=(without_children(moments[0]),)))

    def _send(self, message: dw.DebugEvent) -> None:
        """Raises: FrameTooLong."""
        with self._sending:
            try:
                self._link.send(dw.encode(message))
            except ConnectionEnded:
                return
