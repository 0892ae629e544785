"""Rows with an outcome's sign before their text: a filled tick, a cross, a turning arc."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from circuit_console.core.test_results import TestState
from circuit_console.widgets.outcome_sign import OutcomeSign
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
        self._sign = OutcomeSign(theme)
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
        self._sign.paint(painter, sign, state, self.turn_degrees)
        words = area.adjusted(2 + _SIGN_PX + _GAP_PX, 0, -2, 0)
        painter.setFont(option.font)
        color = index.data(Qt.ItemDataRole.ForegroundRole)
        painter.setPen(color if color is not None else self._theme.color("text"))
        shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()
