"""The whole run in one strip, with a lens over the part that the chart shows."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from circuit_console.core.flame import Window, bars, whole
from circuit_console.core.log_store import LogStore
from circuit_console.widgets.flame_colors import BAR_COLORS
from circuit_console.widgets.theme import Theme

_HEIGHT_PX = 34
_STRIP_PX = 22
_TOP_PX = 7
_SIDE_PX = 12
_GRIP_PX = 7
_REDRAW_MS = 250
_LEAST_LENS_PX = 10.0
_DIMMED = 0.48


class _Part(Enum):
    LEFT = auto()
    RIGHT = auto()
    INSIDE = auto()
    OUTSIDE = auto()


class OverviewStrip(QWidget):
    """A skyline of depth, coloured by what ran deepest. Dragging the lens or its edges moves the window.

    Signals:
        window_wanted: Window, when the lens was moved.
        fit_wanted: None, on a double click.
    """

    window_wanted = Signal(object)
    fit_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._store = LogStore()
        self._window = whole(0)
        self._skyline: QPixmap | None = None
        self._grip: tuple[_Part, float, Window] | None = None
        # The skyline of a long run is not drawn anew for every batch.
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(_REDRAW_MS)
        self._redraw.timeout.connect(self._on_redraw_due)
        self.setFixedHeight(_HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Overview of the run")
        theme.changed.connect(self._on_theme_changed)

    def sizeHint(self) -> QSize:
        return QSize(400, _HEIGHT_PX)

    def show_store(self, store: LogStore) -> None:
        self._store = store
        self._forget_skyline()

    def show_window(self, window: Window) -> None:
        self._window = window
        self.update()

    def refresh(self) -> None:
        """The store has grown."""
        if self._store.is_finished or self._store.paused_row is not None:
            self._forget_skyline()
        elif not self._redraw.isActive():
            self._redraw.start()

    def lens(self) -> QRectF:
        """Where the lens is, in this widget's coordinates."""
        total = whole(self._store.last_ns)
        width = self.width() - 2 * _SIDE_PX
        left = max(0.0, total.x_px(self._window.start_ns, width))
        right = min(float(width), total.x_px(self._window.end_ns, width))
        lens_width = max(_LEAST_LENS_PX, right - left)
        return QRectF(_SIDE_PX + min(left, width - lens_width), _TOP_PX - 2, lens_width, _STRIP_PX + 4)

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        strip = QRectF(_SIDE_PX, _TOP_PX, self.width() - 2 * _SIDE_PX, _STRIP_PX)
        painter.fillRect(strip, self._theme.color("chrome"))
        if not len(self._store.frames):
            return
        if self._skyline is None:
            self._skyline = self._draw_skyline(int(strip.width()))
        lens = self.lens()
        painter.drawPixmap(strip.topLeft(), self._skyline)
        shade = QColor(self._theme.color("panel"))
        shade.setAlphaF(_DIMMED)
        painter.fillRect(QRectF(strip.topLeft(), QPointF(lens.left(), strip.bottom())), shade)
        painter.fillRect(QRectF(QPointF(lens.right(), strip.top()), strip.bottomRight()), shade)
        self._paint_lens(painter, lens)

    def _paint_lens(self, painter: QPainter, lens: QRectF) -> None:
        accent = self._theme.color("accent")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5))
        painter.drawRoundedRect(lens.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        for x_px in (lens.left() + 0.75, lens.right() - 0.75):
            painter.drawRoundedRect(QRectF(x_px - 2.5, lens.center().y() - 6.5, 5, 13), 2.5, 2.5)

    def _draw_skyline(self, width_px: int) -> QPixmap:
        """Depth by depth from the outermost: deeper bars reach higher and cover those they lie in."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QSize(max(1, width_px), _STRIP_PX) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        frames = self._store.frames
        window = whole(self._store.last_ns)
        painter = QPainter(pixmap)
        painter.setPen(Qt.PenStyle.NoPen)
        step = (_STRIP_PX - 3) / max(3, frames.depth_count)
        for depth in range(frames.depth_count):
            height = step * (depth + 1)
            by_kind: dict[int, list[QRectF]] = {}
            for bar in bars(frames, depth, window, max(1, width_px), self._store.last_ns):
                rectangle = QRectF(bar.left_px, _STRIP_PX - height, bar.right_px - bar.left_px, height)
                by_kind.setdefault(bar.kind, []).append(rectangle)
            for kind, rectangles in by_kind.items():
                painter.setBrush(self._theme.color(BAR_COLORS[kind]))
                painter.drawRects(rectangles)
        painter.end()
        return pixmap

    # ------------------------------------------------------------------------------------------ input

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton or not len(self._store.frames):
            return
        x_px = event.position().x()
        part = self._part_at(x_px)
        if part is _Part.OUTSIDE:
            middle_ns = self._ns_at(x_px)
            self._want(Window(middle_ns - self._window.span_ns / 2, self._window.span_ns))
            part = _Part.INSIDE
        self._grip = (part, x_px, self._window)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x_px = event.position().x()
        if self._grip is None:
            part = self._part_at(x_px)
            is_edge = part in (_Part.LEFT, _Part.RIGHT)
            inside = Qt.CursorShape.OpenHandCursor if part is _Part.INSIDE else Qt.CursorShape.ArrowCursor
            self.setCursor(Qt.CursorShape.SizeHorCursor if is_edge else inside)
            return
        part, start_px, window = self._grip
        by_ns = self._ns_at(x_px) - self._ns_at(start_px)
        least_ns = self._ns_at(_SIDE_PX + _LEAST_LENS_PX) / 4
        match part:
            case _Part.LEFT:
                start_ns = min(max(0.0, window.start_ns + by_ns), window.end_ns - least_ns)
                self._want(Window(start_ns, window.end_ns - start_ns))
            case _Part.RIGHT:
                self._want(Window(window.start_ns, max(least_ns, window.span_ns + by_ns)))
            case _Part.INSIDE | _Part.OUTSIDE:
                self._want(Window(window.start_ns + by_ns, window.span_ns))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._grip = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.fit_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._forget_skyline()

    def _part_at(self, x_px: float) -> _Part:
        lens = self.lens()
        if abs(x_px - lens.left()) <= _GRIP_PX:
            return _Part.LEFT
        if abs(x_px - lens.right()) <= _GRIP_PX:
            return _Part.RIGHT
        return _Part.INSIDE if lens.left() < x_px < lens.right() else _Part.OUTSIDE

    def _ns_at(self, x_px: float) -> float:
        return whole(self._store.last_ns).ns_at(x_px - _SIDE_PX, self.width() - 2 * _SIDE_PX)

    def _want(self, window: Window) -> None:
        self.window_wanted.emit(window.within(self._store.last_ns))

    def _forget_skyline(self) -> None:
        self._redraw.stop()
        self._skyline = None
        self.update()

    @Slot()
    def _on_redraw_due(self) -> None:
        self._forget_skyline()

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._forget_skyline()
