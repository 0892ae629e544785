"""Scintilla's slots as this editor uses them: margins, markers, indicators, styles."""

from __future__ import annotations

from enum import IntEnum


class Margin(IntEnum):
    SYMBOLS = 0
    NUMBERS = 1
    COVERAGE = 2
    FOLDING = 3


class Marker(IntEnum):
    """0 to 20; 21 to 24 are Scintilla's change history and 25 to 31 its folding."""

    COVERED = 0
    UNCOVERED = 1
    BREAKPOINT = 2
    BREAKPOINT_CONDITIONAL = 3
    BREAKPOINT_LOG = 4
    BREAKPOINT_UNVERIFIED = 5
    EXECUTION_GROUND = 6
    EXECUTION_ARROW = 7
    FRAME_GROUND = 8
    FRAME_ARROW = 9
    EXECUTION_ON_BREAKPOINT = 10
    CHECKPOINT = 11


class Indicator(IntEnum):
    """From 8: the lower ones belong to lexers."""

    ERROR = 8
    WARNING = 9
    WORD = 10
    FIND = 11


class NoteStyle(IntEnum):
    """Styles of the notes at line ends, above every lexer's."""

    VALUE = 200
    CURRENT_VALUE = 201
    ERROR = 202
    WARNING = 203


BREAKPOINT_MARKERS = (
    Marker.BREAKPOINT,
    Marker.BREAKPOINT_CONDITIONAL,
    Marker.BREAKPOINT_LOG,
    Marker.CHECKPOINT,
    Marker.BREAKPOINT_UNVERIFIED,
)
