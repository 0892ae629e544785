"""CircuitGovernor: the limits as the host counts them."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from circuit_link import wire
from circuitos.api.exceptions import NotFoundException
from circuitos.worker import transaction

_ALIASES = {"api_callouts": "callouts"}


class LimitUsage(NamedTuple):
    """One counter: how much was used of how much."""

    used: int
    limit: int


class CircuitGovernor:
    """Reads the counters of the running transaction."""

    @staticmethod
    def get_usage(name: str) -> int:
        """How much of the limit `name` is used, in its unit (`cpu_ms`, `heap_bytes`, a count)."""
        return _counter(name).used

    @staticmethod
    def get_limit(name: str) -> int:
        """The maximum of the limit `name`."""
        return _counter(name).limit

    @staticmethod
    def snapshot() -> dict[str, LimitUsage]:
        """All counters by name."""
        reply = transaction.current().request(wire.Usage)
        state = wire.decode_reply(reply.value, wire.LimitState)
        return {name: LimitUsage(*pair) for name, pair in state.limits.items()}


def _counter(name: str) -> LimitUsage:
    counters = CircuitGovernor.snapshot()
    found = counters.get(_ALIASES.get(name, name))
    if found is None:
        near = difflib.get_close_matches(name, [*counters, *_ALIASES], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(counters)}."
        raise NotFoundException(f"There is no limit {name!r}.{hint}")
    return found
