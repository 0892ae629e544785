"""The expression language of formulas, validation rules, field updates and roll-up filters.

A small, safe language with the literals of SOQL and Salesforce's formula functions. It is evaluated here, in the
host, on a record's stored values, and becomes SQL for formula fields in queries. Null is empty: arithmetic with
null is null, comparisons with null are false, but `= NULL` and ISBLANK find it. A checkbox is never null.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal

from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.soql.formula_syntax import Apply, Node, parse_expression, places_of
from circuit_runtime.soql.formula_types import TYPES, Shape, check_call, shape_of
from circuit_runtime.soql.functions import FUNCTIONS, REAL, Part, number_sql, text_of, text_sql, truth_sql
from circuit_runtime.soql.syntax import FieldPath, Value
from circuit_runtime.soql.tokens import fail
from circuit_runtime.store.formula_functions import FIT, WHOLE
from circuit_runtime.store.patterns import problem_of
from circuit_runtime.store.session import Dialect
from circuit_runtime.store.values import plain_converter

_HISTORY = frozenset({"ISNEW", "ISCHANGED", "PRIORVALUE"})
_CLOCK = frozenset({"NOW", "TODAY"})
_UTC = zoneinfo.ZoneInfo("UTC")

# The stored row of a record that a lookup leads to; None where there is none.
FindParent = Callable[[str], Mapping[str, Any] | None]


def _no_parent(_record_id: str) -> None:
    """Nothing was read for expressions that follow no lookup."""


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What an expression depends on beside the record.

    Attributes:
        zone: of TODAY().
        old: what the record was before, in storage form; None for a new record.
        parent: finds the records on the expression's `parent_paths`.
    """

    now: dt.datetime
    zone: zoneinfo.ZoneInfo = _UTC
    old: Mapping[str, Any] | None = None
    parent: FindParent = _no_parent


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Any
    shape: Shape


@dataclass(frozen=True, slots=True)
class _Read:
    """A field at the end of relations; `fields` has it for each object that they can lead to."""

    path: FieldPath
    fields: Mapping[str, Field]
    shape: Shape


@dataclass(frozen=True, slots=True)
class _Call:
    apply: Apply
    arguments: tuple[_Typed, ...]
    shape: Shape


_Typed = _Literal | _Read | _Call

# From a record's stored row to a plain value, numbers as Decimal.
Evaluator = Callable[[Mapping[str, Any], EvaluationContext], Any]

# From a path to the SQL of its column and its field; joins what lies on the way.
Resolve = Callable[[FieldPath], tuple[str, Field]]
# The SQL of the clock: "now" in milliseconds, "today" as ISO text.
Clock = Callable[[Literal["now", "today"]], str]


