"""The debugger of a worker: takes commands from the host, stops the script, and answers questions about it."""

from __future__ import annotations

import queue
import socket
import threading
import traceback
import types
from typing import Any, assert_never

import msgspec

from circuit_link import debug_wire as dw
from circuit_link.framing import ConnectionEnded, FrameSocket, FrameTooLong
from circuitos.debugger.breakpoints import Breakpoints
from circuitos.debugger.engine import Engine
from circuitos.debugger.evaluation import assign, evaluate, guarded, names_after
from circuitos.debugger.stack import Stack
from circuitos.debugger.values import References, StaleReference, Variables, assign_child, children
from circuitos.worker.scripts import CompileSource

_Thread = threading.Thread


class Refused(Exception):
    """A question that cannot be answered; the text says why."""


def start(sock: socket.socket) -> DebugSession:
    """Start to listen on a debug worker's second socket, before any of the user's code."""
    return DebugSession(FrameSocket(sock))


class DebugSession:
    """One debugged script. Its thread stops in `_stand_still`; a listener thread takes what the host sends."""

    def __init__(self, link: FrameSocket) -> None:
        self._link = link
        self._sending = threading.Lock()
        self._commands: queue.SimpleQueue[dw.DebugCommand | None] = queue.SimpleQueue()
        self._go: queue.SimpleQueue[dw.Go] = queue.SimpleQueue()
        self._breakpoints = Breakpoints()
        self._engine = Engine(self._breakpoints, self._stand_still, self._log)
        self._references = References()
        self._stack: Stack | None = None
        self._paths: frozenset[str] = frozenset()
        _Thread(target=self._listen, name="debugger", daemon=True).start()

    # ------------------------------------------------------------------------------------- seams of the worker

    def wrap_compile(self, compile_source: CompileSource) -> CompileSource:
        """Code is traced as it is."""
        return compile_source

    def begin(self, paths: frozenset[str]) -> None:
        """Wait until the client has set its breakpoints, then trace this thread."""
        go = self._go.get()
        self._paths = paths
        self._engine.begin(paths, stop_on_entry=go.stop_on_entry)

    def end(self) -> None:
        self._engine.end()

    # ------------------------------------------------------------------------------------- the listener's thread

    def _listen(self) -> None:
        while True:
            try:
                command = dw.decode_command(self._link.receive())
            except (ConnectionEnded, FrameTooLong, msgspec.DecodeError):
                # Without a client nobody can let the script go on: let it run.
                self._breakpoints.functions = frozenset()
                self._commands.put(None)
                self._go.put(dw.Go())
                return
            match command:
                case dw.Go():
                    self._go.put(command)
                case dw.SetBreakpoints():
                    self._breakpoints.replace(command.path, command.breakpoints)
                    self._engine.wake()
                case dw.SetFunctionBreakpoints():
                    self._breakpoints.functions = frozenset(command.names)
                    self._engine.wake()
                case dw.SetExceptionFilters():
                    self._engine.stops_on_raised = command.raised
                    self._engine.stops_on_uncaught = command.uncaught
                    self._engine.wake()
                case dw.Pause():
                    self._engine.pause()
                case dw.Continue() | dw.Step():
                    if self._stack is not None:
                        self._commands.put(command)
                case _:
                    self._ask(command)

    def _ask(self, question: dw.Question) -> None:
        """Questions about values are answered by the script's thread, which stands still."""
        if self._stack is None:
            self._send(dw.Refusal(id=question.id, message="The script runs; it must stand still for that."))
        else:
            self._commands.put(question)

    # ------------------------------------------------------------------------------------- the script's thread

    def _stand_still(self, reason: str, frame: types.FrameType, text: str, hit: tuple[int, ...]) -> None:
        """Stop here and answer questions until a command lets the script go on."""
        self._stack = Stack(frame, self._paths)
        path, line = frame.f_code.co_filename, frame.f_lineno
        self._send(dw.Stopped(reason=reason, path=path, line=line, text=text, hit_ids=hit))
        step: dw.StepKind | None = None
        while True:
            command = self._commands.get()
            if command is None or isinstance(command, dw.Continue):
                break
            if isinstance(command, dw.Step):
                step = command.kind
                break
            if isinstance(command, dw.Question):
                self._answer(command)
        self._stack = None
        self._references.clear()
        self._send(dw.Resumed())
        self._engine.resume(step, frame)

    def _answer(self, question: dw.Question) -> None:
        try:
            value = self._value_of(question)
        except (Refused, StaleReference) as exc:
            self._send(dw.Refusal(id=question.id, message=str(exc)))
        except BaseException as exc:  # noqa: BLE001 - the border to the user's expressions, which may raise anything
            message = "".join(traceback.format_exception_only(type(exc), exc)).strip()
            self._send(dw.Refusal(id=question.id, message=message))
        else:
            self._send(dw.Answer(id=question.id, value=msgspec.Raw(dw.encode(value))))

    def _value_of(self, question: dw.Question) -> Any:
        stack = self._stack
        assert stack is not None
        match question:
            case dw.Stack():
                return stack.page(question.start, question.levels)
            case dw.Scopes():
                return self._scopes(stack.frame(question.frame))
            case dw.Variables():
                return self._children(question)
            case dw.Evaluate():
                return self._evaluate(stack, question)
            case dw.SetVariable():
                return self._set_variable(question)
            case dw.SetExpression():
                return self._set_expression(stack, question)
            case dw.Goto():
                return self._goto(stack, question.line)
            case dw.ExceptionInfo():
                return self._exception()
            case dw.Completions():
                return names_after(question.text, stack.frame(question.frame))
            case _:
                assert_never(question)

    def _scopes(self, frame: types.FrameType) -> list[dw.ScopeInfo]:
        local_names = Variables(frame.f_locals)
        scopes = [self._scope("Locals", local_names, frame)]
        if frame.f_locals is not frame.f_globals:
            scopes.append(self._scope("Globals", Variables(frame.f_globals), frame))
        return scopes

    def _scope(self, name: str, names: Variables, frame: types.FrameType) -> dw.ScopeInfo:
        reference = self._references.add(names, lambda variable, value: assign(frame, variable, value))
        return dw.ScopeInfo(name=name, reference=reference, named=len(names.names), is_expensive=name == "Globals")

    def _children(self, question: dw.Variables) -> list[dw.VariableInfo]:
        parent, _assign = self._references.get(question.reference)
        found = []
        for name, value, suffix in children(parent, question.filter, question.start, question.count):
            evaluate_name = suffix if isinstance(parent, Variables) else ""
            found.append(self._references.describe(name, value, evaluate_name))
        return found

    def _evaluate(self, stack: Stack, question: dw.Evaluate) -> dw.VariableInfo:
        frame = stack.frame(question.frame)
        with guarded(allow_effects=question.allow_effects):
            value = evaluate(question.expression, frame, is_statement_allowed=question.context == "repl")
        return self._references.describe(question.expression, value, question.expression)

    def _set_variable(self, question: dw.SetVariable) -> dw.VariableInfo:
        parent, assign_variable = self._references.get(question.reference)
        stack = self._stack
        assert stack is not None
        with guarded(allow_effects=False):
            value = evaluate(question.value, stack.frame(None))
        if assign_variable is not None:
            assign_variable(question.name, value)
            parent.names[question.name] = value
        else:
            try:
                assign_child(parent, question.name, value)
            except (TypeError, AttributeError, ValueError, IndexError) as exc:
                raise Refused(f"{question.name} cannot be set: {exc}") from exc
        return self._references.describe(question.name, value)

    def _set_expression(self, stack: Stack, question: dw.SetExpression) -> dw.VariableInfo:
        frame = stack.frame(question.frame)
        with guarded(allow_effects=False):
            evaluate(f"{question.expression} = ({question.value})", frame, is_statement_allowed=True)
            value = evaluate(question.expression, frame)
        return self._references.describe(question.expression, value, question.expression)

    def _goto(self, stack: Stack, line: int) -> None:
        frame = stack.frame(None)
        try:
            frame.f_lineno = line  # type: ignore[misc]  # writable within a trace function
        except ValueError as exc:
            raise Refused(f"Line {line} cannot be the next one: {exc}") from exc
        self._references.clear()
        self._stack = Stack(frame, self._paths)
        self._send(dw.Stopped(reason="goto", path=frame.f_code.co_filename, line=frame.f_lineno))

    def _exception(self) -> dw.ExceptionAnswer:
        error = self._engine.exception
        if error is None:
            raise Refused("No exception stopped the script here.")
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        return dw.ExceptionAnswer(
            type=type(error).__name__,
            message=str(error),
            traceback="".join(lines),
            is_uncaught=not self._engine.stops_on_raised,
        )

    def _log(self, text: str, path: str, line: int, is_error: bool) -> None:
        self._send(dw.Logged(text=text, path=path, line=line, is_error=is_error))

    def _send(self, message: dw.DebugEvent) -> None:
        with self._sending:
            try:
                self._link.send(dw.encode(message))
            except ConnectionEnded:
                return
