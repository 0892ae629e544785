"""Custom rules of an object: validation rules and field updates, written in the expression language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import circuit_log.events as ev
from circuit_runtime.dml.conversion import convert
from circuit_runtime.dml.errors import error
from circuit_runtime.dml.work import Work
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.schema import ObjectType, Schema
from circuit_runtime.soql.expressions import EvaluationContext, compile_expression


class Rules:
    """Evaluates the rules of one transaction."""

    def __init__(self, schema: Schema, events: EventLog) -> None:
        self._schema = schema
        self._events = events

    def validate(self, item: ObjectType, works: Sequence[Work], now: dt.datetime) -> None:
        """Add an error to each record for which a validation rule says so."""
        for rule in item.validations:
            expression = compile_expression(rule.when, item, self._schema)
            for work in works:
                self._events.emit(ev.ValidationRule, rule=rule.name)
                self._events.emit(ev.ValidationFormula, formula=rule.when)
                if expression.evaluate(work.new, _context(work, now)) is True:
                    self._events.emit(ev.ValidationFail)
                    fields = (rule.field,) if rule.field else ()
                    work.errors.append(error("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *fields))
                else:
                    self._events.emit(ev.ValidationPass)

    def field_updates(self, item: ObjectType, work: Work, now: dt.datetime) -> dict[str, Any]:
        """Stored values that the field updates set on a saved record; {} where none of them applies."""
        changes: dict[str, Any] = {}
        for update in item.field_updates:
            if compile_expression(update.when, item, self._schema).evaluate(work.new, _context(work, now)) is True:
                value = compile_expression(update.value, item, self._schema).evaluate(
                    work.new, _context(work, now)
                )
                work.errors += convert(item, {update.field: value}, changes)
        return {name: value for name, value in changes.items() if work.new.get(name) != value}


def _context(work: Work, now: dt.datetime) -> EvaluationContext:
    return EvaluationContext(now=now, old=work.old)
