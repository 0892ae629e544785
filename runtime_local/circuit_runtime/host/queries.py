"""Queries that a person types: read only, under the query limits, without a worker."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from circuit_runtime.soql.parser import parse
from circuit_runtime.soql.syntax import Call, SelectedField
from circuit_runtime.store.faults import interrupted
from circuit_runtime.store.session import Row, Session
from circuit_runtime.store.users import find_user

_PART_BYTES = 4 * 1024 * 1024
_PART_ROWS = 2_000
_MOST_INTERRUPTS = 200
_INTERRUPT_EVERY_S = 0.05


class QueryInProgress:
    """A query that another thread may end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._is_stopped = False
        self._left_session = threading.Event()

    def stop(self) -> None:
        """End it, also while the database is at work; its answer is STORE_INTERRUPTED then."""
        self._is_stopped = True
        # An interrupt that comes between two statements has no effect on the next one.
        for _attempt in range(_MOST_INTERRUPTS):
            with self._lock:
                if self._session is None:
                    return
                self._session.interrupt()
            if self._left_session.wait(_INTERRUPT_EVERY_S):
                return

    @contextmanager
    def on(self, session: Session) -> Iterator[None]:
        """While the query works with a session."""
        with self._lock:
            self._session = session
        try:
            yield
        finally:
            with self._lock:
                self._session = None
            self._left_session.set()

    def check(self) -> None:
        """Raises: StoreFault, after `stop`."""
        if self._is_stopped:
            raise interrupted()


def answer_query(
    opened: Opened, request: hp.RunQuery, progress: QueryInProgress | None = None
) -> Iterator[hp.QueryAnswered]:
    """The answer in parts that each fit a frame.

    Raises:
        UserFacingError: code QUERY_INVALID with line and column, LIMIT_EXCEEDED, or STORE_INTERRUPTED.
    """
    began = time.monotonic()
    governor = Governor(limits_for(opened.project.settings.limits))
    progress = progress or QueryInProgress()
    found = _run(opened, request, governor, progress)
    rows = [RowReader(shape).read(row) for shape, page in found.results for row in page]
    answer = hp.QueryAnswered(
        request=request.request,
        object_name=found.results[0][0].object_name if found.results else "",
        columns=found.columns,
        rows=[],
        count=len(rows),
        limits=governor.table(),
        duration_ms=round((time.monotonic() - began) * 1000, 3),
    )
    if _is_count(request.text):
        # As Salesforce answers it: a number and no record.
        yield msgspec.structs.replace(answer, columns=(), count=rows[0][found.columns[0]])
        return
    parts = _parts(rows)
    for idx, part in enumerate(parts):
        progress.check()
        yield msgspec.structs.replace(answer, rows=part, more=idx < len(parts) - 1)


@dataclass(frozen=True, slots=True)
class _Found:
    """(shape, storage rows) of a query, or of each object that a search found something in."""

    results: list[tuple[ResultShape, list[Row]]]
    columns: tuple[str, ...]


def _run(opened: Opened, request: hp.RunQuery, governor: Governor, progress: QueryInProgress) -> _Found:
    project = opened.project
    now = dt.datetime.now(dt.UTC)
    with opened.store.session("a query") as session, progress.on(session):
        user = find_user(session, project.schema, request.user)
        events = EventLog(LogLevels(), time.monotonic_ns(), _Nobody())
        desk = QueryDesk(project, session, governor, events, lambda: user, lambda: now, session.begin)
        try:
            progress.check()
            if _is_search(request.text):
                results = desk.search(request.text, {})
                return _Found(
                    results, tuple(dict.fromkeys(name for shape, _ in results for name in shape.columns))
                )
            return _Found([desk.rows(request.text, {})], desk.selected(request.text))
        except ScriptException as exc:
            raise _invalid(exc) from exc
        except LimitBreached as exc:
            raise UserFacingError(
                str(exc), code="LIMIT_EXCEEDED", hint="Select fewer rows: add a WHERE or a LIMIT."
            ) from exc


def _is_search(text: str) -> bool:
    return text.lstrip()[:4].upper() == "FIND"


def _is_count(text: str) -> bool:
    """Whether a text that has been run is `SELECT COUNT() FROM …`."""
    if _is_search(text):
        return False
    match parse(text).selected:
        case (SelectedField(operand=Call(name="COUNT", argument=None)),):
            return True
        case _:
            return False


def _invalid(error: ScriptException) -> UserFacingError:
    cause = error.__cause__
    line, column = (cause.line, cause.column) if isinstance(cause, SoqlError) else (0, 0)
    return UserFacingError(str(error), code="QUERY_INVALID", line=line, column=column)


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
