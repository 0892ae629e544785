"""CPython 3.11's code objects as lists of instructions, and back, without a change in what they mean.

Sources: `Objects/locations.md` and `Objects/exception_handling_notes.txt` of CPython 3.11.
"""

from __future__ import annotations

import dis
import itertools
import opcode
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# (line, end line, column, end column), each None where it is not known; as `CodeType.co_positions` gives them.
Position = tuple[int | None, int | None, int | None, int | None]

EXTENDED_ARG = 144
_UNIT_BYTES = 2
_NO_LOCATION = 15
_LONG_LOCATION = 14
_LINE_LOCATION = 13
_MAX_ENTRY_UNITS = 8
_CACHES: list[int] = getattr(opcode, "_inline_cache_entries", [])
_JUMPS = frozenset(opcode.hasjrel)
_BACKWARD = frozenset(number for number in opcode.hasjrel if "JUMP_BACKWARD" in opcode.opname[number])


@dataclass(eq=False, slots=True)
class Instruction:
    """One instruction with its prefixes and caches.

    Attributes:
        target: where it jumps; `argument` is then worked out anew when the code is assembled.
        handler: where an exception that it raises goes.
        offset: in code units, of its first prefix; set by `assemble`.
    """

    number: int
    argument: int
    position: Position
    target: Instruction | None = None
    handler: Handler | None = None
    offset: int = -1
    prefixes: int = 0

    @property
    def is_backward(self) -> bool:
        return self.number in _BACKWARD

    @property
    def name(self) -> str:
        return dis.opname[self.number]

    @property
    def caches(self) -> int:
        return _CACHES[self.number]

    @property
    def units(self) -> int:
        return self.prefixes + 1 + self.caches


@dataclass(eq=False, slots=True)
class Handler:
    """One entry of an exception table, shared by the instructions that it protects.

    Attributes:
        depth: of the stack that is kept.
        pushes_offset: whether the place of the exception is pushed before it.
    """

    target: Instruction
    depth: int
    pushes_offset: bool


def disassemble(code: types.CodeType) -> list[Instruction]:
    """The instructions of a code object in their order."""
    raw = code.co_code
    positions: list[Any] = list(code.co_positions())
    instructions: list[Instruction] = []
    at: dict[int, Instruction] = {}
    jumps: list[tuple[Instruction, int]] = []
    unit = first = argument = 0
    while unit * _UNIT_BYTES < len(raw):
        number, low = raw[unit * _UNIT_BYTES], raw[unit * _UNIT_BYTES + 1]
        argument = argument << 8 | low
        if number == EXTENDED_ARG:
            unit += 1
            continue
        instruction = Instruction(number, argument, positions[unit], prefixes=unit - first)
        at[first] = instruction
        instructions.append(instruction)
        if number in _JUMPS:
            jumps.append((instruction, unit + 1 + (-argument if instruction.is_backward else argument)))
        unit += 1 + instruction.caches
        first, argument = unit, 0
    for instruction, target in jumps:
        instruction.target = at[target]
    _protect(at, code.co_exceptiontable)
    return instructions


def assemble(
    code: types.CodeType,
    instructions: list[Instruction],
    consts: tuple[Any, ...],
    stack: int,
) -> types.CodeType:
    """A code object of these instructions, otherwise as `code`. Sets their offsets."""
    _lay_out(instructions)
    return code.replace(
        co_code=b"".join(_encoded(instruction) for instruction in instructions),
        co_linetable=_line_table(instructions, code.co_firstlineno),
        co_exceptiontable=_exception_table(instructions),
        co_consts=consts,
        co_stacksize=stack,
    )


def _lay_out(instructions: list[Instruction]) -> None:
    """Give each its place, with prefixes for jumps that are now too far for one byte."""
    while True:
        offset = 0
        for instruction in instructions:
            instruction.offset = offset
            offset += instruction.units
        has_grown = False
        for instruction in instructions:
            if instruction.target is None:
                continue
            behind = instruction.offset + instruction.prefixes + 1
            distance = instruction.target.offset - behind
            instruction.argument = -distance if instruction.is_backward else distance
            needed = prefixes(instruction.argument)
            if needed > instruction.prefixes:
                instruction.prefixes = needed
                has_grown = True
        if not has_grown:
            return


