"""Looking at values, and changing them, over the protocol."""

import pytest

VALUES = """\
import datetime
from decimal import Decimal


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    @property
    def total(self):
        print("read")
        return self.x + self.y


def look(number, text):
    items = list(range(250))
    table = {"a": 1, 2: [3]}
    point = Point(1, 2)
    price = Decimal("1.50")
    big = "x" * 5000
    return items


look(255, "héllo")
print("end")
"""
LAST = 22


@pytest.fixture
def stopped(debug, client):
    debug(VALUES, LAST)
    client.stopped("breakpoint")
    return client


def test_G03_variables_have_values_types_and_sizes(stopped):
    found = stopped.variables()

    assert {
        name: (one["value"], one["type"]) for name, one in found.items() if name in ("number", "text", "price")
    } == {
        "number": ("255", "int"),
        "text": ("'héllo'", "str"),
        "price": ("Decimal('1.50')", "Decimal"),
    }
    assert found["items"]["sizeBytes"] > 250 * 8
    assert found["items"]["indexedVariables"] == 250
    assert found["point"]["namedVariables"] == 2
    assert len(found["big"]["value"]) < 1200


def test_G03_list_comes_in_the_pages_that_are_asked_for(stopped):
    items = stopped.variables()["items"]["variablesReference"]

    page = stopped.variables(items, filter="indexed", start=100, count=3)

    assert [(name, one["value"]) for name, one in page.items()] == [
        ("[100]", "100"),
        ("[101]", "101"),
        ("[102]", "102"),
    ]
    assert page["[101]"]["evaluateName"] == "items[101]"


def test_G03_list_of_a_million_items_is_shown_at_once(debug, client):
    debug("items = list(range(1_000_000))\nprint(len(items))\n", 2)
    client.stopped("breakpoint")

    items = client.variables()["items"]

    assert items["indexedVariables"] == 1_000_000
    page = client.variables(items["variablesReference"], filter="indexed", start=999_999, count=10)
    assert [one["value"] for one in page.values()] == ["999999"]


def test_G03_objects_show_their_attributes_and_read_no_property(stopped):
    point = stopped.variables()["point"]["variablesReference"]

    assert {name: one["value"] for name, one in stopped.variables(point).items()} == {"x": "1", "y": "2"}
    assert stopped.output("stdout") == ""


def test_integers_are_shown_in_hexadecimal_where_that_is_wished(stopped):
    locals_reference = stopped.scope()["variablesReference"]

    assert stopped.variables(locals_reference, format={"hex": True})["number"]["value"] == "0xff"
    assert stopped.evaluate("number + 1", format={"hex": True})["result"] == "0x100"


def test_variable_can_be_set(stopped):
    reference = stopped.scope()["variablesReference"]

    answer = stopped.request("setVariable", variablesReference=reference, name="number", value="number * 2")

    assert answer["value"] == "510"
    assert stopped.evaluate("number")["result"] == "510"


def test_children_can_be_set(stopped):
    found = stopped.variables()
    for name, child, value in (("items", "[3]", "'new'"), ("table", "'a'", "10"), ("point", "x", "7")):
        reference = found[name]["variablesReference"]
        stopped.request("setVariable", variablesReference=reference, name=child, value=value)

    assert stopped.evaluate("[items[3], table['a'], point.x]")["result"] == "['new', 10, 7]"


def test_expression_can_be_set(stopped):
    frame = stopped.stack()[0]["id"]

    stopped.request("setExpression", expression="point.y", value="40 + 2", frameId=frame)

    assert stopped.evaluate("point.y")["result"] == "42"


def test_changed_variable_is_what_the_script_goes_on_with(debug, client):
    debug("def f():\n    x = 1\n    print(x)\n\n\nf()\n", 3)
    client.stopped("breakpoint")

    client.request("setVariable", variablesReference=client.scope()["variablesReference"], name="x", value="9")
    client.resume()

    assert client.finish() == 0
    assert client.output("stdout") == "9\n"


def test_value_can_be_set_in_a_caller_too(debug, client):
    debug("def f():\n    x = 1\n    g()\n    print(x)\n\n\ndef g():\n    pass\n\n\nf()\n", 8)
    client.stopped("breakpoint")
    caller = client.stack()[1]

    client.request(
        "setVariable", variablesReference=client.scope(caller)["variablesReference"], name="x", value="5"
    )
    client.resume()

    assert client.finish() == 0
    assert client.output("stdout") == "5\n"


@pytest.mark.parametrize("context", ["watch", "hover", "repl"])
def test_G03_expression_is_evaluated_in_the_frame(stopped, context):
    answer = stopped.evaluate("[n + number for n in items[:2]]", context)

    assert answer["result"] == "[255, 256]"
    assert answer["type"] == "list"


def test_console_runs_statements_that_assign(stopped):
    stopped.evaluate("number = 3; other = number + 1", "repl")

    assert stopped.evaluate("(number, other)", "repl")["result"] == "(3, 4)"


