"""The SELECT of groups: aggregates, GROUP BY, ROLLUP, CUBE and HAVING.

Each set of fields that ROLLUP or CUBE keeps is a SELECT of its own; they are united, and ordered outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from circuit_runtime.project.schema import FieldType, ObjectType
from circuit_runtime.soql import syntax
from circuit_runtime.soql.checks import AGGREGATES, is_bare_count
from circuit_runtime.soql.clauses import limits_sql, order_term
from circuit_runtime.soql.conditions import Conditions, where_sql
from circuit_runtime.soql.formats import formatter
from circuit_runtime.soql.operands import INTEGER, aggregate_term, operand_key, plain_term
from circuit_runtime.soql.parameters import FOLDED_TYPES
from circuit_runtime.soql.records import Column, Output
from circuit_runtime.soql.scope import Scope
from circuit_runtime.soql.statement import Statement, Term
from circuit_runtime.soql.tokens import fail

_UNGROUPED = frozenset({FieldType.MULTIPICKLIST, FieldType.JSON})


def aggregate_select(statement: Statement, query: syntax.Query, item: ObjectType) -> tuple[str, Output]:
    """Totals come after what they are the totals of, unless ORDER BY says otherwise."""
    if is_bare_count(query):
        return _count_select(Scope(statement, query, item))
    groups = [_Group(Scope(statement, query, item), kept) for kept in _grouping_sets(query.grouping)]
    united = " UNION ALL ".join(group.select_sql() for group in groups)
    output, order = groups[0].output, groups[0].order_sql()
    names = ", ".join(f"c{place}" for place in range(len(output.columns)))
    return f"SELECT {names} FROM ({united}) q{order}{limits_sql(statement, query)}", output


def _count_select(scope: Scope) -> tuple[str, Output]:
    """COUNT() counts what LIMIT leaves of the records."""
    output = Output()
    output.select(Column("COUNT(*)", "expr0", FieldType.INTEGER.value))
    where = where_sql(scope)
    inner = f"SELECT 1 {scope.from_sql()}{where}{limits_sql(scope.statement, scope.query)}"
    return f"SELECT COUNT(*) AS c0 FROM ({inner}) q", output


@dataclass(frozen=True, slots=True)
class _Key:
    """A grouped operand: what is grouped by, and the value that stands for the group."""

    grouped_sql: str
    term: Term
    is_kept: bool


class _Group:
    """One SELECT over one set of grouped operands; those that it leaves out are null in it."""

    def __init__(self, scope: Scope, kept: frozenset[int]) -> None:
        self.output = Output()
        self._scope = scope
        self._query = scope.query
        self._source = scope.query.source
        grouping = scope.query.grouping
        operands = grouping.operands if grouping is not None else ()
        self._keys = {
            operand_key(scope, operand): self._key(operand, place in kept)
            for place, operand in enumerate(operands)
        }
        self._hidden: list[str] = []
        self._has_totals = grouping is not None and bool(grouping.kind)

    def select_sql(self) -> str:
        """The SELECT; columns `c0`, … are the output's, `o0`, … what is ordered by."""
        for selected in self._query.selected:
            self._add(selected)
        for term, _ordering in self._order_terms():
            self._hidden.append(term.sql)
        # COUNT makes one row of the totals of everything, even where no other aggregate is selected.
        hidden = "".join(f", {sql} AS o{place}" for place, sql in enumerate(self._hidden)) + ", COUNT(*) AS n"
        where = where_sql(self._scope)
        grouped = [key.grouped_sql for key in self._keys.values() if key.is_kept]
        by = f" GROUP BY {', '.join(grouped)}" if grouped else ""
        having = self._having()
        return f"SELECT {self.output.columns_sql()}{hidden} {self._scope.from_sql()}{where}{by}{having}"

    def order_sql(self) -> str:
        """ORDER BY over the hidden columns."""
        statement = self._scope.statement
        parts = [
            order_term(statement, Term(f"o{place}", term.field), ordering)
            for place, (term, ordering) in enumerate(self._order_terms())
        ]
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _having(self) -> str:
        if self._query.having is None:
            return ""
        return f" HAVING {Conditions(self._scope, self.term).sql(self._query.having)}"

    def term(self, scope: Scope, operand: syntax.Operand) -> Term:
        """An aggregate, a grouped operand, or whether one is left out."""
        if isinstance(operand, syntax.Call):
            if operand.name in AGGREGATES:
                return aggregate_term(scope, operand)
            if operand.name == "GROUPING":
                return self._grouping_term(operand)
            if operand.name in ("FORMAT", "TOLABEL") and operand.argument is not None:
                return self.term(scope, operand.argument)
        key = self._keys.get(operand_key(scope, operand))
        if key is None:
            self._refuse_ungrouped(operand)
        return key.term if key.is_kept else Term("NULL", key.term.field)

    def _key(self, operand: syntax.Operand, is_kept: bool) -> _Key:
        term = plain_term(self._scope, operand)
        field = term.field
        # The name of a person is put together too, but is a field like others to whoever asks for it.
        is_formula = field.formula is not None and field.custom
        if is_formula or field.type in _UNGROUPED:
            what = "a formula" if is_formula else field.type.value
            message = f"{operand.token.text} is {what}, which GROUP BY cannot take."
            fail(self._source, operand.token, message, "INVALID_FIELD")
        if field.type in FOLDED_TYPES and not field.case_sensitive:
            # Texts that differ in case only are one group.
            folded = self._scope.statement.dialect.fold(term.sql, True)
            return _Key(folded, Term(f"MIN({term.sql})", field), is_kept)
        return _Key(term.sql, Term(term.sql, field), is_kept)

    def _grouping_term(self, call: syntax.Call) -> Term:
        if not self._has_totals:
            fail(self._source, call.token, "GROUPING tells totals of ROLLUP and CUBE apart; there are none.")
        key = self._keys.get(operand_key(self._scope, call.argument)) if call.argument else None
        if key is None:
            self._refuse_ungrouped(call.argument or call)
        return Term("0" if key.is_kept else "1", INTEGER)

    def _refuse_ungrouped(self, operand: syntax.Operand) -> NoReturn:
        message = f"{operand.token.text} is neither grouped nor aggregated; add it to GROUP BY."
        fail(self._source, operand.token, message)

    def _add(self, selected: syntax.Selected) -> None:
        if not isinstance(selected, syntax.SelectedField):
            token = (
                selected.query.object_token if isinstance(selected, syntax.SelectedChildren) else selected.token
            )
            fail(self._source, token, "An aggregate query selects grouped fields and aggregates only.")
        operand = selected.operand
        term = self.term(self._scope, operand)
        reader = None
        if isinstance(operand, syntax.Call) and operand.name == "FORMAT":
            reader = formatter(term.field)
        name = self._name(selected)
        if any(column.path.lower() == name.lower() for column in self.output.columns):
            fail(
                self._source, selected.alias or operand.token, f"Two columns are named {name}; give one an alias."
            )
        kind = FieldType.TEXT if reader is not None else term.field.type
        self.output.select(Column(term.sql, name, kind.value, reader))

    def _name(self, selected: syntax.SelectedField) -> str:
        if selected.alias is not None:
            return selected.alias.text
        if isinstance(selected.operand, syntax.FieldPath):
            return self._scope.canonical(selected.operand)[1]
        implied = sum(
            isinstance(each, syntax.SelectedField) and isinstance(each.operand, syntax.Call) and each.alias is None
            for each in self._query.selected[: self._query.selected.index(selected)]
        )
        return f"expr{implied}"

    def _order_terms(self) -> list[tuple[Term, syntax.Ordering | None]]:
        """What ORDER BY names, then the groups themselves, each with its totals after it."""
        terms: list[tuple[Term, syntax.Ordering | None]] = [
            (self._ordered_term(ordering.operand), ordering) for ordering in self._query.ordering
        ]
        for key in self._keys.values():
            if self._has_totals:
                terms.append((Term("0" if key.is_kept else "1", INTEGER), None))
            terms.append((key.term if key.is_kept else Term("NULL", key.term.field), None))
        return terms

    def _ordered_term(self, operand: syntax.Operand) -> Term:
        if isinstance(operand, syntax.FieldPath) and len(operand.parts) == 1:
            for selected in self._query.selected:
                if (
                    isinstance(selected, syntax.SelectedField)
                    and selected.alias is not None
                    and selected.alias.word == operand.token.word
                ):
                    return self.term(self._scope, selected.operand)
        return self.term(self._scope, operand)


def _grouping_sets(grouping: syntax.Grouping | None) -> list[frozenset[int]]:
    """Places of the operands that stay, for each SELECT: finest first."""
    count = len(grouping.operands) if grouping is not None else 0
    match grouping.kind if grouping is not None else "":
        case "ROLLUP":
            return [frozenset(range(kept)) for kept in range(count, -1, -1)]
        case "CUBE":
            sets = [frozenset(place for place in range(count) if mask & (1 << place)) for mask in range(2**count)]
            return sorted(sets, key=lambda kept: (-len(kept), sorted(kept)))
        case _:
            return [frozenset(range(count))]
