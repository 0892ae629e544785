"""Stepping over the protocol, through everything that Python has for calls and suspended code."""

import pytest

CALLS = """\
def outer(number):
    doubled = inner(number) + helper(inner(1))
    return doubled


def inner(number):
    return number * 2


def helper(number):
    return -number


x = outer(1)
y = 2
"""


def lines(client, command, count):
    return [client.step(command)[1] for _ in range(count)]


def test_G01_step_over_passes_calls_and_comes_back_to_the_caller(debug, client):
    debug(CALLS, 2)
    client.stopped("breakpoint")

    assert lines(client, "next", 3) == [3, 14, 15]


def test_G01_step_into_enters_each_call(debug, client):
    debug(CALLS, 2)
    client.stopped("breakpoint")

    assert lines(client, "stepIn", 7) == [7, 2, 7, 2, 11, 2, 3]


def test_G01_step_out_ends_in_the_statement_of_the_caller(debug, client):
    debug(CALLS, 7)
    client.stopped("breakpoint")
    path = client.stack()[0]["source"]["path"]
    client.set_breakpoints(path, [])

    assert lines(client, "stepOut", 2) == [2, 14]
    assert client.step("next") == ("script.py", 15)


def test_step_over_a_return_that_calls_ends_in_the_caller(debug, client):
    debug("def f(n):\n    return g(n)\n\n\ndef g(n):\n    return n\n\n\nprint(f(1))\n", 2)
    client.stopped("breakpoint")

    assert client.step("next") == ("script.py", 9)
    assert client.stack()[0]["name"] == "<module>"


def test_G01_step_into_target_enters_the_function_that_was_chosen(debug, client):
    debug(CALLS, 2)
    client.stopped("breakpoint")
    targets = client.request("stepInTargets", frameId=client.stack()[0]["id"])["targets"]
    assert [target["label"] for target in targets] == ["inner(…)", "inner(…)", "helper(…)"]

    place = client.step("stepIn", targetId=targets[2]["id"])

    assert place == ("script.py", 11)


def test_step_over_a_recursive_call_stays_in_its_frame(debug, client):
    debug(
        "def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n\n\nprint(fib(10))\n", 4
    )
    client.stopped("breakpoint")
    path = client.stack()[0]["source"]["path"]
    client.set_breakpoints(path, [])

    assert client.step("next") == ("script.py", 7)


def test_step_over_a_breakpoint_in_the_call_stops_there(debug, client):
    debug(CALLS, 14, 11)
    client.stopped("breakpoint")

    client.request("next", threadId=1)

    client.stopped("breakpoint")
    assert client.place() == ("script.py", 11)


GENERATOR = """\
def numbers():
    for n in range(2):
        yield n
    done = True


total = 0
for n in numbers():
    total += n
print(total)
"""


def test_generators_are_stepped_through_as_calls(debug, client):
    debug(GENERATOR, 8)
    client.stopped("breakpoint")
    client.set_breakpoints(client.stack()[0]["source"]["path"], [])

    assert lines(client, "stepIn", 6) == [2, 3, 9, 8, 2, 3]


def test_step_over_a_yield_goes_to_the_consumer(debug, client):
    debug(GENERATOR, 3)
    client.stopped("breakpoint")
    client.set_breakpoints(client.stack()[0]["source"]["path"], [])

    assert lines(client, "next", 2) == [9, 8]


COROUTINES = """\
import asyncio


async def work(n):
    await asyncio.sleep(0)
    return n


async def main():
    one = await work(1)
    two = await work(2)
    return one + two


print(asyncio.run(main()))
"""


def test_step_over_an_await_stays_in_the_coroutine(debug, client):
    debug(COROUTINES, 10)
    client.stopped("breakpoint")

    assert lines(client, "next", 2) == [11, 12]


def test_step_into_an_await_enters_the_coroutine(debug, client):
    debug(COROUTINES, 10)
    client.stopped("breakpoint")

    assert lines(client, "stepIn", 3) == [5, 6, 11]


