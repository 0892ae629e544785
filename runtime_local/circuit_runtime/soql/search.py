"""SOSL: search the texts of several objects.

`FIND {marcus AND tech*} IN NAME FIELDS RETURNING Contact(id, email WHERE … LIMIT 5), Account(id) LIMIT 9`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.soql import syntax
from circuit_runtime.soql.binds import kinds_of
from circuit_runtime.soql.checks import is_aggregate
from circuit_runtime.soql.compiler import compile_query
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.parser import QueryParser
from circuit_runtime.soql.query import Plan, Prepared, plan_of, prepared_with
from circuit_runtime.soql.scope import Scope
from circuit_runtime.soql.search_text import Both, Either, Wanted, Without, parse_wanted
from circuit_runtime.soql.tokens import Kind, Token, fail, is_storable, tokenize, unquote
from circuit_runtime.store.search_index import (
    Part,
    Term,
    ensure_index,
    index_table,
    indexed_fields,
    postgresql_match,
    postgresql_pattern,
    sqlite_match,
    sqlite_pattern,
    weights_of,
)
from circuit_runtime.store.session import Dialect, Row, Session

_MAX_ROWS = 2_000
_MAX_ROWS_OF_MANY = 250
_SCOPES: dict[str, tuple[Part, ...]] = {
    "ALL": tuple(Part),
    "NAME": (Part.NAME,),
    "EMAIL": (Part.EMAIL,),
    "PHONE": (Part.PHONE,),
    "SIDEBAR": tuple(Part),
}
_BRACES = re.compile(r"\{((?:[^{}\\]|\\.)*)\}", re.DOTALL)
_TEXT_OR_BIND = re.compile(r"('(?:[^'\\]|\\.)*')|:\s*([A-Za-z_]\w*)", re.DOTALL)
_FIND = re.compile(r"\s*FIND\b\s*", re.IGNORECASE)
_MEANINGLESS = {
    "DATA": "Data categories belong to knowledge articles, which there are none of here.",
    "DIVISION": "There are no divisions here.",
    "NETWORK": "There are no communities here.",
    "PRICEBOOKID": "There are no price books here.",
    "SNIPPET": "Snippets belong to knowledge articles, which there are none of here.",
    "METADATA": "The labels of what is found stand in the project's objects.",
    "HIGHLIGHT": "What is found is not marked; the script can look for it in the texts.",
    "SPELL_CORRECTION": "Words are found as they are spelled.",
}
_ID = Field(name="id", label="Id", type=FieldType.ID)


@dataclass(frozen=True, slots=True)
class Search:
    """A checked search: a prepared query for each object.

    `limit` is the most rows of all objects together, shared out evenly; None for no such limit. `is_fixed`: a test
    gave the results, and no index is asked.
    """

    shapes: tuple[ResultShape, ...]
    _items: tuple[ObjectType, ...]
    _prepared: tuple[Prepared, ...]
    _limit: int | None
    _is_fixed: bool

    def run(self, session: Session) -> list[list[Row]]:
        """Rows in storage form for each object.

        Raises: SoqlError for a bind, StoreBusy when an index has to be made while another transaction writes.
        """
        many = len(self._prepared) > 1
        share = min(_MAX_ROWS // len(self._prepared), _MAX_ROWS_OF_MANY) if many else _MAX_ROWS
        found = []
        for item, prepared in zip(self._items, self._prepared, strict=True):
            if not self._is_fixed:
                ensure_index(session, item)
            found.append(prepared.run(session, share)[0])
        if self._limit is None:
            return found
        counts = shares([len(rows) for rows in found], self._limit)
        return [rows[:count] for rows, count in zip(found, counts, strict=True)]


def shares(counts: Sequence[int], limit: int) -> list[int]:
    """How many rows of each object a common limit leaves: evenly, what one does not need for the others."""
    left, given = limit, [0] * len(counts)
    for open_objects, (count, place) in enumerate(sorted((count, place) for place, count in enumerate(counts))):
        given[place] = min(count, left // (len(counts) - open_objects))
        left -= given[place]
    return given


def prepare_search(
    text: str,
    binds: Mapping[str, Any],
    schema: Schema,
    dialect: Dialect,
    context: QueryContext,
    fixed_ids: Sequence[str] | None,
) -> Search:
    """Parse, check and compile a SOSL text.

    Args:
        fixed_ids: ids that a test set as the results; WHERE and LIMIT still apply.

    Raises: SoqlError, with line, column and token.
    """
    wanted, rest = _find_clause(text, binds)
    parser = _SearchParser(text, tokenize(text, rest), schema)
    parts = _SCOPES[parser.scope()]
    queries = parser.returning()
    mode = parser.mode()
    limit = parser.row_number("LIMIT")
    parser.statistics()
    parser.expect_end()
    kinds = kinds_of(binds)

    def prepared(query: syntax.Query) -> Prepared:
        def plan(owned: frozenset[str]) -> Plan:
            condition = _fixed(fixed_ids) if fixed_ids is not None else _found(wanted, parts)
            compiled = compile_query(query, schema, dialect, kinds, owned=owned, condition=condition)
            return plan_of(compiled, dialect)

        return prepared_with(plan, binds, context)

    made = tuple(prepared(replace(query, mode=mode)) for query in queries)
    items = tuple(schema.objects[each.shape.object_name] for each in made)
    most = _most_rows(text, limit, binds)
    return Search(tuple(each.shape for each in made), items, made, most, fixed_ids is not None)


class _SearchParser(QueryParser):
    """What follows the words to find."""

    def __init__(self, source: str, tokens: list[Token], schema: Schema) -> None:
        super().__init__(source, tokens)
        self._schema = schema

    def scope(self) -> str:
        if not self.takes("IN"):
            return "ALL"
        scope = self.expect(*_SCOPES).word
        self.expect("FIELDS")
        return scope

    def returning(self) -> list[syntax.Query]:
        token = self.token
        if not self.takes("RETURNING"):
            items = [item for item in self._schema if indexed_fields(item) and not item.is_setup]
            return [self._ids_of(Token(Kind.NAME, item.name, token.position, "")) for item in items]
        queries = [self._one()]
        while self.takes(","):
            queries.append(self._one())
        return queries

    def mode(self) -> Token | None:
        mode = None
        while self.takes("WITH"):
            if self.token.word in _MEANINGLESS:
                self.refuse(_MEANINGLESS[self.token.word])
            mode = self.expect("USER_MODE", "SYSTEM_MODE")
        return mode

    def _one(self) -> syntax.Query:
        token = self.expect_name("an object")
        if not self.takes("("):
            return self._ids_of(token)
        selected = [self.selected()]
        while self.takes(","):
            selected.append(self.selected())
        query = syntax.Query(
            source=self.source,
            selected=tuple(selected),
            object_token=token,
            where=self.condition() if self.takes("WHERE") else None,
            ordering=self._listed(),
            limit=self.row_number("LIMIT"),
            offset=self.row_number("OFFSET"),
        )
        self.expect(")")
        self._check_selected(query)
        return query

    def _check_selected(self, query: syntax.Query) -> None:
        children = next((each for each in query.selected if isinstance(each, syntax.SelectedChildren)), None)
        if children is not None:
            token = children.query.object_token
            fail(self.source, token, "A search finds records without their children; query them by their ids.")
        if is_aggregate(query):
            fail(self.source, query.object_token, "A search finds records; aggregates belong to queries.")

    def _listed(self) -> tuple[syntax.Ordering, ...]:
        if self.is_next("USING"):
            self.refuse("There are no list views here; write their conditions in WHERE.")
        return self.ordering()

    def _ids_of(self, token: Token) -> syntax.Query:
        path = syntax.FieldPath(("id",), token)
        return syntax.Query(self.source, (syntax.SelectedField(path, None),), token)


def _find_clause(text: str, binds: Mapping[str, Any]) -> tuple[Wanted, int]:
    """What to find, and where the rest of the text begins."""
    match = _FIND.match(text)
    if match is None:
        fail(text, Token(Kind.NAME, text.split(" ", 1)[0], 0, ""), "A search begins with FIND.")
    start = match.end()
    if braces := _BRACES.match(text, start):
        return parse_wanted(braces[1], text, start + 1), braces.end()
    token = _first_token(text, start)
    end = text.index(token.text, start) + len(token.text)
    if token.kind is Kind.STRING:
        return parse_wanted(unquote(text, token), text, start + 1), end
    if token.kind is not Kind.BIND:
        fail(text, token, "The words to find stand in braces, FIND {marcus}.")
    value = binds.get(token.text)
    if not isinstance(value, str) or not is_storable(value):
        fail(text, token, f"The bind :{token.text} must be a text to find.")
    return parse_wanted(value, text, start), end


def _first_token(text: str, start: int) -> Token:
    """The quoted text or the bind at `start`; SOSL's own signs after it are not looked at."""
    match = _TEXT_OR_BIND.match(text, start)
    if match is None:
        return Token(Kind.SIGN, text[start : start + 1], start, "")
    if match[1] is not None:
        return Token(Kind.STRING, match[1], start, "")
    return Token(Kind.BIND, match[2], start, "")


