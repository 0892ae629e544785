"""Search in the project's files. Any thread."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from circuit_link.errors import UserFacingError

_LARGEST_BYTES = 2 * 1024 * 1024
_MOST_HITS = 2_000


class Hit(msgspec.Struct, frozen=True):
    """One line with a match; `column` is 1-based, `text` the line without its indent."""

    path: str
    line: int
    column: int
    text: str


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    match_case: bool = False
    whole_word: bool = False
    is_pattern: bool = False


def search_files(root: Path, paths: Sequence[str], query: SearchQuery) -> tuple[Hit, ...]:
    """At most 2,000 hits; files over 2 MB and files that are not UTF-8 are passed over.

    Raises:
        UserFacingError: the pattern cannot be compiled.
    """
    pattern = _compiled(query)
    hits: list[Hit] = []
    for path in paths:
        try:
            if (root / path).stat().st_size > _LARGEST_BYTES:
                continue
            text = (root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            found = pattern.search(line)
            if found:
                hits.append(Hit(path, number, found.start() + 1, line.strip()))
                if len(hits) >= _MOST_HITS:
                    return tuple(hits)
    return tuple(hits)


def _compiled(query: SearchQuery) -> re.Pattern[str]:
    text = query.text if query.is_pattern else re.escape(query.text)
    if query.whole_word:
        text = rf"\b(?:{text})\b"
    try:
        return re.compile(text, 0 if query.match_case else re.IGNORECASE)
    except re.error as exc:
        raise UserFacingError(
            f"{query.text!r} is not a regular expression: {exc}.",
            code="BAD_PATTERN",
            hint="Switch off .* to search text.",
        ) from exc
