"""How a breakpoint looks in the margin."""

from __future__ import annotations

from circuit_console.core.breakpoints import Breakpoint
from circuit_console.widgets.code_editor.marks import BreakpointLook


def look_of(breakpoint: Breakpoint, *, is_muted: bool) -> BreakpointLook:
    """Hollow for one that stops nothing, as it is now."""
    if breakpoint.is_verified is False or not breakpoint.is_enabled or is_muted:
        return BreakpointLook.UNVERIFIED
    if breakpoint.is_checkpoint:
        return BreakpointLook.CHECKPOINT
    if breakpoint.log_message:
        return BreakpointLook.LOG
    if breakpoint.condition or breakpoint.hit_condition:
        return BreakpointLook.CONDITIONAL
    return BreakpointLook.PLAIN
