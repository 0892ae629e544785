"""The project's tests: run them, see what failed and why, and whether the coverage passes the gate."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

import circuit_link.host_protocol as hp
from circuit_console.core.coverage import ProjectCoverage
from circuit_console.core.run_state import RunPhase, RunState
from circuit_console.core.test_results import Progress, TestSummary
from circuit_console.models.test_tree import STATE_ROLE, TestTree
from circuit_console.services.host_link import HostLink
from circuit_console.services.runs import Runs
from circuit_console.widgets.controls import (
    ElidedLabel,
    EmptyState,
    IconButton,
    set_role,
)
from circuit_console.widgets.coverage_bar import CoverageBar
from circuit_console.widgets.opening_tree import OpeningTree
from circuit_console.widgets.outcome_delegate import OutcomeDelegate
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_TURN_MS = 80
_TURN_DEGREES = 30


class TestsPane(Pane):
    """Tests by file, run through `Runs`, whose one state enables the buttons.

    Signals:
        coverage_loaded: ProjectCoverage, after a run with coverage.
        summary_changed: TestSummary, whenever counts changed.
        debug_requested: str, the id of one test.
        creation_requested: None, by the button of the empty state.
    """

    __test__ = False

    pane_id = "tests"
    title = "Tests"
    icon_name = "flask-conical"
    region = Region.SIDE

    coverage_loaded = Signal(object)
    summary_changed = Signal(object)
    debug_requested = Signal(str)
    creation_requested = Signal()

    def __init__(self, theme: Theme, host: HostLink, runs: Runs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = runs
        self._progress = Progress(0, 0)
        self._coverage: ProjectCoverage | None = None
        self.model = TestTree(theme, self)
        self._delegate = OutcomeDelegate(theme, STATE_ROLE, self)
        self.view = self._make_view()
        self._bar = CoverageBar(theme)
        self._bar.setVisible(False)
        self._tools = self._make_tools(theme)
        self._running = self._make_running()
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._make_empty(theme))
        self._stack.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._running)
        layout.addWidget(self._bar)
        layout.addWidget(self._stack, 1)
        self._turning = QTimer(self)
        self._turning.setInterval(_TURN_MS)
        self._turning.timeout.connect(self._on_turn)
        host.project_described.connect(self._on_project_described)
        host.test_started.connect(self._on_test_started)
        host.test_finished.connect(self._on_test_finished)
        host.tests_finished.connect(self._on_tests_finished)
        runs.state_changed.connect(self._on_run_state_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_run_state_changed(runs.state)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def coverage(self) -> ProjectCoverage | None:
        """Of the last run with coverage."""
        return self._coverage

    # ------------------------------------------------------------------------------------------ actions

    def run_all(self) -> None:
        self._run(())

    def run_failed(self) -> None:
        """Run what failed last; everything where nothing did."""
        self._run(self.model.board.failed_ids())

    def run_current(self) -> None:
        """Run the test or file that is chosen in the tree."""
        names = self.model.names_at(self.view.currentIndex())
        if names:
            self._run(names)

    def _run(self, names: tuple[str, ...]) -> None:
        if self._runs.state.can_start:
            # Lines are measured over all tests only: a part of them would tell less than is known.
            self._runs.run_tests(names, coverage=not names)
            self.expect(names)

    def expect(self, names: tuple[str, ...]) -> None:
        """Tests that these names choose are about to run; also called when another command runs them."""
        self._progress = Progress(0, self.model.begin(names))
        self._show_progress()

    # ------------------------------------------------------------------------------------------ building

    def _make_tools(self, theme: Theme) -> list[QWidget]:
        self._failed_button = IconButton(theme, "list-restart", "Run the failed tests (Ctrl+; F)")
        self._failed_button.clicked.connect(self.run_failed)
        self._all_button = IconButton(theme, "fast-forward", "Run all tests with coverage (Ctrl+; A)", "ok")
        self._all_button.clicked.connect(self.run_all)
        return [self._failed_button, self._all_button]

    def _make_view(self) -> OpeningTree:
        view = OpeningTree("Tests", self)
        view.setModel(self.model)
        view.share_columns()
        view.setItemDelegateForColumn(0, self._delegate)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.opened.connect(self._on_opened)
        view.customContextMenuRequested.connect(self._on_menu_wanted)
        return view

    def _make_running(self) -> QWidget:
        row = QWidget(self)
        self._words = ElidedLabel("", "dim")
        self._cancel = QPushButton("Cancel", row)
        set_role(self._cancel, "quiet")
        self._cancel.clicked.connect(self._runs.stop)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(14, 0, 8, 0)
        layout.addWidget(self._words, 1)
        layout.addWidget(self._cancel)
        row.setVisible(False)
        return row

    def _make_empty(self, theme: Theme) -> QWidget:
        create = QPushButton("Create a test")
        create.clicked.connect(self.creation_requested)
        hint = "A class marked @test in a file of tests/."
        return EmptyState(theme, "flask-conical", "No tests yet", hint, [create])

    # ------------------------------------------------------------------------------------------ events

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        had_none = self.model.rowCount() == 0
        self.model.replace(project.tests)
        self._stack.setCurrentIndex(1 if project.tests else 0)
        if had_none:
            self.view.expandToDepth(0)
        self._publish_summary(self.model.summary())

    @Slot(object)
    def _on_test_started(self, started: hp.TestStarted) -> None:
        self.model.start(started.test_id)
        place = self.model.board.place_of(started.test_id)
        name = self.model.board.test(place).description.name if place else started.test_id
        self._progress = Progress(started.index, started.count, name)
        self._show_progress()
        if not self._turning.isActive():
            self._turning.start()

    @Slot(object)
    def _on_test_finished(self, finished: hp.TestFinished) -> None:
        self.model.finish(finished.result)
        self._progress = Progress(min(self._progress.done + 1, self._progress.count), self._progress.count)
        if finished.result.outcome in ("failed", "error"):
            place = self.model.board.place_of(finished.result.id)
            if place is not None:
                self._reveal(self.model.index_of(place))
        self._show_progress()
        self._publish_summary(self.model.summary())

    @Slot(object)
    def _on_tests_finished(self, finished: hp.TestsFinished) -> None:
        self._turning.stop()
        for result in finished.report.tests:
            place = self.model.board.place_of(result.id)
            if place is not None and not self.model.board.test(place).state.is_over:
                self.model.finish(result)
        self.model.give_up()
        self._publish_summary(self.model.summary())
        if finished.report.coverage is not None:
            self._coverage = ProjectCoverage(finished.report.coverage)
            self._bar.show_coverage(self._coverage)
            self._bar.setVisible(True)
            self.coverage_loaded.emit(self._coverage)

    @Slot(object)
    def _on_run_state_changed(self, state: RunState) -> None:
        is_testing = state.kind == "tests" and state.phase is not RunPhase.IDLE
        self._running.setVisible(is_testing)
        self._cancel.setEnabled(state.can_stop)
        for button in (self._failed_button, self._all_button):
            button.setEnabled(state.can_start)
        if not is_testing:
            self._turning.stop()
            self.model.give_up()
        elif state.phase is RunPhase.STOPPING:
            self._words.set_full_text("Canceling…")

    @Slot()
    def _on_turn(self) -> None:
        self._delegate.turn_degrees = (self._delegate.turn_degrees + _TURN_DEGREES) % 360
        self.view.viewport().update()

    @Slot(object)
    def _on_opened(self, index: QModelIndex) -> None:
        location = self.model.location_at(index)
        if location is not None:
            self._request_location(location)

    @Slot(QPoint)
    def _on_menu_wanted(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if not index.isValid():
            return
        self.view.setCurrentIndex(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        run = menu.addAction("Run")
        run.setEnabled(self._runs.state.can_start)
        run.triggered.connect(self.run_current)
        names = self.model.names_at(index)
        if len(names) == 1 and "::" in names[0]:
            debug = menu.addAction("Debug")
            debug.setEnabled(self._runs.state.can_start)
            debug.triggered.connect(lambda: self.debug_requested.emit(names[0]))
        menu.addAction("Open").triggered.connect(lambda: self._on_opened(self.view.currentIndex()))
        menu.popup(self.view.viewport().mapToGlobal(place))

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self.view.viewport().update()

    # ------------------------------------------------------------------------------------------ showing

    def _reveal(self, index: QModelIndex) -> None:
        self.view.expand(index.parent())
        self.view.expand(index)

    def _show_progress(self) -> None:
        progress = self._progress
        of = f"{progress.done} of {progress.count}" if progress.count else "Starting"
        self._words.set_full_text(f"{of}   {progress.name}".rstrip())

    def _publish_summary(self, summary: TestSummary) -> None:
        bad = summary.failed + summary.errors
        self._failed_button.setToolTip(
            f"Run the {bad} failed tests (Ctrl+; F)" if bad else "Run failed tests: none failed"
        )
        self._publish_badge(str(bad) if bad else "")
        self.summary_changed.emit(summary)
