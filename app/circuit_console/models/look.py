"""What models need of the theme. `widgets.theme.Theme` is one; models and widgets do not import each other."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtGui import QColor, QFont, QIcon

from circuit_console.core.theme import ColorName


class Look(Protocol):
    """Colours, fonts and icons by name."""

    def color(self, name: ColorName) -> QColor: ...

    def ui(self, size_px: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont: ...

    def mono(self, size_px: int = 13) -> QFont: ...

    def icon(self, name: str, token: ColorName = "dim", size_px: int = 16) -> QIcon: ...
