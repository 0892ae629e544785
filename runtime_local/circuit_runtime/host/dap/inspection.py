"""Answers a client's questions about a script that stands still."""

from __future__ import annotations

from typing import Any, Protocol

from circuit_link import debug_wire as dw
from circuit_runtime.host.dap.connection import Refused
from circuit_runtime.host.dap.debuggee import Debuggee
from circuit_runtime.host.dap.files import ClientFiles

Body = dict[str, Any]

# A script's only thread, as the protocol numbers it.
THREAD = 1


class Inspection(Protocol):
    """Something that stands still and can be looked at: a script, or a recorded moment of one.

    Each method takes a request's arguments and gives its body. Raises: Refused.
    """

    def stack_trace(self, arguments: Body) -> Body: ...

    def scopes(self, arguments: Body) -> Body: ...

    def variables(self, arguments: Body) -> Body: ...

    def set_variable(self, arguments: Body) -> Body: ...

    def set_expression(self, arguments: Body) -> Body: ...

    def evaluate(self, arguments: Body) -> Body: ...

    def completions(self, arguments: Body) -> Body: ...

    def exception_info(self, arguments: Body) -> Body: ...

    def step_in_targets(self, arguments: Body) -> Body: ...

    def goto_targets(self, arguments: Body) -> Body: ...

    def goto(self, arguments: Body) -> None: ...

    def restart_frame(self, arguments: Body) -> None: ...


class LiveInspection:
    """A debugged script. Its worker is asked; nothing is kept here."""

    def __init__(self, debuggee: Debuggee, files: ClientFiles) -> None:
        self._debuggee = debuggee
        self._files = files
        self._step_targets: dict[int, str] = {}

    def step_target(self, number: Any) -> str:
        """The function that a target of `stepInTargets` names; "" for none. Raises: Refused."""
        if number is None:
            return ""
        try:
            return self._step_targets[int(number)]
        except KeyError:
            raise Refused(f"The target {number} is of an earlier stop.") from None

    def stack_trace(self, arguments: Body) -> Body:
        start, levels = int(arguments.get("startFrame") or 0), int(arguments.get("levels") or 0)
        answer = self._debuggee.ask(lambda number: dw.Stack(id=number, start=start, levels=levels), dw.StackAnswer)
        frames = [frame_body(frame, self._files) for frame in answer.frames]
        if frames and start == 0 and not answer.frames[0].is_label:
            frames[0]["canRestart"] = True
        return {"stackFrames": frames, "totalFrames": answer.total}

    def scopes(self, arguments: Body) -> Body:
        frame = int(arguments["frameId"])
        scopes = self._debuggee.ask(lambda number: dw.Scopes(id=number, frame=frame), list[dw.ScopeInfo])
        return {"scopes": [scope_body(scope) for scope in scopes]}

    def variables(self, arguments: Body) -> Body:
        reference = int(arguments["variablesReference"])
        kind: Any = arguments.get("filter") or ""
        if kind not in ("", "named", "indexed"):
            raise Refused(f"There is no filter {kind!r}.")
        found = self._debuggee.ask(
            lambda number: dw.Variables(
                id=number,
                reference=reference,
                filter=kind,
                start=max(int(arguments.get("start") or 0), 0),
                count=max(int(arguments.get("count") or 0), 0),
                is_hex=_wants_hex(arguments),
            ),
            list[dw.VariableInfo],
        )
        return {"variables": [{"name": item.name, **value_body(item, "value")} for item in found]}

    def set_variable(self, arguments: Body) -> Body:
        answer = self._debuggee.ask(
            lambda number: dw.SetVariable(
                id=number,
                reference=int(arguments["variablesReference"]),
                name=str(arguments["name"]),
                value=str(arguments["value"]),
                is_hex=_wants_hex(arguments),
            ),
            dw.VariableInfo,
        )
        return value_body(answer, "value")

    def set_expression(self, arguments: Body) -> Body:
        answer = self._debuggee.ask(
            lambda number: dw.SetExpression(
                id=number,
                expression=str(arguments["expression"]),
                value=str(arguments["value"]),
                frame=arguments.get("frameId"),
                is_hex=_wants_hex(arguments),
            ),
            dw.VariableInfo,
        )
        return value_body(answer, "value")

    def evaluate(self, arguments: Body) -> Body:
        answer = self._debuggee.ask(
            lambda number: dw.Evaluate(
                id=number,
                expression=str(arguments["expression"]),
                frame=arguments.get("frameId"),
                context=str(arguments.get("context") or "watch"),
                allow_effects=bool(arguments.get("allowEffects")),
                is_hex=_wants_hex(arguments),
            ),
            dw.VariableInfo,
        )
        return value_body(answer, "result")

    def completions(self, arguments: Body) -> Body:
        text = str(arguments["text"])
        lines = text.split("\n")
        at = min(max(int(arguments.get("line") or 1) - 1, 0), len(lines) - 1)
        before = lines[at][: max(self._files.column_in(arguments["column"]) - 1, 0)]
        names = self._debuggee.ask(
            lambda number: dw.Completions(id=number, text=before, frame=arguments.get("frameId")),
            list[dw.Completion],
        )
        return {"targets": [{"label": name.label, "type": name.kind} for name in names]}

    def exception_info(self, _arguments: Body) -> Body:
        answer = self._debuggee.ask(lambda number: dw.ExceptionInfo(id=number), dw.ExceptionAnswer)
        return {
            "exceptionId": answer.full_type,
            "description": answer.message,
            "breakMode": answer.mode,
            "details": _details(answer),
        }

    def step_in_targets(self, arguments: Body) -> Body:
        frame = int(arguments["frameId"])
        found = self._debuggee.ask(lambda number: dw.StepTargets(id=number, frame=frame), list[dw.StepTarget])
        self._step_targets = {number: target.name for number, target in enumerate(found, start=1)}
        return {
            "targets": [
                {
                    "id": number,
                    "label": target.label,
                    "line": self._files.line_out(target.line),
                    "column": self._files.column_out(target.column),
                    "endLine": self._files.line_out(target.end_line),
                    "endColumn": self._files.column_out(target.end_column),
                }
                for number, target in enumerate(found, start=1)
            ]
        }

    def goto_targets(self, arguments: Body) -> Body:
        path = self._files.path_in(arguments.get("source"))
        wanted = self._files.line_in(arguments["line"])
        running, lines = self._debuggee.ask(lambda number: dw.GotoLines(id=number), tuple[str, list[int]])
        line = next((line for line in lines if line >= wanted), None)
        if running != path or line is None or not lines[0] <= wanted:
            return {"targets": []}
        shown = self._files.line_out(line)
        return {"targets": [{"id": line, "label": f"Line {shown}", "line": shown}]}

    def goto(self, arguments: Body) -> None:
        line = int(arguments["targetId"])
        self._debuggee.ask(lambda number: dw.Goto(id=number, line=line), type(None))

    def restart_frame(self, arguments: Body) -> None:
        frame = int(arguments["frameId"])
        self._debuggee.ask(lambda number: dw.RestartFrame(id=number, frame=frame), type(None))


