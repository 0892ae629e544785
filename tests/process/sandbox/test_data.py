"""Queries, DML, Records and triggers of a real worker against a scripted host."""

from __future__ import annotations

import pytest

from circuit_link import wire

A1 = "001000000000001AAA"
C1, C2 = "003000000000001AAA", "003000000000002AAA"

CONTACTS = wire.ResultPage(
    total=2,
    shape=wire.ResultShape(
        object_name="Contact",
        columns=("id", "email", "rate", "tags", "extra", "birthdate", "last_visit", "called", "account"),
        types=("id", "email", "decimal", "multipicklist", "json", "date", "datetime", "boolean", "lookup"),
    ),
    rows=[
        [C1, "a@x.com", "12.50", "hot;new", '{"n": [1]}', "1990-02-28", 1_763_048_723_000, 1, A1],
        [C2, None, None, None, None, None, None, None, None],
    ],
)


def _answering(value):
    return lambda message, host: value


def _saved(message, host):
    count = len(_records(message))
    return wire.Saved(ids=[f"003{n:012}AAA" for n in range(count)], created=[True] * count, errors={})


def _records(dml):
    """The records of a frame one by one."""
    placed = {
        place: dict(zip(part.names, row, strict=True))
        for part in dml.records
        for place, row in zip(part.places, zip(*part.columns, strict=True), strict=True)
    }
    return [placed[place] for place in sorted(placed)]


def test_cells_convert_by_type_when_read(run):
    text = """
from circuitos import CircuitDB
a, b = CircuitDB.query("SELECT … FROM Contact WHERE email = :email", email="a@x.com")
print(repr(a.rate), a.tags, a.extra, repr(a.birthdate), a.last_visit.isoformat(), a.called, a.account)
print(a.Id == a["ID"] == a.id, a["Email"], a.get("email"), b.get("email", "none"))
print(b.rate, b.tags, b.extra, b.birthdate, b.last_visit, b.called, b.account)
"""

    host = run(text, handlers={wire.Query: _answering(CONTACTS)})

    assert host.stdout.splitlines() == [
        "Decimal('12.50') ['hot', 'new'] {'n': [1]} datetime.date(1990, 2, 28) 2025-11-13T15:45:23+00:00 True "
        + A1,
        "True a@x.com a@x.com none",
        "None None None None None None None",
    ]
    assert host.sent(wire.Query)[0].binds == {"email": "a@x.com"}
    assert (host.sent(wire.Query)[0].path, host.sent(wire.Query)[0].line) == ("scripts/main.py", 3)


def test_reading_an_unqueried_field_raises_with_apex_s_text(run):
    text = """
from circuitos import CircuitDB, RecordException
a = CircuitDB.query("q")[0]
for name in ("first_name", "FIRST_NAME", "frist_name"):
    try:
        getattr(a, name)
    except RecordException as exc:
        print(exc)
print(hasattr(a, "first_name"), a.get("first_name", "-"))
a.first_name = "Ada"
print(a.first_name)
"""

    assert run(text, handlers={wire.Query: _answering(CONTACTS)}).stdout.splitlines() == [
        "SObject row was retrieved via SOQL without querying the requested field: Contact.first_name",
        "SObject row was retrieved via SOQL without querying the requested field: Contact.first_name",
        "Contact has no field 'frist_name'. Did you mean 'first_name'?",
        "False -",
        "Ada",
    ]


