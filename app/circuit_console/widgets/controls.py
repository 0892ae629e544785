"""Small controls that every pane shares: icon buttons, section heads, empty states, dividers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.theme import ColorName
from circuit_console.widgets.theme import Theme

_PROGRESS_DELAY_MS = 300
_PROGRESS_STEP_MS = 40


def set_role(widget: QWidget, role: str) -> None:
    """Let the style sheet dress the widget by its role, also after the first time."""
    widget.setProperty("role", role)
    refresh_style(widget)


def set_ground(widget: QWidget, ground: str) -> None:
    """Give a plain widget one of the style sheet's grounds."""
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    widget.setProperty("ground", ground)
    refresh_style(widget)


def refresh_style(widget: QWidget) -> None:
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def label(text: str, role: str = "", parent: QWidget | None = None) -> QLabel:
    made = QLabel(text, parent)
    if role:
        made.setProperty("role", role)
    return made


def divider(*, vertical: bool = False) -> QFrame:
    """One pixel between regions."""
    line = QFrame()
    line.setProperty("role", "divider")
    if vertical:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line


class IconButton(QToolButton):
    """A square button with one icon; its tooltip is also its accessible name."""

    def __init__(
        self,
        theme: Theme,
        icon_name: str,
        tooltip: str,
        token: ColorName = "dim",
        size_px: int = 16,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon_name = icon_name
        self._token: ColorName = token
        self._size_px = size_px
        self.setFixedSize(size_px + 12, size_px + 12)
        self.setIconSize(QSize(size_px, size_px))
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip.partition(" (")[0])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._renew_icon()
        theme.changed.connect(self._on_theme_changed)

    def set_icon(self, icon_name: str, token: ColorName) -> None:
        if (icon_name, token) != (self._icon_name, self._token):
            self._icon_name, self._token = icon_name, token
            self._renew_icon()

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._renew_icon()

    def _renew_icon(self) -> None:
        self.setIcon(self._theme.icon(self._icon_name, self._token, self._size_px))


class IconLabel(QLabel):
    """A bundled icon as a label."""

    def __init__(
        self,
        theme: Theme,
        icon_name: str,
        token: ColorName = "dim",
        size_px: int = 16,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._size_px = size_px
        self._icon_name = icon_name
        self._token: ColorName = token
        self.setFixedSize(size_px, size_px)
        self._renew()
        theme.changed.connect(self._on_theme_changed)

    def set_icon(self, icon_name: str, token: ColorName) -> None:
        self._icon_name, self._token = icon_name, token
        self._renew()

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._renew()

    def _renew(self) -> None:
        ratio = self.devicePixelRatioF()
        self.setPixmap(self._theme.pixmap(self._icon_name, self._token, self._size_px, ratio))


class ElidedLabel(QLabel):
    """A label that shortens its text with an ellipsis and shows all of it as tooltip."""

    def __init__(
        self,
        text: str = "",
        role: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._full = ""
        self._mode = mode
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full_text(text)

    def set_full_text(self, text: str) -> None:
        self._full = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._elide()

    def full_text(self) -> str:
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.setText(QFontMetrics(self.font()).elidedText(self._full, self._mode, max(0, self.width())))


class SearchField(QLineEdit):
    """A text field with a search icon in front."""

    def __init__(self, theme: Theme, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self._action = self.addAction(theme.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(self._on_theme_changed)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._action.setIcon(self._theme.icon("search"))


class SectionHead(QWidget):
    """The head of a stacked section: a title in capitals, tools at the right; a click folds the section.

    Signals:
        toggled: bool, whether the section is open now.
    """

    toggled = Signal(bool)

    def __init__(
        self, theme: Theme, title: str, tools: Sequence[QWidget] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_open = True
        self.setFixedHeight(32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"{title}, section")
        self._title = label(title.upper(), "caps")
        self._title.setFont(theme.caps())
        self._arrow = IconLabel(theme, "chevron-down", "faint", 12)
        self._arrow.setVisible(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 8, 0)
        layout.setSpacing(2)
        layout.addWidget(self._title)
        layout.addWidget(self._arrow)
        layout.addStretch(1)
        for tool in tools:
            layout.addWidget(tool)

    @property
    def is_open(self) -> bool:
        return self._is_open

    def set_open(self, is_open: bool) -> None:
        if is_open != self._is_open:
            self._is_open = is_open
            self._arrow.set_icon("chevron-down" if is_open else "chevron-right", "faint")
            self._arrow.setVisible(not is_open)
            self.toggled.emit(is_open)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.set_open(not self._is_open)

    def keyPressEvent(self, event) -> None:  # type: ignore[no-untyped-def]  # QKeyEvent, as Qt calls it
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return):
            self.set_open(not self._is_open)
        else:
            super().keyPressEvent(event)


class EmptyState(QWidget):
    """What a pane shows when it has nothing: an icon, a sentence, a hint and what can be done."""

    def __init__(
        self,
        theme: Theme,
        icon_name: str,
        text: str,
        hint: str = "",
        buttons: Sequence[QPushButton] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addStretch(1)
        layout.addWidget(IconLabel(theme, icon_name, "faint", 28), 0, Qt.AlignmentFlag.AlignHCenter)
        self._text = label(text)
        self._hint = label(hint, "faint")
        for part in (self._text, self._hint):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            part.setWordWrap(True)
            layout.addWidget(part)
        self._hint.setVisible(bool(hint))
        for button in buttons:
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)

    def set_text(self, text: str, hint: str = "") -> None:
        self._text.setText(text)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))


class ProgressLine(QWidget):
    """A thin moving bar at a pane's head; appears only when the work takes longer than 300 ms."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._place = 0
        self._is_shown = False
        self.setFixedHeight(2)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_PROGRESS_DELAY_MS)
        self._delay.timeout.connect(self._on_delay_passed)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_PROGRESS_STEP_MS)
        self._ticks.timeout.connect(self._on_tick)

    def begin(self) -> None:
        if not self._is_shown:
            self._delay.start()

    def end(self) -> None:
        self._delay.stop()
        self._ticks.stop()
        self._is_shown = False
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._is_shown:
            return
        painter = QPainter(self)
        width = max(40, self.width() // 4)
        start = self._place % (self.width() + width) - width
        painter.fillRect(start, 0, width, self.height(), self._theme.color("accent"))

    @Slot()
    def _on_delay_passed(self) -> None:
        self._is_shown = True
        self._ticks.start()

    @Slot()
    def _on_tick(self) -> None:
        self._place += 12
        self.update()
