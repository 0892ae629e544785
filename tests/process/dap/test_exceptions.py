"""Exception breakpoints over the protocol."""

CAUGHT = """\
def careful(text):
    try:
        return int(text)
    except ValueError:
        return None


careful("x")
print("end")
"""
CHAINED = """\
def fail():
    try:
        {}["key"]
    except KeyError as exc:
        raise RuntimeError("no key") from exc


fail()
"""
CALLBACK = """\
import contextlib, json


def default(item):
    raise LookupError(item)


with contextlib.suppress(LookupError):
    json.dumps([object()], default=default, indent=1)
print("end")
"""


def test_G02_raised_exception_stops_where_it_is_raised_though_it_is_caught(debug, client):
    debug(CAUGHT, exceptions=["raised"])

    stop = client.stopped("exception")

    assert client.place() == ("script.py", 3)
    assert stop["text"].startswith("ValueError: invalid literal")
    info = client.request("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["breakMode"]) == ("ValueError", "always")
    client.resume()
    assert client.finish() == 0


def test_raised_exceptions_stop_once_each(debug, client):
    debug(CHAINED, exceptions=["raised"])

    for kind, line in (("KeyError", 3), ("RuntimeError", 5)):
        client.stopped("exception")
        assert client.place() == ("script.py", line)
        assert client.request("exceptionInfo", threadId=1)["exceptionId"] == kind
        client.resume()

    assert client.finish() == 1


def test_raised_exceptions_of_a_library_stop_in_the_script(debug, client):
    debug("import json\ntry:\n    json.loads('{')\nexcept ValueError:\n    pass\n", exceptions=["raised"])

    client.stopped("exception")

    assert client.place() == ("script.py", 3)
    assert client.request("exceptionInfo", threadId=1)["exceptionId"] == "json.decoder.JSONDecodeError"


def test_G02_caught_exception_does_not_stop_as_uncaught(debug, client):
    debug(CAUGHT, exceptions=["uncaught"])

    assert client.finish() == 0
    assert client.output("stdout") == "end\n"


def test_G02_uncaught_exception_shows_the_stack_where_it_was_raised(debug, client):
    debug(CHAINED, exceptions=["uncaught"])

    client.stopped("exception")

    assert [(frame["name"], frame["line"]) for frame in client.stack()] == [("fail", 5), ("<module>", 8)]
    info = client.request("exceptionInfo", threadId=1)
    assert info["breakMode"] == "unhandled"
    assert info["description"] == "no key"
    assert info["details"]["innerException"][0]["typeName"] == "KeyError"
    assert 'raise RuntimeError("no key") from exc' in info["details"]["stackTrace"]
    assert "circuitos" not in info["details"]["stackTrace"]
    client.resume()
    assert client.finish() == 1
    assert "RuntimeError: no key" in client.output("stderr")


def test_frame_that_an_exception_has_ended_cannot_be_restarted(debug, client):
    debug(CHAINED, exceptions=["uncaught"])
    client.stopped("exception")

    assert "ended" in client.refusal("restartFrame", frameId=client.stack()[0]["id"])["message"]


def test_exception_that_leaves_the_script_for_a_library_stops_as_user_unhandled(debug, client):
    debug(CALLBACK, exceptions=["userUnhandled"])

    client.stopped("exception")

    assert client.place() == ("script.py", 5)
    assert client.request("exceptionInfo", threadId=1)["breakMode"] == "userUnhandled"
    client.resume()
    assert client.finish() == 0


def test_exception_that_stays_in_the_script_is_not_user_unhandled(debug, client):
    debug(CAUGHT, exceptions=["userUnhandled"])

    assert client.finish() == 0


def test_exception_filter_can_be_limited_to_types(client, script, engine):
    path = script(CHAINED)
    launching = client.send("launch", {"program": str(path), "engine": engine})
    client.event("initialized")

    client.request(
        "setExceptionBreakpoints", filters=[], filterOptions=[{"filterId": "raised", "condition": "RuntimeError"}]
    )
    client.request("configurationDone")
    client.answer(launching)

    client.stopped("exception")
    assert client.place() == ("script.py", 5)


def test_uncaught_exception_in_a_trigger_stops_there_with_the_statement_below(client, script, engine):
    path = script('from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "bad", "income": 2})\n')
    client.launch(program=str(path), engine=engine, exceptions=["uncaught"])

    client.stopped("exception")

    frames = client.stack()
    assert (frames[0]["name"], frames[0]["line"]) == ("AreaTrigger.double", 10)
    assert frames[-1]["line"] == 2
    client.resume()
    client.stopped("exception")
    assert client.request("exceptionInfo", threadId=1)["exceptionId"].endswith("DmlException")
    client.resume()
    assert client.finish() == 1


def test_end_of_a_generator_is_no_exception(debug, client):
    debug("def g():\n    yield 1\n\n\nprint(list(g()), next(iter([]), None))\n", exceptions=["raised"])

    assert client.finish() == 0


TWO_KINDS = """\
for kind in (KeyError, ValueError, TypeError):
    try:
        raise kind("x")
    except Exception:
        pass
"""


def kinds_stopped_at(client, script, engine, *options):
    """The types of the exceptions that a script stops for, with the given `exceptionOptions`."""
    path = script(TWO_KINDS)
    launching = client.send("launch", {"program": str(path), "engine": engine})
    client.event("initialized")
    category = {"names": ["Python Exceptions"]}
    wanted = [
        {"path": [category, *({"names": [name]} for name in names)], "breakMode": mode} for mode, *names in options
    ]
    client.request("setExceptionBreakpoints", filters=[], exceptionOptions=wanted)
    client.request("configurationDone")
    client.answer(launching)
    found = []
    while (event := client.next_of("stopped", "terminated"))["event"] == "stopped":
        found.append(event["body"]["text"].partition(":")[0])
        client.resume()
    return found


def test_exception_options_add_up(client, script, engine):
    found = kinds_stopped_at(client, script, engine, ("always", "KeyError"), ("always", "TypeError"))

    assert found == ["KeyError", "TypeError"]


def test_exception_options_can_leave_types_out(client, script, engine):
    assert kinds_stopped_at(client, script, engine, ("always",), ("never", "ValueError")) == [
        "KeyError",
        "TypeError",
    ]
