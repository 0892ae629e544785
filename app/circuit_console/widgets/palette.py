"""The box for going to a file or running a command: type, choose, Enter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.commands import fuzzy_score
from circuit_console.widgets.theme import Theme

_WIDTH_PX = 620
_ROW_PX = 28
_MOST_ROWS = 14
_MOST_CHOICES = 200
_CHOICE_ROLE = int(Qt.ItemDataRole.UserRole)


class Choice(msgspec.Struct, frozen=True):
    """One line: `title` with `note` at the right; `choose` runs when it is taken."""

    title: str
    note: str
    choose: Callable[[], None]
    icon: QIcon | None = None
    is_enabled: bool = True


class _ChoiceDelegate(QStyledItemDelegate):
    """Title at the left, note at the right in a quieter colour."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_WIDTH_PX, _ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        choice = index.data(_CHOICE_ROLE)
        if not isinstance(choice, Choice) or not choice.note:
            return
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setFont(self._theme.ui(12))
        painter.setPen(self._theme.color("text" if selected else "faint"))
        area = option.rect.adjusted(8, 0, -12, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, choice.note)
        painter.restore()


class PaletteBox(QWidget):
    """Opens over the window's top. What is offered depends on what the text starts with.

    Signals:
        closed: None.
    """

    closed = Signal()

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._sources: dict[str, Callable[[], Sequence[Choice]]] = {}
        self._choices: Sequence[Choice] = ()
        self._prefix = ""
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDTH_PX)
        self._field = QLineEdit(self)
        self._field.setAccessibleName("Go to")
        self._field.installEventFilter(self)
        self._field.textChanged.connect(self._on_text_changed)
        self._model = QStandardItemModel(self)
        self._view = QListView(self)
        self._view.setModel(self._model)
        self._view.setItemDelegate(_ChoiceDelegate(theme, self._view))
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setIconSize(QSize(15, 15))
        self._view.setUniformItemSizes(True)
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setAccessibleName("Choices")
        self._view.clicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._field)
        layout.addWidget(self._view)
        self.hide()

    def add_source(self, prefix: str, placeholder: str, choices: Callable[[], Sequence[Choice]]) -> None:
        """Offer these for texts that start with `prefix` ("" for the rest). Asked at each opening."""
        self._sources[prefix] = choices
        if not prefix:
            self._field.setPlaceholderText(placeholder)

    def open(self, text: str = "") -> None:
        self._prefix = "\0"
        self._field.setText(text)
        self._on_text_changed(text)
        self.move((self._window.width() - self.width()) // 2, 44)
        self.show()
        self.raise_()
        self._field.setFocus()

    def close_box(self) -> None:
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def titles(self) -> tuple[str, ...]:
        """What is offered now."""
        return tuple(self._model.item(row).text() for row in range(self._model.rowCount()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._field and event.type() == QEvent.Type.FocusOut:
            self.close_box()
        if watched is self._field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._handle_key(event)
        return super().eventFilter(watched, event)

    def _handle_key(self, event: QKeyEvent) -> bool:
        match event.key():
            case Qt.Key.Key_Escape:
                self.close_box()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._take(self._view.currentIndex())
            case Qt.Key.Key_Down:
                self._step(1)
            case Qt.Key.Key_Up:
                self._step(-1)
            case Qt.Key.Key_PageDown:
                self._step(_MOST_ROWS)
            case Qt.Key.Key_PageUp:
                self._step(-_MOST_ROWS)
            case _:
                return False
        return True

    def _step(self, rows: int) -> None:
        row = min(max(self._view.currentIndex().row() + rows, 0), self._model.rowCount() - 1)
        self._view.setCurrentIndex(self._model.index(row, 0))

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        prefix = next((one for one in self._sources if one and text.startswith(one)), "")
        if prefix != self._prefix:
            self._prefix = prefix
            self._choices = self._sources[prefix]() if prefix in self._sources else ()
        self._show(text[len(prefix) :].strip())

    def _show(self, text: str) -> None:
        scored = [(fuzzy_score(text, choice.title), choice) for choice in self._choices]
        found = [(score, choice) for score, choice in scored if score is not None]
        if text:
            found.sort(key=lambda pair: (pair[0], len(pair[1].title)))
        self._model.clear()
        for _, choice in found[:_MOST_CHOICES]:
            item = QStandardItem(choice.title)
            if choice.icon is not None:
                item.setIcon(choice.icon)
            item.setEnabled(choice.is_enabled)
            item.setData(choice, _CHOICE_ROLE)
            self._model.appendRow(item)
        rows = min(max(1, self._model.rowCount()), _MOST_ROWS)
        row_px = self._view.sizeHintForRow(0) if self._model.rowCount() else _ROW_PX
        self._view.setFixedHeight(rows * row_px + 2)
        self._view.setCurrentIndex(self._model.index(0, 0))
        self.adjustSize()

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        self._take(index)

    def _take(self, index: QModelIndex) -> None:
        choice = index.data(_CHOICE_ROLE)
        if isinstance(choice, Choice) and choice.is_enabled:
            self.close_box()
            choice.choose()
