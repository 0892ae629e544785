"""Draws the bars, the ruler and the lines of a timeline."""

from __future__ import annotations

from collections import defaultdict

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from circuit_console.core.flame import Bar, Window, bars, ticks
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.log_store import LogStore
from circuit_console.widgets.flame_colors import BAR_COLORS
from circuit_console.widgets.theme import Theme

RULER_PX = 24
ROW_PX = 21
_BAR_PX = 19
_RADIUS_PX = 3.0
_ROUND_FROM_PX = 5.0
_LABEL_FROM_PX = 26.0
_LABEL_INSET_PX = 6.0
_LABEL_STEP_PX = 3
_MAX_LABELS = 20_000
_FLAG_PX = 7.0
_TICK_LABEL_PX = 52
_TAG_PX = 64.0


class FlamePainter:
    """Paints one store into a rectangle of `width_px`; keeps shortened labels between paints."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._labels: dict[tuple[int, int, int], str] = {}
        self._label_font = theme.ui(12)
        self._metrics = QFontMetricsF(self._label_font)

    def forget(self) -> None:
        """Drop what depends on the store or the theme."""
        self._labels.clear()

    def paint_grid(
        self, painter: QPainter, window: Window, width_px: int, height_px: int, taken: tuple[float, float]
    ) -> None:
        """Lines and times; no time is written over the stretch of the ruler that is `taken`."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(self._theme.mono(11))
        guide, faint = self._theme.color("guide"), self._theme.color("faint")
        for tick in ticks(window, width_px):
            x_px = round(tick.x_px)
            painter.setPen(guide)
            painter.drawLine(x_px, 2, x_px, height_px)
            is_free = x_px + _TICK_LABEL_PX < taken[0] or x_px > taken[1]
            if tick.text and is_free:
                painter.setPen(faint)
                painter.drawText(QPointF(x_px + 5, 15), tick.text)

    def paint_bars(
        self, painter: QPainter, store: LogStore, window: Window, width_px: int, depths: range, top_px: int
    ) -> None:
        """The bars of some depths, the first of them at `top_px`."""
        now_ns = store.last_ns
        for place, depth in enumerate(depths):
            row_top = top_px + place * ROW_PX
            self._paint_depth(painter, store, bars(store.frames, depth, window, width_px, now_ns), row_top)

    def paint_outline(self, painter: QPainter, rectangle: QRectF, color: QColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 2.0))
        painter.drawRoundedRect(rectangle.adjusted(1, 1, -1, -1), _RADIUS_PX, _RADIUS_PX)

    def paint_now(self, painter: QPainter, x_px: float, height_px: int) -> None:
        painter.setPen(QPen(self._theme.color("accent"), 1))
        painter.drawLine(QPointF(x_px, RULER_PX - 4), QPointF(x_px, height_px))

    def paint_paused(self, painter: QPainter, x_px: float, width_px: int, height_px: int) -> None:
        """The amber line with its word."""
        painter.setPen(QPen(self._theme.color("paused"), 2))
        painter.drawLine(QPointF(x_px, 2), QPointF(x_px, height_px))
        font = self._theme.ui(11, QFont.Weight.DemiBold)
        tag = QRectF(self.tag_left(x_px, width_px), 1, _TAG_PX, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("paused_soft"))
        painter.drawRoundedRect(tag, 4, 4)
        painter.setPen(self._theme.color("paused"))
        painter.setFont(font)
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, "paused")

    def tag_left(self, x_px: float, width_px: int) -> float:
        """Where the word at the line begins: behind it, if there is room."""
        return min(x_px, width_px - _TAG_PX)

    def taken_by_tag(self, x_px: float, width_px: int) -> tuple[float, float]:
        left = self.tag_left(x_px, width_px)
        return left, left + _TAG_PX

    def paint_flag(self, painter: QPainter, x_px: float) -> None:
        """Where an exception was thrown: a flag on the ruler."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("err"))
        bottom = RULER_PX - 2.0
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x_px, bottom),
                    QPointF(x_px, bottom - 2 * _FLAG_PX),
                    QPointF(x_px + _FLAG_PX + 2, bottom - 1.5 * _FLAG_PX),
                    QPointF(x_px + 1.5, bottom - _FLAG_PX),
                    QPointF(x_px + 1.5, bottom),
                ]
            )
        )

    def bar_rectangle(self, bar: Bar, row_top: float) -> QRectF:
        """Where a bar is filled: a pixel free at its right, so that neighbours stay apart."""
        width = bar.right_px - bar.left_px
        return QRectF(bar.left_px, row_top, max(1.0, width - 1.0 if width > 3.0 else width), _BAR_PX)

    def _paint_depth(self, painter: QPainter, store: LogStore, row: list[Bar], row_top: float) -> None:
        narrow: defaultdict[int, list[QRectF]] = defaultdict(list)
        wide: defaultdict[int, list[tuple[Bar, QRectF]]] = defaultdict(list)
        failed = store.frames.failed
        for bar in row:
            rectangle = self.bar_rectangle(bar, row_top)
            if bar.frame in failed:
                self._paint_failed(painter, store, bar, rectangle)
            elif rectangle.width() < _ROUND_FROM_PX:
                narrow[bar.kind].append(rectangle)
            else:
                wide[bar.kind].append((bar, rectangle))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for kind, rectangles in narrow.items():
            painter.setBrush(self._theme.color(BAR_COLORS[kind]))
            painter.drawRects(rectangles)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for kind, pairs in wide.items():
            painter.setBrush(self._theme.color(BAR_COLORS[kind]))
            for _, rectangle in pairs:
                painter.drawRoundedRect(rectangle, _RADIUS_PX, _RADIUS_PX)
        painter.setFont(self._label_font)
        painter.setPen(self._theme.color("on_cat"))
        for pairs in wide.values():
            for bar, rectangle in pairs:
                if rectangle.width() >= _LABEL_FROM_PX:
                    self._paint_label(painter, store, bar.frame, rectangle)

    def _paint_failed(self, painter: QPainter, store: LogStore, bar: Bar, rectangle: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("err"))
        painter.drawRoundedRect(rectangle, _RADIUS_PX, _RADIUS_PX)
        if rectangle.width() >= _LABEL_FROM_PX:
            painter.setFont(self._label_font)
            painter.setPen(self._theme.color("badge_fg"))
            self._paint_label(painter, store, bar.frame, rectangle)

    def _paint_label(self, painter: QPainter, store: LogStore, frame: int, rectangle: QRectF) -> None:
        """The frame's title and hint at its visible left edge, shortened to fit."""
        if frame == NO_FRAME:
            return
        room = int(rectangle.width() - 2 * _LABEL_INSET_PX)
        frames = store.frames
        key = (frames.title_id[frame], frames.hint_id[frame], room // _LABEL_STEP_PX)
        text = self._labels.get(key)
        if text is None:
            if len(self._labels) > _MAX_LABELS:
                self._labels.clear()
            hint = frames.hint(frame)
            full = f"{frames.title(frame)}   {hint}" if hint else frames.title(frame)
            shown = key[2] * _LABEL_STEP_PX
            text = self._metrics.elidedText(full, Qt.TextElideMode.ElideRight, shown)
            self._labels[key] = text
        baseline = rectangle.top() + (_BAR_PX + self._metrics.ascent() - self._metrics.descent()) / 2
        painter.drawText(QPointF(rectangle.left() + _LABEL_INSET_PX, baseline), text)
