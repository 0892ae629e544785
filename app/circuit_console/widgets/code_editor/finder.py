"""Find and replace in one view."""

from __future__ import annotations

import msgspec
from pyside6_scintilla import Scintilla, ScintillaEdit

from circuit_console.widgets.code_editor.numbers import Indicator
from circuit_console.widgets.code_editor.text import range_text

_MOST_MARKED = 5_000


class FindQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. `is_pattern` is a regular expression of ECMAScript's kind."""

    text: str
    match_case: bool = False
    whole_word: bool = False
    is_pattern: bool = False

    @property
    def flags(self) -> int:
        option = Scintilla.FindOption
        flags = 0
        if self.match_case:
            flags |= int(option.MatchCase)
        if self.whole_word:
            flags |= int(option.WholeWord)
        if self.is_pattern:
            flags |= int(option.RegExp) | int(option.Cxx11RegEx)
        return flags


class FindState(msgspec.Struct, frozen=True):
    """`current` is the 1-based place of the selected match among `count`; 0 where none is selected."""

    count: int
    current: int


class Finder:
    """Marks matches, walks them, replaces them."""

    def __init__(self, view: ScintillaEdit) -> None:
        self._view = view

    def mark(self, query: FindQuery) -> FindState:
        """Highlight every match (the first 5,000) and say which one is selected."""
        self.clear()
        matches = self._matches(query)
        view = self._view
        view.setIndicatorCurrent(Indicator.FIND)
        for start, end in matches:
            view.indicatorFillRange(start, end - start)
        selected = (view.selectionStart(), view.selectionEnd())
        return FindState(len(matches), matches.index(selected) + 1 if selected in matches else 0)

    def clear(self) -> None:
        self._view.setIndicatorCurrent(Indicator.FIND)
        self._view.indicatorClearRange(0, self._view.length())

    def select_next(self, query: FindQuery) -> FindState:
        """Select the next match, from the top again after the last."""
        view = self._view
        self._select_first(query, ((view.selectionEnd(), view.length()), (0, view.length())))
        return self.mark(query)

    def select_previous(self, query: FindQuery) -> FindState:
        view = self._view
        self._select_first(query, ((view.selectionStart(), 0), (view.length(), 0)))
        return self.mark(query)

    def select_from_caret(self, query: FindQuery) -> FindState:
        """While the query is typed: the match at or after where the selection starts."""
        view = self._view
        self._select_first(query, ((view.selectionStart(), view.length()), (0, view.length())))
        return self.mark(query)

    def replace_selected(self, query: FindQuery, replacement: str) -> FindState:
        """Replace the selected match and select the next; only selects where none was selected."""
        view = self._view
        view.setTargetRange(view.selectionStart(), view.selectionEnd())
        if self._target_matches(query):
            self._replace_target(query, replacement)
            view.setSel(view.targetEnd(), view.targetEnd())
        return self.select_next(query)

    def replace_all(self, query: FindQuery, replacement: str) -> int:
        """Replace every match in one undo step. Returns how many."""
        view = self._view
        count = 0
        start = 0
        view.beginUndoAction()
        while query.text and start <= view.length():
            view.setTargetRange(start, view.length())
            if self._search(query) < 0:
                break
            was_empty = view.targetStart() == view.targetEnd()
            self._replace_target(query, replacement)
            count += 1
            start = view.targetEnd() + (1 if was_empty else 0)
        view.endUndoAction()
        self.mark(query)
        return count

    def selected_text(self) -> str:
        return range_text(self._view, self._view.selectionStart(), self._view.selectionEnd())

    def _matches(self, query: FindQuery) -> list[tuple[int, int]]:
        view = self._view
        matches: list[tuple[int, int]] = []
        start = 0
        while query.text and start < view.length() and len(matches) < _MOST_MARKED:
            view.setTargetRange(start, view.length())
            if self._search(query) < 0:
                break
            found = (view.targetStart(), view.targetEnd())
            if found[1] > found[0]:
                matches.append(found)
            start = max(found[1], view.positionAfter(found[0]))
        return matches

    def _select_first(self, query: FindQuery, ranges: tuple[tuple[int, int], ...]) -> None:
        view = self._view
        for start, end in ranges if query.text else ():
            view.setTargetRange(start, end)
            if self._search(query) >= 0:
                view.ensureVisibleEnforcePolicy(view.lineFromPosition(view.targetStart()))
                view.setSel(view.targetStart(), view.targetEnd())
                return

    def _search(self, query: FindQuery) -> int:
        """Search inside the target, which becomes the match. Negative for none, or for a bad pattern."""
        self._view.setSearchFlags(query.flags)
        found = self._view.searchInTarget(len(query.text.encode()), query.text)
        # A pattern that cannot be compiled is reported as a status; left alone it would taint later calls.
        self._view.setStatus(0)
        return found

    def _target_matches(self, query: FindQuery) -> bool:
        view = self._view
        start, end = view.targetStart(), view.targetEnd()
        return end > start and self._search(query) == start and view.targetEnd() == end

    def _replace_target(self, query: FindQuery, replacement: str) -> None:
        length = len(replacement.encode())
        if query.is_pattern:
            self._view.replaceTargetRE(length, replacement)
        else:
            self._view.replaceTarget(length, replacement)
