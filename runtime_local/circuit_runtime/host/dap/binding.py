"""Where breakpoints can stand: lines that run. Files are compiled, never executed."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a breakpoint stands; `reason` says why it stands nowhere (`line` is 0) or moved."""

    line: int
    reason: str = ""


def bind(text: str, path: str, wanted: int) -> Bound:
    """The wanted line, if it runs; else the next one that does within the same function or class body."""
    blocks = _blocks(text, path)
    if isinstance(blocks, str):
        return Bound(0, blocks)
    lines = sorted(set().union(*(block.lines for block in blocks)) if blocks else ())
    if wanted in lines:
        return Bound(wanted)
    following = next((line for line in lines if line > wanted), None)
    if following is None:
        return Bound(0, f"Line {wanted} lies behind the last line that runs.")
    inner = [block for block in blocks if block.first <= wanted <= block.last]
    if inner and not any(block.first <= following <= block.last for block in inner[-1:]):
        return Bound(0, f"No line runs between {wanted} and the end of {inner[-1].name}.")
    return Bound(following, f"Line {wanted} does not run; moved to {following}.")


def executable_lines(text: str, path: str, first: int, last: int) -> list[int]:
    """Lines from `first` to `last` that run; none for a file that does not compile."""
    blocks = _blocks(text, path)
    if isinstance(blocks, str):
        return []
    return sorted(line for line in set().union(*(block.lines for block in blocks)) if first <= line <= last)


def function_names(text: str, path: str) -> frozenset[str]:
    """Every name by which a function of a file can be meant: `f`, `C.f`, `module.C.f`."""
    blocks = _blocks(text, path)
    if isinstance(blocks, str):
        return frozenset()
    module = path.removesuffix(".py").replace("/", ".")
    names: set[str] = set()
    for block in blocks:
        qualified = block.name.replace(".<locals>", "")
        if not qualified.endswith(">"):
            short = qualified.rpartition(".")[2]
            names |= {short, qualified, f"{module}.{qualified}", f"{module.rpartition('.')[2]}.{qualified}"}
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class _Block:
    name: str
    first: int
    last: int
    lines: frozenset[int]


@lru_cache(maxsize=256)
def _blocks(text: str, path: str) -> tuple[_Block, ...] | str:
    """Module, classes and functions with their lines, outer first; for a text that does not compile, why."""
    try:
        code = compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as exc:
        return f"The file does not compile: {exc}."
    return tuple(_walk(code))


def _walk(code: types.CodeType) -> Iterator[_Block]:
    lines = frozenset(line for _start, _end, line in code.co_lines() if line)
    inner = [
        block for constant in code.co_consts if isinstance(constant, types.CodeType) for block in _walk(constant)
    ]
    covered = lines.union(*(block.lines for block in inner))
    if covered:
        first = min(covered) if code.co_name == "<module>" else code.co_firstlineno
        # The line of `def` itself runs too, in the block around it.
        own = lines if code.co_name == "<module>" else lines - {code.co_firstlineno} or lines
        yield _Block(code.co_qualname, first, max(covered), own)
    yield from inner
