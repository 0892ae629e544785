"""The colour of each kind of event: soft for bars, strong for text and the legend."""

from __future__ import annotations

from circuit_console.core.event_kinds import Kind
from circuit_console.core.theme import ColorName

BAR_COLORS: dict[int, ColorName] = {
    Kind.LOG: "f_log",
    Kind.CODE: "f_code",
    Kind.QUERY: "f_query",
    Kind.DML: "f_dml",
    Kind.CALLOUT: "f_callout",
}
TEXT_COLORS: dict[int, ColorName] = {
    Kind.LOG: "c_log",
    Kind.CODE: "c_code",
    Kind.QUERY: "c_query",
    Kind.DML: "c_dml",
    Kind.CALLOUT: "c_callout",
}
