"""Messages between the host and the debugger in a debug worker, on a socket pair of their own. No I/O here.

Every request has an `id` and gets exactly one answer with it: the answer type named in its docstring, or `Refused`.
Events come at any time. Configuration (`SetBreakpoints`, …, `Configure`) is sent before the worker's `Start`; all
of it but `Configure` may be sent again at any time. Lines are 1-based; paths are those of `wire.Source`.

Handles (`frame`, `reference`) are numbers that hold for one stop only. Numbers are never used twice, so a stale one
is refused and cannot be mistaken for another.
"""

from __future__ import annotations

from typing import Literal

import msgspec

StopReason = Literal["entry", "breakpoint", "function breakpoint", "exception", "step", "pause", "goto"]
StepKind = Literal["over", "into", "out"]
EvaluateContext = Literal["watch", "hover", "repl", "clipboard", "variables"]
Stream = Literal["console", "important"]
Children = Literal["all", "indexed", "named"]

PAGE_ITEMS = 100
"""How many items a page of a collection has where the client names no number."""


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    pass


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _Request(_Message, frozen=True, kw_only=True):
    id: int


# ------------------------------------------------------------------------------------------- parts


class LineBreakpoint(_Part, frozen=True, kw_only=True):
    """A breakpoint on a line that has code.

    Attributes:
        number: chosen by the host, unique in a session; events name it.
        condition: expression, "" for none. One that fails is reported and does not stop.
        hit_condition: `5`, `==5`, `>=5`, `>5`, `<5`, `<=5` or `%5` on the count of passes whose condition held.
        log_message: text with {expressions} to print instead of stopping.
        temporary: goes away at the first stop, whatever caused it (run to cursor).
    """

    number: int
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    temporary: bool = False


class FunctionBreakpoint(_Part, frozen=True, kw_only=True):
    """Stop at the first statement of functions whose qualified name is or ends with `name`."""

    number: int
    name: str
    condition: str = ""
    hit_condition: str = ""


class ExceptionFilter(_Part, frozen=True, kw_only=True):
    """When exceptions stop the script. `types` are class names; () means every exception."""

    types: tuple[str, ...] = ()


class Frame(_Part, frozen=True, kw_only=True):
    """A call of the script. A label (`insert Contact → afterInsert`) stands for the runtime's frames between two."""

    id: int
    name: str
    path: str = ""
    line: int = 0
    is_label: bool = False
    is_user: bool = True


class Scope(_Part, frozen=True, kw_only=True):
    name: str
    kind: Literal["locals", "globals", "trigger", "exception"]
    reference: int
    named: int
    expensive: bool = False


class Variable(_Part, frozen=True, kw_only=True):
    """A value under a name.

    Attributes:
        reference: handle of its children, 0 where it has none.
        named, indexed: numbers of attributes and of items.
        expression: evaluates to it in its frame, "" where nothing does.
        is_lazy: a property: its value is computed only when its children are asked for.
        size_bytes: of the object itself, without what it refers to; 0 where not known.
    """

    name: str
    value: str
    type: str
    reference: int = 0
    named: int = 0
    indexed: int = 0
    expression: str = ""
    is_lazy: bool = False
    is_read_only: bool = False
    size_bytes: int = 0


class Completion(_Part, frozen=True, kw_only=True):
    label: str
    type: Literal["function", "class", "module", "variable", "property", "keyword"]


class Thread(_Part, frozen=True, kw_only=True):
    """`id` 1 is the main thread."""

    id: int
    name: str


# ------------------------------------------------------------------------------------------- host to worker


class SetBreakpoints(_Request, frozen=True, kw_only=True, tag="set_breakpoints"):
    """Replace all line breakpoints of a file. Hit counts of numbers that stay go on. Answer: Accepted."""

    path: str
    breakpoints: tuple[LineBreakpoint, ...]


class SetFunctionBreakpoints(_Request, frozen=True, kw_only=True, tag="set_function_breakpoints"):
    """Replace all function breakpoints. Answer: Accepted."""

    breakpoints: tuple[FunctionBreakpoint, ...]


