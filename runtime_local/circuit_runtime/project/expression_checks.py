"""Refuse formulas, rules and roll-up filters that could not be computed, at the line that says so."""

from __future__ import annotations

from collections.abc import Mapping

from circuit_runtime.project.object_checks import Declarations, nearest
from circuit_runtime.project.schema import Field, ObjectType, Schema
from circuit_runtime.project.toml_file import TomlFile
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.expressions import Expression, compile_expression
from circuit_runtime.soql.formula_syntax import DEEPEST_TREE
from circuit_runtime.soql.formula_types import Shape, shape_of

# Formulas of formulas grow by multiplication; this is far beyond what people write.
_LARGEST_FORMULA = 2_000


def check_expressions(schema: Schema, declared: Mapping[str, Declarations]) -> None:
    """Check the expressions that a project declares; all references lead somewhere already.

    Raises: UserFacingError, with file and line.
    """
    for object_name, declarations in declared.items():
        _check_formulas(declarations, schema.objects[object_name], schema)
    for object_name, declarations in declared.items():
        _check_cycles(declarations, schema.objects[object_name], schema)
    for object_name, declarations in declared.items():
        item = schema.objects[object_name]
        _check_sizes(declarations, item, schema)
        _check_rollups(declarations, item, schema)
        _check_rules(declarations, item, schema)


def _check_formulas(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    file = declarations.file
    for field in _declared_formulas(declarations, item):
        where = ("fields", field.name, "formula")
        formula = _compile(file, field.formula or "", item, schema, *where)
        _refuse_history(file, formula, item, *where)
        wanted = shape_of(field.type)
        if formula.shape not in (wanted, Shape.NOTHING) and wanted is not Shape.TEXT:
            raise file.error(
                f"{item.name}.{field.name} is {wanted.value}, and its formula gives {formula.shape.value}.", *where
            )


def _check_cycles(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    """Refuse formulas that need themselves, also by way of other objects."""
    for field in _declared_formulas(declarations, item):
        reached: set[tuple[str, str]] = set()
        ahead = list(_formula(schema, item.name, field.name).formulas)
        while ahead:
            each = ahead.pop()
            if each not in reached:
                reached.add(each)
                ahead += _formula(schema, *each).formulas
        if (item.name, field.name) in reached:
            raise declarations.file.error(
                f"The formula of {item.name}.{field.name} needs its own value.", "fields", field.name, "formula"
            )


def _check_sizes(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    for field in _declared_formulas(declarations, item):
        formula = _formula(schema, item.name, field.name)
        if formula.depth > DEEPEST_TREE or formula.size > _LARGEST_FORMULA:
            raise declarations.file.error(
                f"The formula of {item.name}.{field.name} is too large with the formulas that it reads.",
                *("fields", field.name, "formula"),
                hint="Read fewer formula fields in it.",
            )


def _check_rollups(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    """Roll-ups are computed in one statement over the children alone."""
    file = declarations.file
    for name in sorted(declarations.fields):
        rollup = item.fields[name].rollup
        if rollup is None:
            continue
        child = schema.objects[rollup.child]
        for key, text in (("where", rollup.where), ("field", rollup.field)):
            if text is None:
                continue
            where = ("fields", name, "rollup", key)
            expression = _compile(file, text, child, schema, *where)
            _refuse_history(file, expression, item, *where)
            if expression.parent_paths:
                raise file.error(
                    f"{item.name}.{name}: a roll-up reads fields of {child.name} itself, not of its parents.",
                    *where,
                )
            if key == "where":
                _refuse_untrue(file, expression, item, *where)


def _check_rules(declarations: Declarations, item: ObjectType, schema: Schema) -> None:
    file = declarations.file
    for rule in item.validations:
        where = ("validation", rule.name)
        _refuse_untrue(file, _compile(file, rule.when, item, schema, *where, "when"), item, *where, "when")
        if rule.field is not None:
            _known_field(file, item, rule.field, *where, "field")
    for update in item.field_updates:
        where = ("field_update", update.name)
        _refuse_untrue(file, _compile(file, update.when, item, schema, *where, "when"), item, *where, "when")
        _compile(file, update.value, item, schema, *where, "value")
        target = _known_field(file, item, update.field, *where, "field")
        if not target.is_writable:
            raise file.error(f"{item.name}.{target.name} cannot be set by a field update.", *where, "field")


def _declared_formulas(declarations: Declarations, item: ObjectType) -> list[Field]:
    fields = [item.fields[name] for name in sorted(declarations.fields)]
    return [field for field in fields if field.formula is not None]


def _formula(schema: Schema, object_name: str, field_name: str) -> Expression:
    item = schema.objects[object_name]
    return compile_expression(item.fields[field_name].formula or "", item, schema)


def _compile(file: TomlFile, text: str, item: ObjectType, schema: Schema, *keys: str) -> Expression:
    try:
        return compile_expression(text, item, schema)
    except SoqlError as exc:
        place = f"line {exc.line}, column {exc.column}"
        error = file.error(f"{item.name}: {exc.message} In {'.'.join(keys)}, {place}: {text.strip()}", *keys)
        raise error from exc


def _refuse_history(file: TomlFile, expression: Expression, item: ObjectType, *keys: str) -> None:
    if (history := expression.history) is not None:
        raise file.error(
            f"{item.name}: {history.name} asks what a record was before, which only rules know.", *keys
        )


def _refuse_untrue(file: TomlFile, expression: Expression, item: ObjectType, *keys: str) -> None:
    if expression.shape not in (Shape.TRUTH, Shape.NOTHING):
        raise file.error(
            f"{item.name}: {'.'.join(keys)} has to be true or false, and gives {expression.shape.value}.", *keys
        )


def _known_field(file: TomlFile, item: ObjectType, name: str, *keys: str) -> Field:
    field = item.field(name)
    if field is None:
        raise file.error(f"{item.name} has no field {name!r}.", *keys, hint=nearest(name, item.fields))
    return field
