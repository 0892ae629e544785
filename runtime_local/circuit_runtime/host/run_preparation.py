"""From what a client asks for to what the runtime executes."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass

import circuit_link.host_protocol as hp
from circuit_link import wire
from circuit_link.errors import UserFacingError
from circuit_log.levels import LogLevels
from circuit_runtime.connectors.deliveries import map_delivery
from circuit_runtime.host.execution_request import ExecutionEntry, ExecutionRequest, SaveRequest
from circuit_runtime.host.workspace import refuse_broken
from circuit_runtime.project.catalog import TestDefinition
from circuit_runtime.project.project import Project

_NEEDED_BY_RUNS = ("circuit.toml", "objects/", "triggers/")


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that can start: `title` names it in lists, `source` is its text for the log's header."""

    request: ExecutionRequest
    title: str
    source: str = ""


def prepare_run(project: Project, request: hp.RunRequest) -> PreparedRun:
    """Raises: UserFacingError: a broken project, event or level list, or a test that does not exist."""
    refuse_broken(project, _NEEDED_BY_RUNS)
    entry, title, source = _entry(project, request.entry)
    execution = ExecutionRequest(
        entry=entry,
        levels=_levels(request.log_levels),
        now=request.now or dt.datetime.now(dt.UTC),
        now_fixed=request.now is not None,
        mode=request.mode,
        commit=request.commit,
        user=request.user,
        seed=secrets.randbits(63),
    )
    return PreparedRun(execution, title, source)


def prepare_save(project: Project, object_name: str, records: tuple[dict[str, object], ...]) -> PreparedRun:
    """Records edited by a person, committed. Raises: UserFacingError."""
    refuse_broken(project, _NEEDED_BY_RUNS)
    if project.schema.object(object_name) is None:
        raise UserFacingError(f"There is no object {object_name!r}.", code="OBJECT_NOT_FOUND")
    execution = ExecutionRequest(
        entry=SaveRequest(object_name, records),
        levels=LogLevels(),
        now=dt.datetime.now(dt.UTC),
        commit=True,
        seed=secrets.randbits(63),
    )
    return PreparedRun(execution, f"{len(records)} edited records of {object_name}")


def find_test(project: Project, test_id: str) -> TestDefinition:
    """Raises: UserFacingError, code TEST_NOT_FOUND."""
    for test in project.catalog.tests:
        if test.id == test_id:
            return test
    raise UserFacingError(
        f"There is no test {test_id!r}.",
        code="TEST_NOT_FOUND",
        hint="Tests are named as tests/test_data.py::Class::method.",
    )


def _entry(project: Project, entry: hp.RunEntry) -> tuple[ExecutionEntry, str, str]:
    match entry:
        case hp.ExecEntry():
            return wire.AnonymousEntry(path=entry.path, text=entry.text, argv=entry.argv), entry.path, entry.text
        case hp.EventEntry():
            # A replay is a delivery of its own: the intake's duplicate test must not swallow it.
            intake = map_delivery(
                entry.source,
                entry.payload,
                path=entry.path,
                delivery_id=f"replay-{uuid.uuid4()}",
                custom_fields=project.settings.connectors.ghl.custom_fields,
                schema=project.schema,
            )
            return intake, f"{intake.title} ({entry.path})", ""
        case hp.TestEntry():
            test = find_test(project, entry.test_id)
            return test_entry(test), entry.test_id, ""


def test_entry(test: TestDefinition) -> wire.TestEntry:
    return wire.TestEntry(path=test.path, class_name=test.class_name, method=test.method)


def _levels(text: str) -> LogLevels:
    try:
        return LogLevels.parse(text)
    except ValueError as exc:
        raise UserFacingError(f"Log levels: {exc}", code="LOG_LEVELS_INVALID") from exc
