"""Arms slots in live code, and takes their calls: breakpoints that cost nearly nothing until they are hit.

Arming writes two bytes into a code object in place, with the interpreter's lock held; see `slots` for why nothing
else changes. That is undocumented behaviour of CPython 3.11, so `self_check` tries it before it is relied on.
"""

from __future__ import annotations

import ctypes
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from circuitos.debugger.breakpoints import Breakpoints
from circuitos.debugger.slots import ARMED_UNIT, IS_SUPPORTED, Slot, Slotted, insert_slots

OnHit = Callable[[types.FrameType, Slot], None]
_Places = dict[tuple[int, int], tuple[types.CodeType, Slot]]

_memmove = ctypes.memmove
_getframe = sys._getframe
_HEADER_BYTES = types.CodeType.__basicsize__


class SlotArms:
    """The slots of all code that was loaded through `compiled`. For the script's thread.

    It replaces `sys.displayhook`; calls that come from no slot go on to the one that was there.
    """

    are_usable = True

    def __init__(self, on_hit: OnHit) -> None:
        self._on_hit = on_hit
        self._slotted: dict[str, list[Slotted]] = {}
        # By the identity of the code, which `_slotted` keeps alive, and `f_lasti` of a frame within the slot.
        self._by_hook: dict[int, dict[int, Slot]] = {}
        self._armed: _Places = {}
        self._is_on = False
        self._wanted: Breakpoints | None = None
        self._codes: tuple[types.CodeType, ...] = ()
        self._is_everywhere = False
        self._next_hook = sys.displayhook
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.disarm)

    def compiled(self, code: types.CodeType) -> types.CodeType:
        """The module's code with slots, which are armed at once where they are wanted."""
        new, found = insert_slots(code)
        for slotted in found:
            self._slotted.setdefault(slotted.code.co_filename, []).append(slotted)
            self._by_hook[id(slotted.code)] = {slot.hook_offset: slot for slot in slotted.slots}
            if self._is_on:
                self._arm_all(self._wanted_in(slotted))
        return new

    def arm(self, breakpoints: Breakpoints, codes: tuple[types.CodeType, ...], *, everywhere: bool) -> None:
        self._wanted, self._codes, self._is_everywhere = breakpoints, codes, everywhere
        self._is_on = True
        self._take_hook()
        wanted: _Places = {}
        for path, all_in_file in self._slotted.items():
            if everywhere or codes or breakpoints.has_functions or breakpoints.in_file(path):
                for slotted in all_in_file:
                    wanted |= self._wanted_in(slotted)
        for key in self._armed.keys() - wanted.keys():
            code, slot = self._armed.pop(key)
            _write(code, slot, slot.off_unit)
        self._arm_all(wanted)

    def disarm(self) -> None:
        self._is_on = False
        for code, slot in self._armed.values():
            _write(code, slot, slot.off_unit)
        self._armed.clear()

    def _wanted_in(self, slotted: Slotted) -> _Places:
        code = slotted.code
        assert self._wanted is not None
        is_stepped_in = any(code is one for one in self._codes)
        lines = self._wanted.in_file(code.co_filename)
        is_function = self._wanted.has_functions and bool(self._wanted.at_function(code))
        return {
            (id(code), slot.offset): (code, slot)
            for slot in slotted.slots
            if is_stepped_in
            or (not slot.is_exit and (self._is_everywhere or slot.line in lines))
            or (is_function and slot.is_entry)
        }

    def _arm_all(self, wanted: _Places) -> None:
        for key, place in wanted.items():
            if key not in self._armed:
                self._armed[key] = place
                _write(*place, ARMED_UNIT)

    def _take_hook(self) -> None:
        """A script may have put a display hook of its own in the place."""
        if sys.displayhook is not self._hook:
            self._next_hook, sys.displayhook = sys.displayhook, self._hook

    def _hook(self, value: Any) -> None:
        frame = _getframe(1)
        slots = self._by_hook.get(id(frame.f_code))
        slot = slots.get(frame.f_lasti) if slots is not None else None
        if slot is None:
            self._next_hook(value)
        else:
            self._on_hit(frame, slot)


def _write(code: types.CodeType, slot: Slot, unit: bytes) -> None:
    _memmove(id(code) + _HEADER_BYTES + slot.offset, unit, len(unit))


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
    hook = sys.displayhook
    arms = SlotArms(lambda _frame, slot: hits.append(slot.line))
    try:
        code = arms.compiled(plain)
        expected, counts = _result(plain), []
        for is_armed in (False, True, False):
            hits.clear()
            if is_armed:
                arms.arm(Breakpoints(), (), everywhere=True)
            else:
                arms.disarm()
            if _result(code) != expected:
                return "code with slots gave another result than without"
            counts.append(len(hits))
    except Exception as exc:  # noqa: BLE001 - whatever does not work here, tracing does
        return f"the check of slots failed: {type(exc).__name__}: {exc}"
    finally:
        sys.displayhook = hook
    return "" if counts == [0, _CHECKED_STATEMENTS, 0] else f"armed slots were passed {counts} times"


def _result(code: types.CodeType) -> Any:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - a text of this module
    return names["result"]
