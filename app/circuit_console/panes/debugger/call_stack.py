"""The call stack of the paused run."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.debugging import StackFrame
from circuit_console.core.location import Location
from circuit_console.models.stack import StackModel
from circuit_console.services.debug_session import DebugSession, DebugState
from circuit_console.widgets.controls import label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_PLACE_PX = 116
_BESIDE_NAME_PX = 34
_ROW_PX = 24
_MOST_ROWS = 8
_PADDING_PX = 6


class CallStackPane(Pane):
    """Choosing a row shows that call's line and variables."""

    pane_id = "call_stack"
    title = "Call stack"
    icon_name = "layers"
    region = Region.SIDE
    stretches = False
    preferred_height_px = 126

    def __init__(self, theme: Theme, debug: DebugSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._debug = debug
        self._model = StackModel(theme, self)
        self._view = QTreeView(self)
        self._view.setModel(self._model)
        self._view.setHeaderHidden(True)
        self._view.setRootIsDecorated(False)
        self._view.setIndentation(0)
        self._view.setIconSize(QSize(14, 14))
        self._view.setUniformRowHeights(True)
        self._view.setAccessibleName("Call stack")
        self._view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self._view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, _PLACE_PX)
        header.setMinimumSectionSize(1)
        self._view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._view.clicked.connect(self._on_chosen)
        self._view.activated.connect(self._on_chosen)
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._view.customContextMenuRequested.connect(self._on_menu_requested)
        self._empty = label("Not paused", "faint")
        self._empty.setContentsMargins(14, 4, 8, 4)
        self._empty.setAlignment(self._empty.alignment().AlignTop)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        debug.stack_loaded.connect(self._on_stack_loaded)
        debug.frame_selected.connect(self._on_frame_selected)
        debug.state_changed.connect(self._on_state_changed)

    @property
    def model(self) -> StackModel:
        return self._model

    @Slot(object)
    def _on_state_changed(self, state: DebugState) -> None:
        self._empty.setText("Running…" if state in (DebugState.RUNNING, DebugState.STARTING) else "Not paused")

    @Slot(object)
    def _on_stack_loaded(self, frames: tuple[StackFrame, ...]) -> None:
        self._model.show_stack(frames)
        for row, frame in enumerate(frames):
            self._view.setFirstColumnSpanned(row, QModelIndex(), frame.is_label)
        self._stack.setCurrentWidget(self._view if frames else self._empty)
        self._fit_places()
        if frames:
            # Kept after the stop: what moves at each step cannot be read.
            self._prefer_height(
                max(self.preferred_height_px, min(len(frames), _MOST_ROWS) * _ROW_PX + _PADDING_PX)
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_places()

    def _fit_places(self) -> None:
        """Room for the longest place, once the names have what they need, up to half. Labels span both columns."""
        frames, width_px = self._debug.stack, self._view.viewport().width()
        metrics = self._view.fontMetrics()
        names = (metrics.horizontalAdvance(frame.short_name) for frame in frames if not frame.is_label)
        names_px = min(max(names, default=0) + _BESIDE_NAME_PX, width_px // 2)
        wanted_px = max(self._view.sizeHintForColumn(1), _PLACE_PX)
        self._view.header().resizeSection(1, min(wanted_px, width_px - names_px))

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        self._model.mark_selected(frame)
        if frame is not None:
            self._view.setCurrentIndex(self._model.index(self._model.row_of(frame), 0))

    @Slot(QModelIndex)
    def _on_chosen(self, index: QModelIndex) -> None:
        frame = self._model.frame_at(index)
        if frame is not None and not frame.is_label:
            self._debug.select_frame(frame)
            if frame.path:
                self._request_location(Location(frame.path, frame.line))

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        frame = self._model.frame_at(self._view.indexAt(place))
        if frame is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._debug.abilities.restarts_frames and frame.can_restart and not frame.is_label:
            menu.addAction("Restart this call").triggered.connect(lambda: self._debug.restart_frame(frame))
        menu.addAction("Copy the stack").triggered.connect(lambda: self._copy())
        menu.popup(self._view.viewport().mapToGlobal(place))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(_line(frame) for frame in self._debug.stack))


def _line(frame: StackFrame) -> str:
    return f"  {frame.name}" if frame.is_label else f"{frame.name}  {frame.path}:{frame.line}"
