"""The menu over the text: commands that make sense at the caret."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtWidgets import QMenu

from circuit_console.panes.editor.area import EditorArea
from circuit_console.window.actions import CommandActions

# Groups with what they are called here; "run." commands that cannot be used now are left out.
_GROUPS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("edit.cut", "Cut"), ("edit.copy", "Copy"), ("edit.paste", "Paste")),
    (
        ("run.to_cursor", "Run to cursor"),
        ("run.jump", "Set next statement"),
        ("run.step_into_target", "Step into a call of this line"),
    ),
    (
        ("run.breakpoint", "Toggle breakpoint"),
        ("run.checkpoint", "Toggle checkpoint"),
        ("run.conditional_breakpoint", "Condition, hit count or log message…"),
        ("run.watch", "Watch"),
    ),
    (
        ("run.selection", "Run selected lines"),
        ("test.current", "Run the test here"),
        ("test.debug_current", "Debug the test here"),
        ("edit.comment", "Comment"),
    ),
)


class EditorMenu(QObject):
    """Builds the menu each time it is asked for, from what can be used then."""

    def __init__(self, editor: EditorArea, actions: CommandActions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._actions = actions
        editor.menu_requested.connect(self._on_menu_requested)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        menu = self.build()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def build(self) -> QMenu:
        menu = QMenu(self._editor)
        for group in _GROUPS:
            usable = [(command_id, title) for command_id, title in group if self._actions.is_enabled(command_id)]
            if usable and menu.actions():
                menu.addSeparator()
            for command_id, title in usable:
                action = menu.addAction(f"{title}\t{self._actions.key_text_of(command_id)}")
                action.triggered.connect(self._actions.runner(command_id))
        return menu
