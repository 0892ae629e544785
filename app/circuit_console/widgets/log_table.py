"""The table of a run's log. Paints only the rows in sight, so that it does not matter how many there are."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from circuit_console.core.log_filter import FilteredRows, LogFilter
from circuit_console.core.log_store import LogStore
from circuit_console.core.theme import ColorName
from circuit_console.widgets.log_cells import Cells, cells_of
from circuit_console.widgets.theme import Theme

ROW_PX = 21
HEADER_PX = 28
_NO_ROW = -1
_INSET_PX = 7
_TITLES = ("TIME", "EVENT", "DETAIL", "SOURCE", "DURATION", "GOVERNOR")
# Widths of all columns but DETAIL, which takes the rest.
_TIME_PX, _EVENT_PX, _SOURCE_PX, _DURATION_PX, _GOVERNOR_PX = 60, 121, 132, 76, 116
_LEAST_DETAIL_PX = 120


class LogTable(QAbstractScrollArea):
    """Shows filtered rows. Scrolled to the end it follows new rows; elsewhere it stays and counts them.

    Keys: arrows, Page Up and Down, Home and End choose; Enter opens the source.

    Signals:
        row_chosen: int, a row of the store.
        row_opened: int, the row whose source is wanted.
        unseen_changed: int, rows that came since following stopped; 0 while it follows.
        show_all_wanted: None, when the words about hidden rows were clicked.
    """

    row_chosen = Signal(int)
    row_opened = Signal(int)
    unseen_changed = Signal(int)
    show_all_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = FilteredRows(LogStore(), LogFilter())
        self._chosen = _NO_ROW
        self._is_following = True
        self._unseen = 0
        self._shown_count = 0
        self._hidden_words = QRectF()
        self._renew_fonts()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Log")
        self.viewport().setMouseTracking(True)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        theme.changed.connect(self._on_theme_changed)

    @property
    def rows(self) -> FilteredRows:
        return self._rows

    @property
    def is_following(self) -> bool:
        return self._is_following

    @property
    def unseen_count(self) -> int:
        return self._unseen

    def show_rows(self, rows: FilteredRows) -> None:
        """Show other rows, of the same store or of another, and follow their end."""
        if rows.store is not self._rows.store:
            self._chosen = _NO_ROW
        self._rows = rows
        self._shown_count = 0
        self.follow()

    def take_growth(self) -> None:
        """The filtered rows have grown."""
        grown = len(self._rows) - self._shown_count
        self._shown_count = len(self._rows)
        self._renew_range()
        if self._is_following:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        elif grown:
            self._set_unseen(self._unseen + grown)
        self.viewport().update()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._is_following = True
        self._set_unseen(0)
        self.take_growth()

    def stop_following(self) -> None:
        self._is_following = False

    def choose(self, row: int) -> None:
        """Mark a row of the store and bring it in sight where it is shown; -1 marks none."""
        if row == self._chosen:
            return
        self._chosen = row
        if row != _NO_ROW and self._rows.shows(row):
            self._bring_in_sight(self._rows.place_of(row))
            self.setAccessibleDescription(cells_of(self._rows.store, row).spoken())
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self.viewport().update()

    def cells_at(self, place: int) -> Cells:
        """What the row at a place says. Raises: IndexError."""
        return cells_of(self._rows.store, self._rows[place])

    def point_of(self, place: int) -> QPoint:
        """The middle of the row's detail cell in the viewport."""
        left, width = self._columns()[2]
        top = HEADER_PX + place * ROW_PX - self.verticalScrollBar().value()
        return QPoint(int(left + width / 2), top + ROW_PX // 2)

    def hidden_words(self) -> str:
        """What is said about rows that the filter leaves out; "" for none."""
        count = self._rows.hidden_count
        return "" if not count else f"{count} row{'s'[: count != 1]} hidden"

    def minimumSizeHint(self) -> QSize:
        return QSize(300, HEADER_PX + ROW_PX)

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        columns = self._columns()
        width, height = self.viewport().width(), self.viewport().height()
        painter.setClipRect(QRectF(0, HEADER_PX, width, height - HEADER_PX))
        first, offset = divmod(self.verticalScrollBar().value(), ROW_PX)
        top = HEADER_PX - offset
        for place in range(first, len(self._rows)):
            if top >= height:
                break
            self._paint_row(painter, columns, place, top)
            top += ROW_PX
        painter.setClipping(False)
        self._paint_header(painter, columns, width)
        if self.hasFocus() and self._chosen == _NO_ROW:
            painter.setPen(QPen(self._theme.color("accent"), self._theme.tokens.focus_ring_px))
            painter.drawRect(QRectF(1, 1, width - 2, height - 2))

    def _paint_header(self, painter: QPainter, columns: list[tuple[float, float]], width: int) -> None:
        painter.fillRect(QRectF(0, 0, width, HEADER_PX), self._theme.color("panel"))
        painter.fillRect(QRectF(0, HEADER_PX - 1, width, 1), self._theme.color("border"))
        painter.setFont(self._caps)
        painter.setPen(self._theme.color("dim"))
        for title, (left, cell_width) in zip(_TITLES, columns, strict=True):
            painter.drawText(QRectF(left, 0, cell_width, HEADER_PX - 1), Qt.AlignmentFlag.AlignVCenter, title)
        words = self.hidden_words()
        self._hidden_words = QRectF()
        if words:
            left, cell_width = columns[2]
            used = QFontMetricsF(self._caps).horizontalAdvance(_TITLES[2]) + 14
            self._hidden_words = QRectF(left + used, 0, cell_width - used - 8, HEADER_PX - 1)
            painter.setFont(self._text)
            painter.setPen(self._theme.color("faint"))
            text = self._metrics.elidedText(words, Qt.TextElideMode.ElideRight, self._hidden_words.width())
            painter.drawText(self._hidden_words, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_row(self, painter: QPainter, columns: list[tuple[float, float]], place: int, top: int) -> None:
        row = self._rows[place]
        cells = cells_of(self._rows.store, row)
        is_chosen = row == self._chosen
        self._paint_ground(painter, cells, is_chosen, top)
        is_error = cells.tone == "error"
        text_color: ColorName = "err" if is_error and not is_chosen else "text"
        colors: tuple[ColorName, ...] = (
            "dim",
            cells.event_color,
            text_color,
            "accent",
            "dim",
            cells.governor_color,
        )
        if is_chosen:
            colors = ("text",) * 6
        texts = (cells.time, cells.event, cells.detail, cells.source, cells.duration, cells.governor)
        fonts = (self._mono, self._strong, self._text, self._text, self._text, self._text)
        baseline = top + (ROW_PX + self._metrics.ascent() - self._metrics.descent()) / 2
        for text, font, color, (left, width) in zip(texts, fonts, colors, columns, strict=True):
            if text:
                painter.setFont(font)
                painter.setPen(self._theme.color(color))
                shown = text if font is self._mono else self._fitted(text, font, width - 8)
                painter.drawText(QPointF(left, baseline), shown)

    def _paint_ground(self, painter: QPainter, cells: Cells, is_chosen: bool, top: int) -> None:
        ground: ColorName | None = None
        if is_chosen:
            ground = "sel"
        elif cells.tone == "error":
            ground = "err_soft"
        if ground is not None:
            painter.fillRect(QRectF(0, top, self.viewport().width(), ROW_PX), self._theme.color(ground))

    def _fitted(self, text: str, font: QFont, width: float) -> str:
        """Cut before measuring: a detail can be a megabyte long."""
        head = text[: int(width / 3) + 2]
        metrics = self._strong_metrics if font is self._strong else self._metrics
        return metrics.elidedText(head, Qt.TextElideMode.ElideRight, width)

    def _columns(self) -> list[tuple[float, float]]:
        """Left edge and width of each column; in a narrow table those at the right give way."""
        width = self.viewport().width() - _INSET_PX
        fixed = _TIME_PX + _EVENT_PX + _SOURCE_PX + _DURATION_PX + _GOVERNOR_PX
        widths = [_TIME_PX, _EVENT_PX, width - fixed, _SOURCE_PX, _DURATION_PX, _GOVERNOR_PX]
        for column in (5, 4, 3):
            if widths[2] < _LEAST_DETAIL_PX:
                widths[2] += widths[column]
                widths[column] = 0
        left = float(_INSET_PX)
        placed: list[tuple[float, float]] = []
        for column_width in widths:
            placed.append((left, float(max(0, column_width))))
            left += max(0, column_width)
        return [(left if width else 10_000.0, width) for left, width in placed]

    # ------------------------------------------------------------------------------------------ input

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count = len(self._rows)
        page = max(1, (self.viewport().height() - HEADER_PX) // ROW_PX - 1)
        place = self._chosen_place()
        match event.key():
            case Qt.Key.Key_Up:
                goal = place - 1 if place is not None else count - 1
            case Qt.Key.Key_Down:
                goal = place + 1 if place is not None else 0
            case Qt.Key.Key_PageUp:
                goal = (place or 0) - page
            case Qt.Key.Key_PageDown:
                goal = (place or 0) + page
            case Qt.Key.Key_Home:
                goal = 0
            case Qt.Key.Key_End:
                goal = count - 1
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if place is not None:
                self.row_opened.emit(self._chosen)
                return
            case _:
                super().keyPressEvent(event)
                return
        if count:
            self._choose_place(min(max(0, goal), count - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        if self._hidden_words.contains(event.position()):
            self.show_all_wanted.emit()
            return
        place = self._place_at(event.position())
        if place is not None:
            self._choose_place(place)
            if self._is_on_source(event.position(), place):
                self.row_opened.emit(self._rows[place])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self._place_at(event.position())
        if place is not None and not self._is_on_source(event.position(), place):
            self.row_opened.emit(self._rows[place])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._place_at(event.position())
        is_link = self._hidden_words.contains(event.position()) or (
            place is not None and self._is_on_source(event.position(), place)
        )
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.ArrowCursor)

    def viewportEvent(self, event) -> bool:  # type: ignore[no-untyped-def]  # QEvent, as Qt calls it
        if event.type() == event.Type.ToolTip:
            place = self._place_at(QPointF(event.pos()))
            if place is not None:
                detail = self._rows.store.rows.detail[self._rows[place]]
                QToolTip.showText(event.globalPos(), detail[:2000], self)
            return True
        return bool(super().viewportEvent(event))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._renew_range()
        if self._is_following:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        self.viewport().update()

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        is_at_end = value >= self.verticalScrollBar().maximum()
        if is_at_end and not self._is_following:
            self._is_following = True
            self._set_unseen(0)
        elif not is_at_end:
            self._is_following = False

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._renew_fonts()
        self.viewport().update()

    # ------------------------------------------------------------------------------------------ places

    def _choose_place(self, place: int) -> None:
        row = self._rows[place]
        self.choose(row)
        self.row_chosen.emit(row)

    def _chosen_place(self) -> int | None:
        if self._chosen == _NO_ROW or not len(self._rows):
            return None
        return min(self._rows.place_of(self._chosen), len(self._rows) - 1)

    def _place_at(self, point: QPointF) -> int | None:
        if point.y() < HEADER_PX:
            return None
        place = int(point.y() - HEADER_PX + self.verticalScrollBar().value()) // ROW_PX
        return place if place < len(self._rows) else None

    def _is_on_source(self, point: QPointF, place: int) -> bool:
        left, width = self._columns()[3]
        cells = self.cells_at(place)
        reach = min(width, self._metrics.horizontalAdvance(cells.source))
        return bool(cells.source) and left <= point.x() < left + reach

    def _bring_in_sight(self, place: int) -> None:
        bar = self.verticalScrollBar()
        top, room = place * ROW_PX, self.viewport().height() - HEADER_PX
        if top < bar.value():
            bar.setValue(top)
        elif top + ROW_PX > bar.value() + room:
            bar.setValue(top + ROW_PX - room)

    def _renew_range(self) -> None:
        """Without letting the bar's own clamping look like the user's scrolling."""
        room = max(0, self.viewport().height() - HEADER_PX)
        bar = self.verticalScrollBar()
        bar.blockSignals(True)
        # Whole rows, so that at the end none is cut at the top.
        bar.setRange(0, max(0, -(-(len(self._rows) * ROW_PX - room) // ROW_PX) * ROW_PX))
        bar.setPageStep(max(1, room))
        bar.setSingleStep(ROW_PX)
        bar.blockSignals(False)

    def _set_unseen(self, count: int) -> None:
        if count != self._unseen:
            self._unseen = count
            self.unseen_changed.emit(count)

    def _renew_fonts(self) -> None:
        self._text = self._theme.ui(12)
        self._strong = self._theme.ui(11, QFont.Weight.DemiBold)
        self._mono = self._theme.mono(12)
        self._caps = self._theme.caps()
        self._metrics = QFontMetricsF(self._text)
        self._strong_metrics = QFontMetricsF(self._strong)
