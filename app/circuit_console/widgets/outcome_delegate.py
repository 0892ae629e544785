"""Rows with an outcome's sign before their text: a filled tick, a cross, a turning arc."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from circuit_console.core.test_results import TestState
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_SIGN_PX = 14.0
_GAP_PX = 7
_ROW_PX = 24


class OutcomeDelegate(QStyledItemDelegate):
    """Paints the TestState found under `state_role` as a sign; rows without one as usual.

    `turn_degrees` turns the arc of what runs; its owner moves it.
    """

    def __init__(self, theme: Theme, state_role: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state_role = state_role
        self.turn_degrees = 0

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width() + int(_SIGN_PX), _ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        state = index.data(self._state_role)
        if not isinstance(state, TestState):
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        text, option.text = option.text, ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        area = QRectF(option.rect)
        sign = QRectF(area.left() + 2, area.center().y() - _SIGN_PX / 2, _SIGN_PX, _SIGN_PX)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self.paint_sign(painter, sign, state)
        words = area.adjusted(2 + _SIGN_PX + _GAP_PX, 0, -2, 0)
        painter.setFont(option.font)
        color = index.data(Qt.ItemDataRole.ForegroundRole)
        painter.setPen(color if color is not None else self._theme.color("text"))
        shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def paint_sign(self, painter: QPainter, sign: QRectF, state: TestState) -> None:
        match state:
            case TestState.PASSED:
                self._paint_tick(painter, sign)
            case TestState.FAILED | TestState.ERROR:
                self._paint_cross(painter, sign, is_square=state is TestState.ERROR)
            case TestState.RUNNING:
                self._circle(painter, sign, "border")
                painter.setPen(self._pen("accent", 2.0))
                painter.drawArc(sign.adjusted(1, 1, -1, -1), (90 - self.turn_degrees) * 16, -100 * 16)
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
