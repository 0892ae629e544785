"""Values of one field in many records at once, to their storage form.

Most columns hold nothing unusual, which C can see at a glance: texts that are short enough, whole numbers in
range. What it cannot see is left to `values.converter`, value by value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from circuit_runtime.project.schema import Field, FieldType
from circuit_runtime.store.values import EMAIL, LARGEST_INTEGER, converter

_NONE = type(None)
_STR = frozenset({str})
_TEXT_OR_NONE = frozenset({str, _NONE})
_TEXT_TYPES = frozenset({FieldType.TEXT, FieldType.TEXTAREA, FieldType.PHONE, FieldType.URL})

# Whether all values of a column are in storage form already.
IsStored = Callable[[Sequence[Any]], bool]
ColumnConverter = Callable[[Sequence[Any]], Sequence[Any]]


@lru_cache(maxsize=4096)
def column_converter(field: Field) -> ColumnConverter:
    """A function from the plain values of a column, None included, to their storage form.

    It raises ValueProblem where any of them does not fit; which one is for `values.converter` to say.
    """
    convert = converter(field)
    is_stored = _is_stored(field)

    def convert_column(values: Sequence[Any]) -> Sequence[Any]:
        return values if is_stored(values) else _each(convert, values)

    return convert_column


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Equal texts are converted once: lookups, dates and picklists repeat."""
    if not _STR.issuperset(map(type, values)):
        return list(map(convert, values))
    once = {value: convert(value) for value in set(values)}
    return [once[value] for value in values]


def _is_stored(field: Field) -> IsStored:
    if field.type in _TEXT_TYPES:
        return _are_texts(field.length)
    match field.type:
        case FieldType.INTEGER if field.minimum is None and field.maximum is None:
            return _are_integers
        case FieldType.BOOLEAN:
            return lambda values: {bool, _NONE}.issuperset(map(type, values))
        case FieldType.PICKLIST:
            known = frozenset((*field.values, None))
            return lambda values: _TEXT_OR_NONE.issuperset(map(type, values)) and known.issuperset(values)
        case FieldType.EMAIL:
            are_texts = _are_texts(field.length)
            return lambda values: are_texts(values) and all(map(EMAIL.fullmatch, filter(None, values)))
        case _:
            return lambda values: {_NONE}.issuperset(map(type, values))


def _are_texts(length: int | None) -> IsStored:
    def are_texts(values: Sequence[Any]) -> bool:
        texts = values
        try:
            joined = "".join(texts)
        except TypeError:
            texts = [value for value in values if value is not None]
            if not _STR.issuperset(map(type, texts)):
                return False
            joined = "".join(texts)
        if "\0" in joined or _has_blank(texts, joined):
            return False
        return length is None or len(joined) <= length or max(map(len, texts)) <= length

    return are_texts


def _has_blank(texts: Sequence[str], joined: str) -> bool:
    """Whether one of them is blank, which is stored as None."""
    if joined.isascii() and min(texts, default="!") >= "!":
        return False  # blank ones would come before what begins with a letter
    return not all(map(str.strip, texts))


def _are_integers(values: Sequence[Any]) -> bool:
    if not {int, _NONE}.issuperset(map(type, values)):
        return False
    numbers = [value for value in values if value is not None]
    return not numbers or -LARGEST_INTEGER <= min(numbers) <= max(numbers) <= LARGEST_INTEGER
