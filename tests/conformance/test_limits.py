"""Every limit at its number and one beyond it, with its text, in both profiles; what a breach leaves behind."""

from __future__ import annotations

import pytest

import circuit_log.events as ev

APEX = '[limits]\nprofile = "apex"\n'
CALLOUTS = '[callouts]\nallow = ["https://api.example.com"]\n'

QUERY = 'CircuitDB.query("SELECT id FROM Task LIMIT 1")'
# Account has these children among the standard objects.
CHILDREN = (
    'CircuitDB.query("SELECT id, (SELECT id FROM contacts), (SELECT id FROM opportunities), '
    '(SELECT id FROM cases), (SELECT id FROM tasks), (SELECT id FROM child_accounts) FROM Account")'
)
SEARCH = 'CircuitDB.search("FIND {nothing} RETURNING Contact(id)")'
INSERT = 'CircuitDB.insert("Task", {"subject": "x"})'
CALLOUT = 'CircuitHTTP.get("https://api.example.com/")'
ROWS = """
CircuitDB.insert("Task", [{"subject": "x"}] * 10_000)
for _ in range(5):
    CircuitDB.query("SELECT id FROM Task")
"""


def times(count: int, statement: str) -> str:
    return f"for _ in range({count}):\n    {statement}\n"


# limit, a script that uses it up, the statement that is one too many, the text
COUNTED = [
    ("queries", times(100, QUERY), QUERY, "Too many SOQL queries: 101"),
    ("aggregate_queries", times(60, CHILDREN), CHILDREN, "Too many aggregate queries: 301"),
    ("query_rows", ROWS, QUERY, "Too many query rows: 50001"),
    ("sosl_queries", times(20, SEARCH), SEARCH, "Too many SOSL queries: 21"),
    ("dml_statements", times(150, INSERT), INSERT, "Too many DML statements: 151"),
    (
        "dml_statements",
        times(75, "CircuitDB.rollback(CircuitDB.savepoint())"),
        "CircuitDB.savepoint()",
        "Too many DML statements: 151",
    ),
    ("dml_rows", 'CircuitDB.insert("Task", [{"subject": "x"}] * 10_000)', INSERT, "Too many DML rows: 10001"),
]


@pytest.mark.parametrize("settings", ["", APEX], ids=["circuit", "apex"])
@pytest.mark.parametrize(
    ("limit", "uses_up", "one_more", "text"), COUNTED, ids=[f"{row[0]} {row[2][:28]}" for row in COUNTED]
)
def test_x01_a_counted_limit_is_exact(make_place, settings, limit, uses_up, one_more, text):
    place = make_place(settings)

    at_limit, _sink = place.run(uses_up)
    over, _sink = place.run(uses_up + "\n" + one_more)

    used, maximum = at_limit.limits[limit]
    assert (at_limit.outcome, at_limit.error, used) == ("success", None, maximum)
    assert (over.outcome, over.breached) == ("limit", limit)
    assert (over.error.type, over.error.message) == ("GovernorLimitException", text)


@pytest.mark.parametrize(("settings", "maximum"), [("", 50), (APEX, 100)], ids=["circuit", "apex"])
def test_x01_c03_one_callout_too_many(make_place, settings, maximum):
    place = make_place(settings + CALLOUTS)

    at_limit, _sink = place.run(times(maximum, CALLOUT))
    over, _sink = place.run(times(maximum + 1, CALLOUT))

    assert (at_limit.outcome, at_limit.limits["callouts"]) == ("success", (maximum, maximum))
    assert (over.outcome, over.error.message) == ("limit", f"Too many callouts: {maximum + 1}")


@pytest.mark.parametrize(
    ("limit", "maximum", "script", "text"),
    [
        ("cpu_ms", 200, "while True:\n    pass", "Apex CPU time limit exceeded"),
        ("cpu_ms", 200, "sum(range(10**12))", "Apex CPU time limit exceeded"),
        ("wall_ms", 400, "import time\ntime.sleep(60)", "Maximum execution time exceeded: 400 ms"),
        (
            "heap_bytes",
            48_000_000,
            "kept = []\nwhile True:\n    kept.append(b'x' * 500_000)",
            "Apex heap size too large: ",
        ),
        ("heap_bytes", 48_000_000, "kept = bytearray(900_000_000)", "Apex heap size too large: "),
    ],
    ids=["CPU in Python", "CPU in C", "wall", "heap", "heap at once"],
)
def test_x01_x03_a_measured_limit_ends_the_run(make_place, limit, maximum, script, text):
    place = make_place(f"[limits.overrides]\n{limit} = {maximum}\n")

    result, _sink = place.run(script)

    assert (result.outcome, result.breached) == ("limit", limit)
    assert result.error.message.startswith(text)


def test_x01_x09_profiles_have_their_numbers(make_place):
    snapshot = "for name, use in CircuitGovernor.snapshot().items():\n    print(name, use.limit)"
    numbers = {}
    for name, settings in (("circuit", ""), ("apex", APEX)):
        _result, sink = make_place(settings).run(snapshot)
        numbers[name] = {key: int(value) for key, value in map(str.split, sink.stdout.splitlines())}

    shared = {
        "queries": 100,
        "aggregate_queries": 300,
        "query_rows": 50_000,
        "query_locator_rows": 10_000,
        "sosl_queries": 20,
        "dml_statements": 150,
        "dml_rows": 10_000,
        "publish_immediate": 150,
        "email_invocations": 10,
        "future_calls": 50,
        "queueable_jobs": 50,
        "mobile_push": 10,
    }
    own = {"cpu_ms": 30_000, "heap_bytes": 512 * 1024 * 1024, "wall_ms": 30_000, "callouts": 50}
    apex = {"cpu_ms": 10_000, "heap_bytes": 6_000_000, "wall_ms": 600_000, "callouts": 100}
    assert numbers == {"circuit": shared | own, "apex": shared | apex}


