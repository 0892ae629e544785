"""The editor group: tabs, breadcrumb and one page a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from circuit_console.core.coverage import covered_percent
from circuit_console.core.notices import ErrorPresenter, Notice, Notifier
from circuit_console.core.python_source import enclosing
from circuit_console.core.session import OpenTab
from circuit_console.core.snapshots import Snapshot
from circuit_console.core.text_files import TextFile
from circuit_console.panes.editor.breadcrumb import Breadcrumb
from circuit_console.panes.editor.breakpoint_look import look_of
from circuit_console.panes.editor.disk_conflicts import DiskConflicts
from circuit_console.panes.editor.page import EditorPage
from circuit_console.panes.editor.welcome import Welcome
from circuit_console.services.breakpoints import Breakpoints
from circuit_console.services.documents import Documents
from circuit_console.services.tasks import Tasks
from circuit_console.widgets.code_editor.editor import Caret
from circuit_console.widgets.controls import divider, set_ground
from circuit_console.widgets.editor_tabs import EditorTabs
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import CoverageReport, FileCoverage, Problem

_ENOUGH_PERCENT = 75.0
_MOST_CLOSED = 20


class PageFacts(msgspec.Struct, frozen=True):
    """What the window tells of a file: its own problems, found while typing."""

    path: str
    problems: tuple[Problem, ...]


class EditorArea(QWidget):
    """Opens, edits and saves files. Paths are relative to the project.

    Signals:
        current_changed: str, path of the page on top, "" for none.
        caret_moved: Caret of the page on top.
        dirty_changed: str, path.
        tabs_changed: None, when the list of open files or the one on top changed.
        facts_changed: PageFacts, after a text was looked through.
        run_requested: str, path, by the breadcrumb's button.
        zoomed: int.
        execution_shown: str, path of the page on which the line that runs next was marked.
        hovered: (str, Hover), path and place where the mouse rests; Hover is None when it moves on.
        menu_requested: QPoint on the screen, over the page on top.
    """

    current_changed = Signal(str)
    caret_moved = Signal(object)
    dirty_changed = Signal(str)
    tabs_changed = Signal()
    facts_changed = Signal(object)
    run_requested = Signal(str)
    zoomed = Signal(int)
    execution_shown = Signal(str)
    hovered = Signal(str, object)
    menu_requested = Signal(QPoint)

    def __init__(
        self,
        theme: Theme,
        documents: Documents,
        breakpoints: Breakpoints,
        tasks: Tasks,
        notifier: Notifier,
        presenter: ErrorPresenter,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._documents = documents
        self._breakpoints = breakpoints
        self._tasks = tasks
        self._notifier = notifier
        self._presenter = presenter
        self._pages: dict[str, EditorPage] = {}
        self._opening: dict[str, list[Callable[[EditorPage], None]]] = {}
        self._closed: list[OpenTab] = []
        self._coverage: dict[str, FileCoverage] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._execution: tuple[str, int, bool] | None = None
        self._is_running = False
        self._zoom = 0
        self._conflicts = DiskConflicts(documents, tasks, presenter, self)
        self._tabs = EditorTabs(theme, self)
        self._breadcrumb = Breadcrumb(theme, self)
        self.welcome = Welcome(theme, self)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.welcome)
        self._stack.setMinimumHeight(1)
        self._lay_out()
        self._connect()

    # ------------------------------------------------------------------------------------------ files

    def open(self, path: str, line: int = 0, column: int = 0, *, focus: bool = True) -> None:
        """Open a file or bring its page to the top, and go to a 1-based place in it."""

        def arrived(page: EditorPage) -> None:
            self._tabs.choose(page.path)
            if line:
                page.editor.go_to(line, max(1, column))
            if focus:
                page.editor.setFocus()

        self._with_page(path, arrived)

    def restore(self, tabs: tuple[OpenTab, ...], active: str) -> None:
        """Open the files of the last session, each where it was, and then the one that was on top."""
        for tab in tabs:
            self._with_page(tab.path, partial(_place, tab), is_quiet=True)
        if active:
            self._with_page(active, lambda page: self._tabs.choose(page.path), is_quiet=True)

    def restore_snapshot(self, snapshot: Snapshot) -> None:
        """Bring back a text that was not saved; where the file differs from the one it came from, ask."""

        def arrived(page: EditorPage) -> None:
            file = self._documents.file(page.path)
            page.editor.replace_text(snapshot.text)
            page.editor.go_to(snapshot.line, snapshot.column)
            if file is not None and snapshot.disk_digest and file.digest != snapshot.disk_digest:
                self._conflicts.ask(page, "changed on disk since you last edited it")

        self._with_page(snapshot.path, arrived, is_quiet=True)

    def close_file(self, path: str) -> None:
        """Close its tab. An unsaved text stays as a snapshot and comes back by Undo or by opening it."""
        page = self._pages.pop(path, None)
        if page is None:
            return
        tab = self._tab_of(page)
        self._closed = [*self._closed, tab][-_MOST_CLOSED:]
        if page.editor.is_modified:
            caret = page.editor.caret()
            snapshot = Snapshot(
                path=path,
                text=page.editor.text(),
                disk_digest=self._digest(path),
                line=caret.line,
                column=caret.column,
            )
            self._notifier.notify(
                Notice(
                    kind="warning",
                    text=f"Closed {path} without saving its changes.",
                    actions=(("Undo", lambda: self.restore_snapshot(snapshot)),),
                )
            )
            self._documents.drop_snapshot(path)
        self._documents.forget(path)
        self._tabs.remove(path)
        self._stack.removeWidget(page)
        page.deleteLater()
        self.tabs_changed.emit()
        self.dirty_changed.emit(path)
        self.facts_changed.emit(PageFacts(path, ()))

    def close_current(self) -> None:
        if self.current_path:
            self.close_file(self.current_path)

    def reopen_closed(self) -> None:
        if self._closed:
            tab = self._closed.pop()
            self._with_page(tab.path, lambda page: self._reopened(tab, page))

    def _reopened(self, tab: OpenTab, page: EditorPage) -> None:
        _place(tab, page)
        self._tabs.choose(page.path)

    def save_current(self) -> None:
        page = self.current_page
        if page is not None:
            self._save(page)

    def save_all(self, on_saved: Callable[[], None] | None = None) -> None:
        """Save what is unsaved, then call back; not where one could not be saved."""
        dirty = [page for page in self._pages.values() if page.editor.is_modified]
        waiting = {page.path for page in dirty}
        if not dirty:
            if on_saved is not None:
                on_saved()
            return

        def saved(path: str) -> None:
            waiting.discard(path)
            if not waiting and on_saved is not None:
                on_saved()

        for page in dirty:
            self._save(page, partial(saved, page.path))

    def snapshot_now(self) -> None:
        """At exit: keep every unsaved text."""
        for page in self._pages.values():
            if page.editor.is_modified:
                caret = page.editor.caret()
                self._documents.snapshot_now(page.path, page.editor.text(), caret.line, caret.column)

    def compare_with_disk(self, paths: tuple[str, ...] = ()) -> None:
        """Look at the files that another program may have changed; all open ones for ()."""
        for path in paths or tuple(self._pages):
            if path in self._pages:
                self._documents.compare_with_disk(path)

    # ------------------------------------------------------------------------------------------ state

    @property
    def current_page(self) -> EditorPage | None:
        widget = self._stack.currentWidget()
        return widget if isinstance(widget, EditorPage) else None

    @property
    def current_path(self) -> str:
        page = self.current_page
        return page.path if page else ""

    def page(self, path: str) -> EditorPage | None:
        return self._pages.get(path)

    def is_dirty(self, path: str) -> bool:
        page = self._pages.get(path)
        return page is not None and page.editor.is_modified

    @property
    def dirty_paths(self) -> tuple[str, ...]:
        return tuple(path for path, page in self._pages.items() if page.editor.is_modified)

    def open_tabs(self) -> tuple[OpenTab, ...]:
        return tuple(self._tab_of(self._pages[path]) for path in self._tabs.paths() if path in self._pages)

    # ------------------------------------------------------------------------------------------ marks

    def show_coverage(self, report: CoverageReport | None) -> None:
        """Colour covered and uncovered lines of all files; None takes the colours away."""
        self._coverage = {file.path: file for file in report.files} if report else {}
        for path, page in self._pages.items():
            page.show_coverage(self._coverage.get(path))
        self._show_place()

    def show_problems(self, problems: tuple[Problem, ...]) -> None:
        by_path: dict[str, list[Problem]] = {}
        for problem in problems:
            by_path.setdefault(problem.path, []).append(problem)
        self._problems = {path: tuple(found) for path, found in by_path.items()}
        for path, page in self._pages.items():
            page.show_problems(self._problems.get(path, ()))

    def show_execution(self, path: str, line: int, *, is_top_frame: bool) -> None:
        """Open the file where the run stands and mark the line that runs next."""
        self.clear_execution()
        self._execution = (path, line, is_top_frame)
        self._with_page(path, self._mark_execution)

    def clear_execution(self) -> None:
        self._execution = None
        for page in self._pages.values():
            page.editor.marks.set_execution_line(0)
            page.editor.marks.set_values({})

    def show_values(self, path: str, values: dict[int, str]) -> None:
        """Values at line ends of the file where the run is paused."""
        page = self._pages.get(path)
        if page is not None and self._execution is not None and self._execution[0] == path:
            page.editor.marks.set_values(values)

    def set_running(self, is_running: bool) -> None:
        """While something runs, an edit makes the text newer than the code that runs."""
        self._is_running = is_running
        if not is_running:
            for page in self._pages.values():
                page.stale_bar.hide()

    def set_zoom(self, points: int) -> None:
        self._zoom = points
        for page in self._pages.values():
            page.editor.set_zoom(points)

    # ------------------------------------------------------------------------------------------ inside

    def _lay_out(self) -> None:
        set_ground(self, "editor")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._tab_row = QWidget(self)
        set_ground(self._tab_row, "chrome")
        row = QVBoxLayout(self._tab_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._tabs)
        layout.addWidget(self._tab_row)
        self._tab_line = divider()
        layout.addWidget(self._tab_line)
        layout.addWidget(self._breadcrumb)
        layout.addWidget(self._stack, 1)
        self._show_heads()

    def _connect(self) -> None:
        self._tabs.path_chosen.connect(self._on_path_chosen)
        self._tabs.close_requested.connect(self.close_file)
        self._tabs.order_changed.connect(self.tabs_changed)
        self._breadcrumb.line_chosen.connect(self._on_line_chosen)
        self._breadcrumb.run_requested.connect(self._on_run_requested)
        self.welcome.file_chosen.connect(self.open)
        self._documents.saved.connect(self._on_saved)
        self._documents.save_failed.connect(self._on_save_failed)
        self._documents.changed_on_disk.connect(self._on_changed_on_disk)
        self._conflicts.own_text_chosen.connect(self._save)
        self._conflicts.reloaded.connect(self._draw_breakpoints)
        self._breakpoints.changed.connect(self._on_breakpoints_changed)
        self._theme.changed.connect(self._on_theme_changed)

    def _with_page(self, path: str, then: Callable[[EditorPage], None], *, is_quiet: bool = False) -> None:
        """Call back with the file's page, reading it first where it is not open."""
        if path in self._pages:
            then(self._pages[path])
            return
        waiting = self._opening.setdefault(path, [])
        waiting.append(then)
        if len(waiting) > 1:
            return

        def refused(error: UserFacingError) -> None:
            self._opening.pop(path, None)
            if not is_quiet:
                self._presenter.present(error)

        self._documents.read(path, lambda file: self._on_read(path, file), refused)

    def _on_read(self, path: str, file: TextFile) -> None:
        page = EditorPage(self._theme, self._tasks, path, self)
        self._pages[path] = page
        self._stack.addWidget(page)
        page.load(file.text)
        page.editor.set_zoom(self._zoom)
        page.show_coverage(self._coverage.get(path))
        page.show_problems(self._problems.get(path, ()))
        self._draw_breakpoints(page)
        page.editor.modified_changed.connect(lambda is_dirty: self._on_modified_changed(page, is_dirty))
        page.editor.edited.connect(lambda: self._on_edited(page))
        page.editor.caret_moved.connect(lambda caret: self._on_caret_moved(page, caret))
        page.editor.margin_clicked.connect(lambda line: self._breakpoints.toggle(page.path, line))
        page.editor.hovered.connect(lambda hover: self.hovered.emit(page.path, hover))
        page.editor.menu_requested.connect(self.menu_requested)
        page.facts_changed.connect(self._on_facts_changed)
        page.snapshot_due.connect(self._on_snapshot_due)
        self._tabs.add(path)
        self._show_heads()
        for then in self._opening.pop(path, []):
            then(page)
        if self._execution is not None and self._execution[0] == path:
            self._mark_execution(page)
        self.tabs_changed.emit()

    def _save(self, page: EditorPage, on_done: Callable[[], None] | None = None) -> None:
        text = page.editor.text()

        def saved() -> None:
            if page.editor.text() == text:
                page.editor.mark_saved()
            page.disk_bar.hide()
            if on_done is not None:
                on_done()

        self._documents.save(page.path, text, saved)

    @Slot(str)
    def _on_saved(self, path: str) -> None:
        self.dirty_changed.emit(path)

    @Slot(object)
    def _on_save_failed(self, error: UserFacingError) -> None:
        self._presenter.present(error)

    @Slot(str)
    def _on_changed_on_disk(self, path: str) -> None:
        page = self._pages.get(path)
        if page is not None:
            self._conflicts.meet(page)

    def _mark_execution(self, page: EditorPage) -> None:
        if self._execution is None or self._execution[0] != page.path:
            return
        _, line, is_top_frame = self._execution
        self._tabs.choose(page.path)
        page.editor.marks.set_execution_line(line, is_top_frame=is_top_frame)
        page.editor.go_to(line)
        self.execution_shown.emit(page.path)

    def _draw_breakpoints(self, page: EditorPage) -> None:
        is_muted = self._breakpoints.is_muted
        looks = {one.key: (one.line, look_of(one, is_muted=is_muted)) for one in self._breakpoints.of(page.path)}
        page.editor.marks.set_breakpoints(looks)

    @Slot(str)
    def _on_breakpoints_changed(self, path: str) -> None:
        page = self._pages.get(path)
        if page is not None:
            self._draw_breakpoints(page)

    def _on_modified_changed(self, page: EditorPage, is_dirty: bool) -> None:
        self._tabs.set_dirty(page.path, is_dirty)
        if not is_dirty:
            self._documents.drop_snapshot(page.path)
        self.dirty_changed.emit(page.path)

    def _on_edited(self, page: EditorPage) -> None:
        lines = page.editor.marks.breakpoint_lines()
        known = {one.key: one.line for one in self._breakpoints.of(page.path)}
        if lines != known:
            self._breakpoints.follow_text(page.path, lines)
        if self._is_running and not page.stale_bar.isVisible():
            page.stale_bar.show_message(
                "history", "warn", "The running code is older than this text: changes take effect at the next run."
            )

    def _on_caret_moved(self, page: EditorPage, caret: Caret) -> None:
        if page is self.current_page:
            self._show_place()
            self.caret_moved.emit(caret)

    @Slot(str)
    def _on_facts_changed(self, path: str) -> None:
        page = self._pages.get(path)
        if page is not None:
            self._show_place()
            self.facts_changed.emit(PageFacts(path, page.own_problems))

    @Slot(str)
    def _on_snapshot_due(self, path: str) -> None:
        page = self._pages.get(path)
        if page is not None:
            caret = page.editor.caret()
            self._documents.snapshot(path, page.editor.text(), caret.line, caret.column)

    @Slot(str)
    def _on_path_chosen(self, path: str) -> None:
        page = self._pages.get(path)
        self._stack.setCurrentWidget(page if page is not None else self.welcome)
        self._show_heads()
        self._show_place()
        self.current_changed.emit(path)
        self.tabs_changed.emit()
        if page is not None:
            self.caret_moved.emit(page.editor.caret())

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        self._breadcrumb.forget()
        self._show_place()

    @Slot(int)
    def _on_line_chosen(self, line: int) -> None:
        page = self.current_page
        if page is not None:
            page.editor.go_to(line)
            page.editor.setFocus()

    @Slot()
    def _on_run_requested(self) -> None:
        self.run_requested.emit(self.current_path)

    def _show_heads(self) -> None:
        has_pages = bool(self._pages)
        for part in (self._tab_row, self._tab_line, self._breadcrumb):
            part.setVisible(has_pages)

    def _show_place(self) -> None:
        page = self.current_page
        if page is None:
            return
        symbols = enclosing(page.outline, page.editor.caret().line)
        self._breadcrumb.show_place(page.path, symbols)
        percent = covered_percent(page.coverage, (symbols[-1].line, symbols[-1].end_line) if symbols else None)
        text = "" if percent is None else f"{percent:.0f} % covered"
        self._breadcrumb.show_coverage(text, is_enough=percent is None or percent >= _ENOUGH_PERCENT)

    def _tab_of(self, page: EditorPage) -> OpenTab:
        caret = page.editor.caret()
        return OpenTab(
            path=page.path,
            line=caret.line,
            column=caret.column,
            first_visible_line=page.editor.first_visible_line(),
            folded=page.editor.folded_lines(),
        )

    def _digest(self, path: str) -> str:
        file = self._documents.file(path)
        return file.digest if file else ""


def _place(tab: OpenTab, page: EditorPage) -> None:
    page.editor.fold(tab.folded)
    page.editor.go_to(tab.line, tab.column)
    page.editor.scroll_to(tab.first_visible_line)
