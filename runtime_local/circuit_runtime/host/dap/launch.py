"""From the arguments of DAP's `launch` to a run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import circuit_link.host_protocol as hp
from circuit_link import debug_wire as dw
from circuit_link.errors import UserFacingError
from circuit_runtime.project.project import Project

_RECORDED_BY_DEFAULT = 10_000
_MOST_RECORDED = 100_000


@dataclass(frozen=True, slots=True)
class DebugOptions:
    """How a run is debugged.

    Attributes:
        recorded_statements: how many of the last statements are kept for walking back; 0 for none.
        replay: whether the session stays at the run's end to walk through what was kept.
    """

    stop_on_entry: bool = False
    just_my_code: bool = True
    engine: dw.Engine = "auto"
    recorded_statements: int = 0
    replay: bool = False


def debug_options(arguments: dict[str, Any], project: Project) -> DebugOptions:
    """From the arguments of `launch` or `attach`, and the project's settings. Raises: UserFacingError."""
    engine: Any = arguments.get("engine") or project.settings.debugger.engine
    if engine not in ("auto", "slots", "settrace"):
        raise UserFacingError(f"engine must be auto, slots or settrace, not {engine!r}.", code="LAUNCH_INVALID")
    recorded = arguments.get("recordStatements") or 0
    if not isinstance(recorded, bool | int):
        raise UserFacingError(
            f"recordStatements must be true, false or a number, not {recorded!r}.", code="LAUNCH_INVALID"
        )
    statements = _RECORDED_BY_DEFAULT if recorded is True else min(int(recorded), _MOST_RECORDED)
    return DebugOptions(
        stop_on_entry=bool(arguments.get("stopOnEntry")),
        just_my_code=arguments.get("justMyCode") is not False,
        engine=engine,
        recorded_statements=max(statements, 0),
        replay=statements > 0 if arguments.get("replay") is None else bool(arguments["replay"]),
    )


def run_request(arguments: dict[str, Any], root: Path, project: Project) -> hp.RunRequest:
    """The run that `program`, `test`, `event` or `run` (a configuration) asks for; unknown arguments are ignored.

    Raises:
        UserFacingError: none of them, a file that cannot be read, or a value of a wrong kind.
    """
    named = _text(arguments, "run")
    if named:
        return _configured(named, arguments, root, project)
    return hp.RunRequest(
        entry=_entry(arguments, root),
        mode=_mode(arguments),
        commit=bool(arguments.get("commit", False)),
        now=_time(_text(arguments, "now")),
        log_levels=_text(arguments, "logLevels"),
    )


def relative_path(text: str, root: Path) -> str:
    """A path as the runtime names it: relative to the project with forward slashes, or absolute outside it."""
    path = Path(text)
    absolute = path if path.is_absolute() else root / path
    try:
        return absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(absolute.resolve())


def _entry(arguments: dict[str, Any], root: Path) -> hp.RunEntry:
    if program := _text(arguments, "program"):
        path = relative_path(program, root)
        given = arguments.get("args") or []
        argv = tuple(map(str, given)) if isinstance(given, list) else tuple(str(given).split())
        return hp.ExecEntry(path=path, text=_read(root, path).decode("utf-8-sig", "replace"), argv=argv)
    if event := _text(arguments, "event"):
        path = relative_path(event, root)
        return hp.EventEntry(source=_source(arguments), path=path, payload=_read(root, path))
    if test := _text(arguments, "test"):
        return hp.TestEntry(test_id=test)
    raise UserFacingError(
        "launch names nothing to run.",
        code="LAUNCH_INVALID",
        hint="Give program (a script), test (a test's id), event (a recorded event) or run (a run configuration).",
    )


def _configured(name: str, arguments: dict[str, Any], root: Path, project: Project) -> hp.RunRequest:
    table = project.settings.run.get(name)
    if table is None:
        known = ", ".join(project.settings.run) or "none"
        raise UserFacingError(
            f"circuit.toml has no run {name!r}; it has {known}.", code="RUN_UNKNOWN", path="circuit.toml", line=1
        )
    if table.kind == "test":
        raise UserFacingError(
            f"The run {name!r} runs a file of tests; debug one test.",
            code="LAUNCH_INVALID",
            hint="Give test and its id.",
        )
    key = {"event": "event", "exec": "program"}[table.kind]
    entry = _entry({key: table.file, "source": table.source}, root)
    return hp.RunRequest(
        entry=entry,
        mode=_mode(arguments),
        commit=bool(arguments.get("commit", table.commit)),
        now=table.now,
        log_levels=_text(arguments, "logLevels"),
    )


def _mode(arguments: dict[str, Any]) -> hp.Mode:
    return "plain" if arguments.get("noDebug") else "debug"


def _source(arguments: dict[str, Any]) -> Literal["ghl", "salesforce"]:
    return "salesforce" if _text(arguments, "source") == "salesforce" else "ghl"


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UserFacingError(f"{name} must be a text, not {value!r}.", code="LAUNCH_INVALID")
    return value


def _time(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise UserFacingError(f"now is no time: {text!r}.", code="LAUNCH_INVALID") from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _read(root: Path, path: str) -> bytes:
    try:
        return (root / path).read_bytes()
    except OSError as exc:
        raise UserFacingError(f"{path} cannot be read: {exc.strerror}.", code="FILE_NOT_FOUND", path=path) from exc
