"""The OpenAPI document, composed from the schemas of the types that travel."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

import circuit_link.host_protocol as hp
from circuit_link import env_protocol as env

# Method, path, what it does, body, answer.
_OPERATIONS: tuple[tuple[str, str, str, type | None, type | None], ...] = (
    ("post", "/login", "Trade a token for one of a user", env.LoginRequest, env.LoginAnswer),
    ("get", "/status", "Release, generation and health", None, env.EnvironmentStatus),
    ("get", "/releases", "All releases, newest first", None, env.ReleaseList),
    ("post", "/blobs/missing", "Which files are to be uploaded", env.BlobQuery, env.BlobQuery),
    ("put", "/blobs/{sha256}", "Upload a file", None, None),
    ("post", "/deployments", "Begin a deployment or validation", env.DeploymentRequest, env.Deployment),
    ("get", "/deployments/{name}", "A deployment as it stands", None, env.Deployment),
    (
        "get",
        "/deployments/{name}/events",
        "What a deployment does, as server-sent events",
        None,
        env.DeploymentEvent,
    ),
    ("post", "/deployments/{name}/cancel", "Cancel before the activation", None, env.Deployment),
    ("post", "/rollback", "Point at an earlier release", env.RollbackRequest, env.Deployment),
    ("post", "/runs", "Run code or an event", hp.RunRequest, hp.RunResult),
    ("post", "/query", "Query records", env.QueryRequest, env.QueryAnswer),
    ("post", "/events/{source}", "Deliver an event", None, env.IntakeAnswer),
    ("get", "/logs", "Logs of runs", None, env.LogList),
    ("get", "/logs/tail", "Log lines as they are written, as server-sent events", None, env.LogLine),
    ("get", "/health", "Whether the server answers", None, None),
)
_REFERENCE = "#/components/schemas/{name}"


@cache
def openapi_document() -> dict[str, Any]:
    kinds = list(dict.fromkeys(kind for operation in _OPERATIONS for kind in operation[3:] if kind))
    schemas, components = msgspec.json.schema_components([*kinds, env.ApiError], ref_template=_REFERENCE)
    by_kind = dict(zip([*kinds, env.ApiError], schemas, strict=True))
    paths: dict[str, Any] = {}
    for method, path, summary, body, answer in _OPERATIONS:
        operation: dict[str, Any] = {
            "summary": summary,
            "responses": {
                "2XX": {"description": "Done", **_content(by_kind, answer)},
                "4XX": {"description": "Refused", **_content(by_kind, env.ApiError)},
            },
        }
        if names := [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            operation["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ]
        if body is not None:
            operation["requestBody"] = {"required": True, **_content(by_kind, body)}
        paths.setdefault(env.API_PREFIX + path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Circuit environment", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _content(by_kind: dict[type, Any], kind: type | None) -> dict[str, Any]:
    return {} if kind is None else {"content": {"application/json": {"schema": by_kind[kind]}}}
