"""Perspectives: which sections and panes each activity shows, and the sizes the user gave them."""

from __future__ import annotations

import msgspec

from circuit_console.core.session import PerspectiveLayout

SIDE_PX = 256
INSPECTOR_PX = 314
BOTTOM_PX = 328
SIDE_RANGE_PX = (200, 420)
INSPECTOR_RANGE_PX = (260, 480)


class Perspective(msgspec.Struct, frozen=True, kw_only=True):
    """What a perspective starts with; what the user changes is kept beside it."""

    id: str
    title: str
    activity: str
    bottom_pane: str
    inspector: tuple[str, ...]

    def default_layout(self) -> PerspectiveLayout:
        return PerspectiveLayout(
            side_px=SIDE_PX,
            inspector_px=INSPECTOR_PX,
            bottom_px=BOTTOM_PX,
            activity=self.activity,
            bottom_pane=self.bottom_pane,
        )


PERSPECTIVES = {
    "edit": Perspective(
        id="edit", title="Edit", activity="explorer", bottom_pane="timeline", inspector=("governor", "variables")
    ),
    "debug": Perspective(
        id="debug", title="Debug", activity="debug", bottom_pane="timeline", inspector=("governor", "variables")
    ),
    "deploy": Perspective(
        id="deploy", title="Deploy", activity="deploy", bottom_pane="deploy_log", inspector=("release",)
    ),
}

# The sections of the side bar, and the page of the centre, for each activity.
ACTIVITY_SECTIONS: dict[str, tuple[str, ...]] = {
    "explorer": ("explorer",),
    "search": ("search",),
    "debug": ("call_stack", "breakpoints", "tests"),
    "tests": ("tests",),
    "query": ("explorer",),
    "deploy": ("deploy_side",),
}
ACTIVITY_CENTRE = {"query": "query", "deploy": "deploy"}


def clamped(value: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(value, limits[1]))
