"""The tabs of the editor group: file icon, name, and a dot while there are unsaved changes."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QTabBar, QWidget

from circuit_console.core.file_kinds import file_icon
from circuit_console.widgets.theme import Theme

_TABS_PX = 37


class TabButton(QAbstractButton):
    """Closes its tab; shows a dot while the text is unsaved and the mouse is elsewhere."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.is_dirty = False
        self.setFixedSize(16, 16)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Close tab")
        self.setToolTip("Close (Ctrl+W)")

    def sizeHint(self) -> QSize:
        return QSize(16, 16)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse():
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(QRectF(0, 0, 16, 16), 4, 4)
        if self.is_dirty and not self.underMouse():
            painter.setBrush(self._theme.color("dim"))
            painter.drawEllipse(QRectF(3, 3, 10, 10))
        elif self.underMouse() or self._is_current():
            painter.drawPixmap(2, 2, self._theme.pixmap("x", "dim", 12, self.devicePixelRatioF()))

    def _is_current(self) -> bool:
        tabs = self.parent()
        if not isinstance(tabs, QTabBar):
            return False
        return tabs.tabButton(tabs.currentIndex(), QTabBar.ButtonPosition.RightSide) is self


class EditorTabs(QTabBar):
    """One tab a file, in the order the user gave them; the data of a tab is its path.

    Signals:
        close_requested: str, path.
        path_chosen: str, path.
        order_changed: None.
    """

    close_requested = Signal(str)
    path_chosen = Signal(str)
    order_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("editorTabs")
        self.setFixedHeight(_TABS_PX)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setUsesScrollButtons(True)
        self.setIconSize(QSize(15, 15))
        self.setAccessibleName("Open files")
        self.currentChanged.connect(self._on_current_changed)
        self.tabMoved.connect(self._on_tab_moved)
        theme.changed.connect(self._on_theme_changed)

    def add(self, path: str) -> None:
        icon_name, token = file_icon(path)
        # The first tab becomes current while it is added: told only once it knows its path.
        self.blockSignals(True)
        idx = self.addTab(self._theme.icon(icon_name, token, 15), f"{path.rpartition('/')[2]} ")
        self.setTabData(idx, path)
        self.blockSignals(False)
        self.setTabToolTip(idx, path)
        button = TabButton(self._theme, self)
        button.clicked.connect(lambda _checked=False: self.close_requested.emit(path))
        self.setTabButton(idx, QTabBar.ButtonPosition.RightSide, button)
        if self.currentIndex() == idx:
            self._on_current_changed(idx)

    def remove(self, path: str) -> None:
        idx = self.place_of(path)
        if idx >= 0:
            self.removeTab(idx)

    def rename(self, path: str, new_path: str) -> None:
        idx = self.place_of(path)
        if idx >= 0:
            self.remove(path)
            self.add(new_path)
            self.moveTab(self.count() - 1, idx)

    def choose(self, path: str) -> None:
        self.setCurrentIndex(self.place_of(path))

    def paths(self) -> tuple[str, ...]:
        return tuple(str(self.tabData(idx)) for idx in range(self.count()))

    def place_of(self, path: str) -> int:
        paths = self.paths()
        return paths.index(path) if path in paths else -1

    def set_dirty(self, path: str, is_dirty: bool) -> None:
        button = self.tabButton(self.place_of(path), QTabBar.ButtonPosition.RightSide)
        if isinstance(button, TabButton):
            button.is_dirty = is_dirty
            button.update()

    def is_dirty(self, path: str) -> bool:
        button = self.tabButton(self.place_of(path), QTabBar.ButtonPosition.RightSide)
        return isinstance(button, TabButton) and button.is_dirty

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        idx = self.tabAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.MiddleButton and idx >= 0:
            self.close_requested.emit(str(self.tabData(idx)))
            return
        super().mouseReleaseEvent(event)

    @Slot(int)
    def _on_current_changed(self, idx: int) -> None:
        self.path_chosen.emit(str(self.tabData(idx)) if idx >= 0 and self.tabData(idx) else "")
        for place in range(self.count()):
            button = self.tabButton(place, QTabBar.ButtonPosition.RightSide)
            if button is not None:
                button.update()

    @Slot(int, int)
    def _on_tab_moved(self, _start: int, _end: int) -> None:
        self.order_changed.emit()

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        for idx in range(self.count()):
            icon_name, token = file_icon(str(self.tabData(idx)))
            self.setTabIcon(idx, self._theme.icon(icon_name, token, 15))
