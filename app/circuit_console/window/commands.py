"""The list of all commands, in groups. Keys as in the design brief, section 6."""

from __future__ import annotations

from collections.abc import Callable

from circuit_console.core.commands import Command
from circuit_console.core.run_state import RunPhase
from circuit_console.core.theme import Appearance
from circuit_console.panes.editor.area import EditorArea
from circuit_console.services.runs import Runs
from circuit_console.widgets.code_editor.editor import CodeEditor
from circuit_console.window.controller import Controller
from circuit_console.window.main_window import MainWindow


def all_commands(
    window: MainWindow, editor: EditorArea, runs: Runs, controller: Controller
) -> tuple[Command, ...]:
    """Every command of the console."""
    return (
        *_run_commands(runs, controller),
        *_file_commands(editor, controller),
        *_go_commands(window, editor, controller),
        *_edit_commands(editor),
        *_view_commands(window, controller),
        *_other_commands(window, controller),
    )


def _run_commands(runs: Runs, controller: Controller) -> tuple[Command, ...]:
    def phase_is(*phases: RunPhase) -> Callable[[], bool]:
        return lambda: runs.state.phase in phases

    def can_step() -> bool:
        return runs.state.can_step or runs.state.can_pause

    def can_start() -> bool:
        return runs.state.can_start

    def can_stop() -> bool:
        return runs.state.can_stop

    is_paused = phase_is(RunPhase.PAUSED)
    return (
        Command(
            id="run.debug",
            title="Run: Debug, or continue",
            keys=("F5",),
            run=controller.debug_or_continue,
            is_enabled=lambda: can_start() or is_paused(),
        ),
        Command(
            id="run.plain",
            title="Run: Without debugging",
            keys=("Ctrl+F5",),
            run=controller.run_plain,
            is_enabled=can_start,
        ),
        Command(id="run.stop", title="Run: Stop", keys=("Shift+F5",), run=runs.stop, is_enabled=can_stop),
        Command(id="run.restart", title="Run: Restart", keys=("Ctrl+Shift+F5",), run=runs.restart),
        Command(
            id="run.pause",
            title="Run: Pause",
            keys=("F6",),
            run=runs.pause,
            is_enabled=lambda: runs.state.can_pause,
        ),
        Command(
            id="run.step_over",
            title="Run: Step over",
            keys=("F10",),
            run=controller.step_over,
            is_enabled=can_step,
        ),
        Command(
            id="run.step_into",
            title="Run: Step into",
            keys=("F11",),
            run=controller.step_into,
            is_enabled=can_step,
        ),
        Command(
            id="run.step_out",
            title="Run: Step out",
            keys=("Shift+F11",),
            run=controller.step_out,
            is_enabled=can_step,
        ),
        Command(
            id="run.to_cursor",
            title="Run: To cursor",
            keys=("Ctrl+F10",),
            run=controller.run_to_cursor,
            is_enabled=is_paused,
        ),
        Command(
            id="run.step_back",
            title="Run: Step back",
            keys=("Alt+F10",),
            run=controller.step_back,
            is_enabled=lambda: is_paused() and controller.abilities.steps_back,
        ),
        Command(
            id="run.back_to_stop",
            title="Run: Back to the stop before",
            keys=("Alt+F5",),
            run=controller.back_to_stop,
            is_enabled=lambda: is_paused() and controller.abilities.steps_back,
        ),
        Command(
            id="run.jump",
            title="Run: Set next statement",
            keys=("Ctrl+Shift+F10",),
            run=controller.jump_to_cursor,
            is_enabled=lambda: is_paused() and controller.abilities.jumps,
        ),
        Command(
            id="run.step_into_target",
            title="Run: Step into a call of this line",
            keys=("Ctrl+F11",),
            run=controller.step_into_target,
            is_enabled=lambda: is_paused() and controller.abilities.chooses_call,
        ),
        Command(
            id="run.restart_frame",
            title="Run: Restart this call",
            run=controller.restart_frame,
            is_enabled=lambda: is_paused() and controller.abilities.restarts_frames,
        ),
        Command(id="run.watch", title="Run: Watch the selection", run=controller.watch_selection),
        Command(
            id="run.breakpoint", title="Run: Toggle breakpoint", keys=("F9",), run=controller.toggle_breakpoint
        ),
        Command(
            id="run.conditional_breakpoint",
            title="Run: Conditional breakpoint or logpoint",
            keys=("Ctrl+F9",),
            run=controller.ask_condition,
        ),
        Command(id="run.mute", title="Run: Mute all breakpoints or not", run=controller.toggle_muting),
        Command(
            id="run.checkpoint",
            title="Run: Toggle checkpoint",
            keys=("Shift+F9",),
            run=controller.toggle_checkpoint,
        ),
        Command(
            id="run.current_file", title="Run: Current file", run=controller.run_current_file, is_enabled=can_start
        ),
        Command(
            id="run.selection",
            title="Run: Selected lines",
            keys=("Ctrl+Return",),
            run=controller.run_selection,
            is_enabled=can_start,
            in_editor=True,
        ),
        Command(
            id="test.current",
            title="Test: At cursor",
            keys=("Ctrl+;, C",),
            run=controller.test_at_cursor,
            is_enabled=can_start,
        ),
        Command(
            id="test.debug_current",
            title="Test: Debug at cursor",
            keys=("Ctrl+;, D",),
            run=controller.debug_test_at_cursor,
            is_enabled=can_start,
        ),
        Command(
            id="test.all",
            title="Test: All",
            keys=("Ctrl+;, A",),
            run=lambda: controller.run_tests(()),
            is_enabled=can_start,
        ),
        Command(
            id="test.failed",
            title="Test: Failed ones",
            keys=("Ctrl+;, F",),
            run=controller.test_failed,
            is_enabled=can_start,
        ),
        Command(
            id="test.last",
            title="Test: Last ones again",
            keys=("Ctrl+;, L",),
            run=controller.test_last,
            is_enabled=can_start,
        ),
        Command(
            id="test.coverage",
            title="Test: Toggle coverage colours",
            keys=("Ctrl+;, V",),
            run=controller.toggle_coverage,
        ),
    )


