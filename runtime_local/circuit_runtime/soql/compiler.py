"""Compile a query to one SQL statement, for SQLite or PostgreSQL.

Values never become part of the SQL: literals and binds are parameters alike. Names in the SQL come from the
schema, never from the query's text.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import NoReturn

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import Field, FieldType, ObjectType, Schema
from circuit_runtime.soql import syntax
from circuit_runtime.soql.checks import (
    AGGREGATES,
    MAX_PARENT_LEVELS,
    MAX_PARENT_PATHS,
    check,
    is_aggregate,
)
from circuit_runtime.soql.dates import DATE_FUNCTIONS
from circuit_runtime.soql.expressions import compile_expression
from circuit_runtime.soql.parameters import TEXT_TYPES, Parameter, Use
from circuit_runtime.soql.sql_dialect import SqlDialect, dialect_of
from circuit_runtime.soql.tokens import Token, fail
from circuit_runtime.store.session import Dialect

_PASS_THROUGH = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE"})
_INTEGER = Field(name="", label="", type=FieldType.INTEGER)
_DECIMAL = Field(name="", label="", type=FieldType.DECIMAL, precision=38, scale=12)
_TEXT = Field(name="", label="", type=FieldType.TEXT)
_DATE = Field(name="", label="", type=FieldType.DATE)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as SQL.

    Attributes:
        selected: dotted paths and aliases that the text selects, in order; the shape may have more (ids).
        touched: (object, field) of everything that is read, for USER_MODE.
        child_columns: indexes of the columns that hold child rows.
    """

    sql: str
    parameters: tuple[Parameter, ...]
    shape: ResultShape
    selected: tuple[str, ...]
    touched: tuple[tuple[str, str], ...]
    child_columns: tuple[int, ...]
    child_queries: int
    locks: bool
    mode: str


@dataclass(slots=True)
class _Column:
    sql: str
    path: str
    type: str


@dataclass(slots=True)
class _Output:
    """What a SELECT list gives."""

    columns: list[_Column] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    children: dict[str, ResultShape] = field(default_factory=dict)
    plain_lookups: list[str] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)

    def add(self, column: _Column) -> None:
        if all(known.path != column.path for known in self.columns):
            self.columns.append(column)


class _Scope:
    """One SELECT: its root table and the joins to parents that it needs."""

    def __init__(self, compiler: Compiler, query: syntax.Query, item: ObjectType) -> None:
        self.query = query
        self.item = item
        self._compiler = compiler
        self.alias = compiler.new_alias()
        self.joins: list[str] = []
        self._aliases: dict[tuple[str, ...], tuple[str, ObjectType]] = {(): (self.alias, item)}

    def column(self, path: syntax.FieldPath) -> tuple[str, Field, ObjectType]:
        """SQL, field and object at the end of a path."""
        parts = self._without_own_name(path)
        relations, name = parts[:-1], parts[-1]
        if len(relations) > MAX_PARENT_LEVELS:
            fail(self.query.source, path.token, f"A path leads through at most {MAX_PARENT_LEVELS} parents.")
        alias, item = self.table(relations, path.token)
        found = self._compiler.field(self.query, item, name, path.token)
        return self.field_sql(alias, item, found, relations), found, item

    def field_sql(self, alias: str, item: ObjectType, found: Field, relations: tuple[str, ...]) -> str:
        """A column, or the SQL of a formula field, whose own paths are joined too."""
        if found.formula is None:
            return f'{alias}."{found.name}"'
        formula = compile_expression(found.formula, item, self._compiler.schema)

        def resolve(path: syntax.FieldPath) -> tuple[str, Field]:
            sql, inner, _item = self.column(syntax.FieldPath((*relations, *path.parts), path.token))
            return sql, inner

        return f"({formula.sql_with(self._compiler.dialect.name, resolve)})"

    def table(self, relations: tuple[str, ...], token: Token) -> tuple[str, ObjectType]:
        """Alias and object of the table at the end of the relations; joined when it is first needed."""
        key = tuple(relation.lower() for relation in relations)
        if key in self._aliases:
            return self._aliases[key]
        parent_alias, parent = self.table(relations[:-1], token)
        lookup = self._compiler.relation(self.query, parent, relations[-1], token)
        target = self._compiler.schema.objects[lookup.reference_to[0]]
        alias = self._compiler.new_alias()
        self.joins.append(f'LEFT JOIN {target.table} {alias} ON {alias}.id = {parent_alias}."{lookup.name}"')
        self._aliases[key] = (alias, target)
        if len(self.joins) > MAX_PARENT_PATHS:
            fail(self.query.source, token, f"A query follows at most {MAX_PARENT_PATHS} relations to parents.")
        return alias, target

    def canonical(self, path: syntax.FieldPath) -> tuple[tuple[str, ...], str]:
        """Names of the relations and the field as the schema spells them."""
        parts = self._without_own_name(path)
        item = self.item
        names: list[str] = []
        for relation in parts[:-1]:
            lookup = self._compiler.relation(self.query, item, relation, path.token)
            names.append(lookup.name)
            item = self._compiler.schema.objects[lookup.reference_to[0]]
        return tuple(names), self._compiler.field(self.query, item, parts[-1], path.token).name

    def from_sql(self) -> str:
        return " ".join([f"FROM {self.item.table} {self.alias}", *self.joins])

    def _without_own_name(self, path: syntax.FieldPath) -> tuple[str, ...]:
        """`Contact.email` and `c.email` are `email` where Contact, or its alias c, is the object asked."""
        first = path.parts[0].lower()
        own = {self.item.name.lower(), (self.query.alias or "").lower()} - {""}
        is_own = len(path.parts) > 1 and first in own and self.item.field(path.parts[0]) is None
        return path.parts[1:] if is_own else path.parts


