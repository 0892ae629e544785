"""The window follows the debugger: the line that runs next, values at line ends, the Debug perspective."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QToolTip

from circuit_console.core.debugging import Evaluation, StackFrame, Stop
from circuit_console.core.inline_values import inline_values, name_at
from circuit_console.core.python_source import enclosing
from circuit_console.core.run_state import RunPhase, RunState
from circuit_console.panes.debugger.variables import VariablesPane
from circuit_console.panes.editor.area import EditorArea
from circuit_console.services.debug_session import DebugSession
from circuit_console.services.runs import Runs
from circuit_console.widgets.code_editor.editor import Hover
from circuit_console.window.controller import Controller
from circuit_console.window.main_window import MainWindow


class FollowDebugger(QObject):
    """Moves nothing the user has not asked for: the perspective changes at the first stop only."""

    def __init__(
        self,
        window: MainWindow,
        editor: EditorArea,
        runs: Runs,
        debug: DebugSession,
        variables: VariablesPane,
        controller: Controller,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._editor = editor
        self._debug = debug
        self._controller = controller
        self._has_stopped = False
        self._values: dict[str, str] = {}
        debug.stopped.connect(self._on_stopped)
        debug.frame_selected.connect(self._on_frame_selected)
        variables.locals_loaded.connect(self._on_locals_loaded)
        runs.state_changed.connect(self._on_run_state_changed)
        editor.hovered.connect(self._on_hovered)
        editor.execution_shown.connect(self._show_values)
        editor.facts_changed.connect(self._show_values)

    @Slot(object)
    def _on_stopped(self, _stop: Stop) -> None:
        self._window.top_bar.controls.offer_steps_back(self._debug.abilities.steps_back)

    @Slot(object)
    def _on_frame_selected(self, frame: StackFrame | None) -> None:
        self._values = {}
        if frame is None:
            self._editor.clear_execution()
            return
        if not self._has_stopped and self._controller.choice.follows_debugger:
            self._window.show_perspective("debug")
        self._has_stopped = True
        self._window.show_editor()
        if frame.path:
            is_top = bool(self._debug.stack) and frame == self._first_call()
            self._editor.show_execution(frame.path, frame.line, is_top_frame=is_top)

    @Slot(object)
    def _on_locals_loaded(self, values: dict[str, str]) -> None:
        self._values = values
        self._show_values()

    @Slot()
    def _show_values(self, *_what: object) -> None:
        """The values, the text and what is known of it arrive in any order: write the notes when all are there."""
        frame = self._debug.frame
        page = self._editor.page(frame.path) if frame is not None else None
        if frame is None or page is None or not self._values:
            return
        around = enclosing(page.outline, frame.line)
        first = around[-1].line if around else 1
        current = page.editor.line_text(frame.line)
        shown = inline_values(current, page.assigned, first, frame.line, self._values)
        stop = self._debug.stop_reason
        if stop is not None and stop.reason == "exception" and frame == self._first_call():
            shown[frame.line] = f"✕ {stop.text or stop.description}"
        self._editor.show_values(frame.path, shown)

    @Slot(str, object)
    def _on_hovered(self, path: str, hover: Hover | None) -> None:
        """The value of the name under the mouse, in the chosen frame; only names, so that nothing is called."""
        page, frame = self._editor.page(path), self._debug.frame
        if hover is None or page is None or frame is None or frame.path != path:
            QToolTip.hideText()
            return
        name = name_at(page.editor.line_text(hover.line), hover.column)
        if not name:
            return

        def arrived(answer: Evaluation) -> None:
            kind = f"\n{answer.type_name}" if answer.type_name else ""
            QToolTip.showText(hover.point, f"{name} = {answer.value}{kind}", page.editor)

        self._debug.evaluate(name, arrived, lambda _error: None, context="hover")

    @Slot(object)
    def _on_run_state_changed(self, state: RunState) -> None:
        self._editor.set_running(state.phase is not RunPhase.IDLE)
        if state.phase is RunPhase.STARTING:
            self._has_stopped = False
        if state.phase is RunPhase.IDLE:
            self._editor.clear_execution()

    def _first_call(self) -> StackFrame | None:
        return next((frame for frame in self._debug.stack if not frame.is_label), None)
