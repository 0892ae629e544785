"""A place in the project's files, as panes name it to each other."""

from __future__ import annotations

import msgspec


class Location(msgspec.Struct, frozen=True):
    """`path` is relative to the project with forward slashes (absolute outside it); `line` and `column` are
    1-based, 0 where unknown."""

    path: str
    line: int = 0
    column: int = 0
