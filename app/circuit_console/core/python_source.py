"""What can be said of a Python text without running it: its outline and its problems. Any thread."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from typing import Literal

import msgspec

from circuit_link.host_protocol import Problem

_MOST_CHARACTERS = 1_000_000


class Symbol(msgspec.Struct, frozen=True):
    """A class or function; `line` is that of its `def` or `class`, `end_line` its last. 1-based."""

    name: str
    kind: Literal["class", "function"]
    line: int
    end_line: int
    depth: int


class SourceFacts(msgspec.Struct, frozen=True):
    """What was found in one text.

    Attributes:
        outline: None where the text does not parse: the one before still helps.
        assigned: the plain names that each line's statement assigns, by its 1-based line.
    """

    outline: tuple[Symbol, ...] | None
    problems: tuple[Problem, ...]
    assigned: Mapping[int, tuple[str, ...]] = {}


def facts_of(path: str, text: str) -> SourceFacts:
    """Parse a text and look for names that are not defined or not used."""
    if not path.endswith(".py") or len(text) > _MOST_CHARACTERS:
        return SourceFacts((), ())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text, filename=path)
    except SyntaxError as exc:
        return SourceFacts(None, (_syntax_problem(path, exc),))
    except (ValueError, RecursionError, MemoryError) as exc:
        return SourceFacts(None, (Problem(path=path, line=1, column=0, message=str(exc) or type(exc).__name__),))
    return SourceFacts(tuple(_symbols(tree, 0)), _doubts(path, tree), _assigned(tree))


def enclosing(outline: tuple[Symbol, ...], line: int) -> tuple[Symbol, ...]:
    """The symbols around a line, outermost first."""
    return tuple(symbol for symbol in outline if symbol.line <= line <= symbol.end_line)


def _symbols(node: ast.AST, depth: int) -> list[Symbol]:
    found: list[Symbol] = []
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef():
                found.append(Symbol(child.name, "class", child.lineno, child.end_lineno or child.lineno, depth))
                found.extend(_symbols(child, depth + 1))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.append(Symbol(child.name, "function", child.lineno, child.end_lineno or child.lineno, depth))
                found.extend(_symbols(child, depth + 1))
            case ast.If() | ast.Try() | ast.With():
                found.extend(_symbols(child, depth))
            case _:
                pass
    return found


def _assigned(tree: ast.Module) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign():
                targets: list[ast.expr] = node.targets
            case ast.AnnAssign() | ast.AugAssign() | ast.For() | ast.AsyncFor():
                targets = [node.target]
            case ast.With() | ast.AsyncWith():
                targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
            case _:
                continue
        names = [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        found.setdefault(node.lineno, []).extend(names)
    return {line: tuple(dict.fromkeys(names)) for line, names in found.items() if names}


def _syntax_problem(path: str, error: SyntaxError) -> Problem:
    message = error.msg[:1].upper() + error.msg[1:] if error.msg else "Invalid syntax"
    return Problem(path=path, line=error.lineno or 1, column=error.offset or 0, message=message)


def _doubts(path: str, tree: ast.Module) -> tuple[Problem, ...]:
    # Imported here: it costs the start of the console more than it helps before the window shows.
    from pyflakes.checker import Checker  # type: ignore[import-untyped]  # it ships no types

    checker = Checker(tree, filename=path)
    found = sorted(checker.messages, key=lambda message: (message.lineno, message.col))
    return tuple(
        Problem(
            path=path,
            line=message.lineno,
            column=message.col + 1,
            message=(message.message % message.message_args)[:1].upper()
            + (message.message % message.message_args)[1:],
            severity="warning",
        )
        for message in found
    )
