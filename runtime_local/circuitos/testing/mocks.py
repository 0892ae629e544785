"""Stand-ins for classes that call out, and for HTTP itself."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from circuitos.api.exceptions import CalloutException, NotFoundException
from circuitos.api.http import HTTPRequest, HTTPResponse
from circuitos.api.objects import snake_case


class ClassMocks:
    """Replaces methods of classes by a mock's, and counts the calls."""

    def __init__(self) -> None:
        self._counts: dict[tuple[type, str], int] = {}
        self._mocked: dict[type, list[str]] = {}

    def replace(self, api_class: type, mock: Any) -> None:
        """Let every public method of `api_class` that `mock` has too be answered by the mock."""
        names = [
            name for name in dir(api_class) if not name.startswith("_") and callable(getattr(api_class, name))
        ]
        replaced = [
            name for name in names if (method := _method_of(mock, name)) and self._wrap(api_class, name, method)
        ]
        if not replaced:
            raise NotFoundException(
                f"{_name_of(mock)} has none of the methods of {api_class.__name__}: {', '.join(names) or 'none'}."
            )
        self._mocked[api_class] = replaced

    def count(self, api_class: type, method: str) -> int:
        """How often the mocked `method` was called.

        Raises:
            NotFoundException: it is not mocked.
        """
        if api_class not in self._mocked or method not in self._mocked[api_class]:
            mocked = ", ".join(self._mocked.get(api_class, ())) or "none"
            raise NotFoundException(f"{api_class.__name__}.{method} is not mocked; mocked are: {mocked}.")
        return self._counts.get((api_class, method), 0)

    def _wrap(self, api_class: type, name: str, method: Callable[..., Any]) -> bool:
        key = (api_class, name)
        self._counts[key] = 0
        declared = inspect.getattr_static(api_class, name)

        def answer(*args: Any, **kwargs: Any) -> Any:
            self._counts[key] += 1
            return method(*args, **kwargs)

        answer.__name__ = name
        if isinstance(declared, staticmethod | classmethod):
            setattr(api_class, name, staticmethod(answer))
        else:
            setattr(api_class, name, lambda _self, *args, **kwargs: answer(*args, **kwargs))
        return True


class _AnyMock(type):
    """Makes `Mock.<Anything>Mock` a table of answers."""

    def __getattr__(cls, name: str) -> type[TableMock]:
        if not name.endswith("Mock"):
            raise AttributeError(f"Mock has no {name!r}; a name that ends in Mock makes a table of answers")
        return type(name, (TableMock,), {})


class Mock(metaclass=_AnyMock):
    """`Mock.CensusAPIMock({"10019": {"median_income": 87450}})` answers from a table, see `TableMock`."""


class TableMock:
    """Answers `get_<value>(key)` and `get_<value>s(keys)` from a table of key to value, or to a mapping of values.

    With the example above `get_median_income("10019")` is 87450 and `get_median_incomes(["10019"])` is
    `{"10019": 87450}`. A missing key gives None, and is left out of the plural's answer.
    """

    def __init__(self, table: Mapping[Any, Any] | None = None) -> None:
        self._table = dict(table or {})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        wanted = re.sub(r"^(get|fetch|find|lookup)_", "", snake_case(name))

        def answer(key: Any = None, *_args: Any, **_kwargs: Any) -> Any:
            if isinstance(key, Iterable) and not isinstance(key, str | bytes):
                found = {item: self._value(item, wanted) for item in key}
                return {item: value for item, value in found.items() if value is not None}
            return self._value(key, wanted)

        return answer

    def _value(self, key: Any, wanted: str) -> Any:
        entry = self._table.get(key)
        if not isinstance(entry, Mapping):
            return entry
        values = {snake_case(str(name)): value for name, value in entry.items()}
        singular = wanted[:-1] if wanted.endswith("s") else wanted
        if wanted in values or singular in values:
            return values.get(wanted, values.get(singular))
        return next(iter(values.values())) if len(values) == 1 else dict(entry)


def http_mock(answers: Any) -> Callable[[HTTPRequest], HTTPResponse]:
    """A function that answers HTTP requests, from a function or from a mapping.

    A mapping's keys are URLs, or beginnings of URLs, with or without a method in front ("GET https://…"); the
    longest match wins. An answer is an HTTPResponse, JSON-able data (200), a text, `(status, data)`, an exception
    to raise, or a function of the request.
    """

    def answer(request: HTTPRequest) -> HTTPResponse:
        found = answers(request) if callable(answers) else _best_answer(answers, request)
        return _response(found, request)

    return answer


def _best_answer(answers: Mapping[str, Any], request: HTTPRequest) -> Any:
    addressed = f"{request.method} {request.url}"
    matching = [key for key in answers if addressed.startswith(key) or request.url.startswith(key)]
    if not matching:
        raise CalloutException(f"the mock has no answer for {addressed}; it has {', '.join(answers) or 'none'}")
    return answers[max(matching, key=len)]


def _response(found: Any, request: HTTPRequest) -> HTTPResponse:
    if callable(found) and not isinstance(found, type):
        found = found(request)
    if isinstance(found, BaseException):
        raise found
    if isinstance(found, HTTPResponse):
        return found
    status = 200
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], int):
        status, found = found
    if isinstance(found, bytes):
        return HTTPResponse(status, {}, found)
    if isinstance(found, str):
        return HTTPResponse(status, {"Content-Type": "text/plain; charset=utf-8"}, found.encode())
    return HTTPResponse(status, {"Content-Type": "application/json"}, json.dumps(found).encode())


def _method_of(mock: Any, name: str) -> Callable[..., Any] | None:
    source = mock() if isinstance(mock, type) else mock
    if isinstance(source, Mapping):
        found = source.get(name)
        return found if callable(found) or found is None else lambda *_args, **_kwargs: found
    found = getattr(source, name, None)
    return found if callable(found) else None


def _name_of(mock: Any) -> str:
    return mock.__name__ if isinstance(mock, type) else type(mock).__name__
