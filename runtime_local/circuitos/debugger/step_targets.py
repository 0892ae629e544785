"""The calls on a line that a step into can be sent to."""

from __future__ import annotations

import ast
import linecache
import types
from functools import lru_cache

from circuit_link.debug_wire import StepTarget


def step_targets(frame: types.FrameType, line: int) -> list[StepTarget]:
    """In the order in which they are called, as far as the text tells: inner ones first."""
    path = frame.f_code.co_filename
    return [target for target in _calls(path, "".join(linecache.getlines(path))) if target.line == line]


@lru_cache(maxsize=64)
def _calls(path: str, text: str) -> tuple[StepTarget, ...]:
    try:
        tree = ast.parse(text, path)
    except SyntaxError:
        return ()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls.sort(key=lambda node: (node.end_lineno or 0, node.end_col_offset or 0))
    return tuple(target for node in calls if (target := _target(node)) is not None)


def _target(node: ast.Call) -> StepTarget | None:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            pass
        case _:
            return None
    return StepTarget(
        name=name,
        label=f"{ast.unparse(node.func)}(…)" if node.args or node.keywords else f"{ast.unparse(node.func)}()",
        line=node.lineno,
        column=node.col_offset + 1,
        end_line=node.end_lineno or node.lineno,
        end_column=(node.end_col_offset or node.col_offset) + 1,
    )
