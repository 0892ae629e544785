"""What an environment server and its clients say to each other over HTTP: bodies as typed values.

Bodies are JSON of these structs; the OpenAPI document is composed from their schemas. Paths are below `/api/v1`:

| request | body | answer |
| --- | --- | --- |
| POST /login | LoginRequest | LoginAnswer |
| GET /status | – | EnvironmentStatus |
| GET /releases | – | ReleaseList |
| POST /blobs/missing | BlobQuery | BlobQuery (those that the server lacks) |
| PUT /blobs/{sha256} | the file's bytes | 204 |
| POST /deployments | DeploymentRequest | Deployment, 202 |
| GET /deployments/{id} | – | Deployment |
| GET /deployments/{id}/events | – | server-sent events, each a DeploymentEvent, resumed by Last-Event-ID |
| POST /deployments/{id}/cancel | – | Deployment |
| POST /rollback | RollbackRequest | Deployment, 202 |
| POST /runs | host_protocol.RunRequest | host_protocol.RunResult |
| POST /query | QueryRequest | QueryAnswer |
| POST /events/{source} | the delivery's bytes | IntakeAnswer |
| GET /logs | – | LogList |
| GET /logs/tail | – | server-sent events, each a LogLine, resumed by Last-Event-ID |
| GET /health | – | 200 |

Every answer with a status of 400 or more has an ApiError as its body.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec

from circuit_link.host_protocol import CoverageReport, LogSummary, TestReport

API_PREFIX = "/api/v1"

DeploymentKind = Literal["deploy", "validate", "rollback", "promote"]
DeploymentState = Literal[
    "CREATED", "CHECKING", "TESTING", "EXPANDING", "ACTIVATING", "VERIFYING", "SUCCEEDED", "FAILED", "CANCELED"
]
StepState = Literal["pending", "running", "done", "failed", "skipped"]
FINAL_STATES: frozenset[DeploymentState] = frozenset({"SUCCEEDED", "FAILED", "CANCELED"})


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    pass


class ApiError(_Body, frozen=True, kw_only=True):
    """Why a request was refused: stable `code`, a sentence, and what to do."""

    code: str
    message: str
    hint: str = ""


class LoginRequest(_Body, frozen=True, kw_only=True):
    """A setup token (once, for the first administrator) or a token already issued, to be checked."""

    token: str
    user: str = ""


class LoginAnswer(_Body, frozen=True, kw_only=True):
    """`token` is the one to use from now on; shown once and kept hashed by the server."""

    environment: str
    user: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime
    token: str


class LockHolder(_Body, frozen=True, kw_only=True):
    holder: str
    since: dt.datetime
    phase: str


class Usage(_Body, frozen=True, kw_only=True):
    """What an environment executes and may execute; None allows any number.

    Attributes:
        month: of `executions` and `cost_micros`, UTC: `2026-11`.
        cost_micros: millionths of the unit of the project's prices.
        running, concurrent: transactions of this server now, and at most.
    """

    month: str
    executions: int
    executions_per_month: int | None
    cost_micros: int
    running: int
    concurrent: int | None


class EnvironmentStatus(_Body, frozen=True, kw_only=True):
    """`release` is "" before the first deployment; `generation` counts activations."""

    environment: str
    release: str
    generation: int
    healthy: bool
    drift: tuple[str, ...] = ()
    lock: LockHolder | None = None
    pinned: bool = False
    runtime: str = ""
    usage: Usage | None = None


class ReleaseInfo(_Body, frozen=True, kw_only=True):
    """A release; `deployed_at` and `generation` are those of its newest activation, None where never active."""

    release: str
    current: bool
    tags: tuple[str, ...]
    commit: str
    created_by: str
    created_at: dt.datetime
    deployed_at: dt.datetime | None
    generation: int | None


class ReleaseList(_Body, frozen=True, kw_only=True):
    """Newest first."""

    releases: tuple[ReleaseInfo, ...]


class ManifestEntry(_Body, frozen=True, kw_only=True):
    """A file of a release: path with forward slashes in NFC, sha256 in hex of its bytes with LF line ends."""

    path: str
    sha256: str
    size_bytes: int


class Manifest(_Body, frozen=True, kw_only=True):
    """All files of a release, sorted by path. Equal manifests are the same release."""

    api_version: str
    files: tuple[ManifestEntry, ...]


class BlobQuery(_Body, frozen=True, kw_only=True):
    hashes: tuple[str, ...]


class DeploymentRequest(_Body, frozen=True, kw_only=True):
    """Deploy or only validate a manifest whose blobs are uploaded.

    Attributes:
        base_generation: generation of the environment that the client saw; None takes the newest.
        idempotency_key: a repeated request with the same key is the same deployment.
        uploaded_bytes: what the client sent for it, for the report.
        minimum_coverage: percent; production and staging never take less than 75.
    """

    manifest: Manifest
    kind: Literal["deploy", "validate"] = "deploy"
    run_tests: bool = True
    minimum_coverage: int = 75
    base_generation: int | None = None
    idempotency_key: str = ""
    commit: str = ""
    uploaded_bytes: int = 0


class RollbackRequest(_Body, frozen=True, kw_only=True):
    """`to` is "previous", a release id, a tag or a generation number."""

    to: str = "previous"
    only_if_current: str = ""


class ComponentResult(_Body, frozen=True, kw_only=True):
    path: str
    type: str
    change: Literal["created", "changed", "deleted", "unchanged"]
    ok: bool
    problem: str = ""
    line: int = 0
    column: int = 0


class DeploymentStep(_Body, frozen=True, kw_only=True):
    name: str
    state: StepState
    ms: float = 0.0


class Deployment(_Body, frozen=True, kw_only=True):
    """A deployment as it stands: the JSON of `circuit-cli deploy`, `validate`, `promote` and `rollback`."""

    deployment: str
    environment: str
    kind: DeploymentKind
    state: DeploymentState
    release: str
    base_release: str
    generation: int
    activated: bool
    components: tuple[ComponentResult, ...] = ()
    tests: TestReport | None = None
    coverage: CoverageReport | None = None
    steps: tuple[DeploymentStep, ...] = ()
    uploaded_bytes: int = 0
    error: ApiError | None = None


class DeploymentEvent(_Body, frozen=True, kw_only=True):
    """Something that a deployment did, numbered from 1; `deployment` is its whole state after that."""

    seq: int
    at: dt.datetime
    message: str
    deployment: Deployment


class QueryRequest(_Body, frozen=True, kw_only=True):
    soql: str


class QueryAnswer(_Body, frozen=True, kw_only=True):
    object_name: str
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    count: int
    limits: dict[str, tuple[int, int]]


class IntakeAnswer(_Body, frozen=True, kw_only=True):
    """What became of a delivery."""

    run_id: str
    outcome: str
    records: int


class LogList(_Body, frozen=True, kw_only=True):
    logs: tuple[LogSummary, ...]


class LogLine(_Body, frozen=True, kw_only=True):
    """A line of a running or finished run's ApexLog; `cursor` resumes after it."""

    cursor: str
    run_id: str
    text: str


class ServeAnnouncement(_Body, frozen=True, kw_only=True):
    """The first line of `circuit-cli serve`. `setup_token` is "" once an administrator exists."""

    url: str
    pid: int
    environment: str
    setup_token: str
