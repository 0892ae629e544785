"""Read the text of any ApexLog, ours or Salesforce's, into columns.

One pass with one regular expression fills arrays; the text is kept once and cut into strings only for rows that
somebody looks at. Rules for frames follow certinia/debug-log-analyzer: an exit closes the frame of its event and,
where both name one, of its line; an exit that matches a frame further down unwinds to it; an exit without a frame
stays a leaf; frames left open end at the last time stamp.
"""

from __future__ import annotations

import codecs
import re
from array import array
from dataclasses import dataclass, field

from circuit_log.catalog import CLOSED_BY, CLOSERS, MULTI_LINE, NAMES

# As many digits as a column holds: what has more is no event.
_EVENT = re.compile(
    r"^(?:\d{2}:\d{2}:\d{2}(?:\.\d+)?) \((\d{1,18})\)\|([A-Z][A-Z0-9_]*)(?:\|\[(\d{1,9})\])?([^\n]*)$",
    re.MULTILINE,
)
_STAMP = re.compile(r"\d{2}:\d{2}:\d{2}(?:\.\d+)? ?\(")
# Salesforce writes the number with or without separators, and the second mark with or without asterisks.
_CUT_MARK = re.compile(
    r"^\*+ ?Skipped [\d,. ]+ bytes of detailed log.*$|^\**[ ]?MAXIMUM DEBUG LOG SIZE REACHED[ ]?\**$", re.MULTILINE
)
# `65.0 APEX_CODE,DEBUG;…`, which may be wrapped, and the text of an anonymous run.
_HEADER_LINE = re.compile(r"(?:\d+\.\d+)?\s*(?:[A-Z_]+,[A-Z]+;?)+\s*$|Execute Anonymous:")

NO_PARENT = -1


@dataclass(slots=True)
class ParsedLog:
    """A log as parallel columns, one entry an event.

    Attributes:
        text: the whole log, line ends as LF, without a byte order mark.
        header: the lines before the first event.
        starts, ends: where the event's text begins and ends in `text`, its continuation lines included.
        ns: nanoseconds since the run's start.
        names: index into `name_table` of the event's name.
        lines: source line, 0 where the event names none.
        parents: row of the enclosing frame, NO_PARENT at the top.
        closed_ns: end of the frame that the row opens; the row's own `ns` for a leaf.
        parse_errors: line number (1-based) and text of lines that fit nowhere; all lines but headers where the
            file holds no event at all.
        is_truncated: Salesforce cut the log.
    """

    text: str
    header: str = ""
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    ns: array[int] = field(default_factory=lambda: array("q"))
    names: array[int] = field(default_factory=lambda: array("L"))
    lines: array[int] = field(default_factory=lambda: array("l"))
    parents: array[int] = field(default_factory=lambda: array("q"))
    closed_ns: array[int] = field(default_factory=lambda: array("q"))
    name_table: list[str] = field(default_factory=list)
    parse_errors: list[tuple[int, str]] = field(default_factory=list)
    is_truncated: bool = False

    def __len__(self) -> int:
        return len(self.ns)

    def name(self, row: int) -> str:
        return self.name_table[self.names[row]]

    def row_text(self, row: int) -> str:
        """The event's lines as they stand in the log."""
        return self.text[self.starts[row] : self.ends[row]]

    def fields(self, row: int) -> list[str]:
        """The fields after the event's name; the last one holds continuation lines."""
        return self.row_text(row).split("|")[2:]

    def is_frame(self, row: int) -> bool:
        return self.name(row) in CLOSED_BY


def decode(data: bytes) -> str:
    """The text of a log file: UTF-8 with or without byte order mark, or UTF-16 in either order; LF line ends.

    Carriage returns within the text of a file whose lines end with LF stay: they are the message's own.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    elif data[1:2] == b"\0":
        text = data.decode("utf-16-le", errors="replace")
    else:
        text = data.decode("utf-8-sig", errors="replace")
    line_feeds = text.count("\n")
    if 2 * text.count("\r\n") > line_feeds:
        return text.replace("\r\n", "\n")
    return text if line_feeds else text.replace("\r", "\n")


def read_log(data: bytes) -> ParsedLog:
    """Parse a log file. Any bytes give an answer; what fits nowhere is counted in `parse_errors`."""
    log = ParsedLog(decode(data))
    _fill_columns(log)
    _build_frames(log)
    return log


def _fill_columns(log: ParsedLog) -> None:
    text = log.text
    table: dict[str, int] = {}
    previous_end = 0
    previous_name = ""
    for match in _EVENT.finditer(text):
        start = match.start()
        if start > previous_end:
            _take_between(log, previous_end, start, previous_name)
        name = match[2]
        log.starts.append(start)
        log.ends.append(match.end())
        log.ns.append(int(match[1]))
        log.names.append(table.setdefault(name, len(table)))
        log.lines.append(int(match[3] or 0))
        previous_end = match.end() + 1
        previous_name = name
    if previous_end < len(text):
        _take_between(log, previous_end, len(text), previous_name)
    log.name_table = list(table)


def _take_between(log: ParsedLog, start: int, end: int, previous_name: str) -> None:
    """Lines that are no event: the header, the rest of a multi-line text, a mark of a cut, or an error.

    What follows the mark of a cut belongs to an event that was cut away.
    """
    between = log.text[start:end]
    cut = _CUT_MARK.search(between)
    if cut is not None:
        log.is_truncated = True
        between = between[: cut.start()]
    if not log.ns:
        log.header = between
        is_log = end < len(log.text)
        lines = [line for line in between.split("\n") if not is_log or _STAMP.match(line)]
        _collect_errors(log, start, lines)
    elif previous_name in MULTI_LINE or previous_name not in NAMES:
        log.ends[-1] = max(log.ends[-1], start + len(between.rstrip("\n")))
    else:
        _collect_errors(log, start, between.split("\n"))


def _collect_errors(log: ParsedLog, start: int, lines: list[str]) -> None:
    """Note the lines that are neither blank nor a header, which stands again where logs were put together."""
    for line in lines:
        if not line.strip() or _HEADER_LINE.match(line):
            continue
        position = log.text.index(line, start)
        log.parse_errors.append((log.text.count("\n", 0, position) + 1, line))


def _build_frames(log: ParsedLog) -> None:
    """Fill `parents` and `closed_ns`."""
    opens = [CLOSED_BY.get(name) for name in log.name_table]
    closes = [name in CLOSERS for name in log.name_table]
    stack: list[int] = []
    log.closed_ns = array("q", log.ns)
    for row, name_index in enumerate(log.names):
        if closes[name_index] and (depth := _depth_closed_by(log, stack, row)) is not None:
            for frame in stack[depth:]:
                log.closed_ns[frame] = log.ns[row]
            del stack[depth:]
        log.parents.append(stack[-1] if stack else NO_PARENT)
        if opens[name_index] is not None:
            stack.append(row)
    for frame in stack:
        log.closed_ns[frame] = log.ns[-1]


def _depth_closed_by(log: ParsedLog, stack: list[int], row: int) -> int | None:
    """Index in `stack` of the innermost frame that the exit at `row` closes; None if it closes none."""
    name = log.name(row)
    line = log.lines[row]
    for depth in range(len(stack) - 1, -1, -1):
        frame = stack[depth]
        same_line = not line or not log.lines[frame] or log.lines[frame] == line
        if CLOSED_BY[log.name(frame)] == name and same_line:
            return depth
    return None
