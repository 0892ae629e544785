"""CircuitHTTP: callouts, which the host makes, or a test's mock answers."""

from __future__ import annotations

import codecs
import json as json_module
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from circuit_link import wire
from circuitos.api.exceptions import CalloutException
from circuitos.worker import transaction

_MIN_TIMEOUT_S = 0.001
_MAX_TIMEOUT_S = 120


class HTTPHeaders(dict[str, str]):
    """Headers by name, in any case; listed as they were spelled."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(self._spelled(name))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(self._spelled(name))

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(self._spelled(name), default)

    def _spelled(self, name: str) -> str:
        return next((own for own in self if own.lower() == name.lower()), name)


class HTTPRequest(NamedTuple):
    """A callout as a mock gets it."""

    method: str
    url: str
    headers: HTTPHeaders
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json_module.loads(self.body)


class HTTPResponse:
    """What a callout was answered.

    A mock makes one of a status and of a body: as bytes or text in third place, or by name as `text` or `json`.
    """

    def __init__(
        self,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        *,
        text: str | None = None,
        json: Any = None,
    ) -> None:
        self.status_code = status_code
        self.headers = HTTPHeaders(headers or {})
        if json is not None:
            text = json_module.dumps(json)
        content = body if text is None else text
        self.body = content.encode(self._charset()) if isinstance(content, str) else bytes(content)

    @property
    def text(self) -> str:
        return self.body.decode(self._charset(), "replace")

    @property
    def ok(self) -> bool:
        return 200 <= self.status_code < 300

    def header(self, name: str) -> str | None:
        value: str | None = self.headers.get(name)
        return value

    def json(self) -> Any:
        """The body as JSON. Raises: ValueError, it is none."""
        return json_module.loads(self.body)

    def _charset(self) -> str:
        content_type = self.header("content-type") or ""
        named = content_type.partition("charset=")[2].partition(";")[0].strip().strip('"')
        try:
            return codecs.lookup(named or "utf-8").name
        except LookupError:
            return "utf-8"

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
        sent_headers = HTTPHeaders((str(name), str(value)) for name, value in (headers or {}).items())
        if content_type and "Content-Type" not in sent_headers:
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
