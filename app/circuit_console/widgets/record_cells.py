"""Cells of records: how edits that are not saved look, and what a cell is edited with."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import QComboBox, QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import set_role
from circuit_console.widgets.date_field import DateField
from circuit_console.widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
_MARK_PX = 6
_DATES = frozenset({"date", "datetime"})


@dataclass(frozen=True)
class CellRoles:
    """The roles by which a model tells of a cell: bool, bool, tuple[str, ...] to choose from, and its type."""

    is_edited: int
    is_bad: int
    choices: int
    type: int


class RecordCells(QStyledItemDelegate):
    """Marks edited cells on a ground of their own. The style sheet would hide a background of the model's."""

    def __init__(self, theme: Theme, roles: CellRoles, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._roles = roles

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if not index.data(self._roles.is_edited):
            super().paint(painter, option, index)
            return
        grounds: tuple[ColorName, ColorName] = ("paused_soft", "paused")
        if index.data(self._roles.is_bad):
            grounds = ("err_soft", "err")
        painter.fillRect(option.rect, self._theme.color(grounds[0]))
        super().paint(painter, option, index)
        corner = QPointF(option.rect.topLeft())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(grounds[1]))
        painter.drawPolygon(QPolygonF([corner, corner + QPointF(_MARK_PX, 0), corner + QPointF(0, _MARK_PX)]))
        painter.restore()

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, index: Index) -> QWidget:
        choices: tuple[str, ...] = index.data(self._roles.choices)
        if choices:
            return self._choice(parent, choices, is_closed=index.data(self._roles.type) == "boolean")
        field = DateField(self._theme, parent) if index.data(self._roles.type) in _DATES else QLineEdit(parent)
        set_role(field, "cell")
        field.setFont(self._theme.mono(12))
        return field

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: Index) -> None:
        """The whole cell: its padding belongs to the text that is shown, not to the field."""
        editor.setGeometry(option.rect)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        text = str(index.data(Qt.ItemDataRole.EditRole))
        if isinstance(editor, QComboBox):
            place = editor.findText(text)
            editor.setCurrentIndex(place)
            if place < 0:
                editor.setEditText(text)
        elif isinstance(editor, QLineEdit):
            editor.setText(text)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        elif isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def _choice(self, parent: QWidget, choices: tuple[str, ...], *, is_closed: bool) -> QComboBox:
        """The empty text is offered first: it means that the field has no value."""
        box = _ChoiceField(parent)
        box.addItems(["", *choices])
        box.setEditable(not is_closed)
        set_role(box, "cell")
        box.setFont(self._theme.mono(12))

        def take() -> None:
            self.commitData.emit(box)
            self.closeEditor.emit(box)

        box.chosen.connect(take)
        return box


class _ChoiceField(QComboBox):
    """Signals:
    chosen: None, by a click or Enter in the open list. Enter in the field is the table's own business.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._was_open = False
        self.activated.connect(self._on_activated)

    def showPopup(self) -> None:
        self._was_open = True
        super().showPopup()

    @Slot(int)
    def _on_activated(self, _place: int) -> None:
        was_open, self._was_open = self._was_open, False
        if was_open:
            self.chosen.emit()
