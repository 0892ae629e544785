"""Arms slots in live code, and takes their calls: breakpoints that cost nearly nothing until they are hit.

Arming writes single units into a code object in place, in an order that leaves the code whole after each; see
`slots` for why nothing else changes. That is undocumented behaviour of CPython 3.11, so `self_check` tries it
before it is relied on.

The interpreter rewrites code while it runs, too: what stands at a slot is read when it is armed, and put back. Two
instructions that it made one are parted, so that the second is come to, and joined again.
"""

from __future__ import annotations

import ctypes
import dis
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from circuitos.debugger.breakpoints import Breakpoints, Wanted
from circuitos.debugger.slots import IS_SUPPORTED, NOP_UNIT, UNIT_BYTES, Mark, Slot, Slotted, insert_slots

OnHit = Callable[[types.FrameType, types.CodeType, Slot], None]
_Places = dict[tuple[int, int], tuple[types.CodeType, Slot]]

_memmove = ctypes.memmove
_string_at = ctypes.string_at
_getframe = sys._getframe
_HEADER_BYTES = types.CodeType.__basicsize__


def _parts() -> dict[bytes, bytes]:
    """Of instructions made of two, the first; those whose second one may be a slot's."""
    numbers: dict[str, int] = getattr(dis, "_all_opmap", {})
    pairs = ("LOAD_FAST__LOAD_FAST", "STORE_FAST__LOAD_FAST", "LOAD_FAST__LOAD_CONST", "LOAD_CONST__LOAD_FAST")
    return {
        bytes((numbers[pair],)): bytes((numbers[pair.partition("__")[0]],)) for pair in pairs if pair in numbers
    }


_FIRST_OF_PAIR = _parts()


class _Armed:
    """An armed slot, and what stood in its place."""

    def __init__(self, code: types.CodeType, slot: Slot) -> None:
        self._code = code
        self._slot = slot
        self._address = id(code) + _HEADER_BYTES + slot.offset
        self._unit = _string_at(self._address, UNIT_BYTES)
        self._pair = _string_at(self._address - UNIT_BYTES, 1) if slot.may_be_fused else b""
        if self._pair in _FIRST_OF_PAIR:
            _memmove(self._address - UNIT_BYTES, _FIRST_OF_PAIR[self._pair], 1)
        if not slot.is_exit:
            _write(code, slot.switch, NOP_UNIT)
        _write(code, slot.offset, slot.armed_unit)
        for jump in slot.jumps:
            _write(code, jump.offset, jump.armed)

    def disarm(self) -> None:
        for jump in self._slot.jumps:
            _write(self._code, jump.offset, jump.off)
        _memmove(self._address, self._unit, UNIT_BYTES)
        first = _FIRST_OF_PAIR.get(self._pair)
        # Where that is a slot of its own, it may be armed.
        if first is not None and _string_at(self._address - UNIT_BYTES, 1) == first:
            _memmove(self._address - UNIT_BYTES, self._pair, 1)