def _file_commands(editor: EditorArea, controller: Controller) -> tuple[Command, ...]:
    def has_file() -> bool:
        return bool(editor.current_path)

    return (
        Command(
            id="file.save", title="File: Save", keys=("Ctrl+S",), run=editor.save_current, is_enabled=has_file
        ),
        Command(id="file.save_all", title="File: Save all", keys=("Ctrl+K, S",), run=editor.save_all),
        Command(
            id="file.close",
            title="File: Close tab",
            keys=("Ctrl+W",),
            run=editor.close_current,
            is_enabled=has_file,
        ),
        Command(
            id="file.reopen", title="File: Reopen closed tab", keys=("Ctrl+Shift+T",), run=editor.reopen_closed
        ),
        Command(id="file.new", title="File: New file", keys=("Ctrl+N",), run=controller.new_file),
        Command(id="project.open", title="Project: Open a folder", keys=("Ctrl+O",), run=controller.open_project),
        Command(id="project.sample", title="Project: Open the sample VirtualLPR", run=controller.open_sample),
        Command(id="project.menu", title="Project: Recent projects", run=controller.show_project_menu),
    )


def _go_commands(window: MainWindow, editor: EditorArea, controller: Controller) -> tuple[Command, ...]:
    return (
        Command(id="go.file", title="Go to file", keys=("Ctrl+P",), run=lambda: window.palette_box.open()),
        Command(
            id="go.command",
            title="Command palette",
            keys=("Ctrl+Shift+P",),
            run=lambda: window.palette_box.open(">"),
        ),
        Command(
            id="go.symbol",
            title="Go to symbol in file",
            keys=("Ctrl+Shift+O",),
            run=lambda: window.palette_box.open("@"),
            is_enabled=lambda: bool(editor.current_path),
        ),
        Command(
            id="go.line",
            title="Go to line",
            keys=("Ctrl+G",),
            run=lambda: window.palette_box.open(":"),
            is_enabled=lambda: bool(editor.current_path),
        ),
        Command(
            id="go.next_problem", title="Go to next problem", keys=("F8",), run=lambda: controller.go_to_problem(1)
        ),
        Command(
            id="go.previous_problem",
            title="Go to previous problem",
            keys=("Shift+F8",),
            run=lambda: controller.go_to_problem(-1),
        ),
        Command(
            id="go.next_region",
            title="Go to next region",
            keys=("Ctrl+F6",),
            run=lambda: window.focus_next_region(1),
        ),
        Command(
            id="go.previous_region",
            title="Go to previous region",
            keys=("Ctrl+Shift+F6",),
            run=lambda: window.focus_next_region(-1),
        ),
    )


def _edit_commands(editor: EditorArea) -> tuple[Command, ...]:
    def with_editor(action: Callable[[CodeEditor], object]) -> Callable[[], None]:
        def run() -> None:
            page = editor.current_page
            if page is not None:
                action(page.editor)

        return run

    def find(*, with_replace: bool) -> Callable[[], None]:
        def run() -> None:
            page = editor.current_page
            if page is not None:
                page.find_bar.open(with_replace=with_replace)
                page.place_find_bar()

        return run

    def find_again() -> None:
        page = editor.current_page
        if page is not None:
            page.find_bar.find_next()

    return (
        Command(id="edit.cut", title="Edit: Cut", run=with_editor(CodeEditor.cut)),
        Command(id="edit.copy", title="Edit: Copy", run=with_editor(CodeEditor.copy)),
        Command(id="edit.paste", title="Edit: Paste", run=with_editor(CodeEditor.paste)),
        Command(id="edit.find", title="Edit: Find", keys=("Ctrl+F",), run=find(with_replace=False)),
        Command(id="edit.find_next", title="Edit: Find next", keys=("F3",), run=find_again),
        Command(id="edit.replace", title="Edit: Replace", keys=("Ctrl+H",), run=find(with_replace=True)),
        Command(
            id="edit.comment",
            title="Edit: Comment or uncomment lines",
            keys=("Ctrl+/",),
            run=with_editor(CodeEditor.toggle_comment),
            in_editor=True,
        ),
        Command(
            id="edit.line_up",
            title="Edit: Move line up",
            keys=("Alt+Up",),
            run=with_editor(CodeEditor.move_lines_up),
            in_editor=True,
        ),
        Command(
            id="edit.line_down",
            title="Edit: Move line down",
            keys=("Alt+Down",),
            run=with_editor(CodeEditor.move_lines_down),
            in_editor=True,
        ),
        Command(
            id="edit.add_next",
            title="Edit: Add a caret at the next occurrence",
            keys=("Ctrl+D",),
            run=with_editor(CodeEditor.select_next_occurrence),
            in_editor=True,
        ),
        Command(
            id="edit.add_all",
            title="Edit: Add carets at all occurrences",
            keys=("Ctrl+Shift+L",),
            run=with_editor(CodeEditor.select_all_occurrences),
            in_editor=True,
        ),
    )


