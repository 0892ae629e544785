"""Runs one test: its class's set-up, fresh statics, then the method."""

from __future__ import annotations

import inspect
from typing import Any

from circuit_link import wire
from circuitos.api.exceptions import NotFoundException
from circuitos.worker import awaiting
from circuitos.worker.coverage_run import CoverageRun
from circuitos.worker.transaction import Transaction

SETUP_MARK = "circuit_test_setup"


class TestRun:
    """One test in the transaction that the host opened for it."""

    __test__ = False

    def __init__(self, transaction: Transaction, coverage: CoverageRun | None) -> None:
        self._transaction = transaction
        self._coverage = coverage

    def run(self, entry: wire.TestEntry) -> None:
        """Raises whatever the set-up or the test raises."""
        if self._run_setup(entry):
            self._start_afresh()
        test_class = self._test_class(entry)
        method = getattr(test_class(), entry.method, None)
        if method is None:
            raise NotFoundException(f"{entry.path} has no test {entry.class_name}.{entry.method}")
        awaiting.finish(method())

    def _run_setup(self, entry: wire.TestEntry) -> bool:
        test_class = self._test_class(entry)
        for name in dir(test_class):
            declared = inspect.getattr_static(test_class, name)
            function = getattr(declared, "__func__", declared)
            if SETUP_MARK in getattr(function, "__dict__", {}):
                bound = getattr(test_class, name) if function is not declared else function
                takes_class = function is declared and bool(inspect.signature(function).parameters)
                awaiting.finish(bound(test_class) if takes_class else bound())
                self._transaction.request(wire.TestControl, action="setup_done")
                return True
        return False

    def _start_afresh(self) -> None:
        """Rows of the set-up stay; statics do not, and what it covered in other classes does not count."""
        self._transaction.scripts.forget_modules()
        self._transaction.forget_handlers()
        self._transaction.http_mock = None
        self._transaction.class_mocks = None
        if self._coverage is not None:
            self._coverage.start()

    def _test_class(self, entry: wire.TestEntry) -> Any:
        module = self._transaction.scripts.load(entry.path)
        test_class = getattr(module, entry.class_name, None)
        if test_class is None:
            raise NotFoundException(f"{entry.path} has no class {entry.class_name}")
        return test_class
