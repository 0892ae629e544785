"""What code objects and frames tell about themselves."""

from __future__ import annotations

import inspect
import opcode
import types

_RESUME = opcode.opmap.get("RESUME")
_NORMAL_ENDS = frozenset(
    opcode.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE", "RETURN_GENERATOR")
    if name in opcode.opmap
)

GENERATOR_FLAGS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

# Code objects compare by their contents, so caches are keyed by identity; the value keeps the object alive.
_LINES: dict[int, tuple[types.CodeType, frozenset[int]]] = {}
_BYTES: dict[int, tuple[types.CodeType, bytes]] = {}


def lines(code: types.CodeType) -> frozenset[int]:
    """The lines that have instructions, those of inner functions left out."""
    known = _LINES.get(id(code))
    if known is None:
        known = (code, frozenset(line for _start, _end, line in code.co_lines() if line))
        _LINES[id(code)] = known
    return known[1]


def first_line(code: types.CodeType) -> int:
    """The line of the first statement that a call runs."""
    raw = _bytecode(code)
    entry = next(at for at in range(0, len(raw), 2) if raw[at] == _RESUME)
    return next(line for start, _end, line in code.co_lines() if line and start > entry)


def is_at_entry(frame: types.FrameType) -> bool:
    """Whether a call begins here; a generator that goes on is called too."""
    code, at = _bytecode(frame.f_code), frame.f_lasti
    return at < 0 or (code[at] == _RESUME and code[at + 1] == 0)


def returns(frame: types.FrameType) -> bool:
    """Whether a frame that ends gives back a value, rather than an exception."""
    code = _bytecode(frame.f_code)
    return 0 <= frame.f_lasti < len(code) and code[frame.f_lasti] in _NORMAL_ENDS


def returns_to_caller(frame: types.FrameType) -> bool:
    """Whether a plain function that ends gives a value to the statement that called it."""
    code = frame.f_code
    is_plain = bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_flags & GENERATOR_FLAGS
    return is_plain and returns(frame)


def is_named(code: types.CodeType, name: str) -> bool:
    """Whether a call written as `name(…)` may have entered this code: a function, or a class's `__init__`."""
    if code.co_name == name:
        return True
    owner, _, method = code.co_qualname.rpartition(".")
    return method in ("__init__", "__new__") and owner.rpartition(".")[2] == name


def raised_lines(trace: types.TracebackType | None) -> dict[types.FrameType, int]:
    """The line that each frame of a traceback was at."""
    found: dict[types.FrameType, int] = {}
    while trace is not None:
        found[trace.tb_frame] = trace.tb_lineno or 0
        trace = trace.tb_next
    return found


def _bytecode(code: types.CodeType) -> bytes:
    known = _BYTES.get(id(code))
    if known is None:
        known = (code, code.co_code)
        _BYTES[id(code)] = known
    return known[1]
