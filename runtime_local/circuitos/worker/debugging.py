"""What a worker needs of a debugger, and the one that does nothing."""

from __future__ import annotations

import importlib
import importlib.util
import socket
from typing import Any, Protocol

from circuitos.worker.scripts import CompileSource

_SESSION_MODULE = "circuitos.debugger.session"


class WorkerDebugger(Protocol):
    """The debugger's seams in a worker; called in the main thread."""

    def wrap_compile(self, compile_source: CompileSource) -> CompileSource:
        """How to compile the user's modules from now on."""
        ...

    def begin(self, paths: frozenset[str]) -> None:
        """The user's code starts; `paths` are its files."""
        ...

    def uncaught(self, error: BaseException) -> None:
        """An exception has left the script, a trigger or a test, and is about to be reported."""
        ...

    def end(self) -> None:
        """The user's code has ended; `Done` follows."""
        ...


class NoDebugger:
    """For plain and coverage runs: unmodified code."""

    def wrap_compile(self, compile_source: CompileSource) -> CompileSource:
        return compile_source

    def begin(self, paths: frozenset[str]) -> None:
        pass

    def uncaught(self, error: BaseException) -> None:
        pass

    def end(self) -> None:
        pass


def start_debugger(sock: socket.socket) -> WorkerDebugger:
    """Start the debugger of a debug worker on its second socket; without one installed, nothing is traced."""
    if importlib.util.find_spec(_SESSION_MODULE) is None:
        return NoDebugger()
    session: Any = importlib.import_module(_SESSION_MODULE)
    debugger: WorkerDebugger = session.start(sock)
    return debugger
