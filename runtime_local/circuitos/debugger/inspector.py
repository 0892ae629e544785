"""Answers questions about a stopped script, in its own thread."""

from __future__ import annotations

import builtins
import itertools
import keyword
import types
from collections.abc import Callable
from typing import Any, assert_never

from circuit_link import debug_wire as dw
from circuitos.debugger import code_facts
from circuitos.debugger.engine import Engine, Stop
from circuitos.debugger.evaluation import EffectGate, assign, evaluate, execute, guarded
from circuitos.debugger.stack import Stack
from circuitos.debugger.step_targets import step_targets
from circuitos.debugger.texts import whole
from circuitos.debugger.user_code import UserCode
from circuitos.debugger.values import References, Variables, assign_child, child_counts, children

# What a client gets that asks for all children at once.
_MAX_WITHOUT_PAGES = 2_000
_MAX_EXPRESSION = 2_000


class Refused(Exception):
    """A question that cannot be answered; the text says why."""


class Inspector:
    """Frames and values of one stop after another. Numbers of frames and values are never given twice.

    Args:
        on_moved: told of a new stop when a frame was sent to another line.
    """

    def __init__(self, engine: Engine, user: UserCode, gate: EffectGate, on_moved: Callable[[Stop], None]) -> None:
        self._engine = engine
        self._user = user
        self._gate = gate
        self._on_moved = on_moved
        self._frame_numbers = itertools.count(1)
        self._references = References()
        self._stack: Stack | None = None

    def begin(self, stop: Stop) -> None:
        """The script stands still."""
        self._stack = Stack(stop, self._user, self._frame_numbers)

    def end(self) -> None:
        """It goes on: nothing that was told before holds."""
        self._stack = None
        self._references.clear()

    def answer(self, question: dw.Question) -> Any:
        """Raises: Refused, StaleFrame, StaleReference, and whatever the user's expressions raise."""
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
                return self._evaluate(stack.frame(question.frame), question)
            case dw.SetVariable():
                return self._set_variable(stack, question)
            case dw.SetExpression():
                return self._set_expression(stack.frame(question.frame), question)
            case dw.Goto():
                return self._move(stack.running_frame(None), question.line, "goto")
            case dw.GotoLines():
                frame = stack.running_frame(None)
                return frame.f_code.co_filename, sorted(code_facts.lines(frame.f_code))
            case dw.RestartFrame():
                return self._restart(stack.running_frame(question.frame))
            case dw.StepTargets():
                frame = stack.running_frame(question.frame)
                return step_targets(frame, frame.f_lineno)
            case dw.ExceptionInfo():
                return self._exception()
            case dw.Completions():
                return completions(question.text, stack.frame(question.frame), self._gate)
            case _:
                assert_never(question)

    def _scopes(self, frame: types.FrameType) -> list[dw.ScopeInfo]:
        scopes = [self._scope("Locals", Variables(frame.f_locals), frame)]
        if frame.f_locals is not frame.f_globals:
            scopes.append(self._scope("Globals", Variables(frame.f_globals), frame))
        return scopes

    def _scope(self, name: str, names: Variables, frame: types.FrameType) -> dw.ScopeInfo:
        reference = self._references.add(names, lambda variable, value: assign(frame, variable, value))
        return dw.ScopeInfo(name=name, reference=reference, named=len(names.names), is_expensive=name == "Globals")

    def _children(self, question: dw.Variables) -> list[dw.VariableInfo]:
        parent, _assign = self._references.get(question.reference)
        page = children(parent, question.filter, question.start, question.count or _MAX_WITHOUT_PAGES)
        base = self._references.expression(question.reference)
        found = [
            self._references.describe(name, value, _joined(base, parent, suffix), is_hex=question.is_hex)
            for name, value, suffix in page
        ]
        if not question.count and (left := _count(parent, question.filter) - question.start - len(found)) > 0:
            found.append(dw.VariableInfo(name="…", value=f"{left:,} more", type="", is_read_only=True))
        return found

    def _evaluate(self, frame: types.FrameType, question: dw.Evaluate) -> dw.VariableInfo:
        is_typed = question.context == "repl"
        run = execute if is_typed else evaluate
        with guarded(self._gate, allow_effects=question.allow_effects, allow_queries=is_typed):
            value = run(question.expression, frame)
        described = self._references.describe(
            question.expression, value, question.expression, is_hex=question.is_hex
        )
        if question.context == "clipboard":
            return dw.VariableInfo(name=described.name, value=whole(value), type=described.type)
        return described

    def _set_variable(self, stack: Stack, question: dw.SetVariable) -> dw.VariableInfo:
        parent, assign_variable = self._references.get(question.reference)
        with guarded(self._gate, allow_effects=False):
            value = evaluate(question.value, stack.frame(None))
        if assign_variable is not None:
            if question.name not in parent.names:
                raise Refused(f"There is no variable {question.name} here.")
            assign_variable(question.name, value)
            parent.names[question.name] = value
        else:
            try:
                assign_child(parent, question.name, value)
            except (TypeError, AttributeError, ValueError, IndexError) as exc:
                raise Refused(f"{question.name} cannot be set: {exc}") from exc
        return self._references.describe(question.name, value, is_hex=question.is_hex)

    def _set_expression(self, frame: types.FrameType, question: dw.SetExpression) -> dw.VariableInfo:
        with guarded(self._gate, allow_effects=False):
            execute(f"{question.expression} = ({question.value})", frame)
            value = evaluate(question.expression, frame)
        return self._references.describe(question.expression, value, question.expression, is_hex=question.is_hex)

    def _restart(self, frame: types.FrameType) -> None:
        code = frame.f_code
        if code.co_flags & (code_facts.GENERATOR_FLAGS):
            raise Refused("A generator or coroutine cannot be started again.")
        self._move(frame, code_facts.first_line(code), "restart")

    def _move(self, frame: types.FrameType, line: int, reason: str) -> None:
        try:
            frame.f_lineno = line  # type: ignore[misc]  # writable within a trace function
        except ValueError as exc:
            raise Refused(f"Line {line} cannot be the next one: {exc}.") from exc
        self._references.clear()
        stop = Stop(reason, frame)
        self.begin(stop)
        self._on_moved(stop)

    def _exception(self) -> dw.ExceptionAnswer:
        answer = self._engine.exceptions.answer()
        if answer is None:
            raise Refused("No exception stopped the script here.")
        return answer


