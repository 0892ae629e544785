"""Code with slots is the same code: every instruction, argument, position, jump and handler is kept."""

import difflib
import opcode
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from circuitos.debugger.arming import SlotArms, self_check
from circuitos.debugger.breakpoints import Breakpoints, Wanted
from circuitos.debugger.bytecode import disassemble
from circuitos.debugger.slots import IS_SUPPORTED, UNIT_BYTES, insert_slots

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="slots are for CPython 3.11")

STDLIB = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = (Path(__file__).parent / "slots_sample.py.txt").read_text("utf-8")


def inner_codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from inner_codes(constant)


@pytest.fixture(autouse=True)
def display_hooks():
    hooks = sys.displayhook, sys.__displayhook__
    yield
    sys.displayhook, sys.__displayhook__ = hooks


class Taken:
    """Code with slots, taken apart: what was compiled, what stands in front of it, and the stubs."""

    def __init__(self, slotted):
        self.instructions = disassemble(slotted.code)
        self.at, offset = {}, 0
        for number, instruction in enumerate(self.instructions):
            self.at[offset] = number
            offset += UNIT_BYTES * instruction.units
        self.numbers = {one: number for number, one in enumerate(self.instructions)}
        self.added = set()
        for slot in slotted.slots:
            self._take(slot)
        # Backwards, so that what a jump leads over is known before it.
        for number in range(len(self.instructions) - 1, 0, -1):
            if number in self.added:
                self._take_jump_around(number)

    def _take(self, slot):
        start = self.at[slot.stub]
        changed, stub = self.instructions[self.at[slot.offset]], self.instructions[start : start + 5]
        is_pad = changed.name == "NOP" and changed.position[2] is None
        protected = self.instructions[self.at[slot.offset] + 1] if is_pad else changed
        assert [one.name for one in stub[:2]] == ["LOAD_CONST", "PRINT_EXPR"]
        assert len({one.handler and one.handler.target for one in (protected, *stub[:2])}) == 1
        if slot.is_exit:
            assert (changed.name, stub[2].name) == ("RETURN_VALUE", "RETURN_VALUE")
            assert start == self.at[slot.offset] + 1
            self.added.update(range(start, start + 3))
            return
        assert slot.armed_unit == bytes(
            (opcode.opmap["JUMP_FORWARD"], (slot.stub - slot.offset) // UNIT_BYTES - 1)
        )
        assert slot.again == bytes(
            (opcode.opmap["JUMP_BACKWARD_NO_INTERRUPT"], (slot.hook - slot.offset) // UNIT_BYTES + 2)
        )
        switch, moved, back = stub[2:]
        assert switch.name == "NOP"
        assert (moved.number, moved.position) == (changed.number, changed.position)
        assert moved.target is changed.target
        assert moved.target is not None or moved.argument == changed.argument
        assert back.name == "JUMP_BACKWARD_NO_INTERRUPT"
        behind = self.instructions[self.at[slot.offset] + 1]
        assert back.target is behind
        self.added.update(range(start, start + 5))
        for jump in slot.jumps:
            self._check_led(jump, behind)
        if is_pad:
            self.added.add(self.at[slot.offset])

    def _check_led(self, led, behind):
        """The argument's last byte is changed so that the jump comes one unit before where it goes."""
        number = next(
            number
            for offset, number in self.at.items()
            if offset + UNIT_BYTES * (self.instructions[number].prefixes + 1) == led.offset + 1
        )
        jump = self.instructions[number]
        assert jump.target is behind
        assert led.off == bytes((jump.argument & 0xFF,))
        assert led.armed[0] - led.off[0] == (1 if jump.is_backward else -1)

    def _take_jump_around(self, number):
        jump, over = self.instructions[number - 1], number
        while over in self.added:
            over += 1
        is_after = any(jump.target is one for one in self.instructions[number : over + 1])
        if jump.name == "JUMP_FORWARD" and is_after and jump.position in self._positions_before(number - 1):
            self.added.add(number - 1)

    def _positions_before(self, number):
        """Of the instructions before, back to the nearest one that was compiled."""
        before = range(number - 1, -1, -1)
        kept = next(place for place in before if place not in self.added)
        return [self.instructions[place].position for place in range(kept, number)]

    @property
    def kept(self):
        return [one for number, one in enumerate(self.instructions) if number not in self.added]

    def led_to(self, instruction):
        """The compiled instruction that is come to from one that may stand in front of it."""
        number = self.numbers[instruction]
        return next(one for place, one in enumerate(self.instructions[number:], number) if place not in self.added)


def assert_same(original, slotted):
    wanted, taken = disassemble(original), Taken(slotted)
    assert [one.name for one in wanted] == [one.name for one in taken.kept]
    pairs = dict(zip(wanted, taken.kept, strict=True))
    for before, after in pairs.items():
        assert before.position == after.position
        if before.target is None:
            assert before.argument == after.argument
        else:
            assert taken.led_to(after.target) is pairs[before.target]
        assert (before.handler is None) == (after.handler is None)
        if before.handler is not None:
            assert (before.handler.depth, before.handler.pushes_offset) == (
                after.handler.depth,
                after.handler.pushes_offset,
            )
            assert taken.led_to(after.handler.target) is pairs[before.handler.target]


def assert_file_is_kept(path):
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return 0
    new, found = insert_slots(code)
    by_code = {id(slotted.code): slotted for slotted in found}
    lines = set()
    for original, changed in zip(inner_codes(code), inner_codes(new), strict=True):
        slotted = by_code[id(changed)]
        assert_same(original, slotted)
        assert changed.co_stacksize == original.co_stacksize + 1
        assert (changed.co_flags, changed.co_names, changed.co_varnames) == (
            original.co_flags,
            original.co_names,
            original.co_varnames,
        )
        lines |= {slot.line for slot in slotted.slots if not slot.is_exit}
    assert lines.issuperset(statement_lines(code))
    return len(found)


def statement_lines(code):
    """Lines on which a breakpoint may be set; those of `def` and of decorators run in the block around."""
    for one in inner_codes(code):
        yield from (line for start, _end, line in one.co_lines() if line and line != one.co_firstlineno and start)


@pytest.mark.parametrize(
    "name", ["argparse", "asyncio/tasks", "contextlib", "dataclasses", "typing", "_pydecimal"]
)
def test_everything_of_a_module_is_kept(name):
    assert assert_file_is_kept(STDLIB / f"{name}.py") > 10


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_everything_of_the_standard_library_and_its_tests_is_kept():
    count = sum(assert_file_is_kept(path) for path in sorted(STDLIB.rglob("*.py")))

    assert count > 50_000


def traced(code):
    """(function, line) of each line event, by `sys.settrace`."""
    events = []

    def trace(frame, event, _argument):
        if frame.f_code.co_filename != "<sample>":
            return None
        if event == "line":
            events.append((frame.f_code.co_name, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        exec(code, {"__name__": "sample"})
    finally:
        sys.settrace(None)
    return events


def passed(code):
    """(function, line) of each slot that is passed, all armed."""
    events = []
    arms = SlotArms(lambda _frame, code, slot: events.append((code.co_name, slot.line)))
    new = arms.compiled(code)
    arms.arm(Wanted(Breakpoints(), everywhere=True), None)
    try:
        exec(new, {"__name__": "sample"})
    finally:
        arms.disarm()
    return events


def test_slots_are_passed_exactly_where_tracing_sees_lines():
    code = compile(SAMPLE, "<sample>", "exec", dont_inherit=True)

    expected, found = traced(code), passed(code)

    difference = difflib.unified_diff([str(one) for one in expected], [str(one) for one in found], lineterm="")
    assert expected == found, "\n".join(difference)
    assert len(expected) > 300


def test_tracing_sees_the_same_lines_in_code_with_slots():
    code = compile(SAMPLE, "<sample>", "exec", dont_inherit=True)

    assert traced(code) == traced(insert_slots(code)[0])


def test_traceback_of_code_with_slots_names_the_same_lines_and_columns():
    text = "def f():\n    x = [\n        1,\n        1 / 0,\n    ]\n\n\nf()\n"
    positions = []
    for code in (compile(text, "<sample>", "exec"), insert_slots(compile(text, "<sample>", "exec"))[0]):
        with pytest.raises(ZeroDivisionError) as caught:
            exec(code, {})
        last = caught.value.__traceback__.tb_next.tb_next
        positions.append((last.tb_lineno, list(last.tb_frame.f_code.co_positions())[last.tb_lasti // 2]))

    assert positions[0] == positions[1]


def test_code_that_is_armed_and_disarmed_is_what_it_was():
    arms = SlotArms(lambda _frame, _code, _slot: None)
    code = arms.compiled(compile(SAMPLE, "<sample>", "exec", dont_inherit=True))
    codes = list(inner_codes(code))
    before = [one._co_code_adaptive for one in codes]

    arms.arm(Wanted(Breakpoints(), tuple(codes), everywhere=True), None)
    armed = [one._co_code_adaptive for one in codes]
    arms.disarm()

    assert before != armed
    assert before == [one._co_code_adaptive for one in codes]


QUICK = """
def quick(count):
    first = 1
    second = count
    third = second
    while third:
        third = third - first
        second = third
    return second
"""


def test_slots_in_code_that_the_interpreter_has_made_quick_are_passed_and_put_back():
    lines, names = [], {}
    arms = SlotArms(lambda _frame, _code, slot: lines.append(slot.line))
    exec(arms.compiled(compile(QUICK, "<sample>", "exec", dont_inherit=True)), names)
    quick = names["quick"]
    for _ in range(50):
        quick(3)
    before = quick.__code__._co_code_adaptive

    arms.arm(Wanted(Breakpoints(), everywhere=True), None)
    quick(2)
    arms.disarm()

    assert lines == [3, 4, 5, 6, 7, 8, 6, 7, 8, 6, 9]
    assert quick.__code__._co_code_adaptive == before
    assert before != quick.__code__.co_code


def test_script_that_puts_pythons_display_hook_back_keeps_its_slots_armed(capsys):
    lines = []
    arms = SlotArms(lambda _frame, _code, slot: lines.append(slot.line))
    text = "import sys\nsys.displayhook = sys.__displayhook__\nsys.displayhook(7)\n"
    code = arms.compiled(compile(text, "<sample>", "exec", dont_inherit=True))

    arms.arm(Wanted(Breakpoints(), everywhere=True), None)
    exec(code, {})
    arms.disarm()

    assert lines == [1, 2, 3]
    assert capsys.readouterr().out == "7\n"


def test_jumps_that_become_too_far_for_one_byte_are_lengthened():
    body = "".join(f"        x += {number}\n" for number in range(400))
    code = compile(f"def f(n):\n    x = 0\n    for i in range(n):\n{body}    return x\n", "<sample>", "exec")
    names, plain = {}, {}

    exec(insert_slots(code)[0], names)
    exec(code, plain)

    assert names["f"](3) == plain["f"](3)


def test_function_with_more_constants_than_a_byte_holds_keeps_them():
    body = "".join(f"    x = {number}.5\n" for number in range(300))
    code = compile(f"def f():\n    'doc'\n{body}    return x, None\n", "<sample>", "exec")
    names = {}

    exec(insert_slots(code)[0], names)

    assert names["f"]() == (299.5, None)
    assert names["f"].__doc__ == "doc"


def test_self_check_finds_that_slots_work_here():
    assert self_check() == ""


def test_self_check_says_why_not_where_the_interpreter_is_another(monkeypatch):
    monkeypatch.setattr("circuitos.debugger.arming.IS_SUPPORTED", False)

    assert "slots are for CPython 3.11" in self_check()


def test_self_check_notices_that_armed_slots_are_not_called(monkeypatch):
    monkeypatch.setattr("circuitos.debugger.arming._memmove", lambda *_arguments: None)

    assert "were passed [0, 0, 0] times" in self_check()
