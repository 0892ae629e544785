"""What the bars and the rail tell: run state, runtime, problems, tests, caret, save state."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

import circuit_link.host_protocol as hp
from circuit_console.core.run_state import RunPhase, RunState
from circuit_console.core.theme import ColorName
from circuit_console.panes.editor.area import EditorArea
from circuit_console.services.host_link import HostLink
from circuit_console.services.runs import Runs
from circuit_console.widgets.code_editor.editor import Caret
from circuit_console.widgets.code_editor.languages import language_of
from circuit_console.window.controller import Controller, RunChoice
from circuit_console.window.main_window import MainWindow
from circuit_link.errors import UserFacingError

_RUN_TEXTS: dict[RunPhase, tuple[str, str, ColorName, str]] = {
    RunPhase.IDLE: ("Ready", "circle-check", "dim", ""),
    RunPhase.STARTING: ("Starting", "loader-circle", "ok", "running"),
    RunPhase.RUNNING: ("Running", "circle-play", "ok", "running"),
    RunPhase.PAUSED: ("Paused", "pause-filled", "paused", "paused"),
    RunPhase.STOPPING: ("Stopping", "square", "err", "error"),
}


class StatusPresenter(QObject):
    """Keeps top bar, rail and status bar true."""

    def __init__(
        self,
        window: MainWindow,
        editor: EditorArea,
        host: HostLink,
        runs: Runs,
        controller: Controller,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._bar = window.status
        self._editor = editor
        self._host = host
        self._controller = controller
        host.attached.connect(self._on_attached)
        host.detached.connect(self._on_detached)
        host.project_described.connect(self._on_project_described)
        host.tests_finished.connect(self._on_tests_finished)
        runs.state_changed.connect(self._on_run_state_changed)
        editor.caret_moved.connect(self._on_caret_moved)
        editor.current_changed.connect(self._on_current_changed)
        editor.dirty_changed.connect(self._on_dirty_changed)
        controller.choice_changed.connect(self._on_choice_changed)
        window.notifications.count_changed.connect(self._on_notice_count_changed)
        self._on_run_state_changed(runs.state)
        self._bar.show_field("runtime", "Connecting", "server", "dim")
        self.show_problem_counts(0, 0)
        self._bar.show_field("bell", "", "bell", "dim", tooltip="Notifications")
        self._on_choice_changed(controller.choice)
        self._on_current_changed("")

    def show_problem_counts(self, errors: int, warnings: int) -> None:
        self._bar.show_field(
            "errors", str(errors), "circle-x", "err" if errors else "dim", tooltip=f"{errors} errors"
        )
        self._bar.show_field(
            "warnings",
            str(warnings),
            "triangle-alert",
            "warn" if warnings else "dim",
            tooltip=f"{warnings} warnings",
        )

    @Slot(object)
    def _on_attached(self, attached: hp.Attached) -> None:
        python = ".".join(attached.python.split(".")[:2])
        text = f"Local runtime · Python {python} · PID {attached.pid}"
        self._bar.show_field("runtime", text, "monitor-check", "ok", tooltip="What the sandbox enforces here")
        self._host.ask(lambda number: hp.Diagnose(request=number), self._on_diagnosed)

    def _on_diagnosed(self, answer: hp.HostToClient) -> None:
        """Say once for each connection whether the sandbox holds scripts here."""
        if not isinstance(answer, hp.Diagnosed):
            return
        lacking = [one.name for one in answer.report.guarantees if not one.enforced]
        if lacking:
            tooltip = f"Not enforced here: {', '.join(lacking)}"
            self._bar.show_field(
                "sandbox", f"Sandbox lacks {len(lacking)}", "shield-alert", "warn", tooltip=tooltip
            )
        else:
            tooltip = f"All {len(answer.report.guarantees)} guarantees are enforced, tried in a real worker"
            self._bar.show_field("sandbox", "Sandboxed", "shield-check", "ok", tooltip=tooltip)

    @Slot(object)
    def _on_detached(self, error: UserFacingError) -> None:
        self._bar.show_field("runtime", "Runtime not connected", "server", "err", "error", tooltip=error.message)

    @Slot(object)
    def _on_project_described(self, project: hp.ProjectDescription) -> None:
        known = {one.name for one in project.environments}
        names = ["local", *(one.name for one in project.environments)]
        names += [name for name in ("staging", "production") if name not in known]
        ordered = sorted(dict.fromkeys(names), key=_environment_place)
        self._window.top_bar.set_environments(ordered)

    @Slot(object)
    def _on_tests_finished(self, finished: hp.TestsFinished) -> None:
        report = finished.report
        bad = report.failed + report.errors
        token: ColorName = "err" if bad else "ok"
        text = f"{report.passed} passed" + (f", {bad} failed" if bad else "")
        self._bar.show_field("tests", text, "flask-conical", token, tooltip="Show the tests")
        if self._window.rail.has("tests"):
            self._window.rail.button("tests").set_badge("count" if bad else "none", str(bad) if bad else "")

    @Slot(object)
    def _on_run_state_changed(self, state: RunState) -> None:
        text, icon_name, token, tone = _RUN_TEXTS[state.phase]
        self._bar.show_field("run", text, icon_name, token, tone, tooltip=state.title or text)
        self._window.top_bar.show_state(state)
        if self._window.rail.has("debug"):
            badge = self._window.rail.button("debug")
            if state.phase is RunPhase.PAUSED:
                badge.set_badge("paused")
            elif state.phase is RunPhase.IDLE:
                badge.set_badge("none")
            else:
                badge.set_badge("running")

    @Slot(object)
    def _on_caret_moved(self, caret: Caret) -> None:
        selected = f" ({caret.selected} selected)" if caret.selected else ""
        self._bar.show_field("caret", f"Ln {caret.line}, Col {caret.column}{selected}")

    @Slot(str)
    def _on_current_changed(self, path: str) -> None:
        if path:
            self._bar.show_field("indent", f"Spaces {language_of(path).indent}")
            self._bar.show_field("encoding", "UTF-8")
            self._show_saved(path)
        else:
            for field in ("caret", "indent", "encoding", "saved"):
                self._bar.show_field(field, "")

    @Slot(str)
    def _on_dirty_changed(self, _path: str) -> None:
        self._show_saved(self._editor.current_path)

    def _show_saved(self, path: str) -> None:
        if not path:
            self._bar.show_field("saved", "")
        elif self._editor.is_dirty(path):
            self._bar.show_field("saved", "Unsaved", "pencil", "warn", tooltip="Save (Ctrl+S)")
        else:
            self._bar.show_field("saved", "Saved", "check", "ok", tooltip="All changes are on disk")

    @Slot(object)
    def _on_choice_changed(self, choice: RunChoice) -> None:
        current = self._editor.current_path.rpartition("/")[2]
        self._window.top_bar.set_commits(choice.commits)
        self._window.top_bar.set_records(choice.records)
        self._window.top_bar.set_configurations(self._controller.configurations, choice.configuration, current)
        self._bar.show_field(
            "log_level", f"Log level {_code_level(choice.log_levels)}", tooltip="Set the log level"
        )

    @Slot(int)
    def _on_notice_count_changed(self, count: int) -> None:
        self._bar.show_field("bell", "", "bell", "accent" if count else "dim")


def _code_level(levels: str) -> str:
    """The level of APEX_CODE, which stands for the whole in the status bar."""
    for pair in levels.split(";"):
        category, _, level = pair.partition(",")
        if category.strip() == "APEX_CODE":
            return level.strip()
    return "FINE"


def _environment_place(name: str) -> tuple[int, str]:
    places = {"local": 0, "staging": 2, "production": 3}
    return places.get(name, 1), name
