"""`@test` and `@test_setup`. The runtime finds them by reading the source; at run time they only mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circuitos.worker.test_run import SETUP_MARK


def test(name: Any = None, /, **options: Any) -> Any:
    """Mark a class of tests, or one test: bare, or with its name and options.

    Options: `parallel`, `see_all_data`, and `expects_limit`, the name of the limit whose breach passes the test.
    """
    if name is None or isinstance(name, str):
        return _marker(name, options)
    return _marker(None, options)(name)


test.__test__ = False  # type: ignore[attr-defined]  # pytest would collect the decorator itself


def test_setup(function: Any) -> Any:
    """Mark the method that makes the rows which every test of the class starts with."""
    getattr(function, "__func__", function).__dict__[SETUP_MARK] = True
    return function


test_setup.__test__ = False  # type: ignore[attr-defined]  # as above


def _marker(name: str | None, options: dict[str, Any]) -> Callable[[Any], Any]:
    def mark(target: Any) -> Any:
        holder = getattr(target, "__func__", target)
        holder.circuit_test = {"name": name, **options}
        return target

    return mark
