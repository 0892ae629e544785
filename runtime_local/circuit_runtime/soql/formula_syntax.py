"""Parse the expression language of formulas, validation rules, field updates and roll-up filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from circuit_runtime.soql.parser import ConditionParser
from circuit_runtime.soql.syntax import FieldPath, Value
from circuit_runtime.soql.tokens import Kind, Token, fail, tokenize

_COMPARISONS = {"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# Each bracket takes a dozen calls of the parser.
_DEEPEST = 40
_LARGEST_NUMBER = 1e100
# What SQLite reads, which has no more than a hundred places for what is still open; each operator takes some.
DEEPEST_TREE = 40
_ARITHMETIC = frozenset({"+", "-", "*", "/", "NEGATIVE"})
_PLACES = {**dict.fromkeys(_ARITHMETIC, 1), "IF": 3, "MIN": 3, "MAX": 3, "CASE": 5}


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator with its arguments; `&`, AND, OR and IF take all of a chain."""

    name: str
    arguments: tuple[Node, ...]
    token: Token


Node = FieldPath | Value | Apply


def places_of(node: Apply) -> int:
    """By how much a function or operator makes an expression deeper."""
    return _PLACES.get(node.name, 2)


@lru_cache(maxsize=1024)
def parse_expression(source: str) -> Node:
    """The syntax tree of an expression.

    Raises: SoqlError, with line, column and token.
    """
    return _ExpressionParser(source, tokenize(source)).whole()


class _ExpressionParser(ConditionParser):
    """Precedence, lowest first: OR, AND, NOT, comparison, &, + -, * /, sign, ^."""

    deepest = _DEEPEST

    def whole(self) -> Node:
        node = self._or()
        if self.token.kind is not Kind.END:
            self.unexpected("the end of the expression")
        self._check_depth(node, 0)
        return node

    def _check_depth(self, node: Node, depth: int) -> None:
        if isinstance(node, Apply):
            depth += places_of(node)
            if depth > DEEPEST_TREE:
                fail(self.source, node.token, "Too many functions and operators stand within each other.")
            for argument in node.arguments:
                self._check_depth(argument, depth)

    def _or(self) -> Node:
        return self._list(self._and, "OR", "||")

    def _and(self) -> Node:
        return self._list(self._not, "AND", "&&")

    def _not(self) -> Node:
        token = self.token
        if self.is_next("!") or (self.is_next("NOT") and self.peek().text != "("):
            self.advance()
            return Apply("NOT", (self._deeper(self._not),), token)
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._concatenation()
        token = self.token
        if token.kind is Kind.SIGN and token.text in _COMPARISONS:
            self.advance()
            return Apply(_COMPARISONS[token.text], (left, self._concatenation()), token)
        return left

    def _concatenation(self) -> Node:
        return self._list(self._sum, "&")

    def _sum(self) -> Node:
        return self._chain(self._product, {"+": "+", "-": "-"})

    def _product(self) -> Node:
        return self._chain(self._power, {"*": "*", "/": "/"})

    def _power(self) -> Node:
        return self._chain(self._signed, {"^": "^"})

    def _signed(self) -> Node:
        token = self.token
        if self.takes("-"):
            return Apply("NEGATIVE", (self._deeper(self._signed),), token)
        return self._primary()

    def _list(self, part: Callable[[], Node], *signs: str) -> Node:
        """All that stands between signs of one kind; the first of `signs` is its name."""
        token = self.token
        parts = [part()]
        while self.token.kind in (Kind.SIGN, Kind.NAME) and self.token.word in signs:
            token = self.advance()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Apply(signs[0], tuple(parts), token)

    def _chain(self, part: Callable[[], Node], names: Mapping[str, str]) -> Node:
        node = part()
        while self.token.kind is Kind.SIGN and self.token.text in names:
            token = self.advance()
            node = Apply(names[token.text], (node, part()), token)
        return node

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self.descend()
        node = part()
        self.ascend()
        return node

    def _primary(self) -> Node:
        token = self.token
        if self.takes("("):
            node = self._deeper(self._or)
            self.expect(")")
            return node
        if token.kind is Kind.NAME and self.peek().text == "(":
            return self._call()
        if token.kind is Kind.NAME and token.word not in ("TRUE", "FALSE", "NULL"):
            return self.path()
        if token.text == '"':
            fail(self.source, token, "Texts stand in single quotes.")
        value = self.scalar()
        if not isinstance(value, Value):
            fail(self.source, token, "Only literals and fields can stand here.")
        if isinstance(value.value, int | float) and abs(value.value) > _LARGEST_NUMBER:
            fail(self.source, token, "This number is too large to compute with.")
        return value

    def _call(self) -> Node:
        token = self.advance()
        self.advance()
        arguments: list[Node] = []
        if not self.is_next(")"):
            arguments.append(self._deeper(self._or))
            while self.takes(","):
                arguments.append(self._deeper(self._or))
        self.expect(")")
        if token.word == "IF":
            return self._if(token, arguments)
        return Apply(token.word, tuple(arguments), token)

    def _if(self, token: Token, arguments: list[Node]) -> Node:
        """`IF(a, x, IF(b, y, z))` is one call with all the choices: such chains can be long."""
        if len(arguments) != 3:
            fail(self.source, token, f"IF takes 3 arguments, not {len(arguments)}.")
        otherwise = arguments[2]
        if isinstance(otherwise, Apply) and otherwise.name == "IF":
            arguments[2:] = otherwise.arguments
        return Apply("IF", tuple(arguments), token)
