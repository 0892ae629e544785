"""One line of text with carets under a token, which is always in sight."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.widgets.theme import Theme

_CARET = "^"
_CUT = "…"


class TokenLine(QWidget):
    """Carets are placed by what is drawn, so that wide letters before the token move them too.

    A line that is too long is cut at its beginning and its end.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = ""
        self._start = self._length = 0
        self.setFont(theme.mono(13))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        return self._text

    def show_token(self, text: str, start: int, length: int) -> None:
        """`start` and `length` count characters of `text`."""
        self._text, self._start, self._length = text, start, max(1, length)
        self.setAccessibleName(f"{text}, at {text[start : start + length] or 'its end'}")
        self.update()

    def caret_px(self) -> tuple[float, float]:
        """From where to where the carets are drawn, within the widget."""
        metrics = QFontMetricsF(self.font())
        first = self._first_shown()
        lead = metrics.horizontalAdvance(self._shown_from(first)[: self._start - first + (1 if first else 0)])
        token = self._text[self._start : self._start + self._length] or " "
        return lead, lead + metrics.horizontalAdvance(token)

    def sizeHint(self) -> QSize:
        return QSize(200, 2 * self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = QFontMetricsF(self.font())
        row = metrics.height()
        shown = metrics.elidedText(
            self._shown_from(self._first_shown()), Qt.TextElideMode.ElideRight, float(self.width())
        )
        painter.setPen(self._theme.color("text"))
        painter.drawText(QPointF(0, metrics.ascent()), shown)
        painter.setPen(self._theme.color("err"))
        left, right = self.caret_px()
        count = max(1, round((right - left) / metrics.horizontalAdvance(_CARET)))
        painter.drawText(QRectF(left, row, self.width() - left, row), _CARET * count)

    def _first_shown(self) -> int:
        """The first character that is drawn: as early as the token's end allows."""
        metrics = QFontMetricsF(self.font())
        room = self.width() - metrics.horizontalAdvance(_CUT)
        end = self._start + min(self._length, 1 + self.width() // 16)
        first = 0
        while first < self._start and metrics.horizontalAdvance(self._text[first:end]) > room:
            first += max(1, (end - first) // 8)
        return min(first, self._start)

    def _shown_from(self, first: int) -> str:
        return f"{_CUT}{self._text[first:]}" if first else self._text
