"""CircuitScript: the clock, the user, and calling classes by name."""

from __future__ import annotations

import datetime as dt
import difflib
import inspect
import re
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from circuitos.api.exceptions import NotFoundException
from circuitos.worker import transaction

_CLASS = re.compile(r"^class\s+(\w+)", re.MULTILINE)


class User(NamedTuple):
    """Who the transaction runs as."""

    id: str
    name: str
    email: str
    profile: str
    time_zone: str


class CircuitScript:
    """What every script may ask of the transaction it runs in."""

    @staticmethod
    def now() -> dt.datetime:
        """The transaction's clock, aware and in UTC."""
        return transaction.current().clock.now()

    @staticmethod
    def today() -> dt.date:
        """The date in the user's time zone."""
        running = transaction.current()
        try:
            zone: dt.tzinfo = ZoneInfo(running.user.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            zone = dt.UTC
        return running.clock.now().astimezone(zone).date()

    @staticmethod
    def user() -> User:
        user = transaction.current().user
        return User(user.id, user.name, user.email, user.profile, user.time_zone)

    @staticmethod
    def invoke(target: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a public class or static method of a class in `classes/`: `"VirtualLPR.score_leads"`.

        Raises:
            NotFoundException: there is no such class or method; the text names the nearest ones.
        """
        running = transaction.current()
        class_name, dot, method_name = target.rpartition(".")
        if not dot:
            raise NotFoundException(f"{target!r} is not of the form 'Class.method'.")
        found = _class_named(running, class_name)
        declared = inspect.getattr_static(found, method_name, None)
        if method_name.startswith("_") or not isinstance(declared, classmethod | staticmethod):
            callables = [
                name
                for name in dir(found)
                if not name.startswith("_")
                and isinstance(inspect.getattr_static(found, name), classmethod | staticmethod)
            ]
            raise NotFoundException(
                f"{class_name} has no public class or static method {method_name!r}. "
                f"It has {', '.join(callables) or 'none'}."
            )
        return getattr(found, method_name)(*args, **kwargs)


def _class_named(running: transaction.Transaction, class_name: str) -> type:
    places = {
        match[1]: path
        for path, text in running.scripts.texts().items()
        if path.startswith("classes/")
        for match in _CLASS.finditer(text)
    }
    simple_name = class_name.rpartition(".")[2]
    if simple_name not in places:
        near = difflib.get_close_matches(simple_name, places, n=3) or sorted(places)
        raise NotFoundException(
            f"There is no class {class_name!r} in classes/. There is {', '.join(near) or 'none'}."
        )
    found: type = getattr(running.scripts.load(places[simple_name]), simple_name)
    return found
