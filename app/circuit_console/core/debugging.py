"""What a stopped program looks like: values of the debugger, no Qt, no protocol."""

from __future__ import annotations

from typing import Literal

import msgspec


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the debugger at the other end can do; nothing before one has answered."""

    restarts_frames: bool = False
    jumps: bool = False
    chooses_call: bool = False
    completes: bool = False
    steps_back: bool = False
    exception_filters: frozenset[str] = frozenset()


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why and where the run stopped. `reason` is step, breakpoint, pause, exception, entry or goto.

    `is_recorded` is a moment of the past: it can be looked at, not changed.
    """

    reason: str
    thread_id: int
    description: str = ""
    text: str = ""
    hit_breakpoint_ids: tuple[int, ...] = ()
    is_recorded: bool = False


class StackFrame(msgspec.Struct, frozen=True, kw_only=True):
    """One call, innermost first in a stack. `path` is relative to the project where it lies in it.

    `is_label` marks rows that separate levels (the DML that caused a trigger) and have no variables.
    """

    id: int
    name: str
    path: str
    line: int
    column: int = 0
    is_label: bool = False
    can_restart: bool = True

    @property
    def short_name(self) -> str:
        """The function without its classes: `_scored <listcomp>` for `VirtualLPR._scored.<listcomp>`."""
        if self.is_label:
            return self.name
        parts = self.name.replace(".<locals>", "").split(".")
        if parts[-1].startswith("<") and len(parts) > 1:
            return f"{parts[-2]} {parts[-1]}"
        return parts[-1]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    reference: int
    is_expensive: bool = False


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is 0 where there is nothing to open; `indexed_count` > 0 where children come in pages."""

    name: str
    value: str
    type_name: str = ""
    reference: int = 0
    named_count: int = 0
    indexed_count: int = 0
    evaluate_name: str = ""
    is_read_only: bool = False


class StepTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A call on the line that runs next, which a step can enter."""

    id: int
    label: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    type_name: str = ""
    reference: int = 0
    indexed_count: int = 0


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a line kept while the run went past it: its function's variables, name to short value."""

    path: str
    line: int
    function: str
    values: tuple[tuple[str, str], ...]
    breakpoint_id: int


class DebugOutput(msgspec.Struct, frozen=True, kw_only=True):
    category: Literal["stdout", "stderr", "console", "important", "telemetry"]
    text: str
    path: str = ""
    line: int = 0


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What F5 starts: one of the three is set. `now` is ISO 8601 or "".

    With `records` its statements are kept, so that it can be walked backwards, also once it has ended.
    """

    program: str = ""
    event: str = ""
    test: str = ""
    source: str = "ghl"
    now: str = ""
    commit: bool = False
    stop_on_entry: bool = False
    records: bool = False
    log_levels: str = ""


def last_line(message: str) -> str:
    """What an error says at its end: of a traceback, the exception itself."""
    return message.strip().rpartition("\n")[2].strip()
