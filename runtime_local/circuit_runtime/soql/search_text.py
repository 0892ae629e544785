"""The words to find of a search: `marcus AND (tech* OR "new york") AND NOT jones`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from circuit_runtime.soql.tokens import Kind, Token, fail
from circuit_runtime.store.search_index import Term, words_of

_PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()])|((?:[^\s()"\\]|\\.)+))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_DEEPEST = 15


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Without:
    part: Wanted


Wanted = Term | Both | Either | Without


class _Part(NamedTuple):
    kind: str
    text: str
    position: int


def parse_wanted(text: str, source: str, start: int) -> Wanted:
    """Words side by side are all wanted; AND binds closer than OR.

    Args:
        source, start: the whole search and where `text` begins in it, for errors; a text that came by a bind has
            its bind's place throughout.

    Raises: SoqlError.
    """
    return _WantedParser(text, source, start).whole()


class _WantedParser:
    def __init__(self, text: str, source: str, start: int) -> None:
        self._source = source
        self._start = start
        self._is_written = source[start : start + len(text)] == text
        self._parts = self._cut(text)
        self._next = 0
        self._depth = 0

    def whole(self) -> Wanted:
        wanted = self._either()
        if self._next < len(self._parts):
            self._refuse(self._parts[self._next], "A bracket is closed that was not opened.")
        return wanted

    def _cut(self, text: str) -> list[_Part]:
        parts: list[_Part] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _PART.match(text, position)
            if match is None:
                self._refuse(_Part("", text[position], position), "The quotation that begins here is not closed.")
            kind = ("phrase", "sign", "word")[(match.lastindex or 1) - 1]
            parts.append(_Part(kind, match[match.lastindex or 1], match.start(match.lastindex or 1)))
            position = match.end()
        if not parts:
            self._refuse(_Part("", "", 0), "There is nothing to find between the braces.")
        return parts

    def _either(self) -> Wanted:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Wanted:
        parts = [self._one()]
        while self._next < len(self._parts) and not self._is_next("OR", ")"):
            self._takes("AND")
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Wanted:
        if self._next >= len(self._parts):
            self._refuse(self._parts[-1], "A word to find is missing after this.")
        part = self._parts[self._next]
        self._next += 1
        if part.kind == "phrase":
            return self._term(part)
        if part.kind == "sign":
            return self._bracket(part)
        if part.text.upper() == "NOT":
            return Without(self._deeper(part, self._one))
        if part.text.upper() in ("AND", "OR"):
            self._refuse(part, f"{part.text} stands between two words.")
        return self._term(part)

    def _bracket(self, part: _Part) -> Wanted:
        if part.text == ")":
            self._refuse(part, "A bracket is closed before anything stands in it.")
        inner = self._deeper(part, self._either)
        if not self._takes(")"):
            self._refuse(part, "The bracket that begins here is not closed.")
        return inner

    def _deeper(self, part: _Part, parse: Callable[[], Wanted]) -> Wanted:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(part, f"More than {_DEEPEST} brackets and NOTs stand within each other.")
        wanted = parse()
        self._depth -= 1
        return wanted

    def _term(self, part: _Part) -> Term:
        """A word, or words side by side where a sign cuts it (`ada@example.com`)."""
        plain = _ESCAPED.sub(" ", part.text)
        wild = min((place for sign in "*?" if (place := plain.find(sign)) >= 0), default=-1)
        is_prefix = wild == len(plain) - 1 and plain.endswith("*")
        words = words_of(_ESCAPED.sub(r"\1", part.text))
        if not words:
            self._refuse(part, f"{part.text!r} holds no letter or digit to find.")
        if wild < 0 or is_prefix:
            return Term(tuple(words), is_prefix)
        if part.kind == "phrase" or len(words_of(plain.replace("*", "a").replace("?", "a"))) > 1:
            self._refuse(part, "Within a phrase * stands at the end only.")
        return Term(tuple(words_of(plain[:wild])), True, plain.lower())

    def _is_next(self, *texts: str) -> bool:
        part = self._parts[self._next]
        return part.kind != "phrase" and part.text.upper() in texts

    def _takes(self, text: str) -> bool:
        if self._next < len(self._parts) and self._is_next(text):
            self._next += 1
            return True
        return False

    def _refuse(self, part: _Part, message: str) -> NoReturn:
        position = self._start + (part.position if self._is_written else 0)
        fail(self._source, Token(Kind.SIGN, part.text, position, part.text), message)
