"""What every pane is to the window: a widget with a title, an icon and a region."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from circuit_console.core.location import Location


class Region(Enum):
    """Where a pane lives until the user moves it."""

    SIDE = auto()  # a section with a collapsible head; several are stacked
    CENTRE = auto()  # a page beside the editor group (query, deploy)
    INSPECTOR = auto()  # a section at the right
    BOTTOM = auto()  # a tab of the bottom panel


class Pane(QWidget):
    """Base of all panes. Built by bootstrap with its collaborators in the constructor; docked by the window.

    Class attributes:
        pane_id: short, stable name, used in saved layouts (`timeline`).
        title: shown on the tab or section head, in sentence case.
        icon_name: a bundled Lucide icon.
        region: where it is docked.
        stretches: whether a section takes the height that is left; others keep `preferred_height_px`.
        preferred_height_px: height of the section's content where it does not stretch.

    Signals:
        location_requested: Location, when the user wants to see its source.
        badge_changed: str, a short count beside the title; "" for none.
        preferred_height_changed: None, after `preferred_height_px` was set anew.
    """

    pane_id = ""
    title = ""
    icon_name = "box"
    region = Region.SIDE
    stretches = True
    preferred_height_px = 160

    location_requested = Signal(object)
    badge_changed = Signal(str)
    preferred_height_changed = Signal()

    def head_tools(self) -> list[QWidget]:
        """Widgets for the right end of the head (section) or of the tab bar (bottom panel), left to right.

        Made once and kept by the pane; the window shows them while the pane is the visible one.
        """
        return []

    def _request_location(self, location: Location) -> None:
        self.location_requested.emit(location)

    def _prefer_height(self, height_px: int) -> None:
        """Ask for another height, in a section that does not stretch."""
        if height_px != self.preferred_height_px:
            self.preferred_height_px = height_px
            self.preferred_height_changed.emit()

    def _publish_badge(self, text: str) -> None:
        self.badge_changed.emit(text)
