"""A script that speaks the wire itself, past the SDK: whatever it sends, host, data and the next run stand.

Each attempt is real code in a real worker. Numbers in the names are those of the list of attempts.
"""

from __future__ import annotations

import pytest

from circuit_link import wire

RAW = """
import os, struct, time
from circuit_link import wire

def raw(data):
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(3, view):]
        except BlockingIOError:
            time.sleep(0.001)

def frame(data):
    raw(struct.pack(">I", len(data)) + data)

def say(message):
    frame(wire.encode(message))

def hear():
    while True:
        try:
            return os.read(3, 1 << 20)
        except BlockingIOError:
            time.sleep(0.001)

def dml(*records, id=1, operation="insert", object_name="Area", **more):
    records = wire.in_columns(records)
    return wire.Dml(id=id, operation=operation, object_name=object_name, records=records, **more)

def with_bind(data):
    "A query whose one bind is `data`, as MessagePack."
    whole = wire.encode(wire.Query(id=1, text="SELECT id FROM Area", binds={"x": 0}))
    place = whole.rindex(bytes([0xa1]) + b"x" + bytes([0]))
    return whole[:place] + bytes([0xa1]) + b"x" + data + whole[place + 3:]
"""

GREEDY = """
while True:
    say(wire.TestControl(id=1, action="setup_done"))
    hear()
    say(wire.Query(id=2, text="SELECT id FROM Area"))
    hear()
"""

VIOLATIONS = {
    "59 a pickle bomb": "frame(b'cos\\nsystem\\n(S\\'touch /tmp/pwned\\'\\ntR.')",
    "60 a header of 4 GB": "raw(b'\\xff\\xff\\xff\\xff')",
    "60 a header just above the limit": "raw(struct.pack('>I', 8 * 1024 * 1024 + 1))",
    "62 a nesting bomb": "frame(with_bind(b'\\x91' * 100_000 + b'\\xc0'))",
    "62 nesting that decodes": "frame(with_bind(b'\\x91' * 500 + b'\\xc0'))",
    "62 nested maps": "frame(with_bind(b'\\x81\\xa1a' * 200 + b'\\xc0'))",
    "millions of empty lists": "frame(with_bind(b'\\xdd' + struct.pack('>I', 7_000_000) + b'\\x90' * 7_000_000))",
    "an array that claims four billion items": "frame(with_bind(b'\\xdd\\xff\\xff\\xff\\xff'))",
    "a decimal of a billion digits": "frame(with_bind(b'\\xc7\\x0b\\x021e999999999'))",
    "a decimal that is none": "frame(with_bind(b'\\xc7\\x03\\x02abc'))",
    "a date that is none": "frame(with_bind(b'\\xc7\\x03\\x01abc'))",
    "an extension nobody knows": "frame(with_bind(b'\\xc7\\x03\\x63abc'))",
    "text that is no UTF-8": "frame(with_bind(b'\\xa2\\xff\\xfe'))",
    "an empty frame": "frame(b'')",
    "bytes behind the message": "frame(wire.encode(wire.Usage(id=1)) + b'\\xc0')",
    "a message of the other direction": "say(wire.Stop(reason='you'))",
    "an unknown field": "frame(wire.encode({'t': 'usage', 'id': 1, 'more': 2}))",
    "an unknown message": "frame(wire.encode({'t': 'commit'}))",
    "a field of another type": "frame(wire.encode({'t': 'usage', 'id': 'one'}))",
    "a line that no file has": "frame(wire.encode({'t': 'usage', 'id': 1, 'line': -1}))",
    "a map whose keys are no texts": """
say(dml({"zip": "1", "extra": {1: {2.5: [3]}}}))""",
    "a map whose keys are lists": """
say(dml({"zip": "1", "extra": {(1, 2): 3}}))""",
    "records whose columns differ in length": """
say(wire.Dml(id=1, operation="insert", object_name="Area", records=[
    wire.RecordColumns(names=("zip", "id"), places=[0, 1], columns=[["1", "2"], [None]])]))""",
    "records without a column": """
say(wire.Dml(id=1, operation="insert", object_name="Area", records=[
    wire.RecordColumns(names=(), places=[0], columns=[])]))""",
    "records with more columns than names": """
say(wire.Dml(id=1, operation="insert", object_name="Area", records=[
    wire.RecordColumns(names=("zip",), places=[0], columns=[["1"], ["2"]])]))""",
    "a second greeting": "say(wire.Hello(version=1, pid=1, python='3'))",
    "an answer to nothing": "say(wire.Return(id=1))",
    "parts of two statements": """
for number in (1, 2):
    say(dml({"zip": "1"}, id=number, more=True))""",
    "another request within the parts of a statement": """
say(dml({"zip": "1"}, more=True))
say(wire.Usage(id=2))""",
    "a statement without end": """
part = wire.encode(dml({"zip": "1" * 7_000_000}, more=True))
for _ in range(12):
    frame(part)""",
}


