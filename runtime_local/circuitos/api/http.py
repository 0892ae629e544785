"""CircuitHTTP: callouts, which the host makes, or a test's mock answers."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from circuit_link import wire
from circuitos.api.exceptions import CalloutException
from circuitos.worker import transaction

_MIN_TIMEOUT_S = 0.001
_MAX_TIMEOUT_S = 120


class HTTPRequest(NamedTuple):
    """A callout as a mock gets it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json_module.loads(self.body)


class HTTPResponse:
    """What a callout was answered. Header names are looked up in any case through `header`."""

    def __init__(self, status_code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.status_code = status_code
        self.headers = dict(headers or {})
        self.body = body

    @property
    def text(self) -> str:
        content_type = self.header("content-type") or ""
        charset = content_type.partition("charset=")[2].partition(";")[0].strip().strip('"') or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        return 200 <= self.status_code < 300

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body as JSON. Raises: ValueError, it is none."""
        return json_module.loads(self.body)

    def __repr__(self) -> str:
        return f"HTTPResponse({self.status_code}, {len(self.body)} bytes)"


class CircuitHTTP:
    """Callouts to the hosts that `[callouts] allow` names."""

    @staticmethod
    def request(
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Any = None,
        timeout_s: float = 10,
    ) -> HTTPResponse:
        """Make a callout.

        Args:
            params: are added to the URL's query.
            json: body as JSON; `data`: body as text, bytes, or a mapping (a form).
            timeout_s: 0.001 to 120 seconds.

        Raises:
            CalloutException: it was refused, failed, or took too long.
        """
        running = transaction.current()
        if not _MIN_TIMEOUT_S <= timeout_s <= _MAX_TIMEOUT_S:
            raise CalloutException(f"timeout_s is {timeout_s}; it must lie between 0.001 and 120 seconds")
        body, content_type = _body(json, data)
        sent_headers = {str(name): str(value) for name, value in (headers or {}).items()}
        if content_type and not any(name.lower() == "content-type" for name in sent_headers):
            sent_headers["Content-Type"] = content_type
        if params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"
        request = HTTPRequest(method.upper(), url, sent_headers, body)
        if running.in_test:
            return _ask_mock(running, request)
        reply = running.request(
            wire.Callout,
            method=request.method,
            url=url,
            headers=sent_headers,
            body=body,
            timeout_ms=max(1, round(timeout_s * 1000)),
        )
        answer = wire.decode_reply(reply.value, wire.HttpAnswer)
        return HTTPResponse(answer.status_code, answer.headers, answer.body)

    @staticmethod
    def get(url: str, **options: Any) -> HTTPResponse:
        return CircuitHTTP.request("GET", url, **options)

    @staticmethod
    def post(url: str, **options: Any) -> HTTPResponse:
        return CircuitHTTP.request("POST", url, **options)

    @staticmethod
    def put(url: str, **options: Any) -> HTTPResponse:
        return CircuitHTTP.request("PUT", url, **options)

    @staticmethod
    def patch(url: str, **options: Any) -> HTTPResponse:
        return CircuitHTTP.request("PATCH", url, **options)

    @staticmethod
    def delete(url: str, **options: Any) -> HTTPResponse:
        return CircuitHTTP.request("DELETE", url, **options)


def _body(json: Any, data: Any) -> tuple[bytes, str]:
    if json is not None and data is not None:
        raise CalloutException("a callout has either json or data")
    if json is not None:
        return json_module.dumps(json).encode(), "application/json"
    if isinstance(data, Mapping):
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded"
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    return bytes(data or b""), ""


def _ask_mock(running: transaction.Transaction, request: HTTPRequest) -> HTTPResponse:
    if running.http_mock is None:
        raise CalloutException(
            "Methods defined as TestMethod do not support Web service callouts: "
            f"{request.method} {request.url} has no mock. Set one with CircuitTest.set_http_mock or set_mock."
        )
    running.request(wire.MockedCallout, method=request.method, url=request.url)
    answer: HTTPResponse = running.http_mock(request)
    return answer
