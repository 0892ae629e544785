"""The timeline's chart: bars over time, walked with the keyboard or the mouse."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from circuit_console.core.flame import Bar, Window, bars, whole
from circuit_console.core.flame_frames import NO_FRAME
from circuit_console.core.flame_summary import describe_frame, tooltip_lines
from circuit_console.core.log_store import LogStore
from circuit_console.widgets.flame_painter import ROW_PX, RULER_PX, FlamePainter
from circuit_console.widgets.theme import Theme

SIDE_PX = 12
_ZOOM = 1.25
_PAN_SHARE = 0.12
_DRAG_FROM_PX = 4
_FLAG_REACH_PX = 9


class FlameChart(QAbstractScrollArea):
    """Shows a window of a run. The owner keeps the window, so that the overview can share it.

    Keys: W and S zoom, A and D pan, arrows walk to parent, child and neighbours, Enter opens the source, R fits.

    Signals:
        window_wanted: Window, when the user zoomed or panned.
        fit_wanted: None, when the user asked for all of the run.
        frame_chosen: int, a frame, or NO_FRAME for none.
        frame_opened: int, the frame whose source is wanted.
        exception_chosen: int, the row of an exception whose flag was clicked.
    """

    window_wanted = Signal(object)
    fit_wanted = Signal()
    frame_chosen = Signal(int)
    frame_opened = Signal(int)
    exception_chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._painter = FlamePainter(theme)
        self._store = LogStore()
        self._window = whole(0)
        self._chosen = NO_FRAME
        self._press: tuple[QPoint, Window, int] | None = None
        self._is_dragging = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Timeline chart; the log below shows the same events as a table")
        self.viewport().setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(ROW_PX)
        theme.changed.connect(self._on_theme_changed)

    def show_store(self, store: LogStore) -> None:
        self._store = store
        self._chosen = NO_FRAME
        self._painter.forget()
        self.verticalScrollBar().setValue(0)
        self.refresh()

    def show_window(self, window: Window) -> None:
        self._window = window
        self.viewport().update()

    def choose(self, frame: int) -> None:
        """Outline a frame and scroll to its depth; the owner sees to the window."""
        if frame != self._chosen:
            self._chosen = frame
            if frame != NO_FRAME:
                self._scroll_to(frame)
            text = "" if frame == NO_FRAME else describe_frame(self._store, frame)
            self.setAccessibleDescription(text)
            self.viewport().update()

    def show_innermost(self) -> None:
        """Scroll to where the run stands, with what called it above."""
        frame = self._store.frames.innermost
        if frame != NO_FRAME:
            self._scroll_to(frame)

    def refresh(self) -> None:
        """The store has grown."""
        rows_px = self._store.frames.depth_count * ROW_PX
        room = max(0, self.viewport().height() - RULER_PX)
        self.verticalScrollBar().setRange(0, max(0, rows_px - room))
        self.verticalScrollBar().setPageStep(max(1, room))
        self.viewport().update()

    @property
    def plot_width_px(self) -> int:
        return max(1, self.viewport().width() - 2 * SIDE_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, RULER_PX + 2 * ROW_PX)

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        width, height = self.plot_width_px, self.viewport().height()
        store, window = self._store, self._window
        painter.translate(SIDE_PX, 0)
        painter.setClipRect(QRectF(-SIDE_PX, 0, width + 2 * SIDE_PX, height))
        taken = (0.0, -1.0)
        if store.paused_row is not None:
            taken = self._painter.taken_by_tag(window.x_px(store.last_ns, width), width)
        self._painter.paint_grid(painter, window, width, height, taken)
        painter.setClipRect(QRectF(0, RULER_PX, width, height - RULER_PX))
        first, offset = divmod(self.verticalScrollBar().value(), ROW_PX)
        count = (height - RULER_PX + offset) // ROW_PX + 1
        depths = range(first, min(store.frames.depth_count, first + count))
        self._painter.paint_bars(painter, store, window, width, depths, RULER_PX - offset)
        self._paint_outlines(painter)
        painter.setClipRect(QRectF(-SIDE_PX, 0, width + 2 * SIDE_PX, height))
        self._paint_lines(painter, width, height)
        painter.resetTransform()
        if self.hasFocus():
            painter.setClipping(False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = self._theme.tokens.focus_ring_px
            painter.setPen(QPen(self._theme.color("accent"), ring))
            inset = ring / 2
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(inset, inset, -inset, -inset))

    def _paint_outlines(self, painter: QPainter) -> None:
        store = self._store
        if store.paused_row is not None and store.frames.stack:
            self._outline(painter, store.frames.innermost, is_paused=True)
        if self._chosen != NO_FRAME and not store.is_open_at_pause(self._chosen):
            self._outline(painter, self._chosen, is_paused=False)

    def _outline(self, painter: QPainter, frame: int, *, is_paused: bool) -> None:
        rectangle = self._rectangle_of(frame)
        if rectangle is not None:
            self._painter.paint_outline(painter, rectangle, self._theme.color("paused" if is_paused else "text"))

    def _paint_lines(self, painter: QPainter, width: int, height: int) -> None:
        store = self._store
        for row in store.exceptions:
            x_px = self._window.x_px(store.rows.time_ns[row], width)
            if -1 <= x_px <= width:
                self._painter.paint_flag(painter, x_px)
        x_px = self._window.x_px(store.last_ns, width)
        if not len(store.frames) or not -1 <= x_px <= width + 1:
            return
        if store.paused_row is not None:
            self._painter.paint_paused(painter, x_px, width, height)
        elif not store.is_finished:
            self._painter.paint_now(painter, x_px, height)

    def _rectangle_of(self, frame: int) -> QRectF | None:
        """Where a frame is drawn, in plot coordinates; None outside the window."""
        frames, width = self._store.frames, self.plot_width_px
        left = max(0.0, self._window.x_px(frames.start_ns[frame], width))
        right = min(float(width), self._window.x_px(frames.end_or(frame, self._store.last_ns), width))
        if right < 0 or left > width:
            return None
        top = RULER_PX - self.verticalScrollBar().value() + frames.depth[frame] * ROW_PX
        bar = Bar(left, max(right, left + 3), 0, frame)
        return self._painter.bar_rectangle(bar, top)

    # ------------------------------------------------------------------------------------------ finding

    def frame_at(self, place: QPointF) -> int:
        """The frame under a point of the viewport, NO_FRAME where there is none or several share the pixel."""
        if place.y() < RULER_PX:
            return NO_FRAME
        depth = int(place.y() - RULER_PX + self.verticalScrollBar().value()) // ROW_PX
        if not 0 <= depth < self._store.frames.depth_count:
            return NO_FRAME
        x_px = place.x() - SIDE_PX
        for bar in bars(self._store.frames, depth, self._window, self.plot_width_px, self._store.last_ns):
            if bar.left_px <= x_px < bar.right_px:
                return bar.frame
        return NO_FRAME

    def point_of(self, frame: int) -> QPoint:
        """The middle of a frame's bar in the viewport, for tests and menus."""
        rectangle = self._rectangle_of(frame)
        assert rectangle is not None, frame
        return rectangle.center().toPoint() + QPoint(SIDE_PX, 0)

    def _exception_at(self, place: QPointF) -> int:
        """The row of the exception whose flag is at a point, -1 for none."""
        if place.y() < RULER_PX:
            for row in reversed(self._store.exceptions):
                x_px = self._window.x_px(self._store.rows.time_ns[row], self.plot_width_px) + SIDE_PX
                if -3 <= place.x() - x_px <= _FLAG_REACH_PX:
                    return row
        return -1

    def _scroll_to(self, frame: int) -> None:
        bar = self.verticalScrollBar()
        top = self._store.frames.depth[frame] * ROW_PX
        room = self.viewport().height() - RULER_PX
        if top < bar.value():
            bar.setValue(top)
        elif top + ROW_PX > bar.value() + room:
            bar.setValue(top + ROW_PX - room)

    # ------------------------------------------------------------------------------------------ input

    def keyPressEvent(self, event: QKeyEvent) -> None:
        middle_ns = self._window.start_ns + self._window.span_ns / 2
        match event.key():
            case Qt.Key.Key_W:
                self._zoom(1 / _ZOOM, middle_ns)
            case Qt.Key.Key_S:
                self._zoom(_ZOOM, middle_ns)
            case Qt.Key.Key_A:
                self._pan(-self._window.span_ns * _PAN_SHARE)
            case Qt.Key.Key_D:
                self._pan(self._window.span_ns * _PAN_SHARE)
            case Qt.Key.Key_R:
                self.fit_wanted.emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self._chosen != NO_FRAME:
                self.frame_opened.emit(self._chosen)
            case Qt.Key.Key_Escape if self._chosen != NO_FRAME:
                self.frame_chosen.emit(NO_FRAME)
            case Qt.Key.Key_Up | Qt.Key.Key_Down | Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._walk(Qt.Key(event.key()))
            case _:
                super().keyPressEvent(event)

    def _walk(self, key: Qt.Key) -> None:
        frames = self._store.frames
        if self._chosen == NO_FRAME or key is Qt.Key.Key_Down:
            goal = frames.first_child(self._chosen)
        elif key is Qt.Key.Key_Up:
            goal = frames.parent[self._chosen]
        else:
            goal = frames.neighbour(self._chosen, -1 if key is Qt.Key.Key_Left else 1)
        if goal != NO_FRAME:
            self.frame_chosen.emit(goal)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or delta.x():
            steps = (delta.x() or delta.y()) / 120
            self._pan(-steps * self._window.span_ns * _PAN_SHARE)
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().wheelEvent(event)
        else:
            anchor = self._window.ns_at(event.position().x() - SIDE_PX, self.plot_width_px)
            self._zoom(_ZOOM ** (-delta.y() / 120), anchor)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._press = (event.position().toPoint(), self._window, self.verticalScrollBar().value())
            self._is_dragging = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            is_target = self.frame_at(event.position()) != NO_FRAME or self._exception_at(event.position()) >= 0
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if is_target else Qt.CursorShape.ArrowCursor
            )
            return
        start, window, scrolled = self._press
        moved = event.position().toPoint() - start
        if not self._is_dragging and moved.manhattanLength() < _DRAG_FROM_PX:
            return
        self._is_dragging = True
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        by_ns = -moved.x() / self.plot_width_px * window.span_ns
        self.verticalScrollBar().setValue(scrolled - moved.y())
        self.window_wanted.emit(window.moved(by_ns, self._store.last_ns))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._press is not None and not self._is_dragging:
            row = self._exception_at(event.position())
            if row >= 0:
                self.exception_chosen.emit(row)
            else:
                self.frame_chosen.emit(self.frame_at(event.position()))
        self._press = None
        self._is_dragging = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        frame = self.frame_at(event.position())
        if frame != NO_FRAME:
            self.frame_opened.emit(frame)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            frame = self.frame_at(QPointF(event.pos()))
            if frame == NO_FRAME:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), "\n".join(tooltip_lines(self._store, frame)), self)
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.refresh()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()

    def _zoom(self, factor: float, anchor_ns: float) -> None:
        self.window_wanted.emit(self._window.zoomed(factor, anchor_ns, self._store.last_ns))

    def _pan(self, by_ns: float) -> None:
        self.window_wanted.emit(self._window.moved(by_ns, self._store.last_ns))

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._painter.forget()
        self.viewport().update()
