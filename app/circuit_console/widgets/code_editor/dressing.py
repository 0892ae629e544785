"""Colours, fonts, margins and pictures of a Scintilla view, from the tokens."""

from __future__ import annotations

import ctypes

from lexilla import create_lexer  # type: ignore[import-untyped]  # it ships no py.typed
from PySide6.QtGui import QColor, QFont, QImage
from pyside6_scintilla import Scintilla, ScintillaEdit

from circuit_console.core.theme import ColorName
from circuit_console.widgets.code_editor import marker_images as images
from circuit_console.widgets.code_editor.languages import Language
from circuit_console.widgets.code_editor.numbers import Indicator, Margin, Marker, NoteStyle
from circuit_console.widgets.theme import Theme

_CODE_PX = 13
_LINE_PX = 21
_SYMBOLS_PX = 18
_COVERAGE_PX = 7
_FOLDING_PX = 16
_TEXT_GAP_PX = 6
_COVERED_BAR_PX = 3.0
_UNCOVERED_BAR_PX = 5.0
_NUMBER_PADDING_PX = 12
_POINTS_PER_INCH = 72
# Lines longer than this make wrapping and colouring slower than typing.
LONG_LINE_BYTES = 100_000


def set_language(view: ScintillaEdit, language: Language) -> None:
    """Attach a lexer of the view's own, or none for plain text."""
    if not language.lexer:
        view.setILexer(0)
        return
    lexer = create_lexer(language.lexer)
    assert lexer is not None, language.lexer
    view.setILexer(lexer.detach())
    for key, value in language.properties.items():
        view.setProperty(key, value)
    for number, words in enumerate(language.keywords):
        view.setKeyWords(number, words)


def dress(view: ScintillaEdit, theme: Theme, language: Language) -> None:
    """Everything that depends on the theme. Called again when it changes; keeps text, marks and folds."""
    _dress_text(view, theme, language)
    _dress_view(view, theme)
    _dress_margins(view, theme)
    _dress_indicators(view, theme)
    draw_markers(view, theme)


def draw_markers(view: ScintillaEdit, theme: Theme) -> None:
    """The margin pictures at the view's present line height; called again after zooming."""
    editor = theme.color("editor")
    height_px = view.textHeight(0)
    _define_image(view, Marker.BREAKPOINT, images.breakpoint_image(theme.color("err")))
    _define_image(view, Marker.BREAKPOINT_CONDITIONAL, images.conditional_image(theme.color("paused"), editor))
    _define_image(view, Marker.BREAKPOINT_LOG, images.logpoint_image(theme.color("accent")))
    _define_image(view, Marker.CHECKPOINT, images.checkpoint_image(theme.color("ok")))
    _define_image(view, Marker.BREAKPOINT_UNVERIFIED, images.unverified_image(theme.color("err")))
    _define_image(view, Marker.EXECUTION_ARROW, images.arrow_image(theme.color("paused")))
    _define_image(
        view,
        Marker.EXECUTION_ON_BREAKPOINT,
        images.arrow_on_disc_image(theme.color("err"), theme.color("paused"), editor),
    )
    _define_image(view, Marker.FRAME_ARROW, images.arrow_image(theme.color("ok")))
    covered = images.bar_image(theme.color("ok"), _COVERED_BAR_PX, _COVERAGE_PX, height_px)
    uncovered = images.bar_image(theme.color("err"), _UNCOVERED_BAR_PX, _COVERAGE_PX, height_px)
    _define_image(view, Marker.COVERED, covered)
    _define_image(view, Marker.UNCOVERED, uncovered)


def fit_number_margin(view: ScintillaEdit) -> None:
    """Wide enough for the last line's number, and for three digits at least."""
    digits = "8" * max(3, len(str(view.lineCount())))
    style = int(Scintilla.StylesCommon.LineNumber)
    view.setMarginWidthN(Margin.NUMBERS, view.textWidth(style, digits) + _NUMBER_PADDING_PX)