def test_overrides_change_single_limits(make_place):
    place = make_place("[limits.overrides]\nqueries = 3\ndml_rows = 0\n")

    queries, _sink = place.run(times(4, QUERY))
    rows, _sink = place.run(INSERT)

    assert queries.error.message == "Too many SOQL queries: 4"
    assert rows.error.message == "Too many DML rows: 1"


HIDES = {
    "except Exception": "try:\n    exceed()\nexcept Exception:\n    pass\nsave()",
    "bare except": "try:\n    exceed()\nexcept:\n    pass\nsave()",
    "finally": "try:\n    exceed()\nfinally:\n    save()",
    "with": "import contextlib\nwith contextlib.suppress(BaseException):\n    exceed()\nsave()",
    "sys.exit(0)": "import sys\ntry:\n    exceed()\nexcept:\n    sys.exit(0)",
    "another exception": "try:\n    exceed()\nexcept BaseException:\n    raise ValueError('something else')",
    "generator close": (
        "def rows():\n    try:\n        yield 1\n    finally:\n        save()\n"
        "g = rows()\nnext(g)\ntry:\n    exceed()\nexcept BaseException:\n    g.close()"
    ),
    "thread": (
        "import threading\ndef work():\n    try:\n        exceed()\n    except BaseException:\n        save()\n"
        "t = threading.Thread(target=work)\nt.start()\nt.join()\nprint('the main thread goes on')"
    ),
    "settrace": "import sys\ntry:\n    exceed()\nexcept BaseException:\n    sys.settrace(None)\nsave()",
    "atexit": "import atexit\natexit.register(save)\nexceed()",
}


@pytest.mark.parametrize("script", HIDES.values(), ids=HIDES)
def test_x02_nothing_hides_a_breach_or_saves_after_it(make_place, script):
    place = make_place("[limits.overrides]\nqueries = 1\n")
    helpers = f"def exceed():\n    {QUERY}\n    {QUERY}\n\ndef save():\n    {INSERT}\n\nsave()\n"

    result, sink = place.run(helpers + script, commit=True)

    assert (result.outcome, result.committed, result.exit_code) == ("limit", False, 1)
    assert (result.error.type, result.error.message) == ("GovernorLimitException", "Too many SOQL queries: 2")
    assert place.count("Task") == 0
    thrown = [event for event in sink.events if isinstance(event, ev.ExceptionThrown)]
    fatal = [event for event in sink.events if isinstance(event, ev.FatalError)]
    assert [event.type_name for event in thrown if "SOQL" in event.message] == ["GovernorLimitException"]
    assert [(event.type_name, event.message) for event in fatal] == [
        ("GovernorLimitException", "Too many SOQL queries: 2")
    ]


def test_x02_the_log_says_where_it_broke(make_place):
    place = make_place("[limits.overrides]\nqueries = 1\n")

    result, sink = place.run(f"\n{QUERY}\n{QUERY}")

    assert (result.error.file, result.error.line) == ("script.py", 4)
    log = sink.log()
    assert "|EXCEPTION_THROWN|[4]|GovernorLimitException: Too many SOQL queries: 2\n" in log
    assert "|FATAL_ERROR|GovernorLimitException: Too many SOQL queries: 2\n\nscript.py: line 4, column 1\n" in log


def test_x02_a_breach_in_a_trigger_ends_the_transaction_around_it(make_place):
    trigger = (
        "from circuitos import CircuitDB, CircuitTrigger, trigger\n"
        "class TaskTrigger(CircuitTrigger):\n"
        '    @trigger("Task", ["afterInsert"])\n'
        "    def handle(self, context):\n"
        "        try:\n"
        f"            {QUERY}\n            {QUERY}\n"
        "        except BaseException:\n            pass\n"
    )
    place = make_place("[limits.overrides]\nqueries = 1\n", {"triggers/task.py": trigger})

    result, _sink = place.run(f"try:\n    {INSERT}\nexcept BaseException:\n    pass\n", commit=True)

    assert (result.outcome, result.error.file) == ("limit", "triggers/task.py")
    assert place.count("Task") == 0


def test_x07_what_scripts_read_is_what_the_log_prints(make_place):
    place = make_place(CALLOUTS)
    script = (
        f"{CALLOUT}\n{QUERY}\n{SEARCH}\n{INSERT}\n"
        "for name, use in CircuitGovernor.snapshot().items():\n    print(name, use.used, use.limit)"
    )

    result, sink = place.run(script)

    printed = {name: (int(used), int(limit)) for name, used, limit in map(str.split, sink.stdout.splitlines())}
    (block,) = [event for event in sink.events if isinstance(event, ev.LimitUsageForNamespace)]
    logged = {str(use.name): (use.used, use.maximum) for use in block.limits}
    measured = {"cpu_ms", "heap_bytes", "wall_ms"}
    assert logged == result.limits
    assert {k: v for k, v in printed.items() if k not in measured} == {
        k: v for k, v in logged.items() if k not in measured
    }
    assert all(printed[name][0] <= logged[name][0] for name in ("cpu_ms", "wall_ms"))
    log = sink.log()
    for line in (
        "Number of SOQL queries: 1 out of 100",
        "Number of SOSL queries: 1 out of 20",
        "Number of callouts: 1 out of 50",
    ):
        assert f"  {line}\n" in log


def test_x07_a_counter_near_its_limit_is_marked_in_the_log(make_place):
    _result, sink = make_place().run(times(96, QUERY))

    assert "Number of SOQL queries: 96 out of 100 ******* CLOSE TO LIMIT" in sink.log()
