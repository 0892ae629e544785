"""The records of a child sub-query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, SupportsIndex

from circuitos.api.exceptions import QueryException

_MOST_AT_ONCE = 200


class Children(list[Any]):
    """A list of Records. More than 200 of them are read in a `for` loop only, as in Apex.

    Everything else (their number, a slice, another list made of them) raises QueryException then.
    """

    def __len__(self) -> int:
        self._check()
        return super().__len__()

    def __bool__(self) -> bool:
        return super().__len__() > 0

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        self._check()
        return super().__getitem__(index)

    def __reversed__(self) -> Iterator[Any]:
        self._check()
        return super().__reversed__()

    def _check(self) -> None:
        if super().__len__() > _MOST_AT_ONCE:
            raise QueryException("Aggregate query has too many rows for direct assignment, use FOR loop")
