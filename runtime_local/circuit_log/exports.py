"""A log in the formats of other viewers."""

from __future__ import annotations

from typing import Any

import msgspec

from circuit_log.apex_reader import ParsedLog
from circuit_log.call_tree import CallNode, call_tree, walk

_SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def to_chrome(log: ParsedLog) -> bytes:
    """Chrome Trace Event JSON (complete events), for Perfetto and chrome://tracing. Times in microseconds."""
    events = [
        {
            "name": node.name,
            "cat": node.type,
            "ph": "X",
            "ts": node.start_ns / 1000,
            "dur": node.total_ns / 1000,
            "pid": 1,
            "tid": 1,
            "args": {"line": node.line, "soql": node.soql, "dml": node.dml, "rows": node.rows},
        }
        for _depth, node in walk(call_tree(log))
    ]
    return msgspec.json.encode({"traceEvents": events, "displayTimeUnit": "ms"})


def to_speedscope(log: ParsedLog) -> bytes:
    """Speedscope's evented profile. Times in nanoseconds."""
    frames: dict[tuple[str, int], int] = {}
    events: list[dict[str, Any]] = []
    roots = call_tree(log)
    for root in roots:
        _add_events(root, frames, events)
    profile = {
        "type": "evented",
        "name": "ApexLog",
        "unit": "nanoseconds",
        "startValue": roots[0].start_ns if roots else 0,
        "endValue": max((root.start_ns + root.total_ns for root in roots), default=0),
        "events": events,
    }
    shared = {"frames": [{"name": name, "line": line} for name, line in frames]}
    return msgspec.json.encode({"$schema": _SPEEDSCOPE_SCHEMA, "shared": shared, "profiles": [profile]})


def _add_events(root: CallNode, frames: dict[tuple[str, int], int], events: list[dict[str, Any]]) -> None:
    """Open and close events of a tree in order of time; a stack instead of recursion, for deep logs."""
    pending: list[tuple[CallNode, bool]] = [(root, False)]
    while pending:
        node, is_open = pending.pop()
        frame = frames.setdefault((node.name, node.line), len(frames))
        if is_open:
            events.append({"type": "C", "frame": frame, "at": node.start_ns + node.total_ns})
            continue
        events.append({"type": "O", "frame": frame, "at": node.start_ns})
        pending.append((node, True))
        pending.extend((child, False) for child in reversed(node.children))
