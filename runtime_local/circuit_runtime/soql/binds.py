"""What is known of binds before their values are: a query is compiled once for each kind of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any


class BindKind(Enum):
    """A bind's value as far as the SQL depends on it.

    WIDE holds text beyond ASCII, which folds by other rules. An EMPTY text is stored as null.
    """

    MISSING = "missing"
    NULL = "null"
    EMPTY = "empty"
    PLAIN = "plain"
    WIDE = "wide"
    LIST = "list"
    WIDE_LIST = "wide list"

    @property
    def is_list(self) -> bool:
        return self in (BindKind.LIST, BindKind.WIDE_LIST)

    @property
    def is_wide(self) -> bool:
        return self in (BindKind.WIDE, BindKind.WIDE_LIST)


BindKinds = frozenset[tuple[str, BindKind]]


def kinds_of(binds: Mapping[str, Any]) -> BindKinds:
    return frozenset((name, kind_of(value)) for name, value in binds.items())


def kind_of(value: Any) -> BindKind:
    if value is None:
        return BindKind.NULL
    if value == "":
        return BindKind.EMPTY
    if isinstance(value, str):
        return BindKind.PLAIN if value.isascii() else BindKind.WIDE
    if is_list(value):
        return BindKind.WIDE_LIST if any(map(_is_wide, members_of(value))) else BindKind.LIST
    return BindKind.PLAIN


def is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)


def members_of(value: Any) -> Iterator[Any]:
    """The members of a list, a plain value alone."""
    return iter(value) if is_list(value) else iter((value,))


def _is_wide(value: Any) -> bool:
    return isinstance(value, str) and not value.isascii()
