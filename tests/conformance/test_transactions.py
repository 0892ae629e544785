"""What a transaction shows to others, and when: commit, rollback, locks, callouts."""

from __future__ import annotations

import threading

import pytest

import circuit_log.events as ev

APEX = '[limits]\nprofile = "apex"\n[callouts]\nallow = ["https://api.example.com"]\n'
CIRCUIT = '[callouts]\nallow = ["https://api.example.com"]\n'
CALLOUT = 'CircuitHTTP.get("https://api.example.com/")'


def test_t11_nobody_else_sees_a_record_before_the_end(make_place):
    place = make_place()
    seen_before_the_end = []

    result, _sink = place.run(
        'CircuitDB.insert("Account", {"name": "A"})\nprint("saved")',
        commit=True,
        on_output=lambda _text: seen_before_the_end.append(place.count("Account")),
    )

    assert (result.committed, seen_before_the_end[0], place.count("Account")) == (True, 0, 1)


@pytest.mark.parametrize(
    "end", ["raise ValueError('no')", "CircuitDB.insert('Account', {})", "import sys\nsys.exit(3)", "assert False"]
)
def test_t16_a_script_that_fails_keeps_nothing_of_what_it_saved(make_place, end):
    place = make_place()

    result, _sink = place.run(f'CircuitDB.insert("Account", {{"name": "A"}})\n{end}', commit=True)

    assert (result.outcome, result.committed, place.count("Account")) == ("error", False, 0)


def test_t16_a_failed_assertion_of_a_trigger_ends_the_run_whatever_the_script_catches(make_place):
    trigger = (
        "from circuitos import CircuitTrigger, trigger\n"
        "class Strict(CircuitTrigger):\n"
        '    @trigger("Contact", ["afterInsert"])\n'
        "    def handle(self, context):\n"
        "        assert context.size > 1, 'one alone'\n"
    )
    place = make_place(files={"triggers/strict.py": trigger})
    script = (
        'CircuitDB.insert("Account", {"name": "A"})\n'
        "try:\n"
        '    CircuitDB.insert("Contact", {"last_name": "A"}, all_or_none=False)\n'
        "except:\n"
        "    pass\n"
        "finally:\n"
        "    try:\n"
        '        CircuitDB.insert("Account", {"name": "B"})\n'
        "    except BaseException:\n"
        "        pass\n"
    )

    result, sink = place.run(script, commit=True)

    assert (result.outcome, result.committed, place.count("Account")) == ("error", False, 0)
    assert (result.error.type, result.error.message.splitlines()[0]) == ("AssertionError", "one alone")
    assert (result.error.file, result.error.line) == ("triggers/strict.py", 5)
    assert [event.type_name for event in sink.events if isinstance(event, ev.ExceptionThrown)] == [
        "AssertionError"
    ]


def test_t16_a_trigger_that_fails_undoes_the_whole_transaction_if_nobody_catches_it(make_place):
    trigger = (
        "from circuitos import CircuitTrigger, trigger\n"
        "class Broken(CircuitTrigger):\n"
        '    @trigger("Contact", ["afterInsert"])\n'
        "    def handle(self, context):\n"
        "        raise ValueError('broken')\n"
    )
    place = make_place(files={"triggers/broken.py": trigger})
    first = 'CircuitDB.insert("Account", {"name": "A"})\n'
    second = 'CircuitDB.insert("Contact", [{"last_name": "A"}, {"last_name": "B"}])'

    uncaught, _sink = place.run(first + second, commit=True)
    after_uncaught = place.count("Account")
    caught, _sink = place.run(f"{first}try:\n    {second}\nexcept DmlException:\n    pass", commit=True)

    assert (uncaught.outcome, uncaught.error.type, after_uncaught) == ("error", "DmlException", 0)
    assert "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" in uncaught.error.message
    assert (caught.outcome, place.count("Account"), place.count("Contact")) == ("success", 1, 0)


def test_d10_for_update_keeps_a_second_worker_waiting_until_the_commit(make_place):
    place = make_place()
    place.run('CircuitDB.insert("Account", {"name": "A", "number_of_employees": 0})', commit=True)
    add_one = (
        'account = CircuitDB.query_one("SELECT id, number_of_employees FROM Account FOR UPDATE")\n'
        'print("locked")\n'
        "import time\ntime.sleep({pause})\n"
        'CircuitDB.update("Account", {{"id": account.id, "number_of_employees": account.number_of_employees + 1}})'
    )
    locked = threading.Event()
    running = threading.Thread(
        target=lambda: place.run(add_one.format(pause=0.4), commit=True, on_output=lambda _text: locked.set())
    )

    running.start()
    assert locked.wait(30)
    result, _sink = place.run(add_one.format(pause=0), commit=True)
    running.join()

    _result, sink = place.run(
        'print(CircuitDB.query_one("SELECT number_of_employees FROM Account").number_of_employees)'
    )
    assert (result.outcome, sink.stdout.strip()) == ("success", "2")


