"""What a bar of the timeline says about itself when it is pointed at."""

from __future__ import annotations

from circuit_console.core.event_kinds import Kind
from circuit_console.core.log_store import LogStore
from circuit_console.core.quantities import counted, format_duration

_LONGEST_LINE = 100


def tooltip_lines(store: LogStore, frame: int) -> list[str]:
    """Name, times, and what was used directly within it."""
    frames, now_ns = store.frames, store.last_ns
    begin_row = frames.begin_row[frame]
    detail = store.rows.detail[begin_row]
    lines = [detail if len(detail) <= _LONGEST_LINE else detail[: _LONGEST_LINE - 1] + "…"]
    total, own = frames.total_ns(frame, now_ns), frames.self_ns(frame, now_ns)
    running = "" if frames.end_ns[frame] >= 0 else ", still open"
    lines.append(f"Total {format_duration(total)}, self {format_duration(own)}{running}")
    used = [
        counted(count, singular, plural)
        for count, singular, plural in (
            (frames.rows[frame], "row", "rows"),
            (frames.queries[frame], "query", "queries"),
            (frames.dml[frame], "DML statement", "DML statements"),
            (frames.callouts[frame], "callout", "callouts"),
        )
        if count
    ]
    if used:
        own_word = "" if Kind(frames.kind[frame]) in (Kind.QUERY, Kind.DML) else " (self)"
        lines.append(", ".join(used) + own_word)
    if store.rows.path(begin_row):
        lines.append(f"{store.rows.path(begin_row)}:{store.rows.line[begin_row]}")
    return lines


def describe_frame(store: LogStore, frame: int) -> str:
    """For a screen reader: title, hint, duration, depth."""
    frames = store.frames
    parts = (
        frames.title(frame),
        frames.hint(frame),
        format_duration(frames.total_ns(frame, store.last_ns)),
        f"level {frames.depth[frame] + 1}",
        "failed" if frame in frames.failed else "",
    )
    return ", ".join(filter(None, parts))
