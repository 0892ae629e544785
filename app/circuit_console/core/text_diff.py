"""Where two texts differ, line by line, with some lines around."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

_LINES_AROUND = 3


class DiffLine(NamedTuple):
    """One line of either text, with its 1-based number there. A gap stands for lines left out, numbered 0."""

    kind: Literal["same", "removed", "added", "gap"]
    line: int
    text: str


def differences(old: str, new: str) -> tuple[DiffLine, ...]:
    """What was taken away from `old` and added in `new`; empty where they are alike."""
    before, after = old.splitlines(), new.splitlines()
    groups = difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_LINES_AROUND)
    return tuple(itertools.chain.from_iterable(_with_gaps(groups, before, after)))


def _with_gaps(
    groups: Iterable[list[tuple[str, int, int, int, int]]], before: list[str], after: list[str]
) -> Iterator[Iterator[DiffLine]]:
    last = 0
    for group in groups:
        left_out = group[0][3] - last
        if left_out:
            yield iter((DiffLine("gap", 0, f"{left_out} line{'s' if left_out > 1 else ''} alike"),))
        last = group[-1][4]
        for kind, old_first, old_end, new_first, new_end in group:
            if kind == "equal":
                yield (DiffLine("same", place + 1, after[place]) for place in range(new_first, new_end))
            else:
                yield (DiffLine("removed", place + 1, before[place]) for place in range(old_first, old_end))
                yield (DiffLine("added", place + 1, after[place]) for place in range(new_first, new_end))
