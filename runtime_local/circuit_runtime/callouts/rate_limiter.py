"""Keeps to what each external API asks for: Retry-After, and the headers that tell how many requests are left.

Understood are `Retry-After` (RFC 9110, 10.2.3), `RateLimit-Remaining` and `RateLimit-Reset` (IETF httpapi drafts
up to 06), `RateLimit` (later drafts), `X-RateLimit-Remaining` with `X-RateLimit-Reset` (seconds, or a moment),
and HighLevel's `X-RateLimit-Interval-Milliseconds` and `X-RateLimit-Daily-Remaining`.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from circuit_runtime.callouts.port import CalloutFailed

_REFUSALS = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_LONGEST_WAIT_S = 86_400.0
# Above this a reset is a moment since 1970 rather than a number of seconds; far above, one in milliseconds.
_FIRST_MOMENT = 1_000_000_000.0
_FIRST_MOMENT_MS = 100_000_000_000.0
_COMBINED = re.compile(r'^\s*(?:"[^"]*"\s*;)?.*?\b(?:r|remaining)=(?P<left>\d+).*?\b(?:t|reset)=(?P<reset>\d+)')


@dataclass(slots=True)
class _Window:
    """What an API has granted: `left` requests until `ends_at` (None: unknown), none before `opens_at`."""

    opens_at: float = 0.0
    left: int | None = None
    ends_at: float = 0.0


class RateLimiter:
    """One for all runs of a process. Thread-safe.

    Args:
        monotonic, now: clocks; for tests.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, _Window] = {}

    def wait_s(self, origin: str, longest_s: float) -> float:
        """Take one of the requests that `origin` grants; seconds after which it may be sent.

        Raises: CalloutFailed, where that is longer than `longest_s`; then none was taken.
        """
        with self._lock:
            window = self._windows.get(origin)
            if window is None:
                return 0.0
            moment = self._monotonic()
            if window.left is not None and window.ends_at <= moment:
                window.left = None
            opens_at = window.ends_at if window.left == 0 else window.opens_at
            wait_s = max(0.0, max(opens_at, window.opens_at) - moment)
            if wait_s > longest_s:
                raise CalloutFailed(
                    f"Rate limit: {origin} takes no request for the next {wait_s:.0f} s, as it has answered."
                )
            if window.left:
                window.left -= 1
            return wait_s

    def heed(self, origin: str, status_code: int, headers: Mapping[str, str]) -> None:
        """Take over what an answer says of the requests to come. Header names are in lower case."""
        with self._lock:
            window = self._windows.setdefault(origin, _Window())
            moment = self._monotonic()
            if status_code in _REFUSALS and "retry-after" in headers:
                window.opens_at = moment + self._retry_after_s(headers["retry-after"])
            if status_code == HTTPStatus.TOO_MANY_REQUESTS and "retry-after" not in headers:
                window.left = 0
                window.ends_at = moment + max(self._reset_s(headers), 1.0)
                return
            left = _left(headers)
            if left is not None:
                window.left = left
                window.ends_at = moment + self._reset_s(headers)
            if headers.get("x-ratelimit-daily-remaining", "").strip() == "0":
                window.opens_at = max(window.opens_at, moment + self._rest_of_day_s())

    def _retry_after_s(self, text: str) -> float:
        if (seconds := _number(text)) is not None:
            return min(seconds, _LONGEST_WAIT_S)
        try:
            at = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        aware = at if at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
        return min(max(0.0, aware.timestamp() - self._now()), _LONGEST_WAIT_S)

    def _reset_s(self, headers: Mapping[str, str]) -> float:
        """Seconds until the window ends; 0 where the answer does not tell."""
        if combined := _COMBINED.match(headers.get("ratelimit", "")):
            return min(float(combined["reset"]), _LONGEST_WAIT_S)
        for name in ("ratelimit-reset", "x-ratelimit-reset"):
            if (reset := _number(headers.get(name, ""))) is not None:
                if reset >= _FIRST_MOMENT_MS:
                    reset = reset / 1000 - self._now()
                elif reset >= _FIRST_MOMENT:
                    reset -= self._now()
                return min(max(0.0, reset), _LONGEST_WAIT_S)
        interval_ms = _number(headers.get("x-ratelimit-interval-milliseconds", ""))
        return min(interval_ms / 1000, _LONGEST_WAIT_S) if interval_ms is not None else 0.0

    def _rest_of_day_s(self) -> float:
        """Until midnight UTC."""
        return _LONGEST_WAIT_S - self._now() % _LONGEST_WAIT_S


def _left(headers: Mapping[str, str]) -> int | None:
    if combined := _COMBINED.match(headers.get("ratelimit", "")):
        return int(combined["left"])
    for name in ("ratelimit-remaining", "x-ratelimit-remaining"):
        if (left := _number(headers.get(name, ""))) is not None:
            return int(left)
    return None


def _number(text: str) -> float | None:
    """A header's number, None for anything else; a negative one is 0."""
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if number < float("inf") else None
