"""Writing and reading ApexLogs."""

from __future__ import annotations

import codecs
import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuit_log.events as ev
from circuit_log.apex_reader import read_log
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.call_tree import call_tree, walk
from circuit_log.catalog import NAMES
from circuit_log.exports import to_chrome, to_speedscope
from circuit_log.levels import Category, Level, LogLevels
from circuit_log.limits import LimitName, LimitUse
from circuit_log.statistics import statistics
from circuit_log.visibility import is_visible

STARTED = dt.datetime(2025, 11, 13, 17, 45, 23, 500_000, tzinfo=dt.UTC)
REAL_LOGS = Path(__file__).parents[4] / "shared" / "data" / "logs"

RUN: tuple[ev.LogEvent, ...] = (
    ev.UserInfo(seq=0, ns=0, user_id="005", user_name="dev", time_zone="UTC", utc_offset="GMT+00:00"),
    ev.ExecutionStarted(seq=1, ns=1_000),
    ev.CodeUnitStarted(seq=2, ns=2_000, name="execute_anonymous_apex"),
    ev.SoqlBegin(seq=3, ns=3_000, path="a.py", line=4, query="SELECT id\nFROM Contact"),
    ev.SoqlEnd(seq=4, ns=43_000, path="a.py", line=4, rows=2),
    ev.DmlBegin(seq=5, ns=50_000, path="a.py", line=6, operation="Update", object_name="Contact", rows=2),
    ev.CodeUnitStarted(
        seq=6,
        ns=60_000,
        unit_id="01q000000000001AAA",
        name="ContactTrigger on Contact trigger event AfterUpdate for [003, 003]",
        type_ref="__sfdc_trigger/ContactTrigger",
    ),
    ev.UserDebug(
        seq=7, ns=61_000, path="t.py", line=9, level=Level.DEBUG, text="a|b\nsecond line", data='{"x":1}'
    ),
    ev.LimitChanged(seq=8, ns=61_500, limits=()),
    ev.CodeUnitFinished(seq=9, ns=70_000, name="ContactTrigger on Contact trigger event AfterUpdate"),
    ev.DmlEnd(seq=10, ns=80_000, path="a.py", line=6),
    ev.ExceptionThrown(seq=11, ns=81_000, path="a.py", line=7, type_name="ValueError", message="no"),
    ev.FatalError(
        seq=12,
        ns=82_000,
        type_name="ValueError",
        message="no",
        stack=(ev.StackLine("Class.Lead.score", "a.py", 7), ev.StackLine("AnonymousBlock", "b.py", 1)),
    ),
    ev.LimitUsageForNamespace(
        seq=13,
        ns=90_000,
        namespace="(default)",
        limits=(LimitUse(LimitName.QUERIES, 81, 100), LimitUse(LimitName.DML_STATEMENTS, 1, 150)),
    ),
    ev.CodeUnitFinished(seq=14, ns=91_000, name="execute_anonymous_apex"),
    ev.ExecutionFinished(seq=15, ns=92_000),
)


def written(events: tuple[ev.LogEvent, ...], source: str = "") -> str:
    writer = ApexLogWriter(LogLevels(), STARTED, source)
    return writer.header() + "".join(map(writer.lines, events))


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_message_cannot_forge_an_event(line_end: str) -> None:
    forged = f"a{line_end}12:00:00.0 (1)|FATAL_ERROR|never happened"
    events = (
        ev.UserDebug(seq=0, ns=1, level=Level.INFO, text=forged),
        ev.FatalError(seq=1, ns=2, type_name=forged, message=forged),
    )

    log = read_log("\n".join(written(events).splitlines()).encode())

    assert [log.name_table[name] for name in log.names] == ["USER_DEBUG", "FATAL_ERROR"]
    assert log.parse_errors == []


def test_l05_a_run_is_written_as_salesforce_writes_it() -> None:
    text = written(RUN, source="import x\ny = 1")

    assert text.splitlines()[:6] == [
        "65.0 APEX_CODE,DEBUG;APEX_PROFILING,INFO;CALLOUT,INFO;DB,INFO;SYSTEM,DEBUG;VALIDATION,INFO;"
        "VISUALFORCE,INFO;WORKFLOW,INFO",
        "Execute Anonymous: import x",
        "Execute Anonymous: y = 1",
        "17:45:23.500 (0)|USER_INFO|[EXTERNAL]|005|dev|UTC|GMT+00:00",
        "17:45:23.500 (1000)|EXECUTION_STARTED",
        "17:45:23.500 (2000)|CODE_UNIT_STARTED|[EXTERNAL]|execute_anonymous_apex",
    ]
    assert "|SOQL_EXECUTE_BEGIN|[4]|Aggregations:0|SELECT id FROM Contact\n" in text
    assert "|DML_BEGIN|[6]|Op:Update|Type:Contact|Rows:2\n" in text
    assert "  Number of SOQL queries: 81 out of 100 ******* CLOSE TO LIMIT\n" in text
    assert "|FATAL_ERROR|ValueError: no\n\nClass.Lead.score: line 7, column 1\nAnonymousBlock: line 1" in text


