"""HTTP for every part of the product: the one module that imports httpx, so that it is easy to replace."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from httpx_sse import EventSource


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer of any status; header names in lower case."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    id: str
    event: str
    data: str


class HttpError(Exception):
    """No answer came: refused, unreachable, broken off, not HTTP. The text names the address, never a header."""


class HttpTimeout(HttpError):
    """No complete answer within the time limit."""


class AnswerTooLong(HttpError):
    """The answer's body is longer than the caller takes."""


class StreamRefused(HttpError):
    """A stream of events was asked for, and the server refused; `response` is what it said."""

    def __init__(self, message: str, response: HttpResponse) -> None:
        super().__init__(message)
        self.response = response


def send_pinned(
    method: str,
    url: str,
    *,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
    max_bytes: int,
) -> HttpResponse:
    """One request to `url`, connected to the IP `address` that the caller resolved and approved.

    The name in the URL still decides TLS and the Host header, so a second look-up of the name cannot lead
    elsewhere. Redirects are not followed, no proxy is used, and the whole exchange ends within `timeout_s`.

    Raises: HttpTimeout, AnswerTooLong, HttpError.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    literal = f"[{address}]" if ":" in address else address
    target = parts._replace(netloc=f"{literal}:{parts.port}" if parts.port else literal).geturl()
    sent = {"host": parts.netloc.rpartition("@")[2], **{name.lower(): text for name, text in headers.items()}}
    deadline = time.monotonic() + timeout_s
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout_s) as client,
            client.stream(
                method, target, headers=sent, content=body, extensions={"sni_hostname": host}
            ) as response,
        ):
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > max_bytes:
                    raise AnswerTooLong(f"{url} answered with more than {max_bytes:,} bytes")
                if time.monotonic() > deadline:
                    raise HttpTimeout(f"{url} did not answer within {timeout_s:g} s")
            return _answer(response, bytes(received))
    except httpx.TimeoutException as exc:
        raise HttpTimeout(f"{url} did not answer within {timeout_s:g} s") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise HttpError(f"{url}: {exc}") from exc


class HttpSession:
    """Requests to one server with a bearer token; a context manager. One thread at a time.

    Args:
        transport: for tests, an httpx transport (`httpx.MockTransport`, or one over an ASGI application).
    """

    def __init__(
        self,
        base_url: str,
        token: str | None,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._base_url = base_url
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def request(
        self, method: str, path: str, body: bytes | None = None, timeout_s: float | None = None
    ) -> HttpResponse:
        """Raises: HttpTimeout, HttpError."""
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            response = self._client.request(method, path, content=body, headers=headers, timeout=timeout)
        except httpx.TimeoutException as exc:
            raise HttpTimeout(f"{self._base_url} did not answer in time") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise HttpError(f"{self._base_url}: {exc}") from exc
        return _answer(response, response.content)

    def events(
        self, path: str, last_event_id: str = "", timeout_s: float | None = None
    ) -> Iterator[ServerSentEvent]:
        """The server-sent events of `path` until the server ends the stream.

        `timeout_s` bounds the silence between two chunks; servers send comments to keep the line alive.

        Raises: StreamRefused, HttpTimeout, HttpError.
        """
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if last_event_id:
            headers["last-event-id"] = last_event_id
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout) as response:
                if response.status_code != httpx.codes.OK:
                    answer = _answer(response, response.read())
                    raise StreamRefused(f"{self._base_url}{path} answered {answer.status_code}", answer)
                for event in EventSource(response).iter_sse():
                    # A comment that keeps the line alive comes as an event without data once one had an id.
                    if event.data:
                        yield ServerSentEvent(event.id, event.event, event.data)
        except httpx.TimeoutException as exc:
            raise HttpTimeout(f"{self._base_url} sent nothing in time") from exc
        except httpx.HTTPError as exc:
            raise HttpError(f"{self._base_url}: {exc}") from exc


def _answer(response: httpx.Response, body: bytes) -> HttpResponse:
    headers = {name.lower(): text for name, text in response.headers.items()}
    return HttpResponse(response.status_code, response.reason_phrase, headers, body)
