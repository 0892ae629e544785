"""What a query is compiled to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from circuit_link.wire import ResultShape
from circuit_runtime.soql.parameters import Parameter, QueryContext
from circuit_runtime.soql.tokens import Token

# From a cell as the database gives it to its storage form.
CellReader = Callable[[Any, QueryContext], Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as SQL.

    Attributes:
        sql: with numbered marks for the parameters.
        selected: dotted paths and aliases that the text selects, in order; the shape may have more (ids).
        touched: (object, field) of everything that is read, in order; the first `selected_fields` of them by the
            SELECT list.
        mode: USER_MODE, SYSTEM_MODE or SECURITY_ENFORCED, where the text says one.
        readers: of the columns whose cells need more than their type says, by index.
    """

    sql: str
    parameters: tuple[Parameter, ...]
    shape: ResultShape
    selected: tuple[str, ...]
    touched: tuple[tuple[str, str], ...]
    selected_fields: int
    readers: tuple[tuple[int, CellReader], ...]
    child_queries: int
    locks: bool
    mode: Token | None
    source: str
