"""The steps of a deployment, each with its sign and time; what failed is open under its step."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from circuit_console.core.deployments import failure_of, gate_words, step_time, step_title, what_changed
from circuit_console.core.test_results import TestState
from circuit_console.widgets.controls import label, set_role
from circuit_console.widgets.outcome_sign import SignLabel
from circuit_console.widgets.theme import Theme
from circuit_link.env_protocol import Deployment, DeploymentStep

_SIGN_OF = {
    "pending": TestState.UNKNOWN,
    "running": TestState.RUNNING,
    "done": TestState.PASSED,
    "failed": TestState.FAILED,
    "skipped": TestState.SKIPPED,
}
_ROW_PX = 26


class WrappedLabel(QLabel):
    """Wraps its words and is as high as they need at the width it has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setProperty("role", "dim")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """After a change of the text."""
        self.setMinimumHeight(self.heightForWidth(self.width()) if self.text() else 0)


class _StepRow(QWidget):
    """One step: sign, title, time; below it a note."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = SignLabel(theme)
        self._title = label("")
        self._time = label("", "dim")
        self._time.setFont(theme.mono(12))
        self._note = WrappedLabel()
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(9)
        grid.setVerticalSpacing(0)
        grid.setRowMinimumHeight(0, _ROW_PX)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._sign, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self._title, 0, 1)
        grid.addWidget(self._time, 0, 2)
        grid.addWidget(self._note, 1, 1, 1, 2)

    def show_step(self, step: DeploymentStep, note: str, *, is_error: bool) -> None:
        self._sign.show_state(_SIGN_OF[step.state])
        self._title.setText(step_title(step))
        self._set_role(
            self._title, "error" if is_error else "faint" if step.state in ("pending", "skipped") else ""
        )
        self._time.setText(step_time(step))
        self._note.setText(note)
        self._set_role(self._note, "error" if is_error else "dim")
        self._note.setVisible(bool(note))
        self._note.fit()
        self.setAccessibleName(", ".join(filter(None, (step_title(step), step.state, step_time(step), note))))

    def words(self) -> str:
        return " ".join(filter(None, (self._title.text(), self._time.text(), self._note.text())))

    def _set_role(self, part: QLabel, role: str) -> None:
        if part.property("role") != role:
            set_role(part, role)


class StepList(QWidget):
    """Shows a deployment's steps as they stand. Rows are kept, so that nothing flickers while they move."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: list[_StepRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self.setAccessibleName("Steps of the deployment")

    def show_deployment(self, deployment: Deployment) -> None:
        while len(self._rows) < len(deployment.steps):
            row = _StepRow(self._theme, self)
            self._rows.append(row)
            self._layout.addWidget(row)
        for place, row in enumerate(self._rows):
            row.setVisible(place < len(deployment.steps))
        for row, step in zip(self._rows, deployment.steps, strict=False):
            row.show_step(step, _note(deployment, step), is_error=step.state == "failed")

    def words(self) -> list[str]:
        """What each visible row says."""
        return [row.words() for row in self._rows if not row.isHidden()]


def _note(deployment: Deployment, step: DeploymentStep) -> str:
    failure = failure_of(deployment)
    if step.state == "failed" and failure is not None:
        return "\n".join(filter(None, (failure.message, failure.hint, what_changed(deployment))))
    return gate_words(deployment) if step.name == "test" and step.state == "done" else ""
