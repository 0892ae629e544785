"""The expression language of formulas, validation rules, field updates and roll-up filters.

A small, safe language with the literals of SOQL and Salesforce's formula functions. It is evaluated here, in the
host, on a record's stored values, and becomes SQL for formula fields in queries. Null is empty: arithmetic with
null is null, comparisons with null are false, but `= NULL` and ISBLANK find it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal

from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.soql.formula_types import result_of, typed_sql
from circuit_runtime.soql.functions import FUNCTIONS, SqlText
from circuit_runtime.soql.parser import ConditionParser
from circuit_runtime.soql.syntax import FieldPath, Value
from circuit_runtime.soql.tokens import Kind, Token, fail, tokenize
from circuit_runtime.store.session import Dialect
from circuit_runtime.store.values import plain_converter

_COMPARISONS = {"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """When, and what the record was before; `old` in storage form, None for a new record."""

    now: dt.datetime
    old: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Apply:
    """A function or operator with its arguments."""

    name: str
    arguments: tuple[_Node, ...]
    token: Token


_Node = FieldPath | Value | _Apply

# From a record's stored row to a plain value.
Evaluator = Callable[[Mapping[str, Any], EvaluationContext], Any]

# From a path to the SQL of its column and its field; joins what lies on the way.
Resolve = Callable[[FieldPath], tuple[str, Field]]
# The SQL of the clock: "now" in milliseconds, "today" as ISO text.
Clock = Callable[[Literal["now", "today"]], str]


class Expression:
    """A compiled expression of one object."""

    def __init__(self, source: str, node: _Node, item: ObjectType, schema: Schema | None = None) -> None:
        self.source = source
        self._node = node
        self._item = item
        self._schema = schema

    @property
    def result(self) -> Field:
        """A field like the expression's values."""
        kind = self._kind(self._node)
        decimal: dict[str, Any] = {"precision": 38, "scale": 12} if kind is FieldType.DECIMAL else {}
        return Field(name="formula", label="Formula", type=kind, **decimal)

    def evaluate(self, row: Mapping[str, Any], context: EvaluationContext) -> Any:
        """The value for a record's stored row, as a plain value."""
        return self._evaluator(row, context)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The stored fields of the object whose values decide the expression's, by name."""
        return tuple(sorted({name for name in _read_by(self._node, self._item) if name is not None}))

    @cached_property
    def reads_clock(self) -> bool:
        """Whether the value also depends on when it is computed."""
        return None in set(_read_by(self._node, self._item))

    @cached_property
    def _evaluator(self) -> Evaluator:
        return _evaluator(self._node, self._item)

    def sql(self, dialect: Dialect, alias: str) -> str:
        """The expression over the columns of the table `alias`; literals are written as SQL literals."""
        return self.sql_with(
            dialect, lambda path: self._own_column(path, dialect, alias), lambda name: _clock(name, dialect)
        )

    def sql_with(self, dialect: Dialect, resolve: Resolve, clock: Clock) -> str:
        return self._sql(self._node, dialect, resolve, clock)

    def _kind(self, node: _Node) -> FieldType:
        match node:
            case Value():
                return _kind_of_literal(node.value)
            case FieldPath():
                return self._kind_of_path(node)
            case _:
                return result_of(node.name, [self._kind(part) for part in node.arguments])

    def _kind_of_path(self, path: FieldPath) -> FieldType:
        item: ObjectType | None = self._item
        for relation in path.parts[:-1]:
            lookup = item.field(relation) if item is not None else None
            item = self._schema.objects[lookup.reference_to[0]] if self._schema and lookup else None
        field = item.field(path.parts[-1]) if item is not None else None
        return field.type if field is not None else FieldType.TEXT

    def _own_column(self, path: FieldPath, dialect: Dialect, alias: str) -> tuple[str, Field]:
        field = self._item.field(path.parts[-1])
        if len(path.parts) > 1 or field is None:
            fail(self.source, path.token, f"{'.'.join(path.parts)} cannot be read here.", "INVALID_FIELD")
        if field.formula is not None:
            return f"({_compile_field_formula(field.formula, self._item).sql(dialect, alias)})", field
        return f'{alias}."{field.name}"', field

    def _sql(self, node: _Node, dialect: Dialect, resolve: Resolve, clock: Clock) -> str:
        match node:
            case Value():
                return _sql_literal(node.value, dialect)
            case FieldPath():
                return resolve(node)[0]
            case _Apply(name="NOW"):
                return clock("now")
            case _Apply(name="TODAY"):
                return clock("today")
            case _:
                arguments = [self._sql(part, dialect, resolve, clock) for part in node.arguments]
                return self._sql_apply(node, arguments, dialect)

    def _sql_apply(self, node: _Apply, arguments: list[str], dialect: Dialect) -> str:
        typed = typed_sql(node.name, dialect, arguments, [self._kind(part) for part in node.arguments])
        if typed is not None:
            return typed
        match node.name:
            case "AND" | "OR":
                return (
                    "(" + f" {node.name} ".join(f"COALESCE({part}, {_false(dialect)})" for part in arguments) + ")"
                )
            case "IF":
                return f"CASE WHEN {arguments[0]} THEN {arguments[1]} ELSE {arguments[2]} END"
            case "ISNEW" | "ISCHANGED" | "PRIORVALUE":
                fail(self.source, node.token, f"{node.name} has no meaning in a formula field.")
        sql: SqlText = FUNCTIONS[node.name].sql
        return sql(dialect, *arguments)