class SetExceptionBreakpoints(_Request, frozen=True, kw_only=True, tag="set_exception_breakpoints"):
    """Replace both filters; None switches one off. Answer: Accepted.

    Attributes:
        raised: stop where an exception is raised in the user's code, or enters it from a library.
        uncaught: stop when one has left the script, or a trigger; its frames are shown as they were.
    """

    raised: ExceptionFilter | None = None
    uncaught: ExceptionFilter | None = None


class Configure(_Request, frozen=True, kw_only=True, tag="configure"):
    """Trace the run that follows. Answer: Accepted.

    Attributes:
        stop_on_entry: stop at the first statement of the script, of the test, or of the first trigger.
        just_my_code: step over and hide what is not the project's.
    """

    stop_on_entry: bool = False
    just_my_code: bool = True


class Pause(_Request, frozen=True, kw_only=True, tag="pause"):
    """Stop at the next statement of the user's code. Answer: Accepted; Stopped follows."""


class Resume(_Request, frozen=True, kw_only=True, tag="resume"):
    """Go on from the stop, to the end of a step or without one. Answer: Accepted."""

    step: StepKind | None = None


class Detach(_Request, frozen=True, kw_only=True, tag="detach"):
    """Forget every breakpoint, and go on. Answer: Accepted."""


class GetThreads(_Request, frozen=True, kw_only=True, tag="get_threads"):
    """Answer: Threads."""


class GetLoadedPaths(_Request, frozen=True, kw_only=True, tag="get_loaded_paths"):
    """Answer: LoadedPaths."""


class GetStack(_Request, frozen=True, kw_only=True, tag="get_stack"):
    """Frames of the stopped thread from `start`, at most `levels` (0 for all). Answer: Stack."""

    start: int = 0
    levels: int = 0


class GetScopes(_Request, frozen=True, kw_only=True, tag="get_scopes"):
    """Answer: Scopes."""

    frame: int


class GetVariables(_Request, frozen=True, kw_only=True, tag="get_variables"):
    """Children of a handle. `start` and `count` page the indexed ones (0: the first page). Answer: Variables."""

    reference: int
    children: Children = "all"
    start: int = 0
    count: int = 0


class Evaluate(_Request, frozen=True, kw_only=True, tag="evaluate"):
    """Evaluate in a frame; in the context `repl` statements too. Answer: Evaluated.

    Within a time limit, and without DML, callouts or queries unless `allow_requests`.
    """

    expression: str
    frame: int | None = None
    context: EvaluateContext = "watch"
    allow_requests: bool = False


class SetVariable(_Request, frozen=True, kw_only=True, tag="set_variable"):
    """Set a child of a handle to the value of an expression of its frame. Answer: Evaluated."""

    reference: int
    name: str
    value: str


class SetExpression(_Request, frozen=True, kw_only=True, tag="set_expression"):
    """Assign to an expression of a frame. Answer: Evaluated."""

    frame: int
    expression: str
    value: str


class Goto(_Request, frozen=True, kw_only=True, tag="goto"):
    """Make a line of the stopped function the next statement. Answer: Accepted, then Stopped("goto")."""

    line: int


class GetException(_Request, frozen=True, kw_only=True, tag="get_exception"):
    """The exception of the stop. Answer: ExceptionDetails."""


class Complete(_Request, frozen=True, kw_only=True, tag="complete"):
    """Names that complete the expression at the end of `text`. Runs no code of the user's. Answer: Completions."""

    text: str
    frame: int | None = None


class Cancel(_Request, frozen=True, kw_only=True, tag="cancel"):
    """Interrupt the evaluation of the request `request`, if it still runs. Answer: Accepted."""

    request: int


ToWorker = (
    SetBreakpoints
    | SetFunctionBreakpoints
    | SetExceptionBreakpoints
    | Configure
    | Pause
    | Resume
    | Detach
    | GetThreads
    | GetLoadedPaths
    | GetStack
    | GetScopes
    | GetVariables
    | Evaluate
    | SetVariable
    | SetExpression
    | Goto
    | GetException
    | Complete
    | Cancel
)

