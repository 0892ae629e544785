"""Breakpoints over the protocol: where they stand, when they stop, what they print."""

import pytest

LOOP = """\
total = 0
for number in range(10):
    square = number * number
    total += square

print(total)
"""
CALLS = """\
def outer(number):
    doubled = inner(number) + 1
    return doubled


def inner(number):
    return number * 2


outer(1)
outer(2)
print("done")
"""


def test_G01_script_stops_at_a_line_and_goes_on_to_its_end(debug, client):
    (answer,) = debug(LOOP, 6)
    assert answer["verified"]
    assert answer["line"] == 6

    stop = client.stopped("breakpoint")

    assert client.place() == ("script.py", 6)
    assert client.variables()["total"]["value"] == "285"
    assert stop["hitBreakpointIds"] == [answer["id"]]
    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "285\n"


def test_G02_condition_decides_on_each_pass(debug, client):
    debug(LOOP, {"line": 4, "condition": "number == 7"})

    client.stopped("breakpoint")

    assert client.variables()["number"]["value"] == "7"
    client.resume()
    assert client.finish() == 0


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [("3", [2]), ("== 3", [2]), (">=9", [8, 9]), (">9", [9]), ("<3", [0, 1]), ("<=2", [0, 1]), ("%5", [4, 9])],
)
def test_G02_hit_condition_counts_the_passes(debug, client, condition, numbers):
    debug(LOOP, {"line": 3, "hitCondition": condition})

    for number in numbers:
        client.stopped("breakpoint")
        assert client.variables()["number"]["value"] == str(number)
        client.resume()

    assert client.finish() == 0


def test_G02_hit_condition_counts_only_passes_on_which_the_condition_holds(debug, client):
    debug(LOOP, {"line": 3, "condition": "number % 2", "hitCondition": "3"})

    client.stopped("breakpoint")

    assert client.variables()["number"]["value"] == "5"


def test_hit_count_stays_when_the_client_sends_the_same_breakpoint_again(debug, client, script):
    debug(LOOP, {"line": 3, "hitCondition": "4"}, {"line": 2, "hitCondition": "2"})
    client.stopped("breakpoint")
    path = client.stack()[0]["source"]["path"]

    client.set_breakpoints(path, [{"line": 3, "hitCondition": "4"}])
    client.resume()

    client.stopped("breakpoint")
    assert client.variables()["number"]["value"] == "3"


def test_G02_logpoint_prints_and_does_not_stop(debug, client):
    debug(LOOP, {"line": 4, "logMessage": "{number}² is {square:>3}, {{literally}}", "condition": "number > 7"})

    assert client.finish() == 0
    told = [line for line in client.output().splitlines() if "literally" in line]
    assert told == ["8² is  64, {literally}", "9² is  81, {literally}"]


def test_logpoint_fills_in_expressions(debug, client):
    debug(LOOP, {"line": 4, "logMessage": "{number} {[n for n in range(number)]} {{x}}", "hitCondition": "3"})

    assert client.finish() == 0
    assert "2 [0, 1] {x}\n" in client.output()


def test_G02_function_breakpoint_stops_at_the_first_line_of_each_call(client, script, engine):
    path = script(CALLS)
    client.launch(program=str(path), functions=["inner"], engine=engine)

    for number in ("1", "2"):
        client.stopped("function breakpoint")
        assert client.place() == ("script.py", 7)
        assert client.variables()["number"]["value"] == number
        client.resume()

    assert client.finish() == 0


def test_function_breakpoint_on_a_method_takes_a_condition(client, server, script, engine):
    path = script(
        "from classes.maths import Counter\ncounter = Counter(1)\nfor n in range(5):\n    counter.add(n)\n"
    )
    launching = client.send("launch", {"program": str(path), "engine": engine})
    client.event("initialized")

    (answer, unknown) = client.request(
        "setFunctionBreakpoints",
        breakpoints=[{"name": "Counter.add", "condition": "number == 3"}, {"name": "no_such_function"}],
    )["breakpoints"]
    client.request("configurationDone")
    client.answer(launching)

    assert answer["verified"]
    assert not unknown["verified"]
    assert "no_such_function" in unknown["message"]
    client.stopped("function breakpoint")
    assert client.variables()["number"]["value"] == "3"
    assert client.stack()[0]["name"] == "Counter.add"


def test_breakpoint_on_a_blank_line_slides_and_says_so(debug, client):
    (answer,) = debug(LOOP, 5)

    assert answer["verified"]
    assert answer["line"] == 6
    assert "moved" in answer["message"]


def test_breakpoint_behind_the_last_line_stays_unverified_with_a_reason(debug, client):
    (answer,) = debug(LOOP, 60)

    assert not answer["verified"]
    assert "last line" in answer["message"]
    assert client.finish() == 0


def test_breakpoint_in_a_file_that_is_not_there_stays_unverified(debug, client, tmp_path):
    debug(LOOP, 6)
    client.stopped("breakpoint")

    (answer,) = client.set_breakpoints(tmp_path / "none.py", [1])

    assert not answer["verified"]
    assert "cannot be read" in answer["message"]