def _read_by(node: _Node, item: ObjectType) -> Iterator[str | None]:
    """Names of the stored fields that a node reads, also through formula fields; None for the clock."""
    match node:
        case Value():
            return
        case FieldPath():
            field = item.field(node.parts[-1]) if len(node.parts) == 1 else None
            if field is not None and field.formula is not None:
                yield from _read_by(_parsed(field.formula), item)
            elif field is not None:
                yield field.name
        case _:
            if node.name in ("NOW", "TODAY"):
                yield None
            for part in node.arguments:
                yield from _read_by(part, item)


def _evaluator(node: _Node, item: ObjectType) -> Evaluator:
    """The expression as nested functions: it is taken apart once, and evaluated for every record."""
    match node:
        case Value(value=value):
            return lambda _row, _context: value
        case FieldPath():
            return _field_evaluator(node, item)
    parts = [_evaluator(part, item) for part in node.arguments]
    match node.name:
        case "AND":
            return lambda row, context: all(part(row, context) is True for part in parts)
        case "OR":
            return lambda row, context: any(part(row, context) is True for part in parts)
        case "IF":
            when, then, otherwise = parts
            return lambda row, context: (then if when(row, context) is True else otherwise)(row, context)
        case "ISNEW":
            return lambda _row, context: context.old is None
        case "PRIORVALUE":
            (now,) = parts
            return lambda row, context: now(row if context.old is None else context.old, context)
        case "ISCHANGED":
            (now,) = parts
            return lambda row, context: context.old is not None and now(context.old, context) != now(row, context)
        case "NOW":
            return lambda _row, context: context.now
        case "TODAY":
            return lambda _row, context: context.now.date()
    return _call_evaluator(FUNCTIONS[node.name].evaluate, parts)


def _field_evaluator(path: FieldPath, item: ObjectType) -> Evaluator:
    field = item.field(path.parts[-1])
    if len(path.parts) > 1 or field is None:
        return lambda _row, _context: None
    if field.formula is not None:
        return _compile_field_formula(field.formula, item)._evaluator
    name, convert = field.name, plain_converter(field)
    if convert is None:
        return lambda row, _context: row.get(name)
    return lambda row, _context: None if (stored := row.get(name)) is None else convert(stored)


def _call_evaluator(function: Callable[..., Any], parts: list[Evaluator]) -> Evaluator:
    match parts:
        case [part]:
            return lambda row, context: function(part(row, context))
        case [left, right]:
            return lambda row, context: function(left(row, context), right(row, context))
        case _:
            return lambda row, context: function(*[part(row, context) for part in parts])


def compile_expression(source: str, item: ObjectType, schema: Schema) -> Expression:
    """Parse and check an expression over an object.

    Raises: SoqlError, with line, column and token: syntax, an unknown function, field or number of arguments.
    """
    return _compile(source, _Owner(item, schema))


@dataclass(frozen=True, slots=True, eq=False)
class _Owner:
    """Object and schema as a key: the same version of the schema has the same fields."""

    item: ObjectType
    schema: Schema

    def __hash__(self) -> int:
        return hash((self.item.name, self.schema.version))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Owner) and (other.item.name, other.schema.version) == (
            self.item.name,
            self.schema.version,
        )


@lru_cache(maxsize=1024)
def _compile(source: str, owner: _Owner) -> Expression:
    node = _ExpressionParser(source, tokenize(source)).whole()
    _check(source, node, owner.item, owner.schema)
    return Expression(source, node, owner.item, owner.schema)


def _compile_field_formula(source: str, item: ObjectType) -> Expression:
    return Expression(source, _parsed(source), item)


@lru_cache(maxsize=1024)
def _parsed(source: str) -> _Node:
    return _ExpressionParser(source, tokenize(source)).whole()