def scintilla_color(color: QColor) -> int:
    """Scintilla's 0xBBGGRR."""
    return color.red() | color.green() << 8 | color.blue() << 16


def _element_color(color: QColor, alpha: int = 255) -> int:
    return scintilla_color(color) | alpha << 24


def _dress_text(view: ScintillaEdit, theme: Theme, language: Language) -> None:
    default = int(Scintilla.StylesCommon.Default)
    _style(view, theme, default, theme.mono(_CODE_PX), "text", "editor")
    view.styleClearAll()
    for style, token in language.styles.items():
        view.styleSetFore(style, scintilla_color(theme.color(token)))
        view.styleSetItalic(style, style in language.italic)
    common = Scintilla.StylesCommon
    _style(view, theme, int(common.LineNumber), theme.mono(12), "faint", "editor")
    view.styleSetFore(int(common.IndentGuide), scintilla_color(theme.color("guide")))
    view.styleSetFore(int(common.BraceLight), scintilla_color(theme.color("accent")))
    view.styleSetBack(int(common.BraceLight), scintilla_color(theme.color("accent_soft")))
    view.styleSetFore(int(common.BraceBad), scintilla_color(theme.color("err")))
    _style(view, theme, int(common.FoldDisplayText), theme.mono(12), "faint", "editor")
    notes: tuple[tuple[NoteStyle, ColorName, ColorName], ...] = (
        (NoteStyle.VALUE, "s_com", "editor"),
        (NoteStyle.CURRENT_VALUE, "paused", "exec"),
        (NoteStyle.ERROR, "err", "editor"),
        (NoteStyle.WARNING, "warn", "editor"),
    )
    for note, token, ground in notes:
        _style(view, theme, note, theme.mono(12), token, ground)
        view.styleSetItalic(note, True)
    _set_line_height(view, _LINE_PX)


def _style(
    view: ScintillaEdit, theme: Theme, style: int, font: QFont, color: ColorName, ground: ColorName
) -> None:
    size_points = font.pixelSize() * _POINTS_PER_INCH / view.logicalDpiY()
    view.styleSetFont(style, font.family())
    view.styleSetSizeFractional(style, round(size_points * Scintilla.FontSizeMultiplier))
    view.styleSetFore(style, scintilla_color(theme.color(color)))
    view.styleSetBack(style, scintilla_color(theme.color(ground)))