@pytest.mark.parametrize("attempt", VIOLATIONS)
def test_a_violation_of_the_protocol_ends_the_worker(bench, check_unharmed, attempt):
    result = bench.run(f"{RAW}\n{VIOLATIONS[attempt]}\ntime.sleep(60)")

    assert (result.outcome, result.error.type) == ("killed", "ProtocolViolation"), result.error
    assert not result.committed
    check_unharmed()


ANSWERS_TO_A_CALL = {
    "to another call": "id=call + 1",
    "with a change of a record that is not there": "id=call, changes=[wire.RecordChange(index=7, values={})]",
    "with a change of a record before the first": "id=call, changes=[wire.RecordChange(index=-1, values={})]",
    "with an error of a record that is not there": "id=call, errors=[wire.RecordError(index=9, message='x')]",
}


@pytest.mark.parametrize("attempt", ANSWERS_TO_A_CALL)
def test_a_lie_about_a_trigger_ends_the_worker(bench, check_unharmed, attempt):
    script = f"""
say(dml({{"zip": "1"}}))
call = wire.decode_from_host(hear()[4:]).id
say(wire.Return({ANSWERS_TO_A_CALL[attempt]}))
time.sleep(60)"""

    result = bench.run(RAW + script)

    assert (result.outcome, result.error.type) == ("killed", "ProtocolViolation"), result.error
    check_unharmed()


def test_records_cannot_be_changed_after_they_were_saved(bench, check_unharmed):
    script = """
say(dml({"zip": "1"}))
say(wire.Return(id=wire.decode_from_host(hear()[4:]).id))
after = wire.decode_from_host(hear()[4:])
say(wire.Return(id=after.id, changes=[wire.RecordChange(index=0, values={"zip": "other"})]))
time.sleep(60)"""

    result = bench.run(RAW + script)

    assert result.error.type == "ProtocolViolation"
    assert "afterInsert" in result.error.message
    check_unharmed()


STALLS = {
    "61 half a header": "raw(b'\\x00\\x00')",
    "61 half a frame": "raw(struct.pack('>I', 1000) + b'x' * 10)",
    "61 a byte at a time": "raw(struct.pack('>I', 100_000))\nwhile True:\n    raw(b'x')\n    time.sleep(0.01)",
    "63 never reading": "while True:\n    say(wire.Query(id=1, text='SELECT id, zip FROM Area'))",
    "63 never reading answers of usage": "while True:\n    say(wire.Usage(id=1))",
    "54 a flood of log entries": """
entry = wire.LogEntry(kind="debug", ns=0, path="a.py", line=1, text="x" * 100_000, level=3)
while True:
    say(wire.Log(entries=[entry] * 50))""",
    "54 a flood of empty messages": "one = wire.Log(entries=[])\nwhile True:\n    say(one)",
    "54 a flood of output": "while True:\n    say(wire.Output(stream='stdout', text='x' * 1_000_000))",
    "a flood of statements that do not parse": (
        "while True:\n    say(wire.Query(id=1, text='SELECT ' + 'x,' * 40_000))\n    hear()"
    ),
}


@pytest.mark.parametrize("attempt", STALLS)
def test_a_worker_that_stalls_or_floods_ends_at_the_wall_limit(bench, check_unharmed, outside, attempt):
    bench.limits(wall_ms=700, queries=1_000_000)
    before = outside.resident_bytes()

    result = bench.run(f"{RAW}\n{STALLS[attempt]}\ntime.sleep(60)")

    assert (result.outcome, result.breached) == ("limit", "wall_ms"), result.error
    assert result.limits["wall_ms"][0] < 6000
    assert outside.resident_bytes() - before < 300_000_000
    bench.limits()
    check_unharmed()


