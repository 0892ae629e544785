"""Code with slots is the same code: every instruction, argument, position, jump and handler is kept."""

import difflib
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from circuitos.debugger.arming import SlotArms, self_check
from circuitos.debugger.breakpoints import Breakpoints
from circuitos.debugger.bytecode import disassemble
from circuitos.debugger.slots import IS_SUPPORTED, insert_slots

pytestmark = pytest.mark.skipif(not IS_SUPPORTED, reason="slots are for CPython 3.11")

STDLIB = Path(sysconfig.get_paths()["stdlib"])
SAMPLE = (Path(__file__).parent / "slots_sample.py.txt").read_text("utf-8")
_UNITS = 2


def inner_codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from inner_codes(constant)


def without_slots(slotted):
    """The instructions that are left when the slots and the jumps around them are taken away."""
    instructions, regions = disassemble(slotted.code)
    offset, starts = 0, {}
    for instruction in instructions:
        starts[instruction] = offset
        offset += _UNITS * instruction.units
    heads = {slot.offset for slot in slotted.slots if not slot.is_exit}
    exits = {slot.offset for slot in slotted.slots if slot.is_exit}
    kept, places, number = [], {}, 0
    while number < len(instructions):
        instruction = instructions[number]
        places[instruction] = len(kept)
        if starts[instruction] in heads:
            assert [one.name for one in instructions[number : number + 3]] == [
                "JUMP_FORWARD",
                "LOAD_CONST",
                "PRINT_EXPR",
            ]
            number += 3
            continue
        following = instructions[number + 1] if number + 1 < len(instructions) else None
        is_way_around = (
            instruction.name == "JUMP_FORWARD" and instruction.argument == 3 and starts.get(following, -1) in heads
        )
        if not is_way_around or instruction.target is not instructions[number + 4]:
            kept.append(instruction)
        else:
            kept.append(None)
        number += 1
        if starts[instruction] in exits:
            assert [one.name for one in instructions[number : number + 3]] == [
                "LOAD_CONST",
                "PRINT_EXPR",
                "RETURN_VALUE",
            ]
            number += 3
    return instructions, kept, places, regions


def assert_same(original, slotted):
    wanted, wanted_regions = disassemble(original)
    instructions, kept, _places, regions = without_slots(slotted)
    # A jump around a slot looks like one of the original's only where that jumps over three units, too.
    found = [one for one in kept if one is not None]
    if len(found) != len(wanted):
        raise AssertionError(f"{original.co_name}: {len(found)} instructions for {len(wanted)}")
    pairs = dict(zip(wanted, found, strict=True))
    heads = {slot.offset // _UNITS: slot for slot in slotted.slots if not slot.is_exit}
    offsets, offset = {}, 0
    for instruction in instructions:
        offsets[instruction] = offset
        offset += instruction.units

    def leads_to(target, instruction):
        """Whether `target` is the instruction itself or the slot in front of it."""
        is_slot = offsets[target] in heads and offsets[target] + 3 == offsets[instruction]
        return target is instruction or is_slot

    for before, after in pairs.items():
        assert (before.number, before.position) == (after.number, after.position)
        if before.target is None:
            assert before.argument == after.argument
        else:
            assert leads_to(after.target, pairs[before.target])
    assert len(wanted_regions) == len(regions)
    for before, after in zip(wanted_regions, regions, strict=True):
        assert (before.depth, before.pushes_offset) == (after.depth, after.pushes_offset)
        assert leads_to(after.start, pairs[before.start])
        assert leads_to(after.target, pairs[before.target])
        assert (before.end is None) == (after.end is None)
        assert before.end is None or leads_to(after.end, pairs[before.end])


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
    hook = sys.displayhook
    arms = SlotArms(lambda frame, slot: events.append((frame.f_code.co_name, slot.line)))
    new = arms.compiled(code)
    arms.arm(Breakpoints(), (), everywhere=True)
    try:
        exec(new, {"__name__": "sample"})
    finally:
        arms.disarm()
        sys.displayhook = hook
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
    hook = sys.displayhook
    arms = SlotArms(lambda _frame, _slot: None)
    code = arms.compiled(compile(SAMPLE, "<sample>", "exec", dont_inherit=True))
    codes = list(inner_codes(code))
    before = [one._co_code_adaptive for one in codes]

    arms.arm(Breakpoints(), tuple(codes), everywhere=True)
    armed = [one._co_code_adaptive for one in codes]
    arms.disarm()

    sys.displayhook = hook
    assert before != armed
    assert before == [one._co_code_adaptive for one in codes]


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
