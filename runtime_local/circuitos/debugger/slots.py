"""Puts slots into code: places at the start of statements where the debugger can step in while the code runs.

The code itself stays as it was compiled, and as fast. A slot is armed by changing one unit of it in place, into a
jump to a stub, which calls the debugger, does what the changed instruction did, and jumps back behind it:

    off:     … ; LOAD_FAST a ; LOAD_FAST b ; …
    armed:   … ; JUMP_FORWARD stub ; LOAD_FAST b ; …
    stub:    LOAD_CONST mark ; PRINT_EXPR ; NOP ; LOAD_FAST a ; JUMP_BACKWARD_NO_INTERRUPT behind

PRINT_EXPR calls `sys.displayhook`, which compiled modules never do by themselves, with the `Mark` of the code as
its value. No unit moves, so frames, generators and jumps are not disturbed by arming, whatever they are at. The
stub's NOP, changed into a jump to the slot, makes the statement begin anew where it stands: so it is given to
tracing (`Slot.again`).

A function's return is a slot whose stub lies behind it, where nothing passes until it is armed:

    off:   RETURN_VALUE ; LOAD_CONST mark ; PRINT_EXPR ; RETURN_VALUE        armed:   NOP ; …

A slot stands where `sys.settrace` would give a line event: where the line changes on the way to an instruction. An
instruction that is also come to without an event, or that cannot be moved into a stub, gets a NOP in front of it,
which is the slot. Jumps go around the NOP. While it is armed, those with an event lead to it: their argument is
changed by one.

A jump reaches 255 units, so stubs lie in islands: behind the code, or in longer code also between.
"""

from __future__ import annotations

import opcode
import sys
import types
from dataclasses import dataclass, field, replace

from circuitos.debugger.bytecode import Instruction, Position, assemble, disassemble, prefixes
from circuitos.debugger.statements import NEVER_BEFORE, Statements, falls_through, gives_event

IS_SUPPORTED = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)

_JUMP_FORWARD, _JUMP_BACK, _LOAD_CONST, _PRINT_EXPR, _RETURN_VALUE, _NOP = 110, 134, 100, 70, 83, 9
UNIT_BYTES = 2
NOP_UNIT = bytes((_NOP, 0))
_NO_POSITION: Position = (None, None, None, None)

# Of the 255 units that a jump reaches, these are left for the jump over an island and for instructions that must
# not be parted from the one before.
_REACH = 230
# An island is laid down behind code that does not go on there, if it would have to be within this many units.
_SOON = 96

