"""The theme as Qt values: colours, fonts, tinted icons, the palette and the one style sheet."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QImageReader, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from circuit_console.core.theme import Appearance, ColorName, Tokens, tokens_for
from circuit_console.widgets.style_sheet import style_sheet
from circuit_resources.fonts import MONO_FAMILY, UI_FAMILY, font_data
from circuit_resources.icons import icon_svg

_CAPS_SPACING_PERCENT = 104.0


class Theme(QObject):
    """Gives every widget its colours, fonts and icons; nothing else in the console names a colour.

    Signals:
        changed: Tokens, after the application's palette and style sheet were replaced. Widgets that paint
            themselves or hold icons renew them.
    """

    changed = Signal(object)

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._tokens = tokens_for(appearance, _system_is_dark())
        self._colors: dict[ColorName, QColor] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        self._load_fonts()

    @property
    def appearance(self) -> Appearance:
        return self._appearance

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def prepare(self, application: QApplication) -> None:
        """Font and palette, for widgets that are about to be built.

        The style sheet follows by `apply` when they stand: set before, each of the widgets would be styled again
        at every move into its parent, which takes longer than building them.
        """
        application.setFont(self.ui())
        application.setPalette(self._palette())

    def apply(self, application: QApplication) -> None:
        """Dress the whole application."""
        self.prepare(application)
        application.setStyleSheet(style_sheet(self._tokens))

    def choose(self, appearance: Appearance, application: QApplication) -> None:
        """Switch the theme of a running application."""
        self._appearance = appearance
        self._tokens = tokens_for(appearance, _system_is_dark())
        self._colors.clear()
        self._pixmaps.clear()
        self.apply(application)
        self._publish_changed(self._tokens)

    def color(self, name: ColorName) -> QColor:
        if name not in self._colors:
            self._colors[name] = QColor(self._tokens.color(name))
        return self._colors[name]

    def ui(self, size_px: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """Inter; 13 px for text, 12 where it is dense."""
        return _font(UI_FAMILY, size_px, weight)

    def mono(self, size_px: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """JetBrains Mono without ligatures; 13 px for code, 12 for values."""
        return _font(MONO_FAMILY, size_px, weight)

    def caps(self) -> QFont:
        """Section heads, whose text is written in capitals: 11 px, semi-bold, a little spaced."""
        font = _font(UI_FAMILY, 11, QFont.Weight.DemiBold)
        font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, _CAPS_SPACING_PERCENT)
        return font

    def icon(self, name: str, token: ColorName = "dim", size_px: int = 16) -> QIcon:
        """A bundled Lucide icon in a token's colour; faint where the control is disabled."""
        application = QApplication.instance()
        ratio = application.devicePixelRatio() if isinstance(application, QApplication) else 1.0
        icon = QIcon()
        icon.addPixmap(self.pixmap(name, token, size_px, ratio), QIcon.Mode.Normal)
        icon.addPixmap(self.pixmap(name, "border_strong", size_px, ratio), QIcon.Mode.Disabled)
        return icon

    def pixmap(self, name: str, token: ColorName, size_px: int = 16, ratio: float = 1.0) -> QPixmap:
        """The icon as pixels, for painters; `size_px` in device independent pixels."""
        key = (name, token, size_px, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = _render(icon_svg(name), self._tokens.color(token), size_px, ratio)
        return self._pixmaps[key]

    def _publish_changed(self, tokens: Tokens) -> None:
        self.changed.emit(tokens)

    def _load_fonts(self) -> None:
        if UI_FAMILY in QFontDatabase.families() and MONO_FAMILY in QFontDatabase.families():
            return
        for data in font_data().values():
            QFontDatabase.addApplicationFontFromData(QByteArray(data))

    def _palette(self) -> QPalette:
        palette = QPalette()
        role = QPalette.ColorRole
        pairs: tuple[tuple[QPalette.ColorRole, ColorName], ...] = (
            (role.Window, "panel"), (role.WindowText, "text"), (role.Base, "panel"), (role.AlternateBase, "line"),
            (role.Text, "text"), (role.Button, "raised"), (role.ButtonText, "text"), (role.BrightText, "err"),
            (role.Highlight, "sel"), (role.HighlightedText, "text"), (role.ToolTipBase, "raised"),
            (role.ToolTipText, "text"), (role.PlaceholderText, "faint"), (role.Link, "accent"),
            (role.LinkVisited, "accent"), (role.Light, "raised"), (role.Midlight, "hover"), (role.Mid, "border"),
            (role.Dark, "border"), (role.Shadow, "chrome"), (role.Accent, "accent"),
        )  # fmt: skip
        for color_role, token in pairs:
            palette.setColor(color_role, self.color(token))
        for color_role in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, color_role, self.color("border_strong"))
        return palette


def _font(family: str, size_px: int, weight: QFont.Weight) -> QFont:
    font = QFont(family)
    font.setPixelSize(size_px)
    font.setWeight(weight)
    return font


def _render(svg: str, color: str, size_px: int, ratio: float) -> QPixmap:
    """Draw an icon with the SVG image plugin: the same pixels as QtSvg's, without its import."""
    buffer = QBuffer()
    buffer.setData(QByteArray(svg.replace("currentColor", color).encode()))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"svg"))
    reader.setScaledSize(QSize(round(size_px * ratio), round(size_px * ratio)))
    pixmap = QPixmap.fromImage(reader.read())
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _system_is_dark() -> bool:
    """Only a hint: bare X11 answers Unknown, which counts as dark, the console's own default."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        return True
    return application.styleHints().colorScheme() is not Qt.ColorScheme.Light
