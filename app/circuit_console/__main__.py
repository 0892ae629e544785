"""Start the console: `python -m circuit_console [PROJECT] [--sample]`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication

from circuit_console.bootstrap import Console
from circuit_console.core.folders import Folders, user_folders
from circuit_console.core.sample import own_sample
from circuit_console.core.session import Settings, load
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_SIGNAL_CHECK_MS = 250


class Application(QObject):
    """Holds the open project's console, and replaces it when another one is chosen."""

    def __init__(self, application: QApplication, theme: Theme, folders: Folders) -> None:
        super().__init__()
        self._application = application
        self._theme = theme
        self._folders = folders
        self._console: Console | None = None

    def open(self, project: Path) -> None:
        before = self._console
        settings = load(self._folders.settings_file, Settings)
        console = Console(self._theme, self._folders, settings, project)
        console.project_chosen.connect(self._on_project_chosen)
        self._console = console
        self._theme.apply(self._application)
        console.show(is_maximized=settings.is_maximized)
        if before is not None:
            before.window.close()
            before.window.deleteLater()
            before.deleteLater()

    @Slot(str)
    def _on_project_chosen(self, folder: str) -> None:
        self.open(Path(folder) if folder else own_sample(self._folders.data))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="circuit-console", description="The developer console for Circuit Script."
    )
    parser.add_argument("project", nargs="?", type=Path, help="folder of the project; default: the last one")
    parser.add_argument("--sample", action="store_true", help="open your copy of the sample project VirtualLPR")
    options = parser.parse_args(arguments)
    folders = user_folders()
    settings = load(folders.settings_file, Settings)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("circuit-console")
    application.setApplicationDisplayName("Circuit Console")
    application.setStyle("Fusion")
    theme = Theme(settings.appearance)
    theme.prepare(application)
    try:
        project = _project(options.project, options.sample, settings, folders)
    except UserFacingError as exc:
        sys.stderr.write(f"{exc.message}\n{exc.hint}\n")
        return 1
    holder = Application(application, theme, folders)
    holder.open(project)
    # Python runs a signal's handler only between two of its own instructions: give it some.
    signal.signal(signal.SIGINT, lambda *_: application.closeAllWindows())
    signal.signal(signal.SIGTERM, lambda *_: application.closeAllWindows())
    ticks = QTimer()
    ticks.timeout.connect(lambda: None)
    ticks.start(_SIGNAL_CHECK_MS)
    return application.exec()


def _project(named: Path | None, wants_sample: bool, settings: Settings, folders: Folders) -> Path:
    if named is not None:
        if not (named / "circuit.toml").is_file():
            raise UserFacingError(
                f"{named} is not a project: it has no circuit.toml.",
                code="NOT_A_PROJECT",
                hint="Name another folder, or make a project with `circuit-cli init`.",
            )
        return named.resolve()
    last = Path(settings.last_project) if settings.last_project else None
    if not wants_sample and last is not None and (last / "circuit.toml").is_file():
        return last
    return own_sample(folders.data)


if __name__ == "__main__":
    sys.exit(main())
