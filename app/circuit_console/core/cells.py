"""Values of a query's cells as text, and back."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from circuit_console.core.quantities import counted

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})
_BOOLEANS = ("true", "false")


class BadCell(Exception):
    """A text that is no value of its column's type. The message says what would be."""


@dataclass(frozen=True)
class BadText:
    """A text that was typed into a cell and is no value of its column; `why` says what would be."""

    text: str
    why: str


@dataclass(frozen=True)
class Column:
    """`path` is dotted (`account.name`); `type` is "" where the object is not known."""

    path: str
    type: str = ""
    values: tuple[str, ...] = ()
    is_editable: bool = False
    why_not: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts among which a cell's is chosen; none where any text may be typed."""
        return _BOOLEANS if self.type == "boolean" else self.values if self.type == "picklist" else ()


def cell_text(value: Any) -> str:
    """How a value stands in the field that edits it, and in a copy; "" for none."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case BadText():
            return value.text
        case list():
            if value and isinstance(value[0], dict):
                return counted(len(value), "record")
            return ";".join(str(item) for item in value)
        case dict():
            return msgspec.json.encode(value).decode()
        case _:
            return str(value)


def parse_cell(column: Column, text: str) -> Any:
    """The value that a text means in a column; None for an empty one. Raises: BadCell."""
    if not text.strip():
        return None
    match column.type:
        case "boolean":
            return _boolean(text)
        case "integer":
            return _whole_number(text)
        case "decimal":
            return _decimal(text)
        case "date":
            return _checked(dt.date.fromisoformat, text, "a date like 2025-11-13")
        case "datetime":
            return _checked(dt.datetime.fromisoformat, text, "a time like 2025-11-13T17:45:00Z")
        case "multipicklist":
            return [item.strip() for item in text.split(";") if item.strip()]
        case "json":
            try:
                return msgspec.json.decode(text)
            except msgspec.DecodeError as exc:
                raise BadCell(f"{text!r} is not JSON: {exc}") from exc
        case _:
            return text


def delimited(rows: Iterable[Sequence[str]], separator: Literal["\t", ","]) -> str:
    """Rows as spreadsheets take them: quoted only where a text holds the separator, a quote or a line's end."""
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\n").writerows(rows)
    return written.getvalue()


def pasted(text: str) -> list[list[str]]:
    """The cells of a text that a spreadsheet has copied, row by row."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadCell(f"{text!r} is neither true nor false.")


def _whole_number(text: str) -> int:
    try:
        return int(text.replace(" ", "").replace("\u00a0", ""))
    except ValueError as exc:
        raise BadCell(f"{text!r} is not a whole number.") from exc


def _decimal(text: str) -> float | int:
    try:
        number = Decimal(text.replace(" ", "").replace("\u00a0", ""))
    except InvalidOperation as exc:
        raise BadCell(f"{text!r} is not a number.") from exc
    if not number.is_finite():
        raise BadCell(f"{text!r} is not a number.")
    return int(number) if number == number.to_integral_value() else float(number)


def _checked(parse: Callable[[str], object], text: str, wanted: str) -> str:
    """The text itself, which the host reads, if it has the form."""
    try:
        parse(text.strip())
    except ValueError as exc:
        raise BadCell(f"{text!r} is not {wanted}.") from exc
    return text.strip()
