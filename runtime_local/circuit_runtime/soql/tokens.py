"""Cut SOQL, SOSL and expression texts into tokens that know where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from circuit_runtime.soql.errors import SoqlError


class Kind(Enum):
    NAME = "name"
    STRING = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"
    BIND = "bind"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as it was written; for a bind the name alone."""

    kind: Kind
    text: str
    position: int

    @property
    def word(self) -> str:
        """The text as keywords are compared."""
        return self.text.upper() if self.kind is Kind.NAME else self.text


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)(?![\dT])
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<bind>:\s*[A-Za-z_]\w*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><=|>=|<>|!=|&&|\|\||==|[=<>(),.*+\-/&^:{}!"?])
    """,
    re.VERBOSE,
)
_KINDS = {
    "string": Kind.STRING,
    "datetime": Kind.DATETIME,
    "date": Kind.DATE,
    "number": Kind.NUMBER,
    "name": Kind.NAME,
    "sign": Kind.SIGN,
}
# As in Salesforce. Texts come from scripts, and parsing them is the host's work.
MAX_CHARACTERS = 100_000
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def fail(source: str, token: Token, message: str, code: str = "MALFORMED_QUERY") -> NoReturn:
    """Raise a SoqlError that stands at `token`."""
    before = source[: token.position]
    line = before.count("\n") + 1
    column = token.position - (before.rfind("\n") + 1) + 1
    raise SoqlError(message, line=line, column=column, token=token.text, code=code)


def tokenize(source: str) -> list[Token]:
    """All tokens and an END. Raises: SoqlError, for characters that belong to no token, or too many of them."""
    if len(source) > MAX_CHARACTERS:
        raise SoqlError(f"The text has {len(source):,} characters; at most {MAX_CHARACTERS:,} are allowed.")
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            rest = source[position:]
            what = (
                "The text that begins here is not closed."
                if rest[0] == "'"
                else f"{rest[0]!r} has no meaning here."
            )
            fail(source, Token(Kind.SIGN, rest[:1], position), what)
        group = match.lastgroup
        if group == "bind":
            _refuse_expression(source, match)
            tokens.append(Token(Kind.BIND, match[group][1:].strip(), position))
        elif group != "space":
            tokens.append(Token(_KINDS[group], match[group], position))
        position = match.end()
    tokens.append(Token(Kind.END, "", len(source)))
    return tokens


def _refuse_expression(source: str, match: re.Match[str]) -> None:
    """`:lead.id` would have to run script code; binds are values by name."""
    if source[match.end() : match.end() + 1] in (".", "[", "("):
        token = Token(Kind.BIND, match[0], match.start())
        fail(source, token, f"{match[0]} is followed by an expression; give its value a name and bind that.")


def unquote(text: str, *, keep_wildcards: bool = False) -> str:
    r"""The value of a quoted text. With `keep_wildcards`, `\%` and `\_` keep their backslash for LIKE."""

    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in ("%", "_"):
            return f"\\{escape}" if keep_wildcards else escape
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        return _ESCAPES.get(escape, escape)

    return _ESCAPE.sub(replace, text[1:-1])
