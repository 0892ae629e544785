"""Custom rules of an object: validation rules and field updates, written in the expression language."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

import circuit_log.events as ev
from circuit_runtime.dml.conversion import convert
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.parents import Parents
from circuit_runtime.dml.work import Work
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.schema import ObjectType, Schema
from circuit_runtime.soql.expressions import (
    EvaluationContext,
    Expression,
    FindParent,
    compile_expression,
    fitted,
)


class Rules:
    """Evaluates the rules of one transaction; `zone` is that of TODAY()."""

    def __init__(self, schema: Schema, events: EventLog, parents: Parents, zone: zoneinfo.ZoneInfo) -> None:
        self._schema = schema
        self._events = events
        self._parents = parents
        self._zone = zone

    def validate(self, item: ObjectType, works: Sequence[Work], now: dt.datetime) -> None:
        """Add an error to each record for which a validation rule says so."""
        if not item.validations or not works:
            return
        expressions = [compile_expression(rule.when, item, self._schema) for rule in item.validations]
        parent = self._parents_of(item, expressions, works)
        for rule, expression in zip(item.validations, expressions, strict=True):
            for work in works:
                self._events.emit(ev.ValidationRule, rule=rule.name)
                self._events.emit(ev.ValidationFormula, formula=rule.when)
                if expression.evaluate(work.new, self._context(work, now, parent)) is True:
                    self._events.emit(ev.ValidationFail)
                    fields = (rule.field,) if rule.field else ()
                    work.errors.append(error("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *fields))
                else:
                    self._events.emit(ev.ValidationPass)

    def field_updates(
        self, item: ObjectType, works: Sequence[Work], now: dt.datetime
    ) -> list[tuple[Work, dict[str, Any]]]:
        """Saved records, and the stored values that the field updates set on them; those without are left out."""
        updates = [
            (
                item.fields[update.field],
                compile_expression(update.when, item, self._schema),
                compile_expression(update.value, item, self._schema),
            )
            for update in item.field_updates
        ]
        expressions = [each for _field, when, value in updates for each in (when, value)]
        parent = self._parents_of(item, expressions, works)
        changed = []
        for work in works:
            context = self._context(work, now, parent)
            changes: dict[str, Any] = {}
            for field, when, value in updates:
                if when.evaluate(work.new, context) is True:
                    wanted = fitted(field, value.evaluate(work.new, context))
                    work.errors += convert(item, {field.name: wanted}, changes)
            if fresh := {name: value for name, value in changes.items() if work.new.get(name) != value}:
                changed.append((work, fresh))
        return changed

    def _parents_of(
        self, item: ObjectType, expressions: Sequence[Expression], works: Sequence[Work]
    ) -> FindParent:
        rows = (row for work in works for row in (work.new, work.old) if row is not None)
        return self._parents.of(item, expressions, rows)

    def _context(self, work: Work, now: dt.datetime, parent: FindParent) -> EvaluationContext:
        return EvaluationContext(now, self._zone, work.old, parent)