def prefixes(argument: int) -> int:
    """How many an instruction needs for what does not fit into one byte."""
    return max((argument.bit_length() + 7) // 8 - 1, 0)


def _encoded(instruction: Instruction) -> bytes:
    argument = instruction.argument
    extended = [
        bytes((EXTENDED_ARG, argument >> 8 * place & 0xFF)) for place in range(instruction.prefixes, 0, -1)
    ]
    return b"".join(extended) + bytes((instruction.number, argument & 0xFF)) + bytes(2 * instruction.caches)


# ------------------------------------------------------------------------------------------- tables


def _line_table(instructions: list[Instruction], first_line: int) -> bytes:
    table = bytearray()
    line = first_line
    for position, units in _runs(instructions):
        while units > 0:
            taken = min(units, _MAX_ENTRY_UNITS)
            line = _append_location(table, position, taken, line)
            units -= taken
    return bytes(table)


def _runs(instructions: list[Instruction]) -> Iterator[tuple[Position, int]]:
    """Places with the number of units that share them; each instruction begins an entry of its own."""
    for instruction in instructions:
        yield instruction.position, instruction.units


def _append_location(table: bytearray, position: Position, units: int, line: int) -> int:
    """One entry; the line that the next one counts from."""
    start, end, column, end_column = position
    if start is None:
        table.append(0x80 | _NO_LOCATION << 3 | units - 1)
        return line
    kind = _LINE_LOCATION if column is None or end_column is None or end is None else _LONG_LOCATION
    table.append(0x80 | kind << 3 | units - 1)
    _append_signed(table, start - line)
    if kind == _LONG_LOCATION:
        assert end is not None
        assert column is not None
        assert end_column is not None
        _append_number(table, end - start)
        _append_number(table, column + 1)
        _append_number(table, end_column + 1)
    return start


def _append_number(table: bytearray, value: int) -> None:
    """Six bits at a time, the lowest first."""
    while value > 0x3F:
        table.append(0x40 | value & 0x3F)
        value >>= 6
    table.append(value)


def _append_signed(table: bytearray, value: int) -> None:
    _append_number(table, (-value << 1 | 1) if value < 0 else value << 1)


def _protect(at: dict[int, Instruction], table: bytes) -> None:
    """Tell each instruction its handler; `at` is by their first unit."""
    numbers = _numbers(table)
    for start in numbers:
        length, target, depth = next(numbers), next(numbers), next(numbers)
        handler = Handler(at[target], depth >> 1, bool(depth & 1))
        for unit in range(start, start + length):
            if unit in at:
                at[unit].handler = handler


def _numbers(table: bytes) -> Iterator[int]:
    """Six bits at a time, the highest first; 0x80 marks the start of an entry."""
    value = 0
    for byte in table:
        value = value << 6 | byte & 0x3F
        if not byte & 0x40:
            yield value
            value = 0


def _exception_table(instructions: Iterable[Instruction]) -> bytes:
    table = bytearray()
    for handler, protected in itertools.groupby(instructions, key=lambda one: one.handler):
        if handler is None:
            continue
        together = list(protected)
        start, end = together[0].offset, together[-1].offset + together[-1].units
        depth = handler.depth << 1 | handler.pushes_offset
        for place, number in enumerate((start, end - start, handler.target.offset, depth)):
            table += _big_endian(number, is_first=place == 0)
    return bytes(table)


def _big_endian(value: int, *, is_first: bool) -> bytes:
    digits = [value & 0x3F]
    while value := value >> 6:
        digits.append(value & 0x3F)
    digits.reverse()
    encoded = bytearray(digit | 0x40 for digit in digits[:-1]) + bytes((digits[-1],))
    if is_first:
        encoded[0] |= 0x80
    return bytes(encoded)
