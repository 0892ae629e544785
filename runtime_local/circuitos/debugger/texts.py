"""The text that stands for a value: one line of bounded length, without running code of the user's.

Only values of built-in types are printed by their own `repr`; of others the type is shown. What changes can be
told `apart`: kept as far as its line needs it, so that the line can be made later, if ever.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import types
from array import array
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from circuitos.api.records import Record, identity
from circuitos.debugger.objects import (
    container_type,
    is_a,
    is_exact,
    items,
    plain_copy,
    type_name,
)

_MAX_CHARACTERS = 1_000
_SHOWN_ITEMS = 6
# What is copied has to fit a frame of the wire.
_MAX_COPIED = 1_000_000
_MAX_DEPTH = 50
_FIRST = slice(_SHOWN_ITEMS)
_UNCHANGING_TYPES: tuple[type, ...] = (
    type(None),
    type(...),
    type(NotImplemented),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    Decimal,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    range,
)
# To be asked for types of the metaclass `type` only: another may have a comparison or a hash of its own.
_PLAIN = frozenset((*_UNCHANGING_TYPES, bytearray))
UNCHANGING = frozenset((*_UNCHANGING_TYPES, types.FunctionType, types.ModuleType, type))
_METACLASS = frozenset((type,))
_chained = itertools.chain.from_iterable
_islice = itertools.islice
_getsizeof = sys.getsizeof
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


def size_bytes(value: Any) -> int:
    """Memory of the value itself; 0 for types whose own code would have to say it."""
    return sys.getsizeof(value) if is_plain(value) or is_exact(value) else 0


def is_plain(value: Any) -> bool:
    """Whether it is of a built-in type without parts."""
    kind = type(value)
    return type(kind) is type and kind in _PLAIN


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
        yield shown(value, depth=2)
    else:
        inside = (*inside, id(value))
        brackets = _BRACKETS[container]
        yield brackets[0]
        for place, (key, item) in enumerate(items(value, container, 0, sys.maxsize)):
            yield ", " if place else ""
            if container is dict:
                yield from _whole_parts(key, inside)
                yield ": "
            yield from _whole_parts(item, inside)
        yield f",{brackets[1]}" if container is tuple and len(value) == 1 else brackets[1]


def shown(value: Any, depth: int = 0) -> str:
    """One line for a value."""
    kind = type(value)
    if is_plain(value):
        return _cut(_plain_text(value))
    if is_exact(value):
        return _container_text(outline(value, kind, depth), depth)
    if kind is Outline:
        return _container_text(value, depth)
    if kind is Line:
        text: str = value.text
        return text
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
        return _cut(f"{name}({_container_text(outline(value, container, depth), depth)})")
    plain = plain_copy(value)
    return f"<{name}>" if plain is None else _cut(_plain_text(plain))


def _plain_text(value: Any) -> str:
    if type(value) in _TEXTS and len(value) > _MAX_CHARACTERS:
        return f"{value[:_MAX_CHARACTERS]!r}… ({len(value):,} long)"
    if type(value) is int and value.bit_length() > 4_000:
        # str() of a huge number takes quadratic time.
        return f"<int of {value.bit_length():,} bits>"
    return repr(value)


class Outline(msgspec.Struct, frozen=True, gc=False):
    """What is shown of a container, apart from it: what is done to it later does not show.

    Attributes:
        kind: the built-in container.
        count: number of its items.
        first: the first items, or keys and items in turn, as `apart` gives them.
    """

    kind: Any
    count: int
    first: tuple[Any, ...]
    size_bytes: int


class Line(msgspec.Struct, frozen=True, gc=False):
    """The line itself, of a value that is no container."""

    kind: type
    text: str
    size_bytes: int


def outline(value: Any, container: Any, depth: int = 0) -> Outline:
    """What `shown` needs of a container that stands `depth` levels within what is shown."""
    first: tuple[Any, ...] = ()
    if depth > 1:
        pass
    elif container is dict:
        first = tuple(_chained(_islice(dict.items(value), _SHOWN_ITEMS)))
    elif container is list or container is tuple:
        first = tuple(container.__getitem__(value, _FIRST))
    else:
        first = tuple(_islice(container.__iter__(value), _SHOWN_ITEMS))
    # In C: this runs several times for each recorded statement.
    kinds = tuple(map(type, first))
    if not (_METACLASS.issuperset(map(type, kinds)) and UNCHANGING.issuperset(kinds)):
        first = tuple([apart(item, depth + 1) for item in first])
    return Outline(container, container.__len__(value), first, _getsizeof(value) if depth == 0 else 0)


def apart(value: Any, depth: int = 0) -> Any:
    """Something that `shown` shows as the value is shown now, whatever is done to the value later.

    Values of the types in `UNCHANGING` are that themselves; of others it is an `Outline` or a `Line`.
    """
    kind = type(value)
    if type(kind) is type and kind in UNCHANGING:
        return value
    return outline(value, kind, depth) if is_exact(value) else Line(kind, shown(value, depth), size_bytes(value))


def _container_text(what: Outline, depth: int) -> str:
    brackets = _BRACKETS[what.kind]
    if depth > 1:
        return f"{brackets[0]}… {what.count:,} items{brackets[1]}"
    parts = [shown(item, depth + 1) for item in what.first]
    if what.kind is dict:
        parts = [f"{key}: {item}" for key, item in zip(parts[::2], parts[1::2], strict=True)]
    more = f", … {what.count:,} in all" if what.count > _SHOWN_ITEMS else ""
    return _cut(f"{brackets[0]}{', '.join(parts)}{more}{brackets[1]}")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"
