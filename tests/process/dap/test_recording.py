"""Checkpoints, which capture without stopping, and walking through what was recorded."""

LOOP = """\
def work(n):
    doubled = n * 2
    return doubled


total = 0
for number in range(3):
    total += work(number)
print(total)
"""


def test_G07_checkpoint_captures_variables_and_limits_without_stopping(debug, client):
    debug(LOOP, {"line": 3, "checkpoint": True})

    assert client.finish() == 0
    captured = [event["body"] for event in client.events if event["event"] == "circuit/checkpoint"]
    assert [body["variables"][1]["value"] for body in captured] == ["0", "2", "4"]
    assert captured[0]["function"] == "work"
    assert captured[0]["line"] == 3
    assert captured[0]["variables"][1]["type"] == "int"
    assert "queries" in captured[0]["limits"]


def test_G07_checkpoint_captures_what_values_hold(debug, client):
    debug("rows = [{'a': [1, 2]}]\nprint(rows)\n", {"line": 2, "checkpoint": True})

    assert client.finish() == 0
    (body,) = (event["body"] for event in client.events if event["event"] == "circuit/checkpoint")
    (rows,) = body["variables"]
    assert rows["children"][0]["children"][0]["name"] == "'a'"


def test_checkpoint_has_conditions_as_any_breakpoint(debug, client):
    debug(LOOP, {"line": 3, "checkpoint": True, "condition": "n == 1"})

    assert client.finish() == 0
    assert len([event for event in client.events if event["event"] == "circuit/checkpoint"]) == 1


def test_finished_run_is_walked_backwards_and_forwards(debug, client):
    debug(LOOP, recordStatements=True)
    client.stopped()
    assert {"supportsStepBack": True} in [event["body"].get("capabilities") for event in client.events]
    assert client.place() == ("script.py", 9)
    assert client.variables()["total"]["value"] == "6"

    assert client.step("stepBack") == ("script.py", 7)
    assert client.step("stepBack") == ("script.py", 8)
    assert client.variables()["total"]["value"] == "2"
    assert client.step("stepIn") == ("script.py", 2)
    assert [frame["name"] for frame in client.stack()] == ["work", "<module>"]
    assert client.variables()["n"]["value"] == "2"
    assert client.step("stepOut") == ("script.py", 7)
    assert client.step("reverseContinue") == ("script.py", 1)

    client.resume()
    assert client.finish() == 0


def test_stopped_script_can_be_looked_back_at_and_goes_on(debug, client):
    debug(LOOP, 9, recordStatements=True)
    client.stopped("breakpoint")

    assert client.step("stepBack") == ("script.py", 7)
    assert client.step("next") == ("script.py", 9)
    assert client.evaluate("total + 1")["result"] == "7"

    client.set_breakpoints(client.stack()[0]["source"]["path"], [])
    client.resume()
    client.stopped("step")
    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "6\n"


def test_going_back_stops_at_breakpoints(debug, client):
    debug(LOOP, 2, {"line": 9}, recordStatements=True, replay=False)
    for _ in range(3):
        client.stopped("breakpoint")
        client.resume()
    client.stopped("breakpoint")

    assert client.step("reverseContinue") == ("script.py", 2)
    assert client.variables()["n"]["value"] == "2"
    assert client.step("reverseContinue") == ("script.py", 2)
    assert client.variables()["n"]["value"] == "1"


def test_recorded_moments_cannot_be_changed(debug, client):
    debug(LOOP, recordStatements=True)
    client.stopped()
    reference = client.scope()["variablesReference"]

    refusal = client.refusal("setVariable", variablesReference=reference, name="total", value="1")

    assert "recorded moment" in refusal["message"]
    assert client.variables()["total"]["presentationHint"] == {"attributes": ["readOnly"]}


def test_recording_keeps_the_last_statements_only(debug, client):
    debug("for n in range(1000):\n    x = n\n", recordStatements=50)
    client.stopped()

    client.step("reverseContinue")

    assert int(client.variables()["n"]["value"]) > 970


def test_run_that_records_nothing_cannot_be_looked_back_at(debug, client):
    debug(LOOP, 9)
    client.stopped("breakpoint")

    assert "recordStatements" in client.refusal("stepBack", threadId=1)["message"]


LARGE = "".join(f"    v{number} = [[chr(8364) * 900] * 20] * 20\n" for number in range(60))
LARGE = f"def fill():\n{LARGE}    return 1\n\n\nfill()\n"


def test_checkpoint_that_fits_no_frame_keeps_the_variables_without_their_children(debug, client):
    debug(LARGE, {"line": 62, "checkpoint": True})

    body = client.event("circuit/checkpoint")

    assert len(body["variables"]) == 60
    assert client.finish() == 0


def test_recorded_statements_that_fit_no_frame_come_in_several(debug, client):
    debug(LARGE, recordStatements=True)

    client.stopped("step")

    assert client.step("stepBack")[1] == 61


def test_recorded_container_is_shown_as_it_was(debug, client):
    debug(
        "rows = [{'a': [1]}]\nrows[0]['a'].append(2)\nrows[0]['b'] = rows\nrows.append(3)\n", recordStatements=True
    )
    client.stopped()

    seen = [client.variables()["rows"]["value"]]
    for _ in range(2):
        client.step("stepBack")
        seen.append(client.variables()["rows"]["value"])

    assert seen == ["[{'a': [… 2 items], 'b': [… 1 items]}]", "[{'a': [… 2 items]}]", "[{'a': [… 1 items]}]"]


def test_stack_of_recorded_statements_follows_calls_and_returns(debug, client):
    text = "def inner(n):\n    return n\ndef outer(n):\n    return inner(inner(n))\nx = outer(1)\ny = outer(x)\n"
    debug(text, recordStatements=True)

    client.stopped()

    assert [(frame["name"], frame["line"]) for frame in client.stack()] == [
        ("inner", 2),
        ("outer", 4),
        ("<module>", 6),
    ]