def stopped_body(event: dw.Stopped) -> Body:
    described = {
        "breakpoint": "Paused on breakpoint",
        "function breakpoint": "Paused on function breakpoint",
        "step": "Paused on step",
        "pause": "Paused",
        "entry": "Paused on entry",
        "exception": "Paused on exception",
        "goto": "Paused on the chosen line",
        "restart": "Paused where the frame begins again",
    }
    body: Body = {
        "reason": event.reason,
        "description": described.get(event.reason, "Paused"),
        "threadId": THREAD,
        "allThreadsStopped": True,
    }
    if event.text:
        body["text"] = event.text
    if event.hit_ids:
        body["hitBreakpointIds"] = list(event.hit_ids)
    return body


def frame_body(frame: dw.FrameInfo, files: ClientFiles) -> Body:
    if frame.is_label:
        return {"id": frame.id, "name": frame.name, "line": 0, "column": 0, "presentationHint": "label"}
    return {
        "id": frame.id,
        "name": frame.name,
        "source": files.source_out(frame.path),
        "line": files.line_out(frame.line),
        "column": files.column_out(1),
        "moduleId": frame.path,
    }


def scope_body(scope: dw.ScopeInfo) -> Body:
    hint = {"presentationHint": "locals"} if scope.name == "Locals" else {}
    return {
        "name": scope.name,
        "variablesReference": scope.reference,
        "namedVariables": scope.named,
        "expensive": scope.is_expensive,
        **hint,
    }


def value_body(item: dw.VariableInfo, key: str) -> Body:
    body: Body = {key: item.value, "type": item.type, "variablesReference": item.reference}
    if item.named:
        body["namedVariables"] = item.named
    if item.indexed:
        body["indexedVariables"] = item.indexed
    if item.evaluate_name and key == "value":
        body["evaluateName"] = item.evaluate_name
    if item.is_read_only:
        body["presentationHint"] = {"attributes": ["readOnly"]}
    if item.size_bytes:
        body["sizeBytes"] = item.size_bytes  # beyond the protocol; clients ignore what they do not know
    return body


def of_the_thread(arguments: Body) -> Body:
    """The arguments of a request that is about the script's thread. Raises: Refused, it is about another."""
    thread = arguments.get("threadId", THREAD)
    if thread != THREAD:
        raise Refused(f"There is no thread {thread}.")
    return arguments


def _details(answer: dw.ExceptionAnswer) -> Body:
    return {
        "message": answer.message,
        "typeName": answer.type,
        "fullTypeName": answer.full_type,
        "stackTrace": answer.traceback,
        "innerException": [_details(inner) for inner in answer.inner],
    }


def _wants_hex(arguments: Body) -> bool:
    return bool((arguments.get("format") or {}).get("hex"))
