"""The line over the breakpoints in which a condition, a hit count, a message or a function's name is typed."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from circuit_console.core.breakpoints import Breakpoint, fault_of
from circuit_console.widgets.controls import label, refresh_style

_KINDS = (
    ("condition", "If", "Stops when this is true: total > 90"),
    ("hit_condition", "Hits", "Stops at this hit: 3, >= 10 or % 5"),
    ("log_message", "Log", "Logs this and goes on: total is {total}"),
)
_FUNCTION_HINT = "A function's name: VirtualLPR.calculate"
_KIND_PX = 62


class _Edited(msgspec.Struct):
    breakpoint: Breakpoint
    kind: str


class BreakpointForm(QWidget):
    """Hidden until it is asked for; Enter takes what was typed, Esc leaves it. What can never hold is told below.

    Signals:
        changed: Breakpoint, with its new condition, hit count or message.
        function_entered: str.
        left: None, after it was hidden.
    """

    changed = Signal(object)
    function_entered = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edited: _Edited | None = None
        self._kind = QComboBox(self)
        self._kind.setFixedWidth(_KIND_PX)
        self._kind.setAccessibleName("What the breakpoint depends on")
        for kind, title, _ in _KINDS:
            self._kind.addItem(title, kind)
        self._kind.currentIndexChanged.connect(self._on_kind_chosen)
        self.field = QLineEdit(self)
        self.field.returnPressed.connect(self._on_entered)
        self.field.textEdited.connect(lambda _text: self._tell(""))
        self.fault = label("", "error")
        self.fault.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._kind)
        row.addWidget(self.field, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 2, 8, 4)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.fault)
        self.hide()

    def edit(self, breakpoint: Breakpoint, kind: str = "") -> None:
        """Open on one of condition, hit_condition, log_message; on the one that is set for ""."""
        wanted = kind or next((one for one, *_ in _KINDS if getattr(breakpoint, one)), _KINDS[0][0])
        self._edited = _Edited(breakpoint, wanted)
        self._kind.blockSignals(True)
        self._kind.setCurrentIndex(self._kind.findData(wanted))
        self._kind.blockSignals(False)
        self._kind.show()
        self._show_kind()
        self._open()
        self._tell(breakpoint.reason if breakpoint.is_verified is False else "")

    def ask_function(self) -> None:
        self._edited = None
        self._kind.hide()
        self.field.clear()
        self.field.setPlaceholderText(_FUNCTION_HINT)
        self.field.setAccessibleName("Function to stop in")
        self._open()
        self._tell("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    @Slot(int)
    def _on_kind_chosen(self, _index: int) -> None:
        """What was typed for the kind before is kept until Enter."""
        if self._edited is not None:
            self._edited = _Edited(self._typed(self._edited), str(self._kind.currentData()))
            self._show_kind()
            self._tell("")
            self.field.setFocus()

    @Slot()
    def _on_entered(self) -> None:
        edited, text = self._edited, self.field.text().strip()
        typed = self._typed(edited) if edited is not None else None
        fault = fault_of(typed) if typed is not None else ""
        if fault:
            self._tell(fault)
            return
        self._leave()
        if typed is not None:
            self.changed.emit(typed)
        elif text:
            self.function_entered.emit(text)

    def _typed(self, edited: _Edited) -> Breakpoint:
        return replace(edited.breakpoint, **{edited.kind: self.field.text().strip()})

    def _show_kind(self) -> None:
        assert self._edited is not None
        kind, line = self._edited.kind, self._edited.breakpoint.line
        self.field.setText(str(getattr(self._edited.breakpoint, kind)))
        self.field.setPlaceholderText(next(hint for one, _, hint in _KINDS if one == kind))
        self.field.setAccessibleName(f"{kind} of the breakpoint at line {line}".replace("_", " "))

    def _tell(self, fault: str) -> None:
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.field.setProperty("state", "bad" if fault else "")
        refresh_style(self.field)

    def _open(self) -> None:
        self.show()
        self.field.setFocus()
        self.field.selectAll()

    def _leave(self) -> None:
        self._edited = None
        self.hide()
        self.left.emit()