def _most_rows(text: str, limit: syntax.Scalar | None, binds: Mapping[str, Any]) -> int | None:
    match limit:
        case syntax.Value():
            return int(limit.value)
        case syntax.Bind():
            value = binds.get(limit.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                fail(text, limit.token, f"{value!r} is no number of rows.")
            return value
        case _:
            return None


def _fixed(ids: Sequence[str]) -> Callable[[Scope], str]:
    def condition(scope: Scope) -> str:
        values = tuple(syntax.Value(each, scope.query.object_token) for each in ids)
        mark = scope.statement.mark(values, _ID, "list")
        return scope.statement.dialect.member(f"{scope.alias}.id", mark, FieldType.ID)

    return condition


def _found(wanted: Wanted, parts: Sequence[Part]) -> Callable[[Scope], str]:
    """The condition that a record holds what is wanted in some parts of its index."""

    def condition(scope: Scope) -> str:
        return _wanted_sql(scope, wanted, parts)

    return condition


def _wanted_sql(scope: Scope, wanted: Wanted, parts: Sequence[Part]) -> str:
    match wanted:
        case Both():
            return "(" + " AND ".join(_wanted_sql(scope, part, parts) for part in wanted.parts) + ")"
        case Either():
            return "(" + " OR ".join(_wanted_sql(scope, part, parts) for part in wanted.parts) + ")"
        case Without():
            return f"(NOT {_wanted_sql(scope, wanted.part, parts)})"
        case Term():
            return _term_sql(scope, wanted, parts)


def _term_sql(scope: Scope, term: Term, parts: Sequence[Part]) -> str:
    """Records whose index holds a term; what the index cannot tell is looked up in its words."""
    is_sqlite = scope.statement.dialect.name == "sqlite"
    table = index_table(scope.item)
    tests = []

    def mark(value: str) -> str:
        return scope.statement.mark(syntax.Value(value, scope.query.object_token), None, "scalar")

    if term.words and is_sqlite:
        tests.append(f"{table} MATCH {mark(sqlite_match(parts, term))}")
    elif term.words:
        tests.append(f"words @@ {mark(postgresql_match(parts, term))}::text::tsquery")
    if term.wildcard is not None and is_sqlite:
        text = " || ' ' || ".join(parts)
        tests.append(f"circuit_regex({text}, {mark(sqlite_pattern(term.wildcard))})")
    elif term.wildcard is not None:
        held = f'unnest(tsvector_to_array(ts_filter(words, {mark(weights_of(parts))}::text::"char"[])))'
        pattern = mark(postgresql_pattern(term.wildcard))
        tests.append(f"EXISTS (SELECT 1 FROM {held} word WHERE word ~ {pattern}::text)")
    return f"{scope.alias}.id IN (SELECT id FROM {table} WHERE {' AND '.join(tests)})"