def test_parents_and_children_are_records(run):
    page = wire.ResultPage(
        total=2,
        shape=wire.ResultShape(
            object_name="Account",
            columns=("id", "name", "contacts"),
            types=("id", "text", "children"),
            children={
                "contacts": wire.ResultShape(
                    object_name="Contact",
                    columns=("id", "account.id", "account.name", "account"),
                    types=("id", "id", "text", "lookup"),
                    parents={"account": "Account"},
                    selected_ids=("account",),
                )
            },
        ),
        rows=[[A1, "Acme", [[C1, A1, "Acme", A1], [C2, None, None, None]]], ["001000000000002AAA", "Other", None]],
    )
    text = """
from circuitos import CircuitDB, RecordException
acme, other = CircuitDB.query("q")
one, two = acme.contacts
print(one.account.name, one.account.id, one.account.object_name, two.account, other.contacts)
print(acme.to_dict())
try:
    one.account.industry
except RecordException as exc:
    print(exc)
"""

    assert run(text, handlers={wire.Query: _answering(page)}).stdout.splitlines() == [
        f"Acme {A1} Account None []",
        str(
            {
                "id": A1,
                "name": "Acme",
                "contacts": [
                    {"id": C1, "account": {"id": A1, "name": "Acme"}},
                    {"id": C2, "account": None},
                ],
            }
        ),
        "SObject row was retrieved via SOQL without querying the requested field: Account.industry",
    ]


def test_aggregate_rows_read_by_alias(run):
    page = wire.ResultPage(
        total=1,
        shape=wire.ResultShape(object_name="AggregateResult", columns=("expr0", "who"), types=("integer", "text")),
        rows=[[7, "x"]],
    )
    text = """
from circuitos import CircuitDB, RecordException
(row,) = CircuitDB.query("q")
print(row.expr0, row["who"], row.to_dict())
for action in (lambda: row.expr1, lambda: setattr(row, "who", 1)):
    try:
        action()
    except RecordException as exc:
        print(exc)
"""

    assert run(text, handlers={wire.Query: _answering(page)}).stdout.splitlines() == [
        "7 x {'expr0': 7, 'who': 'x'}",
        "The result has no column 'expr1'; it has expr0, who.",
        "The rows of an aggregate query are read-only.",
    ]


def test_further_pages_are_fetched(run):
    shape = wire.ResultShape(object_name="Contact", columns=("id",), types=("id",))
    first = wire.ResultPage(total=3, shape=shape, rows=[["a"], ["b"]], cursor=9)
    second = wire.ResultPage(total=3, rows=[["c"]])
    text = "from circuitos import CircuitDB\nprint([c.id for c in CircuitDB.query('q')])"

    host = run(text, handlers={wire.Query: _answering(first), wire.Fetch: _answering(second)})

    assert host.stdout == "['a', 'b', 'c']\n"
    assert host.sent(wire.Fetch)[0].cursor == 9


@pytest.mark.parametrize(
    ("total", "text"),
    [
        (0, "List has no rows for assignment to SObject"),
        (2, "List has more than 1 row for assignment to SObject"),
    ],
)
def test_query_one_raises_apex_s_texts(run, total, text):
    page = wire.ResultPage(total=total, shape=CONTACTS.shape, rows=CONTACTS.rows[:total])

    error = run(
        "from circuitos import CircuitDB\nCircuitDB.query_one('q')", handlers={wire.Query: _answering(page)}
    ).done.error

    assert (error.type, error.message) == ("QueryException", text)


def test_count_and_search(run):
    text = """
from circuitos import CircuitDB
print(CircuitDB.count("SELECT COUNT() FROM Contact"), [[r.id for r in g] for g in CircuitDB.search("FIND {x}")])
"""

    host = run(text, handlers={wire.Query: lambda m, h: 42 if m.kind == "count" else [CONTACTS, CONTACTS]})

    assert host.stdout == f"42 [['{C1}', '{C2}'], ['{C1}', '{C2}']]\n"


