"""Files that a run writes while it goes on: whole or not at all, and a log of which beginning and end are kept."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Sequence

# As Salesforce marks a log that it has cut.
_SIZE_REACHED = b"*********** MAXIMUM DEBUG LOG SIZE REACHED ***********\n"
_SKIPPED = b"*** Skipped %d bytes of detailed log\n"


def append(file: io.FileIO, data: bytes) -> None:
    """Write all of `data` or nothing of it. Raises: OSError."""
    end = file.tell()
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) or 0 :]
    except OSError:
        file.truncate(end)
        file.seek(end)
        raise


class BoundedText:
    """Writes events' lines to a file of about `max_bytes`.

    From then on the newest `tail_bytes` are held back for the file's end, and what lies between is counted and
    left out. A host that dies loses what it held back, and nothing else.
    """

    def __init__(self, file: io.FileIO, max_bytes: int, tail_bytes: int) -> None:
        self._file = file
        self._head_bytes = max_bytes - tail_bytes
        self._tail_bytes = tail_bytes
        self._tail: deque[bytes] = deque()
        self._held_bytes = 0
        self._skipped_bytes = 0

    def write(self, events: Sequence[bytes]) -> None:
        """Append the lines of each event. Raises: OSError; the file then ends before them."""
        is_cut = self._tail or self._skipped_bytes
        room = 0 if is_cut else self._head_bytes - self._file.tell()
        fitting = 0
        while fitting < len(events) and len(events[fitting]) <= room:
            room -= len(events[fitting])
            fitting += 1
        append(self._file, b"".join(events[:fitting]))
        for lines in events[fitting:]:
            self._hold(lines)

    def end(self) -> None:
        """Write what was held back, with marks if anything was left out before it. Raises: OSError."""
        marks = _SIZE_REACHED + _SKIPPED % self._skipped_bytes if self._skipped_bytes else b""
        append(self._file, marks + b"".join(self._tail))
        self._tail.clear()

    def _hold(self, lines: bytes) -> None:
        self._tail.append(lines)
        self._held_bytes += len(lines)
        while self._held_bytes > self._tail_bytes:
            dropped = len(self._tail.popleft())
            self._held_bytes -= dropped
            self._skipped_bytes += dropped
