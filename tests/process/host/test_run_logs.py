"""The logs of real runs: balanced, in order of time, and of the levels that were asked for."""

from pathlib import Path

import pytest

import circuit_link.host_protocol as hp
from circuit_log.apex_reader import read_log
from circuit_log.catalog import CLOSED_BY, CLOSERS

SCRIPT = """
import sys
from circuitos import CircuitDB


class Numbers:
    def some(self, count):
        for number in range(count):
            yield number

    def fail(self):
        raise ValueError("no")

    def deep(self, depth):
        return self.deep(depth - 1) if depth else 0


def work(end):
    numbers = Numbers()
    left_open = numbers.some(5)
    next(left_open)
    try:
        numbers.fail()
    except ValueError:
        numbers.deep(5)
    list(numbers.some(3))
    CircuitDB.insert("Area", [{"zip": "3", "income": 1}])
    while end == "limit":
        CircuitDB.query("SELECT id FROM Area")
    if end == "raise":
        numbers.fail()
    if end == "exit":
        sys.exit(2)


work(sys.argv[1])
"""
FINEST = "APEX_CODE,FINEST;APEX_PROFILING,FINEST;DB,FINEST;SYSTEM,FINEST"


def run(project, end, levels):
    entry = hp.ExecEntry(path="scripts/a.py", text=SCRIPT, argv=(end,))
    result = project.connect().run(hp.RunRequest(entry=entry, log_levels=levels))
    return result, read_log(Path(result.log).read_bytes())


@pytest.mark.parametrize("levels", ["", FINEST])
@pytest.mark.parametrize(
    ("end", "outcome"), [("normal", "success"), ("raise", "error"), ("exit", "error"), ("limit", "limit")]
)
def test_l03_entries_and_exits_are_balanced_and_time_goes_forward(project, end, outcome, levels):
    result, log = run(project, end, levels)

    assert result.outcome == outcome
    open_frames = []
    for row in range(len(log)):
        name = log.name(row)
        if name in CLOSED_BY:
            open_frames.append(name)
        elif name in CLOSERS:
            assert CLOSED_BY[open_frames.pop()] == name, log.row_text(row)
    assert open_frames == []
    assert list(log.ns) == sorted(log.ns)
    assert log.parse_errors == []
    assert ("METHOD_ENTRY" in log.name_table) == (levels == FINEST)


def test_l02_levels_of_none_leave_no_event(project):
    none = ";".join(
        f"{category},NONE"
        for category in (
            "APEX_CODE", "APEX_PROFILING", "CALLOUT", "DATA_ACCESS", "DB", "NBA", "SYSTEM", "VALIDATION",
            "VISUALFORCE", "WAVE", "WORKFLOW",
        )
    )  # fmt: skip

    result, log = run(project, "normal", none)

    assert (result.outcome, len(log)) == ("success", 0)