# ------------------------------------------------------------------------------------------- worker to host


class _Answer(_Message, frozen=True, kw_only=True):
    id: int


class Accepted(_Answer, frozen=True, kw_only=True, tag="accepted"):
    pass


class Refused(_Answer, frozen=True, kw_only=True, tag="refused"):
    """`message` is for the user. `needs_confirmation`: it would work with `allow_requests`."""

    message: str
    needs_confirmation: bool = False


class Threads(_Answer, frozen=True, kw_only=True, tag="threads"):
    threads: tuple[Thread, ...]


class LoadedPaths(_Answer, frozen=True, kw_only=True, tag="loaded_paths"):
    """Files of the user's that were loaded, in the order of loading."""

    paths: tuple[str, ...]


class Stack(_Answer, frozen=True, kw_only=True, tag="stack"):
    """Innermost first; `total` counts all frames of the thread."""

    frames: tuple[Frame, ...]
    total: int


class Scopes(_Answer, frozen=True, kw_only=True, tag="scopes"):
    scopes: tuple[Scope, ...]


class Variables(_Answer, frozen=True, kw_only=True, tag="variables"):
    variables: tuple[Variable, ...]


class Evaluated(_Answer, frozen=True, kw_only=True, tag="evaluated"):
    """`variable.name` is the expression."""

    variable: Variable


class ExceptionDetails(_Answer, frozen=True, kw_only=True, tag="exception"):
    """`type_name` is qualified; `traceback` is as Python prints it, without the runtime's frames."""

    type_name: str
    message: str
    mode: Literal["always", "unhandled"]
    traceback: str
    cause: str = ""


class Completions(_Answer, frozen=True, kw_only=True, tag="completions"):
    """`replaced` is the number of characters at the end of the text that a label stands for."""

    items: tuple[Completion, ...]
    replaced: int


class Stopped(_Message, frozen=True, kw_only=True, tag="stopped"):
    """A thread has stopped at `path`:`line`. Until a Resume, its values can be asked for."""

    thread: Thread
    reason: StopReason
    path: str
    line: int
    description: str = ""
    text: str = ""
    breakpoints: tuple[int, ...] = ()
    others_run: bool = False


class Continued(_Message, frozen=True, kw_only=True, tag="continued"):
    """The stopped thread goes on. Handles of its stop are void."""

    thread: Thread


class ThreadStarted(_Message, frozen=True, kw_only=True, tag="thread_started"):
    thread: Thread


class Output(_Message, frozen=True, kw_only=True, tag="output"):
    """A logpoint's text, or a fault of a breakpoint's condition."""

    stream: Stream
    text: str
    path: str
    line: int


class BreakpointChanged(_Message, frozen=True, kw_only=True, tag="breakpoint_changed"):
    """What became of a breakpoint: `verified` False with the reason, or hit so many times."""

    number: int
    verified: bool
    message: str = ""
    line: int = 0
    hits: int = 0


class SourceLoaded(_Message, frozen=True, kw_only=True, tag="source_loaded"):
    path: str


ToHost = (
    Accepted
    | Refused
    | Threads
    | LoadedPaths
    | Stack
    | Scopes
    | Variables
    | Evaluated
    | ExceptionDetails
    | Completions
    | Stopped
    | Continued
    | ThreadStarted
    | Output
    | BreakpointChanged
    | SourceLoaded
)

Answer = (
    Accepted
    | Refused
    | Threads
    | LoadedPaths
    | Stack
    | Scopes
    | Variables
    | Evaluated
    | ExceptionDetails
    | Completions
)

_encoder = msgspec.msgpack.Encoder()
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_to_host: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)


def encode(message: ToWorker | ToHost) -> bytes:
    return _encoder.encode(message)


def decode_from_host(frame: bytes) -> ToWorker:
    """Raises: msgspec.ValidationError or msgspec.DecodeError, naming the bad field."""
    return _to_worker.decode(frame)


def decode_from_worker(frame: bytes) -> ToHost:
    """Raises: msgspec.ValidationError or msgspec.DecodeError, naming the bad field."""
    return _to_host.decode(frame)
