"""Records on their way through a DML statement, one by one and as the columns of a chunk.

What a bulk statement does with all of its records alike is done with whole columns (`columns`, `put`), which C
goes through; what concerns one record works on its row (`Work.new`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from circuit_link.wire import DmlErrorInfo, SaveOutcome
from circuit_runtime.governor.profiles import TRIGGER_CHUNK

Columns = Mapping[str, Sequence[Any]]


@dataclass(slots=True, eq=False)
class Work:
    """A record and what has become of it so far.

    Attributes:
        index: its place in the statement.
        given: plain values as they were sent, by the names they were sent with.
        id: None before an insert.
        old: all stored fields as they were, in storage form; None for an insert.
        computed: stored values that the runtime itself sets, as roll-ups.
        row: `new`, once it was asked for.
        shared: the chunk's new rows, of which it has the one at `place`.
    """

    index: int
    given: Mapping[str, Any]
    id: str | None = None
    old: dict[str, Any] | None = None
    computed: Mapping[str, Any] = field(default_factory=dict)
    errors: list[DmlErrorInfo] = field(default_factory=list)
    created: bool = False
    row: dict[str, Any] | None = None
    shared: _NewRows | None = None
    place: int = 0

    @property
    def new(self) -> dict[str, Any]:
        """All stored fields as they will be, in storage form. It may be written to."""
        if self.row is None:
            if self.shared is None:
                raise SystemError("the record is not loaded")
            self.row = self.shared.apart()[self.place]
        return self.row

    @new.setter
    def new(self, row: dict[str, Any]) -> None:
        if self.shared is not None:
            self.shared.apart()
        self.row = row

    def restart(self) -> None:
        """Forget what an attempt made of it, for the next attempt."""
        if self.created:
            self.id = None
        self.row = self.shared = self.old = None

    def outcome(self) -> SaveOutcome:
        success = not self.errors
        return SaveOutcome(
            id=self.id if success or not self.created else None,
            success=success,
            created=self.created and success,
            errors=tuple(self.errors),
        )


class _NewRows:
    """The new rows of a chunk: columns, none of which is changed in place, until one of the rows is asked for.

    Attributes:
        columns: by field; {} once they are rows.
    """

    __slots__ = ("_rows", "columns", "size")

    def __init__(self, size: int, columns: dict[str, Sequence[Any]]) -> None:
        self.size = size
        self.columns = columns
        self._rows: list[dict[str, Any]] = []

    def apart(self) -> list[dict[str, Any]]:
        """Each row of its own, to be written to."""
        if self.columns:
            names = tuple(self.columns)
            self._rows = [dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)]
            self.columns = {}
        return self._rows


def begin(works: Sequence[Work], blank: Mapping[str, Any]) -> None:
    """Let the new rows of a chunk be copies of a blank one."""
    shared = _NewRows(len(works), {name: [value] * len(works) for name, value in blank.items()})
    for place, work in enumerate(works):
        work.row, work.shared, work.place = None, shared, place


def columns(works: Sequence[Work], names: Sequence[str]) -> Columns:
    """These fields of the new rows; not to be changed."""
    if (whole := _whole(works)) is not None:
        return {name: whole.columns[name] for name in names}
    return columns_of_rows([work.new for work in works], names)


def column(works: Sequence[Work], name: str) -> Sequence[Any]:
    """One field of the new rows; not to be changed."""
    if (whole := _whole(works)) is not None:
        return whole.columns[name]
    return [work.new.get(name) for work in works]


def put(works: Sequence[Work], values: Columns) -> None:
    """Set fields of the new rows."""
    if (whole := _whole(works)) is not None:
        whole.columns.update(values)
        return
    names = tuple(values)
    for work, row in zip(works, zip(*values.values(), strict=True), strict=False):
        work.new.update(zip(names, row, strict=True))


def columns_of_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Columns:
    """At least two fields of rows, or none of no rows."""
    cells = zip(*map(itemgetter(*names), rows), strict=True)
    return dict(zip(names, cells, strict=True)) if rows else dict.fromkeys(names, ())


def _whole(works: Sequence[Work]) -> _NewRows | None:
    """The new rows of these works, if they are a whole chunk whose rows are still columns."""
    shared = works[0].shared if works else None
    return shared if shared is not None and shared.columns and shared.size == len(works) else None


def sound(works: Sequence[Work]) -> list[Work]:
    """Those that have no error so far."""
    return [work for work in works if not work.errors]


def chunks(works: Sequence[Work], size: int = TRIGGER_CHUNK) -> Iterator[list[Work]]:
    for start in range(0, len(works), size):
        yield list(works[start : start + size])
