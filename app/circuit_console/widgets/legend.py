"""The legend of the timeline's colours."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.core.event_kinds import Kind
from circuit_console.widgets.flame_colors import TEXT_COLORS
from circuit_console.widgets.theme import Theme

_ENTRIES = ((Kind.CODE, "Code"), (Kind.QUERY, "Query"), (Kind.CALLOUT, "Callout"), (Kind.DML, "DML"))
_DOT_PX = 5
_GAP_PX = 7
_BETWEEN_PX = 12


class Legend(QWidget):
    """Dots with words; those for which there is no room are left out."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._font = theme.ui(12)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours: " + ", ".join(word for _, word in _ENTRIES))
        theme.changed.connect(self._on_theme_changed)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._font)
        words = sum(metrics.horizontalAdvance(word) for _, word in _ENTRIES)
        return QSize(words + len(_ENTRIES) * (_DOT_PX + _GAP_PX + _BETWEEN_PX), 24)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setFont(self._font)
        metrics = QFontMetrics(self._font)
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        x_px = 0.0
        for kind, word in _ENTRIES:
            if x_px + _DOT_PX + _GAP_PX + metrics.horizontalAdvance(word) > self.width():
                break
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(TEXT_COLORS[kind]))
            painter.drawEllipse(QPointF(x_px + _DOT_PX / 2, self.height() / 2), _DOT_PX / 2, _DOT_PX / 2)
            x_px += _DOT_PX + _GAP_PX
            painter.setPen(self._theme.color("dim"))
            painter.drawText(QPointF(x_px, baseline), word)
            x_px += metrics.horizontalAdvance(word) + _BETWEEN_PX

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
