"""Parse SOQL. The checklist of its forms is the grammar of apex-dev-tools/apex-parser (rule `query`)."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import NoReturn

from circuit_runtime.soql import syntax
from circuit_runtime.soql.dates import COUNTED_LITERALS, PLAIN_LITERALS
from circuit_runtime.soql.tokens import Kind, Token, fail, tokenize, unquote

_COMPARISONS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
_CLAUSES = frozenset(
    {"FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "ALL", "FOR", "UPDATE", "USING"}
)
# Words that begin something else, so that a field that was left out is missed where it should stand.
_NO_NAMES = frozenset({"SELECT", "FROM", "WHERE", "AND", "OR", "NOT"})
_MODES = ("SECURITY_ENFORCED", "SYSTEM_MODE", "USER_MODE")
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
_AMOUNT = re.compile(r"[A-Za-z]{3}\d+")


@lru_cache(maxsize=2048)
def parse(source: str) -> syntax.Query:
    """The syntax tree of a query.

    Raises: SoqlError, with line, column and the token that does not fit.
    """
    parser = QueryParser(source, tokenize(source))
    query = parser.query()
    parser.expect_end()
    return query


class TokenReader:
    """The tokens of one text, read from left to right; brackets stand at most `deepest` within each other."""

    deepest = 20

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self.source = source
        self._tokens = tokens
        self._next = 0
        self._depth = 0

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

    def takes(self, word: str) -> bool:
        """Take one word or sign if it is the next."""
        token = self._tokens[self._next]
        if token.word == word and token.kind in (Kind.NAME, Kind.SIGN):
            self._next += 1
            return True
        return False

    def is_next(self, *words: str) -> bool:
        token = self._tokens[self._next]
        return token.word in words and token.kind in (Kind.NAME, Kind.SIGN)

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

    def refuse(self, message: str) -> NoReturn:
        """Refuse what begins at the next token."""
        fail(self.source, self.token, message)

    def descend(self) -> None:
        """One bracket deeper. Raises: SoqlError, when there are more than a query ever needs."""
        self._depth += 1
        if self._depth > self.deepest:
            self.refuse(f"More than {self.deepest} brackets stand within each other.")

    def ascend(self) -> None:
        self._depth -= 1

    def path(self) -> syntax.FieldPath:
        if self.token.word in _NO_NAMES:
            self.unexpected("a field")
        token = self.expect_name("a field")
        parts = [token.text]
        while self.takes("."):
            parts.append(self.expect_name("a field").text)
        return syntax.FieldPath(tuple(parts), token)


class ConditionParser(TokenReader):
    """Operands, values and conditions."""

    def operand(self) -> syntax.Operand:
        """A field, or a function of one."""
        token = self.token
        if token.kind is Kind.NAME and self.peek().text == "(":
            if token.word in ("DISTANCE", "GEOLOCATION"):
                self.refuse(f"{token.text} measures between places, and no field here holds a place.")
            if token.word == "FORMULA":
                return self._formula()
            self.advance()
            self.advance()
            self.descend()
            argument = None if self.is_next(")") else self.operand()
            self.ascend()
            self.expect(")")
            return syntax.Call(token.word, argument, token)
        return self.path()

    def _formula(self) -> syntax.Formula:
        token = self.advance()
        self.advance()
        text = self.token
        if text.kind is not Kind.STRING:
            self.unexpected("an expression in single quotes")
        self.advance()
        self.expect(")")
        return syntax.Formula(unquote(self.source, text), token)

    def condition(self) -> syntax.Condition:
        """AND and OR cannot be mixed without parentheses: SOQL has no precedence between them."""
        first = self._term()
        if not self.is_next("AND", "OR"):
            return first
        token = self.token
        other = "OR" if token.word == "AND" else "AND"
        parts = [first]
        while self.takes(token.word):
            parts.append(self._term())
        if self.is_next(other):
            self.refuse("AND and OR stand side by side; put parentheses around one of them.")
        return syntax.All(tuple(parts)) if token.word == "AND" else syntax.AnyOf(tuple(parts), token)

    def _term(self) -> syntax.Condition:
        token = self.token
        if token.word == "NOT" and self.takes("NOT"):
            self.descend()
            negated = syntax.Not(self._term(), token)
            self.ascend()
            return negated
        if self.takes("("):
            self.descend()
            condition = self.condition()
            self.ascend()
            self.expect(")")
            return condition
        return self._simple()

    def _simple(self) -> syntax.Condition:
        left = self.operand()
        token = self.token
        if token.kind is Kind.SIGN and token.text in _COMPARISONS:
            self.advance()
            return syntax.Comparison(left, "!=" if token.text == "<>" else token.text, self.scalar())
        if self.takes("LIKE"):
            return self._like(left)
        if self.takes("IN"):
            return syntax.Membership(left, False, self._members())
        if token.word == "NOT" and self.peek().word == "IN":
            self.advance()
            self.advance()
            return syntax.Membership(left, True, self._members())
        if self.is_next("INCLUDES", "EXCLUDES"):
            is_negated = self.advance().word == "EXCLUDES"
            return syntax.Includes(left, is_negated, self._choices())
        self.unexpected("a comparison (=, !=, <, <=, >, >=, LIKE, IN, NOT IN, INCLUDES, EXCLUDES)")

    def _like(self, left: syntax.Operand) -> syntax.Condition:
        token = self.token
        if not self.is_next("("):
            return syntax.Comparison(left, "LIKE", self.scalar())
        patterns = [syntax.Comparison(left, "LIKE", scalar) for scalar in self._scalars()]
        return syntax.AnyOf(tuple(patterns), token)

    def _members(self) -> tuple[syntax.Scalar, ...] | syntax.Bind | syntax.Query:
        if self.token.kind is Kind.BIND:
            token = self.advance()
            return syntax.Bind(token.text, token)
        if self.is_next("(") and self.peek().word == "SELECT":
            return self._sub_query()
        return self._scalars()

    def _sub_query(self) -> syntax.Query:
        self.refuse("A sub-query cannot stand here.")

    def _choices(self) -> tuple[syntax.Scalar, ...]:
        if self.token.kind is Kind.BIND:
            token = self.advance()
            return (syntax.Bind(token.text, token),)
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
                pattern = unquote(self.source, token, as_pattern=True)
                return syntax.Value(unquote(self.source, token), token, pattern)
            case Kind.NUMBER:
                self.advance()
                return syntax.Value(self._number(token, 1), token)
            case Kind.DATE | Kind.DATETIME:
                self.advance()
                return syntax.Value(self._moment(token), token)
            case Kind.TIME:
                self.refuse(f"{token.text} is a time of day, which no field here holds.")
            case Kind.NAME:
                return self._named(token)
        if self.is_next("-", "+") and self.peek().kind is Kind.NUMBER:
            sign = -1 if self.advance().text == "-" else 1
            number = self.advance()
            return syntax.Value(self._number(number, sign), token)
        self.unexpected("a value")

    def _named(self, token: Token) -> syntax.Scalar:
        self.advance()
        word = token.word
        if word in _CONSTANTS:
            return syntax.Value(_CONSTANTS[word], token)
        if word in PLAIN_LITERALS:
            return syntax.DateLiteral(word, 0, token)
        if word in COUNTED_LITERALS:
            return self._counted(token)
        message = f"{token.text!r} is no value; texts stand in single quotes, binds begin with a colon."
        if _AMOUNT.fullmatch(token.text):
            message = f"{token.text} is an amount of another currency; there is one currency here."
        fail(self.source, token, message)

    def _counted(self, token: Token) -> syntax.DateLiteral:
        self.expect(":")
        sign = -1 if self.is_next("-") else 1
        if self.is_next("-", "+"):
            self.advance()
        number = self.token
        if number.kind is not Kind.NUMBER or not number.text.isdigit():
            self.unexpected(f"a whole number after {token.word}:")
        self.advance()
        count = sign * int(number.text)
        if count < 0:
            fail(self.source, number, f"{token.word} takes a number of units, not {count}.")
        return syntax.DateLiteral(token.word, count, token)

    def _moment(self, token: Token) -> dt.date | dt.datetime:
        try:
            if token.kind is Kind.DATE:
                return dt.date.fromisoformat(token.text)
            return dt.datetime.fromisoformat(token.text)
        except ValueError:
            fail(self.source, token, f"{token.text} is no date that there is.")

    def _number(self, token: Token, sign: int) -> int | float:
        if token.text.isdigit() and len(token.text) <= 4_000:
            return sign * int(token.text)
        return sign * float(token.text)


class QueryParser(ConditionParser):
    """A recursive descent over the tokens of one text; also used for the parts of SOSL."""

    def query(self) -> syntax.Query:
        self.expect("SELECT")
        selected = [self.selected()]
        while self.takes(","):
            selected.append(self.selected())
        self.expect("FROM")
        object_token = self.expect_name("an object")
        return syntax.Query(
            source=self.source,
            selected=tuple(selected),
            object_token=object_token,
            alias=self._alias(),
            sources=self._sources(),
            scope=self._scope(),
            where=self.condition() if self.takes("WHERE") else None,
            mode=self._mode(),
            grouping=self._grouping(),
            having=self.condition() if self.takes("HAVING") else None,
            ordering=self.ordering(),
            limit=self.row_number("LIMIT"),
            offset=self.row_number("OFFSET"),
            all_rows=self._all_rows(),
            options=self._options(),
        )

    def _alias(self) -> Token | None:
        if self.token.kind is Kind.NAME and self.token.word not in _CLAUSES:
            return self.advance()
        return None

    def _sources(self) -> tuple[syntax.Source, ...]:
        sources = []
        while self.takes(","):
            relation = self.path()
            alias = self._alias()
            if alias is None:
                self.unexpected(f"a name for {'.'.join(relation.parts)}")
            sources.append(syntax.Source(relation, alias))
        return tuple(sources)

    def _scope(self) -> Token | None:
        if not self.takes("USING"):
            return None
        self.expect("SCOPE")
        return self.expect_name("a scope")

    def _sub_query(self) -> syntax.Query:
        self.expect("(")
        self.descend()
        query = self.query()
        self.ascend()
        self.expect(")")
        return query

    def selected(self) -> syntax.Selected:
        token = self.token
        if self.takes("*"):
            return syntax.SelectedFields("*", token)
        if token.text == "(":
            children = syntax.SelectedChildren(self._sub_query())
            if self.token.kind is Kind.NAME and not self.is_next("FROM"):
                self.refuse("A child sub-query goes by its relation's name; it has no alias.")
            return children
        if token.word == "TYPEOF" and self.peek().kind is Kind.NAME and self.peek().word != "FROM":
            return self._typeof()
        if token.word == "FIELDS" and self.peek().text == "(":
            self.advance()
            self.advance()
            which = self.expect("ALL", "STANDARD", "CUSTOM")
            self.expect(")")
            return syntax.SelectedFields(which.word, token)
        return syntax.SelectedField(self.operand(), None if self.is_next("FROM") else self._alias())

    def _typeof(self) -> syntax.TypeOf:
        token = self.advance()
        relation = self.path()
        branches = []
        while self.takes("WHEN"):
            object_name = self.expect_name("an object")
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

    def _mode(self) -> Token | None:
        if not self.takes("WITH"):
            return None
        if self.is_next("DATA"):
            self.refuse("Data categories belong to knowledge articles, which there are none of here.")
        if self.token.kind is Kind.NAME and not self.is_next(*_MODES) and self.peek().kind is Kind.SIGN:
            self.refuse("WITH holds no condition here; conditions stand in WHERE.")
        return self.expect(*_MODES)

    def _grouping(self) -> syntax.Grouping | None:
        token = self.token
        if not self.takes("GROUP"):
            return None
        self.expect("BY")
        kind = ""
        if self.is_next("ROLLUP", "CUBE") and self.peek().text == "(":
            kind = self.advance().word
            self.advance()
        operands = [self._grouped()]
        while self.takes(","):
            operands.append(self._grouped())
        if kind:
            self.expect(")")
            if self.is_next(","):
                self.refuse(f"{kind} cannot be mixed with other fields in GROUP BY.")
        return syntax.Grouping(tuple(operands), kind, token)

    def _grouped(self) -> syntax.Operand:
        if self.is_next("ROLLUP", "CUBE") and self.peek().text == "(":
            self.refuse(f"{self.token.word} cannot be mixed with other fields in GROUP BY.")
        return self.operand()

    def ordering(self) -> tuple[syntax.Ordering, ...]:
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

    def row_number(self, word: str) -> syntax.Scalar | None:
        if not self.takes(word):
            return None
        token = self.token
        if token.kind is Kind.BIND:
            self.advance()
            return syntax.Bind(token.text, token)
        if token.kind is Kind.NUMBER and token.text.isdigit() and len(token.text) <= 18:
            self.advance()
            return syntax.Value(int(token.text), token)
        self.unexpected(f"a whole number after {word}")

    def _all_rows(self) -> Token | None:
        token = self.token
        if not self.takes("ALL"):
            return None
        self.expect("ROWS")
        return token

    def _options(self) -> tuple[Token, ...]:
        options = []
        while self.takes("FOR"):
            options.append(self.expect("UPDATE", "VIEW", "REFERENCE"))
        if self.is_next("ALL"):
            self.refuse("ALL ROWS cannot stand together with FOR UPDATE.")
        self.statistics()
        return tuple(options)

    def statistics(self) -> None:
        """`UPDATE TRACKING, VIEWSTAT`: counts of article views, which nothing here keeps."""
        if self.takes("UPDATE"):
            self.expect("TRACKING", "VIEWSTAT")
            while self.takes(","):
                self.expect("TRACKING", "VIEWSTAT")
