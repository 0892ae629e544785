"""Conditions of WHERE and HAVING as SQL.

A condition is true or false, never unknown: what is compared with null is false, and NOT makes it true. SQL's
own unknown serves as false where no NOT stands above it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.soql import syntax
from circuit_runtime.soql.binds import BindKind
from circuit_runtime.soql.operands import plain_term
from circuit_runtime.soql.parameters import DATE_TYPES, FOLDED_TYPES, ID_TYPES, TEXT_TYPES
from circuit_runtime.soql.scope import Scope
from circuit_runtime.soql.statement import Term
from circuit_runtime.soql.tokens import fail

_LONGEST_CHAIN = 500
_FILTER_OPERATOR = "INVALID_QUERY_FILTER_OPERATOR"
TermOf = Callable[[Scope, syntax.Operand], Term]


def where_sql(scope: Scope, extra: str = "") -> str:
    """The WHERE clause of a SELECT: alive, allowed, asked for, and `extra`."""
    statement, query = scope.statement, scope.query
    parts = [extra] if extra else []
    if not statement.all_rows:
        parts.append(f"NOT {scope.alias}.is_deleted")
    if query.where is not None:
        parts.append(Conditions(scope, plain_term).sql(query.where))
    is_mine = query.scope is not None and query.scope.word == "MINE"
    owner = scope.item.field("owner")
    if is_mine and owner is None:
        assert query.scope is not None
        fail(query.source, query.scope, f"{scope.item.name} has no owner, so none of it is yours.")
    if owner is not None and (is_mine or scope.item.name in statement.owned):
        parts.append(f'{scope.alias}."{owner.name}" = {statement.mark(None, owner, "user")}')
    return f" WHERE {' AND '.join(parts)}" if parts else ""


class Conditions:
    """Conditions within one SELECT; `term_of` says what an operand is there."""

    def __init__(self, scope: Scope, term_of: TermOf) -> None:
        self._scope = scope
        self._term_of = term_of
        self._statement = scope.statement
        self._dialect = scope.statement.dialect
        self._source = scope.query.source

    def sql(self, condition: syntax.Condition) -> str:
        match condition:
            case syntax.All():
                return _joined([self.sql(part) for part in condition.parts], " AND ")
            case syntax.AnyOf():
                return _joined([self.sql(part) for part in condition.parts], " OR ")
            case syntax.Not():
                return f"({self.sql(condition.part)} IS NOT TRUE)"
            case syntax.Comparison():
                return self._comparison(condition)
            case syntax.Membership():
                return self._membership(condition)
            case syntax.Includes():
                return self._includes(condition)

    # ------------------------------------------------------------------------------------- comparisons

    def _comparison(self, condition: syntax.Comparison) -> str:
        term = self._term_of(self._scope, condition.left)
        right = condition.right
        if condition.operator == "LIKE":
            return self._like(term, right)
        if isinstance(right, syntax.DateLiteral):
            return self._span(term, condition.operator, right)
        self._check_literal(term.field, condition.operator, right)
        if self._is_null(right, condition.operator):
            return self._null_test(term, condition.operator, right)
        mark = self._statement.mark(right, term.field, "scalar")
        if term.field.type is FieldType.BOOLEAN:
            return self._dialect.compare(self._boolean(term), condition.operator, mark)
        if _is_folded(term.field):
            is_wide = self._statement.is_wide(right)
            return self._dialect.compare_text(term.sql, condition.operator, mark, is_wide)
        return self._dialect.compare(term.sql, condition.operator, mark)

    def _is_null(self, right: syntax.Scalar, operator: str) -> bool:
        """An empty text equals null, as it is stored."""
        empty_is_null = operator in ("=", "!=")
        match right:
            case syntax.Value():
                return right.value is None or (empty_is_null and right.value == "")
            case syntax.Bind():
                kind = self._statement.kind(right)
                return kind is BindKind.NULL or (empty_is_null and kind is BindKind.EMPTY)
            case _:
                return False

    def _boolean(self, term: Term) -> str:
        """A checkbox is never null in SOQL: that of a missing parent is false."""
        return self._dialect.truth(term.sql) if term.is_optional else term.sql

    def _null_test(self, term: Term, operator: str, right: syntax.Scalar) -> str:
        if operator not in ("=", "!="):
            fail(self._source, right.token, f"null cannot be compared with {operator}.", _FILTER_OPERATOR)
        if term.field.type is FieldType.BOOLEAN:
            return f"({'NOT ' if operator == '=' else ''}{self._dialect.truth(term.sql)})"
        return f"({term.sql} IS {'NOT ' if operator == '!=' else ''}NULL)"

    def _check_literal(self, field: Field, operator: str, right: syntax.Scalar) -> None:
        """A quoted number or date is a mistake in SOQL; binds are converted instead."""
        kind = field.type
        has_no_order = kind in (FieldType.BOOLEAN, FieldType.MULTIPICKLIST) and operator not in ("=", "!=")
        is_null = self._is_null(right, "=")
        if (has_no_order or kind is FieldType.JSON) and not is_null:
            message = f"{field.name} is {kind.value}, which {operator} does not compare."
            fail(self._source, right.token, message, _FILTER_OPERATOR)
        if isinstance(right, syntax.Value) and not _is_written_as(kind, right.value):
            message = f"{field.name} is {kind.value}; {right.token.text} is not written as one."
            fail(self._source, right.token, message, _FILTER_OPERATOR)

    def _like(self, term: Term, right: syntax.Scalar) -> str:
        if term.field.type not in TEXT_TYPES:
            message = f"LIKE compares texts; {term.field.name} is {term.field.type.value}."
            fail(self._source, right.token, message, _FILTER_OPERATOR)
        is_text = isinstance(right, syntax.Value) and isinstance(right.value, str)
        if not is_text and not isinstance(right, syntax.Bind):
            fail(self._source, right.token, "LIKE takes a pattern in single quotes.", _FILTER_OPERATOR)
        is_wide = self._statement.is_wide(right)
        if isinstance(right, syntax.Bind) and self._statement.kind(right).is_list:
            return self._dialect.like_any(term.sql, self._statement.mark(right, term.field, "patterns"), is_wide)
        return self._dialect.like(term.sql, self._statement.mark(right, term.field, "pattern"), is_wide)

    def _span(self, term: Term, operator: str, literal: syntax.DateLiteral) -> str:
        if term.field.type not in DATE_TYPES:
            message = f"{literal.name} is a date; {term.field.name} is {term.field.type.value}."
            fail(self._source, literal.token, message, _FILTER_OPERATOR)
        sql = term.sql

        def first() -> str:
            return self._statement.mark(literal, term.field, "first")

        def end() -> str:
            return self._statement.mark(literal, term.field, "end")

        match operator:
            case "=":
                return f"({sql} >= {first()} AND {sql} < {end()})"
            case "!=":
                return f"({sql} IS NULL OR {sql} < {first()} OR {sql} >= {end()})"
            case "<":
                return f"({sql} < {first()})"
            case "<=":
                return f"({sql} < {end()})"
            case ">":
                return f"({sql} >= {end()})"
            case _:
                return f"({sql} >= {first()})"

    # ------------------------------------------------------------------------------------- lists

    def _membership(self, condition: syntax.Membership) -> str:
        term = self._term_of(self._scope, condition.left)
        members = condition.members
        if isinstance(members, syntax.Query):
            return self._semi_join(condition, term, members)
        scalars = members if isinstance(members, tuple) else (members,)
        spans = [scalar for scalar in scalars if isinstance(scalar, syntax.DateLiteral)]
        plain = tuple(scalar for scalar in scalars if not isinstance(scalar, syntax.DateLiteral))
        operator, joint = ("!=", " AND ") if condition.is_negated else ("=", " OR ")
        parts = [self._span(term, operator, literal) for literal in spans]
        if plain:
            parts.append(self._plain_membership(term, plain, is_negated=condition.is_negated))
        return f"({joint.join(parts)})"

    def _plain_membership(self, term: Term, scalars: tuple[syntax.Scalar, ...], *, is_negated: bool) -> str:
        for scalar in scalars:
            self._check_literal(term.field, "=", scalar)
        statement, field = self._statement, term.field
        is_wide = any(statement.is_wide(scalar) for scalar in scalars)
        mark = statement.mark(scalars, field, "list", is_wide)
        sql = self._boolean(term) if field.type is FieldType.BOOLEAN else term.sql
        if _is_folded(field):
            inside = self._dialect.member_text(sql, mark, is_wide)
        else:
            inside = self._dialect.member(sql, mark, field.type)
        if all(isinstance(scalar, syntax.Value) and scalar.value is not None for scalar in scalars):
            return f"({sql} IS NULL OR NOT {inside})" if is_negated else inside
        null = self._dialect.flag(statement.mark(scalars, field, "has_null"))
        if is_negated:
            return f"(CASE WHEN {sql} IS NULL THEN NOT {null} ELSE NOT {inside} END)"
        return f"({inside} OR ({sql} IS NULL AND {null}))"

    def _semi_join(self, condition: syntax.Membership, term: Term, inner: syntax.Query) -> str:
        scope = Scope(self._statement, inner, self._statement.object(inner.object_token))
        selected = inner.selected[0]
        if not isinstance(selected, syntax.SelectedField) or not isinstance(selected.operand, syntax.FieldPath):
            fail(self._source, inner.object_token, "A semi-join selects one field.")
        found = scope.term(selected.operand)
        token = selected.operand.token
        if found.field.type not in ID_TYPES or found.is_optional:
            message = f"A semi-join selects an id or a lookup of its own object; {token.text} is none."
            fail(self._source, token, message, "INVALID_FIELD")
        if term.field.type not in ID_TYPES:
            message = f"{term.field.name} is {term.field.type.value}; a semi-join compares an id or a lookup."
            fail(self._source, condition.left.token, message, "INVALID_FIELD")
        left, right = self._targets(self._scope, condition.left), self._targets(scope, selected.operand)
        if not left & right:
            message = (
                f"{condition.left.token.text} is the id of {' or '.join(sorted(left))}, "
                f"{token.text} that of {' or '.join(sorted(right))}: they never meet."
            )
            fail(self._source, token, message, "INVALID_FIELD")
        where = where_sql(scope, f"{found.sql} IS NOT NULL")
        inside = f"{term.sql} IN (SELECT {found.sql} {scope.from_sql()}{where})"
        return f"({term.sql} IS NULL OR NOT ({inside}))" if condition.is_negated else f"({inside})"

    def _targets(self, scope: Scope, operand: syntax.Operand) -> frozenset[str]:
        """Objects whose ids an id or lookup holds."""
        assert isinstance(operand, syntax.FieldPath)
        relations, name = scope.split(operand)
        targets: set[str] = set()
        for _alias, item in scope.node(relations, operand.token).tables:
            field = item.field(name)
            if field is not None:
                targets.update(field.reference_to or (item.name,))
        return frozenset(targets)

    def _includes(self, condition: syntax.Includes) -> str:
        term = self._term_of(self._scope, condition.left)
        if term.field.type is not FieldType.MULTIPICKLIST:
            message = (
                f"INCLUDES and EXCLUDES ask multi-select picklists; {term.field.name} is {term.field.type.value}."
            )
            fail(self._source, condition.left.token, message, "INVALID_FIELD")
        for scalar in condition.choices:
            is_text = isinstance(scalar, syntax.Value) and isinstance(scalar.value, str)
            if not is_text and not isinstance(scalar, syntax.Bind):
                message = "INCLUDES and EXCLUDES take texts; `a;b` means both of them."
                fail(self._source, scalar.token, message, _FILTER_OPERATOR)
        inside = self._dialect.includes(term.sql, self._statement.mark(condition.choices, term.field, "choices"))
        return f"(NOT {inside})" if condition.is_negated else inside


def _joined(parts: list[str], sign: str) -> str:
    """The parts in brackets; many of them in several, since SQLite's expressions are at most 1,000 deep."""
    while len(parts) > _LONGEST_CHAIN:
        starts = range(0, len(parts), _LONGEST_CHAIN)
        parts = [f"({sign.join(parts[start : start + _LONGEST_CHAIN])})" for start in starts]
    return f"({sign.join(parts)})"


def _is_folded(field: Field) -> bool:
    return field.type in FOLDED_TYPES and not field.case_sensitive


def _is_written_as(kind: FieldType, value: Any) -> bool:
    if value is None:
        return True
    match kind:
        case FieldType.INTEGER | FieldType.DECIMAL:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATETIME:
            return isinstance(value, dt.datetime)
        case FieldType.DATE:
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        case _:
            return isinstance(value, str)
