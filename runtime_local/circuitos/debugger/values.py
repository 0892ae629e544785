"""Values as the debugger shows them: in pages, by reference, without running code of the user's.

Their children are items and attributes as they are stored. Properties are not read.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from circuit_link.debug_wire import VariableInfo
from circuitos.debugger.objects import (
    attributes,
    container_type,
    is_exact,
    item_count,
    items,
    set_item,
    type_name,
)
from circuitos.debugger.texts import is_plain, shown, size_bytes

_LAST = sys.maxsize

# Puts a new value in the place of a child.
Assign = Callable[[str, Any], None]


class StaleReference(Exception):
    """A reference of an earlier stop, or one that never was."""


class References:
    """Values that a client may ask the children of, until the script goes on."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Any, Assign | None]] = {}
        self._expressions: dict[int, str] = {}
        # Never given twice, so that a client that asks too late is told so.
        self._numbers = itertools.count(1)

    def clear(self) -> None:
        self._values.clear()
        self._expressions.clear()

    def add(self, value: Any, assign: Assign | None = None, expression: str = "") -> int:
        number = next(self._numbers)
        self._values[number] = (value, assign)
        self._expressions[number] = expression
        return number

    def expression(self, number: int) -> str:
        """The text that reads the value in its frame; "" where there is none."""
        return self._expressions.get(number, "")

    def get(self, number: int) -> tuple[Any, Assign | None]:
        """Raises: StaleReference."""
        try:
            return self._values[number]
        except KeyError:
            raise StaleReference(
                f"The reference {number} is of an earlier stop; ask for the variables again."
            ) from None

    def describe(self, name: str, value: Any, evaluate_name: str = "", *, is_hex: bool = False) -> VariableInfo:
        """A value with a reference to its children, if it has any."""
        named, indexed = child_counts(value)
        return VariableInfo(
            name=name,
            value=hex(value) if is_hex and type(value) is int else shown(value),
            type=type_name(type(value)),
            reference=self.add(value, expression=evaluate_name) if named or indexed else 0,
            named=named,
            indexed=indexed,
            evaluate_name=evaluate_name,
            size_bytes=size_bytes(value),
        )


def child_counts(value: Any) -> tuple[int, int]:
    """Number of named and of indexed children."""
    if type(value) is Variables:
        return len(value.names), 0
    if is_plain(value):
        return 0, 0
    container = container_type(value)
    indexed = item_count(value, container) if container is not None else 0
    return 0 if is_exact(value) else len(attributes(value)), indexed


class Variables:
    """The names of a scope, as a value whose children are its variables."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = {name: value for name, value in names.items() if is_shown(name)}


def is_shown(name: str) -> bool:
    """Names that begin with `@` hold operands of rewritten asserts."""
    return not name.startswith(("@", "__"))


def children(value: Any, kind: str, start: int, count: int) -> Iterator[tuple[str, Any, str]]:
    """Name, value, and the text that follows the parent's expression to read it, of a page of children.

    Args:
        kind: "named" or "indexed" children only; "" for all, the named ones first.
    """
    stop = start + count if count else _LAST
    named: dict[str, Any] = {}
    if kind != "indexed" and not is_exact(value):
        named = value.names if type(value) is Variables else attributes(value)
        dot = "" if type(value) is Variables else "."
        yield from ((name, item, f"{dot}{name}") for name, item in itertools.islice(named.items(), start, stop))
    container = container_type(value)
    if container is not None and kind != "named" and stop > len(named):
        yield from _indexed(value, container, max(start - len(named), 0), stop - len(named))


def _indexed(value: Any, container: Any, start: int, stop: int) -> Iterator[tuple[str, Any, str]]:
    for key, item in items(value, container, start, stop):
        if container is dict:
            yield shown(key), item, f"[{key!r}]" if type(key) in (str, int) else ""
        else:
            yield f"[{key}]", item, "" if container in (set, frozenset) else f"[{key}]"


def assign_child(parent: Any, name: str, value: Any) -> None:
    """Put a value in the place of a child named as `children` names it.

    Raises:
        TypeError: the parent's children cannot be set.
    """
    container = container_type(parent)
    if container is dict and (key := _key_named(parent, name)) is not None:
        set_item(parent, dict, key[0], value)
    elif container is not None and container is not dict and name.startswith("["):
        set_item(parent, container, int(name[1:-1]), value)
    elif is_exact(parent):
        raise TypeError(f"there is no {name}")
    else:
        setattr(parent, name, value)


def _key_named(parent: Any, name: str) -> tuple[Any] | None:
    return next(((key,) for key, _item in items(parent, dict, 0, _LAST) if shown(key) == name), None)
