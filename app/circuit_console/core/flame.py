"""Geometry of a timeline: which bars a window of time shows, and where."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

import msgspec

from circuit_console.core.flame_frames import NO_FRAME, OPEN, FlameFrames
from circuit_console.core.quantities import format_count

_SHORTEST_SPAN_NS = 2_000.0
_STEPS = (1, 2, 5)
_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


class Bar(NamedTuple):
    """A bar on the screen; `frame` is NO_FRAME where several under a pixel wide share one."""

    left_px: float
    right_px: float
    kind: int
    frame: int


class Tick(NamedTuple):
    """A line of the ruler; `text` is "" between two labels."""

    x_px: float
    text: str


class Window(msgspec.Struct, frozen=True):
    """The part of a run that is on the screen, in nanoseconds. Immutable: each move makes another."""

    start_ns: float
    span_ns: float

    @property
    def end_ns(self) -> float:
        return self.start_ns + self.span_ns

    def x_px(self, ns: float, width_px: float) -> float:
        return (ns - self.start_ns) / self.span_ns * width_px

    def ns_at(self, x_px: float, width_px: float) -> float:
        return self.start_ns + x_px / max(1.0, width_px) * self.span_ns

    def zoomed(self, factor: float, anchor_ns: float, total_ns: int) -> Window:
        """Show `factor` times as much time, with `anchor_ns` where it stands."""
        longest = _whole_span(total_ns)
        span_ns = min(max(self.span_ns * factor, min(_SHORTEST_SPAN_NS, longest)), longest)
        share = (anchor_ns - self.start_ns) / self.span_ns
        return Window(anchor_ns - share * span_ns, span_ns).within(total_ns)

    def moved(self, by_ns: float, total_ns: int) -> Window:
        return Window(self.start_ns + by_ns, self.span_ns).within(total_ns)

    def within(self, total_ns: int) -> Window:
        """The same length, or all of a shorter run, kept inside the run."""
        span_ns = min(self.span_ns, _whole_span(total_ns))
        latest = max(0.0, _whole_span(total_ns) - span_ns)
        return Window(min(max(0.0, self.start_ns), latest), span_ns)

    def showing(self, start_ns: int, end_ns: int, total_ns: int) -> Window:
        """Moved, and widened where it must be, so that the stretch is visible; unchanged where it is."""
        if start_ns >= self.start_ns and end_ns <= self.end_ns:
            return self
        length = end_ns - start_ns
        if length > self.span_ns * 0.9:
            return Window(start_ns - length * 0.1, min(length * 1.2, _whole_span(total_ns))).within(total_ns)
        return Window((start_ns + end_ns) / 2 - self.span_ns / 2, self.span_ns).within(total_ns)


def whole(total_ns: int) -> Window:
    """All of a run, with a little room behind its end for the line of now."""
    return Window(0.0, _whole_span(total_ns))


def _whole_span(total_ns: int) -> float:
    return max(total_ns * 1.02, _SHORTEST_SPAN_NS)


def bars(frames: FlameFrames, depth: int, window: Window, width_px: int, now_ns: int) -> list[Bar]:
    """The bars of one depth, left to right, cut at the edges.

    What is under a pixel wide shares the pixel with its neighbours; a pixel is skipped over by binary search, so
    the time this takes grows with the width, not with the number of frames. A shared pixel has the kind of the
    higher priority of its first and last frame.
    """
    starts, numbers = frames.starts_at[depth], frames.frames_at[depth]
    ends, kinds = frames.end_ns, frames.kind
    px_per_ns = width_px / window.span_ns
    window_start, window_end = window.start_ns, window.end_ns
    place = max(0, bisect_right(starts, int(window_start)) - 1)
    count = len(starts)
    made: list[Bar] = []
    while place < count:
        start_ns = starts[place]
        if start_ns >= window_end:
            break
        frame = numbers[place]
        end_ns = ends[frame]
        if end_ns == OPEN:
            end_ns = now_ns
        if end_ns < window_start:
            place += 1
            continue
        left = max(0.0, (start_ns - window_start) * px_per_ns)
        right = min(float(width_px), (end_ns - window_start) * px_per_ns)
        if right - left >= 1.0:
            made.append(Bar(left, right, kinds[frame], frame))
            place += 1
            continue
        column = int(left)
        behind = bisect_left(starts, int(window_start + (column + 1) / px_per_ns), place + 1, count)
        if behind - place > 1 and _width_px(numbers[behind - 1], frames, now_ns, px_per_ns) >= 1.0:
            behind -= 1  # begins in this pixel, but is a bar of its own
        kind = max(kinds[frame], kinds[numbers[behind - 1]])
        _add_sliver(made, column, kind, frame if behind - place == 1 else NO_FRAME)
        place = behind
    return made


def _width_px(frame: int, frames: FlameFrames, now_ns: int, px_per_ns: float) -> float:
    return (frames.end_or(frame, now_ns) - frames.start_ns[frame]) * px_per_ns


def _add_sliver(made: list[Bar], column: int, kind: int, frame: int) -> None:
    """A pixel, joined to the one before it where that is shared and of the same kind."""
    if made:
        before = made[-1]
        if before.frame == NO_FRAME and before.kind == kind and before.right_px >= column:
            made[-1] = Bar(before.left_px, max(before.right_px, column + 1.0), kind, NO_FRAME)
            return
    made.append(Bar(float(column), column + 1.0, kind, frame))


def ticks(window: Window, width_px: int, label_gap_px: int = 100) -> list[Tick]:
    """Lines at round times at least `label_gap_px` apart, and unlabelled ones half way between."""
    step = _round_up(window.span_ns / max(1, width_px) * label_gap_px)
    unit_ns, unit = next((size, name) for size, name in _UNITS if step >= size or size == 1)
    half = step / 2
    number = int(window.start_ns // half)
    made: list[Tick] = []
    while (ns := number * half) <= window.end_ns:
        x_px = window.x_px(ns, width_px)
        if x_px >= -label_gap_px:
            made.append(Tick(x_px, "" if number % 2 else f"{_number(ns / unit_ns)} {unit}"))
        number += 1
    return made


def _number(value: float) -> str:
    return format_count(round(value)) if abs(value - round(value)) < 1e-6 else f"{value:g}"


def _round_up(ns: float) -> int:
    power = 1
    while True:
        for step in _STEPS:
            if step * power >= ns:
                return step * power
        power *= 10
