"""Refusals that SOQL documents: forms that parse but have no meaning, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from circuit_runtime.soql import syntax
from circuit_runtime.soql.tokens import Token, fail

AGGREGATES = frozenset({"AVG", "COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM"})
_MAX_OFFSET = 2_000
_MAX_SEMI_JOINS = 2
_MAX_CHILD_QUERIES = 20
_MAX_FIELDS_LIMIT = 200
MAX_PARENT_LEVELS = 5
MAX_PARENT_PATHS = 55


def check(query: syntax.Query) -> None:
    """Raises: SoqlError."""
    _check_rows(query)
    _check_count(query)
    _check_locks(query)
    _check_joins(query)
    _check_fields(query)
    if query.having is not None:
        if query.grouping is None:
            fail(query.source, query.object_token, "HAVING needs GROUP BY.")
        for condition in conditions(query.having):
            if isinstance(condition, syntax.Membership) and isinstance(condition.members, syntax.Query):
                fail(query.source, condition.members.object_token, "HAVING cannot hold a semi-join or anti-join.")
    if sum(isinstance(item, syntax.SelectedChildren) for item in query.selected) > _MAX_CHILD_QUERIES:
        fail(query.source, query.object_token, f"A query holds at most {_MAX_CHILD_QUERIES} child sub-queries.")


def is_aggregate(query: syntax.Query) -> bool:
    return query.grouping is not None or any(
        isinstance(item, syntax.SelectedField)
        and isinstance(item.operand, syntax.Call)
        and item.operand.name in AGGREGATES
        for item in query.selected
    )


def is_bare_count(query: syntax.Query) -> bool:
    """`SELECT COUNT() FROM …`: the answer is a number."""
    first = query.selected[0]
    return (
        isinstance(first, syntax.SelectedField)
        and isinstance(first.operand, syntax.Call)
        and first.operand.name == "COUNT"
        and first.operand.argument is None
    )


def conditions(condition: syntax.Condition | None) -> Iterator[syntax.Condition]:
    """The condition and all within it, sub-queries left out."""
    if condition is None:
        return
    yield condition
    match condition:
        case syntax.All() | syntax.AnyOf():
            for part in condition.parts:
                yield from conditions(part)
        case syntax.Not():
            yield from conditions(condition.part)


def _check_rows(query: syntax.Query) -> None:
    if isinstance(query.offset, syntax.Value) and query.offset.value > _MAX_OFFSET:
        fail(
            query.source,
            query.offset.token,
            f"OFFSET is {query.offset.value}; at most {_MAX_OFFSET} is allowed.",
            "NUMBER_OUTSIDE_VALID_RANGE",
        )
    if query.limit is not None and query.grouping is None and is_aggregate(query) and not is_bare_count(query):
        fail(query.source, query.limit.token, "LIMIT on an aggregate query needs GROUP BY.")


def _check_count(query: syntax.Query) -> None:
    if not is_bare_count(query):
        return
    if len(query.selected) > 1:
        fail(
            query.source,
            query.object_token,
            "COUNT() must be the only thing selected; use COUNT(id) beside others.",
        )
    if query.ordering:
        fail(query.source, _operand_token(query.ordering[0].operand), "COUNT() cannot be ordered.")


def _check_locks(query: syntax.Query) -> None:
    if "UPDATE" not in query.options:
        return
    if query.ordering:
        token = _operand_token(query.ordering[0].operand)
        fail(query.source, token, "ORDER BY cannot stand together with FOR UPDATE; locked rows are ordered by id.")
    if query.all_rows:
        fail(query.source, query.object_token, "ALL ROWS cannot stand together with FOR UPDATE.")
    if is_aggregate(query):
        fail(query.source, query.object_token, "FOR UPDATE locks records; an aggregate query has none.")


def _check_joins(query: syntax.Query) -> None:
    joins = [
        condition
        for condition in conditions(query.where)
        if isinstance(condition, syntax.Membership) and isinstance(condition.members, syntax.Query)
    ]
    for condition in conditions(query.where):
        if isinstance(condition, syntax.Not) and any(join in joins for join in conditions(condition.part)):
            fail(query.source, condition.token, "NOT cannot stand before a semi-join; write NOT IN.")
        if isinstance(condition, syntax.AnyOf) and any(
            join in joins for part in condition.parts for join in conditions(part)
        ):
            fail(query.source, query.object_token, "A semi-join or anti-join cannot stand in an OR.")
    if len(joins) > _MAX_SEMI_JOINS:
        members = joins[_MAX_SEMI_JOINS].members
        assert isinstance(members, syntax.Query)
        fail(
            query.source,
            members.object_token,
            f"A query holds at most {_MAX_SEMI_JOINS} semi-joins or anti-joins.",
        )
    for join in joins:
        assert isinstance(join.members, syntax.Query)
        if len(join.members.selected) != 1 or join.members.limit is not None or join.members.ordering:
            token = join.members.object_token
            fail(query.source, token, "A semi-join selects one field, without ORDER BY and LIMIT.")


def _check_fields(query: syntax.Query) -> None:
    for item in query.selected:
        if isinstance(item, syntax.SelectedFields) and item.which in ("ALL", "CUSTOM"):
            limit = query.limit.value if isinstance(query.limit, syntax.Value) else None
            if limit is None or limit > _MAX_FIELDS_LIMIT:
                fail(
                    query.source, item.token, f"FIELDS({item.which}) needs a LIMIT of at most {_MAX_FIELDS_LIMIT}."
                )


def _operand_token(operand: syntax.Operand) -> Token:
    return operand.token
