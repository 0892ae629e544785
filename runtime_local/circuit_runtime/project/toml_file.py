"""Read a project's TOML files into typed values, with errors that name the file, the line and the nearest key."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from circuit_link.errors import UserFacingError

_T = TypeVar("_T")
_KEY_PART = r'(?:[A-Za-z0-9_-]+|"[^"\n]*"|\'[^\'\n]*\')'
_TABLE = re.compile(rf"^\s*\[\[?\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]\]?")
_KEY = re.compile(rf"^\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")
_PART = re.compile(_KEY_PART)
_LONG_TEXT_MARK = re.compile(r'"""|\'\'\'')
_SYNTAX_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_AT = re.compile(r" - at `.*`$", re.DOTALL)
_MISSING = re.compile(r"missing required field `([^`]*)`")
_WORDS = {
    "`str`": "a text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
    "`datetime`": "a time",
    "`null`": "nothing",
}


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
        except (tomllib.TOMLDecodeError, RecursionError) as exc:
            raise self._syntax_error(text, str(exc)) from exc
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
            raise self._misfit(kind, self.values, (), str(exc)) from exc

    def _syntax_error(self, text: str, sentence: str) -> UserFacingError:
        place = _SYNTAX_PLACE.search(sentence)
        line, column = 1, 1
        if place:
            line, column = (int(place[1]), int(place[2])) if place[1] else (text.rstrip().count("\n") + 1, 1)
            sentence = _SYNTAX_PLACE.sub("", sentence).strip()
        return UserFacingError(
            f"{self._path} is not valid TOML: {sentence}.",
            code=self._code,
            path=self._path,
            line=line,
            column=column,
        )

    def _misfit(self, kind: Any, value: Any, keys: tuple[str, ...], message: str) -> UserFacingError:
        """The error of the first value within `value` that does not fit its type.

        msgspec does not say which key of a mapping it was, so the values are tried again one by one.
        """
        kind = _plain_type(kind, value)
        for key, part_kind, part in _parts(kind, value):
            try:
                msgspec.convert(part, part_kind)
            except msgspec.ValidationError as exc:
                return self._misfit(part_kind, part, (*keys, key), str(exc))
        if _is_struct(kind) and isinstance(value, dict):
            return self._wrong_keys(kind, value, keys, message)
        return self._wrong_value(kind, value, keys, message)

    def _wrong_keys(
        self, kind: Any, value: dict[str, Any], keys: tuple[str, ...], message: str
    ) -> UserFacingError:
        where = f" in [{'.'.join(keys)}]" if keys else ""
        known = [item.encode_name for item in msgspec.structs.fields(kind)]
        unknown = next((key for key in value if key not in known), None)
        if unknown is not None:
            return self.error(
                f"{self._path} does not know the key {unknown!r}{where}.",
                *keys,
                unknown,
                hint=_nearest(unknown, known) or f"It may hold: {', '.join(known)}.",
            )
        missing = _MISSING.search(message)
        return self.error(
            f"{self._path} needs the key {missing[1] if missing else '?'!r}{where}.", *keys, hint="Add it."
        )

    def _wrong_value(self, kind: Any, value: Any, keys: tuple[str, ...], message: str) -> UserFacingError:
        name = ".".join(keys)
        if get_origin(kind) is Literal:
            choices = [str(choice) for choice in get_args(kind)]
            return self.error(
                f"{self._path}: {name} is {value!r}; it may be {' or '.join(map(repr, choices))}.",
                *keys,
                hint=_nearest(str(value), choices),
            )
        sentence = _AT.sub("", message)
        for term, words in _WORDS.items():
            sentence = sentence.replace(term, words)
        sentence = sentence.replace("`", "").replace(" | nothing", "")
        return self.error(f"{self._path}: {name} is {value!r}: {sentence[:1].lower()}{sentence[1:]}.", *keys)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _plain_type(kind: Any, value: Any) -> Any:
    """A type without annotations and without those members of a union that cannot be meant."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        wanted = [member for member in members if _is_struct(member) == isinstance(value, dict)]
        if len(wanted) == 1:
            return wanted[0]
    return kind


def _parts(kind: Any, value: Any) -> list[tuple[str, Any, Any]]:
    """(key, type, value) of what a table holds; nothing for other values."""
    if not isinstance(value, dict):
        return []
    if _is_struct(kind):
        fields = msgspec.structs.fields(kind)
        return [
            (item.encode_name, item.type, value[item.encode_name]) for item in fields if item.encode_name in value
        ]
    if get_origin(kind) is dict:
        return [(key, get_args(kind)[1], part) for key, part in value.items()]
    return []


def _lines_of_keys(text: str) -> Mapping[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    open_mark = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not open_mark:
            if match := _TABLE.match(line):
                table = _split(match[1])
                lines.setdefault(table, number)
            elif match := _KEY.match(line):
                lines.setdefault((*table, *_split(match[1])), number)
        # What stands within a text of several lines is no key.
        for mark in _LONG_TEXT_MARK.findall(line):
            open_mark = mark if not open_mark else ("" if mark == open_mark else open_mark)
    return lines


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
