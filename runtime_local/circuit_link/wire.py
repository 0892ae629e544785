"""Messages between the host and a worker. No I/O here; `circuit_link.framing` moves the bytes.

Calls nest like a stack: each request carries an `id` chosen by its sender, and the innermost open call is
answered first, in either direction. Anything else is a violation of the protocol: the worker is killed
and its transaction rolled back.

Values. From the worker come plain values: None, bool, int, float, str, aware datetime, list, dict, and
`date`, `time` and `Decimal` as extension types (`encode` and `decode_*` convert). Rows from the host are in
storage form with a type for each column (`RowBlock`), and the worker converts a value when it is read.
Storage form by field type: datetime is integer milliseconds since 1970 UTC; date is ISO text; decimal is a
float or decimal text; boolean is 0/1 or bool; json is JSON text; multipicklist is text joined by ";";
every other type is as it is.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from circuit_link.frame_bounds import refuse_too_many_values, refuse_unfit

PROTOCOL_VERSION = 2

_T = TypeVar("_T")

_EXT_DATE = 1
_EXT_DECIMAL = 2
_EXT_TIME = 3
_LONGEST_EXTENSION_BYTES = 400
_LARGEST_EXPONENT = 400
_UNNAMED = {"id": None}

Line = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A 1-based line, 0 for none."""

Value = Any
"""A plain value, see the module's docstring. msgspec decodes it without a schema."""

