"""Operands of a query as SQL: fields, functions of them, aggregates."""

from __future__ import annotations

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.soql import syntax
from circuit_runtime.soql.checks import AGGREGATES
from circuit_runtime.soql.dates import DATE_FUNCTIONS
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import DATE_TYPES, NUMBER_TYPES, TEXT_TYPES
from circuit_runtime.soql.scope import Scope
from circuit_runtime.soql.statement import Term
from circuit_runtime.soql.tokens import fail

INTEGER = Field(name="", label="", type=FieldType.INTEGER)
_DECIMAL = Field(name="", label="", type=FieldType.DECIMAL, precision=38, scale=12)
_DATE = Field(name="", label="", type=FieldType.DATE)
_UNORDERED = frozenset({FieldType.BOOLEAN, FieldType.MULTIPICKLIST, FieldType.JSON})


def plain_term(scope: Scope, operand: syntax.Operand) -> Term:
    """An operand of one record: no aggregates."""
    match operand:
        case syntax.FieldPath():
            return scope.term(operand)
        case syntax.Formula():
            return _formula_term(scope, operand)
        case syntax.Call():
            return _call_term(scope, operand)


def aggregate_term(scope: Scope, call: syntax.Call) -> Term:
    """COUNT, SUM, … over the records of a group."""
    source, argument = scope.query.source, call.argument
    if argument is None:
        if call.name != "COUNT":
            fail(source, call.token, f"{call.token.text} needs a field.")
        return Term("COUNT(*)", INTEGER)
    if not isinstance(argument, syntax.FieldPath):
        fail(source, argument.token, f"{call.token.text} takes a field.")
    term = scope.term(argument)
    kind = term.field.type
    match call.name:
        case "COUNT":
            return Term(f"COUNT({term.sql})", INTEGER)
        case "COUNT_DISTINCT":
            is_folded = kind in TEXT_TYPES and not term.field.case_sensitive
            sql = scope.statement.dialect.fold(term.sql, True) if is_folded else term.sql
            return Term(f"COUNT(DISTINCT {sql})", INTEGER)
        case "MIN" | "MAX":
            if kind in _UNORDERED:
                message = f"{call.token.text} needs values with an order; {term.field.name} is {kind.value}."
                fail(source, argument.token, message, "INVALID_FIELD")
            return Term(f"{call.name}({term.sql})", term.field)
    if kind not in NUMBER_TYPES:
        message = f"{call.token.text} takes numbers; {term.field.name} is {kind.value}."
        fail(source, argument.token, message, "INVALID_FIELD")
    result = term.field if call.name == "SUM" else _DECIMAL
    return Term(scope.statement.dialect.aggregate(call.name, term.sql, kind), result)


def operand_key(scope: Scope, operand: syntax.Operand) -> tuple[object, ...]:
    """Equal keys mean the same operand, however it is spelled."""
    match operand:
        case syntax.FieldPath():
            relations, name = scope.canonical(operand)
            return (*relations, name)
        case syntax.Formula():
            return ("FORMULA", operand.text)
        case syntax.Call():
            return (f"{operand.name}()", operand_key(scope, operand.argument) if operand.argument else ())


def _formula_term(scope: Scope, formula: syntax.Formula) -> Term:
    try:
        sql, expression = scope.expression_sql(formula.text, scope.item)
    except SoqlError as exc:
        fail(scope.query.source, formula.token, f"In the formula: {exc.message}", exc.code)
    except RecursionError:
        fail(scope.query.source, formula.token, "The formula is nested too deeply.")
    return Term(sql, expression.result)


def _call_term(scope: Scope, call: syntax.Call) -> Term:
    source, argument = scope.query.source, call.argument
    if call.name in AGGREGATES or call.name == "GROUPING":
        fail(source, call.token, f"{call.token.text} cannot stand here: it is of many records, not of one.")
    if call.name == "CONVERTCURRENCY":
        fail(source, call.token, "convertCurrency has no meaning here: there is one currency.")
    if call.name == "CONVERTTIMEZONE":
        fail(source, call.token, "convertTimezone stands within a date function, HOUR_IN_DAY(convertTimezone(…)).")
    if call.name not in DATE_FUNCTIONS and call.name not in ("TOLABEL", "FORMAT"):
        fail(source, call.token, f"There is no function {call.token.text!r} in SOQL.")
    if argument is None:
        fail(source, call.token, f"{call.token.text} needs a field.")
    if call.name in DATE_FUNCTIONS:
        return _date_term(scope, call, argument)
    return plain_term(scope, argument)


def _date_term(scope: Scope, call: syntax.Call, argument: syntax.Operand) -> Term:
    """Times are read in UTC, unless convertTimezone asks for the user's zone."""
    converts = isinstance(argument, syntax.Call) and argument.name == "CONVERTTIMEZONE"
    inner = argument.argument if converts and isinstance(argument, syntax.Call) else argument
    if not isinstance(inner, syntax.FieldPath):
        fail(scope.query.source, argument.token, f"{call.token.text} takes a field.")
    term = scope.term(inner)
    kind = term.field.type
    wanted = {FieldType.DATETIME} if converts or call.name == "HOUR_IN_DAY" else DATE_TYPES
    if kind not in wanted:
        what = "a time" if FieldType.DATE not in wanted else "a date"
        message = f"{call.token.text} takes {what}; {term.field.name} is {kind.value}."
        fail(scope.query.source, inner.token, message, "INVALID_FIELD")
    sql = scope.statement.dialect.date_part(call.name, term.sql, kind, converts)
    return Term(sql, _DATE if call.name == "DAY_ONLY" else INTEGER, term.is_optional)