OTHERS = """\
def logged(function):
    def wrapper(*args):
        return function(*args)
    return wrapper


@logged
def double(n):
    return n * 2


class Doubler:
    factor = 2
    names = [name for name in ("a", "b")]

    def run(self, n):
        def inner():
            return n * self.factor
        return inner()


x = double(4)
y = [double(n)
     for n in range(2)]
z = Doubler().run(3)
w = (lambda n:
     n + 1)(1)
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (3, "logged.wrapper"),
        (9, "double"),
        (13, "Doubler"),
        (14, "Doubler"),
        (18, "Doubler.run.inner"),
        (23, "<listcomp>"),
        (27, "<lambda>"),
    ],
)
def test_breakpoint_stops_in_every_kind_of_block(debug, client, line, name):
    debug(OTHERS, line)

    client.stopped("breakpoint")
    frames = client.stack()
    while frames[0]["name"] != name:
        # The module passes the line on its way to the block.
        client.resume()
        client.stopped("breakpoint")
        frames = client.stack()

    assert (frames[0]["name"], frames[0]["line"]) == (name, line)


def test_step_into_a_decorated_function_goes_through_its_wrapper(debug, client):
    debug(OTHERS, 22)
    client.stopped("breakpoint")

    assert lines(client, "stepIn", 5) == [3, 9, 3, 22, 23]


def test_step_over_an_exception_goes_to_its_handler(debug, client):
    text = "try:\n    int('x')\n    a = 1\nexcept ValueError:\n    b = 2\nc = 3\n"
    debug(text, 2)
    client.stopped("breakpoint")

    assert lines(client, "next", 3) == [4, 5, 6]


def test_step_into_a_dml_statement_enters_the_trigger(client, script, engine):
    path = script('from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "1", "income": 2})\nx = 1\n')
    client.launch({path: [2]}, program=str(path), engine=engine)
    client.stopped("breakpoint")

    assert client.step("stepIn")[0] == "area_trigger.py"

    client.step("stepOut")
    assert client.place() == ("script.py", 3)


def test_step_into_stays_in_my_code(debug, client):
    debug("import textwrap\nx = textwrap.dedent(' a')\ny = 1\n", 2)
    client.stopped("breakpoint")

    assert client.step("stepIn") == ("script.py", 3)


def test_step_into_a_library_when_not_only_my_code_counts(debug, client):
    debug("import textwrap\nx = textwrap.dedent(' a')\ny = 1\n", 2, justMyCode=False)
    client.stopped("breakpoint")

    assert client.step("stepIn")[0] == "textwrap.py"

    assert client.step("stepOut") == ("script.py", 2)


def test_G01_next_statement_can_be_set(debug, client):
    debug("x = 1\ny = 2\nz = 3\nprint(x, y, z)\n", 3)
    client.stopped("breakpoint")
    source = client.stack()[0]["source"]
    client.request("setExpression", expression="x", value="10", frameId=client.stack()[0]["id"])
    client.request("setExpression", expression="y", value="20", frameId=client.stack()[0]["id"])

    (target,) = client.request("gotoTargets", source=source, line=2)["targets"]
    client.request("goto", threadId=1, targetId=target["id"])

    client.stopped("goto")
    assert client.place() == ("script.py", 2)
    client.resume()
    client.stopped("breakpoint")
    client.resume()
    assert client.finish() == 0
    assert client.output("stdout") == "10 2 3\n"


def test_line_that_one_was_sent_to_is_not_stopped_at_again_by_its_breakpoint(debug, client):
    debug("x = 1\ny = 2\nz = 3\nprint(x)\n", 2, 3)
    client.stopped("breakpoint")
    client.resume()
    client.stopped("breakpoint")
    source = client.stack()[0]["source"]

    (target,) = client.request("gotoTargets", source=source, line=2)["targets"]
    client.request("goto", threadId=1, targetId=target["id"])
    client.stopped("goto")
    client.resume()

    client.stopped("breakpoint")
    assert client.place() == ("script.py", 3)


def test_next_statement_cannot_be_set_outside_the_function(debug, client):
    debug(CALLS, 7)
    client.stopped("breakpoint")
    source = client.stack()[0]["source"]

    assert client.request("gotoTargets", source=source, line=15)["targets"] == []


def test_G01_frame_can_be_restarted(debug, client):
    debug("def f(n):\n    n += 1\n    n += 1\n    return n\n\n\nprint(f(1))\n", 4)
    client.stopped("breakpoint")
    frame = client.stack()[0]
    assert frame["canRestart"]

    client.request("restartFrame", frameId=frame["id"])

    client.stopped("restart")
    assert client.place() == ("script.py", 2)
    client.resume()
    client.stopped("breakpoint")
    assert client.variables()["n"]["value"] == "5"


def test_G01_run_to_cursor_is_a_breakpoint_that_goes_away(debug, client):
    debug(CALLS, 2)
    client.stopped("breakpoint")
    path = client.stack()[0]["source"]["path"]

    client.set_breakpoints(path, [11])
    client.resume()

    client.stopped("breakpoint")
    assert client.place() == ("script.py", 11)


def test_stop_on_entry_stands_at_the_first_statement(debug, client):
    debug("x = 1\ny = 2\n", stopOnEntry=True)

    client.stopped("entry")

    assert client.place() == ("script.py", 1)
    assert client.step("next") == ("script.py", 2)


def test_pause_stops_a_loop_that_is_one_jump_to_itself(debug, client):
    debug("print('begun')\nwhile True: pass\n")
    client.event("output")

    client.request("pause", threadId=1)

    client.stopped("pause")
    assert client.stack()[0]["line"] == 2


def test_pause_stops_a_loop(debug, client):
    debug("n = 0\nprint('begun')\nwhile True:\n    n += 1\n")
    client.event("output")

    client.request("pause", threadId=1)

    client.stopped("pause")
    assert int(client.variables()["n"]["value"]) >= 0
