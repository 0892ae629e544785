"""Panes stacked as sections with heads that fold: the side bar and the inspector."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QSizePolicy, QSplitter, QVBoxLayout, QWidget

from circuit_console.widgets.controls import SectionHead, set_ground
from circuit_console.widgets.pane import Pane
from circuit_console.widgets.theme import Theme

_LARGEST_PX = 16_777_215


class Section(QWidget):
    """A head over a pane.

    Signals:
        toggled: bool, whether it is open now.
        wish_changed: None, when the pane needs another height.
    """

    toggled = Signal(bool)
    wish_changed = Signal()

    def __init__(self, theme: Theme, pane: Pane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pane = pane
        self.head = SectionHead(theme, pane.title, pane.head_tools(), self)
        self.head.toggled.connect(self._on_head_toggled)
        pane.preferred_height_changed.connect(self.wish_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(pane, 1)
        pane.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.head.height() + (40 if self.head.is_open else 0))

    @property
    def wanted_px(self) -> int:
        """Its height where it does not stretch."""
        if not self.head.is_open:
            return self.head.height()
        needed_px = max(self.pane.preferred_height_px, self.pane.minimumSizeHint().height())
        return self.head.height() + needed_px

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.wish_changed.emit()
        return super().event(event)

    @Slot(bool)
    def _on_head_toggled(self, is_open: bool) -> None:
        self.pane.setVisible(is_open)
        self.setMaximumHeight(_LARGEST_PX if is_open else self.head.height())
        self.toggled.emit(is_open)


class SectionStack(QWidget):
    """Shows some of the sections it was given, from top to bottom.

    Signals:
        changed: None, when a section was folded or unfolded.
    """

    changed = Signal()

    def __init__(self, theme: Theme, panes: Sequence[Pane], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._splitter = QSplitter(Qt.Orientation.Vertical, self)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._shown: tuple[str, ...] = ()
        self._last_wishes: tuple[int, ...] = ()
        self._theme = theme
        self._sections: dict[str, Section] = {}
        for pane in panes:
            self.add(pane)
        # Takes the height that no section wants, so that folded sections stay at the top.
        self._rest = QWidget(self)
        self._rest.setMinimumHeight(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)

    def add(self, pane: Pane) -> None:
        """Make a section for a pane; it is not shown before `show_sections` names it."""
        section = Section(self._theme, pane, self)
        section.setVisible(False)
        section.toggled.connect(self._on_section_toggled)
        section.wish_changed.connect(self._on_wish_changed)
        self._sections[pane.pane_id] = section

    def show_sections(self, pane_ids: Sequence[str]) -> None:
        """Show these, in this order; ids that are not here are left out."""
        wanted = tuple(pane_id for pane_id in pane_ids if pane_id in self._sections)
        if wanted == self._shown:
            return
        self._shown = wanted
        for section in self._sections.values():
            section.setVisible(False)
        for place, pane_id in enumerate(wanted):
            self._splitter.insertWidget(place, self._sections[pane_id])
            self._sections[pane_id].setVisible(True)
        self._splitter.insertWidget(len(wanted), self._rest)
        self._share()

    def open_section(self, pane_id: str) -> None:
        if pane_id in self._sections:
            self._sections[pane_id].head.set_open(True)

    def closed(self) -> tuple[str, ...]:
        return tuple(pane_id for pane_id, section in self._sections.items() if not section.head.is_open)

    def close_sections(self, pane_ids: Sequence[str]) -> None:
        for pane_id in pane_ids:
            if pane_id in self._sections:
                self._sections[pane_id].head.set_open(False)

    def resizeEvent(self, event) -> None:  # type: ignore[no-untyped-def]  # QResizeEvent, as Qt calls it
        was = event.oldSize().height()
        super().resizeEvent(event)
        if was <= 0 or not self.isVisible():
            self._share()

    @Slot(bool)
    def _on_section_toggled(self, _is_open: bool) -> None:
        self._share()
        self.changed.emit()

    @Slot()
    def _on_wish_changed(self) -> None:
        """Only what does not stretch has a wish; leave alone what the user dragged otherwise."""
        wishes = self._wishes()
        if wishes != self._last_wishes:
            self._last_wishes = wishes
            self._share()

    def _wishes(self) -> tuple[int, ...]:
        sections = (self._sections[pane_id] for pane_id in self._shown)
        return tuple(one.wanted_px for one in sections if not one.pane.stretches)

    def _share(self) -> None:
        """Give each section the height it wants, and the rest to those that stretch."""
        sections = [self._sections[pane_id] for pane_id in self._shown]
        if not sections:
            return
        stretching = [one for one in sections if one.pane.stretches and one.head.is_open]
        fixed = sum(one.wanted_px for one in sections if one not in stretching)
        rest = max(0, self.height() - fixed - len(sections))
        share = rest // len(stretching) if stretching else 0
        sizes = [share if one in stretching else one.wanted_px for one in sections]
        for place, section in enumerate(sections):
            self._splitter.setStretchFactor(place, 1 if section in stretching else 0)
        self._rest.setVisible(not stretching)
        self._splitter.setSizes([*sizes, 0 if stretching else rest])
