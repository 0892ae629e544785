"""Queries that a person types: read only, under the query limits, without a worker."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import msgspec

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_link.wire import ResultShape
from circuit_log.events import LogEvent
from circuit_log.levels import LogLevels
from circuit_runtime.governor.governor import Governor, LimitBreached
from circuit_runtime.governor.profiles import limits_for
from circuit_runtime.host.conversation import ScriptException
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.host.query_desk import QueryDesk
from circuit_runtime.host.result_rows import RowReader
from circuit_runtime.host.workspace import Opened
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.store.users import find_user

_PART_BYTES = 4 * 1024 * 1024
_PART_ROWS = 2_000


def answer_query(opened: Opened, request: hp.RunQuery) -> Iterator[hp.QueryAnswered]:
    """The answer in parts that each fit a frame.

    Raises:
        UserFacingError: code QUERY_INVALID with line and column, or LIMIT_EXCEEDED.
    """
    began = time.monotonic()
    governor = Governor(limits_for(opened.project.settings.limits))
    results = _run(opened, request, governor)
    rows = [RowReader(shape).read(row) for shape, found in results for row in found]
    columns = list(dict.fromkeys(column for shape, _ in results for column in _shown_columns(shape)))
    answer = hp.QueryAnswered(
        request=request.request,
        object_name=results[0][0].object_name if results else "",
        columns=tuple(columns),
        rows=[],
        count=len(rows),
        limits=governor.table(),
        duration_ms=round((time.monotonic() - began) * 1000, 3),
    )
    parts = _parts(rows)
    for idx, part in enumerate(parts):
        yield msgspec.structs.replace(answer, rows=part, more=idx < len(parts) - 1)


def _run(opened: Opened, request: hp.RunQuery, governor: Governor) -> list[tuple[ResultShape, list[list[Any]]]]:
    """(shape, storage rows) of a query, or of each object that a search found something in."""
    project = opened.project
    now = dt.datetime.now(dt.UTC)
    with opened.store.session("a query") as session:
        user = find_user(session, project.schema, request.user)
        events = EventLog(LogLevels(), time.monotonic_ns(), _Nobody())
        desk = QueryDesk(project, session, governor, events, lambda: user, lambda: now)
        try:
            if request.text.lstrip()[:4].upper() == "FIND":
                pages = desk.search(request.text, {})
                return [(page.shape, page.rows) for page in pages if page.shape is not None]
            return [desk.rows(request.text, {})]
        except ScriptException as exc:
            raise _invalid(exc) from exc
        except LimitBreached as exc:
            raise UserFacingError(
                str(exc), code="LIMIT_EXCEEDED", hint="Select fewer rows: add a WHERE or a LIMIT."
            ) from exc


def _invalid(error: ScriptException) -> UserFacingError:
    cause = error.__cause__
    line, column = (cause.line, cause.column) if isinstance(cause, SoqlError) else (0, 0)
    return UserFacingError(str(error), code="QUERY_INVALID", line=line, column=column)


def _shown_columns(shape: ResultShape) -> list[str]:
    """What was asked for; a parent's id is there to tell whether there is a parent."""
    hidden = {f"{path}.id" for path in shape.parents} - {f"{path}.id" for path in shape.selected_ids}
    return [column for column in shape.columns if column not in hidden]


def _parts(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows in lists that fit a frame; one empty list for no rows."""
    parts: list[list[dict[str, Any]]] = [[]]
    size_bytes = 0
    for row in rows:
        row_bytes = len(msgspec.msgpack.encode(row))
        if parts[-1] and (size_bytes + row_bytes > _PART_BYTES or len(parts[-1]) >= _PART_ROWS):
            parts.append([])
            size_bytes = 0
        parts[-1].append(row)
        size_bytes += row_bytes
    return parts


class _Nobody:
    """Queries of a person are not logged."""

    def emit(self, event: LogEvent) -> None: ...
