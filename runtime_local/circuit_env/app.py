"""The routes of an environment server. Bodies are the types of `circuit_link.env_protocol`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import circuit_link.host_protocol as hp
from circuit_env.access import AccessDenied
from circuit_env.environment import Environment
from circuit_env.openapi import openapi_document
from circuit_env.quotas import QuotaExceeded
from circuit_link import env_protocol as env
from circuit_link.bundle import MAX_BYTES
from circuit_link.errors import UserFacingError

_log = logging.getLogger("circuit.environment")
_T = TypeVar("_T")
_KEEP_ALIVE_S = 10.0
_MAX_BODY_BYTES = MAX_BYTES
_STATUS_OF_CODE = {
    "SCOPE_MISSING": 403,
    "DEPLOYMENT_UNKNOWN": 404,
    "DEPLOY_LOCKED": 409,
    "DEPLOY_BASE_MOVED": 409,
    "NOT_CURRENT": 409,
    "NOTHING_DEPLOYED": 409,
    "STORE_BUSY": 503,
    "DISK_FULL": 507,
    "QUOTA_MONTH": 429,
    "QUOTA_CONCURRENT": 429,
    "QUOTA_RATE": 429,
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Routes:
    """Turns requests into calls of one environment; blocking work runs in the server's threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def routes(self) -> list[Route]:
        prefix = env.API_PREFIX
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/login", self.login),
            ("GET", "/status", self.status),
            ("GET", "/releases", self.releases),
            ("POST", "/blobs/missing", self.missing_blobs),
            ("PUT", "/blobs/{sha256}", self.put_blob),
            ("POST", "/deployments", self.deploy),
            ("GET", "/deployments/{name}", self.deployment),
            ("GET", "/deployments/{name}/events", self.deployment_events),
            ("POST", "/deployments/{name}/cancel", self.cancel),
            ("POST", "/rollback", self.roll_back),
            ("POST", "/runs", self.run),
            ("POST", "/query", self.query),
            ("POST", "/events/{source}", self.event),
            ("GET", "/logs", self.logs),
            ("GET", "/logs/tail", self.tail),
            ("GET", "/health", self.health),
        ]
        routes = [Route(prefix + path, endpoint, methods=[method]) for method, path, endpoint in table]
        return [*routes, Route("/openapi.json", self.openapi, methods=["GET"])]

    async def login(self, request: Request) -> Response:
        body = await _body(request, env.LoginRequest)
        token, principal = await run_in_threadpool(self._environment.access.login, body.token, body.user)
        return _json(
            env.LoginAnswer(
                environment=self._environment.name,
                user=principal.user,
                scopes=principal.scopes,
                expires_at=principal.expires_at,
                token=token,
            )
        )

    async def status(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        return _json(await run_in_threadpool(self._environment.status))

    async def releases(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        current = await run_in_threadpool(self._environment.current)
        listed = await run_in_threadpool(self._environment.releases.list, current.release)
        return _json(env.ReleaseList(releases=listed))

    async def missing_blobs(self, request: Request) -> Response:
        await self._require(request, "deploy")
        body = await _body(request, env.BlobQuery)
        missing = await run_in_threadpool(self._environment.releases.missing_blobs, body.hashes)
        return _json(env.BlobQuery(hashes=missing))

    async def put_blob(self, request: Request) -> Response:
        await self._require(request, "deploy")
        data = await _bytes(request)
        await run_in_threadpool(self._environment.releases.store_blob, request.path_params["sha256"], data)
        return Response(status_code=204)

    async def deploy(self, request: Request) -> Response:
        principal = await self._require(request, "deploy")
        body = await _body(request, env.DeploymentRequest)
        return _json(await run_in_threadpool(self._environment.deployments.deploy, body, principal), 202)

    async def roll_back(self, request: Request) -> Response:
        principal = await self._require(request, "rollback")
        body = await _body(request, env.RollbackRequest)
        return _json(await run_in_threadpool(self._environment.deployments.roll_back, body, principal), 202)

    async def deployment(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        return _json(await run_in_threadpool(self._environment.journal.read, request.path_params["name"]))

    async def cancel(self, request: Request) -> Response:
        await self._require(request, "deploy")
        return _json(await run_in_threadpool(self._environment.deployments.cancel, request.path_params["name"]))

    async def deployment_events(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        name = request.path_params["name"]
        await run_in_threadpool(self._environment.journal.read, name)
        last = request.headers.get("last-event-id", "0")
        after = int(last) if last.isdigit() else 0
        events = self._environment.journal.follow(name, after, _KEEP_ALIVE_S)
        return _stream(_sent_event(str(event.seq), event) if event else b": alive\n\n" for event in events)

    async def run(self, request: Request) -> Response:
        await self._require(request, "run")
        body = await _body(request, hp.RunRequest)
        if body.mode == "debug":
            raise UserFacingError("Environments do not debug; run the project locally.", code="DEBUG_REFUSED")
        return _json(await run_in_threadpool(self._environment.run, body))

    async def query(self, request: Request) -> Response:
        await self._require(request, "data:read")
        body = await _body(request, env.QueryRequest)
        return _json(await run_in_threadpool(self._environment.query, body))

    async def event(self, request: Request) -> Response:
        await self._require(request, "events")
        source = request.path_params["source"]
        if source not in ("ghl", "salesforce"):
            raise UserFacingError(f"There is no source {source!r}; use ghl or salesforce.", code="SOURCE_UNKNOWN")
        entry = hp.EventEntry(
            source=source,
            path=f"delivery from {source}",
            payload=await _bytes(request),
            headers=dict(request.headers),
        )
        run = hp.RunRequest(entry=entry, commit=True)
        result = await run_in_threadpool(self._environment.run, run)
        answer = env.IntakeAnswer(run_id=result.run_id, outcome=result.outcome, records=len(result.records))
        return _json(answer, 200 if result.outcome == "success" else 500)

    async def logs(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        search = request.query_params.get("search", "")
        return _json(env.LogList(logs=await run_in_threadpool(self._environment.logs.list, search)))

    async def tail(self, request: Request) -> Response:
        await self._require(request, "logs:read")
        lines = self._environment.tail.follow(request.headers.get("last-event-id", ""), _KEEP_ALIVE_S)
        return _stream(_sent_event(line.cursor, line) if line else b": alive\n\n" for line in lines)

    async def health(self, request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def openapi(self, request: Request) -> Response:
        return _json(openapi_document())

    async def _require(self, request: Request, scope: str) -> Any:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip() if kind.lower() == "bearer" else None
        return await run_in_threadpool(self._environment.require, given, scope)


def make_app(environment: Environment) -> Starlette:
    """The ASGI application of an environment."""
    return Starlette(
        routes=Routes(environment).routes(),
        exception_handlers={
            UserFacingError: _user_error,
            HTTPException: _http_error,
            Exception: _own_error,
        },
    )


async def _user_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserFacingError)
    status = 401 if isinstance(error, AccessDenied) and error.code != "SCOPE_MISSING" else 400
    body = env.ApiError(code=error.code, message=error.message, hint=error.hint)
    answer = _json(body, _STATUS_OF_CODE.get(error.code, status))
    if isinstance(error, QuotaExceeded):
        answer.headers["retry-after"] = str(error.retry_after_s)
    return answer


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json(env.ApiError(code="HTTP_ERROR", message=f"{error.detail}: {request.url.path}"), error.status_code)


async def _own_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    body = env.ApiError(code="INTERNAL_ERROR", message="The server failed; its log says more.")
    return _json(body, 500)


async def _bytes(request: Request) -> bytes:
    """The body, refused as soon as it is longer than any body may be."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _MAX_BODY_BYTES:
            raise UserFacingError(f"The body is longer than {_MAX_BODY_BYTES:,} bytes.", code="BODY_TOO_LARGE")
    return bytes(received)


async def _body(request: Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await _bytes(request), type=kind)
    except msgspec.DecodeError as exc:
        raise UserFacingError(f"The body is not a {kind.__name__}: {exc}", code="BODY_INVALID") from exc


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def _sent_event(event_id: str, value: object) -> bytes:
    return b"id: " + event_id.encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"


def _stream(chunks: Iterator[bytes]) -> Response:
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"cache-control": "no-store"})
