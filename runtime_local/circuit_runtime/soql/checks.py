"""Refusals that SOQL documents: forms that parse but have no meaning, each with its reason."""

from __future__ import annotations

from circuit_runtime.soql import syntax
from circuit_runtime.soql.parameters import MAX_OFFSET
from circuit_runtime.soql.syntax import calls, conditions
from circuit_runtime.soql.tokens import fail

AGGREGATES = frozenset({"AVG", "COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM"})
MAX_PARENT_LEVELS = 5
MAX_PARENT_PATHS = 55
MAX_CHILD_LEVELS = 5
_MAX_CHILD_QUERIES = 20
_MAX_SEMI_JOINS = 2
_MAX_FIELDS_LIMIT = 200
_MAX_TOTALED = 3
_SCOPES = frozenset({"EVERYTHING", "MINE"})


def check(query: syntax.Query) -> None:
    """Raises: SoqlError."""
    _check_rows(query)
    _check_count(query)
    _check_grouping(query)
    _check_locks(query)
    _check_joins(query)
    _check_fields(query)
    _check_scope(query)


def check_children(query: syntax.Query) -> None:
    """Checks of a child sub-query. Raises: SoqlError."""
    check(query)
    if is_aggregate(query):
        fail(query.source, query.object_token, "A child sub-query cannot hold aggregates.")
    token = query.mode or query.all_rows or (query.options[0] if query.options else None)
    if token is not None:
        fail(query.source, token, f"{token.text} belongs to the whole query, not to a child sub-query.")


def is_aggregate(query: syntax.Query) -> bool:
    return query.grouping is not None or any(
        isinstance(item, syntax.SelectedField) and any(call.name in AGGREGATES for call in calls(item.operand))
        for item in query.selected
    )


def is_bare_count(query: syntax.Query) -> bool:
    """`SELECT COUNT() FROM …`: the answer is a number."""
    return _is_empty_count(query.selected[0])


def _is_empty_count(item: syntax.Selected) -> bool:
    return (
        isinstance(item, syntax.SelectedField)
        and isinstance(item.operand, syntax.Call)
        and item.operand.name == "COUNT"
        and item.operand.argument is None
    )


def _check_rows(query: syntax.Query) -> None:
    if isinstance(query.offset, syntax.Value) and query.offset.value > MAX_OFFSET:
        fail(
            query.source,
            query.offset.token,
            f"OFFSET is {query.offset.value}; at most {MAX_OFFSET} is allowed.",
            "NUMBER_OUTSIDE_VALID_RANGE",
        )
    limit = query.limit or query.offset
    if limit is not None and query.grouping is None and is_aggregate(query) and not is_bare_count(query):
        fail(query.source, limit.token, "LIMIT on an aggregate query needs GROUP BY.")


def _check_count(query: syntax.Query) -> None:
    for item in query.selected:
        if not _is_empty_count(item):
            continue
        assert isinstance(item, syntax.SelectedField)
        token = item.operand.token
        if len(query.selected) > 1:
            fail(query.source, token, "COUNT() must be the only thing selected; use COUNT(id) beside others.")
        if item.alias is not None:
            fail(
                query.source,
                item.alias,
                "COUNT() is a number of its own and has no alias; COUNT(id) may have one.",
            )
        if query.ordering:
            fail(query.source, query.ordering[0].operand.token, "COUNT() cannot be ordered.")
        if query.grouping is not None:
            fail(query.source, query.grouping.token, "COUNT() counts everything; use COUNT(id) with GROUP BY.")


def _check_grouping(query: syntax.Query) -> None:
    grouping = query.grouping
    if grouping is not None and grouping.kind and len(grouping.operands) > _MAX_TOTALED:
        token = grouping.operands[_MAX_TOTALED].token
        fail(query.source, token, f"{grouping.kind} takes at most {_MAX_TOTALED} fields.")
    if query.having is None:
        return
    if grouping is None:
        fail(query.source, query.object_token, "HAVING needs GROUP BY.")
    for condition in conditions(query.having):
        if isinstance(condition, syntax.Membership) and isinstance(condition.members, syntax.Query):
            fail(query.source, condition.members.object_token, "HAVING cannot hold a semi-join or anti-join.")


def _check_locks(query: syntax.Query) -> None:
    if not query.locks:
        return
    if query.ordering:
        token = query.ordering[0].operand.token
        fail(query.source, token, "ORDER BY cannot stand together with FOR UPDATE; locked rows are ordered by id.")
    if query.all_rows is not None:
        fail(query.source, query.all_rows, "ALL ROWS cannot stand together with FOR UPDATE.")
    if is_aggregate(query):
        fail(query.source, query.options[0], "FOR UPDATE locks records; an aggregate query has none.")


def _check_joins(query: syntax.Query) -> None:
    joins = _semi_joins(query.where)
    for condition in conditions(query.where):
        if isinstance(condition, syntax.Not) and _semi_joins(condition.part):
            fail(query.source, condition.token, "NOT cannot stand before a semi-join; write NOT IN.")
        if isinstance(condition, syntax.AnyOf) and _semi_joins(condition):
            fail(query.source, condition.token, "A semi-join or anti-join cannot stand in an OR.")
    if len(joins) > _MAX_SEMI_JOINS:
        token = joins[_MAX_SEMI_JOINS].object_token
        fail(query.source, token, f"A query holds at most {_MAX_SEMI_JOINS} semi-joins or anti-joins.")
    for join in joins:
        _check_join(join)


def _check_join(join: syntax.Query) -> None:
    if len(join.selected) != 1 or is_aggregate(join):
        fail(join.source, join.object_token, "A semi-join selects one field, without aggregates.")
    if join.limit is not None or join.offset is not None or join.ordering or join.options:
        fail(join.source, join.object_token, "A semi-join has no ORDER BY, LIMIT, OFFSET or FOR UPDATE.")
    if isinstance(join.selected[0], syntax.SelectedField) and (alias := join.selected[0].alias) is not None:
        fail(join.source, alias, "What a semi-join selects has no alias.")
    if (token := join.mode or join.all_rows) is not None:
        fail(join.source, token, f"{token.text} belongs to the whole query, not to a semi-join.")
    if inner := _semi_joins(join.where):
        fail(join.source, inner[0].object_token, "A semi-join cannot stand within another one.")
    _check_scope(join)


def _semi_joins(condition: syntax.Condition | None) -> list[syntax.Query]:
    return [
        each.members
        for each in conditions(condition)
        if isinstance(each, syntax.Membership) and isinstance(each.members, syntax.Query)
    ]


def _check_fields(query: syntax.Query) -> None:
    children = [item.query for item in query.selected if isinstance(item, syntax.SelectedChildren)]
    if len(children) > _MAX_CHILD_QUERIES:
        token = children[_MAX_CHILD_QUERIES].object_token
        fail(query.source, token, f"A query holds at most {_MAX_CHILD_QUERIES} child sub-queries.")
    for item in query.selected:
        if isinstance(item, syntax.SelectedFields) and item.which in ("ALL", "CUSTOM"):
            limit = query.limit.value if isinstance(query.limit, syntax.Value) else None
            if limit is None or limit > _MAX_FIELDS_LIMIT:
                message = f"FIELDS({item.which}) needs a LIMIT of at most {_MAX_FIELDS_LIMIT}."
                fail(query.source, item.token, message)


def _check_scope(query: syntax.Query) -> None:
    if query.scope is not None and query.scope.word not in _SCOPES:
        message = f"There is no scope {query.scope.text} here; scopes are everything and mine."
        fail(query.source, query.scope, message)
