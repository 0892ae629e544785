"""Send scripts' HTTP requests: allow-listed, resolved once, never to private addresses, within rate and size."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin

from circuit_link.wire import HttpAnswer
from circuit_runtime.callouts.allow_list import IpAddress, Target, allowed_target, refuse_private
from circuit_runtime.callouts.port import CalloutFailed
from circuit_runtime.callouts.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from circuit_link.http import HttpResponse

MAX_BODY_BYTES = 6 * 1024 * 1024
MAX_TIMEOUT_MS = 120_000
_MAX_REDIRECTS = 5
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# These decide where the request goes and where its body ends, which is the runtime's to say.
_REFUSED_HEADERS = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "proxy-authorization",
        "te",
        "trailer",
    }
)
_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)

Resolver = Callable[[str, int, float], list[str]]


class PinnedSender(Protocol):
    def __call__(
        self,
        method: str,
        url: str,
        *,
        address: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
        max_bytes: int,
    ) -> HttpResponse: ...


class CalloutClient:
    """The real `CalloutPort`. Any number of threads.

    Args:
        resolve: name, port and time limit to IP addresses; for tests.
        send: for tests; otherwise `circuit_link.http.send_pinned`.
        limiter: for tests.
    """

    def __init__(
        self,
        resolve: Resolver | None = None,
        send: PinnedSender | None = None,
        limiter: RateLimiter | None = None,
    ) -> None:
        self._resolve = resolve or resolve_name
        self._send = send
        self._limiter = limiter or RateLimiter()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_ms: int,
        allow: Sequence[str],
    ) -> HttpAnswer:
        """See `CalloutPort.send`. GET and HEAD follow redirects as long as the list covers them."""
        method = method.upper()
        _check(method, headers, body)
        deadline = time.monotonic() + min(max(timeout_ms, 1), MAX_TIMEOUT_MS) / 1000
        for _ in range(_MAX_REDIRECTS + 1):
            target = allowed_target(url, allow)
            response = self._send_once(method, target, headers, body, deadline)
            location = response.headers.get("location", "")
            if response.status_code not in _REDIRECTS or method not in {"GET", "HEAD"} or not location:
                return HttpAnswer(
                    status_code=response.status_code, headers=dict(response.headers), body=response.body
                )
            url = urljoin(url, location)
            headers = _without_credentials(headers, target, url)
        raise CalloutFailed(f"More than {_MAX_REDIRECTS} redirects, the last one to {url}.")

    def _send_once(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> HttpResponse:
        # Loading httpx takes as long as the rest of a host's start, and few runs call out.
        from circuit_link.http import HttpError, send_pinned

        send = self._send or send_pinned
        address = self._address(target, deadline)
        time.sleep(self._limiter.wait_s(target.origin, deadline - time.monotonic()))
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise CalloutFailed("Read timed out")
        try:
            response = send(
                method,
                target.url,
                address=str(address),
                headers=headers,
                body=body,
                timeout_s=remaining_s,
                max_bytes=MAX_BODY_BYTES,
            )
        except HttpError as exc:
            raise CalloutFailed(str(exc)) from exc
        self._limiter.heed(target.origin, response.status_code, response.headers)
        return response

    def _address(self, target: Target, deadline: float) -> IpAddress:
        """The one address that is called: all that the name leads to must be allowed, and the first is taken."""
        try:
            names = [str(ipaddress.ip_address(target.host))]
        except ValueError:
            names = self._resolve(target.host, target.port, deadline - time.monotonic())
        addresses = [ipaddress.ip_address(name) for name in names]
        for address in addresses:
            refuse_private(address, target)
        return addresses[0]


def resolve_name(host: str, port: int, timeout_s: float) -> list[str]:
    """IP addresses of a name, at least one.

    The system's resolver knows no deadline, so it runs in a thread that is left behind when it is too slow.

    Raises:
        CalloutFailed: the name is unknown, or the resolver took longer than `timeout_s`.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            answers.put(exc if isinstance(exc, OSError) else OSError(str(exc)))
        else:
            answers.put([str(entry[4][0]).partition("%")[0] for entry in found])

    threading.Thread(target=look_up, name="callout-resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=max(timeout_s, 0.0))
    except queue.Empty as exc:
        raise CalloutFailed(f"The name {host} could not be looked up in time.") from exc
    if isinstance(answer, OSError):
        raise CalloutFailed(f"The host {host} is unknown: {answer.strerror or answer}.") from answer
    if not answer:
        raise CalloutFailed(f"The host {host} has no address.")
    return answer


def _check(method: str, headers: Mapping[str, str], body: bytes) -> None:
    if method not in _METHODS:
        raise CalloutFailed(f"{method!r} is not one of {', '.join(sorted(_METHODS))}.")
    if len(body) > MAX_BODY_BYTES:
        raise CalloutFailed(f"The request's body has {len(body):,} bytes; {MAX_BODY_BYTES:,} are allowed.")
    refused = sorted(name for name in headers if name.lower() in _REFUSED_HEADERS)
    if refused:
        raise CalloutFailed(f"A script may not set the header {', '.join(refused)}.")


def _without_credentials(headers: Mapping[str, str], origin: Target, url: str) -> Mapping[str, str]:
    """The headers without what was meant for `origin` alone, where the redirect leads to another origin."""
    if url.startswith((f"{origin.scheme}://{origin.host}/", f"{origin.scheme}://{origin.host}:{origin.port}/")):
        return headers
    return {name: text for name, text in headers.items() if name.lower() not in {"authorization", "cookie"}}
