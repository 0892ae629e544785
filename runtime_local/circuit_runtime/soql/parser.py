"""Parse SOQL. The checklist of its forms is the grammar of apex-dev-tools/apex-parser (rule `query`)."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NoReturn

from circuit_runtime.soql import syntax
from circuit_runtime.soql.dates import COUNTED_LITERALS, PLAIN_LITERALS
from circuit_runtime.soql.tokens import Kind, Token, fail, tokenize, unquote

_COMPARISONS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
_CLAUSES = frozenset(
    {"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "ALL", "FOR", "UPDATE", "USING"}
)
_MODES = frozenset({"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"})
_OPTIONS = frozenset({"UPDATE", "VIEW", "REFERENCE"})


@lru_cache(maxsize=2048)
def parse(source: str) -> syntax.Query:
    """The syntax tree of a query.

    Raises: SoqlError, with line, column and the token that does not fit.
    """
    parser = QueryParser(source, tokenize(source))
    query = parser.query()
    parser.expect_end()
    return query


class QueryParser:
    """A recursive descent over the tokens of one text; also used for the parts of SOSL."""

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self.source = source
        self._tokens = tokens
        self._next = 0

    # ------------------------------------------------------------------------------------- tokens

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def peek(self, ahead: int = 1) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self._tokens[self._next]
        if token.kind is not Kind.END:
            self._next += 1
        return token

    def takes(self, *words: str) -> bool:
        """Take one word or sign if it is the next."""
        if self.token.kind in (Kind.NAME, Kind.SIGN) and self.token.word in words:
            self.advance()
            return True
        return False

    def is_next(self, *words: str) -> bool:
        return self.token.kind in (Kind.NAME, Kind.SIGN) and self.token.word in words

    def expect(self, *words: str) -> Token:
        if not self.is_next(*words):
            self.unexpected(" or ".join(words))
        return self.advance()

    def expect_name(self, what: str) -> Token:
        if self.token.kind is not Kind.NAME:
            self.unexpected(what)
        return self.advance()

    def expect_end(self) -> None:
        if self.token.kind is not Kind.END:
            self.unexpected("the end of the query")

    def unexpected(self, wanted: str) -> NoReturn:
        found = "the query ends" if self.token.kind is Kind.END else f"{self.token.text!r} stands"
        fail(self.source, self.token, f"Unexpected: {found} where {wanted} is expected.")

    # ------------------------------------------------------------------------------------- query

    def query(self) -> syntax.Query:
        self.expect("SELECT")
        selected = [self._selected()]
        while self.takes(","):
            selected.append(self._selected())
        self.expect("FROM")
        object_token = self.expect_name("an object")
        alias = self._alias()
        scope = ""
        if self.takes("USING"):
            self.expect("SCOPE")
            scope = self.expect_name("a scope").word
        where = self.condition() if self.takes("WHERE") else None
        mode = self._mode()
        grouping = self._grouping()
        having = self.condition() if self.takes("HAVING") else None
        ordering = self._ordering()
        limit = self._row_number("LIMIT")
        offset = self._row_number("OFFSET")
        all_rows = self._all_rows()
        return syntax.Query(
            source=self.source,
            selected=tuple(selected),
            object_token=object_token,
            alias=alias,
            scope=scope,
            where=where,
            mode=mode,
            grouping=grouping,
            having=having,
            ordering=ordering,
            limit=limit,
            offset=offset,
            all_rows=all_rows,
            options=self._options(),
        )

    def _alias(self) -> str | None:
        if self.token.kind is Kind.NAME and self.token.word not in _CLAUSES:
            return self.advance().text
        return None

    def _selected(self) -> syntax.Selected:
        token = self.token
        if self.takes("*"):
            return syntax.SelectedFields("*", token)
        if self.takes("("):
            query = self.query()
            self.expect(")")
            return syntax.SelectedChildren(query)
        if token.word == "TYPEOF" and self.peek().kind is Kind.NAME:
            return self._typeof()
        if token.word == "FIELDS" and self.peek().text == "(":
            self.advance()
            self.advance()
            which = self.expect("ALL", "STANDARD", "CUSTOM")
            self.expect(")")
            return syntax.SelectedFields(which.word, token)
        operand = self.operand()
        alias = self._alias() if self.token.word not in ("FROM",) else None
        return syntax.SelectedField(operand, alias)

    def _typeof(self) -> syntax.TypeOf:
        token = self.advance()
        relation = self.expect_name("a relation").text
        branches = []
        while self.takes("WHEN"):
            object_name = self.expect_name("an object").text
            self.expect("THEN")
            branches.append((object_name, self._paths()))
        if not branches:
            self.unexpected("WHEN")
        otherwise = self._paths() if self.takes("ELSE") else ()
        self.expect("END")
        return syntax.TypeOf(relation, tuple(branches), otherwise, token)

    def _paths(self) -> tuple[syntax.FieldPath, ...]:
        paths = [self.path()]
        while self.takes(","):
            paths.append(self.path())
        return tuple(paths)

    def operand(self) -> syntax.Operand:
        """A field, or a function of one."""
        token = self.token
        if token.kind is Kind.NAME and self.peek().text == "(":
            self.advance()
            self.advance()
            argument = None if self.is_next(")") else self.operand()
            self.expect(")")
            return syntax.Call(token.word, argument, token)
        return self.path()

    def path(self) -> syntax.FieldPath:
        token = self.expect_name("a field")
        parts = [token.text]
        while self.takes("."):
            parts.append(self.expect_name("a field").text)
        return syntax.FieldPath(tuple(parts), token)

    def _mode(self) -> str:
        if not self.takes("WITH"):
            return ""
        if self.is_next("DATA"):
            fail(
                self.source,
                self.token,
                "Data categories belong to knowledge articles, which there are none of here.",
            )
        return self.expect(*sorted(_MODES)).word

    def _grouping(self) -> syntax.Grouping | None:
        token = self.token
        if not self.takes("GROUP"):
            return None
        self.expect("BY")
        kind = ""
        if self.token.word in ("ROLLUP", "CUBE") and self.peek().text == "(":
            kind = self.advance().word
            self.advance()
        operands = [self.operand()]
        while self.takes(","):
            operands.append(self.operand())
        if kind:
            self.expect(")")
            if self.is_next(","):
                fail(self.source, self.token, f"{kind} cannot be mixed with other fields in GROUP BY.")
        return syntax.Grouping(tuple(operands), kind, token)

    def _ordering(self) -> tuple[syntax.Ordering, ...]:
        if not self.takes("ORDER"):
            return ()
        self.expect("BY")
        orderings = [self._one_ordering()]
        while self.takes(","):
            orderings.append(self._one_ordering())
        return tuple(orderings)

    def _one_ordering(self) -> syntax.Ordering:
        operand = self.operand()
        is_descending = self.takes("DESC")
        if not is_descending:
            self.takes("ASC")
        nulls_last = False
        if self.takes("NULLS"):
            nulls_last = self.expect("FIRST", "LAST").word == "LAST"
        return syntax.Ordering(operand, is_descending, nulls_last)

    def _row_number(self, word: str) -> syntax.Scalar | None:
        if not self.takes(word):
            return None
        token = self.token
        if token.kind is Kind.BIND:
            self.advance()
            return syntax.Bind(token.text, token)
        if token.kind is Kind.NUMBER and token.text.isdigit():
            self.advance()
            return syntax.Value(int(token.text), token)
        self.unexpected(f"a whole number after {word}")

    def _all_rows(self) -> bool:
        if self.takes("ALL"):
            self.expect("ROWS")
            return True
        return False

    def _options(self) -> tuple[str, ...]:
        options = []
        while self.is_next("FOR", "UPDATE"):
            if self.takes("FOR"):
                options.append(self.expect(*sorted(_OPTIONS)).word)
            else:
                self.advance()
                self.expect("TRACKING", "VIEWSTAT")
        if self.takes("ALL"):
            fail(self.source, self.token, "ALL ROWS cannot stand together with FOR UPDATE.")
        return tuple(options)

    # ------------------------------------------------------------------------------------- conditions

    def condition(self) -> syntax.Condition:
        """AND and OR cannot be mixed without parentheses: SOQL has no precedence between them."""
        first = self._term()
        for word, other, kind in (("AND", "OR", syntax.All), ("OR", "AND", syntax.AnyOf)):
            if self.is_next(word):
                parts = [first]
                while self.takes(word):
                    parts.append(self._term())
                if self.is_next(other):
                    fail(
                        self.source,
                        self.token,
                        "AND and OR stand side by side; put parentheses around one of them.",
                    )
                return kind(tuple(parts))
        return first

    def _term(self) -> syntax.Condition:
        token = self.token
        if self.takes("NOT"):
            return syntax.Not(self._term(), token)
        if self.takes("("):
            condition = self.condition()
            self.expect(")")
            return condition
        return self._simple()

    def _simple(self) -> syntax.Condition:
        left = self.operand()
        if self.token.kind is Kind.SIGN and self.token.text in _COMPARISONS:
            operator = self.advance().text
            return syntax.Comparison(left, "!=" if operator == "<>" else operator, self.scalar())
        if self.takes("LIKE"):
            return syntax.Comparison(left, "LIKE", self.scalar())
        if self.takes("IN"):
            return syntax.Membership(left, False, self._members())
        if self.is_next("NOT") and self.peek().word == "IN":
            self.advance()
            self.advance()
            return syntax.Membership(left, True, self._members())
        if self.is_next("INCLUDES", "EXCLUDES"):
            is_negated = self.advance().word == "EXCLUDES"
            return syntax.Includes(left, is_negated, self._scalars())
        self.unexpected("a comparison (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES)")

    def _members(self) -> tuple[syntax.Scalar, ...] | syntax.Bind | syntax.Query:
        if self.token.kind is Kind.BIND:
            token = self.advance()
            return syntax.Bind(token.text, token)
        if self.is_next("(") and self.peek().word == "SELECT":
            self.advance()
            query = self.query()
            self.expect(")")
            return query
        return self._scalars()

    def _scalars(self) -> tuple[syntax.Scalar, ...]:
        self.expect("(")
        scalars = [self.scalar()]
        while self.takes(","):
            scalars.append(self.scalar())
        self.expect(")")
        return tuple(scalars)

    def scalar(self) -> syntax.Scalar:
        """A literal, a bind, or a date literal."""
        token = self.token
        match token.kind:
            case Kind.BIND:
                self.advance()
                return syntax.Bind(token.text, token)
            case Kind.STRING:
                self.advance()
                return syntax.Value(unquote(token.text), token, unquote(token.text, keep_wildcards=True))
            case Kind.NUMBER:
                self.advance()
                return syntax.Value(_number(token.text), token)
            case Kind.DATE | Kind.DATETIME:
                self.advance()
                return syntax.Value(self._moment(token), token)
            case Kind.NAME:
                return self._named(token)
        if self.is_next("-", "+") and self.peek().kind is Kind.NUMBER:
            sign = -1 if self.advance().text == "-" else 1
            return syntax.Value(sign * _number(self.advance().text), token)
        self.unexpected("a value")

    def _named(self, token: Token) -> syntax.Scalar:
        self.advance()
        word = token.word
        if word in ("TRUE", "FALSE", "NULL"):
            return syntax.Value({"TRUE": True, "FALSE": False, "NULL": None}[word], token)
        if word in PLAIN_LITERALS:
            return syntax.DateLiteral(word, 0, token)
        if word in COUNTED_LITERALS:
            self.expect(":")
            number = self.token
            if number.kind is not Kind.NUMBER or not number.text.isdigit():
                self.unexpected(f"a whole number after {word}:")
            self.advance()
            return syntax.DateLiteral(word, int(number.text), token)
        fail(
            self.source,
            token,
            f"{token.text!r} is no value; texts stand in single quotes, binds begin with a colon.",
        )

    def _moment(self, token: Token) -> dt.date | dt.datetime:
        try:
            if token.kind is Kind.DATE:
                return dt.date.fromisoformat(token.text)
            return dt.datetime.fromisoformat(token.text)
        except ValueError:
            fail(self.source, token, f"{token.text} is no date that there is.")


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)
