"""Stores what is remembered a moment after it changed, and brings it back at the start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Slot

from circuit_console.core.breakpoints import FunctionBreakpoint
from circuit_console.core.folders import Folders
from circuit_console.core.notices import Notice
from circuit_console.core.query_book import StoredQueries
from circuit_console.core.session import ProjectSession, Settings, StoredFunctionBreakpoint, store
from circuit_console.core.theme import Appearance
from circuit_console.panes.console.pane import ConsolePane
from circuit_console.panes.debugger.variables import VariablesPane
from circuit_console.panes.editor.area import EditorArea
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.documents import Documents
from circuit_console.window.controller import Controller
from circuit_console.window.main_window import MainWindow

if TYPE_CHECKING:
    # Built after the first picture, which must not wait for it.
    from circuit_console.panes.query.pane import QueryPane

_DELAY_MS = 500
_MOST_RECENT = 8


class SessionKeeper(QObject):
    """The tab list and the layouts are stored when they change, not at exit; a crash loses half a second."""

    def __init__(
        self,
        folders: Folders,
        project_root: Path,
        settings: Settings,
        session: ProjectSession,
        *,
        window: MainWindow,
        editor: EditorArea,
        documents: Documents,
        breakpoints: Breakpoints,
        variables: VariablesPane,
        console: ConsolePane,
        controller: Controller,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._folders = folders
        self._root = project_root
        self._settings = settings
        self._session = session
        self._window = window
        self._editor = editor
        self._documents = documents
        self._breakpoints = breakpoints
        self._controller = controller
        self._watches = session.watches
        self._history = session.console_history
        self._queries = session.queries
        self._is_restoring = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.store_now)
        for signal in (
            window.layout_changed,
            editor.tabs_changed,
            breakpoints.changed,
            breakpoints.functions_changed,
            breakpoints.filters_changed,
            controller.choice_changed,
        ):
            signal.connect(self._on_changed)
        editor.caret_moved.connect(self._on_changed)
        variables.watches_changed.connect(self._on_watches_changed)
        console.history_changed.connect(self._on_history_changed)
        controller.appearance_chosen.connect(self._on_appearance_chosen)
        window.closing.connect(self._on_closing)

    def restore(self, variables: VariablesPane, console: ConsolePane) -> None:
        """Bring back tabs, unsaved texts, layouts and choices."""
        session = self._session
        self._window.restore_layouts(session.layouts, session.perspective)
        self._breakpoints.set_filters(frozenset(session.exception_filters))
        self._breakpoints.set_functions(
            tuple(
                FunctionBreakpoint(name=one.name, is_enabled=one.is_enabled)
                for one in session.function_breakpoints
            )
        )
        variables.set_watches(session.watches)
        console.set_history(session.console_history)
        self._controller.set_choice(
            replace(
                self._controller.choice,
                configuration=session.run_configuration,
                commits=session.commits,
                records=session.records,
                log_levels=self._settings.log_levels,
                follows_debugger=self._settings.follow_debugger,
            )
        )
        self._controller.zoom(self._settings.zoom)
        snapshots = self._documents.snapshots()
        for snapshot in snapshots:
            self._editor.restore_snapshot(snapshot)
        self._editor.restore(session.tabs, session.active_tab)
        if snapshots:
            names = ", ".join(one.path.rpartition("/")[2] for one in snapshots)
            count = f"{len(snapshots)} unsaved file{'s' if len(snapshots) > 1 else ''}"
            self._window.notifications.notify(Notice(kind="fact", text=f"Restored {count}: {names}."))
        self._is_restoring = False

    def keep_queries(self, pane: QueryPane) -> None:
        """Bring the queries back, and remember them from now on."""
        pane.restore(self._queries)
        pane.remembered.connect(self._on_queries_remembered)

    @Slot()
    def store_now(self) -> None:
        """Write both files; a full disk must not keep the console from running."""
        choice = self._controller.choice
        session = ProjectSession(
            tabs=self._editor.open_tabs(),
            active_tab=self._editor.current_path,
            breakpoints=self._breakpoints.core().stored(),
            function_breakpoints=tuple(
                StoredFunctionBreakpoint(name=one.name, is_enabled=one.is_enabled)
                for one in self._breakpoints.functions
            ),
            exception_filters=tuple(sorted(self._breakpoints.filters)),
            watches=self._watches,
            perspective=self._window.perspective,
            layouts=self._window.layouts(),
            run_configuration=choice.configuration,
            commits=choice.commits,
            records=choice.records,
            console_history=self._history,
            queries=self._queries,
        )
        root = str(self._root)
        recent = (root, *(one for one in self._settings.recent_projects if one != root))[:_MOST_RECENT]
        size = self._window.normalGeometry() if self._window.isMaximized() else self._window.geometry()
        self._settings = msgspec.structs.replace(
            self._settings,
            zoom=self._controller.zoom_points,
            log_levels=choice.log_levels,
            follow_debugger=choice.follows_debugger,
            last_project=root,
            recent_projects=recent,
            width_px=size.width(),
            height_px=size.height(),
            is_maximized=self._window.isMaximized(),
        )
        try:
            store(self._folders.project_state(self._root) / "session.json", session)
            store(self._folders.settings_file, self._settings)
        except OSError:
            pass  # What was stored before stands; saving a file tells the user that the disk is full.

    @Slot()
    def _on_changed(self, *_details: object) -> None:
        if not self._is_restoring:
            self._timer.start()

    @Slot(object)
    def _on_watches_changed(self, watches: tuple[str, ...]) -> None:
        self._watches = watches
        self._on_changed()

    @Slot(object)
    def _on_history_changed(self, history: tuple[str, ...]) -> None:
        self._history = history
        self._on_changed()

    @Slot(object)
    def _on_queries_remembered(self, queries: StoredQueries) -> None:
        self._queries = queries
        self._on_changed()

    @Slot(object)
    def _on_appearance_chosen(self, appearance: Appearance) -> None:
        self._settings = msgspec.structs.replace(self._settings, appearance=appearance)
        self._on_changed()

    @Slot()
    def _on_closing(self) -> None:
        self._timer.stop()
        self._editor.snapshot_now()
        self.store_now()
