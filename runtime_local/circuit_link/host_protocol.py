"""Messages between a project's host and its clients (console, terminal). No I/O here.

A client sends `Attach` first and gets `Attached`. Requests carry a number chosen by the client; the answer, or
`Failed`, carries it back. A client that subscribed also gets the events of every run of the project, whoever
started it. Frames as in `circuit_link.framing`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec

from circuit_log.events import LogEvent
from circuit_log.limits import LimitUse

PROTOCOL_VERSION = 1

Mode = Literal["plain", "debug", "coverage"]
Outcome = Literal["success", "error", "limit", "killed"]
TestOutcome = Literal["passed", "failed", "error", "skipped"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    pass


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    pass


# ------------------------------------------------------------------------------------------- values


class ErrorInfo(_Part, frozen=True, kw_only=True):
    """A failure that a person can act on: what, why, what to do. `path`/`line`/`column` where it has a place."""

    code: str
    message: str
    hint: str = ""
    path: str = ""
    line: int = 0
    column: int = 0


class ExecEntry(_Part, frozen=True, kw_only=True, tag="exec"):
    """Run a script text; `path` is its file (relative to the project, or absolute outside it)."""

    path: str
    text: str
    argv: tuple[str, ...] = ()


class EventEntry(_Part, frozen=True, kw_only=True, tag="event"):
    """Feed one recorded delivery. `payload` are the file's bytes as they are; `path` only names it."""

    source: Literal["ghl", "salesforce"]
    path: str
    payload: bytes
    headers: dict[str, str] = {}


class TestEntry(_Part, frozen=True, kw_only=True, tag="test"):
    """One test by its id, `tests/test_data.py::Triggers::chunks`."""

    test_id: str


RunEntry = ExecEntry | EventEntry | TestEntry


class RunRequest(_Part, frozen=True, kw_only=True):
    """What to run and how. `now` fixes the transaction's clock at its start; `commit` keeps what it wrote."""

    entry: RunEntry
    mode: Mode = "plain"
    commit: bool = False
    now: dt.datetime | None = None
    log_levels: str = ""
    user: str = ""


class RunError(_Part, frozen=True, kw_only=True):
    """Why a run did not succeed. `file` is relative to the project, `line` 1-based, 0 where there is none."""

    type: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    traceback: str = ""


class RecordWritten(_Part, frozen=True, kw_only=True):
    object: str
    id: str
    operation: str


class RunResult(_Part, frozen=True, kw_only=True):
    """How a run ended. `log` is the path of its ApexLog file, "" if nothing was logged."""

    run_id: str
    outcome: Outcome
    error: RunError | None
    exit_code: int
    stdout: str
    limits: dict[str, tuple[int, int]]
    duration_ms: float
    log: str
    records: tuple[RecordWritten, ...] = ()
    committed: bool = False


class TestResult(_Part, frozen=True, kw_only=True):
    id: str
    name: str
    outcome: TestOutcome
    message: str = ""
    file: str = ""
    line: int = 0
    duration_ms: float = 0.0
    limits: dict[str, tuple[int, int]] = {}
    traceback: str = ""
    stdout: str = ""


class FileCoverage(_Part, frozen=True, kw_only=True):
    """`missing` and `hit` are the 1-based executable lines that did not run and that did, ascending."""

    path: str
    covered: int
    total: int
    missing: tuple[int, ...]
    hit: tuple[int, ...] = ()


class CoverageReport(_Part, frozen=True, kw_only=True):
    """`percent` is floored to two decimals; 100.0 with no executable line."""

    covered: int
    total: int
    percent: float
    files: tuple[FileCoverage, ...]
    triggers_uncovered: tuple[str, ...] = ()


class TestReport(_Part, frozen=True, kw_only=True):
    passed: int
    failed: int
    errors: int
    tests: tuple[TestResult, ...]
    coverage: CoverageReport | None = None


class Problem(_Part, frozen=True, kw_only=True):
    """Something wrong in the project's files; line and column 1-based, 0 where unknown."""

    path: str
    line: int
    column: int
    message: str
    severity: Literal["error", "warning"] = "error"


class FieldDescription(_Part, frozen=True, kw_only=True):
    name: str
    label: str
    type: str
    reference_to: tuple[str, ...] = ()
    required: bool = False
    writable: bool = True
    custom: bool = False
    values: tuple[str, ...] = ()


class ObjectDescription(_Part, frozen=True, kw_only=True):
    name: str
    label: str
    key_prefix: str
    fields: tuple[FieldDescription, ...]


