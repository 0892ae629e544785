"""Queries of one transaction: counted, logged, and handed out in pages."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

import circuit_log.events as ev
from circuit_link import wire
from circuit_log.limits import LimitName
from circuit_runtime.governor.governor import Governor
from circuit_runtime.host.conversation import ScriptException
from circuit_runtime.host.event_log import EventLog
from circuit_runtime.project.project import Project
from circuit_runtime.soql.errors import SoqlError
from circuit_runtime.soql.parameters import QueryContext
from circuit_runtime.soql.query import Prepared, prepare
from circuit_runtime.soql.search import prepare_search
from circuit_runtime.store.errors import StatementFailed
from circuit_runtime.store.session import Row, Session

_PAGE_ROWS = 2_000
_PAGE_BYTES = 4 * 1024 * 1024
_EXCEPTION = "QueryException"


@dataclass(slots=True)
class _Rest:
    """Rows of a result, of which those from `position` on were not handed out yet."""

    rows: list[Row]
    position: int = 0


class QueryDesk:
    """Runs the queries of one transaction on its session."""

    def __init__(
        self,
        project: Project,
        session: Session,
        governor: Governor,
        events: EventLog,
        user: Callable[[], wire.UserRef],
        now: Callable[[], dt.datetime],
        begin_locking: Callable[[], None],
    ) -> None:
        """`begin_locking` is called before a query that locks its rows."""
        self._project = project
        self._session = session
        self._governor = governor
        self._events = events
        self._user = user
        self._now = now
        self._begin_locking = begin_locking
        self._cursors: dict[int, _Rest] = {}
        self._numbers = itertools.count(1)
        self.fixed_search_results: tuple[str, ...] | None = None

    def answer(self, request: wire.Query) -> wire.EncodedPage | int | list[wire.EncodedPage]:
        """Raises: ScriptException (QueryException), LimitBreached."""
        if request.kind == "search":
            found = self.search(request.text, request.binds, request.path, request.line)
            return [self._page(_Rest(rows), shape) for shape, rows in found]
        shape, rows = self.rows(request.text, request.binds, request.path, request.line)
        if request.kind == "count":
            return _count(rows)
        return self._page(_Rest(rows), shape)

    def fetch(self, request: wire.Fetch) -> wire.EncodedPage:
        """The next page of a result. Raises: ScriptException."""
        rest = self._cursors.pop(request.cursor, None)
        if rest is None:
            raise ScriptException(_EXCEPTION, "The result has no more rows.")
        return self._page(rest, None)

    def rows(
        self, text: str, binds: Mapping[str, Any], path: str = "", line: int = 0
    ) -> tuple[wire.ResultShape, list[Row]]:
        """Run one query within the limits.

        Raises: ScriptException for a text or bind that is wrong, LimitBreached.
        """
        try:
            prepared = prepare(text, binds, self._project.schema, self._session.dialect, self._context())
        except SoqlError as exc:
            raise ScriptException(_EXCEPTION, str(exc)) from exc
        self._governor.charge(LimitName.QUERIES)
        if prepared.child_queries:
            self._governor.charge(LimitName.AGGREGATE_QUERIES, prepared.child_queries)
        place: dict[str, Any] = {"path": path, "line": line}
        self._events.emit(ev.SoqlBegin, query=text, aggregations=prepared.child_queries, **place)
        rows: list[Row] = []
        try:
            rows = self._read(prepared)
        finally:
            self._events.emit(ev.SoqlEnd, rows=len(rows), **place)
        return prepared.shape, rows

    def selected(self, text: str) -> tuple[str, ...]:
        """Columns that a query names itself, in order. Raises: ScriptException."""
        try:
            return prepare(text, {}, self._project.schema, self._session.dialect, self._context()).selected
        except SoqlError as exc:
            raise ScriptException(_EXCEPTION, str(exc)) from exc

    def search(
        self, text: str, binds: Mapping[str, Any], path: str = "", line: int = 0
    ) -> list[tuple[wire.ResultShape, list[Row]]]:
        """Run one SOSL search: shape and rows for each object. Raises: ScriptException, LimitBreached."""
        try:
            search = prepare_search(
                text,
                binds,
                self._project.schema,
                self._session.dialect,
                self._context(),
                self.fixed_search_results,
            )
        except SoqlError as exc:
            raise ScriptException(_EXCEPTION, str(exc)) from exc
        self._governor.charge(LimitName.SOSL_QUERIES)
        self._events.emit(ev.SoslBegin, query=text, path=path, line=line)
        try:
            found = search.run(self._session)
        except (SoqlError, StatementFailed) as exc:
            raise ScriptException(_EXCEPTION, str(exc)) from exc
        count = sum(map(len, found))
        self._events.emit(ev.SoslEnd, rows=count, path=path, line=line)
        return list(zip(search.shapes, found, strict=True))

    def _read(self, prepared: Prepared) -> list[Row]:
        # One row more than may be read shows that the limit is passed, and reads no further.
        most = self._governor.remaining(LimitName.QUERY_ROWS) + 1
        if prepared.locks:
            self._begin_locking()
        try:
            rows, child_rows = prepared.run(self._session, most)
        except (SoqlError, StatementFailed) as exc:
            raise ScriptException(_EXCEPTION, str(exc)) from exc
        self._governor.charge(LimitName.QUERY_ROWS, len(rows) + child_rows)
        return rows

    def _context(self) -> QueryContext:
        calendar = self._project.settings.calendar
        return QueryContext(
            now=self._now(),
            zone=self._project.settings.zone,
            fiscal_year_start_month=calendar.fiscal_year_start_month,
            user=self._user(),
            profiles=self._project.settings.profiles,
        )

    def _page(self, rest: _Rest, shape: wire.ResultShape | None) -> wire.EncodedPage:
        """At most 2,000 rows and 4 MB; what is left waits under a cursor."""
        total = len(rest.rows) - rest.position
        size = min(total, _PAGE_ROWS)
        encoded = wire.encode(rest.rows[rest.position : rest.position + size])
        while size > 1 and len(encoded) > _PAGE_BYTES:
            size //= 2
            encoded = wire.encode(rest.rows[rest.position : rest.position + size])
        rest.position += size
        cursor = next(self._numbers) if size < total else None
        if cursor is not None:
            self._cursors[cursor] = rest
        return wire.EncodedPage(rows=msgspec.Raw(encoded), total=total, shape=shape, cursor=cursor)


def _count(rows: list[Row]) -> int:
    """COUNT() answers one number; any other query is counted by its rows."""
    if len(rows) == 1 and len(rows[0]) == 1 and isinstance(rows[0][0], int):
        return int(rows[0][0])
    return len(rows)
