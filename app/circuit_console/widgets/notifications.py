"""Notifications at the window's lower right, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from circuit_console.core.location import Location
from circuit_console.core.notices import Notice, NoticeKind
from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import IconButton, IconLabel, label, set_ground
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_WIDTH_PX = 380
_MOST_SHOWN = 3
_MOST_KEPT = 100
_SHOWN_MS = 6_000
_GAP_PX = 12

_LOOKS: dict[NoticeKind, tuple[str, ColorName]] = {
    "fact": ("info", "accent"),
    "success": ("circle-check", "ok"),
    "warning": ("triangle-alert", "warn"),
    "error": ("octagon-x", "err"),
}


class NoticeCard(QWidget):
    """Signals:
    closed: None.
    resized: None, when it needs another height.
    """

    closed = Signal()
    resized = Signal()

    def __init__(self, theme: Theme, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice = notice
        set_ground(self, "notice")
        self.setFixedWidth(_WIDTH_PX)
        self.setAccessibleName(notice.text)
        icon_name, token = _LOOKS[notice.kind]
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 8, 10)
        row.setSpacing(10)
        row.addWidget(IconLabel(theme, icon_name, token, 17), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self._body(), 1)
        close = IconButton(theme, "x", "Close", "dim", 13)
        close.clicked.connect(self.close_card)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        if notice.kind != "error":
            QTimer.singleShot(_SHOWN_MS, self, self.close_card)

    @Slot()
    def close_card(self) -> None:
        self.closed.emit()

    def _body(self) -> QVBoxLayout:
        notice = self.notice
        column = QVBoxLayout()
        column.setSpacing(4)
        text = label(notice.text)
        hint = label(notice.hint, "dim")
        details = label(notice.details, "faint")
        for part in (text, hint, details):
            part.setWordWrap(True)
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(part)
        hint.setVisible(bool(notice.hint))
        details.setVisible(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for title, action in notice.actions:
            buttons.addWidget(self._action_button(title, action))
        if notice.details:
            buttons.addWidget(self._button("Details", lambda: self._toggle(details)))
        if notice.kind == "error":
            buttons.addWidget(self._button("Copy", self._copy))
        buttons.addStretch(1)
        if buttons.count() > 1:
            column.addLayout(buttons)
        return column

    def _action_button(self, title: str, action: Callable[[], None]) -> QPushButton:
        return self._button(title, lambda: self._act(action))

    def _button(self, title: str, action: Callable[[], None]) -> QPushButton:
        button = QPushButton(title, self)
        button.setProperty("role", "link")
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _act(self, action: Callable[[], None]) -> None:
        self.close_card()
        action()

    def _toggle(self, details: QLabel) -> None:
        details.setVisible(not details.isVisible())
        self.resized.emit()

    def _copy(self) -> None:
        parts = (self.notice.text, self.notice.hint, self.notice.details)
        QApplication.clipboard().setText("\n".join(part for part in parts if part))


class NotificationArea(QObject):
    """Shows at most three notices over a window's lower right corner and keeps the last hundred.

    It is the console's Notifier and its one ErrorPresenter.

    Signals:
        count_changed: int, notices that are kept.
        location_requested: Location, by an error's button.
    """

    count_changed = Signal(int)
    location_requested = Signal(object)

    def __init__(self, theme: Theme, window: QWidget, bottom_px: int) -> None:
        super().__init__(window)
        self._theme = theme
        self._window = window
        self._bottom_px = bottom_px
        self._cards: list[NoticeCard] = []
        self._kept: list[Notice] = []
        window.installEventFilter(self)

    @property
    def kept(self) -> tuple[Notice, ...]:
        """Oldest first."""
        return tuple(self._kept)

    @property
    def shown(self) -> tuple[Notice, ...]:
        return tuple(card.notice for card in self._cards)

    def notify(self, notice: Notice) -> None:
        self._kept = [*self._kept, notice][-_MOST_KEPT:]
        self.count_changed.emit(len(self._kept))
        card = NoticeCard(self._theme, notice, self._window)
        card.closed.connect(lambda: self._close(card))
        card.resized.connect(self._place)
        self._cards.append(card)
        while len(self._cards) > _MOST_SHOWN:
            self._close(self._cards[0])
        card.show()
        self._place()

    def present(self, error: UserFacingError) -> None:
        actions: tuple[tuple[str, Callable[[], None]], ...] = ()
        if error.path:
            location = Location(error.path, error.line, error.column)
            name = f"{error.path.rpartition('/')[2]}:{error.line}" if error.line else error.path
            actions = ((f"Open {name}", lambda: self.location_requested.emit(location)),)
        self.notify(
            Notice(kind="error", text=error.message, hint=error.hint, details=error.details, actions=actions)
        )

    def show_list(self, button: QWidget) -> None:
        """All that is kept, newest first, as a menu over the bell."""
        menu = QMenu(button)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for notice in reversed(self._kept[-20:]):
            icon_name, token = _LOOKS[notice.kind]
            action = menu.addAction(self._theme.icon(icon_name, token, 14), notice.text)
            action.triggered.connect(lambda _checked=False, wanted=notice: self.notify(wanted))
        if not self._kept:
            menu.addAction("Nothing has happened yet").setEnabled(False)
        menu.popup(button.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _close(self, card: NoticeCard) -> None:
        if card in self._cards:
            self._cards.remove(card)
            card.hide()
            card.deleteLater()
            self._place()

    def _place(self) -> None:
        bottom = self._window.height() - self._bottom_px - _GAP_PX
        for card in reversed(self._cards):
            card.resize(card.width(), card.heightForWidth(card.width()))
            card.move(self._window.width() - card.width() - _GAP_PX, bottom - card.height())
            card.raise_()
            bottom -= card.height() + 8
