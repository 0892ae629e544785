"""Messages between the host and a debug worker, on the worker's second socket. No I/O here.

Commands that ask something carry an `id`, and are answered by `Answer` or `Refusal` with the same id. Paths are
relative to the project, or absolute for a file outside it; lines are 1-based. References to values hold until the
script goes on.
"""

from __future__ import annotations

from typing import Literal

import msgspec

StepKind = Literal["over", "into", "out"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


# ------------------------------------------------------------------------------------------- parts


class LineBreakpoint(_Part, frozen=True, kw_only=True):
    """Stops at `line`, which the host has checked to be executable.

    Attributes:
        condition: stop only where this expression is true; "" for always.
        hit_condition: `5`, `>=5`, `>5`, `==5` or `%5` passes; "" for every one.
        log_message: print this instead of stopping; `{expression}` is filled in. "" to stop.
    """

    id: int
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""


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
    """A value as it is shown; `reference` 0 has no children. `indexed` counts elements that come in pages."""

    name: str
    value: str
    type: str
    reference: int = 0
    named: int = 0
    indexed: int = 0
    evaluate_name: str = ""


class ExceptionAnswer(_Part, frozen=True, kw_only=True):
    type: str
    message: str
    traceback: str
    is_uncaught: bool


# ------------------------------------------------------------------------------------------- host to worker


class SetBreakpoints(_Message, frozen=True, kw_only=True, tag="set_breakpoints"):
    """Replace all line breakpoints of a file."""

    path: str
    breakpoints: tuple[LineBreakpoint, ...]


class SetFunctionBreakpoints(_Message, frozen=True, kw_only=True, tag="set_function_breakpoints"):
    """Stop when a function of one of these (qualified) names is entered."""

    names: tuple[str, ...]


class SetExceptionFilters(_Message, frozen=True, kw_only=True, tag="set_exception_filters"):
    raised: bool
    uncaught: bool


class Go(_Message, frozen=True, kw_only=True, tag="go"):
    """The configuration is complete: the script may begin."""

    stop_on_entry: bool = False


class Pause(_Message, frozen=True, kw_only=True, tag="pause"):
    pass


class Continue(_Message, frozen=True, kw_only=True, tag="continue"):
    pass


class Step(_Message, frozen=True, kw_only=True, tag="step"):
    kind: StepKind


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


class Evaluate(_Message, frozen=True, kw_only=True, tag="evaluate"):
    """`frame` None evaluates in the innermost one. Without `allow_effects`, requests to the host are refused."""

    id: int
    expression: str
    frame: int | None = None
    context: str = "watch"
    allow_effects: bool = False


class SetVariable(_Message, frozen=True, kw_only=True, tag="set_variable"):
    id: int
    reference: int
    name: str
    value: str


class SetExpression(_Message, frozen=True, kw_only=True, tag="set_expression"):
    id: int
    expression: str
    value: str
    frame: int | None = None


class Goto(_Message, frozen=True, kw_only=True, tag="goto"):
    """Make `line` of the innermost frame the next to run."""

    id: int
    line: int


class ExceptionInfo(_Message, frozen=True, kw_only=True, tag="exception_info"):
    id: int


class Completions(_Message, frozen=True, kw_only=True, tag="completions"):
    """Names that could follow `text`; answered by a list of str."""

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
    | Stack
    | Scopes
    | Variables
    | Evaluate
    | SetVariable
    | SetExpression
    | Goto
    | ExceptionInfo
    | Completions
)
Question = Stack | Scopes | Variables | Evaluate | SetVariable | SetExpression | Goto | ExceptionInfo | Completions

# ------------------------------------------------------------------------------------------- worker to host


class Answer(_Message, frozen=True, kw_only=True, tag="answer"):
    id: int
    value: msgspec.Raw = msgspec.Raw(b"\xc0")


class Refusal(_Message, frozen=True, kw_only=True, tag="refusal"):
    id: int
    message: str


class Stopped(_Message, frozen=True, kw_only=True, tag="stopped"):
    """The script stands still. `reason` as DAP names it: breakpoint, step, pause, entry, exception, goto."""

    reason: str
    path: str
    line: int
    text: str = ""
    hit_ids: tuple[int, ...] = ()


class Resumed(_Message, frozen=True, kw_only=True, tag="resumed"):
    pass


class Logged(_Message, frozen=True, kw_only=True, tag="logged"):
    """A logpoint's text, or what is wrong with a breakpoint's condition."""

    text: str
    path: str
    line: int
    is_error: bool = False


DebugEvent = Answer | Refusal | Stopped | Resumed | Logged

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
