"""The SELECT of records: fields, parents, children, TYPEOF."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from circuit_link.wire import ResultShape
from circuit_runtime.project.schema import ChildRelation, FieldType, ObjectType
from circuit_runtime.soql import syntax
from circuit_runtime.soql.checks import MAX_CHILD_LEVELS, check_children
from circuit_runtime.soql.clauses import limits_sql, order_term
from circuit_runtime.soql.compiled import CellReader
from circuit_runtime.soql.conditions import where_sql
from circuit_runtime.soql.formats import formatter
from circuit_runtime.soql.operands import plain_term
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.scope import Node, Scope, first_of
from circuit_runtime.soql.tokens import Token, fail

CHILDREN = "children"


@dataclass(slots=True)
class Column:
    sql: str
    path: str
    type: str
    reader: CellReader | None = None


@dataclass(slots=True)
class Output:
    """What a SELECT list gives."""

    columns: list[Column] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    prefixes: dict[str, dict[str, str]] = field(default_factory=dict)
    children: dict[str, ResultShape] = field(default_factory=dict)
    plain_lookups: list[str] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)

    def add(self, column: Column) -> None:
        if all(known.path != column.path for known in self.columns):
            self.columns.append(column)

    def select(self, column: Column) -> None:
        """Add a column that the query's text names."""
        self.add(column)
        if column.path not in self.selected:
            self.selected.append(column.path)

    def columns_sql(self) -> str:
        return ", ".join(f"{column.sql} AS c{place}" for place, column in enumerate(self.columns))

    def readers(self) -> tuple[tuple[int, CellReader], ...]:
        return tuple(
            (place, column.reader) for place, column in enumerate(self.columns) if column.reader is not None
        )

    def shape(self, object_name: str) -> ResultShape:
        return ResultShape(
            object_name=object_name,
            columns=tuple(column.path for column in self.columns),
            types=tuple(column.type for column in self.columns),
            parents=self.parents,
            prefixes=self.prefixes,
            selected_ids=tuple(self.plain_lookups),
            children=self.children,
        )


def record_output(scope: Scope, depth: int = 0) -> Output:
    """The SELECT list; `depth` counts the child sub-queries around it."""
    selection = _Selection(scope, depth)
    for selected in scope.query.selected:
        selection.add(selected)
    selection.output.add(Column(f"{scope.alias}.id", "id", FieldType.ID.value))
    return selection.output


def record_select(scope: Scope, output: Output, extra: str = "") -> str:
    """The SELECT of records. The id keeps pages and repeated runs in one order."""
    statement, query = scope.statement, scope.query
    where = where_sql(scope, extra)
    parts = [order_term(statement, plain_term(scope, each.operand), each) for each in query.ordering]
    order = f" ORDER BY {', '.join([*parts, f'{scope.alias}.id'])}"
    lock = statement.dialect.row_lock(scope.alias) if query.locks else ""
    return f"SELECT {output.columns_sql()} {scope.from_sql()}{where}{order}{limits_sql(statement, query)}{lock}"


