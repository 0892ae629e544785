"""One environment as a card: name, health, release, generation. Production has a lock and its own colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_PAD_PX = 14
_ICON_PX = 16


class EnvironmentCard(QWidget):
    """Painted; focusable; a click or Enter chooses it.

    Signals:
        chosen: str, the name it was made for.
    """

    chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str,
        *,
        is_production: bool = False,
        height_px: int = 88,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._is_production = is_production
        self._title = name.capitalize()
        self._icon = "lock" if is_production else "server"
        self._health = ""
        self._health_color: ColorName = "faint"
        self._lines: tuple[str, ...] = ()
        self._is_chosen = False
        self.setFixedHeight(height_px)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self._on_theme_changed)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    @property
    def name(self) -> str:
        return self._name

    def set_title(self, title: str, icon_name: str) -> None:
        self._title, self._icon = title, icon_name
        self.update()

    def show_state(self, health: str, color: ColorName, lines: tuple[str, ...]) -> None:
        """`health` is a word with its colour; `lines` are what else is known."""
        self._health, self._health_color, self._lines = health, color, lines
        self.setAccessibleName(", ".join(filter(None, (self._title, health, *lines))))
        self.update()

    def choose(self, is_chosen: bool) -> None:
        self._is_chosen = is_chosen
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._name)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self._name)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        accent: ColorName = "prod" if self._is_production else "accent"
        ring = float(self._theme.tokens.focus_ring_px)
        width = ring if self.hasFocus() else 1.5 if self._is_chosen else 1.0
        edge = accent if self._is_chosen or self.hasFocus() else "border"
        painter.setPen(QPen(self._theme.color(edge), width))
        painter.setBrush(self._theme.color("raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
        self._paint_texts(painter, "prod" if self._is_production else "text")

    def _paint_texts(self, painter: QPainter, title_color: ColorName) -> None:
        icon_color: ColorName = "prod" if self._is_production else "dim"
        pixmap = self._theme.pixmap(self._icon, icon_color, _ICON_PX, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(_PAD_PX, 12), pixmap)
        strong, plain = self._theme.ui(13, QFont.Weight.DemiBold), self._theme.ui(12)
        painter.setFont(strong)
        painter.setPen(self._theme.color(title_color))
        painter.drawText(QPointF(_PAD_PX + _ICON_PX + 8, 25), self._title)
        painter.setFont(plain)
        metrics = QFontMetricsF(plain)
        health_width = metrics.horizontalAdvance(self._health)
        taken = _PAD_PX + _ICON_PX + 8 + QFontMetricsF(strong).horizontalAdvance(self._title) + 28
        first_line = 47.0
        if taken + health_width + _PAD_PX <= self.width():
            self._paint_health(painter, self.width() - _PAD_PX - health_width, 25)
        else:
            self._paint_health(painter, _PAD_PX + 12, first_line)
            first_line += 18
        painter.setPen(self._theme.color("dim"))
        for place, line in enumerate(self._lines):
            baseline = first_line + place * 18
            if baseline < self.height() - 4:
                room = self.width() - 2 * _PAD_PX
                shown = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
                painter.drawText(QPointF(_PAD_PX, baseline), shown)

    def _paint_health(self, painter: QPainter, left: float, baseline: float) -> None:
        """A filled dot where all is well, a ring where it is not, and the word."""
        if not self._health:
            return
        color = self._theme.color(self._health_color)
        dot = QRectF(left - 12, baseline - 8, 7, 7)
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(color if self._health_color == "ok" else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot)
        painter.setPen(color)
        painter.drawText(QPointF(left, baseline), self._health)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