def test_watch_runs_no_statement(stopped):
    frame = stopped.stack()[0]["id"]

    refusal = stopped.refusal("evaluate", expression="number = 3", frameId=frame, context="watch")

    assert "SyntaxError" in refusal["message"]


def test_clipboard_gets_the_whole_value(stopped):
    assert len(stopped.evaluate("big", "clipboard")["result"]) == 5002


def test_clipboard_gets_every_item_of_a_container(stopped):
    assert stopped.evaluate("items", "clipboard")["result"] == repr(list(range(250)))
    assert stopped.evaluate("{'a': ['x' * 2000, {(1,): ()}]}", "clipboard")["result"] == repr(
        {"a": ["x" * 2000, {(1,): ()}]}
    )


def test_clipboard_ends_at_a_container_that_holds_itself(stopped):
    stopped.evaluate("items[:] = [1, items]", "repl")

    assert stopped.evaluate("items", "clipboard")["result"] == "[1, [… 2 items]]"


def test_stack_of_a_thread_that_is_not_there_is_refused(stopped):
    assert "no thread 42" in stopped.refusal("stackTrace", threadId=42)["message"]


def test_error_of_an_evaluation_is_told(stopped):
    refusal = stopped.refusal("evaluate", expression="1 / 0", frameId=stopped.stack()[0]["id"], context="watch")

    assert "ZeroDivisionError" in refusal["message"]


def test_completions_are_names_and_attributes(stopped):
    frame = stopped.stack()[0]["id"]

    def labels(text):
        answer = stopped.request("completions", frameId=frame, text=text, column=len(text) + 1)
        return {target["label"]: target.get("type") for target in answer["targets"]}

    assert labels("num") == {"number": "variable"}
    assert "Point" in labels("Po")
    assert labels("point.")["total"] == "property"
    assert "append" in labels("len(items.app")
    assert stopped.output("stdout") == ""


DML = """\
from circuitos import CircuitDB
x = 1
print(CircuitDB.count("SELECT COUNT() FROM Area"))
"""
ENDLESS = "sum(0 for _ in iter(int, 1))"
INSERT = "CircuitDB.insert('Area', {'zip': '1'})[0].success"


def test_G03_evaluation_that_would_change_data_is_refused(debug, client):
    debug(DML, 3)
    client.stopped("breakpoint")

    refusal = client.refusal("evaluate", expression=INSERT, frameId=client.stack()[0]["id"], context="repl")

    assert refusal["body"]["error"]["id"] == 1001
    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "0\n"


def test_G03_evaluation_that_changes_data_runs_when_it_is_confirmed(debug, client):
    debug(DML, 3)
    client.stopped("breakpoint")

    assert client.evaluate(INSERT, "repl", allowEffects=True)["result"] == "True"

    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "1\n"


def test_handles_of_an_earlier_stop_are_refused(stopped):
    frame = stopped.stack()[0]["id"]
    reference = stopped.scope()["variablesReference"]
    stopped.step("next")

    for command, arguments in (
        ("scopes", {"frameId": frame}),
        ("evaluate", {"expression": "1", "frameId": frame}),
        ("variables", {"variablesReference": reference}),
    ):
        assert "earlier stop" in stopped.refusal(command, **arguments)["message"]


def test_questions_to_a_running_script_are_refused(debug, client):
    debug("print('begun')\nwhile True:\n    pass\n")
    client.event("output")

    assert client.refusal("stackTrace", threadId=1)["message"] == "notStopped"
    assert client.refusal("continue", threadId=1)["message"] == "notStopped"


def test_stack_comes_in_the_pages_that_are_asked_for(debug, client):
    debug("def f(n):\n    if n:\n        return f(n - 1)\n    return n\n\n\nf(20)\n", 4)
    client.stopped("breakpoint")

    answer = client.request("stackTrace", threadId=1, startFrame=2, levels=3)

    assert answer["totalFrames"] == 22
    assert len(answer["stackFrames"]) == 3
    assert client.variables(client.scope(answer["stackFrames"][0])["variablesReference"])["n"]["value"] == "2"


def test_evaluation_can_be_cancelled(debug, client):
    debug("x = 1\ny = 2\n", 2)
    client.stopped("breakpoint")
    frame = client.stack()[0]["id"]
    number = client.send("evaluate", {"expression": ENDLESS, "frameId": frame, "context": "watch"})

    client.request("cancel", requestId=number)

    assert client.response(number)["message"] == "cancelled"
    assert client.evaluate("x")["result"] == "1"


def test_evaluation_that_takes_too_long_ends(debug, client):
    debug("x = 1\ny = 2\n", 2)
    client.stopped("breakpoint")

    refusal = client.refusal("evaluate", expression=ENDLESS, frameId=client.stack()[0]["id"], context="hover")

    assert "longer than 5 s" in refusal["message"]


