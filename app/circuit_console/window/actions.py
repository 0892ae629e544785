"""Commands as Qt actions: their keys, and running them by id."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from circuit_console.core.commands import Command


class CommandActions(QObject):
    """Gives each command its keys and runs commands by id; asks whether one is enabled when it is used."""

    def __init__(self, window: QWidget, editor: QWidget, commands: Sequence[Command]) -> None:
        super().__init__(window)
        self.commands = tuple(commands)
        self._by_id = {command.id: command for command in commands}
        assert len(self._by_id) == len(commands), "two commands have the same id"
        for command in commands:
            if command.keys:
                self._bind(editor if command.in_editor else window, command)

    def run(self, command_id: str) -> None:
        """Run it where it is enabled; ids that do not exist are a bug."""
        command = self._by_id[command_id]
        if command.is_enabled():
            command.run()

    def is_enabled(self, command_id: str) -> bool:
        return self._by_id[command_id].is_enabled()

    def key_text_of(self, command_id: str) -> str:
        return self.key_text(self._by_id[command_id])

    def runner(self, command_id: str) -> Callable[[], None]:
        return lambda: self.run(command_id)

    def key_text(self, command: Command) -> str:
        return " or ".join(
            QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in command.keys
        )

    def _bind(self, owner: QWidget, command: Command) -> None:
        action = QAction(command.title, owner)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        context = Qt.ShortcutContext
        action.setShortcutContext(
            context.WidgetWithChildrenShortcut if command.in_editor else context.WindowShortcut
        )
        action.setAutoRepeat(command.id.startswith("run.step"))
        action.triggered.connect(lambda _checked=False: self.run(command.id))
        owner.addAction(action)
