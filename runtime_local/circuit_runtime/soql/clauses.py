"""ORDER BY, LIMIT and OFFSET as SQL."""

from __future__ import annotations

from circuit_runtime.soql import syntax
from circuit_runtime.soql.parameters import TEXT_TYPES
from circuit_runtime.soql.statement import Statement, Term


def order_term(statement: Statement, term: Term, ordering: syntax.Ordering | None = None) -> str:
    """One term of ORDER BY; without an `ordering` ascending, nulls first, as SOQL does by default."""
    is_folded = term.field.type in TEXT_TYPES and not term.field.case_sensitive
    sql = statement.dialect.fold(term.sql) if is_folded else term.sql
    direction = " DESC" if ordering is not None and ordering.is_descending else ""
    nulls = "LAST" if ordering is not None and ordering.nulls_last else "FIRST"
    return f"{sql}{direction} NULLS {nulls}"


def limits_sql(statement: Statement, query: syntax.Query) -> str:
    if query.limit is None and query.offset is None:
        return ""
    no_limit = statement.dialect.no_limit
    limit = no_limit if query.limit is None else statement.mark(query.limit, None, "limit")
    offset = "" if query.offset is None else f" OFFSET {statement.mark(query.offset, None, 'offset')}"
    return f" LIMIT {limit}{offset}"
