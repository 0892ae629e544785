"""The releases of an environment, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from circuit_console.core.deployments import ago, short_release
from circuit_console.models.look import Look
from circuit_link.env_protocol import ReleaseInfo

Index = QModelIndex | QPersistentModelIndex


class ReleaseList(QAbstractListModel):
    """One row a release: its name, and when it came to the environment."""

    def __init__(self, look: Look, clock: Callable[[], dt.datetime], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._clock = clock
        self._releases: tuple[ReleaseInfo, ...] = ()

    def replace(self, releases: tuple[ReleaseInfo, ...]) -> None:
        if releases == self._releases:
            return
        self.beginResetModel()
        self._releases = releases
        self.endResetModel()

    def release_at(self, index: Index) -> ReleaseInfo:
        return self._releases[index.row()]

    def row_of(self, release: str) -> int:
        """-1 where it is not listed."""
        return next((row for row, item in enumerate(self._releases) if item.release == release), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        return 0 if parent.isValid() else len(self._releases)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        item = self._releases[index.row()]
        when = "current" if item.current else ago(item.deployed_at or item.created_at, self._clock())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{short_release(item.release)}   {when}"
            case Qt.ItemDataRole.DecorationRole:
                if item.current:
                    return self._look.icon("circle-check", "ok", 14)
                return self._look.icon("circle" if item.deployed_at else "circle-dashed", "faint", 14)
            case Qt.ItemDataRole.ToolTipRole:
                tags = f"\n{', '.join(item.tags)}" if item.tags else ""
                return f"{item.release}\ncreated by {item.created_by}{tags}"
            case Qt.ItemDataRole.ForegroundRole:
                return self._look.color("text" if item.deployed_at else "dim")
        return None