def _set_line_height(view: ScintillaEdit, height_px: int) -> None:
    view.setExtraAscent(0)
    view.setExtraDescent(0)
    missing = max(0, height_px - view.textHeight(0))
    view.setExtraAscent(missing - missing // 2)
    view.setExtraDescent(missing // 2)


def _dress_view(view: ScintillaEdit, theme: Theme) -> None:
    element = Scintilla.Element
    selection = _element_color(theme.color("sel"))
    for part in (element.SelectionBack, element.SelectionSecondaryBack, element.SelectionAdditionalBack):
        view.setElementColour(int(part), selection)
    view.setElementColour(int(element.SelectionInactiveBack), selection)
    view.setElementColour(int(element.Caret), _element_color(theme.color("accent")))
    view.setElementColour(int(element.WhiteSpace), _element_color(theme.color("guide")))
    view.setElementColour(int(element.FoldLine), _element_color(theme.color("border")))
    view.setSelectionLayer(int(Scintilla.Layer.UnderText))
    view.setCaretLineLayer(int(Scintilla.Layer.UnderText))
    view.setCaretLineVisibleAlways(False)
    view.setCaretWidth(2)
    view.setMarginLeft(_TEXT_GAP_PX)


def show_caret_line(view: ScintillaEdit, theme: Theme, *, is_shown: bool) -> None:
    """Give the caret's line its ground or take it away. Switching it on alone would make it yellow."""
    part = int(Scintilla.Element.CaretLineBack)
    if is_shown:
        view.setElementColour(part, _element_color(theme.color("line")))
    else:
        view.resetElementColour(part)


def _dress_margins(view: ScintillaEdit, theme: Theme) -> None:
    ground = scintilla_color(theme.color("editor"))
    view.setMargins(len(Margin))
    kinds = Scintilla.MarginType
    symbol_mask = sum(1 << marker for marker in Marker if marker >= Marker.BREAKPOINT)
    coverage_mask = 1 << Marker.COVERED | 1 << Marker.UNCOVERED
    layout = (
        (Margin.SYMBOLS, kinds.Colour, _SYMBOLS_PX, symbol_mask & ~_ground_mask(), True),
        (Margin.NUMBERS, kinds.Number, 0, 0, True),
        (Margin.COVERAGE, kinds.Colour, _COVERAGE_PX, coverage_mask, False),
        (Margin.FOLDING, kinds.Colour, _FOLDING_PX, Scintilla.MaskFolders, True),
    )
    for margin, kind, width_px, mask, is_sensitive in layout:
        view.setMarginTypeN(margin, int(kind))
        view.setMarginBackN(margin, ground)
        view.setMarginWidthN(margin, width_px)
        view.setMarginMaskN(margin, mask)
        view.setMarginSensitiveN(margin, is_sensitive)
        view.setMarginCursorN(margin, int(Scintilla.CursorShape.Arrow))
    view.setFoldMarginColour(True, ground)
    view.setFoldMarginHiColour(True, ground)
    fit_number_margin(view)
    _dress_folds(view, theme)
    grounds: tuple[tuple[Marker, ColorName], ...] = (
        (Marker.EXECUTION_GROUND, "exec"),
        (Marker.FRAME_GROUND, "ok_soft"),
    )
    for marker, token in grounds:
        view.markerDefine(marker, int(Scintilla.MarkerSymbol.Background))
        view.markerSetBack(marker, scintilla_color(theme.color(token)))


def _ground_mask() -> int:
    return 1 << Marker.EXECUTION_GROUND | 1 << Marker.FRAME_GROUND


def _dress_folds(view: ScintillaEdit, theme: Theme) -> None:
    outline = Scintilla.MarkerOutline
    for marker in (outline.FolderSub, outline.FolderTail, outline.FolderMidTail):
        view.markerDefine(int(marker), int(Scintilla.MarkerSymbol.Empty))
    for is_open, markers in (
        (True, (outline.FolderOpen, outline.FolderOpenMid)),
        (False, (outline.Folder, outline.FolderEnd)),
    ):
        image = images.fold_image(theme.color("faint"), is_open=is_open)
        for marker in markers:
            _define_image(view, int(marker), image)


def _dress_indicators(view: ScintillaEdit, theme: Theme) -> None:
    shape = Scintilla.IndicatorStyle
    rows: tuple[tuple[Indicator, Scintilla.IndicatorStyle, ColorName], ...] = (
        (Indicator.ERROR, shape.Squiggle, "err"),
        (Indicator.WARNING, shape.Squiggle, "warn"),
        (Indicator.WORD, shape.RoundBox, "dim"),
        (Indicator.FIND, shape.RoundBox, "warn"),
    )
    for indicator, style, token in rows:
        view.indicSetStyle(indicator, int(style))
        view.indicSetFore(indicator, scintilla_color(theme.color(token)))
        view.indicSetUnder(indicator, True)
    view.indicSetAlpha(Indicator.WORD, 45)
    view.indicSetOutlineAlpha(Indicator.WORD, 0)
    view.indicSetAlpha(Indicator.FIND, 40)
    view.indicSetOutlineAlpha(Indicator.FIND, 110)


def _define_image(view: ScintillaEdit, marker: int, image: QImage) -> None:
    """Scintilla copies the pixels during the call."""
    pixels = ctypes.create_string_buffer(bytes(image.constBits()))
    view.rGBAImageSetWidth(image.width())
    view.rGBAImageSetHeight(image.height())
    view.rGBAImageSetScale(100)
    view.send(int(Scintilla.Message.MarkerDefineRGBAImage), marker, ctypes.addressof(pixels))