DERIVED = """\
import collections


class Strict(type):
    __hash__ = None

    def __getattribute__(cls, name):
        raise RuntimeError("asked")

    def __eq__(cls, other):
        raise RuntimeError("compared")


class Odd(metaclass=Strict):
    pass


class Closed(list):
    def __len__(self):
        raise RuntimeError("counted")


class Disguised:
    __class__ = property(lambda self: print("asked"))


odd, closed, disguised = Odd(), Closed([1]), Disguised()
groups = collections.defaultdict(list, a=[1])
ordered = collections.OrderedDict(b=2)
queue = collections.deque([3])
pair = collections.namedtuple("Pair", "left right")(4, 5)
many = list(range(3000))
long = {"k" * 3_000_000: 1}
print("end")
"""


@pytest.fixture
def derived(debug, client):
    debug(DERIVED, DERIVED.count("\n"))
    client.stopped("breakpoint")
    return client


def test_values_are_shown_without_asking_their_classes(derived):
    found = derived.variables()

    assert [found[name]["value"] for name in ("odd", "closed", "disguised")] == [
        "<Odd>",
        "Closed([1])",
        "<Disguised>",
    ]
    assert derived.output() == ""


@pytest.mark.parametrize(
    ("name", "children"),
    [
        ("groups", {"'a'": "[1]"}),
        ("ordered", {"'b'": "2"}),
        ("queue", {"[0]": "3"}),
        ("pair", {"left": "4", "right": "5", "[0]": "4", "[1]": "5"}),
        ("closed", {"[0]": "1"}),
    ],
)
def test_G03_what_derives_from_a_container_shows_its_items(derived, name, children):
    reference = derived.variables()[name]["variablesReference"]

    assert {key: one["value"] for key, one in derived.variables(reference).items()} == children


def test_item_of_a_derived_container_can_be_set(derived):
    reference = derived.variables()["queue"]["variablesReference"]

    derived.request("setVariable", variablesReference=reference, name="[0]", value="30")

    assert derived.evaluate("queue[0]")["result"] == "30"


def test_client_that_knows_no_pages_gets_the_first_children_and_how_many_more(derived):
    reference = derived.variables()["many"]["variablesReference"]

    found = derived.request("variables", variablesReference=reference)["variables"]

    assert len(found) == 2001
    assert found[-1]["value"] == "1,000 more"


def test_answer_that_fits_no_frame_is_refused_and_the_script_stands_on(derived):
    reference = derived.variables()["many"]["variablesReference"]
    derived.evaluate("many.extend(['€' * 1000] * 5000)", context="repl")

    reason = derived.refusal("variables", variablesReference=reference, start=0, count=8000)["message"]

    assert "too much" in reason
    assert derived.evaluate("len(many)")["result"] == "8000"


def test_error_with_an_endless_text_is_cut(derived):
    frame = derived.stack()[0]["id"]

    reason = derived.refusal("evaluate", expression="[].index('x' * 20_000_000)", frameId=frame)

    assert len(reason["message"]) < 30_000


def test_label_in_the_stack_has_no_variables_and_says_so(client, server, script, engine):
    trigger = server.root / "triggers/area_trigger.py"
    path = script("from circuitos import CircuitDB\nCircuitDB.insert('Area', {'zip': '1', 'income': 1})\n")
    client.launch({trigger: [8]}, program=str(path), engine=engine)
    client.stopped("breakpoint")
    label = next(frame for frame in client.stack() if frame.get("presentationHint") == "label")

    assert "runtime" in client.refusal("scopes", frameId=label["id"])["message"]


@pytest.fixture
def with_data(debug, client):
    debug("from circuitos import CircuitDB, CircuitGovernor\nCircuitDB.insert('Area', {'zip': '1'})\nx = 1\n", 3)
    client.stopped("breakpoint")
    return client


QUERY = "CircuitDB.query('SELECT zip FROM Area')[0].zip"


def test_G03_query_that_is_typed_into_the_console_runs(with_data):
    assert with_data.evaluate(QUERY, context="repl")["result"] == "'1'"


def test_G03_query_is_not_sent_unasked(with_data):
    frame = with_data.stack()[0]["id"]

    refusal = with_data.refusal("evaluate", expression=QUERY, frameId=frame, context="watch")

    assert refusal["body"]["error"]["id"] == 1001
    assert with_data.evaluate("CircuitGovernor.get_usage('queries')")["result"] == "0"


def test_G04_usage_of_limits_can_be_watched(with_data):
    assert with_data.evaluate("CircuitGovernor.get_usage('dml_statements')", context="watch")["result"] == "1"


def test_G03_thread_that_an_evaluation_starts_changes_no_data_either(with_data):
    started = "import threading\nt = threading.Thread(target=lambda: CircuitDB.insert('Area', {'zip': '2'}))\n"

    with_data.evaluate(f"{started}t.start()\nt.join()", context="repl")

    assert with_data.evaluate("CircuitGovernor.get_usage('dml_statements')")["result"] == "1"
