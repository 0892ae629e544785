"""Which lines of a Python file count as executable: Apex's rules of coverage, mapped to Python.

| Apex | here |
| --- | --- |
| a statement | every line on which an instruction of it stands |
| a statement over several lines counts each | each line with an instruction: an argument's, not a bracket's |
| several statements on one line count once | the line counts once |
| comments, blank lines | no |
| lone `System.debug` | no: a statement that only calls `CircuitLog.<level>(…)`, on all its lines |
| lone braces | no: bare `else:`, `try:`, `finally:` |
| test classes | no: files in `tests/` |
| – | docstrings: no. `def`, `class`, decorators and imports: yes, they run when the module is loaded |
| – | code that the compiler removes (`if False:`, what follows a `return`): no |

The line table of the compiled code decides, so that executed lines, which the tracer takes from the same table,
can never lie outside.
"""

from __future__ import annotations

import ast
import types


def executable_lines(text: str, path: str) -> set[int]:
    """1-based executable lines; empty for a file that does not compile."""
    try:
        tree = ast.parse(text, path)
        code = compile(tree, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return set()
    return _lines_with_code(code) - _lines_that_do_not_count(tree)


def _lines_with_code(code: types.CodeType) -> set[int]:
    lines: set[int] = set()
    pending = [code]
    while pending:
        item = pending.pop()
        lines.update(line for _, _, line in item.co_lines() if line)
        pending += [const for const in item.co_consts if isinstance(const, types.CodeType)]
    return lines


def _lines_that_do_not_count(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if (docstring := _docstring(node)) is not None:
                lines |= _span(docstring)
        elif isinstance(node, ast.Try | ast.TryStar):
            lines.add(node.lineno)
        elif isinstance(node, ast.Expr) and _is_log_call(node.value):
            lines |= _span(node)
    return lines


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.Expr | None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return first
    return None


def _is_log_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "CircuitLog"
    )


def _span(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