def _count(parent: Any, kind: str) -> int:
    named, indexed = child_counts(parent)
    return {"named": named, "indexed": indexed}.get(kind, named + indexed)


def _joined(base: str, parent: Any, suffix: str) -> str:
    """The expression that reads a child, where there is one of a length that can be handled."""
    if type(parent) is Variables:
        return suffix
    return f"{base}{suffix}" if base and suffix and len(base) + len(suffix) <= _MAX_EXPRESSION else ""


def completions(text: str, frame: types.FrameType, gate: EffectGate) -> list[dw.Completion]:
    """Names that could complete the last word of `text`; attributes where it ends in `x.par`."""
    word = text[_word_start(text) :]
    owner, dot, part = word.rpartition(".")
    if dot:
        try:
            with guarded(gate, allow_effects=False):
                names = _attributes(evaluate(owner, frame))
        except Exception:  # noqa: BLE001 - an expression that cannot be read has no completions
            return []
    else:
        names = dict.fromkeys(keyword.kwlist, "keyword")
        for scope in (vars(builtins), frame.f_globals, frame.f_locals):
            names |= {name: _kind(value) for name, value in scope.items()}
    is_hidden = not part.startswith("_")
    return [
        dw.Completion(label=name, kind=names[name])
        for name in sorted(names)
        if name.startswith(part) and not name.startswith("@") and not (is_hidden and name.startswith("_"))
    ]


def _attributes(value: Any) -> dict[str, str]:
    """Names of attributes and what they are, as their classes have them; no property is read."""
    found: dict[str, str] = {}
    for name in dir(value):
        static = next((vars(kind)[name] for kind in type(value).__mro__ if name in vars(kind)), None)
        found[name] = "method" if callable(static) else "property"
    return found


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    if isinstance(value, types.ModuleType):
        return "module"
    return "function" if callable(value) else "variable"


def _word_start(text: str) -> int:
    start = len(text)
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    return start
