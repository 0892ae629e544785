"""CircuitTest: what a test does beside asserting."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from circuit_link import wire
from circuitos.api.database import CircuitDB
from circuitos.api.exceptions import AsyncException, CircuitException, GovernorLimitException
from circuitos.api.records import Record
from circuitos.api.script import User
from circuitos.api.values import to_wire
from circuitos.testing.mocks import ClassMocks, http_mock
from circuitos.worker import transaction

_Error = TypeVar("_Error", bound=BaseException)

_CREATE = "create_test_"


class Raised(Generic[_Error]):
    """Passes if its block raises the expected exception, which is `value` afterwards."""

    def __init__(self, expected: type[_Error] | tuple[type[_Error], ...], match: str | None) -> None:
        self._expected = expected
        self._match = match
        self.value: _Error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if value is None:
            raise AssertionError(f"{_names(self._expected)} was not raised")
        if isinstance(value, GovernorLimitException) or not isinstance(value, self._expected):
            return False
        self.value = value
        if self._match is not None and not re.search(self._match, str(value)):
            raise AssertionError(
                f"{type(value).__name__} was raised, but its text does not match.\n"
                f"  expected: {self._match!r}\n  text: {str(value)!r}"
            )
        return True


class _Creators(type):
    """Gives `CircuitTest` a `create_test_<object>` for each object of the project."""

    def __getattr__(cls, name: str) -> Callable[..., Record]:
        if not name.startswith(_CREATE):
            raise AttributeError(f"CircuitTest has no {name!r}")
        objects = transaction.current().catalog.named_in_snake_case()
        wanted = name.removeprefix(_CREATE)
        if wanted not in objects:
            raise AttributeError(f"there is no object for {name!r}; objects: {', '.join(sorted(objects))}")
        object_name = objects[wanted].name

        def create(**fields: Any) -> Record:
            return CircuitTest.create(object_name, **fields)

        return create


class CircuitTest(metaclass=_Creators):
    """Helpers of tests. They work only while a test runs."""

    __test__ = False

    @staticmethod
    def create(object_name: str, /, **fields: Any) -> Record:
        """Insert a record and return it; required texts that the test does not care about are filled in."""
        running = _in_test()
        record = Record(object_name, **fields)
        for name in running.catalog.get(record.object_name).required_texts:
            if record.get(name) is None:
                record[name] = f"Test {name.replace('_', ' ')}"
        CircuitDB.insert(record.object_name, record)
        return record

    @staticmethod
    def start_test() -> None:
        """Count limits afresh until `stop_test`."""
        _control("start")

    @staticmethod
    def stop_test() -> None:
        """Run what was started meanwhile, then go on with the first counters."""
        _control("stop")

    @staticmethod
    @contextlib.contextmanager
    def measure() -> Iterator[None]:
        """`start_test` and `stop_test` around a block."""
        CircuitTest.start_test()
        yield
        CircuitTest.stop_test()

    @staticmethod
    def set_mock(api_class: type, mock: Any) -> None:
        """Answer the methods of `api_class` by those of `mock`, an object, a class, or a mapping by name."""
        _class_mocks(_in_test()).replace(api_class, mock)

    @staticmethod
    def get_mock_call_count(api_class: type, method: str) -> int:
        """How often a mocked method was called."""
        return _class_mocks(_in_test()).count(api_class, method)

    @staticmethod
    def set_http_mock(answers: Callable[[Any], Any] | Mapping[str, Any]) -> None:
        """Answer callouts from a function or a mapping, see `circuitos.testing.mocks.http_mock`."""
        _in_test().http_mock = http_mock(answers)

    @staticmethod
    @contextlib.contextmanager
    def run_as(user: Any) -> Iterator[None]:
        """Run a block as another user: a User record, its id, or a mapping such as `{"profile": "Sales"}`."""
        running = _in_test()
        previous = running.user
        reply = running.request(wire.TestControl, action="run_as", value=_user_value(user))
        running.user = _answered_user(reply) or _user_ref(user, previous)
        try:
            yield
        finally:
            running.user = previous
            if running.channel.dead is None:
                running.request(wire.TestControl, action="run_as_end")

    @staticmethod
    def set_time(now: dt.datetime) -> None:
        """Stop the transaction's clock at `now`; a naive time is UTC."""
        running = _in_test()
        running.clock.set(now)
        running.request(wire.TestControl, action="set_time", value=running.clock.now())

    @staticmethod
    def set_search_results(ids: Sequence[str]) -> None:
        """Let SOSL searches find these records; without, a test's searches find none."""
        _control("search_results", [to_wire(item) for item in ids])

    @staticmethod
    def deliver_events() -> None:
        """Run the triggers of the events published so far."""
        _in_test()
        raise AsyncException("Cannot deliver events: this runtime has no job engine yet.")

    @staticmethod
    def raises(expected: type[_Error] | tuple[type[_Error], ...], match: str | None = None) -> Raised[_Error]:
        """Expect an exception in a block; `match` is a regular expression that its text must contain."""
        return Raised(expected, match)


def _in_test() -> transaction.Transaction:
    running = transaction.current()
    if not running.in_test:
        raise CircuitException("CircuitTest works in tests only: `circuit-cli test`.")
    return running


def _control(action: str, value: Any = None) -> None:
    _in_test().request(wire.TestControl, action=action, value=value)


def _class_mocks(running: transaction.Transaction) -> ClassMocks:
    if running.class_mocks is None:
        running.class_mocks = ClassMocks()
    return running.class_mocks


def _answered_user(reply: wire.Reply) -> wire.UserRef | None:
    """The user as the host knows it; None where it answers nothing."""
    if bytes(reply.value) == b"\xc0":
        return None
    return wire.decode_reply(reply.value, wire.UserRef)


def _user_value(user: Any) -> Any:
    if isinstance(user, User):
        return user.id
    if isinstance(user, Mapping):
        return {str(name): to_wire(value) for name, value in user.items()}
    return to_wire(user)


def _user_ref(user: Any, previous: wire.UserRef) -> wire.UserRef:
    values = user if isinstance(user, Mapping) else {"id": _user_value(user)}
    return wire.UserRef(
        id=str(values.get("id", previous.id)),
        name=str(values.get("name", previous.name)),
        email=str(values.get("email", previous.email)),
        profile=str(values.get("profile", previous.profile)),
        time_zone=str(values.get("time_zone", previous.time_zone)),
    )


def _names(expected: type[BaseException] | tuple[type[BaseException], ...]) -> str:
    kinds = expected if isinstance(expected, tuple) else (expected,)
    return " or ".join(kind.__name__ for kind in kinds)
