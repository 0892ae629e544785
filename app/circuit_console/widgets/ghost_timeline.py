"""What the timeline shows before anything has run: the outline of one, and how to make one."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from circuit_console.widgets.theme import Theme

# Depth, start and end of each bar as parts of the width.
_BARS = (
    (0, 0.00, 0.96), (1, 0.03, 0.38), (1, 0.42, 0.93), (2, 0.05, 0.14), (2, 0.17, 0.25), (2, 0.28, 0.36),
    (2, 0.44, 0.62), (2, 0.66, 0.90), (3, 0.46, 0.53), (3, 0.55, 0.61), (3, 0.68, 0.79),
)  # fmt: skip
_ROW_PX = 21
_BAR_PX = 17
_SIDE_PX = 12
_TOP_PX = 30


class GhostTimeline(QWidget):
    """Dashed bars, and the words over them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = "Run something (F5) to see its timeline"
        self._hint = "Every call, query, statement and callout gets a bar; Enter on a bar opens its line."
        self.setAccessibleName(f"{self._text}. {self._hint}")
        theme.changed.connect(self._on_theme_changed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        width = self.width() - 2 * _SIDE_PX
        painter.setPen(QPen(self._theme.color("border"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(self._theme.color("line"))
        for depth, start, end in _BARS:
            bar = QRectF(_SIDE_PX + start * width, _TOP_PX + depth * _ROW_PX, (end - start) * width - 2, _BAR_PX)
            painter.drawRoundedRect(bar, 3, 3)
        top = _TOP_PX + 4 * _ROW_PX + 12
        painter.setPen(self._theme.color("text"))
        painter.setFont(self._theme.ui(13))
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(QRectF(0, top, self.width(), 22), middle, self._text)
        painter.setPen(self._theme.color("faint"))
        painter.setFont(self._theme.ui(12))
        painter.drawText(QRectF(0, top + 24, self.width(), 22), middle, self._hint)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