class TriggerDescription(_Part, frozen=True, kw_only=True):
    path: str
    line: int
    class_name: str
    method: str
    object_name: str
    events: tuple[str, ...]


class TestDescription(_Part, frozen=True, kw_only=True):
    id: str
    name: str
    path: str
    line: int
    class_name: str
    method: str


class RunConfiguration(_Part, frozen=True, kw_only=True):
    """A `[run.NAME]` of circuit.toml."""

    name: str
    kind: Literal["event", "exec", "test"]
    file: str
    source: str = "ghl"
    now: dt.datetime | None = None
    commit: bool = False


class EnvironmentRef(_Part, frozen=True, kw_only=True):
    """An `[environments.NAME]` of circuit.toml."""

    name: str
    url: str


class ProjectDescription(_Part, frozen=True, kw_only=True):
    """What the host reads in the project's files; `problems` says what it could not read."""

    name: str
    root: str
    profile: str
    objects: tuple[ObjectDescription, ...]
    triggers: tuple[TriggerDescription, ...]
    tests: tuple[TestDescription, ...]
    run_configurations: tuple[RunConfiguration, ...]
    environments: tuple[EnvironmentRef, ...]
    problems: tuple[Problem, ...]


class LogSummary(_Part, frozen=True, kw_only=True):
    id: str
    started_at: dt.datetime
    entry: str
    outcome: str
    duration_ms: float
    release: str
    user: str
    bytes: int


class Guarantee(_Part, frozen=True, kw_only=True):
    """One guarantee of the sandbox as probed in a real worker."""

    name: str
    enforced: bool
    how: str = ""
    why_not: str = ""


class SandboxLayer(_Part, frozen=True, kw_only=True):
    """One means by which workers are held; a guarantee rests on one or several. `how` is empty if unused."""

    name: str
    used: bool
    how: str = ""


class MissingPart(_Part, frozen=True, kw_only=True):
    part: str
    install: str


class DoctorReport(_Part, frozen=True, kw_only=True):
    """What `doctor` tells.

    Attributes:
        guarantees: for plain workers, which run everything but debugging sessions.
        debug_lacks: what debug workers do not guarantee; their developer drives them.
        layers: in a fixed order; which are used depends on the system.
    """

    guarantees: tuple[Guarantee, ...]
    versions: dict[str, str]
    missing: tuple[MissingPart, ...]
    debug_lacks: tuple[Guarantee, ...] = ()
    layers: tuple[SandboxLayer, ...] = ()


# ------------------------------------------------------------------------------------------- client to host


class Attach(_Message, frozen=True, kw_only=True, tag="attach"):
    version: int
    client: str
    subscribe: bool = False


class StartRun(_Message, frozen=True, kw_only=True, tag="start_run"):
    """Answered by RunStarted at once, and by RunFinished with the same `request` at the end."""

    request: int
    run: RunRequest


class StopRun(_Message, frozen=True, kw_only=True, tag="stop_run"):
    """End a run: ask, then kill. Answered by Accepted; RunFinished says how it ended.

    The `run_id` `tests:NUMBER` ends the tests of this client's RunTests with that `request`; `query:NUMBER` ends
    its RunQuery, which is answered by Failed with the code STORE_INTERRUPTED.
    """

    request: int
    run_id: str


class RunQuery(_Message, frozen=True, kw_only=True, tag="run_query"):
    """One SOQL or SOSL text, read only, under the query limits. Answered by QueryAnswered."""

    request: int
    text: str
    user: str = ""


class SaveRecords(_Message, frozen=True, kw_only=True, tag="save_records"):
    """Records edited in the query grid: saved through the order of execution, all or none, committed.

    Answered by RunFinished. A row with an `id` is updated; without one, inserted.
    """

    request: int
    object_name: str
    records: tuple[dict[str, Any], ...]


class RunTests(_Message, frozen=True, kw_only=True, tag="run_tests"):
    """Run tests by name (ids, files, classes, or test names; none for all), each in a transaction of its own.

    Answered by TestStarted/TestFinished for each, then TestsFinished. `coverage` runs them in coverage mode.
    """

    request: int
    names: tuple[str, ...] = ()
    coverage: bool = True


class DescribeProject(_Message, frozen=True, kw_only=True, tag="describe_project"):
    request: int


class ListLogs(_Message, frozen=True, kw_only=True, tag="list_logs"):
    request: int
    search: str = ""


class ReadLog(_Message, frozen=True, kw_only=True, tag="read_log"):
    request: int
    log_id: str