def test_insert_puts_ids_on_records_and_dicts_and_sends_canonical_names(run):
    text = """
from circuitos import CircuitDB, Record
r = Record("contact", Last_Name="Byron", tags={"hot"})
d = {"LAST_NAME": "Lovelace", "unknown": 1}
results = CircuitDB.insert("contact", [r, d])
print(r.id, d["id"], results[0].success, results[0].created, results[0].errors)
print(r.email, r.object_name, repr(r))
"""

    host = run(text, handlers={wire.Dml: _saved})

    (dml,) = host.sent(wire.Dml)
    assert (dml.operation, dml.object_name, dml.line) == ("insert", "Contact", 5)
    assert _records(dml) == [{"last_name": "Byron", "tags": ["hot"]}, {"last_name": "Lovelace", "unknown": 1}]
    assert host.stdout.splitlines() == [
        "003000000000000AAA 003000000000001AAA True True []",
        "None Contact Record('Contact', last_name='Byron', tags={'hot'}, id='003000000000000AAA')",
    ]


def test_records_that_name_the_same_fields_travel_by_column(run):
    text = """
from circuitos import CircuitDB
CircuitDB.insert("Contact", [
    {"last_name": "a", "email": "a@x.com"}, {"email": "c@x.com"}, {"last_name": "b", "email": None}, {}
])
"""

    (dml,) = run(text, handlers={wire.Dml: _saved}).sent(wire.Dml)

    assert dml.records == [
        wire.RecordColumns(names=("last_name", "email"), places=[0, 2], columns=[["a", "b"], ["a@x.com", None]]),
        wire.RecordColumns(names=("email",), places=[1], columns=[["c@x.com"]]),
        wire.RecordColumns(names=("id",), places=[3], columns=[[None]]),
    ]


def test_update_of_a_queried_record_sends_what_was_written(run):
    text = """
from circuitos import CircuitDB
a, b = CircuitDB.query("q")
a.email, a.tags   # reading is no writing
a.extra["n"].append(2)
a.Rate = 3
b.email = None
CircuitDB.update("Contact", [a, b])
"""

    host = run(text, handlers={wire.Query: _answering(CONTACTS), wire.Dml: _saved})

    assert _records(host.sent(wire.Dml)[0]) == [
        {"id": C1, "extra": {"n": [1, 2]}, "rate": 3},
        {"id": C2, "email": None},
    ]


def test_delete_takes_ids_records_and_dicts(run):
    text = f"""
from circuitos import CircuitDB, Record
CircuitDB.delete("Contact", ["{C1}", Record("Contact", email="x"), {{"Id": "{C2}", "email": "y"}}])
CircuitDB.delete("Contact", "{C1}")
CircuitDB.merge("Contact", {{"id": "{C1}", "email": "m"}}, ["{C2}"])
"""

    host = run(text, handlers={wire.Dml: _saved})

    assert [_records(dml) for dml in host.sent(wire.Dml)] == [
        [{"id": C1}, {"id": None}, {"id": C2}],
        [{"id": C1}],
        [{"id": C1, "email": "m"}, {"id": C2}],
    ]


def test_failed_statement_raises_with_every_failure(run, refusal):
    def fail(message, host):
        outcome = wire.FailedRecord(
            id=None,
            errors=(wire.DmlErrorInfo(status_code="REQUIRED_FIELD_MISSING", message="m", fields=("last_name",)),),
        )
        raise refusal("DmlException", "Insert failed. First exception on row 1", ((1, outcome),))

    text = """
from circuitos import CircuitDB, DmlException
try:
    CircuitDB.insert("Contact", [{"last_name": "a"}, {}])
except DmlException as exc:
    index, record_id, errors = exc.failures[0]
    print(exc, index, record_id, errors[0].status_code, errors[0].fields)
"""

    assert run(text, handlers={wire.Dml: fail}).stdout == (
        "Insert failed. First exception on row 1 1 None REQUIRED_FIELD_MISSING ['last_name']\n"
    )


def test_large_statement_travels_in_several_frames_with_one_id(host, new_start):
    received = []

    def save(message, made):
        received.append(message)
        part = message
        while part.more:
            part = made.receive()
            received.append(part)
        count = sum(len(_records(part)) for part in received)
        return wire.Saved(ids=[None] * count, created=[False] * count, errors={})

    text = """
from circuitos import CircuitDB
print(len(CircuitDB.insert("Contact", [{"last_name": "x" * 100_000} for _ in range(150)])))
"""
    made = host({wire.Dml: save})
    made.run(new_start(text))

    assert made.stdout == "150\n"
    assert len(received) > 3
    assert {part.id for part in received} == {1}
    assert [part.more for part in received] == [True] * (len(received) - 1) + [False]


