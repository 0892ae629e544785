"""Whether another run may start: an environment has quotas, a developer's machine has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Limits = Mapping[str, tuple[int, int]]


class Ticket(Protocol):
    """A run that was let in."""

    def give_back(self, limits: Limits) -> None:
        """The run has ended, having used `limits` (used, maximum); {} where it could not even start. Once."""
        ...


class Admission(Protocol):
    def admit(self) -> Ticket:
        """Count a run, before it starts. Raises: UserFacingError, where it may not start."""
        ...


class OpenDoor:
    """Lets every run in, and is every run's ticket."""

    def admit(self) -> OpenDoor:
        return self

    def give_back(self, limits: Limits) -> None:
        pass
