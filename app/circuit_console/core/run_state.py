"""The one state of running: every run and debug control is enabled from it."""

from __future__ import annotations

from enum import Enum, auto
from typing import Literal

import msgspec


class RunPhase(Enum):
    """Where the console's current run is."""

    IDLE = auto()
    STARTING = auto()
    RUNNING = auto()
    PAUSED = auto()
    STOPPING = auto()


RunKind = Literal["plain", "debug", "tests"]


class RunState(msgspec.Struct, frozen=True):
    """The phase, and what kind of run it is about ("" while idle and nothing has run yet).

    `run_id` is the host's name of the run once it has started; `title` names it for people.
    """

    phase: RunPhase = RunPhase.IDLE
    kind: RunKind | Literal[""] = ""
    run_id: str = ""
    title: str = ""

    @property
    def can_start(self) -> bool:
        return self.phase is RunPhase.IDLE

    @property
    def can_stop(self) -> bool:
        return self.phase in (RunPhase.STARTING, RunPhase.RUNNING, RunPhase.PAUSED)

    @property
    def can_pause(self) -> bool:
        return self.phase is RunPhase.RUNNING and self.kind == "debug"

    @property
    def can_step(self) -> bool:
        """Also while a step is under way: one more is queued, never lost."""
        return self.phase is RunPhase.PAUSED