def test_records_are_equal_and_hash_by_id(run):
    text = f"""
from circuitos import Record
a = Record("Contact", id="{C1}", email="a")
b = Record("Contact", id="{C1}", email="b")
c = Record("Contact", email="a")
print(a == b, len({{a, b, c}}), c == Record("Contact", email="a"), a != c)
"""

    assert run(text).stdout == "True 2 False True\n"


def test_parent_is_named_by_its_id_or_by_one_external_id(run):
    text = f"""
from circuitos import CircuitDB, Record, RecordException
CircuitDB.insert("Contact", [
    Record("Contact", account=Record("Account", id="{A1}", name="x")),
    Record("Contact", account=Record("Account", name="Acme")),
])
try:
    CircuitDB.insert("Contact", Record("Contact", account=Record("Account")))
except RecordException as exc:
    print(exc)
"""

    host = run(text, handlers={wire.Dml: _saved})

    assert _records(host.sent(wire.Dml)[0]) == [{"account": A1}, {"account": {"name": "Acme"}}]
    assert host.stdout.startswith("account: The Account has no id yet")


def test_unknown_field_and_object_of_a_new_record_are_refused(run):
    text = """
from circuitos import Record, RecordException
for action in (lambda: Record("Contact", emial="x"), lambda: Record("Contcat"), lambda: Record("Contact").emial):
    try:
        action()
    except RecordException as exc:
        print(exc)
"""

    assert run(text).stdout.splitlines() == [
        "Contact has no field 'emial'. Did you mean 'email'?",
        "There is no object 'Contcat'. Did you mean 'Contact'?",
        "Contact has no field 'emial'. Did you mean 'email'?",
    ]


def test_savepoints(run):
    text = """
from circuitos import CircuitDB
point = CircuitDB.savepoint()
CircuitDB.rollback(point)
CircuitDB.release(point)
"""

    host = run(
        text,
        handlers={wire.Savepoint: _answering(5), wire.Rollback: _answering(None), wire.Release: _answering(None)},
    )

    assert (host.sent(wire.Rollback)[0].savepoint, host.sent(wire.Release)[0].savepoint) == (5, 5)


# ------------------------------------------------------------------------------------------- triggers

TRIGGER = """
from circuitos import CircuitDB, CircuitTrigger, TriggerOperation, trigger

seen = []

class ContactTrigger(CircuitTrigger):
    def __init__(self):
        self.passes = 0

    @trigger("Contact", ["beforeInsert", "afterInsert"])
    def handle(self, context):
        self.passes += 1
        seen.append((context.operation.name, context.size, self.passes))
        if context.is_before:
            for record in context.new_records:
                record.score = len(record.last_name)
                if record.last_name == "bad":
                    record.add_error("not this one", "Last_Name")
                if record.extra:
                    record.extra["seen"] = True

    def show(self, context):
        def known(value): return "-" if value is None else len(value)
        print(context.operation.name, known(context.new_records), known(context.new_map),
              known(context.old_records), known(context.old_map), context.is_insert, context.is_update,
              context.is_delete, context.is_undelete, context.is_before, context.is_after, context.size,
              context.object_name, [(n and n.id, o and o.id) for n, o in context.pairs()])

    def write(self, context):
        for records in (context.new_records, context.old_records):
            for record in records or []:
                try:
                    record.email = "changed"
                    print("written", record.object_name)
                except Exception as exc:
                    print(type(exc).__name__, str(exc).partition(":")[0])

    def fail(self, context):
        context.new_records[0].add_error("collected before")
        raise ValueError("no such ZIP")

    def leave(self, context):
        raise SystemExit(4)

    def query(self, context):
        from circuitos import CircuitDB
        CircuitDB.query("q")

    def save_new(self, context):
        CircuitDB.update(context.object_name, context.new_records)
"""
FILES = {"triggers/contact_trigger.py": TRIGGER}


