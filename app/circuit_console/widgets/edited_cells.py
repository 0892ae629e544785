"""Cells that were edited and not saved stand on a ground of their own, with a mark in the corner."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, Qt
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from circuit_console.widgets.theme import Theme

_MARK_PX = 6


class EditedCells(QStyledItemDelegate):
    """Asks the model for `edited_role`. The style sheet would hide a background that the model names itself."""

    def __init__(self, theme: Theme, edited_role: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._edited_role = edited_role

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        is_edited = bool(index.data(self._edited_role))
        if is_edited:
            painter.fillRect(option.rect, self._theme.color("paused_soft"))
        super().paint(painter, option, index)
        if is_edited:
            corner = QPointF(option.rect.topLeft())
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("paused"))
            mark = [corner, corner + QPointF(_MARK_PX, 0), corner + QPointF(0, _MARK_PX)]
            painter.drawPolygon(QPolygonF(mark))
            painter.restore()
