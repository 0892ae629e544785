"""What the editor shows beside and behind the text: breakpoints, coverage, the line that runs next, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto

import msgspec
from pyside6_scintilla import ScintillaEdit

from circuit_console.widgets.code_editor.dressing import show_caret_line
from circuit_console.widgets.code_editor.numbers import BREAKPOINT_MARKERS, Indicator, Marker, NoteStyle
from circuit_console.widgets.code_editor.text import place, position
from circuit_console.widgets.theme import Theme

_EXECUTION_MARKERS = (
    Marker.EXECUTION_GROUND,
    Marker.EXECUTION_ARROW,
    Marker.EXECUTION_ON_BREAKPOINT,
    Marker.FRAME_GROUND,
    Marker.FRAME_ARROW,
)
_NOTE_GAP = "    "


class BreakpointLook(Enum):
    PLAIN = auto()
    CONDITIONAL = auto()
    LOG = auto()
    CHECKPOINT = auto()
    UNVERIFIED = auto()


_MARKER_OF = {
    BreakpointLook.PLAIN: Marker.BREAKPOINT,
    BreakpointLook.CONDITIONAL: Marker.BREAKPOINT_CONDITIONAL,
    BreakpointLook.LOG: Marker.BREAKPOINT_LOG,
    BreakpointLook.CHECKPOINT: Marker.CHECKPOINT,
    BreakpointLook.UNVERIFIED: Marker.BREAKPOINT_UNVERIFIED,
}


class TextProblem(msgspec.Struct, frozen=True):
    """A squiggle with its message at the line's end; `column` 0 underlines the whole line."""

    line: int
    column: int
    message: str
    is_error: bool = True


