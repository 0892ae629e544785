"""Jobs, events, REST and packages: a project that has them loads, and using them says that this runtime cannot.

The decorators and base classes are the final ones; the operations raise AsyncException until a job engine exists.
"""

from __future__ import annotations

import functools
import json as json_module
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from circuitos.api.exceptions import AsyncException
from circuitos.worker import transaction

_Class = TypeVar("_Class", bound=type)
_Function = TypeVar("_Function", bound=Callable[..., Any])


class CircuitQueueable:
    """Base of jobs that are enqueued; their attributes are their state."""

    def execute(self, context: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no execute(context)")


class CircuitBatch:
    """Base of jobs that work through many records in chunks."""

    stateful = False

    def start(self, context: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no start(context)")

    def execute(self, context: Any, records: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no execute(context, records)")

    def finish(self, context: Any) -> None:
        pass


class CircuitSchedulable:
    """Base of jobs that run at set times."""

    def execute(self, context: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no execute(context)")


class CircuitJobs:
    """Starts and watches jobs."""

    @staticmethod
    def enqueue(queueable: CircuitQueueable, delay_minutes: int = 0, unique_key: str | None = None) -> str:
        _refuse("enqueue a job")

    @staticmethod
    def run_batch(batch: CircuitBatch, scope: int = 200) -> str:
        _refuse("run a batch")

    @staticmethod
    def schedule(name: str, cron: str, schedulable: CircuitSchedulable) -> str:
        _refuse("schedule a job")

    @staticmethod
    def abort(job_id: str) -> None:
        _refuse("abort a job")

    @staticmethod
    def status(job_id: str) -> Any:
        _refuse("tell a job's status")


class CircuitEvents:
    """Publishes platform events."""

    @staticmethod
    def publish(name: str, payloads: Any) -> Any:
        _refuse("publish an event")


class CircuitPackage:
    """Base of a package's description."""


class RestRequest:
    """A request to a `@rest` class."""

    def __init__(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> None:
        self.path = path
        self.params = dict(params)
        self.headers = dict(headers)
        self.body = body

    def json(self) -> Any:
        return json_module.loads(self.body)


class RestResponse:
    """An answer with a status and headers of its own."""

    def __init__(self, status_code: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status_code
        self.body = body
        self.headers = dict(headers or {})


def rest(path: str) -> Callable[[_Class], _Class]:
    """Mark a class as endpoint of `path`; `*` at its end stands for any rest."""

    def mark(kind: _Class) -> _Class:
        setattr(kind, "circuit_rest", path)  # noqa: B010 - mypy does not know the attribute on a type variable
        return kind

    return mark


def package(**description: Any) -> Callable[[_Class], _Class]:
    """Mark a class as a package's description."""

    def mark(kind: _Class) -> _Class:
        setattr(kind, "circuit_package", description)  # noqa: B010 - as in `rest`
        return kind

    return mark


def future(function: _Function | None = None, *, callout: bool = False) -> Any:
    """Mark a function to run later in a transaction of its own, when it is called."""

    def mark(target: _Function) -> Callable[..., NoReturn]:
        @functools.wraps(target)
        def call_later(*args: Any, **kwargs: Any) -> NoReturn:
            _refuse(f"run {target.__qualname__} in the future")

        call_later.__dict__["circuit_future"] = {"callout": callout}
        return call_later

    return mark if function is None else mark(function)


def _refuse(action: str) -> NoReturn:
    transaction.current()
    raise AsyncException(f"Cannot {action}: this runtime has no job engine yet.")
