"""The explorer: the project's files, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QMenu, QStackedWidget, QTreeView, QVBoxLayout, QWidget

from circuit_console.core import project_files
from circuit_console.core.location import Location
from circuit_console.core.notices import ErrorPresenter, Notice, Notifier
from circuit_console.core.project_files import ProjectFile, list_project
from circuit_console.core.run_target import RunTarget, file_target
from circuit_console.models.project_tree import ProjectTree
from circuit_console.services.project_watcher import ProjectWatcher
from circuit_console.services.tasks import Tasks
from circuit_console.widgets.controls import EmptyState, IconButton, label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_FIRST_OPEN = ("triggers", "classes", "events", "tests")


class _NameField(QLineEdit):
    """Signals:
    given_up: None, by Escape.
    """

    given_up = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class ExplorerPane(Pane):
    """Signals:
    files_changed: tuple[str, ...], all files of the project after a change.
    disk_changed: tuple[str, ...], files that something changed on disk.
    run_requested: RunTarget.
    debug_requested: RunTarget.
    path_removed: str, a file or folder that was renamed or deleted here.
    """

    pane_id = "explorer"
    title = "Explorer"
    icon_name = "files"
    region = Region.SIDE

    files_changed = Signal(object)
    disk_changed = Signal(object)
    run_requested = Signal(object)
    debug_requested = Signal(object)
    path_removed = Signal(str)

    def __init__(
        self,
        theme: Theme,
        project_root: Path,
        watcher: ProjectWatcher,
        tasks: Tasks,
        notifier: Notifier,
        presenter: ErrorPresenter,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._root = project_root
        self._tasks = tasks
        self._notifier = notifier
        self._presenter = presenter
        self._tree = ProjectTree(theme, self)
        self._open_folders = set(_FIRST_OPEN)
        self._on_named: Callable[[str], None] | None = None
        self._view = self._make_view()
        self._name_title = label("", "dim")
        self._name_field = _NameField(self)
        self._name_field.returnPressed.connect(self._on_name_given)
        self._name_field.given_up.connect(self._end_naming)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._view)
        self._stack.addWidget(
            EmptyState(theme, "folder-open", "This project has no files yet", "Create one with +.")
        )
        self._naming = QWidget(self)
        naming = QVBoxLayout(self._naming)
        naming.setContentsMargins(12, 2, 10, 8)
        naming.setSpacing(4)
        naming.addWidget(self._name_title)
        naming.addWidget(self._name_field)
        self._naming.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._naming)
        layout.addWidget(self._stack, 1)
        self._tools = self._make_tools()
        watcher.changed.connect(self._on_disk_changed)
        theme.changed.connect(lambda _tokens: self._view.viewport().update())

    def head_tools(self) -> list[QWidget]:
        return self._tools

    @property
    def files(self) -> tuple[str, ...]:
        return self._tree.files()

    def refresh(self) -> None:
        """Read the folder again, in the background."""
        root = self._root
        self._tasks.run(lambda: list_project(root), self._on_listed)

    def reveal(self, path: str) -> None:
        """Select a file without opening it."""
        index = self._tree.index_of(path)
        if index.isValid():
            self._view.setCurrentIndex(index)
            self._view.scrollTo(index)

    # ------------------------------------------------------------------------------------------ actions

    def ask_new_file(self, folder: str | None = None) -> None:
        place = self._current_folder() if folder is None else folder
        self._begin_naming(f"New file in {place or 'the project'}", "", partial(self._create_file, place))

    def ask_new_folder(self, folder: str | None = None) -> None:
        place = self._current_folder() if folder is None else folder
        self._begin_naming(f"New folder in {place or 'the project'}", "", partial(self._create_folder, place))

    def ask_rename(self, file: ProjectFile) -> None:
        self._begin_naming(f"New name of {file.path}", file.name, partial(self._rename, file))

    def delete(self, file: ProjectFile) -> None:
        """Move it to the project's trash; the notification can take it back."""
        try:
            kept = project_files.move_to_trash(self._root, file.path)
        except UserFacingError as exc:
            self._presenter.present(exc)
            return
        self.path_removed.emit(file.path)
        self.refresh()
        undo = partial(self._take_back, kept, file.path)
        self._notifier.notify(Notice(kind="fact", text=f"Deleted {file.path}.", actions=(("Undo", undo),)))

    def _create_file(self, folder: str, name: str) -> None:
        path = f"{folder}/{name}" if folder else name
        if self._succeeds(lambda: project_files.create_file(self._root, path)):
            self.refresh()
            self.location_requested.emit(Location(path, 1))

    def _create_folder(self, folder: str, name: str) -> None:
        path = f"{folder}/{name}" if folder else name
        if self._succeeds(lambda: project_files.create_folder(self._root, path)):
            self._open_folders.add(path)
            self.refresh()

    def _rename(self, file: ProjectFile, name: str) -> None:
        new_path = f"{file.parent}/{name}" if file.parent else name
        if new_path != file.path and self._succeeds(lambda: project_files.rename(self._root, file.path, new_path)):
            self.path_removed.emit(file.path)
            self.refresh()
            if not file.is_folder:
                self.location_requested.emit(Location(new_path))

    def _take_back(self, kept: str, path: str) -> None:
        if self._succeeds(lambda: project_files.take_from_trash(self._root, kept, path)):
            self.refresh()

    def _succeeds(self, work: Callable[[], None]) -> bool:
        """Whether it was done; why not is presented."""
        try:
            work()
        except UserFacingError as exc:
            self._presenter.present(exc)
            return False
        return True

    # ------------------------------------------------------------------------------------------ naming

    def _begin_naming(self, title: str, name: str, on_named: Callable[[str], None]) -> None:
        self._on_named = on_named
        self._name_title.setText(title)
        self._name_field.setText(name)
        self._name_field.setAccessibleName(title)
        self._naming.show()
        self._name_field.setFocus()
        self._name_field.setSelection(0, len(name.rpartition(".")[0]) or len(name))

    @Slot()
    def _on_name_given(self) -> None:
        name, on_named = self._name_field.text().strip(), self._on_named
        self._end_naming()
        if name and on_named is not None:
            on_named(name)

    @Slot()
    def _end_naming(self) -> None:
        self._on_named = None
        self._naming.hide()
        self._view.setFocus()

    # ------------------------------------------------------------------------------------------ view

    def _make_view(self) -> QTreeView:
        view = QTreeView(self)
        view.setModel(self._tree)
        view.setHeaderHidden(True)
        view.setUniformRowHeights(True)
        view.setIndentation(14)
        view.setIconSize(QSize(15, 15))
        view.setAccessibleName("Files of the project")
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_requested)
        view.activated.connect(self._on_activated)
        view.clicked.connect(self._on_activated)
        view.expanded.connect(lambda index: self._remember(index, is_open=True))
        view.collapsed.connect(lambda index: self._remember(index, is_open=False))
        return view

    def _make_tools(self) -> list[QWidget]:
        new_file = IconButton(self._theme, "file-plus", "New file", "dim", 15)
        new_file.clicked.connect(lambda _checked=False: self.ask_new_file())
        new_folder = IconButton(self._theme, "folder-plus", "New folder", "dim", 15)
        new_folder.clicked.connect(lambda _checked=False: self.ask_new_folder())
        fold = IconButton(self._theme, "copy-minus", "Fold all", "dim", 15)
        fold.clicked.connect(self._view.collapseAll)
        return [new_file, new_folder, fold]

    def _on_listed(self, files: tuple[ProjectFile, ...]) -> None:
        current = self._tree.file_at(self._view.currentIndex())
        opened = set(self._open_folders)
        self._tree.show_files(files)
        self._open_folders = opened
        for path in sorted(opened):
            index = self._tree.index_of(path)
            if index.isValid():
                self._view.expand(index)
        if current is not None:
            self.reveal(current.path)
        self._stack.setCurrentIndex(0 if files else 1)
        self.files_changed.emit(self._tree.files())

    def _remember(self, index: QModelIndex, *, is_open: bool) -> None:
        file = self._tree.file_at(index)
        if file is not None and is_open:
            self._open_folders.add(file.path)
        elif file is not None:
            self._open_folders.discard(file.path)

    @Slot(object)
    def _on_disk_changed(self, paths: tuple[str, ...]) -> None:
        self.disk_changed.emit(paths)
        self.refresh()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        file = self._tree.file_at(index)
        if file is None:
            return
        if file.is_folder:
            self._view.setExpanded(index, not self._view.isExpanded(index))
        else:
            self.location_requested.emit(Location(file.path))

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        file = self._tree.file_at(self._view.indexAt(place))
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        target = file_target(file.path) if file is not None and not file.is_folder else None
        if target is not None:
            self._add_runs(menu, target)
        folder = "" if file is None else (file.path if file.is_folder else file.parent)
        menu.addAction("New file…").triggered.connect(lambda _checked=False: self.ask_new_file(folder))
        menu.addAction("New folder…").triggered.connect(lambda _checked=False: self.ask_new_folder(folder))
        if file is not None:
            menu.addSeparator()
            menu.addAction("Rename…").triggered.connect(lambda _checked=False: self.ask_rename(file))
            menu.addAction("Delete").triggered.connect(lambda _checked=False: self.delete(file))
            menu.addSeparator()
            copy = menu.addAction("Copy path")
            copy.triggered.connect(
                lambda _checked=False: QGuiApplication.clipboard().setText(str(self._root / file.path))
            )
        menu.popup(self._view.viewport().mapToGlobal(place))

    def _add_runs(self, menu: QMenu, target: RunTarget) -> None:
        run = menu.addAction(self._theme.icon("play", "ok"), f"Run {target.name}")
        run.triggered.connect(lambda _checked=False: self.run_requested.emit(target))
        debug = menu.addAction(self._theme.icon("bug-play", "ok"), f"Debug {target.name}")
        debug.triggered.connect(lambda _checked=False: self.debug_requested.emit(target))
        menu.addSeparator()

    def _current_folder(self) -> str:
        file = self._tree.file_at(self._view.currentIndex())
        if file is None:
            return ""
        return file.path if file.is_folder else file.parent
