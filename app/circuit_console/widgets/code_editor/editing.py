"""Editing commands that Scintilla does not bring: comments, moving lines, indenting after a colon."""

from __future__ import annotations

from pyside6_scintilla import ScintillaEdit

from circuit_console.widgets.code_editor.text import line_text, range_text

_ENDS_BLOCK = ("return", "pass", "break", "continue", "raise")


def selected_lines(view: ScintillaEdit) -> range:
    """The 1-based lines that the selection touches; a selection that ends at a line's start leaves it out."""
    first = view.lineFromPosition(view.selectionStart())
    last = view.lineFromPosition(view.selectionEnd())
    if last > first and view.positionFromLine(last) == view.selectionEnd():
        last -= 1
    return range(first + 1, last + 2)


def toggle_comment(view: ScintillaEdit, sign: str) -> None:
    """Comment the selected lines out, or in again where all of them are. One undo step."""
    lines = [line for line in selected_lines(view) if line_text(view, line).strip()]
    if not sign or not lines:
        return
    is_commented = all(line_text(view, line).lstrip().startswith(sign) for line in lines)
    indent = min(len(text) - len(text.lstrip()) for text in (line_text(view, line) for line in lines))
    view.beginUndoAction()
    for line in lines:
        start = view.positionFromLine(line - 1)
        if is_commented:
            _remove_sign(view, start + view.lineIndentPosition(line - 1) - start, sign)
        else:
            view.insertText(start + indent, f"{sign} ")
    view.endUndoAction()


def indent_new_line(view: ScintillaEdit, indent_columns: int) -> None:
    """After Enter: indent as the line before, deeper after an opening line, shallower after one that leaves."""
    line = view.lineFromPosition(view.currentPos())
    if line == 0:
        return
    before = line_text(view, line)
    columns = view.lineIndentation(line - 1)
    code = before.partition("#")[0].rstrip()
    if code.endswith((":", "(", "[", "{")):
        columns += indent_columns
    elif code.split(maxsplit=1)[:1] and code.split(maxsplit=1)[0] in _ENDS_BLOCK:
        columns = max(0, columns - indent_columns)
    view.setLineIndentation(line, columns)
    view.gotoPos(view.lineIndentPosition(line))


def move_lines(view: ScintillaEdit, *, up: bool) -> None:
    if up:
        view.moveSelectedLinesUp()
    else:
        view.moveSelectedLinesDown()


def _remove_sign(view: ScintillaEdit, start: int, sign: str) -> None:
    length = len(sign)
    if range_text(view, start + length, start + length + 1) == " ":
        length += 1
    view.deleteRange(start, length)