class SlotArms:
    """The slots of all code that was loaded through `compiled`. For the script's thread.

    It replaces `sys.displayhook`; calls that come from no slot go on to the one that was there.
    """

    are_usable = True

    def __init__(self, on_hit: OnHit) -> None:
        self._on_hit = on_hit
        self._slotted: dict[str, list[Slotted]] = {}
        # By the code's mark; slots by `f_lasti` of a frame within their calls.
        self._by_mark: dict[Mark, tuple[types.CodeType, dict[int, Slot]]] = {}
        self._armed: dict[tuple[int, int], _Armed] = {}
        self._wanted: Wanted | None = None
        # The frame that stands at an armed slot which it has been reported at, and the slot's offset.
        self._seen: tuple[types.FrameType, int] | None = None
        # What the hook is called for.
        self._passed: tuple[types.CodeType, Slot] | None = None
        self._next_hook = sys.displayhook
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.disarm)

    def compiled(self, code: types.CodeType) -> types.CodeType:
        """The module's code with slots, which are armed at once where they are wanted."""
        new, found = insert_slots(code)
        for slotted in found:
            self._slotted.setdefault(slotted.code.co_filename, []).append(slotted)
            # The debugger reads it later, and setting the next statement does: as it is while nothing is armed.
            _ = slotted.code.co_code
            self._by_mark[slotted.mark] = slotted.code, {slot.hook: slot for slot in slotted.slots}
            if self._wanted is not None:
                self._arm_all(_wanted_of(self._wanted, slotted))
        return new

    def arm(self, wanted: Wanted, seen: types.FrameType | None) -> None:
        self._wanted = wanted
        self._take_hook()
        points = wanted.breakpoints
        places: _Places = {}
        for path, all_in_file in self._slotted.items():
            if wanted.everywhere or wanted.codes or points.has_functions or points.in_file(path):
                for slotted in all_in_file:
                    places |= _wanted_of(wanted, slotted)
        for key in self._armed.keys() - places.keys():
            self._armed.pop(key).disarm()
        self._arm_all(places)
        is_at_slot = seen is not None and (id(seen.f_code), seen.f_lasti) in self._armed
        self._seen = (seen, seen.f_lasti) if seen is not None and is_at_slot else None

    def disarm(self) -> None:
        """Report nothing more. A statement that is just reported begins anew, so that tracing sees it."""
        self._wanted = None
        self._seen = None
        for armed in self._armed.values():
            armed.disarm()
        self._armed.clear()
        if self._passed is not None:
            code, slot = self._passed
            if not slot.is_exit:
                _write(code, slot.switch, slot.again)

    def _arm_all(self, places: _Places) -> None:
        for key, place in places.items():
            if key not in self._armed:
                self._armed[key] = _Armed(*place)

    def _take_hook(self) -> None:
        """A script may have put a display hook of its own in the place, or Python's back."""
        if sys.displayhook != self._hook:
            self._next_hook, sys.displayhook = sys.displayhook, self._hook
        sys.__displayhook__ = self._hook

    def _hook(self, value: Any) -> None:
        # The code comes by its mark, since each `frame.f_code` is told to the audit hooks of the worker.
        code, slots = self._by_mark[value] if type(value) is Mark else (None, {})
        frame = _getframe(1)
        slot = slots.get(frame.f_lasti)
        if code is None or slot is None:
            self._next_hook(value)
            return
        if self._seen is not None and self._seen == (frame, slot.offset):
            self._seen = None
            return
        self._passed = (code, slot)
        self._on_hit(frame, code, slot)
        self._passed = None


def _wanted_of(wanted: Wanted, slotted: Slotted) -> _Places:
    """The slots of one code object that are to be armed."""
    code, points = slotted.code, wanted.breakpoints
    is_stepped_in = any(code is one for one in wanted.codes)
    lines = points.in_file(code.co_filename)
    is_function = points.has_functions and bool(points.at_function(code))
    return {
        (id(code), slot.offset): (code, slot)
        for slot in slotted.slots
        if is_stepped_in
        or (not slot.is_exit and (wanted.everywhere or slot.line in lines))
        or (is_function and slot.is_entry)
    }


def _write(code: types.CodeType, offset: int, unit: bytes) -> None:
    _memmove(id(code) + _HEADER_BYTES + offset, unit, len(unit))


_CHECKED = """
def work(n):
    total = 0
    for i in range(n):
        try:
            if i % 2:
                raise ValueError(i)
            total += i
        except ValueError:
            total += 1
    return [total for _ in (1, 2)]
result = work(10)
"""
_CHECKED_STATEMENTS = 58


def self_check() -> str:
    """Why slots cannot be used here; "" if patched code behaves.

    Runs a small piece of code with its slots off, on, and off again, and compares what it does.
    """
    if not IS_SUPPORTED:
        return f"slots are for CPython 3.11, this is {sys.implementation.name} {sys.version.split()[0]}"
    plain = compile(_CHECKED, "<check>", "exec", dont_inherit=True)
    hits: list[int] = []
    hooks = sys.displayhook, sys.__displayhook__
    arms = SlotArms(lambda _frame, _code, slot: hits.append(slot.line))
    try:
        code = arms.compiled(plain)
        expected, counts = _result(plain), []
        for is_armed in (False, True, False):
            hits.clear()
            if is_armed:
                arms.arm(Wanted(Breakpoints(), everywhere=True), None)
            else:
                arms.disarm()
            if _result(code) != expected:
                return "code with slots gave another result than without"
            counts.append(len(hits))
    except Exception as exc:  # noqa: BLE001 - whatever does not work here, tracing does
        return f"the check of slots failed: {type(exc).__name__}: {exc}"
    finally:
        sys.displayhook, sys.__displayhook__ = hooks
    return "" if counts == [0, _CHECKED_STATEMENTS, 0] else f"armed slots were passed {counts} times"


def _result(code: types.CodeType) -> Any:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - a text of this module
    return names["result"]