class Expression:
    """A checked expression of one object."""

    def __init__(self, source: str, node: _Typed, item: ObjectType, schema: Schema) -> None:
        self.source = source
        self._node = node
        self._item = item
        self._schema = schema

    @property
    def shape(self) -> Shape:
        return self._node.shape

    @property
    def result(self) -> Field:
        """A field like the expression's values."""
        kind = TYPES[self.shape]
        decimal: dict[str, Any] = {"precision": 38, "scale": 12} if kind is FieldType.DECIMAL else {}
        return Field(name="formula", label="Formula", type=kind, **decimal)

    @property
    def history(self) -> Apply | None:
        """The first function that asks what a record was before; formulas have no before."""
        return next((call.apply for call in self._calls() if call.apply.name in _HISTORY), None)

    @cached_property
    def formulas(self) -> tuple[tuple[str, str], ...]:
        """(object, field) of each formula field that is read, as often as it is."""
        return tuple(
            (name, field.name) for read in self._reads() for name, field in read.fields.items() if field.formula
        )

    @cached_property
    def size(self) -> int:
        """Functions, operators, fields and literals; those of formula fields as often as they are read."""
        own = sum(1 for _node in _nodes(self._node))
        return own + sum(self._formula(name, field).size for name, field in self.formulas)

    @cached_property
    def depth(self) -> int:
        """How deep it is, in the unit of DEEPEST_TREE, with the formula fields that it reads."""
        return self._depth_of(self._node)

    def _depth_of(self, node: _Typed) -> int:
        match node:
            case _Call():
                return places_of(node.apply) + max(map(self._depth_of, node.arguments), default=0)
            case _Read():
                inner = [(name, field.name) for name, field in node.fields.items() if field.formula]
                return max((2 + self._formula(*each).depth for each in inner), default=0)
            case _:
                return 0

    @cached_property
    def parent_paths(self) -> frozenset[tuple[str, ...]]:
        """The relations that have to be followed, those within formula fields too."""
        paths: set[tuple[str, ...]] = set()
        for read in self._reads():
            relations = read.path.parts[:-1]
            paths.add(relations)
            for name, field in read.fields.items():
                if field.formula is not None:
                    paths |= {relations + path for path in self._formula(name, field.name).parent_paths}
        return frozenset(path for path in paths if path)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The stored fields of the object whose values decide the expression's, by name."""
        names: set[str] = set()
        for read in self._reads():
            field = self._item.field(read.path.parts[0])
            assert field is not None
            names |= (
                {field.name} if field.formula is None else set(self._formula(self._item.name, field.name).reads)
            )
        return tuple(sorted(names))

    @cached_property
    def reads_beyond(self) -> bool:
        """Whether the value also depends on the clock, or on other records."""
        has_clock = any(call.apply.name in _CLOCK for call in self._calls())
        own = (self._item.field(read.path.parts[0]) for read in self._reads())
        return (
            has_clock
            or bool(self.parent_paths)
            or any(
                field.formula is not None and self._formula(self._item.name, field.name).reads_beyond
                for field in own
                if field
            )
        )

    def evaluate(self, row: Mapping[str, Any], context: EvaluationContext) -> Any:
        """The value for a record's stored row, as a plain value; numbers are Decimal."""
        return self._evaluator(row, context)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return _evaluator(self._node, self._item, self._schema)

    def sql(self, dialect: Dialect, alias: str) -> str:
        """The expression over the columns of the table `alias`; literals are written as SQL literals.

        Raises: SoqlError: it reads a parent.
        """
        return self.sql_with(
            dialect, lambda path: self._own_column(path, dialect, alias), lambda name: _clock(name, dialect)
        )

    def sql_with(self, dialect: Dialect, resolve: Resolve, clock: Clock) -> str:
        """Raises: SoqlError: it asks what the record was before."""
        return self._part(self._node, dialect, resolve, clock).sql

    def _own_column(self, path: FieldPath, dialect: Dialect, alias: str) -> tuple[str, Field]:
        field = self._item.field(path.parts[-1])
        if len(path.parts) > 1 or field is None:
            fail(self.source, path.token, f"{'.'.join(path.parts)} cannot be read here.", "INVALID_FIELD")
        if field.formula is None:
            return f'{alias}."{field.name}"', field
        inner = self._formula(self._item.name, field.name)
        return fitted_sql(dialect, field, inner.sql(dialect, alias), inner.shape), field

    def _formula(self, object_name: str, field_name: str) -> Expression:
        item = self._schema.objects[object_name]
        return compile_expression(item.fields[field_name].formula or "", item, self._schema)

    def _part(self, node: _Typed, dialect: Dialect, resolve: Resolve, clock: Clock) -> Part:
        if node.shape is Shape.NOTHING:
            return Part("NULL", node.shape)
        match node:
            case _Literal():
                return Part(_sql_literal(node.value, dialect), node.shape)
            case _Read():
                sql, field = resolve(node.path)
                if node.shape is Shape.TRUTH and len(node.path.parts) > 1:
                    sql = truth_sql(dialect, sql)
                return Part(sql, node.shape, field.formula is not None)
            case _Call(apply=Apply(name="NOW")):
                return Part(clock("now"), node.shape)
            case _Call(apply=Apply(name="TODAY")):
                return Part(clock("today"), node.shape)
            case _Call(apply=apply) if apply.name in _HISTORY:
                fail(self.source, apply.token, f"{apply.name} has no meaning in a formula field.")
        parts = [self._part(argument, dialect, resolve, clock) for argument in node.arguments]
        name = node.apply.name
        sql = FUNCTIONS[name].sql(dialect, *parts)
        return Part(sql, node.shape, True, is_real=name in REAL and node.shape is Shape.NUMBER)

    def _calls(self) -> Iterator[_Call]:
        return (node for node in _nodes(self._node) if isinstance(node, _Call))

    def _reads(self) -> Iterator[_Read]:
        return (node for node in _nodes(self._node) if isinstance(node, _Read))