def test_breakpoint_in_a_file_that_no_run_loads_stays_unverified(debug, client, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    debug(LOOP, 6)
    client.stopped("breakpoint")

    (answer,) = client.set_breakpoints(other, [1])

    assert not answer["verified"]
    assert "no script of this project" in answer["message"]


@pytest.mark.parametrize(
    ("point", "reason"),
    [({"condition": "number ="}, "no expression"), ({"hitCondition": "often"}, "no hit condition")],
)
def test_breakpoint_with_a_condition_that_cannot_be_evaluated_is_refused_with_a_reason(
    debug, client, point, reason
):
    (answer,) = debug(LOOP, {"line": 3, **point})

    assert not answer["verified"]
    assert reason in answer["message"]
    assert client.finish() == 0


def test_condition_that_raises_is_told_and_does_not_stop(debug, client):
    debug(LOOP, {"line": 6, "condition": "no_such_name"})

    assert client.finish() == 0
    assert "no_such_name" in client.output("stderr")


def test_condition_that_would_change_data_is_refused(debug, client):
    text = "from circuitos import CircuitDB\nx = 1\nprint(CircuitDB.count('SELECT COUNT() FROM Area'))\n"
    debug(text, {"line": 3, "condition": "CircuitDB.insert('Area', {'zip': '1'})"})

    assert client.finish() == 0
    assert "must not do unasked" in client.output("stderr")
    assert client.output("stdout") == "0\n"


def test_breakpoint_set_while_a_loop_runs_is_noticed_in_it(debug, client):
    debug("import time\nwhile True:\n    x = 1\n    y = 2\n", 1)
    client.stopped("breakpoint")
    path = client.stack()[0]["source"]["path"]
    client.resume()

    client.set_breakpoints(path, [4])

    client.stopped("breakpoint")
    assert client.place() == ("script.py", 4)
    client.set_breakpoints(path, [])
    client.resume()
    client.request("pause", threadId=1)
    client.stopped("pause")


def test_breakpoint_locations_are_the_lines_that_run(client, script):
    path = script(LOOP)

    found = client.request("breakpointLocations", source={"path": str(path)}, line=1, endLine=6)

    assert [place["line"] for place in found["breakpoints"]] == [1, 2, 3, 4, 6]


def test_breakpoint_in_a_trigger_stops_below_the_statement_that_caused_it(client, server, script, engine):
    path = script('from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "1", "income": 2})\n')
    trigger = server.root / "triggers/area_trigger.py"
    client.launch({trigger: [8]}, program=str(path), engine=engine)

    client.stopped("breakpoint")

    frames = client.stack()
    assert [frame["name"] for frame in frames] == [
        "AreaTrigger.double",
        "Area beforeInsert · 1 record",
        "<module>",
    ]
    assert frames[1]["presentationHint"] == "label"
    assert frames[2]["line"] == 2
    assert "context" in client.variables()


def test_G01_breakpoint_in_a_test_stops_it(client, server, engine):
    path = server.root / "tests/test_areas.py"
    client.launch({path: [11]}, test="tests/test_areas.py::Areas::doubled", engine=engine)

    client.stopped("breakpoint")

    assert client.stack()[0]["name"] == "Areas.doubled"
    client.resume()
    assert client.finish() == 0


def test_program_that_lies_outside_the_project_uses_its_classes(client, server, script, engine):
    path = script("from classes.maths import double\nprint(double(21))\n")
    client.launch({server.root / "classes/maths.py": [2]}, program=str(path), engine=engine)

    client.stopped("breakpoint")

    assert [(frame["name"], frame["line"]) for frame in client.stack()] == [("double", 2), ("<module>", 2)]
    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "42\n"


def test_logpoints_and_prints_come_in_the_order_in_which_they_were_passed(debug, client):
    debug(
        'for number in range(50):\n    print("printed", number)\n    x = 1\n',
        {"line": 3, "logMessage": "{number}"},
    )

    assert client.finish() == 0
    assert client.output() == "".join(f"printed {number}\n{number}\n" for number in range(50))


def test_what_was_printed_comes_before_the_stop_behind_it(debug, client):
    debug('import sys\nprint("out")\nprint("err", file=sys.stderr)\nx = 1\n', 4)

    client.stopped("breakpoint")

    assert client.output() == "out\nerr\n"


def test_condition_that_keeps_failing_is_told_once(debug, client):
    debug(LOOP, {"line": 3, "condition": "missing > 1"})

    assert client.finish() == 0
    assert client.output("stderr").count("missing") == 1


@pytest.mark.parametrize("condition", ["0", "== 0", "%0"])
def test_hit_condition_that_can_never_hold_is_refused_with_a_reason(debug, client, condition):
    answers = debug(LOOP, {"line": 3, "hitCondition": condition})

    assert not answers[0]["verified"]
    assert "no pass" in answers[0]["message"]


def test_logpoint_whose_text_cannot_be_compiled_says_so_and_harms_nothing(debug, client):
    debug(LOOP, {"line": 4, "logMessage": "{number +} {\0}"}, 6)

    client.stopped("breakpoint")

    assert "SyntaxError" in client.output("stderr")
