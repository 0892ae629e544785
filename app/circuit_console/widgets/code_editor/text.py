"""Text, lines and columns of a Scintilla view, as str and 1-based numbers."""

from __future__ import annotations

from pyside6_scintilla import ScintillaEdit


def whole_text(view: ScintillaEdit) -> str:
    return _decode(view, 0, view.length())


def line_text(view: ScintillaEdit, line: int) -> str:
    """Without its line end; "" beyond the last line."""
    if not 1 <= line <= view.lineCount():
        return ""
    return _decode(view, view.positionFromLine(line - 1), view.lineEndPosition(line - 1))


def range_text(view: ScintillaEdit, start: int, end: int) -> str:
    """`start` and `end` are byte offsets, clamped."""
    length = view.length()
    start, end = max(0, min(start, length)), max(0, min(end, length))
    return _decode(view, start, end) if start < end else ""


def replace_all(view: ScintillaEdit, text: str) -> None:
    """Put another text in, as one action that can be undone. Drops markers: apply them again."""
    view.beginUndoAction()
    view.clearAll()
    append(view, text)
    view.endUndoAction()


def append(view: ScintillaEdit, text: str) -> None:
    """Scintilla trusts the length it is given, so it is computed from the very bytes that are passed on."""
    view.appendText(len(text.encode()), text)


def position(view: ScintillaEdit, line: int, column: int = 1) -> int:
    """The byte offset of a 1-based place, clamped to the text."""
    index = max(0, min(line - 1, view.lineCount() - 1))
    start, end = view.positionFromLine(index), view.lineEndPosition(index)
    if column <= 1:
        return start
    found = view.positionRelative(start, column - 1)
    # Scintilla answers 0 where the place lies beyond the text.
    return found if start < found <= end else end


def place(view: ScintillaEdit, offset: int) -> tuple[int, int]:
    """The 1-based line and column of a byte offset."""
    line = view.lineFromPosition(offset)
    return line + 1, view.countCharacters(view.positionFromLine(line), offset) + 1


def _decode(view: ScintillaEdit, start: int, end: int) -> str:
    return bytes(view.get_text_range(start, end).data()).decode("utf-8", "replace") if end > start else ""