def test_events_that_feed_only_live_views_are_not_written() -> None:
    events = (
        ev.LimitChanged(seq=0, ns=0, limits=()),
        ev.LimitWarning(seq=1, ns=0, limit=LimitUse(LimitName.QUERIES, 81, 100)),
        ev.Paused(seq=2, ns=0, reason="breakpoint"),
        ev.Resumed(seq=3, ns=0, paused_ns=5),
    )

    assert written(events) == ApexLogWriter(LogLevels(), STARTED).header()


# Events whose further lines Certinia's parser takes (`acceptsText` in its LogEvents.ts), as far as we write them.
CERTINIA_TEXTS = {"EXCEPTION_THROWN", "FATAL_ERROR", "LIMIT_USAGE_FOR_NS", "USER_DEBUG", "VALIDATION_FORMULA"}


def certinia_errors(text: str) -> list[str]:
    """What Certinia's parser would call an error: its rules for one line, from EXECUTION_STARTED on."""
    lines = text.split("\n")
    first = next(idx for idx, line in enumerate(lines) if line.endswith("|EXECUTION_STARTED"))
    errors, accepts_text = [], False
    for line in filter(None, lines[first:]):
        name = [*line.split("|"), ""][1]
        if name in NAMES:
            accepts_text = name in CERTINIA_TEXTS
        elif name.replace("_", "").isupper() or not accepts_text:
            errors.append(line)
    return errors


def with_line_ends(kind: type[ev.LogEvent]) -> ev.LogEvent:
    """An event all of whose texts hold line ends and bars."""
    values = {str: "a\nb|c\r\nd", int: 3, Level: Level.INFO, float: 1.0}
    fields = {field.name: values[field.type] for field in msgspec.structs.fields(kind) if field.type in values}
    others = {"stack": (ev.StackLine("f", "a.py", 1),), "limits": (LimitUse(LimitName.QUERIES, 1, 2),)}
    wanted = {field.name for field in msgspec.structs.fields(kind)}
    return kind(**fields, **{name: value for name, value in others.items() if name in wanted})


@pytest.mark.parametrize("kind", [kind for kind in ev.LogEvent.__args__ if kind is not ev.LimitWarning])
def test_l01_certinias_parser_finds_no_error_in_any_event_whatever_its_texts_hold(kind: type[ev.LogEvent]) -> None:
    events = (ev.ExecutionStarted(seq=0, ns=0), with_line_ends(kind), ev.ExecutionFinished(seq=2, ns=5))

    text = written(events)

    assert certinia_errors(text) == []
    assert read_log(text.encode()).parse_errors == []


def test_l04_a_written_log_is_read_back_whole() -> None:
    log = read_log(written(RUN).encode())

    figures = statistics(log)

    assert log.parse_errors == []
    assert figures.unknown_types == []
    assert figures.soql == 1
    assert figures.dml == 1
    assert figures.exceptions == 1
    assert figures.limits == {LimitName.QUERIES: (81, 100), LimitName.DML_STATEMENTS: (1, 150)}
    assert figures.duration_ns == 92_000
    debug = next(row for row in range(len(log)) if log.name(row) == "USER_DEBUG")
    assert log.row_text(debug).endswith('|DEBUG|a|b\nsecond line {"x":1}')


def test_the_call_tree_nests_triggers_in_their_dml() -> None:
    roots = call_tree(read_log(written(RUN).encode()))

    shown = [(depth, node.name) for depth, node in walk(roots)]

    assert shown[:5] == [
        (0, "EXECUTION_STARTED"),
        (1, "execute_anonymous_apex"),
        (2, "SELECT id FROM Contact"),
        (2, "Update Contact"),
        (3, "ContactTrigger on Contact trigger event AfterUpdate for [003, 003]"),
    ]
    assert (roots[0].soql, roots[0].dml, roots[0].rows) == (1, 1, 4)
    dml = next(node for _depth, node in walk(roots) if node.type == "DML_BEGIN")
    assert (dml.total_ns, dml.self_ns) == (30_000, 20_000)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(codecs.BOM_UTF8 + written(RUN).encode(), id="utf-8 with mark"),
        pytest.param(
            codecs.BOM_UTF16_LE + written(RUN).replace("\n", "\r\n").encode("utf-16-le"), id="utf-16 with mark"
        ),
        pytest.param(written(RUN).encode("utf-16-le"), id="utf-16 without mark"),
    ],
)
def test_logs_are_read_in_every_encoding_they_come_in(encoded: bytes) -> None:
    assert statistics(read_log(encoded)) == statistics(read_log(written(RUN).encode()))


