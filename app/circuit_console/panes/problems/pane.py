"""What is wrong in the project's files."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

import circuit_link.host_protocol as hp
from circuit_console.core.problems import all_problems, grouped
from circuit_console.models.problem_tree import ProblemTree
from circuit_console.services.host_link import HostLink
from circuit_console.widgets.controls import EmptyState, set_ground
from circuit_console.widgets.opening_tree import OpeningTree
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme


class ProblemsPane(Pane):
    """Problems by file; Enter opens the line.

    Signals:
        problems_changed: tuple[Problem, ...], all that are shown, for squiggles and counts.
    """

    pane_id = "problems"
    title = "Problems"
    icon_name = "triangle-alert"
    region = Region.BOTTOM

    problems_changed = Signal(object)

    def __init__(self, theme: Theme, host: HostLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._from_host: tuple[hp.Problem, ...] = ()
        self._from_editor: dict[str, tuple[hp.Problem, ...]] = {}
        self.model = ProblemTree(theme, self)
        self.view = OpeningTree("Problems", self)
        self.view.setModel(self.model)
        self.view.share_columns()
        self.view.opened.connect(self._on_opened)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(
            EmptyState(theme, "circle-check", "No problems", "All files of the project can be read.")
        )
        self._stack.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        host.project_described.connect(self._on_project_described)
        theme.changed.connect(self._on_theme_changed)

    def set_editor_problems(self, path: str, problems: tuple[hp.Problem, ...]) -> None:
        """What the editor found in the text it shows, () for nothing."""
        if self._from_editor.get(path, ()) != problems:
            self._from_editor[path] = problems
            self._show()

    def open_next(self, step: int = 1) -> None:
        """Go to the next (1) or previous (-1) problem after the one that is chosen, around the end."""
        places = [
            self.model.index(row, 0, self.model.index(group, 0))
            for group in range(self.model.rowCount())
            for row in range(self.model.rowCount(self.model.index(group, 0)))
        ]
        if not places:
            return
        current = self.view.currentIndex().siblingAtColumn(0)
        here = next((place for place, index in enumerate(places) if index == current), None)
        goal = places[0 if here is None and step > 0 else -1 if here is None else (here + step) % len(places)]
        self.view.setCurrentIndex(goal)
        self._on_opened(goal)

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        self._from_host = project.problems
        self._show()

    def _show(self) -> None:
        groups = grouped(self._from_host, self._from_editor)
        if not self.model.replace(groups):
            return
        self.view.expandAll()
        self._stack.setCurrentIndex(1 if groups else 0)
        problems = all_problems(groups)
        self._publish_badge(str(len(problems)) if problems else "")
        self.problems_changed.emit(problems)

    @Slot(object)
    def _on_opened(self, index: QModelIndex) -> None:
        location = self.model.location_at(index)
        if location is not None:
            self._request_location(location)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.view.viewport().update()
