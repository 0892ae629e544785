"""The code editor widget."""

from __future__ import annotations

import keyword

import msgspec
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pyside6_scintilla import Scintilla, ScintillaEdit

from circuit_console.core.theme import Tokens
from circuit_console.widgets.code_editor import editing, text
from circuit_console.widgets.code_editor.dressing import (
    LONG_LINE_BYTES,
    dress,
    fit_number_margin,
    set_language,
)
from circuit_console.widgets.code_editor.finder import Finder
from circuit_console.widgets.code_editor.languages import language_of
from circuit_console.widgets.code_editor.marks import Marks
from circuit_console.widgets.code_editor.numbers import Indicator, Margin
from circuit_console.widgets.theme import Theme

_UTF8 = Scintilla.CpUtf8
_WORD_DELAY_MS = 150
_REST_MS = 400
_MOST_WORD_BYTES = 500_000
_BRACES = frozenset(b"()[]{}")
_MODIFIERS = Qt.KeyboardModifier


class Hover(msgspec.Struct, frozen=True):
    """The mouse rests: on which place of the text (1-based), and where on the screen."""

    line: int
    column: int
    point: QPoint


class Caret(msgspec.Struct, frozen=True):
    """Where the caret is, 1-based, and how many characters are selected."""

    line: int
    column: int
    selected: int = 0