def test_a_flood_below_the_limits_leaves_a_bounded_log(bench, check_unharmed):
    script = """
entry = wire.LogEntry(kind="debug", ns=0, path="a.py", line=1, text="x" * 1_000_000, level=3)
for _ in range(100):
    say(wire.Log(entries=[entry]))
for _ in range(100):
    say(wire.Output(stream="stdout", text="x" * 1_000_000))
os._exit(0)"""

    result = bench.run(RAW + script)

    texts = [event.text for event in bench.seen.events if type(event).__name__ == "UserDebug"]
    assert result.outcome == "killed"
    assert sum(map(len, texts)) < 70_000_000
    assert "left out" in texts[-1]
    assert len(bench.seen.stdout) < 20_000_000
    check_unharmed()


LIES = {
    "an object that does not exist": ("insert", "Nothing", '{"zip": "1"}'),
    "a table's name": ("insert", "o_area; DROP TABLE o_area", '{"zip": "1"}'),
    "66 SQL in a field's name": ("insert", "Area", """{'zip") VALUES (1); --': "1"}"""),
    "66 SQL in an id": ("delete", "Area", """{"id": "' OR 1=1 --"}"""),
    "fields of the system": ("insert", "Area", '{"zip": "1", "id": "x", "created_at": "never"}'),
    "bytes": ("insert", "Area", '{"zip": b"1", "income": b"2"}'),
    "no number": ("insert", "Area", '{"zip": "1", "income": float("nan")}'),
    "no end": ("insert", "Area", '{"zip": "1", "share": float("inf")}'),
    "a whole number of a billion digits": ("insert", "Area", '{"zip": "1", "income": "1e999999999"}'),
    "a share of a billion digits": ("insert", "Area", '{"zip": "1", "share": "1e999999999"}'),
    "a number beyond 64 bits": ("insert", "Area", '{"zip": "1", "income": 2**64 - 1}'),
    "a list for a text": ("insert", "Area", '{"zip": [1, {"a": 2}]}'),
    "a number of rows beyond 64 bits in a map": ("insert", "Area", '{"zip": "1", "extra": {"n": 2**64 - 1}}'),
    "a day that is none": ("insert", "Area", '{"zip": "1", "seen": "2024-99-99"}'),
    "nothing": ("insert", "Area", "{}"),
    "the same record twice": ("update", "Area", '{"id": "a"}, {"id": "a"}'),
    "a merge with nothing": ("merge", "Area", '{"id": "a"}'),
    "an id that is a map": ("update", "Area", '{"id": {"id": 1}}'),
    "an id that is a list": ("undelete", "Area", '{"id": [1]}'),
    "an external id that is none": ("upsert", "Area", '{"zip": "1"}'),
    "a text with NUL": ("insert", "Area", '{"zip": "\\x00\\x00", "nope": 1}'),
}


@pytest.mark.parametrize("attempt", LIES)
def test_a_statement_full_of_lies_is_an_error_or_a_record(bench, attempt):
    operation, object_name, records = LIES[attempt]
    script = f"""
say(dml({records}, operation="{operation}", object_name="{object_name}", external_id="zip--"))
while True:
    message = wire.decode_from_host(hear()[4:])
    if isinstance(message, wire.Call):
        say(wire.Return(id=message.id))
        continue
    break
print(type(message).__name__, getattr(message, "exception", ""), getattr(message, "message", ""))
raise ValueError("and nothing of it stays")"""
    before = bench.rows()

    result = bench.run(RAW + script)

    assert (result.outcome, result.error.type) == ("error", "ValueError"), result.error
    assert bench.seen.stdout.startswith(("Error", "Reply")), bench.seen.stdout
    assert bench.rows() == before
    assert bench.run("pass").outcome == "success"


@pytest.mark.parametrize(
    "text",
    [
        "ATTACH DATABASE '/etc/passwd' AS other",
        "SELECT id FROM Area; DROP TABLE o_area",
        "SELECT id FROM o_area",
        "SELECT id FROM sqlite_master",
        "SELECT load_extension('x') FROM Area",
        "SELECT id FROM Area WHERE zip = '' OR 1=1 --'",
        "PRAGMA writable_schema = 1",
        "SELECT id FROM Area WHERE zip = '\\' UNION SELECT * FROM circuit_number --'",
        "SELECT " + "(SELECT " * 3000,
        "SELECT id FROM Area WHERE " + "(" * 5000 + "zip = 'x'" + ")" * 5000,
        "SELECT id FROM Area WHERE zip IN (" + "'x'," * 500_000 + "'x')",
    ],
    ids=lambda text: text[:40],
)
def test_66_no_sql_reaches_the_database(bench, check_unharmed, text):
    script = f"""
from circuitos import CircuitDB, QueryException
try:
    print("found", CircuitDB.query({text!r}))
except QueryException as exc:
    print("refused", exc)
raise ValueError"""

    result = bench.run(script)

    assert result.error.type == "ValueError", result.error
    assert bench.seen.stdout.startswith("refused") or bench.seen.stdout == "found []\n", bench.seen.stdout[:200]
    check_unharmed()


