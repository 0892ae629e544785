"""Values as the debugger shows them: without running code of the user's, in pages, by reference.

Only values of built-in types are printed by their own `repr`; of others the type is shown, and their attributes
as children. Properties are not read.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from circuit_link.debug_wire import VariableInfo
from circuitos.api.records import Record, identity
from circuitos.debugger.objects import (
    attributes,
    container_type,
    is_a,
    is_exact,
    item_count,
    items,
    plain_copy,
    set_item,
    type_name,
)

_MAX_CHARACTERS = 1_000
_SHOWN_ITEMS = 6
# What is copied has to fit a frame of the wire.
_MAX_COPIED = 1_000_000
_MAX_DEPTH = 50
_LAST = sys.maxsize
# By identity: a metaclass may have a comparison or a hash of its own.
_PLAIN = frozenset(
    map(
        id,
        (
            type(None),
            type(...),
            type(NotImplemented),
            bool,
            int,
            float,
            complex,
            str,
            bytes,
            bytearray,
            Decimal,
            dt.datetime,
            dt.date,
            dt.time,
            dt.timedelta,
            range,
        ),
    )
)
_TEXTS = (str, bytes, bytearray)
_BRACKETS: dict[Any, str] = {
    list: "[]",
    tuple: "()",
    dict: "{}",
    set: "{}",
    frozenset: "{}",
    deque: "[]",
    array: "[]",
}

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


def size_bytes(value: Any) -> int:
    """Memory of the value itself; 0 for types whose own code would have to say it."""
    return sys.getsizeof(value) if id(type(value)) in _PLAIN or is_exact(value) else 0


def whole(value: Any) -> str:
    """All of a value's text, for the clipboard: of containers every item, up to `_MAX_COPIED` characters."""
    parts: list[str] = []
    length = 0
    for part in _whole_parts(value, ()):
        parts.append(part)
        length += len(part)
        if length > _MAX_COPIED:
            return "".join(parts)[:_MAX_COPIED] + "…"
    return "".join(parts)


def _whole_parts(value: Any, inside: tuple[int, ...]) -> Iterator[str]:
    """The text of a value in pieces. `inside` are the identities of the containers that it is in."""
    container = container_type(value) if is_exact(value) else None
    if type(value) in _TEXTS:
        yield repr(value)
    elif container is None:
        yield shown(value)
    elif id(value) in inside or len(inside) == _MAX_DEPTH:
        yield _container_text(value, container, depth=2)
    else:
        inside = (*inside, id(value))
        brackets = _BRACKETS[container]
        yield brackets[0]
        for place, (key, item) in enumerate(items(value, container, 0, _LAST)):
            yield ", " if place else ""
            if container is dict:
                yield from _whole_parts(key, inside)
                yield ": "
            yield from _whole_parts(item, inside)
        yield f",{brackets[1]}" if container is tuple and len(value) == 1 else brackets[1]


def shown(value: Any, depth: int = 0) -> str:
    """One line for a value."""
    kind = type(value)
    if id(kind) in _PLAIN:
        return _cut(_plain_text(value))
    if is_exact(value):
        return _container_text(value, kind, depth)
    if is_a(value, Record):
        return f"{value.object_name} {identity(value) or '(new)'}"
    if is_a(value, Enum):
        return f"{type_name(kind)}.{object.__getattribute__(value, '_name_')}"
    if is_a(value, type):
        return f"<class {type_name(value)}>"
    if kind is types.FunctionType or kind is types.BuiltinFunctionType:
        return f"<function {value.__qualname__}>"
    if kind is types.MethodType and type(value.__func__) is types.FunctionType:
        return f"<function {value.__func__.__qualname__}>"
    if kind is types.ModuleType:
        return f"<module {value.__name__}>"
    if is_a(value, BaseException):
        arguments: Any = BaseException.__dict__["args"].__get__(value)
        return f"{type_name(kind)}({', '.join(shown(argument, depth + 1) for argument in arguments)})"
    return _derived_text(value, depth)


def _derived_text(value: Any, depth: int) -> str:
    """For an instance of the user's classes: what it holds where it derives from a container, else its class."""
    name = type_name(type(value))
    container = container_type(value)
    if container is not None:
        return _cut(f"{name}({_container_text(value, container, depth)})")
    plain = plain_copy(value)
    return f"<{name}>" if plain is None else _cut(_plain_text(plain))


def _plain_text(value: Any) -> str:
    if type(value) in _TEXTS and len(value) > _MAX_CHARACTERS:
        return f"{value[:_MAX_CHARACTERS]!r}… ({len(value):,} long)"
    if type(value) is int and value.bit_length() > 4_000:
        # str() of a huge number takes quadratic time.
        return f"<int of {value.bit_length():,} bits>"
    return repr(value)


def _container_text(value: Any, container: Any, depth: int) -> str:
    brackets = _BRACKETS[container]
    count = item_count(value, container)
    if depth > 1:
        return f"{brackets[0]}… {count:,} items{brackets[1]}"
    first = items(value, container, 0, _SHOWN_ITEMS)
    if container is dict:
        parts = [f"{shown(key, depth + 1)}: {shown(item, depth + 1)}" for key, item in first]
    else:
        parts = [shown(item, depth + 1) for _index, item in first]
    more = f", … {count:,} in all" if count > _SHOWN_ITEMS else ""
    return _cut(f"{brackets[0]}{', '.join(parts)}{more}{brackets[1]}")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def child_counts(value: Any) -> tuple[int, int]:
    """Number of named and of indexed children."""
    if type(value) is Variables:
        return len(value.names), 0
    if id(type(value)) in _PLAIN:
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