def _view_commands(window: MainWindow, controller: Controller) -> tuple[Command, ...]:
    def perspective(name: str) -> Callable[[], None]:
        return lambda: window.show_perspective(name)

    def activity(name: str) -> Callable[[], None]:
        return lambda: window.show_activity(name)

    def pane(name: str) -> Callable[[], None]:
        return lambda: window.show_pane(name)

    def theme(appearance: Appearance) -> Callable[[], None]:
        return lambda: controller.choose_appearance(appearance)

    return (
        Command(id="view.edit", title="View: Edit perspective", keys=("Ctrl+Alt+1",), run=perspective("edit")),
        Command(
            id="view.debug_perspective",
            title="View: Debug perspective",
            keys=("Ctrl+Alt+2",),
            run=perspective("debug"),
        ),
        Command(
            id="view.deploy_perspective",
            title="View: Deploy perspective",
            keys=("Ctrl+Alt+3",),
            run=perspective("deploy"),
        ),
        Command(id="view.side", title="View: Side bar", keys=("Ctrl+B",), run=window.toggle_side),
        Command(id="view.bottom", title="View: Bottom panel", keys=("Ctrl+J",), run=window.toggle_bottom),
        Command(id="view.inspector", title="View: Inspector", keys=("Ctrl+Alt+B",), run=window.toggle_inspector),
        Command(id="view.console", title="View: Console", keys=("Ctrl+`",), run=controller.show_console),
        Command(id="view.explorer", title="View: Explorer", keys=("Ctrl+Shift+E",), run=activity("explorer")),
        Command(
            id="view.search", title="View: Find in files", keys=("Ctrl+Shift+F",), run=controller.search_in_files
        ),
        Command(id="view.debug", title="View: Debug", keys=("Ctrl+Shift+D",), run=activity("debug")),
        Command(id="view.tests", title="View: Tests", run=activity("tests")),
        Command(id="view.query", title="View: Query", keys=("Ctrl+Shift+Q",), run=activity("query")),
        Command(id="view.deploy", title="View: Deploy", keys=("Ctrl+Shift+Y",), run=activity("deploy")),
        Command(id="view.problems", title="View: Problems", keys=("Ctrl+Shift+M",), run=pane("problems")),
        Command(id="view.timeline", title="View: Timeline", run=pane("timeline")),
        Command(id="view.log", title="View: Log", run=pane("log")),
        Command(
            id="view.zoom_in", title="View: Larger code", keys=("Ctrl+=", "Ctrl++"), run=lambda: controller.zoom(1)
        ),
        Command(id="view.zoom_out", title="View: Smaller code", keys=("Ctrl+-",), run=lambda: controller.zoom(-1)),
        Command(
            id="view.zoom_reset",
            title="View: Code in normal size",
            keys=("Ctrl+0",),
            run=lambda: controller.zoom(0),
        ),
        Command(id="layout.reset", title="Layout: Reset", run=window.reset_layout),
        Command(id="theme.system", title="Theme: As the system", run=theme(Appearance.SYSTEM)),
        Command(id="theme.dark", title="Theme: Dark", run=theme(Appearance.DARK)),
        Command(id="theme.light", title="Theme: Light", run=theme(Appearance.LIGHT)),
        Command(id="theme.high_contrast", title="Theme: High contrast", run=theme(Appearance.HIGH_CONTRAST)),
    )


def _other_commands(window: MainWindow, controller: Controller) -> tuple[Command, ...]:
    return (
        Command(id="log.level", title="Log: Set level", run=lambda: window.palette_box.open("log ")),
        Command(id="data.reset", title="Data: Reset local data", run=controller.reset_data),
        Command(id="debug.follow", title="Debug: Follow the debugger or not", run=controller.toggle_follow),
        Command(id="notices.show", title="Notifications: Show all", run=controller.show_notices),
        Command(
            id="help.keys",
            title="Help: Keyboard",
            keys=("Ctrl+K, Ctrl+S",),
            run=lambda: window.palette_box.open(">"),
        ),
        Command(id="help.doctor", title="Help: What the sandbox enforces here", run=controller.show_doctor),
    )
