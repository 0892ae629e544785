"""The call tree of a log: frames with their times, and what was queried and written within them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from circuit_log.apex_reader import NO_PARENT, ParsedLog

_MOST_DIGITS = 18


class CallNode(msgspec.Struct, kw_only=True):
    """A frame, or a query or DML statement, with what lies within it.

    Attributes:
        name: what ran: a code unit's name, a method's signature, a query's text.
        type: the event that opened it.
        line: source line of the call, 0 where the log names none.
        start_ns, total_ns: when it began, and how long it took.
        self_ns: `total_ns` less that of the nodes directly within it.
        soql, dml, rows: queries, DML statements, and rows of both, with everything within.
    """

    name: str
    type: str
    line: int
    start_ns: int
    total_ns: int
    self_ns: int
    soql: int = 0
    dml: int = 0
    rows: int = 0
    children: list[CallNode] = []


def call_tree(log: ParsedLog) -> list[CallNode]:
    """The top frames in order of time."""
    nodes: dict[int, CallNode] = {}
    roots: list[CallNode] = []
    query: CallNode | None = None
    for row in range(len(log)):
        if not log.is_frame(row):
            # A query's rows stand on its END line; nothing is queried within a query.
            if query is not None and log.name(row) in ("SOQL_EXECUTE_END", "SOSL_EXECUTE_END"):
                query.rows = _rows(log, row)
            continue
        total_ns = log.closed_ns[row] - log.ns[row]
        type_name = log.name(row)
        node = CallNode(
            name=_title(type_name, log.fields(row)),
            type=type_name,
            line=log.lines[row],
            start_ns=log.ns[row],
            total_ns=total_ns,
            self_ns=total_ns,
            soql=int(type_name == "SOQL_EXECUTE_BEGIN"),
            dml=int(type_name == "DML_BEGIN"),
            rows=_rows(log, row) if type_name == "DML_BEGIN" else 0,
            children=[],
        )
        nodes[row] = node
        if type_name in ("SOQL_EXECUTE_BEGIN", "SOSL_EXECUTE_BEGIN"):
            query = node
        parent = log.parents[row]
        if parent == NO_PARENT:
            roots.append(node)
        else:
            nodes[parent].children.append(node)
            nodes[parent].self_ns -= total_ns
    for root in roots:
        _sum_up(root)
    return roots


def walk(nodes: list[CallNode], depth: int = 0) -> Iterator[tuple[int, CallNode]]:
    """Every node with its depth, parents first."""
    pending = [(depth, node) for node in reversed(nodes)]
    while pending:
        level, node = pending.pop()
        yield level, node
        pending.extend((level + 1, child) for child in reversed(node.children))


def _sum_up(root: CallNode) -> None:
    """Add the counts of children to their parents, bottom up; without recursion, for deep stacks."""
    for _depth, node in reversed(list(walk([root]))):
        for child in node.children:
            node.soql += child.soql
            node.dml += child.dml
            node.rows += child.rows


def _title(type_name: str, fields: list[str]) -> str:
    if not fields:
        return type_name
    match type_name:
        case "CODE_UNIT_STARTED":
            named = [field for field in fields[1:] if field and not field.startswith(("01q", "01p", "__sfdc"))]
            return named[0] if named else fields[-1]
        case "DML_BEGIN":
            return " ".join(field.partition(":")[2] for field in fields[1:3])
        case "CONSTRUCTOR_ENTRY" | "SYSTEM_CONSTRUCTOR_ENTRY":
            return "".join(reversed(fields[2:]))
        case _:
            return fields[-1].strip() or type_name


def _rows(log: ParsedLog, row: int) -> int:
    """The number behind `Rows:` in the event's last field; 0 where a log was cut within the line."""
    text = log.row_text(row).rpartition("|")[2].removeprefix("Rows:").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
