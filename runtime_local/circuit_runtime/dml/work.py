"""One record on its way through a DML statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuit_link.wire import DmlErrorInfo, SaveOutcome
from circuit_runtime.governor.profiles import TRIGGER_CHUNK


@dataclass(slots=True)
class Work:
    """A record and what has become of it so far.

    Attributes:
        index: its place in the statement.
        given: plain values as they were sent, by the names they were sent with.
        id: None before an insert.
        new: all stored fields as they will be, in storage form.
        old: the same as they were; None for an insert.
        computed: stored values that the runtime itself sets, as roll-ups.
    """

    index: int
    given: Mapping[str, Any]
    id: str | None = None
    new: dict[str, Any] = field(default_factory=dict)
    old: dict[str, Any] | None = None
    computed: Mapping[str, Any] = field(default_factory=dict)
    errors: list[DmlErrorInfo] = field(default_factory=list)
    created: bool = False

    def restart(self) -> None:
        """Forget what an attempt made of it, for the next attempt."""
        if self.created:
            self.id = None
        self.new, self.old = {}, None

    def outcome(self) -> SaveOutcome:
        success = not self.errors
        return SaveOutcome(
            id=self.id if success or not self.created else None,
            success=success,
            created=self.created and success,
            errors=tuple(self.errors),
        )


def sound(works: Sequence[Work]) -> list[Work]:
    """Those that have no error so far."""
    return [work for work in works if not work.errors]


def chunks(works: Sequence[Work], size: int = TRIGGER_CHUNK) -> Iterator[list[Work]]:
    for start in range(0, len(works), size):
        yield list(works[start : start + size])
