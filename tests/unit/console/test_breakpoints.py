"""Breakpoints as the console keeps them."""

from __future__ import annotations

from circuit_console.core.breakpoints import BreakpointSet
from circuit_console.core.session import StoredBreakpoint


def test_a_line_has_one_breakpoint_and_changing_it_keeps_its_key() -> None:
    breakpoints = BreakpointSet()
    first = breakpoints.add("classes/a.py", 4)

    second = breakpoints.add("classes/a.py", 4, condition="x > 1")

    assert second.key == first.key
    assert [one.condition for one in breakpoints.all()] == ["x > 1"]


def test_breakpoints_follow_their_text_and_go_with_their_line() -> None:
    breakpoints = BreakpointSet()
    kept, lost = breakpoints.add("a.py", 4), breakpoints.add("a.py", 9)
    other = breakpoints.add("b.py", 1)

    changed = breakpoints.move("a.py", {kept.key: 6})

    assert changed
    assert [(one.path, one.line) for one in breakpoints.all()] == [("a.py", 6), ("b.py", 1)]
    assert breakpoints.at("a.py", 9) is None
    assert breakpoints.remove(lost.key) is None
    assert breakpoints.at("b.py", 1) == other


def test_two_breakpoints_that_meet_on_a_line_become_one() -> None:
    breakpoints = BreakpointSet()
    first, second = breakpoints.add("a.py", 4), breakpoints.add("a.py", 5)

    breakpoints.move("a.py", {first.key: 4, second.key: 4})

    assert len(breakpoints.of("a.py")) == 1


def test_what_is_stored_comes_back() -> None:
    stored = (StoredBreakpoint(path="a.py", line=3, condition="n == 2", is_enabled=False),)

    assert BreakpointSet(stored).stored() == stored
