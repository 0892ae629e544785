"""Puts slots into code: places in front of statements where the debugger can step in while the code runs.

A slot is three code units that are jumped over until it is armed by changing the first one:

    off:   JUMP_FORWARD 2 ; LOAD_CONST None ; PRINT_EXPR        armed:   NOP ; LOAD_CONST None ; PRINT_EXPR

PRINT_EXPR calls `sys.displayhook`, which compiled modules never do by themselves. The number of units stays the
same, so frames, generators and jumps are not disturbed by arming, whatever they are at. The slot's first unit
carries the line of its statement and the others none, so tracers see the same lines as in unchanged code.

Where a function returns, an exit slot stands behind its last instruction, where nothing passes until it is armed:

    off:   RETURN_VALUE ; LOAD_CONST None ; PRINT_EXPR ; RETURN_VALUE        armed:   NOP ; …

A slot stands where `sys.settrace` would give a line event: where the line changes on the way to an instruction.
Each way to it, by falling through or by a jump, passes the slot or goes around it by that rule.
"""

from __future__ import annotations

import opcode
import sys
import types
from dataclasses import dataclass

from circuitos.debugger.bytecode import Instruction, Position, Region, assemble, disassemble

IS_SUPPORTED = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)

ARMED_UNIT = bytes((9, 0))
_OFF_UNIT = bytes((110, 2))
_OFF_EXIT_UNIT = bytes((83, 0))
_PRINT_UNITS = 2
_NO_POSITION: Position = (None, None, None, None)
_JUMP_FORWARD, _LOAD_CONST, _PRINT_EXPR, _RETURN_VALUE = 110, 100, 70, 83
_MAX_CONST = 255
_SLOT_UNITS = 3

_UNCONDITIONAL = frozenset(
    {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "RETURN_VALUE", "RERAISE", "RAISE_VARARGS"}
)
_NEVER_RAISE = frozenset({"PUSH_EXC_INFO", "NOP", "COPY", "SWAP", "POP_EXCEPT", "JUMP_FORWARD"})
_NEVER_BEFORE = frozenset({"RESUME", "COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR", "PUSH_EXC_INFO"})


@dataclass(frozen=True, slots=True)
class Slot:
    """`offset` in bytes of its first unit; `is_entry`: a call passes it first; `is_exit`: it returns there."""

    offset: int
    line: int
    is_entry: bool = False
    is_exit: bool = False

    @property
    def off_unit(self) -> bytes:
        """What its first unit is while it is not armed."""
        return _OFF_EXIT_UNIT if self.is_exit else _OFF_UNIT

    @property
    def hook_offset(self) -> int:
        """`f_lasti` of a frame that is in the slot's call."""
        return self.offset + 2 * _PRINT_UNITS


@dataclass(frozen=True, slots=True)
class Slotted:
    """A code object with its slots."""

    code: types.CodeType
    slots: tuple[Slot, ...]


def insert_slots(code: types.CodeType) -> tuple[types.CodeType, list[Slotted]]:
    """The module's code with slots in it and in all inner code, and each code object with its slots.

    Only for CPython 3.11 (`IS_SUPPORTED`).
    """
    found: list[Slotted] = []
    return _insert(code, found), found


