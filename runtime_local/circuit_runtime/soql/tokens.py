"""Cut SOQL, SOSL and expression texts into tokens that know where they stand."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple, NoReturn

from circuit_runtime.soql.errors import SoqlError


class Kind(Enum):
    NAME = "name"
    STRING = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"
    TIME = "time"
    BIND = "bind"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """`text` as it was written, for a bind the name alone; `word` as keywords are compared."""

    kind: Kind
    text: str
    position: int
    word: str


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<STRING>'(?:[^'\\]|\\.)*')
  | (?P<DATETIME>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<DATE>\d{4}-\d\d-\d\d)(?![\dT])
  | (?P<TIME>\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?(?!\w))
  | (?P<NUMBER>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<BIND>:\s*[A-Za-z_]\w*)
  | (?P<NAME>[A-Za-z_]\w*)
  | (?P<SIGN><=|>=|<>|!=|&&|\|\||==|[=<>(),.*+\-/&^:{}!"?])
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {kind.name: kind for kind in Kind}
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


def tokenize(source: str, start: int = 0) -> list[Token]:
    """All tokens from `start` on and an END.

    Raises: SoqlError, for characters that belong to no token, or too many of them.
    """
    if len(source) > MAX_CHARACTERS:
        raise SoqlError(f"The text has {len(source):,} characters; at most {MAX_CHARACTERS:,} are allowed.")
    tokens: list[Token] = []
    position = start
    for match in _TOKEN.finditer(source, start):
        if match.start() != position:
            break
        position = match.end()
        group = match.lastgroup
        if group == "space" or group is None:
            continue
        text = match[group]
        if group == "NAME":
            tokens.append(Token(Kind.NAME, text, match.start(), text.upper()))
        elif group == "BIND":
            _refuse_expression(source, match)
            name = text[1:].strip()
            tokens.append(Token(Kind.BIND, name, match.start(), name))
        else:
            tokens.append(Token(_KINDS[group], text, match.start(), text))
    if position < len(source):
        _refuse_character(source, position)
    tokens.append(Token(Kind.END, "", len(source), ""))
    return tokens


def _refuse_character(source: str, position: int) -> NoReturn:
    character = source[position]
    message = (
        "The text that begins here is not closed." if character == "'" else f"{character!r} has no meaning here."
    )
    fail(source, Token(Kind.SIGN, character, position, character), message)


def _refuse_expression(source: str, match: re.Match[str]) -> None:
    """`:lead.id` would have to run script code; binds are values by name."""
    if source[match.end() : match.end() + 1] in (".", "[", "("):
        token = Token(Kind.BIND, match[0], match.start(), match[0])
        fail(source, token, f"{match[0]} is followed by an expression; give its value a name and bind that.")


def unquote(source: str, token: Token, *, as_pattern: bool = False) -> str:
    r"""The value of a quoted text; with `as_pattern` one for LIKE, in which a backslash keeps `%` and `_` plain.

    Raises: SoqlError, for an escape that SOQL does not have, or half a character.
    """

    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in ("%", "_"):
            return f"\\{escape}" if as_pattern else escape
        if escape == "\\":
            return "\\\\" if as_pattern else escape
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in _ESCAPES:
            place = Token(Kind.STRING, f"\\{escape}", token.position + 1 + match.start(), "")
            fail(source, place, f"\\{escape} is no escape in a text; a backslash itself is written twice.")
        return _ESCAPES[escape]

    value = _ESCAPE.sub(replace, token.text[1:-1])
    if not is_storable(value):
        fail(source, token, "A text holds a character that no record can hold.")
    return value


def is_storable(text: str) -> bool:
    """Whether a database can hold a text: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
