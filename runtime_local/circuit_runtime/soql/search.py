"""SOSL: search texts over several objects.

`FIND {marcus AND tech*} IN ALL FIELDS RETURNING Contact(id, email WHERE … ORDER BY … LIMIT 5), Account`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.soql.parameters import TEXT_TYPES, QueryContext
from circuit_runtime.soql.parser import QueryParser
from circuit_runtime.soql.query import Prepared, prepare
from circuit_runtime.soql.tokens import Kind, Token, fail, tokenize, unquote
from circuit_runtime.store.session import Dialect, Row, Session

_MAX_ROWS = 2_000
_MAX_ROWS_OF_MANY = 250
_SCOPES = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
_BRACES = re.compile(r"\{((?:[^{}\\]|\\.)*)\}", re.DOTALL)
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_SCOPE_TYPES = {"EMAIL": (FieldType.EMAIL,), "PHONE": (FieldType.PHONE,)}


@dataclass(frozen=True, slots=True)
class Search:
    """One object's part of a search: a prepared query and the texts that its records must hold."""

    shape: ResultShape
    _prepared: Prepared
    _binds: Mapping[str, Any]
    _most_rows: int

    def run(self, session: Session, binds: Mapping[str, Any]) -> list[Row]:
        """Raises: SoqlError, for a bind."""
        rows, _children = self._prepared.run(session, {**binds, **self._binds}, self._most_rows)
        return rows


def prepare_search(
    text: str,
    binds: Mapping[str, Any],
    schema: Schema,
    dialect: Dialect,
    context: QueryContext,
    fixed_ids: Sequence[str] | None,
) -> list[Search]:
    """The parts of a SOSL text, in the order of RETURNING.

    Args:
        fixed_ids: ids that a test set as the results; WHERE and LIMIT still apply.

    Raises: SoqlError, with line, column and token.
    """
    find, rest_start = _find_clause(text, binds)
    parser = _SearchParser(text, tokenize(" " * rest_start + text[rest_start:]))
    scope = parser.scope()
    returning = parser.returning()
    parser.expect_end()
    share = min(_MAX_ROWS // max(len(returning), 1), _MAX_ROWS_OF_MANY if len(returning) > 1 else _MAX_ROWS)
    searches = []
    for part in returning:
        item = schema.object(part.object_token.text)
        if item is None:
            fail(text, part.object_token, f"There is no object {part.object_token.text!r}.", "INVALID_TYPE")
        condition, extra = _condition(item, find, scope, fixed_ids)
        prepared = prepare(_query_text(item, part, condition), schema, dialect, context)
        searches.append(Search(prepared.shape, prepared, extra, share))
    return searches


@dataclass(frozen=True, slots=True)
class _Returning:
    object_token: Token
    fields: str
    clauses: str
    where: str


class _SearchParser(QueryParser):
    """What follows the words to find."""

    def scope(self) -> str:
        if not self.takes("IN"):
            return "ALL"
        scope = self.expect(*_SCOPES).word
        self.expect("FIELDS")
        return scope

    def returning(self) -> list[_Returning]:
        self.expect("RETURNING")
        parts = [self._one()]
        while self.takes(","):
            parts.append(self._one())
        return parts

    def _one(self) -> _Returning:
        token = self.expect_name("an object")
        if not self.takes("("):
            return _Returning(token, "id", "", "")
        start = self.token.position
        while not self.is_next("WHERE", "ORDER", "LIMIT", "OFFSET", ")"):
            self._skip()
        fields = self.source[start : self.token.position].strip() or "id"
        where = ""
        if self.takes("WHERE"):
            start = self.token.position
            self.condition()
            where = self.source[start : self.token.position].strip()
        start = self.token.position
        depth = 0
        while depth or not self.is_next(")"):
            depth += {"(": 1, ")": -1}.get(self.token.text, 0)
            self._skip()
        clauses = self.source[start : self.token.position].strip()
        self.expect(")")
        return _Returning(token, fields, clauses, where)

    def _skip(self) -> None:
        if self.token.kind is Kind.END:
            self.unexpected(")")
        self.advance()


def _find_clause(text: str, binds: Mapping[str, Any]) -> tuple[str, int]:
    """The words to find, and where the rest of the text begins."""
    match = re.match(r"\s*FIND\s*", text, re.IGNORECASE)
    if match is None:
        fail(text, Token(Kind.NAME, text.split(" ", 1)[0], 0), "A search begins with FIND.")
    start = match.end()
    if braces := _BRACES.match(text, start):
        return braces[1].strip(), braces.end()
    token = tokenize(text[start:])[0]
    end = start + token.position + len(token.text) + (1 if token.kind is Kind.BIND else 0)
    if token.kind is Kind.STRING:
        return unquote(token.text), end
    if token.kind is Kind.BIND:
        value = binds.get(token.text)
        if not isinstance(value, str):
            fail(text, Token(Kind.BIND, token.text, start), f"The bind :{token.text} must be a text to find.")
        return value, end
    fail(text, Token(token.kind, token.text, start), "The words to find stand in braces, FIND {marcus}.")


def _query_text(item: ObjectType, part: _Returning, condition: str) -> str:
    where = f"({condition}) AND ({part.where})" if part.where else condition
    return f"SELECT {part.fields} FROM {item.name} WHERE {where} {part.clauses}"


def _condition(
    item: ObjectType, find: str, scope: str, fixed_ids: Sequence[str] | None
) -> tuple[str, dict[str, Any]]:
    """A SOQL condition with binds of its own: every word (or, with OR, any) stands in one of the fields."""
    if fixed_ids is not None:
        return "id IN :circuit_fixed", {"circuit_fixed": list(fixed_ids)}
    fields = [found for found in item.fields.values() if _is_searched(found, scope)]
    groups: list[list[str]] = [[]]
    binds: dict[str, Any] = {}
    negated = False
    for phrase, word in _WORD.findall(find):
        upper = word.upper()
        if upper in ("AND", "NOT") and not phrase:
            negated = upper == "NOT"
            continue
        if upper == "OR" and not phrase:
            groups.append([])
            continue
        name = f"circuit_word_{len(binds)}"
        binds[name] = _pattern(phrase or word)
        tests = " OR ".join(f"{found.name} LIKE :{name}" for found in fields) or "id = null"
        groups[-1].append(f"(NOT ({tests}))" if negated else f"({tests})")
        negated = False
    parts = ["(" + " AND ".join(group) + ")" for group in groups if group]
    return " OR ".join(parts) or "id = null", binds


def _is_searched(found: Field, scope: str) -> bool:
    if not found.is_stored or found.system:
        return False
    if scope == "NAME":
        return found.name in ("name", "first_name", "last_name", "subject")
    return found.type in _SCOPE_TYPES.get(scope, tuple(TEXT_TYPES))


def _pattern(word: str) -> str:
    r"""A word as a LIKE pattern: `*` is any text, `?` one character; it may stand anywhere in the field."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "%" + escaped.replace("*", "%").replace("?", "_") + "%"
