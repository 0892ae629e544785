"""Where statements start in code: where `sys.settrace` would give a line event in CPython 3.11."""

from __future__ import annotations

from dataclasses import dataclass, field

from circuitos.debugger.bytecode import Instruction

_UNCONDITIONAL = frozenset(
    {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "RETURN_VALUE", "RERAISE", "RAISE_VARARGS"}
)
_NEVER_RAISE = frozenset({"PUSH_EXC_INFO", "NOP", "COPY", "SWAP", "POP_EXCEPT", "JUMP_FORWARD"})
NEVER_BEFORE = frozenset({"RESUME", "COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR", "PUSH_EXC_INFO", "CALL"})


@dataclass(slots=True)
class Ways:
    """How an instruction is come to: with a line event, without one."""

    falls_in: bool | None = None
    from_jumps: set[bool] = field(default_factory=set)
    from_exceptions: bool | None = None

    @property
    def kinds(self) -> set[bool | None]:
        return {self.falls_in, self.from_exceptions, *self.from_jumps}


class Statements:
    """Where statements start in one code object.

    Attributes:
        entry: the first instruction after RESUME.
        starts: the instructions that are come to with a line event, and by which ways.
    """

    def __init__(self, instructions: list[Instruction]) -> None:
        self.instructions = instructions
        self.entry: Instruction | None = None
        self.starts: dict[Instruction, Ways] = {}
        self._handlers: dict[Instruction, set[int | None]] = {}
        self._sources: dict[Instruction, list[Instruction]] = {}
        for instruction in instructions:
            if instruction.target is not None:
                self._sources.setdefault(instruction.target, []).append(instruction)
            if instruction.handler is not None:
                lines = self._handlers.setdefault(instruction.handler.target, set())
                if instruction.name not in _NEVER_RAISE:
                    lines.add(instruction.position[0])
        self._find()

    def _find(self) -> None:
        previous: Instruction | None = None
        is_started = False
        for instruction in self.instructions:
            if instruction.position[0] and is_started and instruction.name not in NEVER_BEFORE:
                is_first = self.entry is None
                if is_first:
                    self.entry = instruction
                ways = self._ways(previous, instruction, is_first=is_first)
                if True in ways.kinds:
                    self.starts[instruction] = ways
            is_started = is_started or instruction.name == "RESUME"
            previous = instruction

    def _ways(self, previous: Instruction | None, instruction: Instruction, *, is_first: bool) -> Ways:
        ways = Ways(from_jumps={gives_event(source, instruction) for source in self._sources.get(instruction, ())})
        if previous is not None and falls_through(previous):
            ways.falls_in = is_first or self._differs(previous, instruction)
        if instruction in self._handlers:
            ways.from_exceptions = self._handlers[instruction] != {instruction.position[0]}
        return ways

    def _differs(self, previous: Instruction, instruction: Instruction) -> bool:
        if previous.name == "PUSH_EXC_INFO" and previous in self._handlers:
            return self._handlers[previous] != {instruction.position[0]}
        return previous.position[0] != instruction.position[0]


def falls_through(instruction: Instruction) -> bool:
    return instruction.name not in _UNCONDITIONAL


def gives_event(source: Instruction, target: Instruction) -> bool:
    """Whether the interpreter gives a line event on this jump: the line changes, or it goes back."""
    if source.position[0] != target.position[0]:
        return True
    return source.is_backward and source.name != "JUMP_BACKWARD_NO_INTERRUPT"
