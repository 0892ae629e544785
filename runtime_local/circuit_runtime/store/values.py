"""Values of fields between their plain form (Python) and their storage form (`circuit_link.wire`).

Checks what one value alone can violate, with Salesforce's status codes and words.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.store.ids import long_id

EMAIL = re.compile(r"[^@\s<>()\[\],;:\"\\]+@[^@\s<>()\[\],;:\"\\]+\.[^@\s.<>()\[\],;:\"\\]{2,}")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no", ""})
LARGEST_INTEGER = 2**63 - 1
_MOST_DIGITS = 40
_SHOWN_CHARACTERS = 100


class ValueProblem(Exception):
    """A value that a field does not take; `status_code` and the text as Salesforce's DML errors have them."""

    def __init__(self, status_code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


Converter = Callable[[Any], Any]


@lru_cache(maxsize=4096)
def converter(field: Field) -> Converter:
    """A function from a plain value, None included, to its storage form; raises ValueProblem.

    Made once for each field: bulk writes call it for every value.
    """
    convert = _converter_of_type(field)

    def convert_or_none(value: Any) -> Any:
        return None if value is None else convert(value)

    return convert_or_none


def to_storage(field: Field, value: Any) -> Any:
    """The storage form of one plain value. Raises: ValueProblem."""
    return converter(field)(value)


def to_plain(field: Field, stored: Any) -> Any:
    """The plain value of a storage form."""
    if stored is None:
        return [] if field.type is FieldType.MULTIPICKLIST else None
    convert = plain_converter(field)
    return stored if convert is None else convert(stored)


def plain_converter(field: Field) -> Converter | None:
    """A function from a storage form, never None, to the plain value; None where both are the same."""
    match field.type:
        case FieldType.DATETIME:
            return lambda stored: _EPOCH + dt.timedelta(milliseconds=stored)
        case FieldType.DATE:
            return lambda stored: dt.date.fromisoformat(str(stored)[:10])
        case FieldType.DECIMAL:
            return lambda stored: _quantized(field, Decimal(str(stored)))
        case FieldType.BOOLEAN:
            return bool
        case FieldType.JSON:
            return json.loads
        case FieldType.MULTIPICKLIST:
            return lambda stored: [item for item in stored.split(";") if item]
        case _:
            return None


def _converter_of_type(field: Field) -> Converter:
    match field.type:
        case FieldType.TEXT | FieldType.TEXTAREA | FieldType.PHONE | FieldType.URL | FieldType.AUTONUMBER:
            return _text_converter(field)
        case FieldType.EMAIL:
            return _email_converter(field)
        case FieldType.INTEGER:
            return _integer_converter(field)
        case FieldType.DECIMAL:
            return _decimal_converter(field)
        case FieldType.BOOLEAN:
            return lambda value: _boolean(field, value)
        case FieldType.DATE:
            return lambda value: _date(field, value)
        case FieldType.DATETIME:
            return lambda value: _datetime(field, value)
        case FieldType.PICKLIST:
            return _picklist_converter(field)
        case FieldType.MULTIPICKLIST:
            return _multipicklist_converter(field)
        case FieldType.LOOKUP | FieldType.MASTER_DETAIL | FieldType.ID:
            return lambda value: _reference(field, value)
        case FieldType.JSON:
            return lambda value: _json(field, value)


def _wrong_type(field: Field, value: Any, wanted: str) -> ValueProblem:
    shown = repr(value)
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    return ValueProblem(
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        f"{field.label}: value not of required type: {shown} is not {wanted}",
    )


def _text_converter(field: Field) -> Converter:
    length = field.length

    def convert(value: Any) -> str | None:
        if type(value) is not str:
            value = _as_text(field, value)
        if length is not None and len(value) > length:
            raise _too_long(field, value, length)
        if "\0" in value:
            raise _wrong_type(field, value, "a text without NUL characters")
        # A blank text is no text, as in Salesforce.
        return None if not value or value.isspace() else value

    return convert


def _as_text(field: Field, value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong_type(field, value, "a text")
    return str(value)


def _too_long(field: Field, value: str, length: int) -> ValueProblem:
    shown = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
    return ValueProblem("STRING_TOO_LONG", f"{field.label}: data value too large: {shown} (max length={length})")


def _email_converter(field: Field) -> Converter:
    to_text = _text_converter(field)

    def convert(value: Any) -> str | None:
        text: str | None = to_text(value)
        if text is not None and not EMAIL.fullmatch(text):
            raise ValueProblem("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}")
        return text

    return convert


def _check_range(field: Field, value: int | Decimal) -> None:
    below = field.minimum is not None and value < field.minimum
    above = field.maximum is not None and value > field.maximum
    if below or above:
        bounds = ((field.minimum, "at least"), (field.maximum, "at most"))
        allowed = ", ".join(f"{words} {bound:g}" for bound, words in bounds if bound is not None)
        raise ValueProblem(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {value} ({allowed})",
        )


def _integer_converter(field: Field) -> Converter:
    has_range = field.minimum is not None or field.maximum is not None

    def convert(value: Any) -> int | None:
        if type(value) is not int:
            value = _as_integer(field, value)
        if value is None:
            return None
        if abs(value) > LARGEST_INTEGER:
            raise ValueProblem(
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"{field.label}: value outside of valid range on numeric field: {value}",
            )
        if has_range:
            _check_range(field, value)
        return int(value)

    return convert


def _as_integer(field: Field, value: Any) -> int | None:
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _wrong_type(field, value, "a whole number")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else str(value))
    except InvalidOperation as exc:
        raise _wrong_type(field, value, "a whole number") from exc
    # A short text such as 1e999999999 stands for a number that would fill the memory.
    if not number.is_finite() or number.adjusted() > _MOST_DIGITS:
        raise _wrong_type(field, value, "a whole number")
    whole = int(number)
    if whole != number:
        raise _wrong_type(field, value, "a whole number")
    return whole


def _decimal_converter(field: Field) -> Converter:
    def convert(value: Any) -> float | None:
        if isinstance(value, str) and not value.strip():
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise _wrong_type(field, value, "a number")
        try:
            number = _quantized(field, Decimal(value.strip() if isinstance(value, str) else str(value)))
        except InvalidOperation as exc:
            raise _wrong_type(field, value, "a number") from exc
        if not number.is_finite():
            raise _wrong_type(field, value, "a number")
        whole_digits = (field.precision or 18) - (field.scale or 0)
        if abs(number) >= Decimal(10) ** whole_digits:
            raise ValueProblem(
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"{field.label}: value outside of valid range on numeric field: {value} "
                f"(at most {whole_digits} digits before the point)",
            )
        _check_range(field, number)
        return float(number)

    return convert


def _quantized(field: Field, number: Decimal) -> Decimal:
    """Rounded half up to the field's scale, as Salesforce stores numbers."""
    if not number.is_finite():
        return number
    return number.quantize(Decimal(1).scaleb(-(field.scale or 0)), rounding=ROUND_HALF_UP)


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise _wrong_type(field, value, "true or false")


def _date(field: Field, value: Any) -> str | None:
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return dt.date.fromisoformat(value.strip()[:10]).isoformat()
        except ValueError as exc:
            raise _wrong_type(field, value, "a date (YYYY-MM-DD)") from exc
    raise _wrong_type(field, value, "a date")


def _datetime(field: Field, value: Any) -> int | None:
    """Milliseconds since 1970; a time without a zone is UTC, a date is its midnight."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError as exc:
            raise _wrong_type(field, value, "a time (2025-11-13T17:45:23Z)") from exc
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - its zone is set below
    if isinstance(value, dt.datetime):
        aware = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
        return (aware - _EPOCH) // _MILLISECOND
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return int(value)
    raise _wrong_type(field, value, "a time")


def _picklist_converter(field: Field) -> Converter:
    to_text = _text_converter(field)
    # Picklist values compare in any case, and are stored as the field spells them.
    spelled = {value.lower(): value for value in field.values}

    def convert(value: Any) -> str | None:
        text: str | None = to_text(value)
        if text is None:
            return None
        known = spelled.get(text.lower())
        if known is None and field.restricted and spelled:
            raise _bad_picklist(field, text)
        return known or text

    return convert


def _bad_picklist(field: Field, value: str) -> ValueProblem:
    return ValueProblem(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        f"{field.label}: bad value for restricted picklist field: {value}",
    )


def _multipicklist_converter(field: Field) -> Converter:
    spelled = {value.lower(): value for value in field.values}

    def convert(value: Any) -> str | None:
        items = value.split(";") if isinstance(value, str) else value
        if not isinstance(items, Sequence | set | frozenset) or not all(isinstance(item, str) for item in items):
            raise _wrong_type(field, value, "a list of texts")
        chosen: dict[str, None] = {}
        for item in (item.strip() for item in items):
            if ";" in item or "\0" in item:
                raise _wrong_type(field, value, "a list of texts without semicolons and NUL characters")
            known = spelled.get(item.lower())
            if item and known is None and field.restricted and spelled:
                raise _bad_picklist(field, item)
            if item:
                chosen[known or item] = None
        return ";".join(chosen) or None

    return convert


def _reference(field: Field, value: Any) -> str | None:
    if isinstance(value, str):
        if not value.strip():
            return None
        if (full := long_id(value)) is not None:
            return full
    raise ValueProblem("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}")


def _json(field: Field, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_json_default)
    except (TypeError, ValueError) as exc:
        raise _wrong_type(field, value, "a JSON value") from exc


def _json_default(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
