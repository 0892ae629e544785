"""One open file: bars about its state, the editor, and find and replace over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from circuit_console.core.python_source import SourceFacts, Symbol, facts_of
from circuit_console.core.text_diff import DiffLine
from circuit_console.services.tasks import Tasks
from circuit_console.widgets.code_editor.editor import CodeEditor
from circuit_console.widgets.code_editor.marks import TextProblem
from circuit_console.widgets.diff_view import DiffView
from circuit_console.widgets.find_bar import FindBar
from circuit_console.widgets.message_bar import MessageBar
from circuit_console.widgets.theme import Theme
from circuit_link.host_protocol import FileCoverage, Problem

_LOOK_DELAY_MS = 400
_SNAPSHOT_DELAY_MS = 1_000
_MARGIN_PX = 18


class EditorPage(QWidget):
    """Signals:
    facts_changed: str, path, after the text was looked through.
    snapshot_due: str, path, one second after the last change of an unsaved text.
    """

    facts_changed = Signal(str)
    snapshot_due = Signal(str)

    def __init__(self, theme: Theme, tasks: Tasks, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._tasks = tasks
        self.editor = CodeEditor(theme, path, self)
        self.disk_bar = MessageBar(theme, self)
        self.stale_bar = MessageBar(theme, self)
        self.find_bar = FindBar(theme, self.editor, self)
        self.find_bar.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.disk_bar)
        layout.addWidget(self.stale_bar)
        layout.addWidget(self.editor, 1)
        self._theme = theme
        self._differences: DiffView | None = None
        self.setFocusProxy(self.editor)
        self.outline: tuple[Symbol, ...] = ()
        self.assigned: Mapping[int, tuple[str, ...]] = {}
        self.own_problems: tuple[Problem, ...] = ()
        self.host_problems: tuple[Problem, ...] = ()
        self.coverage: FileCoverage | None = None
        self._edits = 0
        self._look_timer = _single_shot(self, _LOOK_DELAY_MS, self._look_through)
        self._snapshot_timer = _single_shot(self, _SNAPSHOT_DELAY_MS, self._on_snapshot_due)
        self.editor.edited.connect(self._on_edited)

    def load(self, text: str) -> None:
        self.editor.load(text)
        self._look_through()

    @property
    def shows_differences(self) -> bool:
        return self._differences is not None

    def show_differences(self, lines: Sequence[DiffLine]) -> None:
        """To be read in the place of the text, until `show_text`."""
        self.show_text()
        view = DiffView(self._theme, self)
        view.show_differences(lines)
        self._differences = view
        self.editor.hide()
        self.find_bar.hide()
        layout = self.layout()
        assert layout is not None
        layout.addWidget(view)
        view.setFocus()

    def show_text(self) -> None:
        if self._differences is not None:
            self._differences.deleteLater()
            self._differences = None
            self.editor.show()
            self.editor.setFocus()

    def show_coverage(self, coverage: FileCoverage | None) -> None:
        self.coverage = coverage
        self.editor.marks.set_coverage(coverage.hit if coverage else (), coverage.missing if coverage else ())

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        """What the host found in this file; shown together with what the editor sees by itself."""
        self.host_problems = problems
        self._draw_problems()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place_find_bar()

    def place_find_bar(self) -> None:
        self.find_bar.move(self.width() - self.find_bar.width() - _MARGIN_PX, self.editor.y() + 4)

    @Slot()
    def _on_edited(self) -> None:
        self._edits += 1
        self._look_timer.start()
        self._snapshot_timer.start()

    @Slot()
    def _on_snapshot_due(self) -> None:
        if self.editor.is_modified:
            self.snapshot_due.emit(self.path)

    @Slot()
    def _look_through(self) -> None:
        path, text, edits = self.path, self.editor.text(), self._edits
        self._tasks.run(lambda: facts_of(path, text), lambda facts: self._on_facts(edits, facts))

    def _on_facts(self, edits: int, facts: SourceFacts) -> None:
        if edits != self._edits:
            return
        if facts.outline is not None:
            self.outline = facts.outline
            self.assigned = facts.assigned
        self.own_problems = facts.problems
        self._draw_problems()
        self.facts_changed.emit(self.path)

    def _draw_problems(self) -> None:
        seen = {(problem.line, problem.message) for problem in self.own_problems}
        own_syntax = any(problem.severity == "error" for problem in self.own_problems)
        others = [one for one in self.host_problems if (one.line, one.message) not in seen and not own_syntax]
        self.editor.marks.set_problems(
            TextProblem(one.line, one.column, _sign(one) + one.message, one.severity == "error")
            for one in (*self.own_problems, *others)
            if one.line
        )


def _sign(problem: Problem) -> str:
    return "✕ " if problem.severity == "error" else "⚠ "


def _single_shot(parent: QWidget, interval_ms: int, slot: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(slot)
    return timer
