"""The chosen release: who made it from what, when it was active, and the way back to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.deployments import ago
from circuit_console.panes.deploy.pane import utc_now
from circuit_console.services.environments import Environments
from circuit_console.widgets.controls import ElidedLabel, EmptyState, label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.env_protocol import ReleaseInfo

_FIELDS = ("Release", "State", "Deployed", "Generation", "Created", "By", "Commit", "Tags")


class ReleasePane(Pane):
    """Details of one release.

    Signals:
        roll_back_requested: str, a release; the deploy pane asks before it is done.
    """

    pane_id = "release"
    title = "Release"
    icon_name = "tag"
    region = Region.INSPECTOR

    roll_back_requested = Signal(str)

    def __init__(
        self,
        theme: Theme,
        environments: Environments,
        clock: Callable[[], dt.datetime] = utc_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._environments = environments
        self._clock = clock
        self._release: ReleaseInfo | None = None
        self._values = {name: ElidedLabel() for name in _FIELDS}
        for name in ("Release", "Commit"):
            self._values[name].setFont(theme.mono(12))
        self._roll_back = QPushButton("Roll back to this release")
        self._roll_back.clicked.connect(self._on_roll_back_clicked)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self._values.items()):
            grid.addWidget(label(name, "dim"), row, 0)
            grid.addWidget(value, row, 1)
        details = QWidget(self)
        column = QVBoxLayout(details)
        column.setContentsMargins(14, 4, 14, 12)
        column.setSpacing(14)
        column.addLayout(grid)
        column.addWidget(self._roll_back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(EmptyState(theme, "tag", "No release chosen", "Choose one in the list of releases."))
        self._stack.addWidget(details)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        environments.release_selected.connect(self._on_release_selected)
        self._on_release_selected(environments.selected_release)

    def value(self, name: str) -> str:
        """What is shown beside a name."""
        return self._values[name].full_text()

    @Slot(object)
    def _on_release_selected(self, release: ReleaseInfo | None) -> None:
        self._release = release
        self._stack.setCurrentIndex(0 if release is None else 1)
        if release is None:
            return
        now = self._clock()
        state = "current" if release.current else "kept" if release.deployed_at else "never active"
        texts = {
            "Release": release.release,
            "State": state,
            "Deployed": ago(release.deployed_at, now),
            "Generation": str(release.generation or "none"),
            "Created": f"{release.created_at.astimezone():%Y-%m-%d %H:%M}",
            "By": release.created_by,
            "Commit": release.commit[:12] or "none",
            "Tags": ", ".join(release.tags) or "none",
        }
        for name, text in texts.items():
            self._values[name].set_full_text(text)
        view = self._environments.current
        is_free = view is not None and not view.is_busy and not view.is_deploying
        self._roll_back.setVisible(not release.current and release.deployed_at is not None)
        self._roll_back.setEnabled(is_free)

    @Slot()
    def _on_roll_back_clicked(self) -> None:
        if self._release is not None:
            self.roll_back_requested.emit(self._release.release)
