"""Evaluate and assign in a frame of the stopped script."""

from __future__ import annotations

import ctypes
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from circuitos.worker import transaction

_TIME_LIMIT_S = 5.0
_NO_EFFECTS = (
    "This evaluation would change data or call out, which it must not do unasked. "
    "Evaluate it in the console and confirm it there."
)
_get_ident = threading.get_ident
_Timer = threading.Timer


class EvaluationTimeout(Exception):
    """An evaluation took longer than it may."""


def evaluate(expression: str, frame: types.FrameType, *, is_statement_allowed: bool = False) -> Any:
    """The value of an expression in a frame; None for a statement, where those are allowed.

    Raises:
        Exception: whatever the expression raises, SyntaxError included.
    """
    text = expression.strip()
    local_names = frame.f_locals
    try:
        code = compile(text, "<evaluation>", "eval", dont_inherit=True)
    except SyntaxError:
        if not is_statement_allowed:
            raise
        exec(compile(text, "<evaluation>", "exec", dont_inherit=True), frame.f_globals, local_names)  # noqa: S102
        store_locals(frame)
        return None
    # Locals are passed as globals too: inner scopes, such as comprehensions, look their names up there.
    return eval(code, {**frame.f_globals, **local_names})  # noqa: S307 - to evaluate is its purpose


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


@contextmanager
def guarded(*, allow_effects: bool) -> Iterator[None]:
    """Bound an evaluation's time, and refuse requests to the host unless they are allowed."""
    channel = transaction.current().channel
    target = _get_ident()
    timer = _Timer(_TIME_LIMIT_S, _interrupt, (target,))
    timer.daemon = True
    channel.refusal = None if allow_effects else _NO_EFFECTS
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        channel.refusal = None


def _interrupt(thread_id: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(EvaluationTimeout))


def names_after(text: str, frame: types.FrameType) -> list[str]:
    """Names that could complete the last word of `text`; attributes where it ends in `x.par`."""
    word = text[_word_start(text) :]
    owner, dot, part = word.rpartition(".")
    if dot:
        try:
            names = dir(evaluate(owner, frame))
        except Exception:  # noqa: BLE001 - an expression that cannot be read has no completions
            return []
    else:
        names = sorted({*frame.f_locals, *frame.f_globals})
    return [name for name in names if name.startswith(part) and not name.startswith(("@", "__"))]


def _word_start(text: str) -> int:
    start = len(text)
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_."):
        start -= 1
    return start