def test_33_descriptors_that_a_worker_sends_are_not_taken(bench, check_unharmed, outside):
    script = """
import socket
own = socket.socket(fileno=os.dup(3))
data = wire.encode(wire.Usage(id=1))
try:
    for _ in range(20):
        socket.send_fds(own, [struct.pack(">I", len(data)) + data], [0, 1, 2])
        hear()
    print("sent")
except OSError as exc:
    print("refused by the kernel", exc)
"""
    before = outside.descriptors()

    result = bench.run(RAW + script)

    assert result.outcome == "success", result.error
    assert bench.seen.stdout.startswith(("sent", "refused"))
    assert outside.descriptors() <= before
    check_unharmed()


def test_64_a_forged_end_commits_what_the_host_saw_and_ends_the_worker(bench, check_unharmed):
    script = """
say(dml({"zip": "seen"}))
for _ in range(2):
    say(wire.Return(id=wire.decode_from_host(hear()[4:]).id))
hear()
say(wire.Done())
say(dml({"zip": "late"}, id=2))
while True: pass
"""

    result = bench.run(RAW + script)

    assert result.committed
    assert not [row for row in bench.rows() if "late" in row]
    check_unharmed(added=1)


def test_64_a_forged_end_within_a_trigger_keeps_the_statement_out(bench, check_unharmed):
    script = """
say(dml({"zip": "half"}))
hear()
say(wire.Done(error=wire.ScriptError(type="X", message="unwound")))
time.sleep(60)"""

    result = bench.run(RAW + script)

    assert result.outcome == "error"
    check_unharmed()


def test_64_a_forged_good_end_within_a_trigger_commits_nothing(bench, check_unharmed):
    script = """
say(dml({"zip": "half"}))
hear()
say(wire.Done())
time.sleep(60)"""

    result = bench.run(RAW + script)

    assert not result.committed
    check_unharmed()


@pytest.mark.parametrize("code", [0, 1])
def test_65_a_worker_that_exits_by_itself_keeps_nothing(bench, check_unharmed, code):
    result = bench.run(
        f'from circuitos import CircuitDB\nimport os\nCircuitDB.insert("Area", {{"zip": "1"}})\nos._exit({code})'
    )

    assert (result.outcome, result.error.type) == ("killed", "Killed")
    assert f"code {code}" in result.error.message
    check_unharmed()


def test_55_56_57_no_script_talks_its_way_past_a_counter(bench, check_unharmed):
    script = """
from circuitos import CircuitDB, CircuitGovernor
for name in ("limits", "_limits", "maximum", "get_limit"):
    try:
        setattr(CircuitGovernor, name, lambda *_: 10**9)
    except Exception:
        pass
answers = 0
while True:
    say(wire.Query(id=1, text="SELECT id FROM Area"))
    if type(wire.decode_from_host(hear()[4:])).__name__ == "Reply":
        answers += 1
        print(answers)
"""

    result = bench.run(RAW + script)

    assert (result.outcome, result.breached) == ("limit", "queries")
    assert result.limits["queries"] == (101, 100)
    assert len(bench.seen.stdout.split()) <= 100
    check_unharmed()


def test_tests_are_not_controlled_from_outside_a_test(bench, check_unharmed):
    script = """
for action in ("start", "stop", "run_as", "set_time", "setup_done"):
    say(wire.TestControl(id=1, action=action, value="x"))
    print(type(wire.decode_from_host(hear()[4:])).__name__)"""

    bench.run(RAW + script)

    assert bench.seen.stdout.split() == ["Error"] * 5
    check_unharmed()


def test_a_test_cannot_have_fresh_counters_again_and_again(bench, check_unharmed):
    bench.write(
        "tests/test_greedy.py",
        """
from circuitos.testing import test

@test
class Greedy:
    @test
    def asks(self):
{body}
""".format(body="\n".join(f"        {line}" for line in (RAW + GREEDY).strip().splitlines())),
    )

    result = bench.run("", entry=wire.TestEntry(path="tests/test_greedy.py", class_name="Greedy", method="asks"))

    assert (result.outcome, result.breached) == ("limit", "queries"), result.error
    check_unharmed()