def test_missing_exits_are_unwound_by_the_exit_of_an_outer_frame() -> None:
    text = (
        "10:00:00.0 (10)|CODE_UNIT_STARTED|[EXTERNAL]|outer\n"
        "10:00:00.0 (20)|METHOD_ENTRY|[1]|01p|A.a()\n"
        "10:00:00.0 (30)|METHOD_ENTRY|[2]|01p|A.b()\n"
        "10:00:00.0 (40)|CODE_UNIT_FINISHED|outer\n"
        "10:00:00.0 (50)|METHOD_EXIT|[9]|01p|A.z()\n"
    )

    log = read_log(text.encode())

    assert list(log.closed_ns) == [40, 40, 40, 40, 50]
    assert list(log.parents) == [-1, 0, 1, -1, -1]


def test_a_cut_log_and_lines_that_fit_nowhere_are_told() -> None:
    text = (
        "65.0 APEX_CODE,DEBUG\n"
        "10:00:00.0 (10)|EXECUTION_STARTED\n"
        "nonsense here\n"
        "*** Skipped 22606355 bytes of detailed log\n"
        "10:00:00.0 (30)|SOMETHING_NEW|x\n"
        "*********** MAXIMUM DEBUG LOG SIZE REACHED ***********\n"
    )

    log = read_log(text.encode())

    assert log.is_truncated
    assert log.parse_errors == [(3, "nonsense here")]
    assert statistics(log).unknown_types == ["SOMETHING_NEW"]


@pytest.mark.parametrize(
    "mark", ["*** Skipped 1,024 bytes of detailed log", "*** Skipped 22606355 bytes of detailed log ***",
             "MAXIMUM DEBUG LOG SIZE REACHED", "*********** MAXIMUM DEBUG LOG SIZE REACHED ***********"]
)  # fmt: skip
def test_a_cut_ends_the_text_before_it_and_what_was_left_of_an_event_is_no_fault(mark: str) -> None:
    text = (
        "10:00:00.0 (10)|USER_DEBUG|[1]|DEBUG|first\n"
        "second\n"
        f"{mark}\n"
        "the rest of a message that was cut\n"
        "10:00:00.0 (30)|STATEMENT_EXECUTE|[2]\n"
        f"{mark}\n"
        "again\n"
    )

    log = read_log(text.encode())

    assert (log.is_truncated, log.parse_errors) == (True, [])
    assert log.row_text(0).endswith("|DEBUG|first\nsecond")


def test_a_message_about_cuts_is_no_cut() -> None:
    text = "10:00:00.0 (10)|USER_DEBUG|[1]|DEBUG|said: MAXIMUM DEBUG LOG SIZE REACHED, *** Skipped 5 bytes\n"

    assert not read_log(text.encode()).is_truncated


def test_logs_that_were_put_together_keep_their_headers() -> None:
    one = "65.0 APEX_CODE,FINE;\n    DB,INFO\nExecute Anonymous: x\n10:00:00.0 (10)|EXECUTION_STARTED\n"

    log = read_log((one + one).encode())

    assert (len(log), log.parse_errors) == (2, [])


def test_a_query_over_several_lines_is_one_event() -> None:
    text = "10:00:00.0 (10)|SOQL_EXECUTE_BEGIN|[1]|Aggregations:0|SELECT Id\nFROM Account\nWHERE x = 1\n"

    log = read_log(text.encode())

    assert log.parse_errors == []
    assert log.fields(0)[-1] == "SELECT Id\nFROM Account\nWHERE x = 1"


def test_a_file_without_an_event_is_no_log() -> None:
    log = read_log(b"65.0 APEX_CODE,FINE\nname = 1\n\nvalue = 2\n")

    assert log.parse_errors == [(2, "name = 1"), (4, "value = 2")]


