"""One worker's life: Hello, Start, the entry, Done."""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
from typing import NoReturn

from circuit_link import wire
from circuitos.api.exceptions import GovernorLimitException
from circuitos.api.objects import ObjectCatalog
from circuitos.worker import transaction as transactions
from circuitos.worker.channel import Channel, FailedAssertion
from circuitos.worker.confinement import Channels
from circuitos.worker.coverage_run import CoverageRun
from circuitos.worker.debugging import NoDebugger, WorkerDebugger, start_debugger
from circuitos.worker.dispatch import TriggerDispatch
from circuitos.worker.journal import Journal, ScriptStream
from circuitos.worker.method_log import MethodLog
from circuitos.worker.scripts import Scripts
from circuitos.worker.test_run import TestRun
from circuitos.worker.tracebacks import script_error
from circuitos.worker.transaction import Transaction

_LEVEL_FINE = 5
# Scripts hold thousands of records, which never are in cycles: looking through them often finds nothing.
_COLLECTION_THRESHOLDS = (10_000, 20, 20)
# What no system has as an exit code fits no message either.
_NO_EXIT_CODE = 2**31

_exit = os._exit
_enumerate_threads = threading.enumerate
_main_thread = threading.main_thread


def serve(channels: Channels) -> NoReturn:
    """Run one transaction on a confined process's sockets; the process ends with it."""
    debugger: WorkerDebugger = NoDebugger()
    if channels.debug_socket is not None:
        debugger = start_debugger(channels.debug_socket)
    channel = Channel(channels.socket)
    channel.send(
        wire.Hello(
            version=wire.PROTOCOL_VERSION, pid=os.getpid(), python=sys.version.split()[0], layers=channels.layers
        )
    )
    first = channel.receive()
    if not isinstance(first, wire.Start) or first.version != wire.PROTOCOL_VERSION:
        _exit(72)
    if first.explain_refusals:
        channels.explain_refusals()
    Session(first, channel, debugger).run()
    # The host ends the worker once it has read Done; a script's threads must not outlive it either way.
    while True:
        channel.receive()


class Session:
    """Runs the entry of a `Start` and says how it ended."""

    def __init__(self, start: wire.Start, channel: Channel, debugger: WorkerDebugger) -> None:
        self._start = start
        self._channel = channel
        self._debugger = debugger
        level = start.log_levels.get("APEX_CODE", 0)
        self._journal = Journal(channel, start.started_ns, level)
        self._scripts = Scripts(start.sources, start.libraries)
        self._transaction = Transaction(start, channel, self._journal, self._scripts, ObjectCatalog(start.objects))
        self._triggers = TriggerDispatch(self._transaction, debugger.uncaught)
        self._transaction.triggers = self._triggers
        self._methods = MethodLog(self._journal, self._scripts.paths) if level >= _LEVEL_FINE else None
        self._coverage = CoverageRun(self._scripts.texts()) if start.mode == "coverage" else None
        channel.serve_call = self._triggers.serve

    def run(self) -> None:
        self._prepare()
        exit_code, error = 0, None
        try:
            exit_code = self._run_entry()
        except BaseException as exc:  # noqa: BLE001 - the border of the script: whatever left it is reported
            exit_code, error = 1, self._describe(exc)
        self._finish(exit_code, error)

    def _prepare(self) -> None:
        entry = self._start.entry
        if isinstance(entry, wire.AnonymousEntry):
            self._scripts.paths.add(entry.path)
        random.seed(self._start.seed)
        self._scripts.compile_source = self._debugger.wrap_compile(self._scripts.compile_source)
        self._scripts.install()
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - stands for the worker's life
        sys.stdout = ScriptStream(self._journal, "stdout")
        sys.stderr = ScriptStream(self._journal, "stderr")
        threading.excepthook = self._report_thread
        transactions.begin(self._transaction)
        gc.freeze()
        gc.set_threshold(*_COLLECTION_THRESHOLDS)
        # Tells the host that the sources are loaded: it takes the baselines of CPU and heap now.
        self._channel.send(wire.Log(entries=[]))

    def _run_entry(self) -> int:
        """The exit code of the script; raises what left it."""
        self._debugger.begin(frozenset(self._scripts.paths))
        if self._coverage is not None:
            self._coverage.start()
        if self._methods is not None:
            self._methods.start()
        exit_code = 0
        try:
            try:
                self._run_script()
            except SystemExit as exc:
                exit_code = _exit_code(exc, self._journal)
            except FailedAssertion:
                raise  # the debugger has shown it in its trigger
            except BaseException as exc:
                self._debugger.uncaught(exc)
                raise
            self._join_threads()
        finally:
            if self._methods is not None:
                self._methods.stop()
            if self._coverage is not None:
                self._coverage.stop()
            self._debugger.end()
        self._channel.check_alive()
        return exit_code

    def _run_script(self) -> None:
        match self._start.entry:
            case wire.AnonymousEntry() as entry:
                self._scripts.run_main(entry.path, entry.text, entry.argv)
            case wire.TestEntry() as entry:
                TestRun(self._transaction, self._coverage).run(entry)
            case wire.EventEntry():
                self._serve_calls()

    def _serve_calls(self) -> None:
        """Run the triggers of the host's own DML until it says that it is done."""
        while True:
            message = self._channel.receive()
            match message:
                case wire.Call():
                    self._channel.answer(message)
                case wire.Stop():
                    return
                case _:
                    raise SystemError(f"the host sent {type(message).__name__} to an idle worker")

    def _join_threads(self) -> None:
        """Wait for the script's threads as the interpreter would at its end."""
        for thread in _enumerate_threads():
            if thread is not _main_thread() and not thread.daemon:
                thread.join()

    def _report_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            name = args.thread.name if args.thread is not None else "?"
            error = script_error(args.exc_value, self._scripts.paths)
            self._journal.print("stderr", f"Exception in thread {name}:\n{error.text}")

    def _describe(self, exc: BaseException) -> wire.ScriptError:
        dead = self._channel.dead
        if isinstance(dead, FailedAssertion):
            exc, dead = dead.assertion, None
        elif dead is not None and not isinstance(exc, GovernorLimitException):
            # After a breach the outcome is the breach, whatever the script raised in its wake.
            exc = dead.with_traceback(exc.__traceback__)
        if isinstance(exc, MemoryError) and not exc.args:
            limit = self._start.limits.get("heap_bytes", 0)
            exc.args = (f"no memory is left below the heap limit of {limit} bytes",)
        error = script_error(exc, self._scripts.paths)
        if dead is None:
            # The host, which knows where it happened, logs a breach itself.
            self._journal.log_thrown(error)
        return error

    def _finish(self, exit_code: int, error: wire.ScriptError | None) -> None:
        dead = self._channel.dead
        if dead is not None and error is None:
            exit_code, error = 1, self._describe(dead)
        coverage = self._coverage.report() if self._coverage is not None else {}
        self._journal.close()
        self._channel.finish(wire.Done(exit_code=exit_code, error=error, coverage=coverage))


def _exit_code(exc: SystemExit, journal: Journal) -> int:
    if exc.code is None:
        return 0
    if isinstance(exc.code, int):
        # As Python does, for a number that no process could end with.
        return exc.code if abs(exc.code) < _NO_EXIT_CODE else -1
    journal.print("stderr", f"{exc.code}\n")
    return 1