def _nodes(node: _Typed) -> Iterator[_Typed]:
    yield node
    if isinstance(node, _Call):
        for argument in node.arguments:
            yield from _nodes(argument)


# ------------------------------------------------------------------------------------------- what fits a field


def fitted(field: Field, value: Any) -> Any:
    """An expression's value as a field holds it: rounded, or as text; null where it has too many digits."""
    if value is None or (value == "" and isinstance(value, str)):
        return False if field.type is FieldType.BOOLEAN else None
    match field.type:
        case FieldType.INTEGER:
            return WHOLE(value)
        case FieldType.DECIMAL:
            return FIT(value, *map(Decimal, _digits(field)))
        case _:
            return text_of(value) if shape_of(field.type) is Shape.TEXT else value


def _digits(field: Field) -> tuple[int, int]:
    """Of a decimal, after the point and before it."""
    scale = field.scale or 0
    return scale, (field.precision or 18) - scale


def fitted_sql(dialect: Dialect, field: Field, sql: str, shape: Shape) -> str:
    """The same, in SQL and in storage form."""
    part = Part(sql, shape, True)
    match field.type:
        case FieldType.INTEGER:
            return WHOLE.sql(dialect, [number_sql(dialect, part)])
        case FieldType.DECIMAL:
            return FIT.sql(dialect, [number_sql(dialect, part), *map(str, _digits(field))])
        case FieldType.BOOLEAN:
            return truth_sql(dialect, sql)
        case _ if shape_of(field.type) is Shape.TEXT:
            return f"NULLIF({text_sql(dialect, part)}, '')"
        case _:
            return f"({sql})"


# ------------------------------------------------------------------------------------------- evaluation


def _evaluator(node: _Typed, item: ObjectType, schema: Schema) -> Evaluator:
    """The expression as nested functions: it is taken apart once, and evaluated for every record."""
    match node:
        case _Literal(value=value):
            return lambda _row, _context: value
        case _Read():
            return _read_evaluator(node, item, schema)
    parts = [_evaluator(part, item, schema) for part in node.arguments]
    match node.apply.name:
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
            return lambda _row, context: context.now.astimezone(context.zone).date()
    return _call_evaluator(FUNCTIONS[node.apply.name].evaluate, parts)


def _call_evaluator(function: Callable[..., Any], parts: list[Evaluator]) -> Evaluator:
    match parts:
        case [part]:
            return lambda row, context: function(part(row, context))
        case [left, right]:
            return lambda row, context: function(left(row, context), right(row, context))
        case _:
            return lambda row, context: function(*[part(row, context) for part in parts])


def _read_evaluator(read: _Read, item: ObjectType, schema: Schema) -> Evaluator:
    readers = {name: _field_evaluator(field, schema.objects[name], schema) for name, field in read.fields.items()}
    relations = read.path.parts[:-1]
    if not relations:
        return readers[item.name]
    missing = False if read.shape is Shape.TRUTH else None

    def evaluate(row: Mapping[str, Any], context: EvaluationContext) -> Any:
        at, found = item, row
        for relation in relations:
            lookup = at.field(relation)
            parent_id = found.get(lookup.name) if lookup is not None else None
            parent = context.parent(parent_id) if parent_id is not None else None
            target = schema.object_of_id(parent_id) if parent_id is not None else None
            if parent is None or target is None:
                return missing
            at, found = target, parent
        reader = readers.get(at.name)
        return missing if reader is None else reader(found, context)

    return evaluate


def _field_evaluator(field: Field, item: ObjectType, schema: Schema) -> Evaluator:
    if field.formula is not None:
        formula = field.formula
        return lambda row, context: _number(
            fitted(field, compile_expression(formula, item, schema).evaluate(row, context))
        )
    name = field.name
    match shape_of(field.type):
        case Shape.TEXT | Shape.NOTHING:
            return lambda row, _context: row.get(name)
        case Shape.TRUTH:
            return lambda row, _context: bool(row.get(name))
        case Shape.NUMBER if field.type is FieldType.INTEGER:
            return lambda row, _context: _number(row.get(name))
    convert = plain_converter(field)
    assert convert is not None
    return lambda row, _context: None if (stored := row.get(name)) is None else convert(stored)