def _ref(method="handle"):
    return wire.TriggerRef(path="triggers/contact_trigger.py", class_name="ContactTrigger", method=method, line=9)


def _block(*rows):
    return wire.RowBlock(
        columns=("id", "last_name", "email", "score", "rate", "last_visit", "extra"),
        types=("id", "text", "email", "integer", "decimal", "datetime", "json"),
        rows=[list(row) for row in rows],
    )


FULL = _block(
    (C1, "Byron", "b@x.com", 5, 1.5, 0, '{"a": 1}'),
    (C2, "Ada", None, None, None, None, None),
)


def _with_trigger(host, new_start, body, handlers=None):
    """Run `body(made)` as the host's own DML of an event run; returns the host at its end."""
    made = host(handlers or {})
    made.begin(new_start(wire.EventEntry(title="event"), FILES))
    body(made)
    made.send(wire.Stop(reason="done"))
    while made.done is None:
        made.step()
    return made


def test_before_insert_changes_are_returned_and_errors_collected(host, new_start):
    returned = []

    def insert(message, made):
        returned.append(
            made.call(
                object_name="Contact",
                event="beforeInsert",
                triggers=(_ref(),),
                size=2,
                new=wire.RowBlock(
                    columns=("last_name", "extra", "score", "called"),
                    types=("text", "json", "integer", "boolean"),
                    rows=[("Thomas", '{"a": [1]}', 6, 0), ("bad", None, None, 0)],
                ),
            )
        )
        returned.append(
            made.call(
                object_name="Contact",
                event="afterInsert",
                triggers=(_ref(), _ref("show"), _ref("write")),
                size=1,
                new=wire.RowBlock(
                    columns=("id", "last_name", "extra", "score"),
                    types=("id", "text", "json", "integer"),
                    rows=[[C1, "Thomas", '{"a": [1]}', 6]],
                ),
            )
        )
        return wire.Saved(ids=[C1] * 3, created=[False] * 3, errors={})

    text = """
from circuitos import CircuitDB
d = {"last_name": "Thomas", "extra": {"a": [1]}, "score": 6}
CircuitDB.insert("Contact", [d, {"last_name": "skipped"}, {"last_name": "bad"}])
from triggers.contact_trigger import seen
print(seen, d["extra"])
"""
    made = host({wire.Dml: insert})
    made.run(new_start(text, FILES))

    before, after = returned
    assert before.error is None
    assert before.changes == [
        wire.RecordChange(index=0, values={"extra": {"a": [1], "seen": True}}),
        wire.RecordChange(index=1, values={"score": 3}),
    ]
    assert before.errors == [wire.RecordError(index=1, message="not this one", field="last_name")]
    assert (after.changes, after.errors, after.error) == ([], [], None)
    assert made.stdout.splitlines() == [
        f"AFTER_INSERT 1 1 - - True False False False False True 1 Contact [('{C1}', None)]",
        "RecordException Record is read-only",
        "[('BEFORE_INSERT', 2, 1), ('AFTER_INSERT', 1, 2)] {'a': [1]}",
    ]


