"""How much one frame may make its reader hold, checked before and beside decoding.

A frame of 8 MB can name eight million empty lists, which take 600 MB once they are decoded. Small frames cannot
do such harm and are not looked at; large ones are walked without decoding anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MAX_VALUES = 1_000_000
MAX_DEPTH = 64
SMALL_FRAME_BYTES = 256 * 1024
_TEXT = frozenset({str})

# Size of a value by its first byte, where that byte decides it; 0 where a length follows (MessagePack, "Formats").
_FIXED = bytes(
    [1] * 0xA0  # small integers; maps and arrays count as their head, their items follow
    + [1 + length for length in range(0x20)]  # short texts
    + [1, 1, 1, 1]  # nil, unused, false, true
    + [0, 0, 0, 0, 0, 0]  # bin 8 to 32, ext 8 to 32
    + [5, 9, 2, 3, 5, 9, 2, 3, 5, 9]  # float 32 and 64, unsigned and signed integers
    + [3, 4, 6, 10, 18]  # fixext
    + [0, 0, 0]  # text 8 to 32
    + [3, 5, 3, 5]  # array 16 and 32, map 16 and 32
    + [1] * 0x20  # negative integers
)
# First byte to (bytes of the length, bytes beside length and content).
_LENGTHS = {
    0xC4: (1, 2),
    0xC5: (2, 3),
    0xC6: (4, 5),
    0xC7: (1, 3),
    0xC8: (2, 4),
    0xC9: (4, 6),
    0xD9: (1, 2),
    0xDA: (2, 3),
    0xDB: (4, 5),
}
_NESTING = frozenset({list, dict})


class FrameRefused(ValueError):
    """A frame holds more than a reader takes in."""


def refuse_too_many_values(frame: bytes | bytearray | memoryview) -> None:
    """Raises: FrameRefused, for more than `MAX_VALUES` values. A frame that is no MessagePack passes."""
    if len(frame) <= SMALL_FRAME_BYTES:
        return
    position, count, end = 0, 0, len(frame)
    while position < end:
        first = frame[position]
        size = _FIXED[first]
        if not size:
            width, beside = _LENGTHS[first]
            size = beside + int.from_bytes(frame[position + 1 : position + 1 + width], "big")
        position += size
        count += 1
        if count > MAX_VALUES:
            raise FrameRefused(f"more than {MAX_VALUES:,} values in one frame")


def refuse_unfit(values: Iterable[Any], depth: int = MAX_DEPTH) -> None:
    """Raises: FrameRefused, for values more than `depth` times in each other, or a key that is no text."""
    for value in values:
        kind = type(value)
        if kind is not list and kind is not dict:
            continue
        if depth == 0:
            raise FrameRefused(f"values are nested more than {MAX_DEPTH} times")
        if kind is dict and not _TEXT.issuperset(map(type, value)):
            raise FrameRefused("a mapping has a key that is no text")
        inner = value if kind is list else value.values()
        # Seen from C: nearly all records hold nothing that nests.
        if not _NESTING.isdisjoint(map(type, inner)):
            refuse_unfit(inner, depth - 1)