def _number(value: Any) -> Any:
    return Decimal(value) if type(value) is int else value


# ------------------------------------------------------------------------------------------- checking


def compile_expression(source: str, item: ObjectType, schema: Schema) -> Expression:
    """Parse and check an expression over an object.

    Raises: SoqlError, with line, column and token: syntax, an unknown function or field, a wrong number of
        arguments, or one of a wrong kind.
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
    return Expression(source, _typed(source, parse_expression(source), owner), owner.item, owner.schema)


def _typed(source: str, node: Node, owner: _Owner) -> _Typed:
    match node:
        case Value():
            return _literal(node.value)
        case FieldPath():
            return _read(source, node, owner)
    arguments = tuple(_typed(source, argument, owner) for argument in node.arguments)
    shape = check_call(source, node, [argument.shape for argument in arguments])
    if node.name == "REGEX":
        _check_pattern(source, node, arguments[1])
    return _Call(node, arguments, shape)


def _check_pattern(source: str, call: Apply, pattern: _Typed) -> None:
    """A rule with a pattern that is none would never be true."""
    if isinstance(pattern, _Literal) and isinstance(pattern.value, str):
        problem = problem_of(pattern.value)
        if problem is not None:
            fail(source, call.token, f"{pattern.value!r} is no pattern: {problem}.")


def _literal(value: Any) -> _Literal:
    match value:
        case None:
            return _Literal(None, Shape.NOTHING)
        case bool():
            return _Literal(value, Shape.TRUTH)
        case int() | float():
            return _Literal(Decimal(str(value)), Shape.NUMBER)
        case dt.datetime():
            return _Literal(value, Shape.TIME)
        case dt.date():
            return _Literal(value, Shape.DAY)
        case _:
            return _Literal(value, Shape.TEXT)


def _read(source: str, path: FieldPath, owner: _Owner) -> _Read:
    """The field at the end of a path; where a lookup leads to several objects, of those that have it."""
    items = [owner.item]
    for relation in path.parts[:-1]:
        fields = [field for item in items if (field := item.field(relation)) is not None]
        names = dict.fromkeys(name for field in fields for name in field.reference_to)
        if not names:
            problem = f"{items[0].name}.{relation} leads nowhere." if fields else _no_field(items[0], relation)
            fail(source, path.token, problem, "INVALID_FIELD")
        items = [owner.schema.objects[name] for name in names]
    last = path.parts[-1]
    found = {item.name: field for item in items if (field := item.field(last)) is not None}
    if not found:
        fail(source, path.token, _no_field(items[0], last), "INVALID_FIELD")
    shapes = {shape_of(field.type) for field in found.values()}
    if len(shapes) > 1:
        message = f"{last} is of different types in {' and '.join(found)}."
        fail(source, path.token, message, "INVALID_FIELD")
    return _Read(path, found, shapes.pop())


def _no_field(item: ObjectType, name: str) -> str:
    return f"{item.name} has no field {name!r}."


# ------------------------------------------------------------------------------------------- SQL


def _clock(name: Literal["now", "today"], dialect: Dialect) -> str:
    """The database's own clock, for what is computed outside a query."""
    if name == "now":
        now = "CAST(strftime('%s','now') AS INTEGER) * 1000"
        return now if dialect == "sqlite" else "(EXTRACT(EPOCH FROM now()) * 1000)::bigint"
    return "date('now')" if dialect == "sqlite" else "CURRENT_DATE::text"


def _sql_literal(value: Any, dialect: Dialect) -> str:
    """A literal of the expression's own text as SQL; texts are quoted with doubled quotes."""
    match value:
        case None:
            return "NULL"
        case bool():
            return ("1" if value else "0") if dialect == "sqlite" else str(value).upper()
        case Decimal():
            return f"({float(value)!r})" if value != int(value) or abs(value) > 2**53 else f"({int(value)})"
        case dt.datetime():
            return f"({int(value.timestamp() * 1000)})"
        case dt.date():
            return f"'{value.isoformat()}'"
        case _:
            return "'" + str(value).replace("'", "''").replace("%", "%%" if dialect == "postgresql" else "%") + "'"
