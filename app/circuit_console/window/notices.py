"""Notices before there is a window to show them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from circuit_console.core.notices import Notice
from circuit_console.widgets.notifications import NotificationArea
from circuit_link.errors import UserFacingError


class LateNotifier(QObject):
    """Given to panes that are built before the window; keeps what comes early."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._target: NotificationArea | None = None
        self._early: list[Notice | UserFacingError] = []

    def set_target(self, target: NotificationArea) -> None:
        self._target = target
        early, self._early = self._early, []
        for one in early:
            if isinstance(one, Notice):
                target.notify(one)
            else:
                target.present(one)

    def notify(self, notice: Notice) -> None:
        if self._target is None:
            self._early.append(notice)
        else:
            self._target.notify(notice)

    @Slot(object)
    def present(self, error: UserFacingError) -> None:
        if self._target is None:
            self._early.append(error)
        else:
            self._target.present(error)