class ResetData(_Message, frozen=True, kw_only=True, tag="reset_data"):
    """Empty the local database after keeping a copy, then load `seed/`. Answered by Accepted."""

    request: int


class Diagnose(_Message, frozen=True, kw_only=True, tag="diagnose"):
    request: int


ClientToHost = (
    Attach
    | StartRun
    | StopRun
    | RunQuery
    | SaveRecords
    | RunTests
    | DescribeProject
    | ListLogs
    | ReadLog
    | ResetData
    | Diagnose
)

# ------------------------------------------------------------------------------------------- host to client


class Attached(_Message, frozen=True, kw_only=True, tag="attached"):
    """`dap_address` is the socket path of the host's Debug Adapter Protocol server."""

    version: int
    project: str
    pid: int
    python: str
    dap_address: str


class Accepted(_Message, frozen=True, kw_only=True, tag="accepted"):
    request: int


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    request: int
    error: ErrorInfo


class RunStarted(_Message, frozen=True, kw_only=True, tag="run_started"):
    """`request` is None for runs that another client or the debugger started."""

    request: int | None
    run_id: str
    mode: Mode
    title: str
    started_at: dt.datetime
    limits: tuple[LimitUse, ...]
    log_levels: str


class EventsEmitted(_Message, frozen=True, kw_only=True, tag="events"):
    """The next events of a run in seq order, at most one message per 33 ms and run, never empty."""

    run_id: str
    events: tuple[LogEvent, ...]


class OutputEmitted(_Message, frozen=True, kw_only=True, tag="output"):
    run_id: str
    stream: Literal["stdout", "stderr"]
    text: str


class RunFinished(_Message, frozen=True, kw_only=True, tag="run_finished"):
    """After the last EventsEmitted and OutputEmitted of its run."""

    request: int | None
    run_id: str
    result: RunResult


class TestStarted(_Message, frozen=True, kw_only=True, tag="test_started"):
    request: int
    test_id: str
    index: int
    count: int


class TestFinished(_Message, frozen=True, kw_only=True, tag="test_finished"):
    request: int
    result: TestResult


class TestsFinished(_Message, frozen=True, kw_only=True, tag="tests_finished"):
    request: int
    report: TestReport


class QueryAnswered(_Message, frozen=True, kw_only=True, tag="query_answered"):
    """Rows as JSON-able values (nested parents and children as objects and lists); `columns` are dotted paths.

    Rows that do not fit one frame come in several messages of the same request; all but the last have `more`.
    """

    request: int
    object_name: str
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    count: int
    limits: dict[str, tuple[int, int]]
    duration_ms: float
    more: bool = False


class ProjectDescribed(_Message, frozen=True, kw_only=True, tag="project_described"):
    request: int
    project: ProjectDescription


class LogsListed(_Message, frozen=True, kw_only=True, tag="logs_listed"):
    request: int
    logs: tuple[LogSummary, ...]


class LogRead(_Message, frozen=True, kw_only=True, tag="log_read"):
    """A stored run: its ApexLog text and its events.

    What does not fit one frame comes in several messages of the same request; all but the last have `more`.
    """

    request: int
    text: str
    events: tuple[LogEvent, ...]
    more: bool = False


class Diagnosed(_Message, frozen=True, kw_only=True, tag="diagnosed"):
    request: int
    report: DoctorReport


HostToClient = (
    Attached
    | Accepted
    | Failed
    | RunStarted
    | EventsEmitted
    | OutputEmitted
    | RunFinished
    | TestStarted
    | TestFinished
    | TestsFinished
    | QueryAnswered
    | ProjectDescribed
    | LogsListed
    | LogRead
    | Diagnosed
)

_encoder = msgspec.msgpack.Encoder()
_from_client: msgspec.msgpack.Decoder[ClientToHost] = msgspec.msgpack.Decoder(ClientToHost)
_from_host: msgspec.msgpack.Decoder[HostToClient] = msgspec.msgpack.Decoder(HostToClient)


def encode(message: ClientToHost | HostToClient) -> bytes:
    return _encoder.encode(message)


def decode_from_client(frame: bytes) -> ClientToHost:
    """Raises: msgspec.ValidationError or msgspec.DecodeError, naming the bad field."""
    return _from_client.decode(frame)


def decode_from_host(frame: bytes) -> HostToClient:
    """Raises: msgspec.ValidationError or msgspec.DecodeError, naming the bad field."""
    return _from_host.decode(frame)
