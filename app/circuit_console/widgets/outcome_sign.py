"""The sign of an outcome, told apart by shape as well as colour: filled tick, cross, square, turning arc."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from circuit_console.core.test_results import TestState
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

SIGN_PX = 14.0


class OutcomeSign:
    """Draws a TestState into a square of about 14 pixels; the painter must be antialiasing."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def paint(self, painter: QPainter, sign: QRectF, state: TestState, turn_degrees: int = 0) -> None:
        match state:
            case TestState.PASSED:
                self._paint_tick(painter, sign)
            case TestState.FAILED | TestState.ERROR:
                self._paint_cross(painter, sign, is_square=state is TestState.ERROR)
            case TestState.RUNNING:
                self._circle(painter, sign, "border")
                painter.setPen(self._pen("accent", 2.0))
                painter.drawArc(sign.adjusted(1, 1, -1, -1), (90 - turn_degrees) * 16, -100 * 16)
            case TestState.SKIPPED:
                self._circle(painter, sign, "faint")
                painter.drawLine(sign.center() - QPointF(3, 0), sign.center() + QPointF(3, 0))
            case TestState.WAITING:
                painter.setPen(QPen(self._theme.color("faint"), 1.5, Qt.PenStyle.DotLine))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(sign.adjusted(1, 1, -1, -1))
            case TestState.UNKNOWN:
                self._circle(painter, sign, "border_strong")

    def _circle(self, painter: QPainter, sign: QRectF, color: ColorName) -> None:
        painter.setPen(self._pen(color, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(sign.adjusted(1, 1, -1, -1))

    def _paint_tick(self, painter: QPainter, sign: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("ok"))
        painter.drawEllipse(sign)
        painter.setPen(self._pen("panel", 1.8))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = sign.center()
        points = [middle + QPointF(-3, 0.2), middle + QPointF(-0.8, 2.4), middle + QPointF(3.1, -2.1)]
        painter.drawPolyline(QPolygonF(points))

    def _paint_cross(self, painter: QPainter, sign: QRectF, *, is_square: bool) -> None:
        """A failed test is a circle with a cross; one that broke is a square."""
        painter.setPen(self._pen("err", 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        frame = sign.adjusted(0.7, 0.7, -0.7, -0.7)
        if is_square:
            painter.drawRoundedRect(frame, 3, 3)
        else:
            painter.drawEllipse(frame)
        middle = sign.center()
        for step in (QPointF(2.4, 2.4), QPointF(2.4, -2.4)):
            painter.drawLine(middle - step, middle + step)

    def _pen(self, color: ColorName, width: float) -> QPen:
        return QPen(
            self._theme.color(color),
            width,
            Qt.PenStyle.SolidLine,
            Qt.PenCapStyle.RoundCap,
            Qt.PenJoinStyle.RoundJoin,
        )


class SignLabel(QWidget):
    """A sign as a widget of its own."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = OutcomeSign(theme)
        self._state = TestState.UNKNOWN
        self.setFixedSize(QSize(int(SIGN_PX) + 2, int(SIGN_PX) + 2))
        theme.changed.connect(self._on_theme_changed)

    @property
    def state(self) -> TestState:
        return self._state

    def show_state(self, state: TestState) -> None:
        self._state = state
        self.setAccessibleName(state.name.lower())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._sign.paint(painter, QRectF(1, 1, SIGN_PX, SIGN_PX), self._state, 90)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
