"""Figures of a whole log: what `circuit-cli log stats` prints."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from circuit_log.apex_reader import ParsedLog
from circuit_log.catalog import NAMES
from circuit_log.limits import BLOCK_LABELS, LimitName

DEFAULT_NAMESPACE = "(default)"
_BLOCK_LINE = re.compile(r"^ *(.+?): (\d{1,18}) out of (\d{1,18})", re.MULTILINE)
_NAME_OF_LABEL = {label: name for name, label in BLOCK_LABELS}


class LogStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one log.

    Attributes:
        by_type: number of events of each name, most frequent first.
        unknown_types: names that no Salesforce log is known to have, sorted.
        parse_errors: number of lines that fit nowhere.
        duration_ns: from the first event to the last.
        limits: (used, maximum) of each counter in the last block of the default namespace.
        namespaces: the same for every namespace.
        soql, dml, exceptions: number of queries, DML statements and thrown exceptions.
    """

    events: int
    by_type: dict[str, int]
    unknown_types: list[str]
    parse_errors: int
    duration_ns: int
    limits: dict[LimitName, tuple[int, int]]
    namespaces: dict[str, dict[LimitName, tuple[int, int]]]
    truncated: bool
    soql: int
    dml: int
    exceptions: int


def statistics(log: ParsedLog) -> LogStatistics:
    counts = Counter(log.name_table[index] for index in log.names)
    namespaces = _limits(log)
    return LogStatistics(
        events=len(log),
        by_type=dict(counts.most_common()),
        unknown_types=sorted(counts.keys() - NAMES),
        parse_errors=len(log.parse_errors),
        duration_ns=log.ns[-1] - log.ns[0] if len(log) else 0,
        limits=namespaces.get(DEFAULT_NAMESPACE, {}),
        namespaces=namespaces,
        truncated=log.is_truncated,
        soql=counts["SOQL_EXECUTE_BEGIN"],
        dml=counts["DML_BEGIN"],
        exceptions=counts["EXCEPTION_THROWN"],
    )


def _limits(log: ParsedLog) -> dict[str, dict[LimitName, tuple[int, int]]]:
    """The last block of each namespace; blocks are cumulative, so it is the one with the final figures."""
    if "LIMIT_USAGE_FOR_NS" not in log.name_table:
        return {}
    wanted = log.name_table.index("LIMIT_USAGE_FOR_NS")
    namespaces: dict[str, dict[LimitName, tuple[int, int]]] = {}
    for row, index in enumerate(log.names):
        if index == wanted:
            namespace, _, block = log.row_text(row).split("|", 2)[2].partition("|")
            namespaces[namespace] = {
                _NAME_OF_LABEL[label]: (int(used), int(maximum))
                for label, used, maximum in _BLOCK_LINE.findall(block)
                if label in _NAME_OF_LABEL
            }
    return namespaces
