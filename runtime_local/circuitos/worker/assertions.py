"""Makes plain asserts of test files show the values of their operands.

The tree is rewritten before it is compiled; every new node keeps the place of what it replaces, so line numbers,
coverage and stepping stay as the file has them. `assert a == f(b), "why"` becomes, in effect,

    assert (@1 := a) == (@2 := f(b)), explain("a == f(b)", "why", [("a", @1), ("f(b)", @2)])

Operands are evaluated once and in their order; names that start with "@" cannot clash with the script's.
"""

from __future__ import annotations

import ast
import types
from typing import Any

_EXPLAIN = "@explain"
_MAX_VALUE_CHARS = 240


def compile_with_explained_asserts(text: str, path: str) -> types.CodeType:
    """Raises: SyntaxError, as `compile` would."""
    tree = ast.parse(text, path)
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return compile(tree, path, "exec", dont_inherit=True)
    _Rewriter(text).visit(tree)
    _import_explain(tree)
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


def explain(source: str, message: object, operands: dict[str, Any]) -> str:
    """The text of a failed assert: what was asserted, the script's message, and the operands' values."""
    lines = [f"{message}" if message is not None else f"assert {source}"]
    if message is not None:
        lines.append(f"  assert {source}")
    lines += [f"  {name} = {_shown(value)}" for name, value in operands.items()]
    return "\n".join(lines)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, text: str) -> None:
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]
        self._in_class_body = False
        self._count = 0

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._visit_scope(node, in_class_body=True)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visit_scope(node, in_class_body=False)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._visit_scope(node, in_class_body=False)

    def visit_Assert(self, node: ast.Assert) -> ast.AST | list[ast.stmt]:
        if self._in_class_body:
            return node  # a name bound there would become an attribute of the class
        operands: list[tuple[str, str]] = []
        node.test = self._capture_condition(node.test, operands)
        if not operands and node.msg is not None:
            return node
        node.msg = self._explanation(node, operands)
        if len(operands) < 2:
            return node
        return [_forget(operands, node), node]

    def _visit_scope(self, node: ast.AST, *, in_class_body: bool) -> ast.AST:
        outer, self._in_class_body = self._in_class_body, in_class_body
        self.generic_visit(node)
        self._in_class_body = outer
        return node

    def _capture_condition(self, node: ast.expr, operands: list[tuple[str, str]]) -> ast.expr:
        """Bind the parts of a condition that explain its value."""
        match node:
            case ast.BoolOp():
                node.values = [self._capture_condition(value, operands) for value in node.values]
                return node
            case ast.UnaryOp(op=ast.Not()):
                node.operand = self._capture_condition(node.operand, operands)
                return node
            case ast.Compare():
                node.left = self._capture(node.left, operands)
                node.comparators = [self._capture(value, operands) for value in node.comparators]
                return node
            case ast.Call():
                node.args = [
                    self._capture(value, operands) if isinstance(value, ast.Name | ast.Attribute) else value
                    for value in node.args
                ]
                return self._capture(node, operands)
            case _:
                return self._capture(node, operands)

    def _capture(self, node: ast.expr, operands: list[tuple[str, str]]) -> ast.expr:
        if isinstance(node, ast.Starred | ast.Lambda | ast.NamedExpr | ast.Await | ast.Yield) or _is_literal(node):
            return node
        source = self._source(node)
        if not source:
            return node
        self._count += 1
        name = f"@{self._count}"
        operands.append((" ".join(source.split()), name))
        target = ast.copy_location(ast.Name(name, ast.Store()), node)
        return ast.copy_location(ast.NamedExpr(target, node), node)

    def _source(self, node: ast.expr) -> str:
        """The node's text. `ast.get_source_segment` does the same, but splits the whole file at each call."""
        if node.end_lineno is None or node.end_col_offset is None:
            return ""
        lines = self._lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"".join(lines).decode()

    def _explanation(self, node: ast.Assert, operands: list[tuple[str, str]]) -> ast.expr:
        """A call that is evaluated only when the assert fails; operands that were skipped are left out."""
        place = node.msg if node.msg is not None else node.test
        condition = self._source(_without_captures(node.test)) or "…"
        collected = ast.Call(
            ast.Name(f"{_EXPLAIN}_operands", ast.Load()),
            [
                ast.Call(ast.Name("locals", ast.Load()), [], []),
                ast.Tuple(
                    [ast.Tuple([ast.Constant(part) for part in pair], ast.Load()) for pair in operands], ast.Load()
                ),
            ],
            [],
        )
        call = ast.Call(
            ast.Name(_EXPLAIN, ast.Load()),
            [ast.Constant(" ".join(condition.split())), node.msg or ast.Constant(None), collected],
            [],
        )
        for child in ast.walk(call):
            if child is not node.msg and not hasattr(child, "lineno"):
                ast.copy_location(child, place)
        return call


def operands_of(names: dict[str, Any], operands: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The operands that were evaluated, by their source text."""
    values = {source: names.get(name, ...) for source, name in operands}
    return {source: value for source, value in values.items() if value is not ... and not isinstance(value, type)}


def _forget(operands: list[tuple[str, str]], place: ast.stmt) -> ast.stmt:
    """Unset what an earlier pass of a loop left, in case that `and`, `or` or a chain skips an operand now."""
    targets: list[ast.expr] = [ast.Name(name, ast.Store()) for _, name in operands]
    statement = ast.Assign(targets, ast.Constant(...))
    for node in ast.walk(statement):
        ast.copy_location(node, place)
    return statement


def _is_literal(node: ast.expr) -> bool:
    """Whether the source text is as good as the value."""
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _without_captures(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.NamedExpr) else node


def _import_explain(tree: ast.Module) -> None:
    """Bind the helpers after the docstring and the `from __future__` lines, on the line of what follows."""
    first = 0
    for idx, statement in enumerate(tree.body):
        is_docstring = idx == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not (is_docstring or is_future):
            break
        first = idx + 1
    helper = ast.ImportFrom(
        "circuitos.worker.assertions",
        [ast.alias("explain", _EXPLAIN), ast.alias("operands_of", f"{_EXPLAIN}_operands")],
        0,
    )
    place = tree.body[first] if first < len(tree.body) else tree.body[-1]
    line = min([place.lineno, *(item.lineno for item in getattr(place, "decorator_list", ()))])
    for node in ast.walk(helper):
        node.lineno = node.end_lineno = line  # type: ignore[attr-defined]  # only some nodes declare a place
        node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]  # as above
    tree.body.insert(first, helper)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as exc:  # noqa: BLE001 - a script's __repr__ may raise anything
        return f"<{type(value).__name__} whose repr raised {type(exc).__name__}>"
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[: _MAX_VALUE_CHARS - 3]}..."
