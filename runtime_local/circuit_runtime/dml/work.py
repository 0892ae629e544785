"""Records on their way through a DML statement, one by one and as the columns of a chunk.

What a bulk statement does with all of its records alike is done with whole columns (`columns`, `put`), which C
goes through; what concerns one record works on its row (`Work.new`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from operator import attrgetter, itemgetter, ne
from typing import Any

from circuit_link.wire import DmlErrorInfo, RecordColumns, Saved
from circuit_runtime.dml.errors import DmlFailed
from circuit_runtime.governor.profiles import TRIGGER_CHUNK

Columns = Mapping[str, Sequence[Any]]


class Sent:
    """Records that name the same fields, as they were sent: columns of plain values by the names sent."""

    __slots__ = ("columns",)

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.columns = columns


_NOTHING_SENT = Sent({})


@dataclass(slots=True, eq=False)
class Work:
    """A record and what has become of it so far.

    Attributes:
        index: its place in the statement.
        sent: plain values as they were sent; this record's are those at `sent_at`.
        id: None before an insert.
        old: all stored fields as they were, in storage form; None for an insert.
        computed: stored values that the runtime itself sets, as roll-ups.
        row: `new`, once it was asked for.
        shared: the chunk's new rows, of which it has the one at `place`.
    """

    index: int
    sent: Sent = _NOTHING_SENT
    sent_at: int = 0
    id: str | None = None
    old: dict[str, Any] | None = None
    computed: Mapping[str, Any] | None = None
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

    def sent_as(self, name: str) -> Any:
        """The plain value sent by this name; None where there is none."""
        values = self.sent.columns.get(name)
        return None if values is None else values[self.sent_at]

    def given(self) -> dict[str, Any]:
        """All plain values as they were sent."""
        return {name: values[self.sent_at] for name, values in self.sent.columns.items()}

    def give(self, name: str, value: Any) -> None:
        """Replace a value that was sent."""
        self.sent.columns[name][self.sent_at] = value

    def restart(self) -> None:
        """Forget what an attempt made of it, for the next attempt."""
        if self.created:
            self.id = None
        self.row = self.shared = self.old = None


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


def works_of(records: Sequence[RecordColumns]) -> list[Work]:
    """A work for each record, in the order of their places; those that name the same fields share their columns.

    Raises: DmlFailed: the places do not rise, or leave one out.
    """
    works: list[Work] = []
    parts: dict[tuple[str, ...], list[RecordColumns]] = {}
    for part in records:
        parts.setdefault(part.names, []).append(part)
    for names, alike in parts.items():
        joined = map(list, map(chain.from_iterable, zip(*(part.columns for part in alike), strict=True)))
        sent = Sent(dict(zip(names, joined, strict=True)))
        places = list(chain.from_iterable(part.places for part in alike))
        if places != sorted(places):
            raise DmlFailed("The places of the statement's records do not rise.")
        works += [Work(index, sent, at) for at, index in enumerate(places)]
    works.sort(key=attrgetter("index"))
    if any(map(ne, map(attrgetter("index"), works), count())):
        raise DmlFailed("The places of the statement's records do not follow each other.")
    return works


def saved(works: Sequence[Work]) -> Saved:
    """What became of them. Those that were not created have no id."""
    return Saved(
        ids=[None if work.errors and work.created else work.id for work in works],
        created=[work.created and not work.errors for work in works],
        errors={place: tuple(work.errors) for place, work in enumerate(works) if work.errors},
    )


def sent_together(
    works: Sequence[Work], names: Callable[[str], bool] = lambda _name: True
) -> Iterator[tuple[Sequence[Work], Columns]]:
    """Works that name the same fields, with their columns of plain values, of these names only."""
    together = dict.fromkeys(map(attrgetter("sent"), works))
    for sent in together:
        wanted = {name: values for name, values in sent.columns.items() if names(name)}
        if wanted:
            alike = works if len(together) == 1 else [work for work in works if work.sent is sent]
            yield alike, _picked(wanted, [work.sent_at for work in alike])


def begin(works: Sequence[Work], blank: Mapping[str, Any]) -> None:
    """Let the new rows of a chunk be copies of a blank one."""
    shared = _NewRows(len(works), {name: [value] * len(works) for name, value in blank.items()})
    for place, work in enumerate(works):
        work.row, work.shared, work.place = None, shared, place


def columns(works: Sequence[Work], names: Sequence[str]) -> Columns:
    """These fields of the new rows of records that are saved together; not to be changed."""
    shared = _shared(works)
    if shared is None:
        return columns_of_rows([work.new for work in works], names)
    wanted = {name: shared.columns[name] for name in names}
    return wanted if shared.size == len(works) else _picked(wanted, [work.place for work in works])


def column(works: Sequence[Work], name: str) -> Sequence[Any]:
    """One field of the new rows of records that are saved together; not to be changed."""
    if _shared(works) is None:
        return [work.new.get(name) for work in works]
    return columns(works, (name,))[name]


def put(works: Sequence[Work], values: Columns) -> None:
    """Set fields of the new rows of records that are saved together."""
    shared = _shared(works)
    if shared is None:
        for work, row in zip(works, zip(*values.values(), strict=True), strict=False):
            work.new.update(zip(values, row, strict=True))
    elif shared.size == len(works):
        shared.columns.update(values)
    else:
        for name, some in values.items():
            column = shared.columns[name] = list(shared.columns[name])
            for work, value in zip(works, some, strict=True):
                column[work.place] = value


def columns_of_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Columns:
    """At least two fields of rows, or none of no rows."""
    cells = zip(*map(itemgetter(*names), rows), strict=True)
    return dict(zip(names, cells, strict=True)) if rows else dict.fromkeys(names, ())


def _shared(works: Sequence[Work]) -> _NewRows | None:
    """The columns that hold the new rows of records that are saved together, if they still are columns."""
    shared = works[0].shared if works else None
    return shared if shared is not None and shared.columns else None


def _picked(columns: Mapping[str, Sequence[Any]], places: Sequence[int]) -> Columns:
    """What stands at rising places of columns."""
    first, end = places[0], places[-1] + 1
    if end - first == len(places):
        return {name: values[first:end] for name, values in columns.items()}
    return {name: [values[place] for place in places] for name, values in columns.items()}


def sound(works: Sequence[Work]) -> list[Work]:
    """Those that have no error so far."""
    return [work for work in works if not work.errors]


def chunks(works: Sequence[Work], size: int = TRIGGER_CHUNK) -> Iterator[list[Work]]:
    for start in range(0, len(works), size):
        yield list(works[start : start + size])