def test_numbers_that_no_log_has_are_a_fault_of_the_line() -> None:
    line = f"10:00:00.0 ({'9' * 30})|STATEMENT_EXECUTE|[1]"
    log = read_log(f"10:00:00.0 (1)|EXECUTION_STARTED\n{line}\n".encode())

    assert log.parse_errors == [(2, line)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_messages_own_line_ends_survive(line_end: str) -> None:
    message = "a|b\rc 🎉\nd" if line_end == "\r\n" else "a|b\rc 🎉\r\nd"
    lines = [f"10:00:00.0 ({n})|STATEMENT_EXECUTE|[1]" for n in range(5)]
    text = line_end.join([*lines, f"10:00:00.0 (9)|USER_DEBUG|[1]|DEBUG|{message}", *lines, ""])

    log = read_log(text.encode())

    assert log.row_text(5).endswith(f"|DEBUG|{message}")
    assert (len(log), log.parse_errors) == (11, [])


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["10:00:00.0 (1)|EXECUTION_STARTED", "10:00:00.0 (5)|METHOD_ENTRY|[3]|01p|A.a()",
             "10:00:00.0 (4)|METHOD_EXIT|[3]|01p|A.a()", "10:00:00.0 (4)|METHOD_EXIT|[4]|01p|A.a()",
             "10:00:00.0 (6)|EXCEPTION_THROWN|[3]|E: m", "10:00:00.0 (7)|SOQL_EXECUTE_END|[3]|Rows:x", "a|b", "",
             "10:00:00.0 (8)|SOQL_EXECUTE_BEGIN|[3]|Aggregations:0|SELECT", "10:00:00.0 (8)|DML_BEGIN",
             "*** Skipped 5 bytes of detailed log", "10:00:00.0 (9)|CODE_UNIT_STARTED", "10:00:00.0 (9)|NEW|"]
        )
        | st.text(max_size=20)
    )
)  # fmt: skip
def test_lines_in_any_order_are_counted_nested_and_exported(lines: list[str]) -> None:
    log = read_log("\n".join(lines).encode("utf-8", "surrogatepass"))

    frames = sum(1 for _node in walk(call_tree(log)))
    assert statistics(log).events == len(log) >= frames
    assert len(json.loads(to_chrome(log))["traceEvents"]) == frames
    assert json.loads(to_speedscope(log))["profiles"]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xfe", b"no log at all\n", b"\x89PNG\r\n\x1a\n\0\0"])
def test_any_bytes_are_answered(data: bytes) -> None:
    assert statistics(read_log(data)).events == 0


def test_exports_hold_every_frame() -> None:
    log = read_log(written(RUN).encode())
    frames = sum(1 for _node in walk(call_tree(log)))

    chrome = json.loads(to_chrome(log))
    speedscope = json.loads(to_speedscope(log))

    assert len(chrome["traceEvents"]) == frames
    kinds = [event["type"] for event in speedscope["profiles"][0]["events"]]
    assert kinds.count("O") == kinds.count("C") == frames
    times = [event["at"] for event in speedscope["profiles"][0]["events"]]
    assert times == sorted(times)


@pytest.mark.skipif(not REAL_LOGS.is_dir(), reason="real Salesforce logs are not beside the project (../shared)")
@pytest.mark.parametrize("name", ["fflib.log", "duplicate.log"])
def test_real_salesforce_logs_are_read_without_an_error(name: str) -> None:
    log = read_log((REAL_LOGS / name).read_bytes())

    assert log.parse_errors == []
    assert statistics(log).events == len(log) > 0


def test_every_event_we_write_is_one_that_salesforce_knows() -> None:
    tags = {kind.__struct_config__.tag for kind in ev.LogEvent.__args__}

    assert {tag for tag in tags if not tag.startswith("circuit.")} <= NAMES


def test_levels_are_read_and_printed_in_pairs() -> None:
    levels = LogLevels.parse("apex_code,fine; DB,NONE")

    assert levels.level(Category.APEX_CODE) is Level.FINE
    assert not levels.allows(Category.DB, Level.ERROR)
    assert levels.text().startswith("APEX_CODE,FINE;APEX_PROFILING,INFO;CALLOUT,INFO;DB,NONE;")


@pytest.mark.parametrize("text", ["APEX_CODE", "NOPE,FINE", "DB,LOUD", ",;"])
def test_levels_that_do_not_exist_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not CATEGORY,LEVEL"):
        LogLevels.parse(text)


def test_l02_each_level_shows_its_own_events_only() -> None:
    entry = ev.MethodEntry(seq=0, ns=0, signature="A.a()")
    debug = ev.UserDebug(seq=0, ns=0, level=Level.FINER, text="x")

    assert not is_visible(entry, LogLevels())
    assert is_visible(entry, LogLevels.parse("APEX_CODE,FINE"))
    assert not is_visible(debug, LogLevels.parse("APEX_CODE,FINE"))
    assert is_visible(debug, LogLevels.parse("APEX_CODE,FINER"))
