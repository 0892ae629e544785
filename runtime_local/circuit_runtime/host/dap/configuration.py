"""What a client wants the script to stop at: breakpoints and exception filters, checked and numbered."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from circuit_link import debug_wire as dw
from circuit_runtime.host.dap.binding import bind, executable_lines, function_names
from circuit_runtime.host.dap.connection import Refused
from circuit_runtime.host.dap.files import ClientFiles

_HIT_CONDITION = re.compile(r"\s*(>=|<=|>|<|==|=|%)?\s*(\d+)\s*")
_TYPE_NAMES = re.compile(r"[\w.]+")

_BREAK_MODES = {"always": "raised", "unhandled": "uncaught", "userUnhandled": "userUnhandled", "never": "never"}

EXCEPTION_FILTERS = (
    ("raised", "Raised Exceptions", "Wherever an exception is raised, also if it is caught.", False),
    ("uncaught", "Uncaught Exceptions", "Exceptions that end the script, its trigger or its test.", True),
    (
        "userUnhandled",
        "Exceptions that leave the script",
        "Exceptions that leave the script's code for a library or the runtime.",
        False,
    ),
)


class Configuration:
    """Replaced part by part by the client's requests. Tells the debugged script, if there is one, at once.

    Attributes:
        tell: how the script is told; None while none is debugged.
    """

    def __init__(self, files: ClientFiles) -> None:
        self._files = files
        self._numbers = itertools.count(1)
        self._known: dict[tuple[object, ...], int] = {}
        self._lines: dict[str, tuple[dw.LineBreakpoint, ...]] = {}
        self._functions: tuple[dw.FunctionBreakpoint, ...] = ()
        self._filters = dw.SetExceptionFilters()
        self.just_my_code = True
        self.tell: Callable[[dw.DebugCommand], None] | None = None

    def commands(self) -> Iterator[dw.DebugCommand]:
        """All of it, for a script that is about to begin."""
        for path, points in self._lines.items():
            yield dw.SetBreakpoints(path=path, breakpoints=points)
        yield dw.SetFunctionBreakpoints(breakpoints=self._functions)
        yield self._filters

    def clearing(self) -> Iterator[dw.DebugCommand]:
        """What lets a script run on without its debugger."""
        for path in self._lines:
            yield dw.SetBreakpoints(path=path, breakpoints=())
        yield dw.SetFunctionBreakpoints(breakpoints=())
        yield dw.SetExceptionFilters()

    def stops_at(self, path: str, line: int) -> bool:
        """Whether an unconditional look at the place finds a breakpoint or a checkpoint."""
        return any(point.line == line for point in self._lines.get(path, ()))

    # ------------------------------------------------------------------------------------- lines

    def set_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        path = self._files.path_in(arguments.get("source"))
        wanted = arguments.get("breakpoints")
        if wanted is None:
            wanted = [{"line": line} for line in arguments.get("lines") or ()]
        points: list[dw.LineBreakpoint] = []
        answers = [self._set_one(path, one, points) for one in wanted]
        self._lines[path] = tuple(points)
        self._tell(dw.SetBreakpoints(path=path, breakpoints=tuple(points)))
        return {"breakpoints": answers}

    def _set_one(self, path: str, wanted: dict[str, Any], points: list[dw.LineBreakpoint]) -> dict[str, Any]:
        """Check one; it is added to `points` where it holds."""
        line = self._files.line_in(wanted["line"])
        texts = {name: str(wanted.get(name) or "") for name in ("condition", "hitCondition", "logMessage")}
        is_checkpoint = bool(wanted.get("checkpoint"))
        number = self._number("line", path, line, *texts.values(), is_checkpoint)
        reason = self._where_not(path) or _what_not(texts["condition"], texts["hitCondition"])
        bound_line = 0
        if not reason:
            bound = bind(self._files.text(path), path, line)
            bound_line, reason = bound.line, bound.reason
            if bound_line and self._files.is_changed(path):
                reason = f"{reason} The file was changed after the run began; this is the line that runs.".strip()
        answer: dict[str, Any] = {
            "id": number,
            "verified": bound_line > 0,
            "line": self._files.line_out(bound_line or line),
            "source": self._files.source_out(path),
        }
        if reason:
            answer["message"] = reason
        if bound_line:
            points.append(
                dw.LineBreakpoint(
                    id=number,
                    line=bound_line,
                    condition=texts["condition"],
                    hit_condition=texts["hitCondition"],
                    log_message=texts["logMessage"],
                    is_checkpoint=is_checkpoint,
                )
            )
        else:
            answer["reason"] = "failed"
        return answer

    def _where_not(self, path: str) -> str:
        """Why nothing can stop in this file; "" if something can."""
        try:
            self._files.text(path)
        except Refused as exc:
            return str(exc)
        scripts = self._files.running or self._files.scripts()
        if path in scripts or path == self._files.program or not self.just_my_code or not scripts:
            return ""
        if not self._files.program and not self._files.running:
            return ""  # it may become the program
        return f"{path} is no script of this project, and not the launched file."

    def locations(self, arguments: dict[str, Any]) -> dict[str, Any]:
        path = self._files.path_in(arguments.get("source"))
        first = self._files.line_in(arguments["line"])
        last = self._files.line_in(arguments["endLine"]) if arguments.get("endLine") is not None else first
        lines = executable_lines(self._files.text(path), path, first, last)
        return {"breakpoints": [{"line": self._files.line_out(line)} for line in lines]}

    # ------------------------------------------------------------------------------------- functions, exceptions

    def set_function_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        points: list[dw.FunctionBreakpoint] = []
        answers: list[dict[str, Any]] = []
        scripts = self._files.running or self._files.scripts()
        for wanted in arguments.get("breakpoints") or ():
            name = str(wanted["name"]).strip().removesuffix("()")
            condition, hit_condition = str(wanted.get("condition") or ""), str(wanted.get("hitCondition") or "")
            number = self._number("function", name, condition, hit_condition)
            reason = _what_not(condition, hit_condition)
            if (
                not reason
                and scripts
                and not any(name in function_names(text, at) for at, text in scripts.items())
            ):
                reason = f"No function {name!r} is in the project's scripts."
            answers.append({"id": number, "verified": not reason, **({"message": reason} if reason else {})})
            if not reason:
                points.append(
                    dw.FunctionBreakpoint(id=number, name=name, condition=condition, hit_condition=hit_condition)
                )
        self._functions = tuple(points)
        self._tell(dw.SetFunctionBreakpoints(breakpoints=self._functions))
        return {"breakpoints": answers}

    def set_exception_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        known = {name for name, *_rest in EXCEPTION_FILTERS}
        chosen: dict[str, tuple[str, ...]] = {}
        answers: list[dict[str, Any]] = []
        options = [(str(one), "") for one in arguments.get("filters") or ()]
        options += [
            (str(one["filterId"]), str(one.get("condition") or "")) for one in arguments.get("filterOptions") or ()
        ]
        for name, condition in options:
            reason = "" if name in known else f"There is no filter {name!r}."
            if not reason:
                _choose(chosen, name, tuple(_TYPE_NAMES.findall(condition)))
            answers.append({"id": self._number("exception", name), **_verified(reason)})
        for option in arguments.get("exceptionOptions") or ():
            answers.append(_verified(_choose_option(chosen, option)))
        self._filters = dw.SetExceptionFilters(
            raised=chosen.get("raised"),
            uncaught=chosen.get("uncaught"),
            user_unhandled=chosen.get("userUnhandled"),
            never=chosen.get("never"),
        )
        self._tell(self._filters)
        return {"breakpoints": answers}

    def _number(self, *key: object) -> int:
        """The same breakpoint keeps its number, however often the client sends it."""
        return self._known.setdefault(key, next(self._numbers))

    def _tell(self, command: dw.DebugCommand) -> None:
        if self.tell is not None:
            self.tell(command)


def _verified(reason: str) -> dict[str, Any]:
    return {"verified": False, "message": reason} if reason else {"verified": True}


def _choose(chosen: dict[str, tuple[str, ...]], name: str, types: tuple[str, ...]) -> None:
    """Add types to those that a filter is limited to; none of them means all."""
    before = chosen.get(name)
    chosen[name] = types if before is None else (*before, *types) if before and types else ()


def _choose_option(chosen: dict[str, tuple[str, ...]], option: dict[str, Any]) -> str:
    """Take over one of `exceptionOptions`, whose path is the category and then types; or why not."""
    name = _BREAK_MODES.get(str(option.get("breakMode")))
    if name is None:
        return f"There is no break mode {option.get('breakMode')!r}."
    parts = (option.get("path") or [])[1:]
    if any(part.get("negate") for part in parts):
        return "A path that excludes types is not supported."
    _choose(chosen, name, tuple(str(each) for part in parts for each in part.get("names") or ()))
    return ""


def _what_not(condition: str, hit_condition: str) -> str:
    """Why a breakpoint's conditions cannot be evaluated; "" if they can."""
    if condition:
        try:
            compile(condition.strip(), "<condition>", "eval", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            return f"The condition is no expression: {exc}."
    if hit_condition:
        match = _HIT_CONDITION.fullmatch(hit_condition)
        if match is None:
            return f"{hit_condition!r} is no hit condition; write 5, >=5, >5, <=5, <5 or %5."
        if int(match[2]) == 0 and match[1] not in (">", ">="):
            return f"{hit_condition!r} holds at no pass; passes are counted from 1."
    return ""
