"""The queries that a person ran, saved under a name, and is writing."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import msgspec

_MOST_RECENT = 50
_LONGEST_LINE = 90


class UnsavedCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that was edited and not saved: the record's id, the field, and what was typed."""

    id: str
    path: str
    text: str


class UnsavedEdits(msgspec.Struct, frozen=True, kw_only=True):
    """Edits of the rows that `query` brought, so that they outlive the window."""

    query: str
    cells: tuple[UnsavedCell, ...]


class StoredQueries(msgspec.Struct, frozen=True, kw_only=True):
    """As the session keeps them: `recent` newest first, `saved` by name, `draft` what stands in the field."""

    draft: str = ""
    recent: tuple[str, ...] = ()
    saved: dict[str, str] = {}
    unsaved: UnsavedEdits | None = None


@dataclass
class QueryBook:
    """`recent`: texts that were run, newest first, each once. `saved`: texts by their names."""

    recent: list[str] = field(default_factory=list)
    saved: dict[str, str] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Note a text that was run."""
        clean = text.strip()
        if clean:
            self.recent = [clean, *(other for other in self.recent if other != clean)][:_MOST_RECENT]

    def save(self, name: str, text: str) -> None:
        """Keep a text; another one of that name gives way."""
        self.saved[name.strip()] = text.strip()

    def forget(self, name: str) -> str:
        """Give a saved text up; the text, so that it can be saved again. Raises: KeyError."""
        return self.saved.pop(name)

    def restore(self, stored: StoredQueries) -> None:
        self.recent = list(stored.recent)[:_MOST_RECENT]
        self.saved = dict(stored.saved)

    def stored(self, draft: str, unsaved: UnsavedEdits | None) -> StoredQueries:
        return StoredQueries(draft=draft, recent=tuple(self.recent), saved=dict(self.saved), unsaved=unsaved)


def one_line(text: str, most_characters: int = _LONGEST_LINE) -> str:
    """A query as a menu shows it."""
    shown = " ".join(text.split())
    return shown if len(shown) <= most_characters else f"{shown[: most_characters - 1]}…"


def suggested_name(text: str) -> str:
    """A name for a query that has none: that of its object."""
    words = text.replace("(", " ").split()
    for word, following in itertools.pairwise(words):
        if word.upper() in ("FROM", "RETURNING"):
            return f"{following.strip(',()')} query"
    return "Query"
