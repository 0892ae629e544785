"""What the runtime needs from whatever sends a script's HTTP requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from circuit_link.wire import HttpAnswer


class CalloutFailed(Exception):
    """No answer, or a refusal. The text is for the script's CalloutException."""


class CalloutPort(Protocol):
    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_ms: int,
        allow: Sequence[str],
    ) -> HttpAnswer:
        """One request to an address that `allow` names; an answer of any status is an answer.

        Raises:
            CalloutFailed: refused, unreachable, too slow or too large. Nothing is retried.
        """
        ...
