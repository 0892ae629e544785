"""One counter of the governor as a card: a ring, the amount, the name."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.core.governor_view import GaugeView
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme
from circuit_log.limits import LimitName

_HEIGHT_PX = 52
_RING_PX = 36
_RING_WIDTH = 4.5
_RING_INSET_PX = 8
_TEXT_LEFT_PX = _RING_INSET_PX + _RING_PX + 6
_LEAST_ARC_DEGREES = 6.0
_LEAST_GHOST_SHARE = 0.03


class GaugeCard(QWidget):
    """Shows a GaugeView. Focusable; a click or Enter picks it.

    Signals:
        picked: LimitName.
    """

    picked = Signal(object)

    def __init__(self, theme: Theme, view: GaugeView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._view = view
        self._is_marked = False
        self._is_frozen = False
        self.setFixedHeight(_HEIGHT_PX)
        self.setMinimumWidth(116)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._describe()
        theme.changed.connect(self._on_theme_changed)

    @property
    def view(self) -> GaugeView:
        return self._view

    @property
    def name(self) -> LimitName:
        return self._view.name

    def sizeHint(self) -> QSize:
        return QSize(141, _HEIGHT_PX)

    def show_view(self, view: GaugeView) -> None:
        if view != self._view:
            self._view = view
            self._describe()
            self.update()

    def mark(self, is_marked: bool) -> None:
        """Outline it: the selected event moved this counter."""
        if is_marked != self._is_marked:
            self._is_marked = is_marked
            self.update()

    @property
    def is_marked(self) -> bool:
        return self._is_marked

    def freeze(self, is_frozen: bool) -> None:
        """Whether the run stands still."""
        if is_frozen != self._is_frozen:
            self._is_frozen = is_frozen
            self._describe()
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._paint_card(painter)
        ring = QRectF(_RING_INSET_PX, (self.height() - _RING_PX) / 2, _RING_PX, _RING_PX)
        self._paint_ring(painter, ring)
        self._paint_texts(painter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.picked.emit(self.name)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.picked.emit(self.name)

    def _paint_card(self, painter: QPainter) -> None:
        edge: ColorName = "accent" if self._is_marked or self.hasFocus() else "border"
        width = float(self._theme.tokens.focus_ring_px) if self.hasFocus() else 1.5 if self._is_marked else 1.0
        painter.setPen(QPen(self._theme.color(edge), width))
        painter.setBrush(self._theme.color("raised"))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 8, 8)

    def _paint_ring(self, painter: QPainter, ring: QRectF) -> None:
        track = ring.adjusted(*(value * _RING_WIDTH / 2 for value in (1, 1, -1, -1)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.color("border"), _RING_WIDTH))
        painter.drawEllipse(track)
        if self._view.ghost_share is not None and self._view.ghost_share > _LEAST_GHOST_SHARE:
            self._paint_ghost(painter, track, self._view.ghost_share)
        # A dot at the top also where nothing is used, as in the picture: the ring is alive.
        degrees = max(_LEAST_ARC_DEGREES, 360 * min(1.0, self._view.share))
        painter.setPen(
            QPen(
                self._theme.color(self._color("accent")),
                _RING_WIDTH,
                Qt.PenStyle.SolidLine,
                Qt.PenCapStyle.RoundCap,
            )
        )
        painter.drawArc(track, 90 * 16, -round(degrees * 16))
        painter.setPen(self._theme.color("text"))
        painter.setFont(self._theme.ui(10, QFont.Weight.DemiBold))
        painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, str(self._view.percent))

    def _paint_ghost(self, painter: QPainter, track: QRectF, share: float) -> None:
        """A tick where the previous run ended."""
        angle = math.radians(90 - 360 * min(1.0, share))
        direction = QPointF(math.cos(angle), -math.sin(angle))
        radius = track.width() / 2
        painter.setPen(QPen(self._theme.color("dim"), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        inner, outer = radius - _RING_WIDTH / 2 - 1, radius + _RING_WIDTH / 2 + 1
        painter.drawLine(track.center() + direction * inner, track.center() + direction * outer)

    def _paint_texts(self, painter: QPainter) -> None:
        strong, plain = self._theme.ui(13, QFont.Weight.DemiBold), self._theme.ui(12)
        room = self.width() - _TEXT_LEFT_PX - 6
        if QFontMetricsF(strong).horizontalAdvance(self._view.amount) > room:
            strong = self._theme.ui(12, QFont.Weight.DemiBold)
        painter.setFont(strong)
        painter.setPen(self._theme.color(self._color("text")))
        shown = QFontMetricsF(strong).elidedText(self._view.amount, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(_TEXT_LEFT_PX, 22), shown)
        painter.setFont(plain)
        painter.setPen(self._theme.color("dim"))
        painter.drawText(QPointF(_TEXT_LEFT_PX, 39), self._view.title)

    def _color(self, normal: ColorName) -> ColorName:
        match self._view.tone:
            case "danger":
                return "err"
            case "warning":
                return "warn"
            case _:
                return normal

    def _describe(self) -> None:
        spoken = self._view.spoken() + (", run is paused" if self._is_frozen else "")
        if spoken == self.accessibleName():
            return
        self.setAccessibleName(spoken)
        ghost = self._view.ghost_share
        before = f"\nThe run before ended at {round(100 * ghost)} % (tick)." if ghost is not None else ""
        self.setToolTip(f"{self._view.title}: {self._view.amount}, {self._view.percent} %{before}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
