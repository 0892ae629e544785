"""The deploy perspective's centre: the pipeline of environments, and below it the chosen one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.deployments import Connection, EnvironmentView
from circuit_console.panes.deploy.connect_form import ConnectForm
from circuit_console.panes.deploy.deployment_page import DeploymentPage
from circuit_console.panes.deploy.words import health_color, release_lines
from circuit_console.services.environments import Environments
from circuit_console.widgets.controls import EmptyState, IconButton, IconLabel, divider, label, set_ground
from circuit_console.widgets.environment_card import EnvironmentCard
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme

_LOCAL = "local"
_ADD_HINT = 'Add one to circuit.toml:   [environments.staging]   url = "http://127.0.0.1:8100"'


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class DeployPane(Pane):
    """Local → Staging → Production as cards; a form to connect, or the steps of a deployment."""

    pane_id = "deploy"
    title = "Deploy"
    icon_name = "rocket"
    region = Region.CENTRE

    def __init__(
        self,
        theme: Theme,
        environments: Environments,
        clock: Callable[[], dt.datetime] = utc_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_ground(self, "panel")
        self._theme = theme
        self._environments = environments
        self._clock = clock
        self._cards: dict[str, EnvironmentCard] = {}
        self.form = ConnectForm(theme, environments)
        self.page = DeploymentPage(theme, environments, clock)
        self.page.location_requested.connect(self._request_location)
        self._pipeline = QHBoxLayout()
        self._pipeline.setContentsMargins(16, 12, 16, 0)
        self._pipeline.setSpacing(8)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(EmptyState(theme, "cloud", "No remote environment", _ADD_HINT))
        self._stack.addWidget(self.form)
        self._stack.addWidget(self.page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_head())
        layout.addWidget(divider())
        layout.addLayout(self._pipeline)
        layout.addWidget(self._stack, 1)
        environments.listed.connect(self._on_listed)
        environments.changed.connect(self._on_changed)
        environments.selected.connect(self._on_selected)
        self._on_listed(environments.views)

    def showEvent(self, event: QShowEvent) -> None:
        """Nothing is asked over the network before somebody looks."""
        super().showEvent(event)
        self._environments.look()

    def _make_head(self) -> QWidget:
        head = QWidget(self)
        head.setFixedHeight(44)
        self._words = label("", "faint")
        refresh = IconButton(self._theme, "refresh-cw", "Ask the environment again")
        refresh.clicked.connect(self._on_refresh_clicked)
        row = QHBoxLayout(head)
        row.setContentsMargins(14, 0, 10, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel(self._theme, "rocket", "accent"))
        row.addWidget(label("Deploy", "title"))
        row.addWidget(self._words)
        row.addStretch(1)
        row.addWidget(refresh)
        return head

    @Slot(object)
    def _on_listed(self, views: tuple[EnvironmentView, ...]) -> None:
        while (item := self._pipeline.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._cards = {}
        local = EnvironmentCard(self._theme, _LOCAL)
        local.set_title("Local", "monitor-check")
        local.show_state("this machine", "faint", ("the files on disk", "runs are rolled back"))
        self._pipeline.addWidget(local, 1)
        for view in views:
            self._pipeline.addWidget(IconLabel(self._theme, "chevron-right", "faint"))
            card = EnvironmentCard(self._theme, view.name, is_production=view.is_production)
            card.chosen.connect(self._environments.select)
            self._cards[view.name] = card
            self._pipeline.addWidget(card, 1)
            self._show_card(view)
        self._show_current()
        if self.isVisible():
            self._environments.look()

    @Slot(object)
    def _on_changed(self, view: EnvironmentView) -> None:
        self._show_card(view)
        current = self._environments.current
        if current is not None and current.name == view.name:
            self._show_current()

    @Slot(object)
    def _on_selected(self, _view: EnvironmentView) -> None:
        self._show_current()

    @Slot()
    def _on_refresh_clicked(self) -> None:
        current = self._environments.current
        if current is not None:
            self._environments.refresh(current.name)

    def _show_card(self, view: EnvironmentView) -> None:
        card = self._cards.get(view.name)
        if card is not None:
            card.show_state(view.health_words(), health_color(view), release_lines(view, self._clock()))

    def _show_current(self) -> None:
        view = self._environments.current
        for name, card in self._cards.items():
            card.choose(view is not None and name == view.name)
        if view is None:
            self._words.setText("")
            self._stack.setCurrentIndex(0)
            return
        self._words.setText(view.url)
        if view.connection is Connection.CONNECTED:
            self.page.show_environment(view)
            self._stack.setCurrentWidget(self.page)
        else:
            self.form.show_environment(view)
            self._stack.setCurrentWidget(self.form)
