"""Which values to show at the ends of which lines while a run is paused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_ASSIGNMENT = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?::[^=\n]+)?(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)")
_LOOP = re.compile(r"^\s*(?:async\s+)?for\s+(.+?)\s+in\b")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_STRING = re.compile(r"(\"[^\"]*\"|'[^']*')")
_MOST_NAMES = 3
_LONGEST_VALUE = 60


def inline_values(
    lines: Sequence[str], first_line: int, current_line: int, values: Mapping[str, str]
) -> dict[int, str]:
    """Values by 1-based line: where a name was assigned before the current line, and what that line uses.

    Args:
        lines: the whole text.
        first_line: where the function begins; lines before it are left alone.
        values: the frame's locals, name to short value.
    """
    shown: dict[int, str] = {}
    for line in range(first_line, min(current_line, len(lines) + 1)):
        names = [name for name in _assigned(lines[line - 1]) if name in values]
        if names:
            shown[line] = _written(names, values)
    if 1 <= current_line <= len(lines):
        used = [
            name
            for name in dict.fromkeys(_NAME.findall(_STRING.sub("", lines[current_line - 1])))
            if name in values
        ]
        plain = [name for name in used if not values[name].startswith("<")]
        if plain:
            shown[current_line] = _written(plain[:_MOST_NAMES], values)
    return shown


def _assigned(line: str) -> list[str]:
    assignment = _ASSIGNMENT.match(line)
    if assignment:
        return [assignment[1]]
    loop = _LOOP.match(line)
    return _NAME.findall(loop[1])[:_MOST_NAMES] if loop else []


def _written(names: Sequence[str], values: Mapping[str, str]) -> str:
    return "   ".join(f"{name} = {_short(values[name])}" for name in names)


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 1] + "…"