class _Selection:
    """Turns the SELECT list of one scope into its output."""

    def __init__(self, scope: Scope, depth: int) -> None:
        self.output = Output()
        self._scope = scope
        self._depth = depth
        self._source = scope.query.source

    def add(self, selected: syntax.Selected) -> None:
        match selected:
            case syntax.SelectedField():
                self._add_field(selected)
            case syntax.SelectedFields():
                self._add_fields(selected)
            case syntax.SelectedChildren():
                self._add_children(selected.query)
            case syntax.TypeOf():
                self._add_typeof(selected)

    def _add_field(self, selected: syntax.SelectedField) -> None:
        operand = selected.operand
        match operand:
            case syntax.FieldPath():
                if selected.alias is not None:
                    message = "Only aggregates and functions have an alias, and fields beside them."
                    fail(self._source, selected.alias, message)
                self._add_path(operand)
            case syntax.Call():
                self._add_call(operand, selected.alias)
            case syntax.Formula():
                fail(self._source, operand.token, "FORMULA stands in conditions; a formula field can be selected.")

    def _add_path(self, path: syntax.FieldPath) -> None:
        term = self._scope.term(path)
        relations, name = self._scope.canonical(path)
        if relations:
            self._add_parents(relations, path.token)
        elif term.field.reference_to:
            self.output.plain_lookups.append(name)
        self.output.select(Column(term.sql, ".".join((*relations, name)), term.field.type.value))

    def _add_call(self, call: syntax.Call, alias: Token | None) -> None:
        """toLabel(status) is still the status; other functions are expr0, expr1, … without an alias."""
        term = plain_term(self._scope, call)
        reader = formatter(term.field) if call.name == "FORMAT" else None
        kind = FieldType.TEXT if reader is not None else term.field.type
        if alias is not None:
            name = alias.text
        elif call.name in ("TOLABEL", "FORMAT") and isinstance(call.argument, syntax.FieldPath):
            relations, field_name = self._scope.canonical(call.argument)
            if relations:
                self._add_parents(relations, call.token)
            name = ".".join((*relations, field_name))
        else:
            name = f"expr{sum(path.startswith('expr') for path in self.output.selected)}"
        if any(column.path.lower() == name.lower() for column in self.output.columns):
            fail(self._source, alias or call.token, f"{name} is selected twice; give one of them an alias.")
        self.output.select(Column(term.sql, name, kind.value, reader))

    def _add_parents(self, relations: tuple[str, ...], token: Token) -> None:
        for depth in range(1, len(relations) + 1):
            self._add_parent(".".join(relations[:depth]), self._scope.node(relations[:depth], token))

    def _add_parent(self, path: str, node: Node) -> None:
        self.output.parents[path] = node.tables[0][1].name
        if node.is_polymorphic:
            self.output.prefixes[path] = {item.key_prefix: item.name for _alias, item in node.tables}
        self.output.add(Column(node.id_sql, f"{path}.id", FieldType.ID.value))

    def _add_fields(self, selected: syntax.SelectedFields) -> None:
        item = self._scope.item
        wanted = {"STANDARD": (False,), "CUSTOM": (True,)}.get(selected.which, (False, True))
        for found in item.fields.values():
            if found.custom in wanted or (found.name == "id" and selected.which != "CUSTOM"):
                self._add_path(syntax.FieldPath((found.name,), selected.token))

    def _add_children(self, query: syntax.Query) -> None:
        scope, statement = self._scope, self._scope.statement
        relation = self._child_relation(query)
        check_children(query)
        if self._depth >= MAX_CHILD_LEVELS:
            message = f"Child sub-queries stand at most {MAX_CHILD_LEVELS} deep."
            fail(self._source, query.object_token, message)
        statement.child_queries += 1
        inner = Scope(statement, query, statement.schema.objects[relation.child])
        output = record_output(inner, self._depth + 1)
        link = f'{inner.alias}."{relation.field}" = {scope.alias}.id'
        select = record_select(inner, output, extra=link)
        nested = [column.type == CHILDREN for column in output.columns]
        sql = statement.dialect.rows_as_json(select, nested, statement.new_alias())
        reader = _children_reader(output.readers())
        self.output.select(Column(sql, relation.name, CHILDREN, reader))
        self.output.children[relation.name] = output.shape(inner.item.name)

    def _child_relation(self, query: syntax.Query) -> ChildRelation:
        name = query.object_token.text
        known = self._scope.statement.schema.children(self._scope.item.name)
        relation = known.get(name.lower().removesuffix("__r"))
        if relation is None:
            names = ", ".join(sorted(each.name for each in known.values())) or "none"
            message = f"{self._scope.item.name} has no children {name!r}; it has {names}."
            fail(self._source, query.object_token, message, "INVALID_TYPE")
        if any(column.path == relation.name for column in self.output.columns):
            fail(self._source, query.object_token, f"The children {relation.name} are selected twice.")
        return relation

    def _add_typeof(self, selected: syntax.TypeOf) -> None:
        """A field that several branches name is that of the one object that the lookup leads to."""
        scope = self._scope
        if len(selected.relation.parts) > 1:
            fail(self._source, selected.relation.token, "TYPEOF takes a relation of the queried object itself.")
        relations = scope.canonical_relations(selected.relation.parts, selected.relation.token)
        node = scope.node(relations, selected.relation.token)
        branches = self._branches(selected, node)
        self._add_parent(relations[0], node)
        found: dict[str, tuple[list[str], str]] = {}
        for (alias, item), paths in branches:
            for path in paths:
                self._add_branch_field(scope, Node(((alias, item),)), relations, path, found)
        for name, (parts, kind) in found.items():
            self.output.select(Column(first_of(parts), f"{relations[0]}.{name}", kind))

    def _branches(
        self, selected: syntax.TypeOf, node: Node
    ) -> list[tuple[tuple[str, ObjectType], tuple[syntax.FieldPath, ...]]]:
        tables = {item.name.lower(): (alias, item) for alias, item in node.tables}
        branches = []
        for token, paths in selected.branches:
            table = tables.pop(token.text.lower(), None)
            if table is None:
                message = f"{selected.relation.token.text} never leads to {token.text!r}, or that stands twice."
                fail(self._source, token, message, "INVALID_TYPE")
            branches.append((table, paths))
        for table in tables.values():
            # ELSE names what any of the remaining objects may have.
            paths = tuple(path for path in selected.otherwise if table[1].field(path.parts[0]) is not None)
            branches.append((table, paths))
        return branches

    def _add_branch_field(
        self,
        scope: Scope,
        node: Node,
        relations: tuple[str, ...],
        path: syntax.FieldPath,
        found: dict[str, tuple[list[str], str]],
    ) -> None:
        if len(path.parts) > 1:
            fail(self._source, path.token, "A branch of TYPEOF names fields of its object itself.")
        term = scope.node_term(node, relations, path.parts[0], path.token)
        parts, _kind = found.setdefault(term.field.name, ([], term.field.type.value))
        parts.append(term.sql)


def _children_reader(inner: tuple[tuple[int, CellReader], ...]) -> CellReader:
    """Cells of a child sub-query come as JSON text, within another one as lists already."""

    def read(cell: Any, context: QueryContext) -> list[list[Any]]:
        rows: list[list[Any]] = msgspec.json.decode(cell) if isinstance(cell, str) else cell or []
        for row in rows:
            for place, reader in inner:
                row[place] = reader(row[place], context)
        return rows

    return read
