"""A staging environment on this machine, started from the deploy pane."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from PySide6.QtCore import QObject, QProcess, Signal, Slot

from circuit_console.core.deployments import STAGING_FOLDER, EnvironmentView
from circuit_link.env_protocol import ServeAnnouncement

_TERMINATE_TIMEOUT_MS = 3_000


class LocalStaging(QObject):
    """Owns the process of `circuit-cli serve`. It ends with the console; its data stays in the project.

    Signals:
        announced: ServeAnnouncement, when it takes requests.
        ended: str, why it ended without having been asked to.
    """

    announced = Signal(object)
    ended = Signal(str)

    def __init__(self, project_root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = project_root
        self._process: QProcess | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self, view: EnvironmentView) -> None:
        """Serve the environment at its address. Does nothing while one runs."""
        if self._process is not None:
            return
        process = QProcess(self)
        process.setWorkingDirectory(str(self._root))
        process.setProgram(sys.executable)
        folder = str(self._root / STAGING_FOLDER)
        arguments = ["-m", "circuit_cli", "serve", "--data", folder, "--name", view.name]
        if sys.platform != "linux":
            # It serves the developer's own scripts on the developer's own machine.
            arguments.append("--allow-weak-sandbox")
        parts = urlsplit(view.url)
        if parts.port:
            arguments += ["--port", str(parts.port)]
        process.setArguments(arguments)
        process.readyReadStandardOutput.connect(self._on_output)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process = process
        process.start()

    def stop(self) -> None:
        """End it and wait for its end, at most three seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        process.finished.disconnect(self._on_finished)
        process.terminate()
        if not process.waitForFinished(_TERMINATE_TIMEOUT_MS):
            process.kill()
            process.waitForFinished(_TERMINATE_TIMEOUT_MS)
        process.deleteLater()

    @Slot()
    def _on_output(self) -> None:
        process = self._process
        if process is None or not process.canReadLine():
            return
        line = bytes(process.readLine().data())
        try:
            announcement = msgspec.json.decode(line, type=ServeAnnouncement)
        except msgspec.DecodeError:
            return
        self.announced.emit(announcement)

    @Slot()
    def _on_finished(self) -> None:
        self._end(self._last_words())

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._end(f"{sys.executable} could not be started.")

    def _last_words(self) -> str:
        process = self._process
        lines = (
            bytes(process.readAllStandardError().data()).decode(errors="replace").split("\n") if process else []
        )
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else "The staging server ended."

    def _end(self, why: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
            self.ended.emit(why)
