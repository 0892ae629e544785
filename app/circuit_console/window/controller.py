"""What commands do where more than one part of the window is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QObject, QPoint, Signal, Slot
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

import circuit_link.host_protocol as hp
from circuit_console.core.debugging import Abilities, StepTarget
from circuit_console.core.notices import Notice
from circuit_console.core.python_source import enclosing
from circuit_console.core.run_target import RunTarget, file_target, target_of
from circuit_console.core.theme import Appearance
from circuit_console.panes.console.pane import ConsolePane
from circuit_console.panes.debugger.breakpoints import BreakpointsPane
from circuit_console.panes.debugger.variables import VariablesPane
from circuit_console.panes.editor.area import EditorArea
from circuit_console.panes.editor.page import EditorPage
from circuit_console.panes.explorer.pane import ExplorerPane
from circuit_console.panes.search.pane import SearchPane
from circuit_console.panes.tests.pane import TestsPane
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.services.host_link import HostLink
from circuit_console.services.runs import Runs
from circuit_console.widgets.theme import Theme
from circuit_console.window.main_window import MainWindow

_DEFAULT_LEVELS = "APEX_CODE,FINE;DB,INFO;CALLOUT,INFO;VALIDATION,INFO"
# A class and a method name one test in its file.
_TEST_DEPTH = 2
_ZOOM_RANGE = range(-6, 21)


class RunChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the run box says: a configuration's name, "" for the current file; whether runs commit; whether
    debugged ones can be walked backwards; log levels."""

    configuration: str = ""
    commits: bool = False
    records: bool = False
    log_levels: str = ""
    follows_debugger: bool = True


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the window that commands act on."""

    theme: Theme
    window: MainWindow
    editor: EditorArea
    explorer: ExplorerPane
    search: SearchPane
    console: ConsolePane
    breakpoints_pane: BreakpointsPane
    variables: VariablesPane
    tests: TestsPane
    breakpoints: Breakpoints
    host: HostLink
    runs: Runs
    debug: DebugSession


class Controller(QObject):
    """Signals:
    choice_changed: RunChoice.
    appearance_chosen: Appearance.
    project_chosen: str, folder of another project to open; "" for the sample.
    coverage_toggled: bool, whether coverage colours are shown.
    """

    choice_changed = Signal(object)
    appearance_chosen = Signal(object)
    project_chosen = Signal(str)
    coverage_toggled = Signal(bool)

    def __init__(self, parts: Parts, recent_projects: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts = parts
        self._recent_projects = recent_projects
        self._choice = RunChoice()
        self._targets: dict[str, RunTarget] = {}
        self._zoom = 0
        self._coverage: hp.CoverageReport | None = None
        self._shows_coverage = True
        self._failed_tests: tuple[str, ...] = ()
        self._last_tests: tuple[str, ...] = ()
        self._problems: tuple[hp.Problem, ...] = ()
        parts.host.project_described.connect(self._on_project_described)
        parts.host.tests_finished.connect(self._on_tests_finished)
        parts.editor.run_requested.connect(self._on_run_requested)
        parts.editor.current_changed.connect(self._on_current_changed)
        parts.explorer.run_requested.connect(self.run_target)
        parts.tests.debug_requested.connect(self.debug_test)
        parts.explorer.debug_requested.connect(self.debug_target)

    # ------------------------------------------------------------------------------------------ choice

    @property
    def choice(self) -> RunChoice:
        return self._choice

    @property
    def configurations(self) -> tuple[str, ...]:
        return tuple(self._targets)

    @property
    def zoom_points(self) -> int:
        return self._zoom

    def set_choice(self, choice: RunChoice) -> None:
        self._choice = choice
        self.choice_changed.emit(choice)

    @Slot(str)
    def choose_configuration(self, name: str) -> None:
        self.set_choice(replace(self._choice, configuration=name))

    @Slot(bool)
    def choose_commit(self, commits: bool) -> None:
        self.set_choice(replace(self._choice, commits=commits))

    @Slot(bool)
    def choose_recording(self, records: bool) -> None:
        self.set_choice(replace(self._choice, records=records))

    def choose_log_levels(self, levels: str) -> None:
        self.set_choice(replace(self._choice, log_levels=levels))

    def toggle_follow(self) -> None:
        self.set_choice(replace(self._choice, follows_debugger=not self._choice.follows_debugger))

    # ------------------------------------------------------------------------------------------ running

    def debug_or_continue(self) -> None:
        if self._parts.runs.state.can_step:
            self._parts.debug.resume()
            return
        target = self._target()
        if target is not None:
            self.debug_target(target)

    def run_plain(self) -> None:
        target = self._target()
        if target is not None:
            self.run_target(target)

    def run_current_file(self) -> None:
        self._on_run_requested(self._parts.editor.current_path)

    @Slot(object)
    def run_target(self, target: RunTarget) -> None:
        """Save, then run plainly: the host reads the files from disk."""
        self._parts.editor.save_all(
            lambda: self._parts.runs.run(target, commit=self._choice.commits, log_levels=self._levels())
        )

    @Slot(object)
    def debug_target(self, target: RunTarget) -> None:
        self._parts.editor.save_all(
            lambda: self._parts.runs.debug(
                target, commit=self._choice.commits, log_levels=self._levels(), records=self._choice.records
            )
        )

    def run_selection(self) -> None:
        page = self._parts.editor.current_page
        if page is None or not page.path.endswith(".py"):
            return
        text = page.editor.selected_text() or page.editor.line_text(page.editor.caret().line)
        if text.strip():
            self._parts.window.show_pane("console")
            self._parts.runs.run_snippet(text, commit=False)

    def run_tests(self, names: tuple[str, ...]) -> None:
        self._last_tests = names

        def start() -> None:
            # Lines are measured over all tests only: a part of them would tell less than is known.
            self._parts.runs.run_tests(names, coverage=not names)
            self._parts.tests.expect(names)

        self._parts.editor.save_all(start)

    def test_failed(self) -> None:
        if self._failed_tests:
            self.run_tests(self._failed_tests)
        else:
            self._tell("No test failed in the last run.")

    def test_last(self) -> None:
        self.run_tests(self._last_tests)

    def test_at_cursor(self) -> None:
        """The test method, or the tests of the class or file, around the caret."""
        name = self._test_at_caret()
        if name:
            self.run_tests((name,))

    def debug_test_at_cursor(self) -> None:
        name = self._test_at_caret()
        if name.count("::") == _TEST_DEPTH:
            self.debug_test(name)
        elif name:
            self._tell("The caret is in no single test.")

    @Slot(str)
    def debug_test(self, name: str) -> None:
        self.debug_target(RunTarget(name=name.rpartition("::")[2], kind="test", path=name))

    def _test_at_caret(self) -> str:
        """Its id or that of its class or file; "" where there is none, which is told."""
        page = self._parts.editor.current_page
        if page is None or not page.path.startswith("tests/"):
            self._tell("The caret is not in a file of tests/.")
            return ""
        names = [symbol.name for symbol in enclosing(page.outline, page.editor.caret().line)]
        return "::".join([page.path, *names[:_TEST_DEPTH]])

    def step_over(self) -> None:
        self._parts.debug.step("next")

    def step_into(self) -> None:
        self._parts.debug.step("stepIn")

    def step_out(self) -> None:
        self._parts.debug.step("stepOut")

    def step_back(self) -> None:
        self._parts.debug.step("stepBack")

    def back_to_stop(self) -> None:
        self._parts.debug.step("reverseContinue")

    def run_to_cursor(self) -> None:
        self._at_caret(self._parts.debug.run_to)

    @property
    def abilities(self) -> Abilities:
        return self._parts.debug.abilities

    def jump_to_cursor(self) -> None:
        self._at_caret(self._parts.debug.jump_to)

    def restart_frame(self) -> None:
        frame = self._parts.debug.frame
        if frame is not None:
            self._parts.debug.restart_frame(frame)

    def step_into_target(self) -> None:
        """Offer the calls of the line that runs next, below the caret; a single one is entered at once."""

        def arrived(targets: tuple[StepTarget, ...]) -> None:
            page = self._parts.editor.current_page
            if len(targets) == 1:
                self._parts.debug.step_into_target(targets[0])
            elif targets and page is not None:
                menu = QMenu(self._parts.window)
                for target in targets:
                    menu.addAction(target.label).triggered.connect(partial(self._on_step_target_chosen, target))
                menu.aboutToHide.connect(menu.deleteLater)
                menu.popup(page.editor.caret_point())
            else:
                self._tell("This line calls nothing that can be entered.")

        self._parts.debug.step_targets(arrived)

    def _on_step_target_chosen(self, target: StepTarget, _is_checked: bool = False) -> None:
        self._parts.debug.step_into_target(target)

    def watch_selection(self) -> None:
        page = self._parts.editor.current_page
        text = (page.editor.selected_text() or page.editor.word_at_caret()).strip() if page else ""
        self._parts.window.show_pane("variables")
        self._parts.variables.add_watch(text)

    def toggle_breakpoint(self) -> None:
        self._at_caret(self._parts.breakpoints.toggle)

    def toggle_checkpoint(self) -> None:
        self._at_caret(self._parts.breakpoints.toggle_checkpoint)

    def toggle_muting(self) -> None:
        self._parts.breakpoints.mute(not self._parts.breakpoints.is_muted)

    def ask_condition(self) -> None:
        def ask(path: str, line: int) -> None:
            if self._parts.breakpoints.at(path, line) is None:
                self._parts.breakpoints.set(path, line)
            found = self._parts.breakpoints.at(path, line)
            self._parts.window.show_pane("breakpoints")
            if found is not None:
                self._parts.breakpoints_pane.form.edit(found)

        self._at_caret(ask)

    # ------------------------------------------------------------------------------------------ the rest

    def toggle_coverage(self) -> None:
        self._shows_coverage = not self._shows_coverage
        self._parts.editor.show_coverage(self._coverage if self._shows_coverage else None)
        self.coverage_toggled.emit(self._shows_coverage)

    def set_problems(self, problems: tuple[hp.Problem, ...]) -> None:
        """All that is known, for going from one to the next."""
        self._problems = tuple(one for one in problems if one.line)

    def go_to_problem(self, step: int) -> None:
        """The next one in this file, then in the files after it."""
        problems = sorted(self._problems, key=lambda one: (one.path, one.line, one.column))
        if not problems:
            self._tell("No problems.")
            return
        page = self._parts.editor.current_page
        here = (page.path, page.editor.caret().line) if page else ("", 0)
        if step > 0:
            found = next((one for one in problems if (one.path, one.line) > here), problems[0])
        else:
            found = next((one for one in reversed(problems) if (one.path, one.line) < here), problems[-1])
        self._parts.window.show_editor()
        self._parts.editor.open(found.path, found.line, found.column)

    def new_file(self) -> None:
        self._parts.window.show_activity("explorer")
        self._parts.explorer.ask_new_file()

    def search_in_files(self) -> None:
        page = self._parts.editor.current_page
        self._parts.window.show_activity("search")
        self._parts.search.begin(page.editor.selected_text() if page else "")

    def show_console(self) -> None:
        self._parts.window.show_pane("console")
        self._parts.console.focus_prompt()

    def zoom(self, step: int) -> None:
        """One point more or less; 0 for the normal size."""
        zoom = self._zoom + step if step else 0
        if zoom in _ZOOM_RANGE:
            self._zoom = zoom
            self._parts.editor.set_zoom(zoom)

    def choose_appearance(self, appearance: Appearance) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            self._parts.theme.choose(appearance, application)
            self.appearance_chosen.emit(appearance)

    def open_project(self) -> None:
        dialog = QFileDialog(self._parts.window, "Open a project", str(self._parts.host.project_root.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._on_folder_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_sample(self) -> None:
        self.project_chosen.emit("")

    def show_project_menu(self) -> None:
        menu = QMenu(self._parts.window)
        for folder in self._recent_projects:
            action = menu.addAction(f"{Path(folder).name}   {folder}")
            action.triggered.connect(lambda _checked=False, wanted=folder: self.project_chosen.emit(wanted))
        if self._recent_projects:
            menu.addSeparator()
        menu.addAction("Open a folder…").triggered.connect(lambda _checked=False: self.open_project())
        menu.addAction("Open the sample VirtualLPR").triggered.connect(lambda _checked=False: self.open_sample())
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._parts.window.top_bar.mapToGlobal(QPoint(10, 44)))

    def reset_data(self) -> None:
        """Empty the local database; the host keeps a copy first."""

        def done(_answer: hp.HostToClient) -> None:
            text = "The local data is as the seed files have it."
            hint = "A copy of what was there lies in .circuit/."
            self._parts.window.notifications.notify(Notice(kind="success", text=text, hint=hint))

        self._parts.host.ask(lambda number: hp.ResetData(request=number), done)

    def show_notices(self) -> None:
        self._parts.window.notifications.show_list(self._parts.window.status)

    def show_doctor(self) -> None:
        """What the sandbox enforces on this machine, as one notice with the table folded away."""

        def arrived(answer: hp.HostToClient) -> None:
            if isinstance(answer, hp.Diagnosed):
                self._parts.window.notifications.notify(_doctor_notice(answer.report))

        self._parts.host.ask(lambda number: hp.Diagnose(request=number), arrived)

    # ------------------------------------------------------------------------------------------ inside

    def _target(self) -> RunTarget | None:
        chosen = self._targets.get(self._choice.configuration)
        if chosen is not None:
            return chosen
        path = self._parts.editor.current_path
        target = file_target(path) if path else None
        if target is None:
            self._tell(
                "Choose what to run in the box beside the run button, or open a script, a test or an event."
            )
        return target

    def _levels(self) -> str:
        return self._choice.log_levels or _DEFAULT_LEVELS

    def _at_caret(self, action: Callable[[str, int], None]) -> None:
        page: EditorPage | None = self._parts.editor.current_page
        if page is not None:
            action(page.path, page.editor.caret().line)

    def _tell(self, text: str) -> None:
        self._parts.window.notifications.notify(Notice(kind="fact", text=text))

    @Slot(str)
    def _on_run_requested(self, path: str) -> None:
        target = file_target(path)
        if target is not None:
            self.run_target(target)
        else:
            self._tell(f"{path} is nothing that runs by itself.")

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        self._targets = {one.name: target_of(one) for one in project.run_configurations}
        if self._choice.configuration not in self._targets:
            first = next(iter(self._targets), "")
            self.set_choice(replace(self._choice, configuration=first))
        else:
            self.choice_changed.emit(self._choice)

    @Slot(object)
    def _on_tests_finished(self, finished: hp.TestsFinished) -> None:
        self._failed_tests = tuple(one.id for one in finished.report.tests if one.outcome in ("failed", "error"))
        if finished.report.coverage is not None:
            self._coverage = finished.report.coverage
            if self._shows_coverage:
                self._parts.editor.show_coverage(self._coverage)

    @Slot(str)
    def _on_current_changed(self, _path: str) -> None:
        self.choice_changed.emit(self._choice)

    @Slot(str)
    def _on_folder_chosen(self, folder: str) -> None:
        self.project_chosen.emit(folder)


def _doctor_notice(report: hp.DoctorReport) -> Notice:
    lines = [
        f"{'✓' if one.enforced else '✕'} {one.name}: {one.how if one.enforced else one.why_not}"
        for one in report.guarantees
    ]
    lines += [f"missing {one.part}: {one.install}" for one in report.missing]
    enforced = sum(one.enforced for one in report.guarantees)
    text = f"The sandbox enforces {enforced} of {len(report.guarantees)} guarantees here."
    kind = "success" if enforced == len(report.guarantees) else "warning"
    return Notice(kind="success" if kind == "success" else "warning", text=text, details="\n".join(lines))
