"""What to do with an open file that another program has changed: taken over, or asked about."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from circuit_console.core.notices import ErrorPresenter
from circuit_console.core.text_diff import DiffLine, differences
from circuit_console.core.text_files import TextFile
from circuit_console.panes.editor.page import EditorPage
from circuit_console.services.documents import Documents
from circuit_console.services.tasks import Tasks
from circuit_link.errors import UserFacingError


class DiskConflicts(QObject):
    """Nothing is overwritten, on either side, before it was asked for.

    Signals:
        own_text_chosen: EditorPage, whose text is to be saved over the file's.
        reloaded: EditorPage, after the file's text was loaded.
    """

    own_text_chosen = Signal(object)
    reloaded = Signal(object)

    def __init__(
        self, documents: Documents, tasks: Tasks, presenter: ErrorPresenter, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._documents = documents
        self._tasks = tasks
        self._presenter = presenter

    def meet(self, page: EditorPage) -> None:
        """The file has changed: take it over where nothing was typed, else ask."""
        if page.editor.is_modified:
            self.ask(page, "changed on disk, and here")
        else:
            self._reload(page)

    def ask(self, page: EditorPage, what: str) -> None:
        compare = ("Compare", lambda: self._compare(page, what))
        back = ("Back to the text", lambda: self._go_back(page, what))
        told = f"{page.path} {what}. Nothing was overwritten."
        page.disk_bar.show_message(
            "triangle-alert",
            "warn",
            f"{page.path}: - is on disk, + is yours" if page.shows_differences else told,
            (
                back if page.shows_differences else compare,
                ("Keep mine", lambda: self._keep(page)),
                ("Load theirs", lambda: self._reload(page)),
            ),
        )

    def _compare(self, page: EditorPage, what: str) -> None:
        """Theirs against mine, in the place of the text; the bar stays for the choice."""
        mine = page.editor.text()

        def arrived(file: TextFile) -> None:
            self._tasks.run(lambda: differences(file.text, mine), shown)

        def shown(lines: tuple[DiffLine, ...]) -> None:
            page.show_differences(lines)
            self.ask(page, what)

        def refused(error: UserFacingError) -> None:
            self.ask(page, what)
            self._presenter.present(error)

        self._documents.peek(page.path, arrived, refused)

    def _go_back(self, page: EditorPage, what: str) -> None:
        page.show_text()
        self.ask(page, what)

    def _keep(self, page: EditorPage) -> None:
        page.show_text()
        self.own_text_chosen.emit(page)

    def _reload(self, page: EditorPage) -> None:
        caret = page.editor.caret()

        def arrived(file: TextFile) -> None:
            page.show_text()
            page.load(file.text)
            page.editor.go_to(caret.line, caret.column)
            page.disk_bar.hide()
            page.show_coverage(page.coverage)
            self._documents.drop_snapshot(page.path)
            self.reloaded.emit(page)

        self._documents.read(page.path, arrived, self._presenter.present)
