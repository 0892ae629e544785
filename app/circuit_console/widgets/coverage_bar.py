"""How much of the code the tests run, against what a deployment asks for."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.core.coverage import GATE_PERCENT, ProjectCoverage
from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_SIDE_PX = 14
_BAR_TOP_PX = 28
_BAR_PX = 7
_TICK_PX = 13


class CoverageBar(QWidget):
    """A bar with a tick at the gate, and the words whether it is passed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._coverage: ProjectCoverage | None = None
        self.setFixedHeight(64)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._on_theme_changed)

    def sizeHint(self) -> QSize:
        return QSize(240, 64)

    def show_coverage(self, coverage: ProjectCoverage) -> None:
        self._coverage = coverage
        self.setAccessibleName(f"Coverage {coverage.percent:g} percent. {coverage.verdict}")
        self.setToolTip(f"{coverage.covered} of {coverage.total} lines run in tests.\n{coverage.verdict}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        coverage = self._coverage
        if coverage is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        width = self.width() - 2 * _SIDE_PX
        top = QRectF(_SIDE_PX, 4, width, 20)
        self._text(painter, top, f"Coverage {int(coverage.percent)} %", "text", Qt.AlignmentFlag.AlignLeft)
        self._text(painter, top, f"gate {GATE_PERCENT} %", "dim", Qt.AlignmentFlag.AlignRight)
        track = QRectF(_SIDE_PX, _BAR_TOP_PX, width, _BAR_PX)
        color: ColorName = "ok" if coverage.passes_gate else "warn"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("border"))
        painter.drawRoundedRect(track, _BAR_PX / 2, _BAR_PX / 2)
        painter.setBrush(self._theme.color(color))
        filled = QRectF(track)
        filled.setWidth(max(_BAR_PX, width * min(100.0, coverage.percent) / 100))
        painter.drawRoundedRect(filled, _BAR_PX / 2, _BAR_PX / 2)
        tick_x = round(track.left() + width * GATE_PERCENT / 100)
        tick_top = track.center().y() - _TICK_PX / 2
        painter.fillRect(QRectF(tick_x - 1, tick_top, 2, _TICK_PX), self._theme.color("text"))
        verdict = QRectF(_SIDE_PX, _BAR_TOP_PX + _BAR_PX + 5, width, 18)
        self._text(painter, verdict, coverage.verdict, color, Qt.AlignmentFlag.AlignLeft)

    def _text(self, painter: QPainter, area: QRectF, text: str, color: ColorName, side: Qt.AlignmentFlag) -> None:
        painter.setFont(self._theme.ui(12))
        painter.setPen(self._theme.color(color))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(area.width()))
        painter.drawText(area, side | Qt.AlignmentFlag.AlignVCenter, shown)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()