def _insert(code: types.CodeType, found: list[Slotted]) -> types.CodeType:
    consts = tuple(
        _insert(constant, found) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    none = next((place for place, constant in enumerate(consts[: _MAX_CONST + 1]) if constant is None), None)
    if none is None:
        # Whatever a constant is, the hook throws it away; without one in reach any other serves.
        none, consts = (0, consts) if len(consts) > _MAX_CONST else (len(consts), (*consts, None))
    instructions, regions = disassemble(code)
    plan = _Plan(instructions, regions, none)
    new = assemble(code, plan.woven(), plan.regions(), consts, code.co_stacksize + 1)
    slots = [
        Slot(2 * head.offset, before.position[0] or 0, is_entry=before is plan.entry)
        for before, head in plan.heads.items()
    ]
    slots += [
        Slot(2 * instruction.offset, instruction.position[0] or 0, is_exit=True)
        for instruction in instructions
        if instruction.number == _RETURN_VALUE
    ]
    found.append(Slotted(new, tuple(slots)))
    return new


class _Plan:
    """Where slots go in one code object.

    Attributes:
        entry: the first instruction after RESUME.
        heads: instruction to the first unit of its slot.
    """

    def __init__(self, instructions: list[Instruction], regions: list[Region], none: int) -> None:
        self._instructions = instructions
        self._regions = regions
        self._none = none
        self._handlers: dict[Instruction, set[int | None]] = {}
        self._collect_handlers()
        self._sources: dict[Instruction, list[Instruction]] = {}
        for instruction in instructions:
            if instruction.target is not None:
                self._sources.setdefault(instruction.target, []).append(instruction)
        self._falls_in: set[Instruction] = set()
        self.entry: Instruction | None = None
        self.heads: dict[Instruction, Instruction] = {}
        self._place()

    def woven(self) -> list[Instruction]:
        """The instructions with their slots, and with jumps that pass or avoid them."""
        for instruction in self._instructions:
            target = instruction.target
            if target in self.heads and target is not None and _gives_event(instruction, target):
                instruction.target = self.heads[target]
        result: list[Instruction] = []
        previous: Instruction | None = None
        for instruction in self._instructions:
            head = self.heads.get(instruction)
            if head is not None:
                if previous is not None and _falls_through(previous) and instruction not in self._falls_in:
                    result.append(Instruction(_JUMP_FORWARD, _SLOT_UNITS, previous.position))
                result += [head, *self._call()]
            result.append(instruction)
            if instruction.number == _RETURN_VALUE:
                result += [*self._call(), Instruction(_RETURN_VALUE, 0, instruction.position)]
            previous = instruction
        return result

    def _call(self) -> list[Instruction]:
        return [Instruction(_LOAD_CONST, self._none, _NO_POSITION), Instruction(_PRINT_EXPR, 0, _NO_POSITION)]

    def regions(self) -> list[Region]:
        """A slot is protected as its instruction is. Handlers that are lines of their own pass their slots."""
        return [
            Region(
                self.heads.get(region.start, region.start),
                None if region.end is None else self.heads.get(region.end, region.end),
                self.heads.get(region.target, region.target),
                region.depth,
                region.pushes_offset,
            )
            for region in self._regions
        ]

    def _collect_handlers(self) -> None:
        """For each handler, the lines from which an exception may come to it."""
        place = {instruction: number for number, instruction in enumerate(self._instructions)}
        for region in self._regions:
            end = len(self._instructions) if region.end is None else place[region.end]
            protected = self._instructions[place[region.start] : end]
            lines = self._handlers.setdefault(region.target, set())
            lines.update(one.position[0] for one in protected if one.name not in _NEVER_RAISE)

    def _place(self) -> None:
        previous: Instruction | None = None
        is_started = False
        for instruction in self._instructions:
            if instruction.position[0] and is_started and instruction.name not in _NEVER_BEFORE:
                is_first = self.entry is None
                if is_first:
                    self.entry = instruction
                if is_first or self._is_fallen_into(previous, instruction):
                    self._falls_in.add(instruction)
                if instruction in self._falls_in or self._is_come_to(instruction):
                    self.heads[instruction] = Instruction(
                        _JUMP_FORWARD, _SLOT_UNITS - 1, (instruction.position[0],) * 2 + (None, None)
                    )
            is_started = is_started or instruction.name == "RESUME"
            previous = instruction

    def _is_fallen_into(self, previous: Instruction | None, instruction: Instruction) -> bool:
        if previous is None or not _falls_through(previous):
            return False
        if previous.name == "PUSH_EXC_INFO" and previous in self._handlers:
            return self._handlers[previous] != {instruction.position[0]}
        return previous.position[0] != instruction.position[0]

    def _is_come_to(self, instruction: Instruction) -> bool:
        if any(_gives_event(source, instruction) for source in self._sources.get(instruction, ())):
            return True
        lines = self._handlers.get(instruction)
        return lines is not None and lines != {instruction.position[0]}


def _falls_through(instruction: Instruction) -> bool:
    return instruction.name not in _UNCONDITIONAL


def _gives_event(source: Instruction, target: Instruction) -> bool:
    """Whether the interpreter gives a line event on this jump: the line changes, or it goes back."""
    if source.position[0] != target.position[0]:
        return True
    return source.is_backward and source.name != "JUMP_BACKWARD_NO_INTERRUPT"


def _check_numbers() -> None:
    """The slot's units are written as bytes; they must mean what this module says."""
    names = {
        "JUMP_FORWARD": _JUMP_FORWARD,
        "LOAD_CONST": _LOAD_CONST,
        "PRINT_EXPR": _PRINT_EXPR,
        "RETURN_VALUE": _RETURN_VALUE,
        "NOP": ARMED_UNIT[0],
    }
    assert all(opcode.opmap[name] == number for name, number in names.items())


if IS_SUPPORTED:
    _check_numbers()
