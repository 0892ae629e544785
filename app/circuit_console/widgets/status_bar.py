"""The status bar: run state, runtime, problems and tests at the left; the editor's facts at the right."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import refresh_style, set_ground
from circuit_console.widgets.theme import Theme

_BAR_PX = 26

# Field, command it asks for, accessible name; None parts left from right.
_FIELDS: tuple[tuple[str, str, str] | None, ...] = (
    ("run", "view.debug", "Run state"),
    ("runtime", "help.doctor", "Runtime"),
    ("sandbox", "help.doctor", "Sandbox"),
    ("errors", "view.problems", "Errors"),
    ("warnings", "view.problems", "Warnings"),
    ("tests", "view.tests", "Tests"),
    None,
    ("log_level", "log.level", "Log level"),
    ("caret", "go.line", "Line and column"),
    ("indent", "", "Indentation"),
    ("encoding", "", "Encoding"),
    ("saved", "file.save", "Save state"),
    ("bell", "notices.show", "Notifications"),
)


class StatusBar(QWidget):
    """Signals:
    command_requested: str, command id.
    """

    command_requested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icons: dict[str, tuple[str, ColorName]] = {}
        set_ground(self, "chrome")
        self.setFixedHeight(_BAR_PX)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(0)
        self._fields: dict[str, QToolButton] = {}
        for field in _FIELDS:
            if field is None:
                row.addStretch(1)
                continue
            row.addWidget(self._make(*field))
        theme.changed.connect(self._on_theme_changed)

    def show_field(
        self,
        name: str,
        text: str,
        icon_name: str = "",
        token: ColorName = "dim",
        tone: str = "",
        tooltip: str = "",
    ) -> None:
        """An empty text without an icon hides the field."""
        field = self._fields[name]
        field.setText(f" {text}" if icon_name and text else text)
        field.setVisible(bool(text or icon_name))
        if tooltip:
            field.setToolTip(tooltip)
        if icon_name:
            self._icons[name] = (icon_name, token)
            field.setIcon(self._theme.icon(icon_name, token, 14))
        if field.property("tone") != tone:
            field.setProperty("tone", tone)
            refresh_style(field)

    def text(self, name: str) -> str:
        return self._fields[name].text().strip()

    def _make(self, name: str, command_id: str, title: str) -> QToolButton:
        field = QToolButton(self)
        field.setProperty("role", "status")
        field.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        field.setIconSize(QSize(14, 14))
        field.setFixedHeight(_BAR_PX)
        field.setAccessibleName(title)
        field.setToolTip(title)
        field.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        field.setVisible(False)
        if command_id:
            field.clicked.connect(lambda _checked=False: self.command_requested.emit(command_id))
        self._fields[name] = field
        return field

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        for name, (icon_name, token) in self._icons.items():
            self._fields[name].setIcon(self._theme.icon(icon_name, token, 14))
