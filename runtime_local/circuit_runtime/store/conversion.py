"""Change what a column holds, if every value survives it.

A value survives when the new field takes it, and gives it back the same: '12' as a number is 12 and '12' again,
while '012' would come back as '12', and 0.25 with one digit after the point as 0.3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from circuit_runtime.project.schema import Field, FieldType, ObjectType
from circuit_runtime.store.columns import TEXTS, Column, definition
from circuit_runtime.store.errors import MigrationRefused
from circuit_runtime.store.session import Row, Session
from circuit_runtime.store.values import Converter, ValueProblem, converter, to_plain

_PAGE_ROWS = 2_000
_EXAMPLES = 3
_SPARE = "circuit_spare"

PointsTo = Callable[[Field, str], bool]


def convert_column(session: Session, item: ObjectType, field: Field, column: Column, points_to: PointsTo) -> None:
    """Let the column of `field` hold its values as the field wants them, deleted records' ones too.

    Args:
        column: what the table has.
        points_to: whether an id is one that a lookup may hold.

    Raises: MigrationRefused, naming values that would not survive; the caller rolls back.
    """
    survives = _survival(column.as_field(field.name), _without_rules(field), points_to)
    is_rewritten = column.type is not field.type and not {column.type, field.type} <= TEXTS
    if is_rewritten:
        session.execute(f"ALTER TABLE {item.table} ADD COLUMN {definition(field, session.dialect, _SPARE)}")
    lost: list[Row] = []
    lost_count = 0
    for page in _pages(session, item, field.name):
        converted: list[Row] = []
        for record_id, stored in page:
            try:
                converted.append((record_id, survives(stored)))
            except ValueProblem:
                lost_count += 1
                lost += [(record_id, stored)][: _EXAMPLES - len(lost)]
        if is_rewritten and not lost:
            session.update(item, (_SPARE,), converted)
    if lost:
        raise _refused(item, field, column, lost, lost_count)
    if is_rewritten:
        session.execute(f'ALTER TABLE {item.table} DROP COLUMN "{field.name}"')
        session.execute(f'ALTER TABLE {item.table} RENAME COLUMN {_SPARE} TO "{field.name}"')


def needs_conversion(field: Field, column: Column) -> bool:
    """Whether the field may not take what the column holds."""
    if column.type is not field.type and not {column.type, field.type} <= TEXTS:
        return True
    return _is_less(field.length, column.length) or _is_narrower_number(field, column)


def _is_narrower_number(field: Field, column: Column) -> bool:
    if field.precision is None or column.precision is None:
        return False
    scale, old_scale = field.scale or 0, column.scale or 0
    return scale < old_scale or field.precision - scale < column.precision - old_scale


def _is_less(wanted: int | None, there: int | None) -> bool:
    return wanted is not None and there is not None and wanted < there


def _without_rules(field: Field) -> Field:
    """The field without what only new values have to keep: ranges and picklist values."""
    return dataclasses.replace(field, minimum=None, maximum=None, values=(), restricted=False)


def _survival(old: Field, new: Field, points_to: PointsTo) -> Converter:
    """From an old stored value to the new one; raises ValueProblem for one that would not survive."""
    to_text = converter(dataclasses.replace(new, type=FieldType.TEXT))
    forth, back = converter(new), converter(dataclasses.replace(old, length=None))

    reads_as_written = old.type in TEXTS and new.type in (FieldType.DATE, FieldType.MULTIPICKLIST)

    def convert(stored: Any) -> Any:
        if new.type in TEXTS and isinstance(stored, str):
            return to_text(stored)
        changed = forth(to_plain(old, stored))
        if new.is_reference and not points_to(new, str(changed)):
            raise ValueProblem("FIELD_INTEGRITY_EXCEPTION", f"{stored} is no id of {new.reference_to}")
        if (changed if reads_as_written else back(to_plain(new, changed))) != stored:
            raise ValueProblem("FIELD_INTEGRITY_EXCEPTION", f"{stored} would become {changed}")
        return changed

    return convert


def _pages(session: Session, item: ObjectType, column: str) -> Iterator[list[Row]]:
    """Ids and values of a column, without the empty ones."""
    mark = "?" if session.dialect == "sqlite" else "%s"
    last = ""
    while True:
        page = session.execute(
            f'SELECT id, "{column}" FROM {item.table} WHERE "{column}" IS NOT NULL AND id > {mark} '
            f"ORDER BY id LIMIT {_PAGE_ROWS}",
            (last,),
        )
        if not page:
            return
        yield page
        last = page[-1][0]


def _refused(item: ObjectType, field: Field, column: Column, lost: list[Row], count: int) -> MigrationRefused:
    examples = ", ".join(f"{stored!r:.60} in {record_id}" for record_id, stored in lost)
    return MigrationRefused(
        f"{item.name}.{field.name} is {_words(column)} and cannot become {_words(Column.of(field))}: "
        f"{count} of its values would be lost, such as {examples}.",
        code="FIELD_VALUES_WOULD_BE_LOST",
        hint="Change these values first, or give the new field another name: the old one keeps its values.",
        path=f"objects/{item.name}.toml",
    )


def _words(column: Column) -> str:
    if column.precision is not None and column.type is FieldType.DECIMAL:
        return f"decimal({column.precision}, {column.scale or 0})"
    return f"{column.type.value}({column.length})" if column.length is not None else column.type.value
