"""Deploying to a connected environment: actions, steps, what changed, and the way back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from circuit_console.core.deployments import (
    EnvironmentView,
    LineTone,
    ago,
    changed_components,
    outcome_words,
    passed_point_of_no_return,
    short_release,
)
from circuit_console.core.theme import ColorName
from circuit_console.models.component_table import ComponentTable
from circuit_console.panes.deploy.confirmation import Confirmation
from circuit_console.services.environments import Environments
from circuit_console.widgets.controls import EmptyState, IconLabel, label, set_role
from circuit_console.widgets.step_list import StepList
from circuit_console.widgets.theme import Theme
from circuit_link.env_protocol import FINAL_STATES, Deployment

_STEPS_PX = 340
_ROW_PX = 24
_CHANGE_PX = 110
_ROLE_OF_TONE = {"ok": "ok", "error": "error", "warning": "warn", "plain": "dim"}
_COLOR_OF_TONE: dict[LineTone, ColorName] = {"ok": "ok", "error": "err", "warning": "warn", "plain": "dim"}
_ICON_OF_TONE = {"ok": "circle-check", "error": "circle-x", "warning": "triangle-alert", "plain": "loader-circle"}


class DeploymentPage(QWidget):
    """Shows one environment.

    Signals:
        location_requested: Location, of a component.
    """

    location_requested = Signal(object)

    def __init__(
        self,
        theme: Theme,
        environments: Environments,
        clock: Callable[[], dt.datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._environments = environments
        self._clock = clock
        self._view: EnvironmentView | None = None
        self.steps = StepList(theme)
        self.confirmation = Confirmation(self)
        self.model = ComponentTable(theme, self)
        self.table = self._make_table()
        self._outcome_icon = IconLabel(theme, "info", "dim")
        self._outcome = label("", "dim")
        self._outcome.setWordWrap(True)
        self._build()

    def show_environment(self, view: EnvironmentView) -> None:
        if self._view is None or self._view.name != view.name:
            self.confirmation.hide()
        self._view = view
        self._show_actions(view)
        self._show_outcome(view)
        deployment = view.deployment
        self._content.setCurrentIndex(0 if deployment is None else 1)
        if deployment is not None:
            self.steps.show_deployment(deployment)
            self.model.replace(changed_components(deployment))
            self._share_columns(deployment)
            self._components_title.setText(f"CHANGES  {self.model.rowCount()}")

    def outcome_words(self) -> str:
        """How the last deployment stands."""
        return self._outcome.text()

    def ask_roll_back(self, release: str) -> None:
        """Ask before pointing the environment at another release."""
        view = self._view
        if view is None or view.is_busy:
            return
        name = short_release(release)
        self.confirmation.ask(
            f"Roll back {view.title} to {name}?",
            "The code, objects and settings of that release come back at once. Records, tokens and schedules stay "
            "as they are; fields that were added since stay in the database.",
            f"Roll back to {name}",
            view.name if view.is_production else "",
            partial(self._environments.roll_back, view.name, release),
        )

    # ------------------------------------------------------------------------------------------ building

    def _build(self) -> None:
        actions = QHBoxLayout()
        actions.setSpacing(8)
        self._deploy = QPushButton("Deploy", self)
        set_role(self._deploy, "primary")
        self._deploy.clicked.connect(self._on_deploy_clicked)
        self._validate = QPushButton("Validate", self)
        self._validate.setToolTip("Check the files and run the tests there; nothing is changed.")
        self._validate.clicked.connect(self._on_validate_clicked)
        self._cancel = QPushButton("Cancel", self)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self._roll_back = QPushButton("Roll back", self)
        self._roll_back.clicked.connect(self._on_roll_back_clicked)
        for button in (self._deploy, self._validate, self._cancel):
            actions.addWidget(button)
        actions.addStretch(1)
        actions.addWidget(self._roll_back)
        outcome = QHBoxLayout()
        outcome.setSpacing(8)
        outcome.addWidget(self._outcome_icon, 0, Qt.AlignmentFlag.AlignTop)
        outcome.addWidget(self._outcome, 1)
        self._content = QStackedWidget(self)
        self._content.addWidget(
            EmptyState(
                self._theme,
                "rocket",
                "Deploy the project as it is on disk",
                "It is checked and its tests run there; with 75 % of the code covered it becomes active at once.",
            )
        )
        self._content.addWidget(self._make_progress())
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(actions)
        column.addWidget(self.confirmation)
        column.addLayout(outcome)
        column.addWidget(self._content, 1)

    def _make_progress(self) -> QWidget:
        page = QWidget(self)
        left = QVBoxLayout()
        left.setSpacing(6)
        left.addWidget(self._caps("STEPS"))
        left.addWidget(self.steps)
        left.addStretch(1)
        self._components_title = self._caps("CHANGES")
        right = QVBoxLayout()
        right.setSpacing(6)
        right.addWidget(self._components_title)
        right.addWidget(self.table, 1)
        column = QWidget()
        left.setContentsMargins(0, 0, 10, 0)
        column.setLayout(left)
        steps = QScrollArea(page)
        steps.setFrameShape(QFrame.Shape.NoFrame)
        steps.setWidgetResizable(True)
        steps.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        steps.setFixedWidth(_STEPS_PX)
        steps.setWidget(column)
        steps.viewport().setAutoFillBackground(False)
        column.setAutoFillBackground(False)
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(24)
        row.addWidget(steps)
        row.addLayout(right, 1)
        return page

    def _caps(self, text: str) -> QLabel:
        made = label(text, "caps")
        made.setFont(self._theme.caps())
        return made

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self.model)
        table.setAccessibleName("Components of the deployment")
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, 76)
        header.resizeSection(2, _CHANGE_PX)
        header.setHighlightSections(False)
        table.activated.connect(self._on_component_activated)
        return table

    # ------------------------------------------------------------------------------------------ showing

    def _show_actions(self, view: EnvironmentView) -> None:
        is_free = not view.is_busy and not view.is_deploying
        self._deploy.setText(f"Deploy to {view.name}…" if view.is_production else f"Deploy to {view.name}")
        self._deploy.setIcon(self._theme.icon("lock" if view.is_production else "rocket", "on_accent"))
        for button in (self._deploy, self._validate):
            button.setVisible(is_free)
        deployment = view.deployment
        can_cancel = view.is_deploying and deployment is not None and not passed_point_of_no_return(deployment)
        self._cancel.setVisible(view.is_busy or view.is_deploying)
        self._cancel.setEnabled(can_cancel)
        self._cancel.setText("Cancel" if can_cancel else "Working…" if not view.is_deploying else "Past canceling")
        previous = view.previous
        self._roll_back.setVisible(previous is not None and is_free)
        if previous is not None:
            when = ago(previous.deployed_at, self._clock())
            self._roll_back.setText(f"Roll back to {short_release(previous.release)} ({when})")

    def _show_outcome(self, view: EnvironmentView) -> None:
        tone: LineTone
        if view.problem is not None:
            tone, words = "error", " ".join(filter(None, (view.problem.message, view.problem.hint)))
        elif view.deployment is not None:
            tone, words = outcome_words(view.deployment)
        else:
            tone, words = "plain", ""
        self._outcome.setText(words)
        self._outcome.setVisible(bool(words))
        self._outcome_icon.setVisible(bool(words))
        set_role(self._outcome, _ROLE_OF_TONE[tone])
        is_over = view.deployment is None or view.deployment.state in FINAL_STATES
        icon = "info" if tone == "plain" and is_over else _ICON_OF_TONE[tone]
        self._outcome_icon.set_icon(icon, _COLOR_OF_TONE[tone])

    def _share_columns(self, deployment: Deployment) -> None:
        """Problems need room for a sentence, changes for a word."""
        is_broken = any(not item.ok for item in deployment.components)
        mode = QHeaderView.ResizeMode.Stretch if is_broken else QHeaderView.ResizeMode.Interactive
        self.table.horizontalHeader().setSectionResizeMode(2, mode)

    # ------------------------------------------------------------------------------------------ actions

    @Slot()
    def _on_deploy_clicked(self) -> None:
        view = self._view
        if view is None:
            return
        start = partial(self._environments.deploy, view.name)
        if not view.is_production:
            self.confirmation.hide()
            start()
            return
        before = short_release(view.status.release if view.status else "")
        self.confirmation.ask(
            f"Deploy to {view.title}?",
            f"{view.url} runs {before} now. The files are checked and all tests run there before anything "
            "changes; then the new release serves every execution at once.",
            f"Deploy to {view.name}",
            view.name,
            start,
        )

    @Slot()
    def _on_validate_clicked(self) -> None:
        if self._view is not None:
            self._environments.deploy(self._view.name, "validate")

    @Slot()
    def _on_cancel_clicked(self) -> None:
        if self._view is not None:
            self._cancel.setEnabled(False)
            self._environments.cancel(self._view.name)

    @Slot()
    def _on_roll_back_clicked(self) -> None:
        if self._view is not None and self._view.previous is not None:
            self.ask_roll_back(self._view.previous.release)

    @Slot(QModelIndex)
    def _on_component_activated(self, index: QModelIndex) -> None:
        location = self.model.location_at(index)
        if location is not None:
            self.location_requested.emit(location)
