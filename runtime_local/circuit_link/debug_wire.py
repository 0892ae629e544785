"""Messages between the host and a debug worker, on the worker's second socket. No I/O here.

Commands that ask something carry an `id`, and are answered by `Answer` or `Refusal` with the same id. Paths are
relative to the project, or absolute for a file outside it; lines are 1-based. References to values hold until the
script goes on.
"""

from __future__ import annotations

from typing import Literal

import msgspec

StepKind = Literal["over", "into", "out"]
Engine = Literal["auto", "slots", "settrace"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


# ------------------------------------------------------------------------------------------- parts


class LineBreakpoint(_Part, frozen=True, kw_only=True):
    """Stops at `line`, which the host has checked to be executable.

    Attributes:
        condition: stop only where this expression is true; "" for always.
        hit_condition: `5`, `>=5`, `>5`, `<=5`, `<5`, `==5` or `%5` passes; "" for every one.
        log_message: print this instead of stopping; `{expression}` is filled in. "" to stop.
        is_checkpoint: capture the variables instead of stopping.
    """

    id: int
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    is_checkpoint: bool = False


class FunctionBreakpoint(_Part, frozen=True, kw_only=True):
    """Stops where a function is entered: `name` is `function`, `Class.method` or `module.function`."""

    id: int
    name: str
    condition: str = ""
    hit_condition: str = ""


class FrameInfo(_Part, frozen=True, kw_only=True):
    """A frame of the stack, or a label for what the runtime did in between (`is_label`)."""

    id: int
    name: str
    path: str
    line: int
    is_label: bool = False


class StackAnswer(_Part, frozen=True, kw_only=True):
    frames: tuple[FrameInfo, ...]
    total: int


class ScopeInfo(_Part, frozen=True, kw_only=True):
    name: str
    reference: int
    named: int
    is_expensive: bool = False


class VariableInfo(_Part, frozen=True, kw_only=True):
    """A value as it is shown; `reference` 0 has no children. `indexed` counts elements that come in pages.

    `size_bytes` is the memory of the value itself, without what it refers to; 0 where that is not known.
    """

    name: str
    value: str
    type: str
    reference: int = 0
    named: int = 0
    indexed: int = 0
    evaluate_name: str = ""
    size_bytes: int = 0
    is_read_only: bool = False


class CapturedValue(_Part, frozen=True, kw_only=True):
    """A value as it was at a captured moment, with some of its children."""

    name: str
    value: str
    type: str
    size_bytes: int = 0
    children: tuple[CapturedValue, ...] = ()


class Moment(_Part, frozen=True, kw_only=True):
    """A statement that was about to run, with the variables of its frame.

    Attributes:
        depth: how many of the script's frames are below this one; 0 for the outermost.
        checkpoint_id: the breakpoint that asked for it; 0 for a recorded statement.
        time_ns: the worker's monotonic clock.
    """

    path: str
    line: int
    function: str
    depth: int
    time_ns: int
    checkpoint_id: int = 0
    variables: tuple[CapturedValue, ...] = ()


class StepTarget(_Part, frozen=True, kw_only=True):
    """A call on the line that runs next; lines and columns are 1-based."""

    name: str
    label: str
    line: int
    column: int
    end_line: int
    end_column: int


class Completion(_Part, frozen=True, kw_only=True):
    """`kind` is a CompletionItemType of DAP."""

    label: str
    kind: str


class ExceptionAnswer(_Part, frozen=True, kw_only=True):
    """`mode` is an ExceptionBreakMode of DAP; `inner` are the exceptions that led to it."""

    type: str
    full_type: str
    message: str
    traceback: str
    mode: Literal["always", "unhandled", "userUnhandled"] = "always"
    inner: tuple[ExceptionAnswer, ...] = ()


# ------------------------------------------------------------------------------------------- host to worker


class SetBreakpoints(_Message, frozen=True, kw_only=True, tag="set_breakpoints"):
    """Replace all line breakpoints of a file."""

    path: str
    breakpoints: tuple[LineBreakpoint, ...]


class SetFunctionBreakpoints(_Message, frozen=True, kw_only=True, tag="set_function_breakpoints"):
    """Replace all function breakpoints."""

    breakpoints: tuple[FunctionBreakpoint, ...]


class SetExceptionFilters(_Message, frozen=True, kw_only=True, tag="set_exception_filters"):
    """Which exceptions stop the script; each filter is None, or the types it is limited to (none: all).

    Attributes:
        raised: where they are raised, also if they are caught.
        uncaught: those that end the script, its trigger or its test.
        user_unhandled: those that leave the script's code into a library or the runtime.
        never: those that never do, whatever the others say.
    """

    raised: tuple[str, ...] | None = None
    uncaught: tuple[str, ...] | None = None
    user_unhandled: tuple[str, ...] | None = None
    never: tuple[str, ...] | None = None


class Go(_Message, frozen=True, kw_only=True, tag="go"):
    """The configuration is complete: the script may begin.

    Attributes:
        engine: how breakpoints are noticed; `auto` takes slots where they work.
        just_my_code: step and stop in the script's own code only.
        recorded_statements: how many statements, at most, are kept for walking back; 0 records none.
    """

    stop_on_entry: bool = False
    engine: Engine = "auto"
    just_my_code: bool = True
    recorded_statements: int = 0


class Pause(_Message, frozen=True, kw_only=True, tag="pause"):
    pass


class Continue(_Message, frozen=True, kw_only=True, tag="continue"):
    pass


class Step(_Message, frozen=True, kw_only=True, tag="step"):
    """`target` names the function that a step into is to enter; "" for the first."""

    kind: StepKind
    target: str = ""


class Interrupt(_Message, frozen=True, kw_only=True, tag="interrupt"):
    """End the evaluation that is under way; it is refused then."""


class Stack(_Message, frozen=True, kw_only=True, tag="stack"):
    id: int
    start: int = 0
    levels: int = 0


class Scopes(_Message, frozen=True, kw_only=True, tag="scopes"):
    id: int
    frame: int


class Variables(_Message, frozen=True, kw_only=True, tag="variables"):
    """Children of a reference; `filter` "" gives all, `count` 0 no end."""

    id: int
    reference: int
    filter: Literal["", "named", "indexed"] = ""
    start: int = 0
    count: int = 0
    is_hex: bool = False


class Evaluate(_Message, frozen=True, kw_only=True, tag="evaluate"):
    """`frame` None evaluates in the innermost one. Without `allow_effects`, requests to the host are refused."""

    id: int
    expression: str
    frame: int | None = None
    context: str = "watch"
    allow_effects: bool = False
    is_hex: bool = False


class SetVariable(_Message, frozen=True, kw_only=True, tag="set_variable"):
    id: int
    reference: int
    name: str
    value: str
    is_hex: bool = False


class SetExpression(_Message, frozen=True, kw_only=True, tag="set_expression"):
    id: int
    expression: str
    value: str
    frame: int | None = None
    is_hex: bool = False


class Goto(_Message, frozen=True, kw_only=True, tag="goto"):
    """Make `line` of the innermost frame the next to run."""

    id: int
    line: int


class GotoLines(_Message, frozen=True, kw_only=True, tag="goto_lines"):
    """The lines that `Goto` may make the next; answered by (path, list of int)."""

    id: int


class RestartFrame(_Message, frozen=True, kw_only=True, tag="restart_frame"):
    """Go back to the first line of the innermost frame; what it did stays done."""

    id: int
    frame: int


class StepTargets(_Message, frozen=True, kw_only=True, tag="step_targets"):
    """The calls on a frame's line; answered by a list of StepTarget."""

    id: int
    frame: int


class ExceptionInfo(_Message, frozen=True, kw_only=True, tag="exception_info"):
    id: int


class Completions(_Message, frozen=True, kw_only=True, tag="completions"):
    """Names that could follow `text`; answered by a list of Completion."""

    id: int
    text: str
    frame: int | None = None


DebugCommand = (
    SetBreakpoints
    | SetFunctionBreakpoints
    | SetExceptionFilters
    | Go
    | Pause
    | Continue
    | Step
    | Interrupt
    | Stack
    | Scopes
    | Variables
    | Evaluate
    | SetVariable
    | SetExpression
    | Goto
    | GotoLines
    | RestartFrame
    | StepTargets
    | ExceptionInfo
    | Completions
)
Question = (
    Stack
    | Scopes
    | Variables
    | Evaluate
    | SetVariable
    | SetExpression
    | Goto
    | GotoLines
    | RestartFrame
    | StepTargets
    | ExceptionInfo
    | Completions
)

# ------------------------------------------------------------------------------------------- worker to host


class Answer(_Message, frozen=True, kw_only=True, tag="answer"):
    id: int
    value: msgspec.Raw = msgspec.Raw(b"\xc0")


class Refusal(_Message, frozen=True, kw_only=True, tag="refusal"):
    """`would_change` says that an evaluation was refused only because it would have changed data or called out."""

    id: int
    message: str
    would_change: bool = False


class Began(_Message, frozen=True, kw_only=True, tag="began"):
    """The script runs on this engine; `reason` says why it is not the one that was wanted."""

    engine: Engine
    reason: str = ""


class Stopped(_Message, frozen=True, kw_only=True, tag="stopped"):
    """The script stands still. `reason` as DAP names it: breakpoint, function breakpoint, step, pause, entry,
    exception, goto, restart. `number` is that of the `wire.DebugNote` that went before it on the other socket."""

    number: int = 0
    reason: str
    path: str
    line: int
    text: str = ""
    hit_ids: tuple[int, ...] = ()


class Resumed(_Message, frozen=True, kw_only=True, tag="resumed"):
    pass


class Captured(_Message, frozen=True, kw_only=True, tag="captured"):
    """What a checkpoint, or the recording of statements, has kept, oldest first."""

    moments: tuple[Moment, ...]


DebugEvent = Answer | Refusal | Began | Stopped | Resumed | Captured

_encoder = msgspec.msgpack.Encoder()
_command_decoder: msgspec.msgpack.Decoder[DebugCommand] = msgspec.msgpack.Decoder(DebugCommand)
_event_decoder: msgspec.msgpack.Decoder[DebugEvent] = msgspec.msgpack.Decoder(DebugEvent)


def encode(message: DebugCommand | DebugEvent | object) -> bytes:
    return _encoder.encode(message)


def decode_command(frame: bytes) -> DebugCommand:
    """Raises: msgspec.ValidationError or msgspec.DecodeError."""
    return _command_decoder.decode(frame)


def decode_event(frame: bytes) -> DebugEvent:
    """Raises: msgspec.ValidationError or msgspec.DecodeError."""
    return _event_decoder.decode(frame)
