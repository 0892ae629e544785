"""What objects are made of, read without running any code of theirs.

A script's classes may answer `isinstance`, `len`, a comparison or the reading of an attribute with code of their
own, also for their types by a metaclass. So types are asked through `type`, containers through the built-in type
that they derive from, and instances through the descriptors that hold their attributes.
"""

from __future__ import annotations

import array
import itertools
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

from circuitos.api.records import Record

_type_slots: Any = type.__dict__
_qualname_of = _type_slots["__qualname__"].__get__
_mro_of = _type_slots["__mro__"].__get__
_names_of = _type_slots["__dict__"].__get__
_HELD = (types.MemberDescriptorType, types.GetSetDescriptorType)
_OPAQUE = (types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType)

_SEQUENCES: tuple[Any, ...] = (list, tuple, deque, array.array)
_CONTAINERS: tuple[Any, ...] = (*_SEQUENCES, dict, set, frozenset)
_EXACT_CONTAINERS = frozenset(_CONTAINERS)
# Each gives a plain value that equals an instance of a derived type.
_PLAIN_COPIES: tuple[tuple[type, Any], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
)


def type_name(kind: type) -> str:
    """A type's qualified name, whatever its metaclass says."""
    name: str = _qualname_of(kind)
    return name


def is_a(value: Any, kinds: type | tuple[type, ...]) -> bool:
    """As `isinstance` for types of ours or of Python's, but without asking the value for its class."""
    return issubclass(type(value), kinds)


def plain_copy(value: Any) -> Any:
    """For an instance of a type derived from a plain one, the plain value; else None."""
    for kind, copy in _PLAIN_COPIES:
        if is_a(value, kind):
            return copy(value)
    return None


# ------------------------------------------------------------------------------------------- containers


def container_type(value: Any) -> Any:
    """The built-in container that a value is or derives from; None for anything else."""
    if is_exact(value):
        return type(value)
    return next((kind for kind in _CONTAINERS if is_a(value, kind)), None)


def is_exact(value: Any) -> bool:
    """Whether it is a built-in container itself, rather than of a type derived from one."""
    kind = type(value)
    return type(kind) is type and kind in _EXACT_CONTAINERS


def item_count(value: Any, container: Any) -> int:
    count: int = container.__len__(value)
    return count


def items(value: Any, container: Any, start: int, stop: int) -> Iterator[tuple[Any, Any]]:
    """Index or key with its item, in order, for places from `start` below `stop`."""
    if container is list or container is tuple:
        yield from enumerate(container.__getitem__(value, slice(start, stop)), start)
    elif container is dict:
        yield from itertools.islice(dict.items(value), start, stop)
    else:
        yield from enumerate(itertools.islice(container.__iter__(value), start, stop), start)


def set_item(value: Any, container: Any, key: Any, item: Any) -> None:
    """Raises: TypeError, the container has no places to be set; IndexError."""
    if container is not dict and container not in (list, deque, array.array):
        raise TypeError(f"a {type_name(type(value))} cannot be changed in place")
    container.__setitem__(value, key, item)


# ------------------------------------------------------------------------------------------- attributes


def attributes(value: Any) -> dict[str, Any]:
    """Attributes of an object as they are stored; nothing is called."""
    if is_a(value, Record):
        return {name: value[name] for name in value}
    if is_a(value, _OPAQUE):
        return {}
    if is_a(value, type):
        found = dict(_names_of(value))
    else:
        found = {**_fields_of_a_tuple(value), **_in_slots(value), **_in_dict(value)}
    return {name: item for name, item in found.items() if type(name) is str and not name.startswith("__")}


def _fields_of_a_tuple(value: Any) -> dict[str, Any]:
    """The items of a named tuple by their names."""
    fields = _class_attribute(value, "_fields") if is_a(value, tuple) else None
    return dict(zip(fields, tuple.__iter__(value), strict=False)) if type(fields) is tuple else {}


def _in_slots(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in reversed(_mro_of(type(value))):
        names = _names_of(kind)
        for name in _slot_names(names.get("__slots__", ())):
            slot = names.get(name)
            if type(slot) is types.MemberDescriptorType:
                try:
                    found[name] = slot.__get__(value)
                except AttributeError:
                    continue  # nothing was assigned to it yet
    return found


def _slot_names(slots: Any) -> tuple[str, ...]:
    if type(slots) is str:
        return (slots,)
    return tuple(name for name in slots if type(name) is str) if type(slots) in (tuple, list, dict) else ()


def _in_dict(value: Any) -> dict[str, Any]:
    holder = _class_attribute(value, "__dict__")
    if not issubclass(type(holder), _HELD):
        return {}
    names = holder.__get__(value)
    return dict(names) if type(names) is dict else {}


def _class_attribute(value: Any, name: str) -> Any:
    return next((names[name] for kind in _mro_of(type(value)) if name in (names := _names_of(kind))), None)