@pytest.mark.parametrize(
    ("event", "new", "old", "line", "writes"),
    [
        ("beforeInsert", True, False, "BEFORE_INSERT 2 - - -", ["written Contact"] * 2),
        ("afterInsert", True, False, "AFTER_INSERT 2 2 - -", ["RecordException Record is read-only"] * 2),
        (
            "beforeUpdate",
            True,
            True,
            "BEFORE_UPDATE 2 2 2 2",
            ["written Contact"] * 2 + ["RecordException Record is read-only"] * 2,
        ),
        ("afterUpdate", True, True, "AFTER_UPDATE 2 2 2 2", ["RecordException Record is read-only"] * 4),
        ("beforeDelete", False, True, "BEFORE_DELETE - - 2 2", ["RecordException Record is read-only"] * 2),
        ("afterDelete", False, True, "AFTER_DELETE - - 2 2", ["RecordException Record is read-only"] * 2),
        ("afterUndelete", True, False, "AFTER_UNDELETE 2 2 - -", ["RecordException Record is read-only"] * 2),
    ],
)
def test_t03_t04_t05_context_of_each_event(host, new_start, event, new, old, line, writes):
    def body(made):
        result = made.call(
            object_name="Contact",
            event=event,
            triggers=(_ref("show"), _ref("write")),
            size=2,
            new=FULL if new else None,
            old=FULL if old else None,
        )
        assert result.error is None
        assert len(result.changes) == (2 if event in ("beforeInsert", "beforeUpdate") else 0)

    made = _with_trigger(host, new_start, body)

    shown, *written = made.stdout.splitlines()
    assert shown.startswith(line)
    flags = shown.split()[5:9]
    assert flags.count("True") == 1
    assert written == writes


def test_unset_field_of_a_trigger_record_is_none_and_values_convert(host, new_start):
    def body(made):
        result = made.call(
            object_name="Contact", event="beforeUpdate", triggers=(_ref(),), size=2, new=FULL, old=FULL
        )
        assert result.changes == [
            wire.RecordChange(index=0, values={"extra": {"a": 1, "seen": True}}),
            wire.RecordChange(index=1, values={"score": 3}),
        ]

    _with_trigger(host, new_start, body)


def test_t14_master_record_id_of_a_merge_s_losers_is_readable(host, new_start):
    files = {
        "triggers/contact_trigger.py": """
from circuitos import CircuitTrigger
class ContactTrigger(CircuitTrigger):
    def handle(self, context):
        print([(r.MasterRecordId, r.master_record_id, r.score) for r in context.old_records])
"""
    }
    old = wire.RowBlock(columns=("id", "master_record_id"), types=("id", "lookup"), rows=[[C2, C1]])
    made = host()
    made.begin(new_start(wire.EventEntry(title="event"), files))

    result = made.call(object_name="Contact", event="afterDelete", triggers=(_ref(),), size=1, old=old)

    assert result.error is None
    made.step() if not made.stdout else None
    assert made.stdout == f"[('{C1}', '{C1}', None)]\n"


def test_exception_in_a_trigger_is_returned_with_its_place(host, new_start):
    def body(made):
        result = made.call(object_name="Contact", event="beforeInsert", triggers=(_ref("fail"),), size=2, new=FULL)
        assert (result.error.type, result.error.message) == ("ValueError", "no such ZIP")
        assert result.error.frames[0].path == "triggers/contact_trigger.py"
        assert result.error.frames[0].name == "ContactTrigger.fail"
        assert [error.message for error in result.errors] == ["collected before"]

    made = _with_trigger(host, new_start, body)

    assert [entry.text for entry in made.entries if entry.kind == "thrown"] == ["ValueError: no such ZIP"]
    assert made.done.error is None


def test_what_a_trigger_logs_and_prints_comes_before_its_answer(host, new_start):
    files = {
        "triggers/contact_trigger.py": """
from circuitos import CircuitLog, CircuitTrigger
class ContactTrigger(CircuitTrigger):
    def handle(self, context):
        for n in range(3):
            CircuitLog.debug(n, {(1, 2): 3})
        print("printed")
"""
    }
    made = host()
    made.begin(new_start(wire.EventEntry(title="event"), files))

    made.call(object_name="Contact", event="afterInsert", triggers=(_ref(),), size=2, new=FULL)

    assert isinstance(made.messages[-1], wire.Return)
    assert [entry.text for entry in made.entries] == ["0", "1", "2"]
    assert made.stdout == "printed\n"


