"""The bars of a timeline as columns: one entry a frame, and one index a depth."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from circuit_console.core.event_kinds import Kind

NO_FRAME = -1
OPEN = -1


class FlameFrames:
    """Frames in the order of their start; those of one depth never overlap.

    Columns, by frame: `start_ns`, `end_ns` (OPEN while it runs), `depth`, `kind`, `parent`, `begin_row`,
    `end_row`, `title_id` (into `titles`), `hint_id`, `rows` (records it worked on), `children_ns` (time within its
    direct children), `queries`, `dml`, `callouts` (directly within it).
    """

    def __init__(self) -> None:
        self.start_ns = array("q")
        self.end_ns = array("q")
        self.depth = array("H")
        self.kind = array("B")
        self.parent = array("l")
        self.begin_row = array("l")
        self.end_row = array("l")
        self.title_id = array("l")
        self.hint_id = array("l")
        self.rows = array("l")
        self.children_ns = array("q")
        self.queries = array("l")
        self.dml = array("l")
        self.callouts = array("l")
        self.titles: list[str] = [""]
        self.failed: set[int] = set()
        self._title_ids: dict[str, int] = {"": 0}
        # By depth: starts of its frames and their numbers, in time order.
        self.starts_at: list[array[int]] = []
        self.frames_at: list[array[int]] = []
        self.stack: list[int] = []

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def depth_count(self) -> int:
        return len(self.starts_at)

    @property
    def innermost(self) -> int:
        return self.stack[-1] if self.stack else NO_FRAME

    def begin(self, ns: int, kind: Kind, title: str, hint: str, row: int, rows: int = 0) -> int:
        """Open a frame within the innermost open one; its number."""
        frame = len(self.start_ns)
        depth = len(self.stack)
        parent = self.innermost
        self.start_ns.append(ns)
        self.end_ns.append(OPEN)
        self.depth.append(depth)
        self.kind.append(kind)
        self.parent.append(parent)
        self.begin_row.append(row)
        self.end_row.append(-1)
        self.title_id.append(self._intern(title))
        self.hint_id.append(self._intern(hint))
        self.rows.append(rows)
        self.children_ns.append(0)
        self.queries.append(0)
        self.dml.append(0)
        self.callouts.append(0)
        if depth == len(self.starts_at):
            self.starts_at.append(array("q"))
            self.frames_at.append(array("l"))
        self.starts_at[depth].append(ns)
        self.frames_at[depth].append(frame)
        self.stack.append(frame)
        if parent != NO_FRAME:
            self._count_in(parent, kind)
        return frame

    def end(self, frame: int, ns: int, row: int) -> None:
        """Close an open frame, and with it those still open within it, whose exits are missing."""
        while self.stack:
            top = self.stack.pop()
            self.end_ns[top] = ns
            parent = self.parent[top]
            if parent != NO_FRAME:
                self.children_ns[parent] += ns - self.start_ns[top]
            if top == frame:
                self.end_row[top] = row
                return

    def end_all(self, ns: int) -> None:
        if self.stack:
            self.end(self.stack[0], ns, -1)

    def title(self, frame: int) -> str:
        return self.titles[self.title_id[frame]]

    def hint(self, frame: int) -> str:
        return self.titles[self.hint_id[frame]]

    def end_or(self, frame: int, now_ns: int) -> int:
        """Where the frame ends, or `now_ns` while it is open."""
        end_ns = self.end_ns[frame]
        return now_ns if end_ns == OPEN else end_ns

    def total_ns(self, frame: int, now_ns: int) -> int:
        return self.end_or(frame, now_ns) - self.start_ns[frame]

    def self_ns(self, frame: int, now_ns: int) -> int:
        """Time not spent in children; of an open child, what it has taken up to now counts as the child's."""
        children_ns = self.children_ns[frame]
        if self.end_ns[frame] == OPEN:
            depth = self.depth[frame] + 1
            if depth < len(self.stack):
                children_ns += now_ns - self.start_ns[self.stack[depth]]
        return max(0, self.total_ns(frame, now_ns) - children_ns)

    def at(self, depth: int, ns: int, now_ns: int) -> int:
        """The frame of `depth` that covers the moment, or NO_FRAME."""
        if not 0 <= depth < len(self.starts_at):
            return NO_FRAME
        place = bisect_right(self.starts_at[depth], ns) - 1
        if place < 0:
            return NO_FRAME
        frame = self.frames_at[depth][place]
        return frame if self.end_or(frame, now_ns) >= ns else NO_FRAME

    def first_child(self, frame: int) -> int:
        """The earliest frame directly within, or NO_FRAME. The outermost one for NO_FRAME."""
        depth = 0 if frame == NO_FRAME else self.depth[frame] + 1
        if depth >= len(self.starts_at):
            return NO_FRAME
        if frame == NO_FRAME:
            return self.frames_at[0][0]
        place = self._first_after(depth, frame)
        frames = self.frames_at[depth]
        return frames[place] if place < len(frames) and self.parent[frames[place]] == frame else NO_FRAME

    def neighbour(self, frame: int, step: int) -> int:
        """The frame before (-1) or after (+1) on the same depth, or NO_FRAME."""
        depth = self.depth[frame]
        place = self._first_after(depth, frame - 1) + step
        frames = self.frames_at[depth]
        return frames[place] if 0 <= place < len(frames) else NO_FRAME

    def _first_after(self, depth: int, frame: int) -> int:
        """Place in the depth's index of the first frame numbered above `frame`; numbers rise with time."""
        return bisect_right(self.frames_at[depth], frame)

    def _count_in(self, parent: int, kind: Kind) -> None:
        if kind is Kind.QUERY:
            self.queries[parent] += 1
        elif kind is Kind.DML:
            self.dml[parent] += 1
        elif kind is Kind.CALLOUT:
            self.callouts[parent] += 1

    def _intern(self, text: str) -> int:
        number = self._title_ids.get(text)
        if number is None:
            number = self._title_ids[text] = len(self.titles)
            self.titles.append(text)
        return number
