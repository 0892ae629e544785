"""A line for a date or a time, with a calendar."""

from __future__ import annotations

from PySide6.QtCore import QDate, QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent, QTextCharFormat
from PySide6.QtWidgets import QCalendarWidget, QLineEdit, QToolButton, QWidget

from circuit_console.widgets.theme import Theme

_FORM = "yyyy-MM-dd"
_DATE_LENGTH = 10


class DateField(QLineEdit):
    """Takes any text; the calendar, by its sign or Alt+Down, puts a day in and leaves the time as it is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.calendar = _calendar(theme, self)
        self.calendar.clicked.connect(self._on_chosen)
        self.calendar.activated.connect(self._on_chosen)
        opens = self.addAction(theme.icon("calendar-clock", "dim", 14), QLineEdit.ActionPosition.TrailingPosition)
        opens.setToolTip("Calendar (Alt+Down)")
        opens.triggered.connect(self.open_calendar)

    @Slot()
    def open_calendar(self) -> None:
        day = QDate.fromString(self.text()[:_DATE_LENGTH], _FORM)
        self.calendar.setSelectedDate(day if day.isValid() else QDate.currentDate())
        self.calendar.move(self.mapToGlobal(QPoint(0, self.height())))
        self.calendar.show()
        self.calendar.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.open_calendar()
        else:
            super().keyPressEvent(event)

    @Slot(QDate)
    def _on_chosen(self, day: QDate) -> None:
        self.setText(day.toString(_FORM) + self.text()[_DATE_LENGTH:])
        self.calendar.hide()
        self.setFocus()


def _calendar(theme: Theme, parent: QWidget) -> QCalendarWidget:
    """Weekends and arrows in the theme's colours: Qt has them red and black."""
    calendar = QCalendarWidget(parent)
    calendar.setWindowFlags(Qt.WindowType.Popup)
    calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
    calendar.setHorizontalHeaderFormat(QCalendarWidget.HorizontalHeaderFormat.SingleLetterDayNames)
    plain, head = QTextCharFormat(), QTextCharFormat()
    plain.setForeground(theme.color("text"))
    head.setForeground(theme.color("dim"))
    for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
        calendar.setWeekdayTextFormat(day, plain)
    calendar.setHeaderTextFormat(head)
    for name, icon_name in (("qt_calendar_prevmonth", "chevron-left"), ("qt_calendar_nextmonth", "chevron-right")):
        button = calendar.findChild(QToolButton, name)
        if button is not None:
            button.setIcon(theme.icon(icon_name, "dim", 16))
    calendar.hide()
    return calendar
