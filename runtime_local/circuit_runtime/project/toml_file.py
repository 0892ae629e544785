"""Read a project's TOML files into typed values, with errors that name the file, the line and the nearest key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from circuit_link.errors import UserFacingError

_T = TypeVar("_T")
_KEY_PART = r'(?:[A-Za-z0-9_-]+|"[^"\n]*"|\'[^\'\n]*\')'
_TABLE = re.compile(rf"^\s*\[\[?\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]\]?")
_KEY = re.compile(rf"^\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")
_PART = re.compile(_KEY_PART)
_SYNTAX_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_AT = re.compile(r" - at `(key in )?\$(.*)`$")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


class TomlFile:
    """One TOML file: its values, and the line on which each key stands."""

    def __init__(self, path: str, text: str, code: str) -> None:
        """Parse `text`. `path` names the file in errors, `code` is theirs.

        Raises: UserFacingError, with line and column, when it is not TOML.
        """
        self._path = path
        self._code = code
        try:
            self.values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            place = _SYNTAX_PLACE.search(str(exc))
            line, column = (int(place[1]), int(place[2])) if place else (0, 0)
            sentence = _SYNTAX_PLACE.sub("", str(exc)).strip()
            raise UserFacingError(
                f"{path} is not valid TOML: {sentence}.", code=code, path=path, line=line, column=column
            ) from exc
        self._lines = _lines_of_keys(text)

    def line(self, *keys: str) -> int:
        """1-based line of a key or of the nearest table around it; 1 where neither is written out."""
        while keys:
            if keys in self._lines:
                return self._lines[keys]
            keys = keys[:-1]
        return 1

    def error(self, message: str, *keys: str, hint: str = "") -> UserFacingError:
        """An error that stands at a key."""
        return UserFacingError(message, code=self._code, hint=hint, path=self._path, line=self.line(*keys))

    def convert(self, kind: type[_T]) -> _T:
        """The values as a msgspec Struct that forbids unknown fields.

        Raises: UserFacingError, naming the key that does not fit and, for an unknown one, its nearest neighbour.
        """
        try:
            return msgspec.convert(self.values, kind)
        except msgspec.ValidationError as exc:
            raise self._error_of(str(exc), kind) from exc

    def _error_of(self, text: str, kind: type[Any]) -> UserFacingError:
        at = _AT.search(text)
        keys = _resolve(at[2] if at else "", self.values)
        unknown = _UNKNOWN.search(text)
        table = ".".join(keys)
        if unknown:
            name = unknown[1]
            near = difflib.get_close_matches(name, _fields_at(kind, keys), n=1)
            where = f" in [{table}]" if table else ""
            return self.error(
                f"{self._path} does not know the key {name!r}{where}.",
                *keys,
                name,
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
        sentence = _AT.sub("", text).replace("`", "")
        return self.error(f"{self._path}: {table or 'the file'}: {sentence[:1].lower()}{sentence[1:]}.", *keys)


def _lines_of_keys(text: str) -> Mapping[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = _split(match[1])
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            lines.setdefault((*table, *_split(match[1])), number)
    return lines


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _resolve(path: str, values: Any) -> tuple[str, ...]:
    """Keys of a msgspec error path such as `.fields[...].type`.

    `[...]` hides which key of a mapping it was; where the mapping has one entry it is that one.
    """
    keys: list[str] = []
    for part in re.findall(r"\.([^.\[\]]+)|(\[\.\.\.\])|\[(\d+)\]", path):
        name, any_key, _index = part
        if any_key and isinstance(values, dict) and len(values) == 1:
            name = next(iter(values))
        if not name:
            break
        keys.append(name)
        values = values.get(name) if isinstance(values, dict) else None
    return tuple(keys)


def _fields_at(kind: Any, keys: tuple[str, ...]) -> list[str]:
    """Names that the struct at `keys` below `kind` knows."""
    for key in keys:
        fields = {item.encode_name: item.type for item in msgspec.structs.fields(kind)}
        # A key that is no field is the name of an entry, such as NAME in [run.NAME].
        kind = _struct_within(fields[key]) if key in fields else kind
        if kind is None:
            return []
    return [item.encode_name for item in msgspec.structs.fields(kind)]


def _struct_within(kind: Any) -> Any:
    """The struct that a type is, or holds as the values of a mapping or as one of a union."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for argument in getattr(kind, "__args__", ()):
        if (found := _struct_within(argument)) is not None:
            return found
    return None
