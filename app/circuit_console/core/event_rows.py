"""The rows of a log table as columns."""

from __future__ import annotations

from array import array

from circuit_log.limits import LimitName

NO_DURATION = -1
COUNTERS: tuple[LimitName, ...] = tuple(LimitName)
_NUMBER_OF = {name: number for number, name in enumerate(COUNTERS, start=1)}


class EventRows:
    """One entry a row, appended only; `duration_ns` and `frame` may be set later.

    Columns: `time_ns` (since the run's start, pauses taken out), `event` (an EventType's number), `path_id`
    (into `paths`), `line` (1-based, 0 outside script), `detail`, `duration_ns` (NO_DURATION where it has none),
    `counter` (place in COUNTERS plus 1, 0 for none), `used`, `maximum` (of that counter then), `frame` (the bar it
    belongs to, -1 for none).
    """

    def __init__(self) -> None:
        self.time_ns = array("q")
        self.event = array("B")
        self.path_id = array("l")
        self.line = array("l")
        self.detail: list[str] = []
        self.duration_ns = array("q")
        self.counter = array("B")
        self.used = array("q")
        self.maximum = array("q")
        self.frame = array("l")
        self.paths: list[str] = [""]
        self._path_ids: dict[str, int] = {"": 0}

    def __len__(self) -> int:
        return len(self.time_ns)

    def append(self, time_ns: int, event: int, path: str, line: int, detail: str, frame: int) -> int:
        """Add a row; its number."""
        row = len(self.time_ns)
        path_id = self._path_ids.get(path)
        if path_id is None:
            path_id = self._path_ids[path] = len(self.paths)
            self.paths.append(path)
        self.time_ns.append(time_ns)
        self.event.append(event)
        self.path_id.append(path_id)
        self.line.append(line)
        self.detail.append(detail)
        self.duration_ns.append(NO_DURATION)
        self.counter.append(0)
        self.used.append(0)
        self.maximum.append(0)
        self.frame.append(frame)
        return row

    def set_counter(self, row: int, name: LimitName, used: int, maximum: int) -> None:
        self.counter[row] = _NUMBER_OF[name]
        self.used[row] = used
        self.maximum[row] = maximum

    def counter_name(self, row: int) -> LimitName | None:
        number = self.counter[row]
        return COUNTERS[number - 1] if number else None

    def path(self, row: int) -> str:
        return self.paths[self.path_id[row]]
