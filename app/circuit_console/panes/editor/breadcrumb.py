"""The line between tabs and editor: where the caret is, how much of it is covered, and a button to run it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from circuit_console.core.python_source import Symbol
from circuit_console.widgets.controls import IconButton, IconLabel, label, set_ground
from circuit_console.widgets.theme import Theme

_BAR_PX = 26
_MOST_SYMBOLS = 3
_CRUMB_ICON_PX = 28


class Breadcrumb(QWidget):
    """Signals:
    line_chosen: int, 1-based line of a class or function that was clicked.
    run_requested: None.
    """

    line_chosen = Signal(int)
    run_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[str, tuple[Symbol, ...]] | None = None
        set_ground(self, "editor")
        self.setFixedHeight(_BAR_PX)
        self._crumbs = QHBoxLayout()
        self._crumbs.setSpacing(3)
        self._coverage = label("", "ok")
        self._run = IconButton(theme, "play", "Run this file", "ok", 15)
        self._run.setFixedSize(24, 24)
        self._run.clicked.connect(self.run_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 12, 0)
        row.setSpacing(8)
        row.addLayout(self._crumbs)
        row.addStretch(1)
        row.addWidget(self._coverage)
        row.addWidget(self._run)

    def forget(self) -> None:
        """Draw anew at the next `show_place`, with the icons of another theme."""
        self._shown = None

    def show_place(self, path: str, symbols: tuple[Symbol, ...]) -> None:
        if self._shown == (path, symbols):
            return
        self._shown = (path, symbols)
        while (item := self._crumbs.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        parts = path.split("/") if path else []
        for idx, part in enumerate(parts):
            self._add_text(part, is_first=idx == 0)
        for symbol in symbols[:_MOST_SYMBOLS]:
            self._add_symbol(symbol, is_last=symbol is symbols[-1])
        self._run.setVisible(bool(path))

    def show_coverage(self, text: str, *, is_enough: bool) -> None:
        self._coverage.setText(text)
        self._coverage.setProperty("role", "ok" if is_enough else "warn")
        self._coverage.style().unpolish(self._coverage)
        self._coverage.style().polish(self._coverage)

    def texts(self) -> tuple[str, ...]:
        items = (self._crumbs.itemAt(idx) for idx in range(self._crumbs.count()))
        widgets = (item.widget() for item in items if item is not None)
        return tuple(one.text() for one in widgets if isinstance(one, (QLabel, QToolButton)) and one.text())

    def _add_text(self, text: str, *, is_first: bool) -> None:
        if not is_first:
            self._crumbs.addWidget(IconLabel(self._theme, "chevron-right", "faint", 12))
        self._crumbs.addWidget(label(text, "dim"))

    def _add_symbol(self, symbol: Symbol, *, is_last: bool) -> None:
        self._crumbs.addWidget(IconLabel(self._theme, "chevron-right", "faint", 12))
        crumb = QToolButton(self)
        crumb.setProperty("role", "crumb")
        crumb.setFixedHeight(_BAR_PX - 4)
        crumb.setText(symbol.name)
        if symbol.kind == "class":
            crumb.setIcon(self._theme.icon("workflow", "s_cls", 14))
        else:
            crumb.setIcon(self._theme.icon("box", "accent", 14))
        crumb.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        crumb.setAccessibleName(f"{symbol.kind} {symbol.name}")
        crumb.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        crumb.setFont(self._theme.ui(13, QFont.Weight.DemiBold if is_last else QFont.Weight.Normal))
        # The style asks for more room than icon and text take.
        crumb.ensurePolished()
        crumb.setFixedWidth(crumb.fontMetrics().horizontalAdvance(symbol.name) + _CRUMB_ICON_PX)
        crumb.clicked.connect(lambda _checked=False: self.line_chosen.emit(symbol.line))
        self._crumbs.addWidget(crumb)
