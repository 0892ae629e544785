"""Which values to show at the ends of which lines while a run is paused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_DOTTED = re.compile(r"(?<![\w.)\]])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_STRING = re.compile(r"(\"[^\"]*\"|'[^']*')")
_MOST_NAMES = 3
_LONGEST_VALUE = 40


def name_at(text: str, column: int) -> str:
    """The dotted name at a 1-based column, up to the part that is there: `lead.email` of `lead.email.lower`.

    "" where there is none, within a string, or where the name is part of the value of a call.
    """
    for found in _DOTTED.finditer(_STRING.sub(lambda match: " " * len(match[0]), text)):
        if found.start() < column <= found.end():
            end = text.find(".", column - 1, found.end())
            return text[found.start() : end if end >= 0 else found.end()]
    return ""


def inline_values(
    current_text: str,
    assigned: Mapping[int, tuple[str, ...]],
    first_line: int,
    current_line: int,
    values: Mapping[str, str],
) -> dict[int, str]:
    """Values by 1-based line: where a name was assigned before the current line, and what that line uses.

    Values that say nothing but their type (`<Fit>`) are left out.

    Args:
        current_text: the text of the line that runs next.
        assigned: the names that each line assigns.
        first_line: where the function begins; lines before it are left alone.
        values: the frame's locals, name to short value.
    """
    shown: dict[int, str] = {}
    for line, names in assigned.items():
        if first_line <= line < current_line:
            shown[line] = _written(names, values)
    shown[current_line] = _written(_NAME.findall(_STRING.sub("", current_text)), values)
    return {line: text for line, text in shown.items() if text}


def _written(names: Sequence[str], values: Mapping[str, str]) -> str:
    telling = [name for name in dict.fromkeys(names) if name in values and not values[name].startswith("<")]
    return "   ".join(f"{name} = {_short(values[name])}" for name in telling[:_MOST_NAMES])


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