# What most statements begin with, and what runs no code of the user in a stub. None of them is looked at by the
# instruction before it, but by those of `_FUSING`.
_MOVABLE = frozenset(
    {
        *("LOAD_FAST", "LOAD_CONST", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLOSURE", "PUSH_NULL", "NOP"),
        *("BUILD_LIST", "BUILD_TUPLE", "BUILD_MAP", "LOAD_BUILD_CLASS", "LOAD_ASSERTION_ERROR"),
    }
)
_FUSING = frozenset({"LOAD_FAST", "STORE_FAST", "LOAD_CONST"})


class Mark:
    """A constant of one code object, which its slots give to the hook."""


@dataclass(frozen=True, slots=True)
class LedJump:
    """The byte of a jump's argument at `offset`, as it is and as it leads over an armed slot."""

    offset: int
    off: bytes
    armed: bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """Offsets are in bytes.

    Attributes:
        offset: of the unit that is changed.
        stub: of what runs while it is armed.
        hook: `f_lasti` of a frame that is in the slot's call.
        is_entry: a call passes it first.
        is_exit: a call returns there.
        may_be_fused: the interpreter may have made one instruction of this one and the one before.
        jumps: what leads over it only while it is armed.
    """

    offset: int
    line: int
    stub: int
    hook: int
    is_entry: bool = False
    is_exit: bool = False
    may_be_fused: bool = False
    jumps: tuple[LedJump, ...] = ()

    @property
    def armed_unit(self) -> bytes:
        if self.is_exit:
            return NOP_UNIT
        return bytes((_JUMP_FORWARD, (self.stub - self.offset) // UNIT_BYTES - 1))

    @property
    def switch(self) -> int:
        """The unit behind the call: a NOP, or `again`."""
        return self.hook + UNIT_BYTES

    @property
    def again(self) -> bytes:
        """A jump from the stub to the slot."""
        return bytes((_JUMP_BACK, (self.switch - self.offset) // UNIT_BYTES + 1))


@dataclass(frozen=True, slots=True)
class Slotted:
    """A code object with its slots."""

    code: types.CodeType
    mark: Mark
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
    mark = Mark()
    woven = _Weaving(Statements(disassemble(code)), len(consts))
    while True:
        new = assemble(code, woven.instructions, (*consts, mark), code.co_stacksize + 1)
        if not woven.lead_unchangeable_jumps():
            break
    found.append(Slotted(new, mark, tuple(_slot(site) for site in woven.sites)))
    return new


@dataclass(eq=False, slots=True)
class _Site:
    """A slot in code that is not laid out yet."""

    changed: Instruction
    stub: list[Instruction]
    is_entry: bool = False
    is_exit: bool = False
    may_be_fused: bool = False
    jumps: list[Instruction] = field(default_factory=list)


def _slot(site: _Site) -> Slot:
    changed, call = site.changed, site.stub[1]
    return Slot(
        UNIT_BYTES * changed.offset,
        changed.position[0] or 0,
        UNIT_BYTES * site.stub[0].offset,
        UNIT_BYTES * call.offset,
        site.is_entry,
        site.is_exit,
        site.may_be_fused,
        tuple(_led(jump) for jump in site.jumps),
    )


def _led(jump: Instruction) -> LedJump:
    """Of a jump behind a NOP; on it is one unit less far forward, and one more backward."""
    last_unit = jump.offset + jump.prefixes
    argument = jump.argument & 0xFF
    return LedJump(
        UNIT_BYTES * last_unit + 1, bytes((argument,)), bytes((argument + (1 if jump.is_backward else -1),))
    )


class _Weaving:
    """Code with its slots.

    Attributes:
        instructions: those of the code, those put in front of them, and the stubs.
    """

    def __init__(self, statements: Statements, mark: int) -> None:
        self.sites: list[_Site] = []
        self._statements = statements
        self._mark = mark
        self._layout = _Layout()
        self._jumps: dict[Instruction, list[Instruction]] = {}
        pads = self._pads()
        for instruction in statements.instructions:
            self._add(instruction, pads.get(instruction))
        self._layout.lay_island()
        self.instructions = self._layout.instructions

    def _pads(self) -> dict[Instruction, Instruction]:
        """The NOPs in front of instructions that need one; exceptions with an event are led over them."""
        starts = self._statements.starts
        pads = {
            instruction: Instruction(
                _NOP, 0, (instruction.position[0],) * 2 + (None, None), handler=instruction.handler
            )
            for instruction, ways in starts.items()
            if instruction.name not in _MOVABLE or False in ways.kinds
        }
        for instruction in self._statements.instructions:
            target, handler = instruction.target, instruction.handler
            if target is not None and target in pads and gives_event(instruction, target):
                self._jumps.setdefault(pads[target], []).append(instruction)
            if handler is not None and handler.target in pads and starts[handler.target].from_exceptions:
                handler.target = pads[handler.target]
        return pads

    def lead_unchangeable_jumps(self) -> bool:
        """Lead those over their NOP for good whose argument, as it is laid out now, cannot be changed by one."""
        has_led = False
        for site in self.sites:
            for jump in site.jumps[:]:
                if jump.argument & 0xFF == (0xFF if jump.is_backward else 0):
                    jump.target = site.changed
                    site.jumps.remove(jump)
                    has_led = True
        return has_led

    def _add(self, instruction: Instruction, pad: Instruction | None) -> None:
        layout, ways = self._layout, self._statements.starts.get(instruction)
        if pad is not None:
            before = layout.instructions[-1]
            if ways is not None and not (ways.falls_in or ways.from_exceptions):
                # While it is off nothing comes to it, and so nothing to a handler that protects it first: the
                # interpreter would take that for unreachable when the next statement is set.
                pad.handler = before.handler
            if falls_through(before) and ways is not None and not ways.falls_in:
                layout.append(_jump(before, instruction))
            layout.append(pad)
            self._add_start(instruction, pad)
        layout.append(instruction, is_bound=pad is not None)
        if pad is None and ways is not None:
            self._add_start(instruction, instruction)
        if instruction.number == _RETURN_VALUE:
            stub = [*self._call(instruction), Instruction(_RETURN_VALUE, 0, instruction.position)]
            self.sites.append(_Site(instruction, stub, is_exit=True))
            for one in stub:
                layout.append(one, is_bound=True)

    def _add_start(self, instruction: Instruction, changed: Instruction) -> None:
        back = Instruction(_JUMP_BACK, 0, _NO_POSITION, handler=instruction.handler)
        moved = replace(changed, handler=instruction.handler)
        stub = [*self._call(instruction), Instruction(_NOP, 0, _NO_POSITION), moved, back]
        is_entry = instruction is self._statements.entry
        site = _Site(changed, stub, is_entry=is_entry, jumps=self._jumps.get(changed, []))
        self.sites.append(site)
        self._layout.add_stub(site)

    def _call(self, instruction: Instruction) -> list[Instruction]:
        load = Instruction(_LOAD_CONST, self._mark, _NO_POSITION, handler=instruction.handler)
        load.prefixes = prefixes(self._mark)
        return [load, Instruction(_PRINT_EXPR, 0, _NO_POSITION, handler=instruction.handler)]


class _Layout:
    """Puts instructions in a row, and stubs in islands behind code, within reach of a jump from their slots."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        # Units at most: jumps may get a prefix yet. The stubs that wait have to come before the limit.
        self._place = 0
        self._limit = 0
        self._waiting: list[Instruction] = []
        self._back: Instruction | None = None

    def append(self, instruction: Instruction, *, is_bound: bool = False) -> None:
        """Add an instruction; one that `is_bound` stays behind the one before."""
        if self._waiting and not is_bound and instruction.name not in NEVER_BEFORE:
            before = self.instructions[-1]
            is_passed = falls_through(before)
            if self._place + _room(instruction) > self._limit - (0 if is_passed else _SOON):
                if is_passed:
                    self._push(_jump(before, instruction))
                self.lay_island()
        self._push(instruction)

    def add_stub(self, site: _Site) -> None:
        """The instruction that was added last is changed to come here."""
        before = self.instructions[-2] if len(self.instructions) > 1 else None
        site.may_be_fused = before is not None and before.name in _FUSING
        self._back = site.stub[-1]
        units = sum(map(_room, self._waiting))
        limit = self._place - _room(site.changed) + _REACH - units
        self._limit = min(self._limit, limit) if self._waiting else limit
        self._waiting += site.stub

    def lay_island(self) -> None:
        """Put down the stubs that wait."""
        stubs, self._waiting = self._waiting, []
        for instruction in stubs:
            self._push(instruction)

    def _push(self, instruction: Instruction) -> None:
        if self._back is not None:
            self._back.target, self._back = instruction, None
        self._place += _room(instruction)
        self.instructions.append(instruction)


def _jump(before: Instruction, target: Instruction) -> Instruction:
    """A jump that belongs to what is before it, so that tracing sees no line of its own."""
    return Instruction(_JUMP_FORWARD, 0, before.position, target, before.handler)


def _room(instruction: Instruction) -> int:
    return instruction.units + (instruction.target is not None or instruction.number == _JUMP_BACK)


def _check_numbers() -> None:
    """The slot's units are written as bytes; they must mean what this module says."""
    names = {
        "JUMP_FORWARD": _JUMP_FORWARD,
        "JUMP_BACKWARD_NO_INTERRUPT": _JUMP_BACK,
        "LOAD_CONST": _LOAD_CONST,
        "PRINT_EXPR": _PRINT_EXPR,
        "RETURN_VALUE": _RETURN_VALUE,
        "NOP": _NOP,
    }
    assert all(opcode.opmap[name] == number for name, number in names.items())


if IS_SUPPORTED:
    _check_numbers()
