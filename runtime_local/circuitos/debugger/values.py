"""Values as the debugger shows them: without running code of the user's, in pages, by reference.

Only values of built-in types are printed by their own `repr`; of others the type is shown, and their attributes
as children. Properties are not read.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from circuit_link.debug_wire import VariableInfo
from circuitos.api.records import Record, identity

_MAX_CHARACTERS = 1_000
_SHOWN_ITEMS = 6
# What is copied has to fit a frame of the wire.
_MAX_COPIED = 1_000_000
_MAX_DEPTH = 50
_PLAIN = (
    type(None),
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
)
_SEQUENCES = (list, tuple)
_SETS = (set, frozenset)
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", dict: "{}", set: "{}", frozenset: "{}"}

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
            type=type(value).__qualname__,
            reference=self.add(value, expression=evaluate_name) if named or indexed else 0,
            named=named,
            indexed=indexed,
            evaluate_name=evaluate_name,
            size_bytes=size_bytes(value),
        )


def size_bytes(value: Any) -> int:
    """Memory of the value itself; 0 for types whose own code would have to say it."""
    kind = type(value)
    if kind in _PLAIN or kind in _SEQUENCES or kind in _SETS or kind is dict:
        return sys.getsizeof(value)
    return 0


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
    kind = type(value)
    if kind in (str, bytes, bytearray):
        yield repr(value)
    elif kind not in _BRACKETS:
        yield shown(value)
    elif id(value) in inside or len(inside) == _MAX_DEPTH:
        yield _container_text(value, depth=2)
    else:
        inside = (*inside, id(value))
        brackets = _BRACKETS[kind]
        yield brackets[0]
        for index, item in enumerate(value.items() if kind is dict else value):
            yield ", " if index else ""
            if kind is dict:
                yield from _whole_parts(item[0], inside)
                yield ": "
            yield from _whole_parts(item[1] if kind is dict else item, inside)
        yield f",{brackets[1]}" if kind is tuple and len(value) == 1 else brackets[1]


def shown(value: Any, depth: int = 0) -> str:
    """One line for a value."""
    kind = type(value)
    if kind in _PLAIN:
        return _cut(_plain_text(value))
    if kind in _SEQUENCES or kind in _SETS or kind is dict:
        return _container_text(value, depth)
    if isinstance(value, Record):
        return f"{value.object_name} {identity(value) or '(new)'}"
    if isinstance(value, Enum):
        return f"{kind.__name__}.{value.name}"
    if isinstance(value, type):
        return f"<class {value.__qualname__}>"
    if isinstance(value, types.FunctionType | types.BuiltinFunctionType | types.MethodType):
        return f"<function {value.__qualname__}>"
    if isinstance(value, types.ModuleType):
        return f"<module {value.__name__}>"
    if isinstance(value, BaseException):
        return f"{kind.__name__}({', '.join(shown(argument, depth + 1) for argument in value.args)})"
    return f"<{kind.__qualname__}>"


def _plain_text(value: Any) -> str:
    if type(value) in (str, bytes, bytearray) and len(value) > _MAX_CHARACTERS:
        return f"{value[:_MAX_CHARACTERS]!r}… ({len(value):,} long)"
    if type(value) is int and value.bit_length() > 4_000:
        # str() of a huge number takes quadratic time.
        return f"<int of {value.bit_length():,} bits>"
    return repr(value)


def _container_text(value: Any, depth: int) -> str:
    brackets = _BRACKETS[type(value)]
    if depth > 1:
        return f"{brackets[0]}… {len(value):,} items{brackets[1]}"
    first = itertools.islice(value.items() if type(value) is dict else value, _SHOWN_ITEMS)
    if type(value) is dict:
        parts = [f"{shown(key, depth + 1)}: {shown(item, depth + 1)}" for key, item in first]
    else:
        parts = [shown(item, depth + 1) for item in first]
    more = f", … {len(value):,} in all" if len(value) > _SHOWN_ITEMS else ""
    return _cut(f"{brackets[0]}{', '.join(parts)}{more}{brackets[1]}")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def child_counts(value: Any) -> tuple[int, int]:
    """Number of named and of indexed children."""
    if isinstance(value, Variables):
        return len(value.names), 0
    kind = type(value)
    if kind in _PLAIN:
        return 0, 0
    if kind in _SEQUENCES or kind in _SETS or kind is dict:
        return 0, len(value)
    return len(attributes(value)), 0


class Variables:
    """The names of a scope, as a value whose children are its variables."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = {name: value for name, value in names.items() if is_shown(name)}


def is_shown(name: str) -> bool:
    """Names that begin with `@` hold operands of rewritten asserts."""
    return not name.startswith(("@", "__"))


def attributes(value: Any) -> dict[str, Any]:
    """Attributes of an object as they are stored; nothing is called."""
    if isinstance(value, Record):
        return _record_fields(value)
    if isinstance(value, types.ModuleType | types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return {}
    found: dict[str, Any] = {}
    if isinstance(value, type):
        return {name: item for name, item in vars(value).items() if not name.startswith("__")}
    for kind in reversed(type(value).__mro__):
        for name in _slots(kind):
            try:
                found[name] = object.__getattribute__(value, name)
            except AttributeError:
                continue
    try:
        found.update(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        pass
    return {name: item for name, item in found.items() if not name.startswith("__")}


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _record_fields(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in record}


def children(value: Any, kind: str, start: int, count: int) -> Iterator[tuple[str, Any, str]]:
    """Name, value, and the text that follows the parent's expression to read it, of a page of children."""
    if isinstance(value, Variables):
        yield from ((name, item, name) for name, item in _page(value.names.items(), start, count))
    elif type(value) in _SEQUENCES:
        end = len(value) if not count else min(len(value), start + count)
        for index in range(start, end):
            yield f"[{index}]", value[index], f"[{index}]"
    elif type(value) is dict:
        for key, item in _page(value.items(), start, count):
            yield shown(key), item, f"[{shown(key)}]" if type(key) in (str, int) else ""
    elif type(value) in _SETS:
        for index, item in enumerate(_page(value, start, count), start=start):
            yield f"[{index}]", item, ""
    elif kind != "indexed":
        for name, item in _page(attributes(value).items(), start, count):
            yield name, item, f".{name}"


def _page(items: Any, start: int, count: int) -> Iterator[Any]:
    return itertools.islice(items, start, start + count if count else None)


def assign_child(parent: Any, name: str, value: Any) -> None:
    """Put a value in the place of a child named as `children` names it.

    Raises:
        TypeError: the parent's children cannot be set.
    """
    if type(parent) is list and name.startswith("["):
        parent[int(name[1:-1])] = value
    elif type(parent) is dict:
        key = next((key for key in parent if shown(key) == name), None)
        if key is None:
            raise TypeError(f"there is no key {name}")
        parent[key] = value
    elif type(parent) in (*_SEQUENCES, *_SETS):
        raise TypeError(f"a {type(parent).__name__} cannot be changed in place")
    else:
        setattr(parent, name, value)
