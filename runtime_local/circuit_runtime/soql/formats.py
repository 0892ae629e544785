"""FORMAT(): numbers, dates and times as a person reads them. Made here, so that both databases agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.soql.compiled import CellReader
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.store.values import to_plain


def formatter(field: Field) -> CellReader | None:
    """A reader of the field's cells; None where there is nothing to format. Times are in the user's zone."""
    match field.type:
        case FieldType.INTEGER:
            return lambda cell, _context: None if cell is None else f"{int(cell):,}"
        case FieldType.DECIMAL:
            return lambda cell, _context: None if cell is None else f"{Decimal(str(to_plain(field, cell))):,f}"
        case FieldType.DATE:
            return lambda cell, _context: None if cell is None else _date(to_plain(field, cell))
        case FieldType.DATETIME:
            return lambda cell, context: None if cell is None else _time(to_plain(field, cell), context)
        case _:
            return None


def _date(day: Any) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _time(moment: dt.datetime, context: QueryContext) -> str:
    local = moment.astimezone(context.zone)
    hour = local.hour % 12 or 12
    return f"{_date(local)}, {hour}:{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"