class CodeEditor(QWidget):
    """One text in a Scintilla view. Lines and columns are 1-based.

    Signals:
        edited: None, after each change of the text.
        modified_changed: bool, when the text becomes different from or equal to what was saved.
        caret_moved: Caret.
        margin_clicked: int, the line beside which the breakpoint or number margin was clicked.
        zoom_changed: int, in points from the normal size.
        focus_entered: None.
        hovered: Hover, when the mouse rests on the text; None when it moves on.
        menu_requested: QPoint on the screen; the caret is where the menu is about.
    """

    edited = Signal()
    modified_changed = Signal(bool)
    caret_moved = Signal(object)
    margin_clicked = Signal(int)
    zoom_changed = Signal(int)
    focus_entered = Signal()
    hovered = Signal(object)
    menu_requested = Signal(QPoint)

    def __init__(self, theme: Theme, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._language = language_of(path)
        self._view = ScintillaEdit(self)
        self.marks = Marks(self._view, theme)
        self.finder = Finder(self._view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self.setFocusProxy(self._view)
        self.setAccessibleName(f"Editor, {path}")
        QWidget.setAccessibleName(self._view, f"Editor, {path}")
        self._tab_leaves = False
        self._is_replacing = False
        self._words = QTimer(self)
        self._words.setSingleShot(True)
        self._words.setInterval(_WORD_DELAY_MS)
        self._words.timeout.connect(self._mark_word)
        self._set_up()
        self._connect()

    # ------------------------------------------------------------------------------------------ text

    def text(self) -> str:
        return text.whole_text(self._view)

    def load(self, content: str) -> None:
        """Show a text as saved, without history. Marks are gone: set them again."""
        view = self._view
        self._is_replacing = True
        view.setUndoCollection(False)
        view.clearAll()
        text.append(view, content)
        self._is_replacing = False
        view.setUndoCollection(True)
        view.emptyUndoBuffer()
        view.setSavePoint()
        view.gotoPos(0)
        self._slow_down_for_long_lines()
        fit_number_margin(view)

    def replace_text(self, content: str) -> None:
        """Put another text in as one step that can be undone; caret and breakpoints keep their lines."""
        caret = self.caret()
        breakpoints = self.marks.breakpoint_looks()
        self._is_replacing = True
        text.replace_all(self._view, content)
        self._is_replacing = False
        self.marks.set_breakpoints(breakpoints)
        self.go_to(caret.line, caret.column)
        self.edited.emit()

    def mark_saved(self) -> None:
        self._view.setSavePoint()

    @property
    def is_modified(self) -> bool:
        return self._view.modify()

    @property
    def line_count(self) -> int:
        return self._view.lineCount()

    def line_text(self, line: int) -> str:
        return text.line_text(self._view, line)

    def set_read_only(self, is_read_only: bool) -> None:
        self._view.setReadOnly(is_read_only)

    # ------------------------------------------------------------------------------------------ caret

    def caret(self) -> Caret:
        view = self._view
        line, column = text.place(view, view.currentPos())
        return Caret(line, column, view.countCharacters(view.selectionStart(), view.selectionEnd()))

    def go_to(self, line: int, column: int = 1) -> None:
        """Move the caret and bring the line into sight, unfolded; into the middle if it was out of sight."""
        view = self._view
        offset = text.position(view, line, column)
        index = view.lineFromPosition(offset)
        view.ensureVisibleEnforcePolicy(index)
        visible = view.visibleFromDocLine(index) - view.firstVisibleLine()
        view.gotoPos(offset)
        if not 0 <= visible < view.linesOnScreen() - 1:
            view.verticalCentreCaret()

    def selected_text(self) -> str:
        return self.finder.selected_text()

    def word_at_caret(self) -> str:
        view = self._view
        start = view.wordStartPosition(view.currentPos(), True)
        return text.range_text(view, start, view.wordEndPosition(start, True))

    def caret_point(self) -> QPoint:
        """Below the caret, on the screen."""
        view = self._view
        offset = view.currentPos()
        place = QPoint(view.pointXFromPosition(offset), view.pointYFromPosition(offset) + view.textHeight(0))
        return view.mapToGlobal(place)

    def cut(self) -> None:
        self._view.cut()

    def copy(self) -> None:
        self._view.copyAllowLine()

    def paste(self) -> None:
        self._view.paste()

    def first_visible_line(self) -> int:
        return self._view.docLineFromVisible(self._view.firstVisibleLine()) + 1

    def scroll_to(self, line: int) -> None:
        self._view.setFirstVisibleLine(self._view.visibleFromDocLine(line - 1))

    # ------------------------------------------------------------------------------------------ folding

    def folded_lines(self) -> tuple[int, ...]:
        lines = []
        line = self._view.contractedFoldNext(0)
        while line >= 0:
            lines.append(line + 1)
            line = self._view.contractedFoldNext(line + 1)
        return tuple(lines)

    def fold(self, lines: tuple[int, ...]) -> None:
        view = self._view
        if lines:
            view.colourise(0, -1)
        for line in lines:
            if line <= view.lineCount():
                view.foldLine(line - 1, int(Scintilla.FoldAction.Contract))

    # ------------------------------------------------------------------------------------------ commands

    def toggle_comment(self) -> None:
        editing.toggle_comment(self._view, self._language.comment)

    def move_lines_up(self) -> None:
        editing.move_lines(self._view, up=True)

    def move_lines_down(self) -> None:
        editing.move_lines(self._view, up=False)

    def select_next_occurrence(self) -> None:
        """Add a caret at the next place of the selected word; the first call selects the word."""
        self._view.targetWholeDocument()
        self._view.multipleSelectAddNext()

    def select_all_occurrences(self) -> None:
        self._view.targetWholeDocument()
        self._view.multipleSelectAddEach()

    def undo(self) -> None:
        self._view.undo()

    def redo(self) -> None:
        self._view.redo()

    def set_zoom(self, points: int) -> None:
        self._view.setZoom(points)

    def zoom(self) -> int:
        return self._view.zoom()

    def toggle_tab_leaves(self) -> bool:
        """Make Tab leave the editor, or indent again. Returns whether it leaves now."""
        self._tab_leaves = not self._tab_leaves
        return self._tab_leaves

    # ------------------------------------------------------------------------------------------ inside

    def _set_up(self) -> None:
        view = self._view
        view.setCodePage(_UTF8)
        view.setModEventMask(int(Scintilla.ModificationFlags.InsertText | Scintilla.ModificationFlags.DeleteText))
        view.setEOLMode(int(Scintilla.EndOfLine.Lf))
        view.setPasteConvertEndings(True)
        view.setUseTabs(False)
        view.setIndent(self._language.indent)
        view.setTabWidth(self._language.indent)
        view.setTabIndents(True)
        view.setBackSpaceUnIndents(True)
        view.setIndentationGuides(int(Scintilla.IndentView.LookBoth))
        fold = Scintilla.AutomaticFold
        view.setAutomaticFold(int(fold.Show | fold.Click | fold.Change))
        view.setMultipleSelection(True)
        view.setAdditionalSelectionTyping(True)
        view.setMultiPaste(int(Scintilla.MultiPaste.Each))
        view.setScrollWidth(1)
        view.setScrollWidthTracking(True)
        view.setEndAtLastLine(False)
        view.setYCaretPolicy(
            int(Scintilla.CaretPolicy.Slop | Scintilla.CaretPolicy.Strict | Scintilla.CaretPolicy.Even), 2
        )
        view.eOLAnnotationSetVisible(int(Scintilla.EOLAnnotationVisible.Standard))
        view.setFrameShape(ScintillaEdit.Shape.NoFrame)
        view.usePopUp(int(Scintilla.PopUp.Never))
        view.setMouseDwellTime(_REST_MS)
        set_language(view, self._language)
        dress(view, self._theme, self._language)
        self.marks.show_caret_line()

    def _connect(self) -> None:
        view = self._view
        view.modified.connect(self._on_modified)
        view.savePointChanged.connect(self._on_save_point_changed)
        view.updateUi.connect(self._on_updated)
        view.charAdded.connect(self._on_char_added)
        view.marginClicked.connect(self._on_margin_clicked)
        view.dwellStart.connect(self._on_mouse_rested)
        view.dwellEnd.connect(self._on_mouse_moved)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_requested)
        view.installEventFilter(self)
        self._theme.changed.connect(self._on_theme_changed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            self.focus_entered.emit()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._leaves_by(event)
        return super().eventFilter(watched, event)

    def _leaves_by(self, event: QKeyEvent) -> bool:
        """Ctrl+M switches what Tab does, so that the editor can be left without a mouse."""
        if event.key() == Qt.Key.Key_M and event.modifiers() == _MODIFIERS.ControlModifier:
            self.toggle_tab_leaves()
            return True
        if self._tab_leaves and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
            return True
        return False

    def _slow_down_for_long_lines(self) -> None:
        view = self._view
        longest = max((view.lineLength(line) for line in range(min(view.lineCount(), 2_000))), default=0)
        if longest > LONG_LINE_BYTES:
            view.setILexer(0)
            view.setWrapMode(int(Scintilla.Wrap.Char))

    @Slot(int, int, int, int, "QByteArray", int, int, int)
    def _on_modified(self, *change: object) -> None:
        if change[3]:
            fit_number_margin(self._view)
        if not self._is_replacing:
            self.edited.emit()

    @Slot(bool)
    def _on_save_point_changed(self, is_modified: bool) -> None:
        self.modified_changed.emit(is_modified)

    @Slot(int)
    def _on_updated(self, updated: int) -> None:
        if updated & int(Scintilla.Update.Content | Scintilla.Update.Selection):
            self._mark_braces()
            self._words.start()
            self.caret_moved.emit(self.caret())

    @Slot(int)
    def _on_char_added(self, character: int) -> None:
        if character == ord("\n"):
            editing.indent_new_line(self._view, self._language.indent)

    @Slot(int, int, int)
    def _on_margin_clicked(self, offset: int, _modifiers: int, margin: int) -> None:
        if margin in (Margin.SYMBOLS, Margin.NUMBERS):
            self.margin_clicked.emit(self._view.lineFromPosition(offset) + 1)

    @Slot(int, int)
    def _on_mouse_rested(self, x: int, y: int) -> None:
        offset = self._view.charPositionFromPointClose(x, y)
        if offset >= 0:
            line, column = text.place(self._view, offset)
            self.hovered.emit(Hover(line, column, self._view.mapToGlobal(QPoint(x, y))))

    @Slot(int, int)
    def _on_mouse_moved(self, _x: int, _y: int) -> None:
        self.hovered.emit(None)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        """A menu over unselected text is about that text: the caret goes there first."""
        view = self._view
        offset = view.positionFromPoint(place.x(), place.y())
        if not view.selectionStart() <= offset <= view.selectionEnd():
            view.gotoPos(offset)
        self.menu_requested.emit(view.mapToGlobal(place))

    @Slot(object)
    def _on_theme_changed(self, _tokens: Tokens) -> None:
        dress(self._view, self._theme, self._language)
        self.marks.show_caret_line()

    def _mark_braces(self) -> None:
        view = self._view
        for offset in (view.currentPos() - 1, view.currentPos()):
            if offset >= 0 and view.charAt(offset) & 0xFF in _BRACES:
                match = view.braceMatch(offset, 0)
                if match >= 0:
                    view.braceHighlight(offset, match)
                else:
                    view.braceBadLight(offset)
                return
        view.braceBadLight(-1)

    @Slot()
    def _mark_word(self) -> None:
        """Every other place of the word under the caret, or of the selected one."""
        view = self._view
        view.setIndicatorCurrent(Indicator.WORD)
        view.indicatorClearRange(0, view.length())
        word = self.selected_text() or self.word_at_caret()
        if not word.isidentifier() or keyword.iskeyword(word) or view.length() > _MOST_WORD_BYTES:
            return
        places = self._places_of(word)
        for start, length in places if len(places) > 1 else ():
            view.indicatorFillRange(start, length)

    def _places_of(self, word: str) -> list[tuple[int, int]]:
        view = self._view
        flags = int(Scintilla.FindOption.MatchCase | Scintilla.FindOption.WholeWord)
        view.setSearchFlags(flags)
        length = len(word.encode())
        places: list[tuple[int, int]] = []
        start = 0
        while True:
            view.setTargetRange(start, view.length())
            found = view.searchInTarget(length, word)
            if found < 0:
                return places
            places.append((found, length))
            start = found + length
