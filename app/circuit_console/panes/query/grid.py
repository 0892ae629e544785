"""The table of a query's rows: copied, pasted, emptied and undone by key and by menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QItemSelectionRange, QModelIndex, QPoint, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from circuit_console.core.cells import cell_text, delimited, pasted
from circuit_console.core.query_result import Cell
from circuit_console.models.query_grid import (
    CHOICES_ROLE,
    IS_BAD_ROLE,
    IS_EDITED_ROLE,
    TYPE_ROLE,
    QueryGrid,
)
from circuit_console.widgets.record_cells import CellRoles, RecordCells
from circuit_console.widgets.theme import Theme

_WIDEST_COLUMN_PX = 320
_NARROWEST_COLUMN_PX = 70
_SAMPLED_ROWS = 50
_ROW_PX = 24
_HEAD_PX = 40
_ROLES = CellRoles(is_edited=IS_EDITED_ROLE, is_bad=IS_BAD_ROLE, choices=CHOICES_ROLE, type=TYPE_ROLE)


class RecordGrid(QTableView):
    """Ctrl+C copies, Ctrl+Shift+C with the fields' names, Ctrl+V pastes, Delete empties, Ctrl+Z and Ctrl+Y."""

    def __init__(self, theme: Theme, model: QueryGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setObjectName("records")
        self.setAccessibleName("Rows of the query")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(RecordCells(theme, _ROLES, self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        # Tab belongs to the window here: a table of 50,000 rows would never let it out.
        self.setTabKeyNavigation(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW_PX)
        columns = self.horizontalHeader()
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setFixedHeight(_HEAD_PX)
        columns.setHighlightSections(False)

    # ------------------------------------------------------------------------------------------ actions

    def copy(self, separator: Literal["\t", ","] = "\t", *, with_names: bool = False) -> None:
        """Put the selected cells on the clipboard, as a spreadsheet takes them."""
        area, grid = self._selected(), self._model.grid
        if area is None:
            return
        columns = range(area.left(), area.right() + 1)
        if area.width() == 1 and area.height() == 1 and not with_names:
            QGuiApplication.clipboard().setText(cell_text(grid.value(area.top(), area.left())))
            return
        rows = [[grid.columns[column].path for column in columns]] if with_names else []
        rows += [
            [cell_text(grid.value(row, column)) for column in columns]
            for row in range(area.top(), area.bottom() + 1)
        ]
        QGuiApplication.clipboard().setText(delimited(rows, separator))

    def paste(self) -> None:
        """Put copied cells in from the current one on, as one step; cells that cannot be edited stay."""
        start = self.currentIndex()
        if start.isValid():
            grid = self._model.grid
            self._model.edit(
                {
                    (start.row() + down, start.column() + right): text
                    for down, row in enumerate(pasted(QGuiApplication.clipboard().text()))
                    for right, text in enumerate(row)
                    if start.row() + down < len(grid.rows) and start.column() + right < len(grid.columns)
                }
            )

    def empty(self) -> None:
        """Take the values of the selected cells away, as one step."""
        area = self._selected()
        if area is not None:
            self._model.edit(
                {
                    (row, column): ""
                    for row in range(area.top(), area.bottom() + 1)
                    for column in range(area.left(), area.right() + 1)
                }
            )

    def undo(self) -> None:
        self._go_to(self._model.undo())

    def redo(self) -> None:
        self._go_to(self._model.redo())

    def go_to_cell(self, cell: Cell | None) -> None:
        """Bring a cell into sight and make it the current one."""
        if cell is not None:
            self._go_to(self._model.index(*cell))

    def fit_columns(self) -> None:
        """As wide as what the first rows hold, within bounds: measuring all rows would take long."""
        metrics = self.fontMetrics()
        count = min(_SAMPLED_ROWS, self._model.rowCount())
        for column, facts in enumerate(self._model.grid.columns):
            texts = [self._model.index(row, column).data() for row in range(count)]
            longest = max([*map(len, texts), len(facts.path)], default=8)
            width = metrics.averageCharWidth() * (longest + 3) + 16
            self.setColumnWidth(column, max(_NARROWEST_COLUMN_PX, min(_WIDEST_COLUMN_PX, width)))

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = self._action_of(event)
        if action is not None:
            action()
        else:
            super().keyPressEvent(event)

    def _action_of(self, event: QKeyEvent) -> Callable[[], None] | None:
        keys = QKeySequence.StandardKey
        if event.keyCombination().toCombined() == _COPY_WITH_NAMES:
            return lambda: self.copy(with_names=True)
        if event.matches(keys.Copy):
            return self.copy
        if event.matches(keys.Paste):
            return self.paste
        if event.matches(keys.Undo):
            return self.undo
        if event.matches(keys.Redo) or event.keyCombination().toCombined() == _REDO:
            return self.redo
        if event.matches(keys.Delete):
            return self.empty
        return None

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy\tCtrl+C").triggered.connect(lambda: self.copy())
        menu.addAction("Copy with names\tCtrl+Shift+C").triggered.connect(lambda: self.copy(with_names=True))
        menu.addAction("Copy as CSV").triggered.connect(lambda: self.copy(",", with_names=True))
        menu.addAction("Paste\tCtrl+V").triggered.connect(self.paste)
        menu.addSeparator()
        menu.addAction("Set to null\tDel").triggered.connect(self.empty)
        menu.popup(self.viewport().mapToGlobal(place))

    def _selected(self) -> QItemSelectionRange | None:
        """The one rectangle that a contiguous selection is."""
        selection = self.selectionModel().selection()
        return selection.first() if selection.size() else None

    def _go_to(self, index: QModelIndex) -> None:
        if index.isValid():
            self.setCurrentIndex(index)


_CONTROL = Qt.KeyboardModifier.ControlModifier
_COPY_WITH_NAMES = (_CONTROL | Qt.KeyboardModifier.ShiftModifier | Qt.Key.Key_C).toCombined()
_REDO = (_CONTROL | Qt.Key.Key_Y).toCombined()
