"""Compile a query to one SQL statement, for SQLite or PostgreSQL.

Values never become part of the SQL: literals and binds are parameters alike. Names in the SQL come from the
schema, never from the query's text.
"""

from __future__ import annotations

from collections.abc import Callable

from circuit_runtime.project.schema import Schema
from circuit_runtime.soql import syntax
from circuit_runtime.soql.aggregates import aggregate_select
from circuit_runtime.soql.binds import BindKinds
from circuit_runtime.soql.checks import check, is_aggregate
from circuit_runtime.soql.compiled import Compiled
from circuit_runtime.soql.records import record_output, record_select
from circuit_runtime.soql.scope import Scope
from circuit_runtime.soql.sql_dialect import dialect_of
from circuit_runtime.soql.statement import Statement
from circuit_runtime.store.session import Dialect


def compile_query(
    query: syntax.Query,
    schema: Schema,
    dialect: Dialect,
    kinds: BindKinds,
    *,
    owned: frozenset[str] = frozenset(),
    condition: Callable[[Scope], str] | None = None,
) -> Compiled:
    """Check and compile a query for binds of some kinds.

    Args:
        owned: objects of which the user who asks may see only records of their own.
        condition: makes SQL that the records must fit besides.

    Raises: SoqlError.
    """
    statement = Statement(
        query.source,
        schema,
        dialect_of(dialect),
        kinds,
        owned=owned,
        all_rows=query.all_rows is not None,
    )
    item = statement.object(query.object_token)
    check(query)
    if is_aggregate(query):
        sql, output = aggregate_select(statement, query, item)
        selected_fields = len(statement.touched)
        object_name = "AggregateResult"
    else:
        scope = Scope(statement, query, item)
        output = record_output(scope)
        selected_fields = len(statement.touched)
        sql = record_select(scope, output, condition(scope) if condition is not None else "")
        object_name = item.name
    return Compiled(
        sql=sql,
        parameters=tuple(statement.parameters),
        shape=output.shape(object_name),
        selected=tuple(output.selected),
        touched=tuple(statement.touched),
        selected_fields=selected_fields,
        readers=output.readers(),
        child_queries=statement.child_queries,
        locks=query.locks,
        mode=query.mode,
        source=query.source,
    )
