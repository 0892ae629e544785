"""Take over what was sent: plain values become rows in storage form, whole columns of a chunk at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from circuit_link.wire import DmlErrorInfo
from circuit_runtime.dml.errors import error, no_such_field, not_writeable
from circuit_runtime.dml.work import Columns, Work, put, sent_together
from circuit_runtime.project.schema import Field, ObjectType
from circuit_runtime.store.columnwise import column_converter
from circuit_runtime.store.values import ValueProblem, converter


def take_over(item: ObjectType, works: Sequence[Work]) -> None:
    """Put what each work was given, but for its id, into its new row; what does not fit is told on it."""
    for alike, sent in sent_together(works):
        plain = {name: values for name, values in sent.items() if name != "id"}
        if not _take_columns(item, plain, alike):
            for work, row in zip(alike, zip(*plain.values(), strict=True), strict=True):
                work.errors += convert(item, dict(zip(plain, row, strict=True)), work.new)


def convert(item: ObjectType, values: Mapping[str, Any], into: dict[str, Any]) -> list[DmlErrorInfo]:
    """Put plain values into a row in storage form; what does not fit is left out and told."""
    errors: list[DmlErrorInfo] = []
    for name, value in values.items():
        field = item.field(name)
        if field is None:
            near = difflib.get_close_matches(name.lower(), list(item.fields), n=1)
            errors.append(no_such_field(item.name, name, near[0] if near else None))
        elif not field.is_writable:
            errors.append(not_writeable(field.name))
        else:
            try:
                into[field.name] = converter(field)(value)
            except ValueProblem as exc:
                errors.append(error(exc.status_code, str(exc), field.name))
    return errors


def _take_columns(item: ObjectType, plain: Columns, works: Sequence[Work]) -> bool:
    """Take over records that name the same fields; False, with nothing taken, where any value does not fit."""
    columns: dict[str, Sequence[Any]] = {}
    for name, values in plain.items():
        field = _writable(item, name)
        if field is None:
            return False
        try:
            columns[field.name] = column_converter(field)(values)
        except ValueProblem:
            return False
    put(works, columns)
    return True


def _writable(item: ObjectType, name: str) -> Field | None:
    field = item.field(name)
    return field if field is not None and field.is_writable else None