class _ExpressionParser(ConditionParser):
    """Precedence, lowest first: OR, AND, NOT, comparison, &, + -, * /, sign, ^."""

    def whole(self) -> _Node:
        node = self._or()
        if self.token.kind is not Kind.END:
            self.unexpected("the end of the expression")
        return node

    def _or(self) -> _Node:
        return self._chain(self._and, {"OR": "OR", "||": "OR"})

    def _and(self) -> _Node:
        return self._chain(self._not, {"AND": "AND", "&&": "AND"})

    def _not(self) -> _Node:
        token = self.token
        if self.is_next("!") or (self.is_next("NOT") and self.peek().text != "("):
            self.advance()
            return _Apply("NOT", (self._not(),), token)
        return self._comparison()

    def _comparison(self) -> _Node:
        left = self._concatenation()
        token = self.token
        if token.kind is Kind.SIGN and token.text in _COMPARISONS:
            self.advance()
            return _Apply(_COMPARISONS[token.text], (left, self._concatenation()), token)
        return left

    def _concatenation(self) -> _Node:
        return self._chain(self._sum, {"&": "&"})

    def _sum(self) -> _Node:
        return self._chain(self._product, {"+": "+", "-": "-"})

    def _product(self) -> _Node:
        return self._chain(self._power, {"*": "*", "/": "/"})

    def _power(self) -> _Node:
        return self._chain(self._signed, {"^": "^"})

    def _signed(self) -> _Node:
        token = self.token
        if self.takes("-"):
            return _Apply("NEGATIVE", (self._signed(),), token)
        return self._primary()

    def _chain(self, part: Callable[[], _Node], names: Mapping[str, str]) -> _Node:
        node = part()
        while self.token.kind in (Kind.SIGN, Kind.NAME) and self.token.word in names:
            token = self.advance()
            node = _Apply(names[token.word], (node, part()), token)
        return node

    def _primary(self) -> _Node:
        token = self.token
        if self.takes("("):
            node = self._or()
            self.expect(")")
            return node
        if token.kind is Kind.NAME and self.peek().text == "(":
            return self._call()
        if token.kind is Kind.NAME and token.word not in ("TRUE", "FALSE", "NULL"):
            return self.path()
        if token.kind is Kind.STRING or token.text == '"':
            return self._text()
        value = self.scalar()
        if not isinstance(value, Value):
            fail(self.source, token, "Only literals and fields can stand here.")
        return value

    def _text(self) -> _Node:
        if self.token.kind is not Kind.STRING:
            fail(self.source, self.token, "Texts stand in single quotes.")
        value = self.scalar()
        assert isinstance(value, Value)
        return value

    def _call(self) -> _Node:
        token = self.advance()
        self.advance()
        arguments: list[_Node] = []
        if not self.is_next(")"):
            arguments.append(self._or())
            while self.takes(","):
                arguments.append(self._or())
        self.expect(")")
        return _Apply(token.word, tuple(arguments), token)


_OWN_FORMS = {"AND": (1, 99), "OR": (1, 99), "IF": (3, 3), "ISNEW": (0, 0), "ISCHANGED": (1, 1)} | {
    "PRIORVALUE": (1, 1),
    "NOW": (0, 0),
    "TODAY": (0, 0),
}


def _check(source: str, node: _Node, item: ObjectType, schema: Schema) -> None:
    match node:
        case Value():
            return
        case FieldPath():
            _check_path(source, node, item, schema)
        case _:
            function = FUNCTIONS.get(node.name)
            low, high = _OWN_FORMS.get(node.name) or ((function.fewest, function.most) if function else (0, -1))
            if high < 0:
                known = ", ".join(sorted(name for name in {*FUNCTIONS, *_OWN_FORMS} if name.isalpha()))
                fail(source, node.token, f"There is no function {node.token.text}. Functions are: {known}.")
            if not low <= len(node.arguments) <= high:
                wanted = str(low) if low == high else f"{low} to {high}"
                fail(source, node.token, f"{node.name} takes {wanted} arguments, not {len(node.arguments)}.")
            for argument in node.arguments:
                _check(source, argument, item, schema)


def _check_path(source: str, path: FieldPath, item: ObjectType, schema: Schema) -> None:
    for place, part in enumerate(path.parts):
        field = item.field(part)
        if field is None:
            fail(source, path.token, f"{item.name} has no field {part!r}.", "INVALID_FIELD")
        if place < len(path.parts) - 1:
            if not field.reference_to:
                fail(source, path.token, f"{item.name}.{field.name} leads nowhere.", "INVALID_FIELD")
            item = schema.objects[field.reference_to[0]]


def _kind_of_literal(value: Any) -> FieldType:
    match value:
        case bool():
            return FieldType.BOOLEAN
        case int() | float() | Decimal():
            return FieldType.DECIMAL
        case dt.datetime():
            return FieldType.DATETIME
        case dt.date():
            return FieldType.DATE
        case _:
            return FieldType.TEXT


def _clock(name: Literal["now", "today"], dialect: Dialect) -> str:
    """The database's own clock, for what is computed outside a query."""
    if name == "now":
        now = "CAST(strftime('%s','now') AS INTEGER) * 1000"
        return now if dialect == "sqlite" else "(EXTRACT(EPOCH FROM now()) * 1000)::bigint"
    return "date('now')" if dialect == "sqlite" else "CURRENT_DATE::text"


def _false(dialect: Dialect) -> str:
    return "0" if dialect == "sqlite" else "FALSE"


def _sql_literal(value: Any, dialect: Dialect) -> str:
    """A literal of the expression's own text as SQL; texts are quoted with doubled quotes."""
    match value:
        case None:
            return "NULL"
        case bool():
            return ("1" if value else "0") if dialect == "sqlite" else str(value).upper()
        case int() | float() | Decimal():
            return str(value)
        case dt.datetime():
            return str(int(value.timestamp() * 1000))
        case dt.date():
            return f"'{value.isoformat()}'"
        case _:
            return "'" + str(value).replace("'", "''").replace("%", "%%" if dialect == "postgresql" else "%") + "'"
