"""What one client is still to be sent, batched and bounded."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import circuit_link.host_protocol as hp
from circuit_log.events import LogEvent

BATCH_INTERVAL_S = 0.033
MAX_EVENTS = 100_000
MAX_OUTPUT_CHARACTERS = 4_000_000
MAX_ANSWERS = 10_000


class OutboxFull(Exception):
    """The client has not read its answers for so long that it is given up."""


@dataclass(slots=True)
class _Lane:
    """What one run has for the client. Only the newest `MAX_EVENTS` are kept: a gap shows in `seq`."""

    events: deque[LogEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    output: deque[hp.OutputEmitted] = field(default_factory=deque)
    output_characters: int = 0
    finished: hp.RunFinished | None = None
    due_at: float = 0.0

    @property
    def has_work(self) -> bool:
        return bool(self.events or self.output or self.finished)


class Outbox:
    """A queue from any thread to the one that writes to the client.

    Events of a run leave at most once in `BATCH_INTERVAL_S`, and before the run's end; answers leave at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._answers: deque[hp.HostToClient] = deque()
        self._lanes: dict[str, _Lane] = {}
        self._closed = False

    def put(self, message: hp.HostToClient) -> None:
        """Raises: OutboxFull."""
        with self._changed:
            if len(self._answers) >= MAX_ANSWERS:
                raise OutboxFull
            self._answers.append(message)
            self._changed.notify()

    def put_events(self, run_id: str, events: Sequence[LogEvent]) -> None:
        with self._changed:
            lane = self._lanes.setdefault(run_id, _Lane())
            # Whoever waits for a lane with work knows when it is due; waking it for each event costs both sides.
            was_idle = not lane.has_work
            lane.events.extend(events)
            if was_idle:
                self._changed.notify()

    def put_output(self, message: hp.OutputEmitted) -> None:
        with self._changed:
            lane = self._lanes.setdefault(message.run_id, _Lane())
            lane.output.append(message)
            lane.output_characters += len(message.text)
            while lane.output_characters > MAX_OUTPUT_CHARACTERS and len(lane.output) > 1:
                lane.output_characters -= len(lane.output.popleft().text)
            self._changed.notify()

    def put_finished(self, message: hp.RunFinished) -> None:
        """The run's last message; it follows everything put for the run before."""
        with self._changed:
            self._lanes.setdefault(message.run_id, _Lane()).finished = message
            self._changed.notify()

    def close(self) -> None:
        """Let `take` give what is queued, without waiting for batches, and then end."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> list[hp.HostToClient]:
        """The next messages, as soon as some are due; empty only after `close`, when nothing is left."""
        with self._changed:
            while True:
                due = self._take_due()
                if due or (self._closed and not self._lanes):
                    return due
                self._changed.wait(self._wait_s())

    def _take_due(self) -> list[hp.HostToClient]:
        messages: list[hp.HostToClient] = list(self._answers)
        self._answers.clear()
        now = self._clock()
        for run_id, lane in list(self._lanes.items()):
            if lane.has_work and (now >= lane.due_at or self._closed):
                messages += _messages(run_id, lane)
                lane.due_at = now + BATCH_INTERVAL_S
                if lane.finished:
                    del self._lanes[run_id]
            elif self._closed:
                del self._lanes[run_id]
        return messages

    def _wait_s(self) -> float | None:
        due = [lane.due_at for lane in self._lanes.values() if lane.has_work]
        return max(0.0, min(due) - self._clock()) if due else None


def _messages(run_id: str, lane: _Lane) -> list[hp.HostToClient]:
    messages: list[hp.HostToClient] = []
    if lane.events:
        messages.append(hp.EventsEmitted(run_id=run_id, events=tuple(lane.events)))
        lane.events.clear()
    messages += _joined(lane.output)
    lane.output.clear()
    lane.output_characters = 0
    if lane.finished:
        messages.append(lane.finished)
    return messages


def _joined(outputs: Sequence[hp.OutputEmitted]) -> list[hp.OutputEmitted]:
    """Neighbours of the same stream as one message."""
    joined: list[tuple[hp.OutputEmitted, list[str]]] = []
    for output in outputs:
        if not joined or joined[-1][0].stream != output.stream:
            joined.append((output, []))
        joined[-1][1].append(output.text)
    return [
        hp.OutputEmitted(run_id=first.run_id, stream=first.stream, text="".join(texts)) for first, texts in joined
    ]
