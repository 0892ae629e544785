"""The environments and the releases of the chosen one, for the side bar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QSize, Slot
from PySide6.QtWidgets import QListView, QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.deployments import EnvironmentView
from circuit_console.models.release_list import ReleaseList
from circuit_console.panes.deploy.pane import utc_now
from circuit_console.panes.deploy.words import health_color, release_lines
from circuit_console.services.environments import Environments
from circuit_console.widgets.controls import EmptyState, divider, label
from circuit_console.widgets.environment_card import EnvironmentCard
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.env_protocol import ReleaseInfo

_CARD_PX = 74


class DeploySidePane(Pane):
    """Cards of the environments over the list of releases."""

    pane_id = "deploy_side"
    title = "Environments"
    icon_name = "server"
    region = Region.SIDE

    def __init__(
        self,
        theme: Theme,
        environments: Environments,
        clock: Callable[[], dt.datetime] = utc_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._environments = environments
        self._clock = clock
        self._cards: dict[str, EnvironmentCard] = {}
        self.model = ReleaseList(theme, clock, self)
        self.view = QListView(self)
        self.view.setModel(self.model)
        self.view.setIconSize(QSize(14, 14))
        self.view.setUniformItemSizes(True)
        self.view.setAccessibleName("Releases")
        self._column = QVBoxLayout()
        self._column.setContentsMargins(10, 0, 10, 10)
        self._column.setSpacing(8)
        head = label("RELEASES", "caps")
        head.setFont(theme.caps())
        head.setContentsMargins(14, 10, 0, 6)
        self._releases = QStackedWidget(self)
        self._releases.addWidget(
            EmptyState(theme, "archive-restore", "No releases yet", "Each deployment makes one.")
        )
        self._releases.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._column)
        layout.addWidget(divider())
        layout.addWidget(head)
        layout.addWidget(self._releases, 1)
        self.view.selectionModel().currentChanged.connect(self._on_release_chosen)
        environments.listed.connect(self._on_listed)
        environments.changed.connect(self._on_changed)
        environments.selected.connect(self._on_selected)
        environments.release_selected.connect(self._on_release_selected)
        self._on_listed(environments.views)

    @Slot(object)
    def _on_listed(self, views: tuple[EnvironmentView, ...]) -> None:
        for card in self._cards.values():
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = {}
        for view in views:
            card = EnvironmentCard(self._theme, view.name, is_production=view.is_production, height_px=_CARD_PX)
            card.chosen.connect(self._environments.select)
            self._cards[view.name] = card
            self._column.addWidget(card)
            self._show_card(view)
        self._show_releases()

    @Slot(object)
    def _on_changed(self, view: EnvironmentView) -> None:
        self._show_card(view)
        self._show_releases()

    @Slot(object)
    def _on_selected(self, _view: EnvironmentView) -> None:
        self._show_releases()

    @Slot(object)
    def _on_release_selected(self, release: ReleaseInfo | None) -> None:
        row = self.model.row_of(release.release) if release is not None else -1
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row))

    @Slot(QModelIndex, QModelIndex)
    def _on_release_chosen(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid():
            release = self.model.release_at(index).release
            chosen = self._environments.selected_release
            if chosen is None or chosen.release != release:
                self._environments.select_release(release)

    def _show_card(self, view: EnvironmentView) -> None:
        card = self._cards.get(view.name)
        if card is not None:
            card.show_state(view.health_words(), health_color(view), release_lines(view, self._clock())[:1])

    def _show_releases(self) -> None:
        view = self._environments.current
        for name, card in self._cards.items():
            card.choose(view is not None and name == view.name)
        releases = view.releases if view is not None else ()
        self.model.replace(releases)
        self._releases.setCurrentIndex(1 if releases else 0)
        self._on_release_selected(self._environments.selected_release)
