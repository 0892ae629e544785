"""One SELECT: its root table, and the joins to parents that its paths need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from circuit_runtime.project.schema import Field, FieldType, ObjectType
from circuit_runtime.soql import syntax
from circuit_runtime.soql.checks import MAX_PARENT_LEVELS, MAX_PARENT_PATHS
from circuit_runtime.soql.expressions import Expression, compile_expression, fitted_sql
from circuit_runtime.soql.statement import Statement, Term
from circuit_runtime.soql.tokens import Token, fail

_TYPE_NAME = Field(name="type", label="Type", type=FieldType.TEXT)


@dataclass(frozen=True, slots=True)
class Node:
    """The end of a relation: (alias, object) of each object that it can lead to."""

    tables: tuple[tuple[str, ObjectType], ...]

    @property
    def is_polymorphic(self) -> bool:
        return len(self.tables) > 1

    @property
    def id_sql(self) -> str:
        return first_of([f"{alias}.id" for alias, _item in self.tables])


class Scope:
    """Fields and relations of one SELECT, by their paths."""

    def __init__(self, statement: Statement, query: syntax.Query, item: ObjectType) -> None:
        self.statement = statement
        self.query = query
        self.item = item
        self.alias = statement.new_alias()
        self.joins: list[str] = []
        self._nodes: dict[tuple[str, ...], Node] = {(): Node(((self.alias, item),))}
        self._names = self._named_relations()
        statement.touched[(item.name, "id")] = None

    def term(self, path: syntax.FieldPath) -> Term:
        """The field at the end of a path."""
        relations, name = self.split(path)
        return self.node_term(self.node(relations, path.token), relations, name, path.token)

    def node_term(self, node: Node, relations: tuple[str, ...], name: str, token: Token) -> Term:
        """A field of a node: where it can be several objects, of the one that it is and that has the field."""
        statement = self.statement
        has_it = [(alias, item) for alias, item in node.tables if item.field(name) is not None]
        if node.is_polymorphic and name.lower() == "type":
            whens = " ".join(f"WHEN {alias}.id IS NOT NULL THEN '{item.name}'" for alias, item in node.tables)
            return Term(f"(CASE {whens} END)", _TYPE_NAME, is_optional=True)
        parts: list[str] = []
        found: Field | None = None
        for alias, item in has_it or node.tables[:1]:
            each = statement.field(item, name, token)
            found = found or each
            parts.append(self._field_sql(alias, item, each, relations))
        assert found is not None
        return Term(first_of(parts), found, is_optional=bool(relations))

    def node(self, relations: tuple[str, ...], token: Token) -> Node:
        """The tables at the end of the relations; joined when they are first needed."""
        key = tuple(relation.lower().removesuffix("__r") for relation in relations)
        if key in self._nodes:
            return self._nodes[key]
        if len(relations) > MAX_PARENT_LEVELS:
            fail(self.statement.source, token, f"A path leads through at most {MAX_PARENT_LEVELS} parents.")
        parent = self.node(relations[:-1], token)
        lookups = self._lookups(parent, relations[-1], token)
        value = first_of([f'{alias}."{lookup.name}"' for alias, lookup in lookups])
        targets = dict.fromkeys(name for _alias, lookup in lookups for name in lookup.reference_to)
        node = Node(tuple((self.statement.new_alias(), self.statement.schema.objects[name]) for name in targets))
        self.joins += [f"LEFT JOIN {item.table} {alias} ON {alias}.id = {value}" for alias, item in node.tables]
        self._nodes[key] = node
        if len(self._nodes) > MAX_PARENT_PATHS + 1:
            message = f"A query follows at most {MAX_PARENT_PATHS} relations to parents."
            fail(self.statement.source, token, message)
        return node

    def canonical(self, path: syntax.FieldPath) -> tuple[tuple[str, ...], str]:
        """Names of the relations and the field as the schema spells them."""
        relations, name = self.split(path)
        names = self.canonical_relations(relations, path.token)
        node = self.node(relations, path.token)
        found = next((each for _alias, item in node.tables if (each := item.field(name)) is not None), None)
        return names, found.name if found is not None else name.lower()

    def canonical_relations(self, relations: tuple[str, ...], token: Token) -> tuple[str, ...]:
        names = []
        for depth, relation in enumerate(relations):
            lookups = self._lookups(self.node(relations[:depth], token), relation, token)
            names.append(lookups[0][1].name)
        return tuple(names)

    def split(self, path: syntax.FieldPath) -> tuple[tuple[str, ...], str]:
        """Relations and field; names that FROM gave (`c.email`, `a.name`) are resolved."""
        parts = path.parts
        if len(parts) > 1:
            relations = self._names.get(parts[0].lower())
            if relations is not None and (relations or self.item.field(parts[0]) is None):
                parts = (*relations, *parts[1:])
        return parts[:-1], parts[-1]

    def from_sql(self) -> str:
        return " ".join([f"FROM {self.item.table} {self.alias}", *self.joins])

    def _named_relations(self) -> dict[str, tuple[str, ...]]:
        """`FROM Contact c, c.account a` names the root Contact and c, and the relation account a."""
        names: dict[str, tuple[str, ...]] = {self.item.name.lower(): ()}
        if self.query.alias is not None:
            names[self.query.alias.text.lower()] = ()
        for source in self.query.sources:
            first, *rest = source.relation.parts
            known = names.get(first.lower())
            if known is None or not rest:
                message = f"{'.'.join(source.relation.parts)} is no relation of {self.item.name}."
                fail(self.query.source, source.relation.token, message, "INVALID_TYPE")
            names[source.alias.text.lower()] = (*known, *rest)
        return names

    def _lookups(self, node: Node, name: str, token: Token) -> list[tuple[str, Field]]:
        """The lookup that a relation's name means (Salesforce's `Parent__r` too), in each object that has it."""
        found = [
            (alias, item, lookup)
            for alias, item in node.tables
            if (lookup := item.field(name.removesuffix("__r"))) is not None and lookup.reference_to
        ]
        if not found:
            item = node.tables[0][1]
            lookups = ", ".join(each.name for each in item.fields.values() if each.reference_to)
            message = f"{item.name} has no relation {name!r}; it has {lookups or 'none'}."
            fail(self.statement.source, token, message, "INVALID_FIELD")
        for _alias, item, lookup in found:
            self.statement.touched[(item.name, lookup.name)] = None
        return [(alias, lookup) for alias, _item, lookup in found]

    def _field_sql(self, alias: str, item: ObjectType, found: Field, relations: tuple[str, ...]) -> str:
        """A column, or the SQL of a formula field, whose own paths are joined too."""
        if found.formula is None:
            return f'{alias}."{found.name}"'
        sql, expression = self.expression_sql(found.formula, item, relations)
        return fitted_sql(self.statement.dialect.name, found, sql, expression.shape)

    def expression_sql(
        self, text: str, item: ObjectType, relations: tuple[str, ...] = ()
    ) -> tuple[str, Expression]:
        """SQL of an expression over the record at the end of the relations."""
        expression = compile_expression(text, item, self.statement.schema)

        def resolve(path: syntax.FieldPath) -> tuple[str, Field]:
            term = self.term(replace(path, parts=(*relations, *path.parts)))
            return term.sql, term.field

        sql = expression.sql_with(
            self.statement.dialect.name, resolve, lambda clock: self.statement.mark(None, None, clock)
        )
        return f"({sql})", expression


def first_of(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)})"
