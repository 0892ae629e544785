"""Text of records, messages and logs as a terminal may be given it: it can be read, and steers nothing."""

from __future__ import annotations

import unicodedata

_LAYOUT = "\n\t"
_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"
# Marks that change the direction of what follows, so that a line reads as another than it is.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible_text(text: str) -> str:
    """The text with a sign of one column in the place of each character that steers a terminal."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _LAYOUT or (unicodedata.category(character) != "Cc" and character not in _DIRECTIONS):
        return character
    if character < " ":
        return chr(_PICTURES + ord(character))
    return _DELETE_PICTURE if character == "\x7f" else "\ufffd"
