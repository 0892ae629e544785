"""METHOD_ENTRY and METHOD_EXIT of the user's functions, by `sys.setprofile` while the level asks for it.

The profiler sees a return also when an exception leaves, and a generator's suspension as a return and its
resumption as a call, so entries and exits always pair up.
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
import types
from collections.abc import Collection
from typing import Any

from circuitos.worker.journal import Journal

_MAX_DECORATOR_LINES = 100


class MethodLog:
    """Logs the calls of functions whose file is in `paths`, in the thread that starts it."""

    def __init__(self, journal: Journal, paths: Collection[str]) -> None:
        self._journal = journal
        self._paths = paths
        # By id, with the code kept alive: hashing a code object compares its contents.
        self._signatures: dict[int, tuple[types.CodeType, tuple[str, int] | None]] = {}

    def start(self) -> None:
        sys.setprofile(self._on_event)

    def stop(self) -> None:
        sys.setprofile(None)

    def _on_event(self, frame: types.FrameType, event: str, _arg: Any) -> None:
        if event != "call" and event != "return":
            return
        code = frame.f_code
        known = self._signatures.get(id(code))
        if known is None:
            known = (code, self._signature(code))
            self._signatures[id(code)] = known
        signature = known[1]
        if signature is None:
            return
        name, line = signature
        self._journal.log("entry" if event == "call" else "exit", code.co_filename, line, name)

    def _signature(self, code: types.CodeType) -> tuple[str, int] | None:
        """`Class.method(args)` or `module.function(args)` and its line; None for what the user did not write."""
        if code.co_filename not in self._paths or code.co_name.startswith("<"):
            return None
        if not code.co_flags & inspect.CO_OPTIMIZED:
            return None  # a class body
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        arguments = ", ".join(name for idx, name in enumerate(names) if idx or name not in ("self", "cls"))
        path = code.co_qualname.replace("<locals>.", "")
        if "." not in path:
            module = code.co_filename.rpartition("/")[2].removesuffix(".py")
            path = f"{module}.{path}"
        return f"{path}({arguments})", _line_of_def(code)


def _line_of_def(code: types.CodeType) -> int:
    """A decorated function's code begins at its first decorator; the log names the line of the `def`."""
    first = code.co_firstlineno
    lines = linecache.getlines(code.co_filename)[first - 1 : first + _MAX_DECORATOR_LINES]
    start = re.compile(rf"\s*(async\s+)?def\s+{re.escape(code.co_name)}\b")
    return next((first + offset for offset, line in enumerate(lines) if start.match(line)), first)
