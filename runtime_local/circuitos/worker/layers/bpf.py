"""A small assembler for classic BPF programs, the form in which the kernel takes system call filters.

Jumps go forward to labels. A conditional jump reaches 255 instructions and a plain one any number, so every
decision is a short hop over a plain jump.

Source: Linux, Documentation/networking/filter.rst and Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MAX_INSTRUCTIONS = 4096

_LOAD_WORD = 0x20
_AND = 0x54
_JUMP = 0x05
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_RETURN = 0x06
_INSTRUCTION = struct.Struct("<HBBI")


@dataclass(slots=True)
class _Instruction:
    code: int
    value: int
    hops: tuple[int, int] = (0, 0)
    target: str = ""


@dataclass(slots=True)
class Assembler:
    """Collects instructions; `assemble` resolves the labels.

    The accumulator is the only register used: loads fill it, comparisons look at it.
    """

    _instructions: list[_Instruction] = field(default_factory=list)
    _labels: dict[str, int] = field(default_factory=dict)
    _made_labels: int = 0

    def new_label(self) -> str:
        """A name that nothing else uses."""
        self._made_labels += 1
        return f"label {self._made_labels}"

    def place(self, label: str) -> None:
        """Let `label` mean the next instruction."""
        if label in self._labels:
            raise ValueError(f"{label} is placed twice")
        self._labels[label] = len(self._instructions)

    def load(self, offset: int) -> None:
        """Load the 32-bit word of the system call's data at `offset` bytes."""
        self._instructions.append(_Instruction(_LOAD_WORD, offset))

    def mask(self, bits: int) -> None:
        """Keep only `bits`."""
        self._instructions.append(_Instruction(_AND, bits))

    def jump(self, label: str) -> None:
        self._instructions.append(_Instruction(_JUMP, 0, target=label))

    def jump_if_equal(self, value: int, label: str) -> None:
        self._instructions.append(_Instruction(_JUMP_IF_EQUAL, value, (0, 1)))
        self.jump(label)

    def jump_unless_equal(self, value: int, label: str) -> None:
        self._instructions.append(_Instruction(_JUMP_IF_EQUAL, value, (1, 0)))
        self.jump(label)

    def jump_if_at_least(self, value: int, label: str) -> None:
        """Unsigned comparison."""
        self._instructions.append(_Instruction(_JUMP_IF_AT_LEAST, value, (0, 1)))
        self.jump(label)

    def answer(self, verdict: int) -> None:
        """End with `verdict`."""
        self._instructions.append(_Instruction(_RETURN, verdict))

    def assemble(self) -> bytes:
        """The program, eight bytes an instruction.

        Raises:
            ValueError: a label is missing or lies behind its jump, or the kernel would refuse the length.
        """
        if len(self._instructions) > MAX_INSTRUCTIONS:
            raise ValueError(f"{len(self._instructions)} instructions are too many")
        return b"".join(
            _INSTRUCTION.pack(instruction.code, *instruction.hops, self._operand(instruction, position))
            for position, instruction in enumerate(self._instructions)
        )

    def _operand(self, instruction: _Instruction, position: int) -> int:
        if not instruction.target:
            return instruction.value
        distance = self._labels.get(instruction.target, -1) - position - 1
        if distance < 0 or position + 1 + distance >= len(self._instructions):
            raise ValueError(f"{instruction.target} is not ahead of instruction {position}")
        return distance
