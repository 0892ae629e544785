"""The composition root: builds every long-lived object and hands each its collaborators."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

import circuit_link.host_protocol as hp
from circuit_console.core.breakpoints import BreakpointSet
from circuit_console.core.folders import Folders
from circuit_console.core.git_branch import git_branch
from circuit_console.core.location import Location
from circuit_console.core.notices import Notice
from circuit_console.core.session import ProjectSession, Settings, load
from circuit_console.panes.console.pane import ConsolePane
from circuit_console.panes.debugger.banner import PausedBanner
from circuit_console.panes.debugger.breakpoints import BreakpointsPane
from circuit_console.panes.debugger.call_stack import CallStackPane
from circuit_console.panes.debugger.variables import VariablesPane
from circuit_console.panes.editor.area import EditorArea, PageFacts
from circuit_console.panes.explorer.pane import ExplorerPane
from circuit_console.panes.gauges.pane import GovernorPane
from circuit_console.panes.log.pane import LogPane
from circuit_console.panes.problems.pane import ProblemsPane
from circuit_console.panes.search.pane import SearchPane
from circuit_console.panes.tests.pane import TestsPane
from circuit_console.panes.timeline.pane import TimelinePane
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.debug_session import DebugSession
from circuit_console.services.documents import Documents
from circuit_console.services.host_link import HostLink
from circuit_console.services.project_watcher import ProjectWatcher
from circuit_console.services.run_log import RunLog
from circuit_console.services.runs import RunEnd, Runs
from circuit_console.services.tasks import Tasks
from circuit_console.widgets.pane import Pane
from circuit_console.widgets.theme import Theme
from circuit_console.window.actions import CommandActions
from circuit_console.window.choices import fill_palette
from circuit_console.window.commands import all_commands
from circuit_console.window.controller import Controller, Parts
from circuit_console.window.editor_menu import EditorMenu
from circuit_console.window.errors import exception_hook
from circuit_console.window.follow import FollowDebugger
from circuit_console.window.main_window import MainWindow
from circuit_console.window.notices import LateNotifier
from circuit_console.window.session_keeper import SessionKeeper
from circuit_console.window.status import StatusPresenter
from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from circuit_console.core.deployments import EnvironmentView
    from circuit_console.services.environments import Environments

_DESCRIBE_DELAY_MS = 300


class Console(QObject):
    """One project's window with all that stands behind it. Built, shown, started, stopped.

    Signals:
        project_chosen: str, folder of another project the user wants; "" for the sample.
        closed: None, after the window was closed and everything behind it has ended.
    """

    project_chosen = Signal(str)
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        folders: Folders,
        settings: Settings,
        project_root: Path,
        host: HostLink | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._folders = folders
        self._is_stopped = False
        self.environments: Environments | None = None
        root = project_root.resolve()
        state_folder = folders.project_state(root)
        session = load(state_folder / "session.json", ProjectSession)
        self._notices = LateNotifier()
        self._build_services(root, state_folder, session, host)
        self._build_panes(theme, root)
        self.window = MainWindow(theme, self.editor, self._panes, self._banner)
        self._notices.set_target(self.window.notifications)
        self._build_window_parts(theme, settings, session, root)
        self._connect(root)

    # ------------------------------------------------------------------------------------------ building

    def _build_services(
        self, root: Path, state_folder: Path, session: ProjectSession, host: HostLink | None
    ) -> None:
        self.tasks = Tasks(self)
        self.host = host or HostLink(root, self)
        self.run_log = RunLog(self.host, self)
        self.breakpoints = Breakpoints(BreakpointSet(session.breakpoints), self)
        self.debug = DebugSession(root, self.breakpoints, self)
        self.runs = Runs(self.host, self.debug, self.tasks, self)
        self.documents = Documents(root, state_folder / "snapshots", self.tasks, self)
        self.watcher = ProjectWatcher(root, self)

    def _build_panes(self, theme: Theme, root: Path) -> None:
        notices = self._notices
        self.editor = EditorArea(theme, self.documents, self.breakpoints, self.tasks, notices, notices)
        self.explorer = ExplorerPane(theme, root, self.watcher, self.tasks, notices, notices)
        self.search = SearchPane(theme, root, lambda: self.explorer.files, self.tasks)
        self.call_stack = CallStackPane(theme, self.debug)
        self.breakpoints_pane = BreakpointsPane(theme, self.breakpoints, self.debug, notices)
        self.variables = VariablesPane(theme, self.debug)
        self.console_pane = ConsolePane(theme, self.host, self.runs, self.debug, root)
        self._banner = PausedBanner(theme, self.debug)
        self.timeline = TimelinePane(theme, self.run_log)
        self.log = LogPane(theme, self.run_log)
        self.governor = GovernorPane(theme, self.run_log)
        self.tests = TestsPane(theme, self.host, self.runs)
        self.problems = ProblemsPane(theme, self.host)
        # The order is that of tabs and sections.
        self._panes: tuple[Pane, ...] = (
            self.explorer,
            self.search,
            self.call_stack,
            self.breakpoints_pane,
            self.tests,
            self.governor,
            self.variables,
            self.timeline,
            self.log,
            self.problems,
            self.console_pane,
        )

    def _build_late_panes(self) -> None:
        """What the first picture does not show; imported here, so that it does not wait for it."""
        from circuit_console.panes.deploy.log import DeployLogPane
        from circuit_console.panes.deploy.pane import DeployPane
        from circuit_console.panes.deploy.release import ReleasePane
        from circuit_console.panes.deploy.side import DeploySidePane
        from circuit_console.panes.query.pane import QueryPane
        from circuit_console.services.environments import Environments
        from circuit_console.services.token_keeper import TokenKeeper

        self.tokens = TokenKeeper()
        self.environments = environments = Environments(
            self.host.project_root, self.host, self.tasks, tokens=self.tokens, parent=self
        )
        self.query = QueryPane(self._theme, self.host)
        self.keeper.keep_queries(self.query)
        self.deploy = DeployPane(self._theme, environments)
        self.deploy_side = DeploySidePane(self._theme, environments)
        self.deploy_log = DeployLogPane(self._theme, environments)
        self.release = ReleasePane(self._theme, environments)
        self.release.roll_back_requested.connect(self._on_roll_back_requested)
        environments.selected.connect(self._on_environment_selected)
        late = (self.query, self.deploy, self.deploy_side, self.deploy_log, self.release)
        for pane in late:
            pane.location_requested.connect(self._on_location_requested)
        self.window.add_panes(late)
        self._show_environment()

    def _build_window_parts(self, theme: Theme, settings: Settings, session: ProjectSession, root: Path) -> None:
        window = self.window
        parts = Parts(
            theme=theme,
            window=window,
            editor=self.editor,
            explorer=self.explorer,
            search=self.search,
            console=self.console_pane,
            breakpoints_pane=self.breakpoints_pane,
            variables=self.variables,
            tests=self.tests,
            breakpoints=self.breakpoints,
            host=self.host,
            runs=self.runs,
            debug=self.debug,
        )
        self.controller = Controller(parts, settings.recent_projects, self)
        commands = all_commands(window, self.editor, self.runs, self.controller)
        self.actions = CommandActions(window, self.editor, commands)
        fill_palette(window, theme, self.editor, self.explorer, self.controller, self.actions)
        self.editor_menu = EditorMenu(self.editor, self.actions, self)
        self.status = StatusPresenter(window, self.editor, self.host, self.runs, self.controller, self)
        self.follow = FollowDebugger(
            window, self.editor, self.runs, self.debug, self.variables, self.controller, self
        )
        self.keeper = SessionKeeper(
            self._folders,
            root,
            settings,
            session,
            window=window,
            editor=self.editor,
            documents=self.documents,
            breakpoints=self.breakpoints,
            variables=self.variables,
            console=self.console_pane,
            controller=self.controller,
            parent=self,
        )
        window.resize(settings.width_px, settings.height_px)
        window.setWindowTitle(f"{root.name} — Circuit Console")
        window.top_bar.set_project(root.name, git_branch(root))
        self.editor.welcome.show_project(root.name, ())

    def _connect(self, root: Path) -> None:
        window = self.window
        self._describe_timer = QTimer(self)
        self._describe_timer.setSingleShot(True)
        self._describe_timer.setInterval(_DESCRIBE_DELAY_MS)
        self._describe_timer.timeout.connect(self._describe)
        for pane in self._panes:
            pane.location_requested.connect(self._on_location_requested)
        for bar in (window.top_bar, window.status):
            bar.command_requested.connect(self.actions.run)
        window.top_bar.configuration_chosen.connect(self.controller.choose_configuration)
        window.top_bar.commit_chosen.connect(self.controller.choose_commit)
        window.top_bar.recording_chosen.connect(self.controller.choose_recording)
        window.top_bar.environment_chosen.connect(self._on_environment_chosen)
        window.perspective_changed.connect(self._show_environment)
        window.rail.foot_chosen.connect(self._on_foot_chosen)
        window.notifications.location_requested.connect(self._on_location_requested)
        window.activated.connect(self.editor.compare_with_disk)
        window.closing.connect(self.stop)
        window.painted.connect(self.start)
        self.explorer.files_changed.connect(self._on_files_changed)
        self.explorer.disk_changed.connect(self._on_disk_changed)
        self.explorer.path_removed.connect(self._on_path_removed)
        self.documents.saved.connect(self._on_saved)
        self.editor.facts_changed.connect(self._on_facts_changed)
        self.problems.problems_changed.connect(self._on_problems_changed)
        self.tests.creation_requested.connect(self._on_test_wanted)
        self.host.attached.connect(self._on_attached)
        self.host.failed.connect(self._notices.present)
        self.host.detached.connect(self._on_detached)
        self.runs.failed.connect(self._notices.present)
        self.runs.finished.connect(self._on_run_finished)
        self.controller.project_chosen.connect(self.project_chosen)

    # ------------------------------------------------------------------------------------------ life

    def show(self, *, is_maximized: bool = False) -> None:
        """Bring back the session and show the window; `start` follows once it is on the screen."""
        self.keeper.restore(self.variables, self.console_pane)
        if is_maximized:
            self.window.showMaximized()
        else:
            self.window.show()
        sys.excepthook = exception_hook(self._notices, self._notices, self._folders.crash_log)

    @Slot()
    def start(self) -> None:
        """What the first picture does not need: the host, the file list, the watcher."""
        if not self._is_stopped:
            self._build_late_panes()
            self.explorer.refresh()
            self.host.start()
            self.watcher.start()

    @Slot()
    def stop(self) -> None:
        """End everything, in reverse order of building. The host rolls back what still runs."""
        if self._is_stopped:
            return
        self._is_stopped = True
        sys.excepthook = sys.__excepthook__
        self._describe_timer.stop()
        self.watcher.stop()
        self.debug.close()
        if self.environments is not None:
            self.environments.stop()
        self.host.stop()
        self.tasks.stop()
        self.closed.emit()

    # ------------------------------------------------------------------------------------------ events

    @Slot(object)
    def _on_attached(self, _attached: hp.Attached) -> None:
        self._describe()

    @Slot()
    def _describe(self) -> None:
        if not self._is_stopped:
            self.host.ask(lambda number: hp.DescribeProject(request=number))

    @Slot(object)
    def _on_detached(self, error: UserFacingError) -> None:
        self._notices.present(error)

    @Slot(object)
    def _on_location_requested(self, location: Location) -> None:
        self.window.show_editor()
        self.editor.open(location.path, location.line, location.column)

    @Slot(str)
    def _on_environment_chosen(self, name: str) -> None:
        """Local is where one works; any other environment shows in the Deploy perspective."""
        if name != "local":
            self.window.show_perspective("deploy")
            self._select_environment(name)
        elif self.window.perspective == "deploy":
            self.window.show_perspective("edit")
        self._show_environment()

    def _select_environment(self, name: str) -> None:
        if self.environments is not None and name in {view.name for view in self.environments.views}:
            self.environments.select(name)
            return
        self._notices.notify(
            Notice(
                kind="fact",
                text=f"circuit.toml names no environment {name}.",
                hint=f'Add: [environments.{name}] url = "https://…"',
                actions=(("Open circuit.toml", lambda: self._on_location_requested(Location("circuit.toml"))),),
            )
        )

    @Slot(object)
    def _on_environment_selected(self, _view: EnvironmentView) -> None:
        self._show_environment()

    @Slot()
    def _show_environment(self) -> None:
        """The switch tells where one works: the chosen environment while deploying, else this machine."""
        current = self.environments.current if self.environments is not None else None
        is_remote = current is not None and self.window.perspective == "deploy"
        self.window.top_bar.set_environment(current.name if current is not None and is_remote else "local")

    @Slot(str)
    def _on_roll_back_requested(self, release: str) -> None:
        self.window.show_perspective("deploy")
        self.deploy.page.ask_roll_back(release)

    @Slot(str)
    def _on_foot_chosen(self, _entry: str) -> None:
        self.window.palette_box.open(">theme")

    @Slot(object)
    def _on_files_changed(self, files: tuple[str, ...]) -> None:
        self.editor.welcome.show_project(self.window.windowTitle().partition(" — ")[0], _first_files(files))

    @Slot(object)
    def _on_disk_changed(self, paths: tuple[str, ...]) -> None:
        self.editor.compare_with_disk(paths)
        self._describe_timer.start()

    @Slot(str)
    def _on_path_removed(self, path: str) -> None:
        for tab in self.editor.open_tabs():
            if tab.path == path or tab.path.startswith(f"{path}/"):
                self.editor.close_file(tab.path)

    @Slot(str)
    def _on_saved(self, _path: str) -> None:
        self._describe_timer.start()

    @Slot(object)
    def _on_facts_changed(self, facts: PageFacts) -> None:
        self.problems.set_editor_problems(facts.path, facts.problems)

    @Slot(object)
    def _on_problems_changed(self, problems: tuple[hp.Problem, ...]) -> None:
        self.editor.show_problems(problems)
        self.controller.set_problems(problems)
        errors = sum(one.severity == "error" for one in problems)
        self.status.show_problem_counts(errors, len(problems) - errors)

    @Slot()
    def _on_test_wanted(self) -> None:
        self.window.show_activity("explorer")
        self.explorer.ask_new_file("tests")

    @Slot(object)
    def _on_run_finished(self, end: RunEnd) -> None:
        """Say what went wrong and where; the console pane has said it already of its own lines."""
        error = end.result.error
        if error is None or end.is_snippet:
            return
        place = f"{error.file}, line {error.line}" if error.file and error.line else ""
        if end.was_stopped:
            location = Location(error.file, error.line)
            actions = (("Open", lambda: self._on_location_requested(location)),) if place else ()
            text = f"Stopped in {place}." if place else "Stopped."
            self._notices.notify(
                Notice(kind="fact", text=text, hint="What it wrote is rolled back.", actions=actions)
            )
            return
        self._notices.present(
            UserFacingError(
                f"{error.type}: {error.message}",
                code="RUN_FAILED",
                hint=f"In {place}." if place else "",
                details=error.traceback,
                path=error.file,
                line=error.line,
            )
        )


def _first_files(files: tuple[str, ...]) -> tuple[str, ...]:
    """Good files to begin with: a trigger, the classes, an event, the tests."""
    order = ("triggers/", "classes/virtual_lpr", "events/", "tests/", "classes/", "README.md")
    ranked = [(place, path) for path in files for place, start in enumerate(order) if path.startswith(start)]
    return tuple(dict.fromkeys(path for _, path in sorted(ranked)))
