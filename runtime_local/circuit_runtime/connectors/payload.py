"""Read a delivery's JSON strictly: what another system would read differently is refused with its place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from circuit_link.errors import UserFacingError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 64

_HINT = "An event is one JSON object in UTF-8, as the webhook delivered it."
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)
_NUMBER_LIMIT_DIGITS = 400
# What MessagePack and both databases hold as a number.
_LARGEST_INTEGER = 2**63 - 1


def read_object(data: bytes, path: str) -> dict[str, Any]:
    """The object that `data` holds. `path` names the file in errors.

    Raises:
        UserFacingError: too large, not UTF-8, not JSON, nested too deep, a key twice in one object, a number
            that is no number, or not an object; with line and column where there is one.
    """
    if len(data) > MAX_BYTES:
        _refuse(f"The event has {len(data):,} bytes; {MAX_BYTES:,} are read at most.", path, "EVENT_TOO_LARGE")
    text = _decoded(data, path)
    _check_structure(text, path)
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_float, parse_int=_int)
    except json.JSONDecodeError as exc:
        _refuse(f"{path} is not JSON: {exc.msg}.", path, "EVENT_NOT_JSON", exc.lineno, exc.colno)
    except ValueError as exc:
        _refuse(f"{path} is not JSON: {exc}.", path, "EVENT_NOT_JSON")
    if not isinstance(value, dict):
        _refuse(f"{path} holds {_kind(value)}, not an object.", path, "EVENT_NOT_AN_OBJECT", 1, 1)
    cleaned: dict[str, Any] = _clean(value)
    return cleaned


def inner_object(value: object) -> Mapping[str, Any] | None:
    """The object in a recorder's wrapper, which some recorders keep as JSON text; None where there is none.

    Raises:
        UserFacingError: a text that begins as an object and is not one.
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        return read_object(value.encode("utf-8"), "the text in its wrapper")
    return value if isinstance(value, Mapping) else None


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = data[: exc.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        _refuse(
            f"{path} is not UTF-8: byte 0x{data[exc.start]:02x} at line {line}.",
            path,
            "EVENT_NOT_UTF8",
            line,
            column,
        )


def _check_structure(text: str, path: str) -> None:
    """Refuse nesting beyond `MAX_DEPTH` and keys that stand twice; leave all other faults to the parser."""
    open_objects: list[set[str] | None] = []
    last_string: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[":
                open_objects.append(set() if token[0] == "{" else None)
                if len(open_objects) > MAX_DEPTH:
                    line, column = _place(text, token.start())
                    _refuse(f"{path} nests deeper than {MAX_DEPTH} levels.", path, "EVENT_TOO_DEEP", line, column)
            case "}" | "]":
                if open_objects:
                    open_objects.pop()
            case ":" if last_string is not None and open_objects and open_objects[-1] is not None:
                _add_key(open_objects[-1], last_string, text, path)
        last_string = token if token[0].startswith('"') else None


def _add_key(keys: set[str], token: re.Match[str], text: str, path: str) -> None:
    try:
        key = str(json.loads(token[0], strict=False))
    except ValueError:
        return
    if key in keys:
        line, column = _place(text, token.start())
        _refuse(f"{path} has the key {key!r} twice in one object.", path, "EVENT_DUPLICATE_KEY", line, column)
    keys.add(key)


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _int(text: str) -> int | str:
    """A larger one than any store holds stays as its digits, so that none is lost."""
    if len(text) > _NUMBER_LIMIT_DIGITS:
        raise ValueError(f"the number {text[:20]}… has {len(text)} digits")
    value = int(text)
    return value if abs(value) <= _LARGEST_INTEGER else text


def _clean(value: Any) -> Any:
    """Without what no database stores as text: NUL, and halves of surrogate pairs."""
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8") if value else value
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case _:
            return value


def _kind(value: object) -> str:
    match value:
        case list():
            return "an array"
        case str():
            return "a text"
        case None:
            return "null"
        case bool():
            return "a boolean"
        case _:
            return "a number"


def _refuse(message: str, path: str, code: str, line: int = 0, column: int = 0) -> NoReturn:
    raise UserFacingError(message, code=code, hint=_HINT, path=path, line=line, column=column)
