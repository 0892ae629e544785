"""SOQL as text for people: tokens to colour, and the place of an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

TokenKind = Literal["keyword", "function", "text", "number", "bind", "comment"]

_KEYWORDS = (
    "select from where and or not in like order by asc desc nulls first last limit offset group having "
    "rollup cube includes excludes typeof when then else end using scope with for update view reference "
    "all rows true false null find returning security_enforced user_mode system_mode yesterday today "
    "tomorrow last_week this_week next_week last_month this_month next_month last_90_days next_90_days "
    "this_quarter last_quarter next_quarter this_year last_year next_year "
)
_TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'?)
      | (?P<date>\b\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)
      | (?P<number>\b\d+(?:\.\d+)?\b)
      | (?P<bind>:\s*[A-Za-z_]\w*)
      | (?P<word>[A-Za-z_]\w*)""",
    re.VERBOSE,
)
_CALL = re.compile(r"\s*\(")
_PLACE_SUFFIX = re.compile(r"\s*\(line \d+, column \d+\)\s*$")
_KEYWORD_SET = frozenset(_KEYWORDS.split())


class Token(NamedTuple):
    start: int
    length: int
    kind: TokenKind


def tokens(line: str) -> Iterator[Token]:
    """What is coloured in one line; plain names are left out."""
    for match in _TOKEN.finditer(line):
        kind = _kind(match, line)
        if kind is not None:
            yield Token(match.start(), match.end() - match.start(), kind)


def _kind(match: re.Match[str], line: str) -> TokenKind | None:
    match match.lastgroup:
        case "text":
            return "text"
        case "number" | "date":
            return "number"
        case "bind":
            return "bind"
        case _:
            if match[0].lower() in _KEYWORD_SET:
                return "keyword"
            return "function" if _CALL.match(line, match.end()) else None


@dataclass(frozen=True)
class QueryError:
    """Why a query was refused.

    `start` and `length` are the bad token's in the text, in characters; length 0 for no place. `offset` is its
    start within `line_text`.
    """

    sentence: str
    start: int = 0
    length: int = 0
    line_text: str = ""
    offset: int = 0

    @property
    def caret(self) -> str:
        """To stand below `line_text` where all letters are of one width."""
        return " " * self.offset + "^" * self.length


def locate(text: str, message: str, line: int, column: int) -> QueryError:
    """Find the bad token of an error at 1-based `line` and `column`; 0 where it has no place."""
    sentence = _PLACE_SUFFIX.sub("", message)
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return QueryError(sentence)
    line_text = lines[line - 1]
    offset = max(0, min(column - 1, len(line_text)))
    match = _TOKEN.match(line_text, offset)
    length = match.end() - offset if match else 1
    start = sum(len(before) + 1 for before in lines[: line - 1]) + offset
    return QueryError(sentence, start, length, line_text, offset)
