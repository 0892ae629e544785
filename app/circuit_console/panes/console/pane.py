"""The console pane: what runs print, and a prompt to run lines or look into a paused frame."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

import circuit_link.host_protocol as hp
from circuit_console.core.debugging import Checkpoint, DebugOutput, Evaluation, StackFrame
from circuit_console.core.location import Location
from circuit_console.core.run_state import RunState
from circuit_console.core.theme import ColorName
from circuit_console.panes.console.prompt import Prompt
from circuit_console.services.debug_session import SIDE_EFFECTS_REFUSED, DebugSession, DebugState
from circuit_console.services.host_link import HostLink
from circuit_console.services.runs import Runs
from circuit_console.widgets.controls import IconButton, divider, label
from circuit_console.widgets.pane import Pane, Region
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError

_MOST_LINES = 10_000
_MOST_PIECES = 5_000
_PLACE = re.compile(r'File "([^"]+)", line (\d+)')
_HINT = "Runs in a fresh transaction, rolled back unless you tick Commit"


class _Output(QPlainTextEdit):
    """Signals:
    place_clicked: (str, int), path and line of a traceback's line.
    """

    place_clicked = Signal(str, int)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            found = _PLACE.search(self.cursorForPosition(event.position().toPoint()).block().text())
            if found:
                self.place_clicked.emit(found[1], int(found[2]))


class ConsolePane(Pane):
    """Signals:
    history_changed: tuple[str, ...].
    """

    pane_id = "console"
    title = "Console"
    icon_name = "terminal"
    region = Region.BOTTOM

    history_changed = Signal(object)

    def __init__(
        self,
        theme: Theme,
        host: HostLink,
        runs: Runs,
        debug: DebugSession,
        project_root: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._runs = runs
        self._debug = debug
        self._root = project_root
        self._refused = ""
        self._written: deque[tuple[str, ColorName]] = deque(maxlen=_MOST_PIECES)
        self._output = _Output(self)
        self._output.setReadOnly(True)
        self._output.setMaximumBlockCount(_MOST_LINES)
        self._output.setFont(theme.mono(12))
        self._output.setAccessibleName("Output")
        self._output.setPlaceholderText("What runs print appears here.")
        self._output.place_clicked.connect(self._on_place_clicked)
        self._head = label(">>>", "link")
        self._head.setFont(theme.mono(12))
        self.prompt = Prompt(self)
        self.prompt.setFont(theme.mono(12))
        self.prompt.set_hint(_HINT)
        self.prompt.setAccessibleName("Run a line")
        self.prompt.entered.connect(self._on_entered)
        self.prompt.names_wanted.connect(self._on_names_wanted)
        self.prompt.fit()
        self._commit = QCheckBox("Commit", self)
        self._commit.setToolTip("Keep what the lines write")
        self._lay_out()
        self._tools = self._make_tools()
        host.run_started.connect(self._on_run_started)
        host.output_emitted.connect(self._on_output_emitted)
        host.run_finished.connect(self._on_run_finished)
        host.detached.connect(self._on_detached)
        runs.state_changed.connect(self._on_run_state_changed)
        debug.state_changed.connect(self._on_debug_state_changed)
        debug.frame_selected.connect(self._on_frame_selected)
        debug.output_received.connect(self._on_debug_output)
        debug.checkpoint_reached.connect(self._on_checkpoint_reached)
        theme.changed.connect(self._on_theme_changed)

    def head_tools(self) -> list[QWidget]:
        return self._tools

    def set_history(self, history: tuple[str, ...]) -> None:
        self.prompt.set_history(list(history))

    def text(self) -> str:
        return self._output.toPlainText()

    def focus_prompt(self) -> None:
        self.prompt.setFocus()

    def clear(self) -> None:
        self._written.clear()
        self._output.clear()

    # ------------------------------------------------------------------------------------------ events

    @Slot(object)
    def _on_run_started(self, started: hp.RunStarted) -> None:
        at = started.started_at.astimezone().strftime("%H:%M:%S")
        self._write_line(f"▸ {started.title}   {at}   {started.mode}", "faint")

    @Slot(object)
    def _on_output_emitted(self, output: hp.OutputEmitted) -> None:
        self._write(output.text, "err" if output.stream == "stderr" else "text")

    @Slot(object)
    def _on_run_finished(self, finished: hp.RunFinished) -> None:
        result = finished.result
        if result.error is not None:
            self._write_line(result.error.traceback.rstrip() or _error_line(result.error), "err")
        kept = "committed" if result.committed else "rolled back"
        sign: tuple[str, ColorName] = ("✓", "ok") if result.outcome == "success" else ("✕", "err")
        self._write_line(f"{sign[0]} {result.outcome} in {result.duration_ms:.0f} ms, {kept}", sign[1])

    @Slot(object)
    def _on_detached(self, error: UserFacingError) -> None:
        self._write_line(f"✕ {error.message}", "err")

    @Slot(object)
    def _on_debug_output(self, output: DebugOutput) -> None:
        # Standard streams arrive from the host already, for plain and debugged runs alike; a logpoint has a place.
        if output.category in ("console", "important"):
            self._write(output.text, "warn" if output.category == "important" else "faint")
        elif output.path:
            token: ColorName = "err" if output.category == "stderr" else "accent"
            self._write_line(f"◆ {output.text.rstrip()}   {_place(output.path, output.line)}", token)

    @Slot(object)
    def _on_checkpoint_reached(self, checkpoint: Checkpoint) -> None:
        values = "   ".join(f"{name} = {value}" for name, value in checkpoint.values)
        place = _place(checkpoint.path, checkpoint.line)
        self._write_line(f"⚑ {checkpoint.function}   {values}   {place}", "ok")

    @Slot(object)
    def _on_run_state_changed(self, state: RunState) -> None:
        is_paused = self._debug.state is DebugState.PAUSED
        self.prompt.is_ready = state.can_start or is_paused

    @Slot(object)
    def _on_debug_state_changed(self, state: DebugState) -> None:
        if state is not DebugState.PAUSED:
            self._head.setText(">>>")
            self.prompt.set_hint(_HINT)
            self.prompt.offers_names = False
            self._commit.show()

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        if frame is not None:
            self._head.setText(f"{frame.short_name}>")
            self.prompt.set_hint(f"Evaluated in {frame.short_name}, with its variables.")
            self.prompt.is_ready = True
            self._commit.hide()
            self.prompt.offers_names = self._debug.abilities.completes

    @Slot(str)
    def _on_names_wanted(self, before: str) -> None:
        self._debug.complete(before, self.prompt.offer)

    @Slot(str)
    def _on_entered(self, text: str) -> None:
        self._write_line(f"{self._head.text()} {text}", "dim")
        self.history_changed.emit(tuple(self.prompt.history))
        if self._debug.state is DebugState.PAUSED:
            self._evaluate(text)
        elif self._runs.state.can_start:
            self._runs.run_snippet(text, commit=self._commit.isChecked())

    def _evaluate(self, text: str) -> None:
        """In the frame. What would change data is refused at first, and done when it is entered again."""
        is_insisting, self._refused = text == self._refused, ""

        def refused(error: UserFacingError) -> None:
            self.prompt.is_ready = True
            if error.code == SIDE_EFFECTS_REFUSED:
                self._refused = text
                self._write_line(
                    "This would change data or call out. Enter it again to do it all the same.", "warn"
                )
            else:
                self._write_line(error.message, "err")

        # The answer stands below its question: the next one waits for it.
        self.prompt.is_ready = False
        self._debug.evaluate(text, self._on_evaluated, refused, context="repl", allow_side_effects=is_insisting)

    def _on_evaluated(self, answer: Evaluation) -> None:
        self.prompt.is_ready = True
        if answer.value and answer.value != "None":
            self._write_line(answer.value, "text")
        self._debug.values_may_have_changed()

    @Slot(str, int)
    def _on_place_clicked(self, path: str, line: int) -> None:
        try:
            path = Path(path).relative_to(self._root).as_posix()
        except ValueError:
            pass
        self._request_location(Location(path, line))

    # ------------------------------------------------------------------------------------------ inside

    def _write_line(self, text: str, token: ColorName) -> None:
        document = self._output.document()
        starts_line = document.isEmpty() or not document.lastBlock().text()
        self._write(("" if starts_line else "\n") + text + "\n", token)

    @Slot(object)
    def _on_theme_changed(self, _tokens: object) -> None:
        """Write what is kept once more, in the other theme's colours."""
        self._output.clear()
        for text, token in self._written:
            self._insert(text, token)

    def _write(self, text: str, token: ColorName) -> None:
        self._written.append((text, token))
        self._insert(text, token)

    def _insert(self, text: str, token: ColorName) -> None:
        bar = self._output.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 4
        cursor = QTextCursor(self._output.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        look = QTextCharFormat()
        look.setForeground(self._theme.color(token))
        cursor.insertText(text, look)
        if follows:
            bar.setValue(bar.maximum())

    def _make_tools(self) -> list[QWidget]:
        clear = IconButton(self._theme, "trash-2", "Clear the console", "dim", 15)
        clear.clicked.connect(lambda _checked=False: self.clear())
        return [clear]

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        output = QHBoxLayout()
        output.setContentsMargins(10, 4, 2, 0)
        output.addWidget(self._output)
        layout.addLayout(output, 1)
        layout.addWidget(divider())
        row = QHBoxLayout()
        row.setContentsMargins(14, 3, 14, 3)
        row.setSpacing(6)
        row.addWidget(self._head, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.prompt, 1)
        row.addWidget(self._commit, 0, Qt.AlignmentFlag.AlignTop)
        self._head.setContentsMargins(0, 5, 0, 0)
        self._commit.setFixedHeight(26)
        layout.addLayout(row)


def _place(path: str, line: int) -> str:
    """As a traceback has it, so that a click opens it."""
    return f'File "{path}", line {line}'


def _error_line(error: hp.RunError) -> str:
    place = f'  File "{error.file}", line {error.line}\n' if error.file and error.line else ""
    return f"{place}{error.type}: {error.message}"
