"""Bodies of the Debug Adapter Protocol as the console's own values, and back."""

from __future__ import annotations

from pathlib import Path

from circuit_console.core.breakpoints import Breakpoint
from circuit_console.core.debugging import (
    Abilities,
    Checkpoint,
    Evaluation,
    Launch,
    Scope,
    StackFrame,
    StepTarget,
    Stop,
    Variable,
)
from circuit_console.services.dap_connection import Body

INITIALIZE: Body = {
    "clientID": "circuit-console",
    "adapterID": "circuit",
    "pathFormat": "path",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsInvalidatedEvent": True,
}


def abilities(body: Body) -> Abilities:
    return Abilities(
        restarts_frames=bool(body.get("supportsRestartFrame")),
        jumps=bool(body.get("supportsGotoTargetsRequest")),
        chooses_call=bool(body.get("supportsStepInTargetsRequest")),
        completes=bool(body.get("supportsCompletionsRequest")),
        steps_back=bool(body.get("supportsStepBack")),
        exception_filters=frozenset(
            str(one.get("filter", "")) for one in body.get("exceptionBreakpointFilters") or ()
        ),
    )


def launch_arguments(launch: Launch, root: Path) -> Body:
    arguments: Body = {
        "cwd": str(root),
        "stopOnEntry": launch.stop_on_entry,
        "justMyCode": True,
        "commit": launch.commit,
        "source": launch.source,
        "now": launch.now,
        "logLevels": launch.log_levels,
    }
    if launch.records:
        arguments |= {"recordStatements": True, "replay": True}
    for name, value in (("program", launch.program), ("event", launch.event), ("test", launch.test)):
        if value:
            arguments[name] = value
    return arguments


def source_breakpoint(one: Breakpoint) -> Body:
    wanted: Body = {"line": one.line}
    for name, value in (
        ("condition", one.condition),
        ("hitCondition", one.hit_condition),
        ("logMessage", one.log_message),
    ):
        if value:
            wanted[name] = value
    if one.is_checkpoint:
        wanted["checkpoint"] = True
    return wanted


def stop(body: Body, default_thread: int) -> Stop:
    return Stop(
        reason=str(body.get("reason", "")),
        thread_id=int(body.get("threadId", default_thread)),
        description=str(body.get("description", "") or ""),
        text=str(body.get("text", "") or ""),
        hit_breakpoint_ids=tuple(body.get("hitBreakpointIds", ()) or ()),
        is_recorded=bool(body.get("recorded")),
    )


def checkpoint(body: Body, root: Path) -> Checkpoint:
    return Checkpoint(
        path=relative(str((body.get("source") or {}).get("path", "") or ""), root),
        line=int(body.get("line", 0) or 0),
        function=str(body.get("function", "")),
        values=tuple((str(one["name"]), str(one["value"])) for one in body.get("variables") or ()),
        breakpoint_id=int(body.get("breakpointId", 0) or 0),
    )


def stack_frame(body: Body, root: Path) -> StackFrame:
    source = body.get("source") or {}
    return StackFrame(
        id=int(body.get("id", 0)),
        name=str(body.get("name", "")),
        path=relative(str(source.get("path", "") or ""), root),
        line=int(body.get("line", 0) or 0),
        column=int(body.get("column", 0) or 0),
        is_label=body.get("presentationHint") == "label",
        can_restart=bool(body.get("canRestart", True)),
    )


def scope(body: Body) -> Scope:
    return Scope(
        name=str(body.get("name", "")),
        reference=int(body.get("variablesReference", 0)),
        is_expensive=bool(body.get("expensive", False)),
    )


def variable(body: Body) -> Variable:
    attributes = (body.get("presentationHint") or {}).get("attributes") or ()
    return Variable(
        name=str(body.get("name", "")),
        value=str(body.get("value", "")),
        type_name=str(body.get("type", "") or ""),
        reference=int(body.get("variablesReference", 0) or 0),
        named_count=int(body.get("namedVariables", 0) or 0),
        indexed_count=int(body.get("indexedVariables", 0) or 0),
        evaluate_name=str(body.get("evaluateName", "") or ""),
        is_read_only="readOnly" in attributes,
    )


def evaluation(body: Body) -> Evaluation:
    return Evaluation(
        value=str(body.get("result", "")),
        type_name=str(body.get("type", "") or ""),
        reference=int(body.get("variablesReference", 0) or 0),
        indexed_count=int(body.get("indexedVariables", 0) or 0),
    )


def step_targets(body: Body) -> tuple[StepTarget, ...]:
    return tuple(StepTarget(id=int(one["id"]), label=str(one["label"])) for one in body.get("targets") or ())


def completions(body: Body) -> tuple[str, ...]:
    """What would be put in place of the word before the caret."""
    return tuple(str(one.get("text") or one.get("label", "")) for one in body.get("targets") or ())


def relative(path: str, root: Path) -> str:
    """Relative to the project where it lies in it."""
    if not path:
        return ""
    try:
        return Path(path).relative_to(root).as_posix()
    except ValueError:
        return path
