"""The activity rail: an icon over a word for each activity, with badges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QEnterEvent, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import set_ground
from circuit_console.widgets.theme import Theme

_RAIL_PX = 64
_BUTTON_PX = QSize(52, 50)
_ICON_PX = 22
_BADGE_PX = 13

BadgeKind = Literal["none", "count", "paused", "running"]


class Activity(msgspec.Struct, frozen=True):
    """One entry: `id`, the word below the icon, the icon, and the key to tell in the tooltip."""

    id: str
    word: str
    icon_name: str
    key: str = ""


class RailButton(QAbstractButton):
    """One activity; paints itself so that icon, word and badge stand exactly."""

    def __init__(self, theme: Theme, activity: Activity, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._activity = activity
        self._badge: tuple[BadgeKind, str] = ("none", "")
        self.setCheckable(True)
        self.setFixedSize(_BUTTON_PX)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(f"{activity.word} ({activity.key})" if activity.key else activity.word)
        self.setAccessibleName(activity.word)
        theme.changed.connect(self._on_theme_changed)

    def set_badge(self, kind: BadgeKind, text: str = "") -> None:
        self._badge = (kind, text)
        name = self._activity.word if kind == "none" else f"{self._activity.word}, {text or kind}"
        self.setAccessibleName(name)
        self.update()

    @property
    def badge(self) -> tuple[BadgeKind, str]:
        return self._badge

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        token: ColorName = "accent" if self.isChecked() else ("text" if self.underMouse() else "dim")
        self._paint_ground(painter)
        left = (self.width() - _ICON_PX) // 2
        painter.drawPixmap(
            left, 6, self._theme.pixmap(self._activity.icon_name, token, _ICON_PX, self.devicePixelRatioF())
        )
        weight = QFont.Weight.DemiBold if self.isChecked() else QFont.Weight.Normal
        painter.setFont(self._theme.ui(11, weight))
        painter.setPen(self._theme.color(token))
        painter.drawText(QRectF(0, 30, self.width(), 16), Qt.AlignmentFlag.AlignCenter, self._activity.word)
        self._paint_badge(painter)

    def _paint_ground(self, painter: QPainter) -> None:
        rectangle = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked():
            painter.setBrush(self._theme.color("accent_soft"))
            painter.drawRoundedRect(rectangle, 6, 6)
        elif self.underMouse():
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(rectangle, 6, 6)
        if self.hasFocus():
            width_px = self._theme.tokens.focus_ring_px
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), width_px))
            painter.drawRoundedRect(rectangle.adjusted(1, 1, -1, -1), 6, 6)

    def _paint_badge(self, painter: QPainter) -> None:
        kind, text = self._badge
        if kind == "none":
            return
        color: dict[BadgeKind, QColor] = {
            "count": self._theme.color("err"),
            "paused": self._theme.color("paused"),
            "running": self._theme.color("ok"),
        }
        width = max(_BADGE_PX, 6 + 6 * len(text))
        rectangle = QRectF(self.width() - width - 6, 4, width, _BADGE_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color[kind])
        painter.drawRoundedRect(rectangle, _BADGE_PX / 2, _BADGE_PX / 2)
        painter.setPen(self._theme.color("badge_fg"))
        if kind == "paused":
            for offset in (-2.5, 1.0):
                bar = QRectF(rectangle.center().x() + offset, rectangle.center().y() - 3, 1.6, 6)
                painter.fillRect(bar, self._theme.color("badge_fg"))
        elif kind == "running":
            painter.fillRect(
                QRectF(rectangle.center().x() - 2, rectangle.center().y() - 2, 4, 4), painter.pen().color()
            )
        else:
            painter.setFont(self._theme.ui(9, QFont.Weight.DemiBold))
            painter.drawText(rectangle, Qt.AlignmentFlag.AlignCenter, text)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.update()


class Rail(QWidget):
    """Activities from the top, the foot's ones at the bottom.

    Signals:
        activity_chosen: str, id; also when the chosen one is clicked again (which folds the side bar).
        foot_chosen: str, id of an entry at the foot.
    """

    activity_chosen = Signal(str)
    foot_chosen = Signal(str)

    def __init__(
        self, theme: Theme, activities: Sequence[Activity], foot: Sequence[Activity], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_ground(self, "chrome")
        self.setFixedWidth(_RAIL_PX)
        self.setAccessibleName("Activities")
        self._buttons: dict[str, RailButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 8, 6, 8)
        layout.setSpacing(4)
        for activity in activities:
            layout.addWidget(self._make(theme, activity, self.activity_chosen))
        layout.addStretch(1)
        for activity in foot:
            button = self._make(theme, activity, self.foot_chosen)
            button.setCheckable(False)
            layout.addWidget(button)

    def choose(self, activity_id: str) -> None:
        for key, button in self._buttons.items():
            button.setChecked(key == activity_id)

    def button(self, activity_id: str) -> RailButton:
        return self._buttons[activity_id]

    def has(self, activity_id: str) -> bool:
        return activity_id in self._buttons

    def _make(self, theme: Theme, activity: Activity, signal: object) -> RailButton:
        button = RailButton(theme, activity, self)
        button.clicked.connect(lambda _checked=False: signal.emit(activity.id))  # type: ignore[attr-defined]  # a bound Signal
        self._buttons[activity.id] = button
        return button
