"""A client of an environment server: the operations of `circuit_link.env_protocol` as methods.

Blocking; the console calls it from background tasks. Every failure is a UserFacingError whose code is the
server's, or ENVIRONMENT_UNREACHABLE.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlencode

import msgspec

import circuit_link.env_protocol as env
from circuit_link.bundle import manifest_of
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import RunRequest, RunResult
from circuit_link.http import HttpError, HttpResponse, HttpSession, ServerSentEvent, StreamRefused

_T = TypeVar("_T")
_STREAM_SILENCE_S = 30.0
_RUN_TIMEOUT_S = 700.0
_RECONNECTS = 5
_UNREACHABLE = "ENVIRONMENT_UNREACHABLE"

EventListener = Callable[[env.DeploymentEvent], None]


class EnvironmentClient:
    """One environment server, as one user. A context manager. One thread at a time.

    Args:
        url: address of the server, `http://127.0.0.1:8080`.
        token: None only for `login`.
        session: for tests; otherwise one is made for `url`.
        reconnect_pause_s: how long a broken stream waits before its second try; doubled for each further one.
    """

    def __init__(
        self, url: str, token: str | None, session: HttpSession | None = None, reconnect_pause_s: float = 0.4
    ) -> None:
        self.url = url.rstrip("/")
        self._http = session or HttpSession(self.url, token)
        self._reconnect_pause_s = reconnect_pause_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def login(self, request: env.LoginRequest) -> env.LoginAnswer:
        return self._call("POST", "/login", env.LoginAnswer, request)

    def status(self) -> env.EnvironmentStatus:
        return self._call("GET", "/status", env.EnvironmentStatus)

    def releases(self) -> env.ReleaseList:
        return self._call("GET", "/releases", env.ReleaseList)

    def logs(self, search: str = "") -> env.LogList:
        """Logs of runs, newest first; with `search` those that hold it, in any case."""
        query = f"?{urlencode({'search': search})}" if search else ""
        return self._call("GET", f"/logs{query}", env.LogList)

    def query(self, soql: str) -> env.QueryAnswer:
        return self._call("POST", "/query", env.QueryAnswer, env.QueryRequest(soql=soql))

    def run(self, request: RunRequest) -> RunResult:
        """Run code or an event in the environment's current release and wait for its end."""
        return self._call("POST", "/runs", RunResult, request, timeout_s=_RUN_TIMEOUT_S)

    def deploy(
        self,
        files: Mapping[str, bytes],
        *,
        kind: Literal["deploy", "validate"] = "deploy",
        run_tests: bool = True,
        minimum_coverage: int = 75,
        commit: str = "",
        on_event: EventListener | None = None,
    ) -> env.Deployment:
        """Upload what the server lacks, deploy or validate, and follow the deployment to its end.

        Returns the finished deployment, failed ones too: `state` and `error` say how it ended.
        """
        manifest = manifest_of(files)
        base_generation = self.status().generation
        request = env.DeploymentRequest(
            manifest=manifest,
            kind=kind,
            run_tests=run_tests,
            minimum_coverage=minimum_coverage,
            base_generation=base_generation,
            idempotency_key=uuid.uuid4().hex,
            commit=commit,
            uploaded_bytes=self._upload(manifest, files),
        )
        return self.follow(self._call("POST", "/deployments", env.Deployment, request), on_event)

    def rollback(
        self, to: str = "previous", *, only_if_current: str = "", on_event: EventListener | None = None
    ) -> env.Deployment:
        """Point the environment at an earlier release and follow it to its end."""
        request = env.RollbackRequest(to=to, only_if_current=only_if_current)
        return self.follow(self._call("POST", "/rollback", env.Deployment, request), on_event)

    def cancel(self, deployment: str) -> env.Deployment:
        return self._call("POST", f"/deployments/{deployment}/cancel", env.Deployment)

    def deployment(self, deployment: str) -> env.Deployment:
        return self._call("GET", f"/deployments/{deployment}", env.Deployment)

    def follow(self, started: env.Deployment, on_event: EventListener | None = None) -> env.Deployment:
        """Report a deployment's events until it ends, resuming the stream where it broke.

        Raises:
            UserFacingError: code STILL_RUNNING, when the server was not reached again.
        """
        try:
            for event in self._resumed(f"/deployments/{started.deployment}/events"):
                deployment_event = _decode(event.data.encode(), env.DeploymentEvent, self.url)
                if on_event:
                    on_event(deployment_event)
                if deployment_event.deployment.state in env.FINAL_STATES:
                    return deployment_event.deployment
            return self.deployment(started.deployment)
        except UserFacingError as exc:
            if exc.code != _UNREACHABLE:
                raise
            raise UserFacingError(
                f"{self.url} was lost while {started.deployment} was under way. It goes on where the server runs.",
                code="STILL_RUNNING",
                hint="`circuit-cli status` shows what became of it. Deploying again is safe.",
                details=exc.details,
            ) from exc

    def tail_logs(self, cursor: str = "") -> Iterator[env.LogLine]:
        """Lines of the environment's logs as they are written, from behind `cursor`, until the caller stops."""
        for event in self._resumed("/logs/tail", cursor):
            yield _decode(event.data.encode(), env.LogLine, self.url)

    def _resumed(self, path: str, last_id: str = "") -> Iterator[ServerSentEvent]:
        failures = 0
        while True:
            try:
                for event in self._http.events(env.API_PREFIX + path, last_id, _STREAM_SILENCE_S):
                    failures = 0
                    last_id = event.id
                    yield event
                return
            except StreamRefused as exc:
                raise _refusal(exc.response, self.url) from exc
            except HttpError as exc:
                failures += 1
                if failures > _RECONNECTS:
                    raise self._unreachable(exc) from exc
                time.sleep(self._reconnect_pause_s * 2 ** (failures - 1))

    def _upload(self, manifest: env.Manifest, files: Mapping[str, bytes]) -> int:
        """Send the blobs that the server lacks; the number of bytes sent."""
        by_hash = {entry.sha256: entry.path for entry in manifest.files}
        missing = self._call("POST", "/blobs/missing", env.BlobQuery, env.BlobQuery(hashes=tuple(by_hash)))
        for sha256 in missing.hashes:
            self._request("PUT", f"/blobs/{sha256}", files[by_hash[sha256]])
        return sum(len(files[by_hash[sha256]]) for sha256 in missing.hashes)

    def _call(
        self, method: str, path: str, answer: type[_T], body: Any = None, timeout_s: float | None = None
    ) -> _T:
        encoded = None if body is None else msgspec.json.encode(body)
        return _decode(self._request(method, path, encoded, timeout_s).body, answer, self.url)

    def _request(
        self, method: str, path: str, body: bytes | None = None, timeout_s: float | None = None
    ) -> HttpResponse:
        try:
            response = self._http.request(method, env.API_PREFIX + path, body, timeout_s)
        except HttpError as exc:
            raise self._unreachable(exc) from exc
        if response.status_code >= 400:
            raise _refusal(response, self.url)
        return response

    def _unreachable(self, cause: HttpError) -> UserFacingError:
        return UserFacingError(
            f"The environment at {self.url} did not answer. Nothing was changed by this request.",
            code=_UNREACHABLE,
            hint="Check the address, and that the server runs (`circuit-cli serve`).",
            details=str(cause),
        )


def _decode(body: bytes, kind: type[_T], url: str) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as exc:
        raise UserFacingError(
            f"{url} answered with something that is not a {kind.__name__}: {exc}",
            code="ANSWER_NOT_UNDERSTOOD",
            hint="Is this the address of a Circuit environment, and of a version that fits this client?",
        ) from exc


def _refusal(response: HttpResponse, url: str) -> UserFacingError:
    try:
        error = msgspec.json.decode(response.body, type=env.ApiError)
    except msgspec.DecodeError:
        return UserFacingError(
            f"{url} answered {response.status_code} {response.reason}.",
            code="ANSWER_NOT_UNDERSTOOD",
            hint="Is this the address of a Circuit environment?",
        )
    return UserFacingError(error.message, code=error.code, hint=error.hint)