def test_a_unique_value_that_another_transaction_saves_meanwhile_is_a_duplicate(make_place, postgresql_database):
    place = make_place(address=postgresql_database())
    saved = threading.Event()
    first = (
        'CircuitDB.insert("Contact", {"last_name": "A", "ghl_id": "x"})\n'
        'print("saved")\nimport time\ntime.sleep(0.4)'
    )
    second = (
        'CircuitDB.insert("Account", {"name": "kept"})\n'
        'try:\n    CircuitDB.insert("Contact", {"last_name": "B", "ghl_id": "x"})\n'
        "except DmlException as error:\n    print(error)"
    )
    running = threading.Thread(target=lambda: place.run(first, commit=True, on_output=lambda _text: saved.set()))

    running.start()
    assert saved.wait(30)
    result, sink = place.run(second, commit=True)
    running.join()

    assert "DUPLICATE_VALUE, duplicate value found: ghl_id" in sink.stdout
    assert (result.outcome, place.count("Contact"), place.count("Account")) == ("success", 1, 1)


@pytest.mark.parametrize("settings", [CIRCUIT, APEX], ids=["circuit", "apex"])
def test_d10_a_callout_gives_locks_back_and_the_log_says_so(make_place, settings):
    place = make_place(settings)
    place.run('CircuitDB.insert("Account", {"name": "A"})', commit=True)
    others: list[str] = []

    def save_another(event):
        if isinstance(event, ev.CalloutResponse):
            result, _sink = place.run('CircuitDB.insert("Account", {"name": "B"})', commit=True)
            others.append(result.outcome)

    script = f'CircuitDB.query("SELECT id FROM Account FOR UPDATE")\n{CALLOUT}'
    result, sink = place.run(script, on_event=save_another)

    assert (result.outcome, others) == ("success", ["success"])
    assert "|FOR_UPDATE_LOCKS_RELEASE|[3]\n" in sink.log()


def test_d10_locks_are_kept_over_a_callout_when_something_is_uncommitted(make_place):
    place = make_place(CIRCUIT)
    script = (
        'CircuitDB.insert("Account", {"name": "A"})\n'
        'CircuitDB.query("SELECT id FROM Account FOR UPDATE")\n'
        f"{CALLOUT}"
    )

    result, sink = place.run(script, commit=True)

    assert (result.outcome, place.count("Account")) == ("success", 1)
    log = sink.log()
    assert "FOR_UPDATE_LOCKS_RELEASE" not in log
    assert "stay locked during this callout" in log


def test_c01_c02_apex_refuses_callouts_over_uncommitted_work_and_open_savepoints(make_place):
    place = make_place(APEX)
    script = (
        "def attempt():\n"
        f"    try:\n        return {CALLOUT}.status_code\n"
        "    except CalloutException as error:\n        return str(error)\n"
        "print(attempt())\n"
        "point = CircuitDB.savepoint()\n"
        "print(attempt())\n"
        'CircuitDB.insert("Account", {"name": "A"})\n'
        "print(attempt())\n"
        "CircuitDB.rollback(point)\n"
        "print(attempt())\n"
        "CircuitDB.release(point)\n"
        "print(attempt())\n"
        'CircuitDB.insert("Account", {"name": "A"})\n'
        "print(attempt())\n"
    )

    _result, sink = place.run(script)

    savepoints = "All active Savepoints must be released before making callouts."
    uncommitted = "You have uncommitted work pending. Please commit or rollback before calling out."
    assert sink.stdout.splitlines() == ["200", savepoints, savepoints, savepoints, "200", uncommitted]


def test_c01_the_profile_circuit_lets_a_callout_follow_dml(make_place):
    place = make_place(CIRCUIT)

    result, _sink = place.run(
        f'CircuitDB.savepoint()\nCircuitDB.insert("Account", {{"name": "A"}})\n{CALLOUT}', commit=True
    )

    assert (result.outcome, result.limits["callouts"], place.count("Account")) == ("success", (1, 50), 1)


@pytest.mark.parametrize(
    "call",
    [
        "CircuitTest.start_test()",
        "CircuitTest.stop_test()",
        'CircuitTest.run_as({"profile": "Any"}).__enter__()',
        "CircuitTest.set_http_mock({})",
        'CircuitTest.create("Account", name="A")',
    ],
)
def test_u05_helpers_of_tests_are_refused_outside_of_tests(make_place, call):
    place = make_place()

    result, _sink = place.run(f"from circuitos.testing import CircuitTest\n{call}", commit=True)

    assert (result.outcome, result.error.type) == ("error", "CircuitException")
    assert "tests only" in result.error.message
    assert place.count("Account") == 0


def test_t17_the_profile_circuit_lets_a_trigger_call_out_and_counts_it(make_place):
    trigger = (
        "from circuitos import CircuitHTTP, CircuitTrigger, trigger\n"
        "class Calls(CircuitTrigger):\n"
        '    @trigger("Contact", ["afterInsert"])\n'
        "    def handle(self, context):\n"
        f"        {CALLOUT}\n"
    )
    insert = 'CircuitDB.insert("Contact", {"last_name": "A"})'
    circuit = make_place(CIRCUIT, {"triggers/calls.py": trigger})
    apex = make_place(APEX, {"triggers/calls.py": trigger})

    allowed, _sink = circuit.run(insert, commit=True)
    refused, _sink = apex.run(insert, commit=True)

    assert (allowed.outcome, allowed.limits["callouts"], circuit.count("Contact")) == ("success", (1, 50), 1)
    assert (refused.outcome, refused.limits["callouts"], apex.count("Contact")) == ("error", (0, 100), 0)
    assert "Callout from triggers are currently not supported." in refused.error.message