class Compiler:
    """Compiles one query. Used once.

    Args:
        owner_only: the user who asks may see only records of their own.
    """

    def __init__(self, schema: Schema, dialect: Dialect, *, owner_only: bool = False) -> None:
        self.schema = schema
        self.dialect: SqlDialect = dialect_of(dialect)
        self._owner_only = owner_only
        self._aliases = 0
        self._touched: dict[tuple[str, str], None] = {}
        self._parameters: list[Parameter] = []
        self._child_queries = 0

    def compile(self, query: syntax.Query) -> Compiled:
        """Raises: SoqlError."""
        item = self.object(query, query.object_token)
        check(query)
        if is_aggregate(query):
            sql, output = self._aggregate(query, item)
            shape_name = "AggregateResult"
        else:
            scope = _Scope(self, query, item)
            output = self._output(scope, query)
            sql = self._select(scope, query, output)
            shape_name = item.name
        return Compiled(
            sql=sql,
            parameters=tuple(self._parameters),
            shape=_shape(shape_name, output),
            selected=tuple(output.selected),
            touched=tuple(self._touched),
            child_columns=tuple(place for place, column in enumerate(output.columns) if column.type == "children"),
            child_queries=self._child_queries,
            locks="UPDATE" in query.options,
            mode=query.mode,
        )

    # ------------------------------------------------------------------------------------- names

    def new_alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def object(self, query: syntax.Query, token: Token) -> ObjectType:
        item = self.schema.object(token.text)
        if item is None:
            near = difflib.get_close_matches(token.text, list(self.schema.objects), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            fail(query.source, token, f"There is no object {token.text!r}.{hint}", "INVALID_TYPE")
        return item

    def field(self, query: syntax.Query, item: ObjectType, name: str, token: Token) -> Field:
        found = item.field(name)
        if found is None:
            near = difflib.get_close_matches(name.lower(), list(item.fields), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            fail(query.source, token, f"{item.name} has no field {name!r}.{hint}", "INVALID_FIELD")
        self._touched[(item.name, found.name)] = None
        return found

    def relation(self, query: syntax.Query, item: ObjectType, name: str, token: Token) -> Field:
        """The lookup field that a relation's name means; Salesforce's `Parent__r` too."""
        found = item.field(name.removesuffix("__r"))
        if found is None or not found.reference_to:
            lookups = ", ".join(each.name for each in item.fields.values() if each.reference_to)
            message = f"{item.name} has no relation {name!r}; its lookups are {lookups}."
            fail(query.source, token, message, "INVALID_FIELD")
        self._touched[(item.name, found.name)] = None
        return found

    # ------------------------------------------------------------------------------------- records

    def _output(self, scope: _Scope, query: syntax.Query) -> _Output:
        output = _Output()
        for selected in query.selected:
            match selected:
                case syntax.SelectedField():
                    self._add_field(scope, selected, output)
                case syntax.SelectedFields():
                    self._add_fields(scope, selected, output)
                case syntax.SelectedChildren():
                    self._add_children(scope, selected.query, output)
                case syntax.TypeOf():
                    self._add_typeof(scope, selected, output)
        output.add(_Column(f"{scope.alias}.id", "id", FieldType.ID.value))
        return output

    def _add_field(self, scope: _Scope, selected: syntax.SelectedField, output: _Output) -> None:
        operand = selected.operand
        if isinstance(operand, syntax.Call):
            sql, kind = self._operand(scope, operand)
            name = selected.alias or f"expr{sum(path.startswith('expr') for path in output.selected)}"
            output.add(_Column(sql, name, kind.type.value))
            output.selected.append(name)
            return
        sql, found, _item = scope.column(operand)
        relations, name = scope.canonical(operand)
        path = ".".join((*relations, name))
        if relations:
            self._add_parents(scope, relations, operand.token, output)
        elif found.reference_to:
            output.plain_lookups.append(name)
        output.add(_Column(sql, path, found.type.value))
        output.selected.append(path)

    def _add_parents(self, scope: _Scope, relations: tuple[str, ...], token: Token, output: _Output) -> None:
        for depth in range(1, len(relations) + 1):
            path = ".".join(relations[:depth])
            alias, parent = scope.table(relations[:depth], token)
            output.parents[path] = parent.name
            output.add(_Column(f"{alias}.id", f"{path}.id", FieldType.ID.value))

    def _add_fields(self, scope: _Scope, selected: syntax.SelectedFields, output: _Output) -> None:
        wanted = {"STANDARD": (False,), "CUSTOM": (True,)}.get(selected.which, (False, True))
        for found in scope.item.fields.values():
            if found.custom in wanted or (found.name == "id" and selected.which != "CUSTOM"):
                self._touched[(scope.item.name, found.name)] = None
                sql = scope.field_sql(scope.alias, scope.item, found, ())
                output.add(_Column(sql, found.name, found.type.value))
                output.selected.append(found.name)
                if found.reference_to:
                    output.plain_lookups.append(found.name)

    def _add_children(self, scope: _Scope, query: syntax.Query, output: _Output) -> None:
        name = query.object_token.text
        relation = self.schema.children(scope.item.name).get(name.lower().removesuffix("__r"))
        if relation is None:
            known = ", ".join(sorted(each.name for each in self.schema.children(scope.item.name).values()))
            message = f"{scope.item.name} has no children {name!r}; it has {known or 'none'}."
            fail(query.source, query.object_token, message, "INVALID_TYPE")
        check(query)
        if is_aggregate(query):
            fail(query.source, query.object_token, "A child sub-query cannot hold aggregates.")
        self._child_queries += 1
        inner = _Scope(self, query, self.schema.objects[relation.child])
        inner_output = self._output(inner, query)
        link = f'{inner.alias}."{relation.field}" = {scope.alias}.id'
        sql = self._select(inner, query, inner_output, extra=link)
        shape = _shape(inner.item.name, inner_output)
        nested = tuple(column.type == "children" for column in inner_output.columns)
        output.add(_Column(self.dialect.rows_as_json(sql, nested, self.new_alias()), relation.name, "children"))
        output.children[relation.name] = shape
        output.selected.append(relation.name)

    def _add_typeof(self, scope: _Scope, selected: syntax.TypeOf, output: _Output) -> None:
        """Each branch's fields come from a join of its own; a field of several branches is the first not null."""
        query = scope.query
        lookup = self.relation(query, scope.item, selected.relation, selected.token)
        named = {branch.lower() for branch, _paths in selected.branches}
        branches = list(selected.branches)
        if selected.otherwise:
            branches += [(name, selected.otherwise) for name in lookup.reference_to if name.lower() not in named]
        found_sql: dict[str, list[str]] = {}
        kinds: dict[str, str] = {}
        ids: list[str] = []
        for name, paths in branches:
            item = self.schema.object(name)
            if item is None or item.name not in lookup.reference_to:
                fail(query.source, selected.token, f"{lookup.name} never leads to {name!r}.", "INVALID_TYPE")
            alias = self.new_alias()
            scope.joins.append(f'LEFT JOIN {item.table} {alias} ON {alias}.id = {scope.alias}."{lookup.name}"')
            ids.append(f"{alias}.id")
            for path in paths:
                found = self.field(query, item, path.parts[-1], path.token)
                found_sql.setdefault(found.name, []).append(scope.field_sql(alias, item, found, ()))
                kinds[found.name] = found.type.value
        output.parents[lookup.name] = self.schema.objects[lookup.reference_to[0]].name
        output.add(_Column(_first_of(ids), f"{lookup.name}.id", FieldType.ID.value))
        for name, parts in found_sql.items():
            output.add(_Column(_first_of(parts), f"{lookup.name}.{name}", kinds[name]))
            output.selected.append(f"{lookup.name}.{name}")

    def _select(self, scope: _Scope, query: syntax.Query, output: _Output, extra: str = "") -> str:
        """The SELECT of records. Parameters are collected in the order in which their marks stand in the text."""
        columns = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(output.columns))
        where = self._where(scope, query, extra)
        ordering = self._ordering(scope, query)
        limits = self._limits(query)
        lock = self.dialect.row_lock(scope.alias) if "UPDATE" in query.options else ""
        return f"SELECT {columns} {scope.from_sql()}{where}{ordering}{limits}{lock}"

    def _where(self, scope: _Scope, query: syntax.Query, extra: str = "") -> str:
        parts = [extra] if extra else []
        if not query.all_rows:
            parts.append(f"NOT {scope.alias}.is_deleted")
        if query.where is not None:
            parts.append(self._condition(scope, query.where))
        owner = scope.item.field("owner")
        if owner is not None and (query.scope == "MINE" or self._owner_only):
            parts.append(f'{scope.alias}."{owner.name}" = {self._mark(query, None, owner, "user")}')
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _ordering(self, scope: _Scope, query: syntax.Query) -> str:
        parts = []
        for ordering in query.ordering:
            sql, kind = self._operand(scope, ordering.operand)
            parts.append(self._order_term(sql, kind, ordering))
        # The id keeps pages and repeated runs in one order.
        return f" ORDER BY {', '.join([*parts, f'{scope.alias}.id'])}"

    def _order_term(self, sql: str, kind: Field, ordering: syntax.Ordering) -> str:
        term = self.dialect.fold(sql) if kind.type in TEXT_TYPES and not kind.case_sensitive else sql
        direction = " DESC" if ordering.is_descending else ""
        return f"{term}{direction} NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"

    def _limits(self, query: syntax.Query) -> str:
        if query.limit is None and query.offset is None:
            return ""
        limit = self._mark(query, query.limit, None, "row_number") if query.limit else self.dialect.no_limit
        offset = f" OFFSET {self._mark(query, query.offset, None, 'row_number')}" if query.offset else ""
        return f" LIMIT {limit}{offset}"

    # ------------------------------------------------------------------------------------- aggregates

    def _aggregate(self, query: syntax.Query, item: ObjectType) -> tuple[str, _Output]:
        grouping = query.grouping
        if grouping is not None and grouping.kind and not self.dialect.has_grouping_sets:
            return self._union_of_groupings(query, item, grouping)
        scope = _Scope(self, query, item)
        groups = [self._operand(scope, operand)[0] for operand in grouping.operands] if grouping else []
        sql, output = self._one_aggregate(scope, query, groups, grouping.kind if grouping else "", None)
        return sql + self._aggregate_order(scope, query, output) + self._limits(query), output

    def _union_of_groupings(
        self, query: syntax.Query, item: ObjectType, grouping: syntax.Grouping
    ) -> tuple[str, _Output]:
        """ROLLUP and CUBE for a database without them: one SELECT for each set of the fields that stay."""
        parts: list[str] = []
        output = _Output()
        scope = _Scope(self, query, item)
        for kept in _grouping_sets(len(grouping.operands), grouping.kind):
            scope = _Scope(self, query, item)
            groups = [self._operand(scope, grouping.operands[place])[0] for place in kept]
            names = [self._operand_key(operand) for operand in grouping.operands]
            dropped = frozenset(name for place, name in enumerate(names) if place not in kept)
            sql, output = self._one_aggregate(scope, query, groups, "", dropped)
            parts.append(sql)
        order = self._aggregate_order(scope, query, output)
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){order}{self._limits(query)}", output

    def _one_aggregate(
        self, scope: _Scope, query: syntax.Query, groups: list[str], kind: str, dropped: frozenset[str] | None
    ) -> tuple[str, _Output]:
        output = _Output()
        implied = 0
        grouped = {self._operand_key(operand) for operand in query.grouping.operands} if query.grouping else set()
        for selected in query.selected:
            if not isinstance(selected, syntax.SelectedField):
                fail(query.source, query.object_token, "An aggregate query selects fields and aggregates only.")
            operand = selected.operand
            is_counted = isinstance(operand, syntax.Call) and operand.name in AGGREGATES | {"GROUPING"}
            if not is_counted and self._operand_key(operand) not in grouped:
                self._refuse_ungrouped(query, operand)
            sql, found = self._aggregate_operand(scope, operand, dropped)
            if selected.alias:
                name = selected.alias
            elif isinstance(operand, syntax.Call):
                name, implied = f"expr{implied}", implied + 1
            else:
                name = operand.parts[-1].lower() if scope.item.field(operand.parts[-1]) is None else found.name
            output.columns.append(_Column(sql, name, found.type.value))
            output.selected.append(name)
        columns = ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(output.columns))
        where = self._where(scope, query)
        by = f" GROUP BY {kind + '(' if kind else ''}{', '.join(groups)}{')' if kind else ''}" if groups else ""
        having = f" HAVING {self._condition(scope, query.having)}" if query.having is not None else ""
        return f"SELECT {columns} {scope.from_sql()}{where}{by}{having}", output

    def _refuse_ungrouped(self, query: syntax.Query, operand: syntax.Operand) -> NoReturn:
        fail(
            query.source,
            operand.token,
            f"{operand.token.text} is neither grouped nor aggregated; add it to GROUP BY.",
        )

    def _aggregate_operand(
        self, scope: _Scope, operand: syntax.Operand, dropped: frozenset[str] | None
    ) -> tuple[str, Field]:
        """An operand of an aggregate SELECT; fields that a grouping set leaves out are null."""
        if dropped is not None:
            if isinstance(operand, syntax.Call) and operand.name == "GROUPING" and operand.argument is not None:
                return str(int(self._operand_key(operand.argument) in dropped)), _INTEGER
            if self._operand_key(operand) in dropped:
                return "NULL", self._operand(scope, operand)[1]
        return self._operand(scope, operand)

    def _aggregate_order(self, scope: _Scope, query: syntax.Query, output: _Output) -> str:
        """Selected columns are ordered by their place, so that unions can be ordered too."""
        keys = {
            self._operand_key(selected.operand): place
            for place, selected in enumerate(query.selected)
            if isinstance(selected, syntax.SelectedField)
        }
        aliases = {column.path.lower(): place for place, column in enumerate(output.columns)}
        parts = []
        for ordering in query.ordering:
            operand = ordering.operand
            place = keys.get(self._operand_key(operand))
            if place is None and isinstance(operand, syntax.FieldPath):
                place = aliases.get(operand.parts[-1].lower())
            if place is not None:
                kind = FieldType(output.columns[place].type)
                known = Field(name="", label="", type=kind)
                parts.append(
                    self._order_term(f"c{place}", known, ordering)
                    if self.dialect.orders_by_alias(kind)
                    else self._order_term(output.columns[place].sql, known, ordering)
                )
            else:
                sql, known = self._operand(scope, operand)
                parts.append(self._order_term(sql, known, ordering))
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _operand_key(self, operand: syntax.Operand) -> str:
        """Equal keys mean the same operand, however it is spelled."""
        if isinstance(operand, syntax.FieldPath):
            return ".".join(part.lower().replace("_", "") for part in operand.parts)
        return f"{operand.name}({self._operand_key(operand.argument) if operand.argument else ''})"

    # ------------------------------------------------------------------------------------- operands

    def _operand(self, scope: _Scope, operand: syntax.Operand) -> tuple[str, Field]:
        if isinstance(operand, syntax.FieldPath):
            sql, found, _item = scope.column(operand)
            return sql, found
        name = operand.name
        if name in AGGREGATES:
            return self._aggregate_call(scope, operand)
        if operand.argument is None:
            fail(scope.query.source, operand.token, f"{operand.token.text} needs a field.")
        if name in DATE_FUNCTIONS:
            return self._date_call(scope, operand)
        sql, found = self._operand(scope, operand.argument)
        if name == "GROUPING":
            return f"GROUPING({sql})", _INTEGER
        if name in _PASS_THROUGH:
            return sql, found
        fail(scope.query.source, operand.token, f"There is no function {operand.token.text!r} in SOQL.")

    def _aggregate_call(self, scope: _Scope, call: syntax.Call) -> tuple[str, Field]:
        if call.argument is None:
            if call.name != "COUNT":
                fail(scope.query.source, call.token, f"{call.name} needs a field.")
            return "COUNT(*)", _INTEGER
        sql, found = self._operand(scope, call.argument)
        match call.name:
            case "COUNT":
                return f"COUNT({sql})", _INTEGER
            case "COUNT_DISTINCT":
                folded = self.dialect.fold(sql) if found.type in TEXT_TYPES else sql
                return f"COUNT(DISTINCT {folded})", _INTEGER
            case "MIN" | "MAX":
                return f"{call.name}({sql})", found
        if found.type not in (FieldType.INTEGER, FieldType.DECIMAL):
            message = f"{call.name} takes numbers; {found.name} is {found.type.value}."
            fail(scope.query.source, call.token, message, "INVALID_FIELD")
        kind = found if call.name == "SUM" else _DECIMAL
        return self.dialect.number_sum(call.name, sql, found.type), kind

    def _date_call(self, scope: _Scope, call: syntax.Call) -> tuple[str, Field]:
        argument = call.argument
        converts = isinstance(argument, syntax.Call) and argument.name == "CONVERTTIMEZONE"
        assert argument is not None
        sql, found = self._operand(scope, argument)
        if found.type not in (FieldType.DATE, FieldType.DATETIME):
            message = f"{call.name} takes a date; {found.name} is {found.type.value}."
            fail(scope.query.source, call.token, message, "INVALID_FIELD")
        kind = _DATE if call.name == "DAY_ONLY" else _INTEGER
        # Date functions read times in UTC, unless convertTimezone asks for the user's zone.
        return self.dialect.date_part(call.name, sql, found.type, converts), kind

    # ------------------------------------------------------------------------------------- conditions

    def _condition(self, scope: _Scope, condition: syntax.Condition) -> str:
        match condition:
            case syntax.All():
                return "(" + " AND ".join(self._condition(scope, part) for part in condition.parts) + ")"
            case syntax.AnyOf():
                return "(" + " OR ".join(self._condition(scope, part) for part in condition.parts) + ")"
            case syntax.Not():
                return f"(NOT {self._condition(scope, condition.part)})"
            case syntax.Comparison():
                return self._comparison(scope, condition)
            case syntax.Membership():
                return self._membership(scope, condition)
            case syntax.Includes():
                return self._includes(scope, condition)

    def _comparison(self, scope: _Scope, condition: syntax.Comparison) -> str:
        sql, found = self._operand(scope, condition.left)
        query = scope.query
        right = condition.right
        if isinstance(right, syntax.DateLiteral):
            return self._span(query, sql, found, condition.operator, right)
        if condition.operator == "LIKE":
            if found.type not in TEXT_TYPES:
                message = f"LIKE compares texts; {found.name} is {found.type.value}."
                fail(query.source, right.token, message, "INVALID_QUERY_FILTER_OPERATOR")
            return self.dialect.like(sql, self._mark(query, right, found, "like"))
        if isinstance(right, syntax.Value) and right.value is None:
            return self._null_test(query, sql, found, condition)
        self._check_literal(query, found, right)
        is_folded = found.type in TEXT_TYPES and not found.case_sensitive
        return self.dialect.compare(sql, condition.operator, self._mark(query, right, found, "scalar"), is_folded)

    def _null_test(self, query: syntax.Query, sql: str, found: Field, condition: syntax.Comparison) -> str:
        if condition.operator not in ("=", "!="):
            fail(query.source, condition.right.token, f"null cannot be compared with {condition.operator}.")
        if found.type is FieldType.BOOLEAN:
            # A checkbox is never null in SOQL: null means false.
            return f"({'NOT ' if condition.operator == '=' else ''}{self.dialect.truth(sql)})"
        return f"({sql} IS {'NOT ' if condition.operator == '!=' else ''}NULL)"

    def _check_literal(self, query: syntax.Query, found: Field, right: syntax.Value | syntax.Bind) -> None:
        """A quoted number or date is a mistake in SOQL; binds are converted instead."""
        if not isinstance(right, syntax.Value):
            return
        wanted: dict[FieldType, tuple[type, ...]] = {
            FieldType.INTEGER: (int, float),
            FieldType.DECIMAL: (int, float),
            FieldType.BOOLEAN: (bool,),
        }
        kinds = wanted.get(found.type)
        is_text = isinstance(right.value, str)
        wrong = (kinds is not None and not isinstance(right.value, kinds)) or (
            found.type in (FieldType.DATE, FieldType.DATETIME) and is_text
        )
        if wrong or (found.type in TEXT_TYPES and not is_text):
            message = f"{found.name} is {found.type.value}; {right.token.text} is not written as one."
            fail(query.source, right.token, message, "INVALID_QUERY_FILTER_OPERATOR")

    def _span(
        self, query: syntax.Query, sql: str, found: Field, operator: str, literal: syntax.DateLiteral
    ) -> str:
        if found.type not in (FieldType.DATE, FieldType.DATETIME):
            message = f"{literal.name} is a date; {found.name} is {found.type.value}."
            fail(query.source, literal.token, message, "INVALID_QUERY_FILTER_OPERATOR")

        def bound(use: str) -> str:
            return self._mark(query, literal, found, "first" if use == "first" else "end")

        match operator:
            case "=":
                return f"({sql} >= {bound('first')} AND {sql} < {bound('end')})"
            case "!=":
                return f"({sql} IS NULL OR {sql} < {bound('first')} OR {sql} >= {bound('end')})"
            case "<":
                return f"({sql} < {bound('first')})"
            case "<=":
                return f"({sql} < {bound('end')})"
            case ">":
                return f"({sql} >= {bound('end')})"
            case ">=":
                return f"({sql} >= {bound('first')})"
            case _:
                fail(query.source, literal.token, f"{operator} cannot compare dates.")

    def _membership(self, scope: _Scope, condition: syntax.Membership) -> str:
        sql, found = self._operand(scope, condition.left)
        members = condition.members
        if isinstance(members, syntax.Query):
            return self._semi_join(scope, condition, sql, members)
        scalars = members if isinstance(members, tuple) else (members,)
        for scalar in scalars:
            if isinstance(scalar, syntax.DateLiteral):
                fail(scope.query.source, scalar.token, "Date literals cannot be members of a list.")
        is_folded = found.type in TEXT_TYPES and not found.case_sensitive
        plain = tuple(scalar for scalar in scalars if not isinstance(scalar, syntax.DateLiteral))
        inside = self.dialect.member(sql, self._mark(scope.query, plain, found, "list"), is_folded, found.type)
        has_null = self._mark(scope.query, plain, found, "has_null")
        if condition.is_negated:
            return f"(CASE WHEN {sql} IS NULL THEN NOT {self.dialect.flag(has_null)} ELSE NOT {inside} END)"
        return f"(CASE WHEN {sql} IS NULL THEN {self.dialect.flag(has_null)} ELSE {inside} END)"

    def _semi_join(self, scope: _Scope, condition: syntax.Membership, sql: str, inner: syntax.Query) -> str:
        item = self.object(inner, inner.object_token)
        inner_scope = _Scope(self, inner, item)
        selected = inner.selected[0]
        if not isinstance(selected, syntax.SelectedField) or not isinstance(selected.operand, syntax.FieldPath):
            fail(inner.source, inner.object_token, "A semi-join selects one field.")
        column, found, _item = inner_scope.column(selected.operand)
        if not (found.reference_to or found.type is FieldType.ID):
            message = f"A semi-join selects an id or a lookup; {found.name} is {found.type.value}."
            fail(inner.source, selected.operand.token, message, "INVALID_FIELD")
        where = self._where(inner_scope, inner, f"{column} IS NOT NULL")
        found_in = f"{sql} IN (SELECT {column} {inner_scope.from_sql()}{where})"
        return f"({sql} IS NULL OR NOT {found_in})" if condition.is_negated else f"({found_in})"

    def _includes(self, scope: _Scope, condition: syntax.Includes) -> str:
        sql, found = self._operand(scope, condition.left)
        if found.type is not FieldType.MULTIPICKLIST:
            message = f"INCLUDES and EXCLUDES ask multi-select picklists; {found.name} is {found.type.value}."
            fail(scope.query.source, condition.left.token, message, "INVALID_FIELD")
        choices = []
        for scalar in condition.choices:
            if not isinstance(scalar, syntax.Value) or not isinstance(scalar.value, str):
                fail(scope.query.source, scalar.token, "INCLUDES takes texts; `a;b` means both of them.")
            parts = [syntax.Value(part, scalar.token) for part in scalar.value.split(";") if part]
            tests = [self.dialect.includes(sql, self._mark(scope.query, part, found, "scalar")) for part in parts]
            choices.append("(" + " AND ".join(tests) + ")")
        inside = " OR ".join(choices)
        return (
            f"({sql} IS NULL OR NOT ({inside}))" if condition.is_negated else f"({sql} IS NOT NULL AND ({inside}))"
        )

    def _mark(
        self,
        query: syntax.Query,
        scalar: syntax.Scalar | tuple[syntax.Value | syntax.Bind, ...] | None,
        found: Field | None,
        use: Use,
    ) -> str:
        """Note a parameter; its placeholder in the SQL, numbered, so that the order of texts does not matter."""
        self._parameters.append(Parameter(query.source, scalar, found, use))
        return self.dialect.mark(len(self._parameters))


def _shape(object_name: str, output: _Output) -> ResultShape:
    return ResultShape(
        object_name=object_name,
        columns=tuple(column.path for column in output.columns),
        types=tuple(column.type for column in output.columns),
        parents=output.parents,
        selected_ids=tuple(output.plain_lookups),
        children=output.children,
    )


def _first_of(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)})"


def _grouping_sets(count: int, kind: str) -> list[tuple[int, ...]]:
    """Places of the fields that stay, for each row of totals: finest first."""
    if kind == "ROLLUP":
        return [tuple(range(kept)) for kept in range(count, -1, -1)]
    sets = [tuple(place for place in range(count) if mask & (1 << place)) for mask in range(2**count)]
    return sorted(sets, key=lambda kept: (-len(kept), kept))