class Marks:
    """The marks of one view. Lines are 1-based; those beyond the text are left out."""

    def __init__(self, view: ScintillaEdit, theme: Theme) -> None:
        self._view = view
        self._theme = theme
        self._breakpoints: dict[str, int] = {}
        self._looks: dict[str, BreakpointLook] = {}
        self._values: Mapping[int, str] = {}
        self._problems: tuple[TextProblem, ...] = ()
        self._execution_line = 0

    @property
    def execution_line(self) -> int:
        return self._execution_line

    def set_breakpoints(self, breakpoints: Mapping[str, tuple[int, BreakpointLook]]) -> None:
        """Replace all: key to line and look. The markers then move with their text; see `breakpoint_lines`."""
        view = self._view
        for marker in BREAKPOINT_MARKERS:
            view.markerDeleteAll(marker)
        self._breakpoints.clear()
        self._looks = {key: look for key, (_, look) in breakpoints.items()}
        for key, (line, look) in breakpoints.items():
            if 1 <= line <= view.lineCount():
                self._breakpoints[key] = view.markerAdd(line - 1, _MARKER_OF[look])

    def breakpoint_lines(self) -> dict[str, int]:
        """Where each breakpoint is now; one whose line was deleted is missing."""
        found = ((key, self._view.markerLineFromHandle(handle)) for key, handle in self._breakpoints.items())
        return {key: line + 1 for key, line in found if line >= 0}

    def breakpoint_looks(self) -> dict[str, tuple[int, BreakpointLook]]:
        """As `set_breakpoints` takes them, where they are now."""
        return {key: (line, self._looks[key]) for key, line in self.breakpoint_lines().items()}

    def has_breakpoint(self, line: int) -> bool:
        mask = sum(1 << marker for marker in BREAKPOINT_MARKERS)
        return bool(self._view.markerGet(line - 1) & mask)

    def set_execution_line(self, line: int, *, is_top_frame: bool = True) -> None:
        """Mark the line that runs next, or the call in a frame further up; 0 takes the mark away."""
        view = self._view
        for marker in _EXECUTION_MARKERS:
            view.markerDeleteAll(marker)
        self._execution_line = line
        self.show_caret_line()
        if 1 <= line <= view.lineCount():
            view.markerAdd(line - 1, Marker.EXECUTION_GROUND if is_top_frame else Marker.FRAME_GROUND)
            on_breakpoint = Marker.EXECUTION_ON_BREAKPOINT if self.has_breakpoint(line) else Marker.EXECUTION_ARROW
            view.markerAdd(line - 1, on_breakpoint if is_top_frame else Marker.FRAME_ARROW)
        self._write_notes()

    def show_caret_line(self) -> None:
        """The caret's ground would cover the one of the line that runs next. To be called after a dressing."""
        show_caret_line(self._view, self._theme, is_shown=not self._execution_line)

    def set_coverage(self, covered: Iterable[int], missing: Iterable[int]) -> None:
        view = self._view
        for marker, lines in ((Marker.COVERED, covered), (Marker.UNCOVERED, missing)):
            view.markerDeleteAll(marker)
            for line in lines:
                if 1 <= line <= view.lineCount():
                    view.markerAdd(line - 1, marker)

    def covered_lines(self) -> tuple[int, ...]:
        return self._lines_with(Marker.COVERED)

    def uncovered_lines(self) -> tuple[int, ...]:
        return self._lines_with(Marker.UNCOVERED)

    def set_values(self, values: Mapping[int, str]) -> None:
        """Values shown at line ends while paused; an empty mapping takes them away."""
        self._values = dict(values)
        self._write_notes()

    def set_problems(self, problems: Iterable[TextProblem]) -> None:
        self._problems = tuple(problems)
        view = self._view
        for indicator in (Indicator.ERROR, Indicator.WARNING):
            view.setIndicatorCurrent(indicator)
            view.indicatorClearRange(0, view.length())
        for problem in self._problems:
            start, end = self._extent(problem)
            view.setIndicatorCurrent(Indicator.ERROR if problem.is_error else Indicator.WARNING)
            view.indicatorFillRange(start, end - start)
        self._write_notes()

    def notes(self) -> dict[int, str]:
        """The text at each line's end, as shown."""
        view = self._view
        texts = ((line, bytes(view.eOLAnnotationText(line).data()).decode()) for line in range(view.lineCount()))
        return {line + 1: text.strip() for line, text in texts if text}

    def _lines_with(self, marker: Marker) -> tuple[int, ...]:
        lines = []
        line = self._view.markerNext(0, 1 << marker)
        while line >= 0:
            lines.append(line + 1)
            line = self._view.markerNext(line + 1, 1 << marker)
        return tuple(lines)

    def _write_notes(self) -> None:
        view = self._view
        view.eOLAnnotationClearAll()
        for line, text in self._values.items():
            is_current = line == self._execution_line
            self._write_note(line, text, NoteStyle.CURRENT_VALUE if is_current else NoteStyle.VALUE)
        written: set[int] = set()
        for problem in self._problems:
            if problem.line not in written:
                written.add(problem.line)
                self._write_note(
                    problem.line, problem.message, NoteStyle.ERROR if problem.is_error else NoteStyle.WARNING
                )

    def _write_note(self, line: int, text: str, style: NoteStyle) -> None:
        if 1 <= line <= self._view.lineCount() and text:
            self._view.eOLAnnotationSetText(line - 1, _NOTE_GAP + text.replace("\n", " "))
            self._view.eOLAnnotationSetStyle(line - 1, style)

    def _extent(self, problem: TextProblem) -> tuple[int, int]:
        """Bytes from the problem's column to the end of its word; the line's text where there is no column."""
        view = self._view
        end_of_line = view.lineEndPosition(max(0, problem.line - 1))
        if not problem.column:
            return view.lineIndentPosition(max(0, problem.line - 1)), end_of_line
        start = position(view, problem.line, problem.column)
        end = max(view.wordEndPosition(start, True), view.positionAfter(start))
        if place(view, end)[0] != problem.line or end <= start:
            start, end = max(view.lineIndentPosition(problem.line - 1), start - 1), end_of_line
        return start, end