Mode = Literal["plain", "debug", "coverage"]
TriggerEvent = Literal[
    "beforeInsert",
    "beforeUpdate",
    "beforeDelete",
    "afterInsert",
    "afterUpdate",
    "afterDelete",
    "afterUndelete",
]
DmlOperation = Literal["insert", "update", "upsert", "delete", "undelete", "merge", "empty_recycle_bin"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    """Base of every message on this wire."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every value inside a message."""


# ------------------------------------------------------------------------------------------- shared parts


class FieldInfo(Part, frozen=True, kw_only=True):
    """What a worker must know of a field: its canonical name, its type, and where a lookup leads.

    Attributes:
        type: a field type of `api.md` (`text`, `decimal`, `lookup`, …, `id`); a formula has its result type.
        reference_to: object names of a lookup, () otherwise.
        writable: False for formulas, roll-ups, autonumbers and system fields.
        default: plain value that an insert uses when the field is absent.
    """

    name: str
    type: str
    reference_to: tuple[str, ...] = ()
    writable: bool = True
    required: bool = False
    default: Value = None


class ObjectInfo(Part, frozen=True, kw_only=True):
    """An object's canonical name, id prefix, fields, and child relations (child_name to (object, field))."""

    name: str
    key_prefix: str
    fields: tuple[FieldInfo, ...]
    children: dict[str, tuple[str, str]] = {}


class Source(Part, frozen=True, kw_only=True):
    """A script file: path relative to the project with forward slashes, its text, its sha256 in hex."""

    path: str
    text: str
    sha256: str


class RowBlock(Part, frozen=True, kw_only=True):
    """Rows of one object in storage form: `types[i]` is the field type of column `columns[i]`."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Value, ...]]


class RecordColumns(Part, frozen=True, kw_only=True):
    """Records that name the same fields, at least one.

    Attributes:
        places: of each record within its statement, 0-based and rising.
        columns: the plain values of each name, as many as there are places.
    """

    names: tuple[str, ...]
    places: list[int]
    columns: list[Sequence[Value]]


class ResultShape(Part, frozen=True, kw_only=True):
    """How the rows of a query become Records.

    Attributes:
        object_name: object of the root Record; "AggregateResult" for aggregate queries.
        columns: one dotted path for each column (`email`, `account.name`); aliases for aggregates.
        types: field type of each column; `children` for a child sub-query, whose cells are lists of rows
            shaped by `children[column]`, or None.
        parents: dotted path of each parent relation to its object name; a parent whose `<path>.id` column
            is None is None. The `<path>.id` column is always present.
        prefixes: of a parent relation that can lead to several objects: the object's name by the first three
            characters of its ids.
        selected_ids: lookup fields that were selected plainly, beside or without their parent.
        children: shape of each child sub-query by its column.
    """

    object_name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    parents: dict[str, str] = {}
    prefixes: dict[str, dict[str, str]] = {}
    selected_ids: tuple[str, ...] = ()
    children: dict[str, ResultShape] = {}


class ResultPage(Part, frozen=True, kw_only=True):
    """A page of a query's rows; `cursor` fetches the next one and is None on the last.

    At most 2,000 rows and 4 MB. `shape` is None on pages after the first.
    """

    rows: list[tuple[Value, ...]]
    total: int
    shape: ResultShape | None = None
    cursor: int | None = None


class EncodedPage(Part, frozen=True, kw_only=True):
    """A `ResultPage` as the host makes it: its rows are encoded already, so that their size is known."""

    rows: msgspec.Raw
    total: int
    shape: ResultShape | None = None
    cursor: int | None = None


class ScriptFrame(Part, frozen=True, kw_only=True):
    """A frame of the script's stack; `path` relative to the project, `line` 1-based, `name` qualified."""

    path: str
    line: Line
    name: str


class ScriptError(Part, frozen=True, kw_only=True):
    """How a script failed.

    Attributes:
        type: class name (`AssertionError`, `DmlException`).
        message: its text; for a failed assert with the values of both sides.
        frames: innermost first, the script's own frames only.
        column: 1-based column of a syntax error, 0 otherwise.
        text: the traceback as Python prints it, without the runtime's frames.
    """

    type: str
    message: str
    frames: tuple[ScriptFrame, ...] = ()
    column: int = 0
    text: str = ""


class DmlErrorInfo(Part, frozen=True, kw_only=True):
    status_code: str
    message: str
    fields: tuple[str, ...] = ()


class FailedRecord(Part, frozen=True, kw_only=True):
    """What happened to a record of a DML call that failed as a whole."""

    id: str | None
    errors: tuple[DmlErrorInfo, ...]


class Saved(Part, frozen=True, kw_only=True):
    """What happened to the records of a DML call, by column, in the order in which they were sent.

    Attributes:
        ids: also of records that are there and could not be changed.
        errors: of those that were not saved, by their place.
    """

    ids: list[str | None]
    created: list[bool]
    errors: dict[int, tuple[DmlErrorInfo, ...]]


class LimitState(Part, frozen=True, kw_only=True):
    """Counter name (as `CircuitGovernor` spells it) to (used, maximum)."""

    limits: dict[str, tuple[int, int]]


class UserRef(Part, frozen=True, kw_only=True):
    id: str
    name: str
    email: str = ""
    profile: str = ""
    time_zone: str = "UTC"


class HttpAnswer(Part, frozen=True, kw_only=True):
    status_code: int
    headers: dict[str, str]
    body: bytes


# ------------------------------------------------------------------------------------------- entries


class AnonymousEntry(Part, frozen=True, kw_only=True, tag="anonymous"):
    """Run `text` as `__main__`; `path` is how frames and breakpoints name it (absolute if not in the project)."""

    path: str
    text: str
    argv: tuple[str, ...] = ()


class EventEntry(Part, frozen=True, kw_only=True, tag="event"):
    """Serve the triggers of DML that the host itself makes for an inbound event; no script of its own."""

    title: str


class TestEntry(Part, frozen=True, kw_only=True, tag="test"):
    """Run one test, its class's `@test_setup` first: `tests/test_data.py`, class, method."""

    path: str
    class_name: str
    method: str


Entry = AnonymousEntry | EventEntry | TestEntry


# ------------------------------------------------------------------------------------------- host to worker


class Start(Message, frozen=True, kw_only=True, tag="start"):
    """Everything a worker needs to run one transaction; it reads no project directory.

    Attributes:
        version: `PROTOCOL_VERSION` of the host.
        started_ns: `time.monotonic_ns()` of the host at the run's start; the clock is the machine's.
        now: the transaction's clock, aware UTC; advances with real time unless `now_fixed`.
        triggers_path etc. are not here: triggers arrive with each `Call`.
        log_levels: category to numeric level (`circuit_log.levels`), so that nothing excluded is sent.
        heap_limit_bytes: RLIMIT_DATA is set by the launcher; this is for the `MemoryError` text.
        recursion_hint: DML depth at which the host refuses (16).
        libraries: third-party modules that may be imported.
        explain_refusals: what the system refuses is refused in a sentence; off where the system itself is tried.
    """

    version: int
    mode: Mode
    entry: Entry
    sources: tuple[Source, ...]
    objects: tuple[ObjectInfo, ...]
    now: dt.datetime
    user: UserRef
    limits_profile: str
    limits: dict[str, int]
    seed: int
    started_ns: int
    log_levels: dict[str, int]
    now_fixed: bool = False
    libraries: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    explain_refusals: bool = True


class Reply(Message, frozen=True, kw_only=True, tag="reply"):
    """Answer to a request that succeeded. `value` by request:

    Query → ResultPage (kind "count": int; "search": list of ResultPage); Fetch → ResultPage;
    Dml → Saved; Savepoint → int; Callout → HttpAnswer; Usage → LimitState;
    Secret → str; TestControl → per action; others → None.
    """

    id: int
    value: msgspec.Raw = msgspec.Raw(b"\xc0")


class Error(Message, frozen=True, kw_only=True, tag="error"):
    """Answer to a request that failed.

    Attributes:
        exception: the class to raise in the script: one of the exceptions of `circuitos`, or
            `GovernorLimitException`, after which no request is served any more.
        failures: for DmlException: (index, outcome) of each bad record.
    """

    id: int
    exception: str
    message: str
    failures: tuple[tuple[int, FailedRecord], ...] = ()


class TriggerRef(Part, frozen=True, kw_only=True):
    path: str
    class_name: str
    method: str
    line: Line


class Call(Message, frozen=True, kw_only=True, tag="call"):
    """Run these triggers, in this order, on these records; answered by `Return` with the same id.

    The worker builds Records of its own from the rows, never from what the script sent. `new` is None for deletes,
    `old` for inserts and undeletes.
    """

    id: int
    object_name: str
    event: TriggerEvent
    triggers: tuple[TriggerRef, ...]
    size: int
    new: RowBlock | None = None
    old: RowBlock | None = None


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    """End as soon as possible; a kill follows."""

    reason: str


HostToWorker = Start | Reply | Error | Call | Stop


# ------------------------------------------------------------------------------------------- worker to host


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    version: int
    pid: int
    python: str
    layers: dict[str, str] = {}


class _Request(Message, frozen=True, kw_only=True):
    """A request and the script line that makes it ("" and 0 outside script)."""

    id: int
    path: str = ""
    line: Line = 0


class Query(_Request, frozen=True, kw_only=True, tag="query"):
    """SOQL or SOSL text with its binds by name. Binds of Records are sent as their ids."""

    text: str
    binds: dict[str, Value] = {}
    kind: Literal["query", "count", "search", "locator"] = "query"


class Fetch(_Request, frozen=True, kw_only=True, tag="fetch"):
    cursor: int


class Dml(_Request, frozen=True, kw_only=True, tag="dml"):
    """One DML statement. Of some records only the id travels; merge sends the master first, then the losers.

    Records travel by column (`in_columns`). Those of one statement may come in several frames; all but the last
    have `more` set, and the same id. A last one that is `abandoned` takes them all back: nothing is done, and the
    answer is None. Rollback and savepoints are messages of their own.

    Attributes:
        groups: object and number of records one after another, over all frames, where they are not all of
            `object_name`.
    """

    operation: DmlOperation
    object_name: str
    records: list[RecordColumns]
    all_or_none: bool = True
    external_id: str | None = None
    groups: list[tuple[str, int]] = []
    more: bool = False
    abandoned: bool = False


class Savepoint(_Request, frozen=True, kw_only=True, tag="savepoint"):
    pass


class Rollback(_Request, frozen=True, kw_only=True, tag="rollback"):
    savepoint: int


class Release(_Request, frozen=True, kw_only=True, tag="release"):
    savepoint: int


class Callout(_Request, frozen=True, kw_only=True, tag="callout"):
    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    timeout_ms: int = 10_000


class MockedCallout(_Request, frozen=True, kw_only=True, tag="mocked_callout"):
    """A callout that a test's mock will answer in the worker: the host counts and logs it, and may refuse it."""

    method: str
    url: str


class Usage(_Request, frozen=True, kw_only=True, tag="usage"):
    pass


class TestControl(_Request, frozen=True, kw_only=True, tag="test_control"):
    """Bookkeeping of a test. `value` by action: run_as → user id or {"profile": …, …}; set_time → datetime;
    search_results → list of ids; setup_begin/setup_done → None (rows of `@test_setup` stay for the methods)."""

    action: Literal["start", "stop", "run_as", "run_as_end", "set_time", "search_results", "setup_done"]
    value: Value = None


class Secret(_Request, frozen=True, kw_only=True, tag="secret"):
    name: str


class LogEntry(Part, frozen=True, kw_only=True):
    """Something only the worker saw. `text` by kind: debug: message; entry/exit: signature;
    thrown: `Type: message`; statement: ""; assignment: `name|value`. `ns` is since `Start.started_ns`."""

    kind: Literal["debug", "entry", "exit", "statement", "assignment", "thrown"]
    ns: int
    path: str
    line: Line
    text: str = ""
    level: int = 0
    data: str = ""


class Log(Message, frozen=True, kw_only=True, tag="log"):
    """Log entries in order; always sent before the request that follows them."""

    entries: list[LogEntry]


class Output(Message, frozen=True, kw_only=True, tag="output"):
    stream: Literal["stdout", "stderr"]
    text: str


class DebugNote(Message, frozen=True, kw_only=True, tag="debug_note"):
    """What a debug worker tells in its place among what is printed: a logpoint's text, or that a stop follows.

    Attributes:
        path, line: where the logpoint is, or the expression that failed.
        is_error: the text says what is wrong with a breakpoint's expression.
        stop: number of the `Stopped` that follows on the debugger's socket; 0 for a text.
    """

    text: str = ""
    path: str = ""
    line: Line = 0
    is_error: bool = False
    stop: int = 0


class RecordChange(Part, frozen=True, kw_only=True):
    """Fields that before triggers changed on the record at `index` of the `Call`, as plain values."""

    index: int
    values: dict[str, Value]


class RecordError(Part, frozen=True, kw_only=True):
    """`add_error` on the record at `index` of the `Call`."""

    index: int
    message: str
    field: str | None = None


class Return(Message, frozen=True, kw_only=True, tag="return"):
    """Answer to a `Call`. `error` is an exception that left a trigger: every record of the chunk fails."""

    id: int
    changes: list[RecordChange] = []
    errors: list[RecordError] = []
    error: ScriptError | None = None


class Done(Message, frozen=True, kw_only=True, tag="done"):
    """The script ended. A claim only: the host commits what it saw itself, and only after this message.

    Attributes:
        exit_code: of `sys.exit`, else 0, or 1 with `error`.
        coverage: path to (executable lines, executed lines), in coverage mode.
    """

    exit_code: int = 0
    error: ScriptError | None = None
    coverage: dict[str, tuple[list[int], list[int]]] = {}


WorkerToHost = (
    Hello
    | Query
    | Fetch
    | Dml
    | Savepoint
    | Rollback
    | Release
    | Callout
    | MockedCallout
    | Usage
    | TestControl
    | Secret
    | Log
    | Output
    | DebugNote
    | Return
    | Done
)

# ------------------------------------------------------------------------------------------- encoding


def _to_extension(value: Value) -> Value:
    """Replace date, time and Decimal, which MessagePack would send as bare text, by extension values."""
    match value:
        case dt.datetime() | str() | int() | float() | bool() | None:
            return value
        case dt.date():
            return msgspec.msgpack.Ext(_EXT_DATE, value.isoformat().encode())
        case dt.time():
            return msgspec.msgpack.Ext(_EXT_TIME, value.isoformat().encode())
        case Decimal():
            return msgspec.msgpack.Ext(_EXT_DECIMAL, str(value).encode())
        case dict():
            return {key: _to_extension(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_to_extension(item) for item in value]
        case _:
            return value


def pack(value: Value) -> Value:
    """A plain value as a message may carry it in a `Value` field. Cheap for scalars."""
    return _to_extension(value)


def _from_extension(code: int, data: memoryview) -> Value:
    if len(data) > _LONGEST_EXTENSION_BYTES:
        raise msgspec.ValidationError(f"an extension value of {len(data)} bytes")
    text = bytes(data).decode()
    if code == _EXT_DATE:
        return dt.date.fromisoformat(text)
    if code == _EXT_DECIMAL:
        return _decimal(text)
    if code == _EXT_TIME:
        return dt.time.fromisoformat(text)
    raise msgspec.ValidationError(f"extension type {code} is not known")


def _decimal(text: str) -> Decimal:
    """A number that can be written out: a few bytes such as 1E+999999999 would fill any memory."""
    number = Decimal(text)
    if number.is_finite() and abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise msgspec.ValidationError(f"a decimal with the exponent {number.adjusted()}")
    return number


class WireError(Exception):
    """A frame that holds no message of this wire; the text says what is wrong with it."""


_encoder = msgspec.msgpack.Encoder()
_host_decoder: msgspec.msgpack.Decoder[WorkerToHost] = msgspec.msgpack.Decoder(
    WorkerToHost, ext_hook=_from_extension
)
_worker_decoder: msgspec.msgpack.Decoder[HostToWorker] = msgspec.msgpack.Decoder(
    HostToWorker, ext_hook=_from_extension
)


def in_columns(records: Iterable[Mapping[str, Value]], first: int = 0) -> list[RecordColumns]:
    """Records by column, of which the first has the place `first` in its statement.

    One that names no field is sent with an `id` that is None, which means the same.
    """
    alike: dict[tuple[str, ...], tuple[list[int], list[Iterable[Value]]]] = {}
    for place, record in enumerate(records, start=first):
        named = record or _UNNAMED
        places, rows = alike.setdefault(tuple(named), ([], []))
        places.append(place)
        rows.append(named.values())
    return [
        RecordColumns(names=names, places=places, columns=list(zip(*rows, strict=True)))
        for names, (places, rows) in alike.items()
    ]


def encode(message: Message | Part | Value) -> bytes:
    return _encoder.encode(message)


def decode_from_worker(frame: bytes | bytearray | memoryview) -> WorkerToHost:
    """Raises: WireError. Nothing is believed: not the size, not the depth, not what an extension holds."""
    try:
        refuse_too_many_values(frame)
        message = _host_decoder.decode(frame)
        if isinstance(message, Dml):
            _refuse_ragged(message.records)
        refuse_unfit(_values_of(message))
    except (ValueError, ArithmeticError, RecursionError) as exc:
        raise WireError(str(exc)) from exc
    return message


def _refuse_ragged(records: list[RecordColumns]) -> None:
    for part in records:
        if not part.names or [*map(len, part.columns)] != [len(part.places)] * len(part.names):
            raise ValueError("the columns of records do not fit each other")


def _values_of(message: WorkerToHost) -> tuple[Value, ...]:
    """What a message holds without a schema."""
    match message:
        case Query():
            return (message.binds,)
        case Dml():
            return tuple(itertools.chain.from_iterable(part.columns for part in message.records))
        case TestControl():
            return (message.value,)
        case Return():
            return tuple(change.values for change in message.changes)
        case _:
            return ()


def decode_from_host(frame: bytes | bytearray | memoryview) -> HostToWorker:
    """Raises: msgspec.ValidationError or msgspec.DecodeError, naming the bad field."""
    return _worker_decoder.decode(frame)


def decode_reply(raw: msgspec.Raw, kind: type[_T]) -> _T:
    """The value of a `Reply`, checked against the type that its request expects."""
    return msgspec.msgpack.decode(raw, type=kind, ext_hook=_from_extension)
