"""Turn a value as another system sends it into a plain value that a field takes."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal, InvalidOperation
from typing import Any

from circuit_runtime.project.schema import Field, FieldType

_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})


class NotConvertible(Exception):
    """The value cannot be one of the field's. The text says what the field takes."""


def plain_value(field: Field, value: Any) -> Any:
    """`value` as a plain value for `field`; None for null and for blank text.

    Only the form is changed here. Whether the value is allowed (length, range, list) is the save's to say.

    Raises:
        NotConvertible: it cannot be read as the field's type.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    match field.type:
        case FieldType.JSON:
            return value
        case FieldType.BOOLEAN:
            return _boolean(value)
        case FieldType.INTEGER:
            return _integer(value)
        case FieldType.DECIMAL:
            return _decimal(value)
        case FieldType.DATE:
            return _moment(value).date()
        case FieldType.DATETIME:
            return _moment(value)
        case FieldType.TEXTAREA:
            return _text(value)
        case _ if isinstance(value, dict):
            raise NotConvertible("a text, not an object")
        case FieldType.MULTIPICKLIST:
            return _choices(value)
        case _:
            return _text(value)


def _text(value: Any) -> str:
    match value:
        case str():
            return value.strip()
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _choices(value: Any) -> list[str]:
    """Texts in order, each once; a comma separates them where one text holds all. ";" separates in storage."""
    items = value if isinstance(value, list) else str(value).split(",")
    texts = (_text(item).replace(";", ",") for item in items)
    return list(dict.fromkeys(text for text in texts if text))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    # A checkbox field of GoHighLevel is the list of its ticked options.
    if isinstance(value, list) and len(value) <= 1:
        return bool(value) and _boolean(value[0])
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise NotConvertible("true or false")


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotConvertible("a number")
    try:
        number = Decimal(str(value).strip().replace(",", "").lstrip("$€£"))
    except InvalidOperation as exc:
        raise NotConvertible("a number") from exc
    if not number.is_finite():
        raise NotConvertible("a number")
    return number


def _integer(value: Any) -> int:
    number = _decimal(value)
    if number != number.to_integral_value() or abs(number) > 10**18:
        raise NotConvertible("a whole number")
    return int(number)


def _moment(value: Any) -> dt.datetime:
    """ISO text, or milliseconds since 1970; without a zone it is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return dt.datetime.fromtimestamp(value / 1000, dt.UTC)
        moment = dt.datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError) as exc:
        raise NotConvertible("a date as 2025-11-13 or 2025-11-13T17:45:23Z") from exc
    try:
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except OverflowError as exc:
        raise NotConvertible("a date between the years 1 and 9999") from exc
