"""What the go-to box offers: files, commands, symbols, lines, log levels."""

from __future__ import annotations

from functools import partial

from circuit_console.core.file_kinds import file_icon
from circuit_console.panes.editor.area import EditorArea
from circuit_console.panes.explorer.pane import ExplorerPane
from circuit_console.widgets.palette import Choice
from circuit_console.widgets.theme import Theme
from circuit_console.window.actions import CommandActions
from circuit_console.window.controller import Controller
from circuit_console.window.main_window import MainWindow

_LEVELS = ("FINEST", "FINER", "FINE", "DEBUG", "INFO", "WARN", "ERROR", "NONE")


def fill_palette(
    window: MainWindow,
    theme: Theme,
    editor: EditorArea,
    explorer: ExplorerPane,
    controller: Controller,
    actions: CommandActions,
) -> None:
    """Give the box its sources. Each is asked when the box opens."""

    def open_file(path: str, line: int = 0) -> None:
        window.show_editor()
        editor.open(path, line)

    def files() -> list[Choice]:
        found = []
        for path in explorer.files:
            folder, _, name = path.rpartition("/")
            icon_name, token = file_icon(path)
            icon = theme.icon(icon_name, token, 15)
            found.append(Choice(name, folder, partial(open_file, path), icon))
        return found

    def commands() -> list[Choice]:
        return [
            Choice(one.title, actions.key_text(one), actions.runner(one.id), is_enabled=one.is_enabled())
            for one in sorted(actions.commands, key=lambda one: one.title)
        ]

    def symbols() -> list[Choice]:
        page = editor.current_page
        if page is None:
            return []
        return [
            Choice(
                "    " * one.depth + one.name,
                f"line {one.line}",
                partial(editor.open, page.path, one.line),
                theme.icon(
                    "workflow" if one.kind == "class" else "box", "s_cls" if one.kind == "class" else "accent", 15
                ),
            )
            for one in page.outline
        ]

    def lines() -> list[Choice]:
        page = editor.current_page
        if page is None:
            return []
        count = page.editor.line_count
        return [Choice(str(line), "", partial(editor.open, page.path, line)) for line in range(1, count + 1)]

    def levels() -> list[Choice]:
        return [
            Choice(level, "level of the code's log", partial(controller.choose_log_levels, _levels(level)))
            for level in _LEVELS
        ]

    box = window.palette_box
    box.add_source("", "Go to a file.  > commands   @ symbols   : lines", files)
    box.add_source(">", "", commands)
    box.add_source("@", "", symbols)
    box.add_source(":", "", lines)
    box.add_source("log ", "", levels)


def _levels(code_level: str) -> str:
    return f"APEX_CODE,{code_level};DB,INFO;CALLOUT,INFO;VALIDATION,INFO"
