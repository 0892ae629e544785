"""Evaluate and assign in a frame of the stopped script."""

from __future__ import annotations

import ast
import ctypes
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from circuit_link import wire
from circuitos.api.exceptions import CircuitException
from circuitos.worker.channel import Refusal

_TIME_LIMIT_S = 5.0
_NO_EFFECTS = (
    "This evaluation would change data, call out or use up a query, which it must not do unasked. "
    "Evaluate it in the console and confirm it there."
)
_READING = frozenset((wire.Usage,))
_READING_DATA = frozenset((wire.Usage, wire.Query, wire.Fetch))
_FILE = "<evaluation>"
_get_ident = threading.get_ident
_Timer = threading.Timer


class EvaluationEnded(Exception):
    """An evaluation took longer than it may, or was cancelled. It is raised from outside, without arguments."""

    def __str__(self) -> str:
        return f"The evaluation was ended: it took longer than {_TIME_LIMIT_S:.0f} s, or was cancelled."


class Expression:
    """An expression that is compiled once and evaluated in frame after frame.

    A text that does not compile raises its error at each evaluation, which is where somebody listens.
    """

    def __init__(self, text: str) -> None:
        self._code: types.CodeType | Exception
        try:
            self._code = compile(text.strip(), _FILE, "eval", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            self._code = exc
            self._has_scopes = False
        else:
            self._has_scopes = any(isinstance(constant, types.CodeType) for constant in self._code.co_consts)

    @property
    def is_valid(self) -> bool:
        return not isinstance(self._code, Exception)

    def value_in(self, frame: types.FrameType) -> Any:
        """Raises whatever the expression raises."""
        if isinstance(self._code, Exception):
            raise self._code
        if self._has_scopes:
            # Inner scopes, such as comprehensions, look the frame's names up among the globals.
            return eval(self._code, {**frame.f_globals, **frame.f_locals})  # noqa: S307 - to evaluate is its purpose
        return eval(self._code, frame.f_globals, frame.f_locals)  # noqa: S307 - as above


def evaluate(expression: str, frame: types.FrameType) -> Any:
    """The value of an expression in a frame. Raises whatever the expression raises, SyntaxError included."""
    return Expression(expression).value_in(frame)


def execute(text: str, frame: types.FrameType) -> Any:
    """Run what somebody typed: the value of an expression, or of the last one of several statements, or None.

    Names that it assigns become the frame's. Raises whatever the text raises.
    """
    tree = ast.parse(text.strip(), _FILE)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr) and len(tree.body) == 1:
        return evaluate(text, frame)
    local_names = frame.f_locals
    value = None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, _FILE, "exec", dont_inherit=True), frame.f_globals, local_names)  # noqa: S102 - its purpose
    if isinstance(last, ast.Expr):
        code = compile(ast.Expression(last.value), _FILE, "eval", dont_inherit=True)
        value = eval(code, frame.f_globals, local_names)  # noqa: S307 - as above
    store_locals(frame)
    return value


def assign(frame: types.FrameType, name: str, value: Any) -> None:
    """Give a variable of the frame a new value: local if it is one, else global."""
    code = frame.f_code
    is_local = name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars
    if is_local or frame.f_locals is frame.f_globals or name in frame.f_locals:
        frame.f_locals[name] = value
        store_locals(frame)
    else:
        frame.f_globals[name] = value


def store_locals(frame: types.FrameType) -> None:
    """Write `f_locals` back into the frame's fast variables, which Python 3.11 does not do by itself."""
    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


class EffectGate(Protocol):
    """The script's way to the host: while `refusal` is set, that thread's requests are refused with its text."""

    refusal: Refusal | None


def refuse_effects(gate: EffectGate) -> None:
    """Until the refusal is taken back: no request of this thread to the host that does more than to read.

    What is evaluated unasked (a watch, a condition) sends no query either, since each counts against a limit.
    """
    gate.refusal = Refusal(_get_ident(), _NO_EFFECTS, _READING)


@contextmanager
def guarded(gate: EffectGate, *, allow_effects: bool, allow_queries: bool = False) -> Iterator[None]:
    """Bound an evaluation's time, and refuse requests to the host unless they are allowed."""
    timer = _Timer(_TIME_LIMIT_S, interrupt, (_get_ident(),))
    timer.daemon = True
    spared = _READING_DATA if allow_queries else _READING
    try:
        # An interruption may come anywhere from here on; the refusal must not outlive it.
        if not allow_effects:
            gate.refusal = Refusal(_get_ident(), _NO_EFFECTS, spared, frozenset(sys._current_frames()))
        timer.start()
        yield
    finally:
        timer.cancel()
        gate.refusal = None


def is_effect_refusal(error: BaseException) -> bool:
    """Whether an evaluation failed only because its request to the host was refused."""
    return isinstance(error, CircuitException) and str(error) == _NO_EFFECTS


def interrupt(thread_id: int) -> None:
    """Any thread: end the evaluation that another one is at, at its next instruction."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(EvaluationEnded))
