"""The top bar: project, go-to box, run controls, environments. It only shows; every button asks for a command."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from circuit_console.core.run_state import RunPhase, RunState
from circuit_console.core.theme import ColorName
from circuit_console.widgets.controls import ElidedLabel, IconButton, IconLabel, label, refresh_style, set_ground
from circuit_console.widgets.theme import Theme

_BAR_PX = 46
_GO_TO_PX = 368
_LEAST_GO_TO_PX = 110
_LEFT_PX = 397
_RUN_BOX_PX = 172

_UNDER_WAY = frozenset({RunPhase.STARTING, RunPhase.RUNNING, RunPhase.STOPPING})
_PAUSED = frozenset({RunPhase.PAUSED})
_STEP_BACK = "run.step_back"


class _Control(msgspec.Struct, frozen=True):
    """A button, and in which phases it is there."""

    command_id: str
    icon_name: str
    tooltip: str
    token: ColorName
    phases: frozenset[RunPhase]


_CONTROLS = (
    _Control("run.debug", "bug-play", "Run under the debugger (F5)", "ok", frozenset({RunPhase.IDLE})),
    _Control("run.plain", "play", "Run without debugging (Ctrl+F5)", "ok", frozenset({RunPhase.IDLE})),
    _Control("run.pause", "pause-filled", "Pause (F6)", "paused", _UNDER_WAY),
    _Control("run.debug", "step-forward", "Continue (F5)", "paused", _PAUSED),
    _Control(_STEP_BACK, "undo-dot", "Step back (Alt+F10)", "text", _PAUSED),
    _Control("run.step_over", "redo-dot", "Step over (F10)", "text", _PAUSED),
    _Control("run.step_into", "arrow-down-to-dot", "Step into (F11)", "text", _PAUSED),
    _Control("run.step_out", "arrow-up-from-dot", "Step out (Shift+F11)", "text", _PAUSED),
    _Control("run.restart", "rotate-ccw", "Restart (Ctrl+Shift+F5)", "ok", _UNDER_WAY | _PAUSED),
    _Control("run.stop", "square", "Stop (Shift+F5)", "err", _UNDER_WAY | _PAUSED),
)


class RunControls(QWidget):
    """The buttons that fit the run's phase; amber while paused.

    Signals:
        command_requested: str, command id.
    """

    command_requested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(30)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 1, 4, 1)
        layout.setSpacing(1)
        self._state = RunState()
        self._steps_back = False
        self._buttons: list[tuple[_Control, IconButton]] = []
        for control in _CONTROLS:
            button = IconButton(theme, control.icon_name, control.tooltip, control.token, 17)
            button.setFixedSize(28, 28)
            button.setObjectName(control.command_id)
            button.clicked.connect(
                lambda _checked=False, wanted=control.command_id: self.command_requested.emit(wanted)
            )
            layout.addWidget(button)
            self._buttons.append((control, button))
        self.show_state(self._state)

    def offer_steps_back(self, is_offered: bool) -> None:
        """A run that is not recorded cannot be walked backwards."""
        if is_offered != self._steps_back:
            self._steps_back = is_offered
            self.show_state(self._state)

    def show_state(self, state: RunState) -> None:
        self._state = state
        is_enabled = {
            "run.pause": state.can_pause,
            "run.stop": state.can_stop,
            "run.restart": state.can_stop and state.kind != "tests",
        }
        for control, button in self._buttons:
            is_offered = control.command_id != _STEP_BACK or self._steps_back
            button.setVisible(state.phase in control.phases and is_offered)
            button.setEnabled(is_enabled.get(control.command_id, True))
        set_ground(self, "paused" if state.phase is RunPhase.PAUSED else "")


class _GoToBox(QPushButton):
    """Gives way where the window is narrow: the environments must be in sight."""

    def sizeHint(self) -> QSize:
        return QSize(_GO_TO_PX, self.maximumHeight())

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_GO_TO_PX, self.maximumHeight())


class TopBar(QWidget):
    """Signals:
    command_requested: str, command id.
    configuration_chosen: str, name of a run configuration; "" for the current file.
    commit_chosen: bool, whether runs keep what they write.
    recording_chosen: bool, whether debugged runs can be walked backwards.
    environment_chosen: str, name.
    """

    command_requested = Signal(str)
    configuration_chosen = Signal(str)
    commit_chosen = Signal(bool)
    recording_chosen = Signal(bool)
    environment_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_ground(self, "chrome")
        self.setFixedHeight(_BAR_PX)
        self._configurations: tuple[str, ...] = ()
        self._chosen = ""
        self._commits = False
        self._records = False
        self._project = QPushButton(self)
        self._project.setObjectName("projectButton")
        self._project.setAccessibleName("Project")
        self._project.clicked.connect(lambda: self.command_requested.emit("project.menu"))
        self._branch_icon = IconLabel(theme, "git-branch", "dim", 14)
        self._branch = label("", "dim")
        self._go_to = self._make_go_to()
        self._run_icon = IconLabel(theme, "list-checks", "dim", 15)
        self._run_text = ElidedLabel()
        self._run_box = self._make_run_box()
        self.controls = RunControls(theme, self)
        self.controls.command_requested.connect(self.command_requested)
        self._environments = QWidget(self)
        self._environments.setObjectName("environments")
        self._environments.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._environments.setFixedHeight(30)
        self._environment_group = QButtonGroup(self)
        self._lay_out()
        self.set_environments(("local",))
        self.set_environment("local")
        theme.changed.connect(self._on_theme_changed)
        self._renew_icons()

    def set_project(self, name: str, branch: str) -> None:
        self._project.setText(f" {name} ")
        self._branch.setText(branch)
        for part in (self._branch, self._branch_icon):
            part.setVisible(bool(branch))

    def set_configurations(self, names: Sequence[str], chosen: str, current_file: str) -> None:
        """`chosen` is one of the names, or "" for the current file, whose name is shown then."""
        self._configurations = tuple(names)
        self._chosen = chosen
        text = chosen or current_file or "Current file"
        self._run_text.set_full_text(text)
        self._run_box.setToolTip(f"F5 runs {text}" + (", and keeps what it writes" if self._commits else ""))

    def set_commits(self, commits: bool) -> None:
        self._commits = commits
        self._renew_icons()

    def set_records(self, records: bool) -> None:
        self._records = records

    def show_state(self, state: RunState) -> None:
        self.controls.show_state(state)
        self._run_box.setEnabled(state.can_start)

    def set_environments(self, names: Sequence[str]) -> None:
        """Offer these; the one that was chosen stays chosen."""
        checked = self._environment_group.checkedButton()
        chosen = str(checked.property("environment")) if checked is not None else ""
        layout = self._environments.layout()
        assert layout is not None
        while (item := layout.takeAt(0)) is not None:
            button = item.widget()
            if isinstance(button, QPushButton):
                self._environment_group.removeButton(button)
                button.deleteLater()
        for name in names:
            layout.addWidget(self._make_segment(name, name == chosen))

    def set_environment(self, name: str) -> None:
        for button in self._environment_group.buttons():
            button.setChecked(button.property("environment") == name)

    def _make_segment(self, name: str, is_chosen: bool) -> QPushButton:
        title = name.capitalize()
        # An icon and its text stand four pixels apart, whatever the style sheet says.
        segment = QPushButton(f" {title}" if name == "production" else title)
        segment.setProperty("role", "segment")
        segment.setProperty("environment", name)
        segment.setCheckable(True)
        segment.setChecked(is_chosen)
        segment.setAccessibleName(f"Environment {name}")
        segment.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if name == "production":
            segment.setIcon(self._theme.icon("lock", "prod", 14))
            segment.setIconSize(QSize(14, 14))
        segment.clicked.connect(lambda _checked=False: self.environment_chosen.emit(name))
        self._environment_group.addButton(segment)
        refresh_style(segment)
        return segment

    def _make_go_to(self) -> QPushButton:
        box = _GoToBox(self)
        box.setObjectName("goTo")
        box.setFixedHeight(30)
        box.setMaximumWidth(_GO_TO_PX)
        box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        box.setAccessibleName("Go to file, symbol or command")
        box.clicked.connect(lambda: self.command_requested.emit("go.file"))
        row = QHBoxLayout(box)
        row.setContentsMargins(10, 0, 6, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel(self._theme, "search", "dim", 15))
        row.addWidget(ElidedLabel("Go to file or command", "dim"), 1)
        key = label("Ctrl+P", "key")
        key.setFixedHeight(20)
        row.addWidget(key)
        return box

    def _make_run_box(self) -> QPushButton:
        box = QPushButton(self)
        box.setObjectName("runConfiguration")
        box.setFixedSize(_RUN_BOX_PX, 30)
        box.setAccessibleName("Run configuration")
        box.setMenu(QMenu(box))
        box.menu().aboutToShow.connect(self._on_menu_opening)
        row = QHBoxLayout(box)
        row.setContentsMargins(9, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._run_icon)
        row.addWidget(self._run_text, 1)
        row.addWidget(IconLabel(self._theme, "chevron-down", "dim", 14))
        return box

    def _lay_out(self) -> None:
        self._environments.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        environments = QHBoxLayout(self._environments)
        environments.setContentsMargins(2, 2, 2, 2)
        environments.setSpacing(2)
        left = QWidget(self)
        left.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        left.setMaximumWidth(_LEFT_PX)
        left_row = QHBoxLayout(left)
        left_row.setContentsMargins(0, 0, 0, 0)
        left_row.setSpacing(6)
        left_row.addWidget(self._project)
        left_row.addSpacing(4)
        left_row.addWidget(self._branch_icon)
        left_row.addWidget(self._branch)
        left_row.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 12, 0)
        row.setSpacing(8)
        row.addWidget(left, 100)
        row.addWidget(self._go_to)
        row.addStretch(1)
        row.addWidget(self._run_box)
        row.addWidget(self.controls)
        row.addWidget(self._environments)

    @Slot()
    def _on_menu_opening(self) -> None:
        menu = self._run_box.menu()
        menu.clear()
        for name in self._configurations:
            self._add_choice(menu, name, name)
        if self._configurations:
            menu.addSeparator()
        self._add_choice(menu, "Current file", "")
        menu.addSeparator()
        keeps = menu.addAction("Keep what the run writes (commit)")
        keeps.setCheckable(True)
        keeps.setChecked(self._commits)
        keeps.toggled.connect(self.commit_chosen)
        records = menu.addAction("Record statements, to step back (5 to 15 µs for each)")
        records.setCheckable(True)
        records.setChecked(self._records)
        records.toggled.connect(self.recording_chosen)

    def _add_choice(self, menu: QMenu, title: str, name: str) -> None:
        action = menu.addAction(title)
        action.setCheckable(True)
        action.setChecked(name == self._chosen)
        action.triggered.connect(lambda _checked=False: self.configuration_chosen.emit(name))

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._renew_icons()

    def _renew_icons(self) -> None:
        self._project.setIcon(self._theme.icon("circuit-board", "accent", 20))
        self._project.setIconSize(QSize(20, 20))
        if self._commits:
            self._run_icon.set_icon("save", "warn")
        else:
            self._run_icon.set_icon("list-checks", "dim")
        for button in self._environment_group.buttons():
            if button.property("environment") == "production":
                button.setIcon(self._theme.icon("lock", "prod", 14))
