"""A logpoint's message: text with expressions in braces, written as in an f-string."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from typing import Any

from circuitos.debugger.evaluation import Expression

_CONVERSIONS: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}
_TAIL = re.compile(r"(?:!([sra]))?(?::(.*))?", re.DOTALL)


class Template:
    """`{expression}`, `{expression!r}`, `{expression:format}` and `{expression=}` are filled in.

    A format may hold fields itself. Doubled braces stand for themselves, as do braces around nothing, and a
    brace that is never closed. What does not compile raises its SyntaxError at each pass.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[str | _Field] = []
        position, plain = 0, ""
        while position < len(text):
            if text[position : position + 2] in ("{{", "}}"):
                plain += text[position]
                position += 2
            elif text[position] == "{" and (found := _field_at(text, position)) is not None:
                field, position = found
                self._parts += [plain, field]
                plain = ""
            else:
                plain += text[position]
                position += 1
        self._parts.append(plain)

    def text_in(self, frame: types.FrameType) -> str:
        """Raises whatever an expression raises."""
        return "".join(part if isinstance(part, str) else part.text_in(frame) for part in self._parts)


class _Field:
    def __init__(self, expression: Expression, *, label: str = "", conversion: str = "", form: str = "") -> None:
        self._expression = expression
        self._label = label
        self._convert = _CONVERSIONS.get(conversion)
        self._form = Template(form)

    def text_in(self, frame: types.FrameType) -> str:
        value = self._expression.value_in(frame)
        shown = self._convert(value) if self._convert is not None else value
        return self._label + format(shown, self._form.text_in(frame))


def _field_at(text: str, start: int) -> tuple[_Field, int] | None:
    """The field whose brace opens at `start`, and where the text after it begins; None if there is none.

    It ends at the first closing brace that leaves something that compiles, so that braces within strings,
    dictionaries and formats need no rules of their own.
    """
    ends = [end for end in range(start + 1, len(text)) if text[end] == "}"]
    if not ends or not text[start + 1 : ends[0]].strip():
        return None
    for end in ends:
        field = _field(text[start + 1 : end])
        if field is not None:
            return field, end + 1
    return _Field(Expression(text[start + 1 : ends[0]])), ends[0] + 1


def _field(text: str) -> _Field | None:
    """The field that the text between two braces is, if its expression compiles."""
    for expression, tail in _divisions(text):
        match = _TAIL.fullmatch(tail)
        if match is None or not expression.strip():
            continue
        is_labelled = expression.rstrip().endswith("=")
        read = Expression(expression.rstrip().removesuffix("=") if is_labelled else expression)
        conversion, form = match[1] or "", match[2] or ""
        if read.is_valid and form.count("{") == form.count("}"):
            if is_labelled and not tail:
                conversion = "r"
            return _Field(read, label=expression if is_labelled else "", conversion=conversion, form=form)
    return None


def _divisions(text: str) -> Iterator[tuple[str, str]]:
    """Expression and tail: all of it, and then split before each `!` and `:`."""
    yield text, ""
    for position, character in enumerate(text):
        if character in "!:":
            yield text[:position], text[position:]