def test_one_record_that_fits_no_frame_is_an_error_and_the_transaction_goes_on(run):
    text = """
from circuitos import CircuitDB, CircuitException
try:
    CircuitDB.insert("Contact", [{"last_name": "a" * 3_000_000}, {"last_name": "x" * 9_000_000}])
except CircuitException as exc:
    print("too long" in str(exc))
CircuitDB.insert("Contact", {"last_name": "b"})
"""

    host = run(text, handlers={wire.Dml: _saved})

    assert host.stdout == "True\n"
    assert [(len(_records(dml)), dml.more, dml.abandoned) for dml in host.sent(wire.Dml)] == [
        (1, True, False),
        (0, False, True),
        (1, False, False),
    ]


def test_exit_in_a_trigger_ends_the_trigger_only(host, new_start):
    def body(made):
        result = made.call(
            object_name="Contact", event="beforeInsert", triggers=(_ref("leave"),), size=2, new=FULL
        )
        assert result.error.type == "SystemExit"

    assert _with_trigger(host, new_start, body).done == wire.Done()


def test_syntax_error_in_a_trigger_is_returned_with_file_line_and_column(host, new_start):
    files = {"triggers/contact_trigger.py": "class ContactTrigger\n    pass\n"}
    made = host()
    made.begin(new_start(wire.EventEntry(title="event"), files))

    result = made.call(object_name="Contact", event="afterInsert", triggers=(_ref(),), size=2, new=FULL)

    assert (result.error.type, result.error.frames[0].line, result.error.column) == ("SyntaxError", 1, 21)


def test_breach_inside_a_trigger_unwinds_everything(host, new_start, refusal):
    def breach(message, made):
        raise refusal("GovernorLimitException", "Too many SOQL queries: 101")

    def insert(message, made):
        made.send(
            wire.Call(
                id=5, object_name="Contact", event="beforeInsert", triggers=(_ref("query"),), size=2, new=FULL
            )
        )
        while made.done is None:
            made.step()

    text = """
from circuitos import CircuitDB
try:
    CircuitDB.insert("Contact", {"last_name": "x"})
except Exception:
    print("never")
"""
    made = host({wire.Dml: insert, wire.Query: breach})
    made.begin(new_start(text, FILES))
    made.step()
    while made.done is None:
        made.step()

    assert (made.done.error.type, made.stdout) == ("GovernorLimitException", "")
    assert [frame.name for frame in made.done.error.frames] == ["ContactTrigger.query", "<module>"]


def test_records_of_a_running_trigger_are_refused_to_dml(host, new_start):
    def body(made):
        result = made.call(
            object_name="Contact", event="afterUpdate", triggers=(_ref("save_new"),), size=2, new=FULL, old=FULL
        )
        assert result.error.message == "DML statement cannot operate on trigger.new or trigger.old"

    _with_trigger(host, new_start, body)


def test_add_error_outside_a_trigger_is_refused(run):
    error = run("from circuitos import Record\nRecord('Contact').add_error('x')").done.error

    assert error.type == "RecordException"


def test_threads_may_ask_while_a_trigger_runs(host, new_start):
    files = {
        "triggers/contact_trigger.py": """
import threading
from circuitos import CircuitDB, CircuitTrigger

class ContactTrigger(CircuitTrigger):
    def handle(self, context):
        counts = []
        threads = [threading.Thread(target=lambda: counts.append(CircuitDB.count("q"))) for _ in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(counts)
"""
    }

    def insert(message, made):
        result = made.call(object_name="Contact", event="afterInsert", triggers=(_ref(),), size=2, new=FULL)
        assert result.error is None
        return wire.Saved(ids=[C1], created=[False], errors={})

    made = host({wire.Dml: insert, wire.Query: lambda m, h: 1})
    made.run(new_start("from circuitos import CircuitDB\nCircuitDB.insert('Contact', {})", files))

    assert made.stdout == "[1, 1, 1, 1, 1]\n"
