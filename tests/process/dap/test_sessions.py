"""How sessions begin and end over the protocol: launch, attach, restart, stop, and what they print."""

import json

import pytest
from tests.process.dap.dap_client import FILES

import circuit_link.host_protocol as hp
from circuit_link.client import connect


def test_launch_takes_arguments_and_gives_output_and_exit_code(client, script, engine):
    path = script("import sys\nprint(sys.argv[1:])\nprint('bad', file=sys.stderr)\nsys.exit(3)\n")

    client.launch(program=str(path), args=["a", "b c"], engine=engine)

    assert client.finish() == 3
    assert client.output("stdout") == "['a', 'b c']\n"
    assert client.output("stderr") == "bad\n"


def test_unknown_launch_attributes_are_ignored(client, script):
    path = script("print(1)\n")

    client.launch(
        program=str(path), console="internalConsole", redirectOutput=True, subProcess=None, type="circuit"
    )

    assert client.finish() == 0


def test_run_without_debugging_passes_breakpoints(client, script):
    path = script("x = 1\nprint(x)\n")

    client.launch({path: [2]}, program=str(path), noDebug=True)

    assert client.finish() == 0


def test_program_that_is_not_there_is_refused(client, tmp_path):
    response = client.refusal("launch", program=str(tmp_path / "none.py"))

    assert "none.py cannot be read" in response["message"]


def test_launch_that_names_nothing_is_refused(client):
    assert "names nothing to run" in client.refusal("launch")["message"]


def test_program_that_does_not_compile_ends_with_its_error(client, script, engine):
    path = script("x = = 1\n")

    client.launch(program=str(path), engine=engine)

    assert client.finish() == 1
    assert "SyntaxError" in client.output("stderr")


def test_sessions_follow_one_another(server, script):
    path = script("print(1)\n")
    for _ in range(3):
        client = server.connect()
        client.launch(program=str(path))
        assert client.finish() == 0
        client.close()


def test_restart_runs_the_file_as_it_is_now(debug, client, script):
    debug("print('one')\nx = 1\n", 2)
    client.stopped("breakpoint")
    script("print('two')\nx = 2\n")

    client.request("restart")

    client.stopped("breakpoint")
    client.await_output("one\ntwo\n")


def test_G06_terminate_ends_a_script_that_is_in_a_C_call(debug, client):
    debug("import time\nprint('begun')\nwhile True:\n    time.sleep(60)\n")
    client.event("output")

    client.request("terminate")

    assert client.finish() != 0


def test_G06_script_that_is_ended_at_a_stop_is_told_to_have_stopped_there(debug, client):
    debug("from circuitos import CircuitDB\nCircuitDB.query('SELECT id FROM Lead')\nx = 1\ny = 2\n", 4)
    client.stopped("breakpoint")

    client.request("terminate")
    client.finish()

    assert "script.py, line 4" in client.output("stderr"), client.output("stderr")


def test_G06_terminate_ends_an_evaluation_that_is_in_a_C_call(debug, client):
    debug("import time\nx = 1\n", 2)
    client.stopped("breakpoint")
    client.send(
        "evaluate", {"expression": "time.sleep(60)", "frameId": client.stack()[0]["id"], "context": "repl"}
    )

    client.request("terminate")

    assert client.finish() != 0


def test_disconnect_ends_a_launched_run(server, script):
    path = script("print('begun')\nwhile True:\n    pass\n")
    client = server.connect()
    client.launch(program=str(path))
    client.event("output")

    client.request("disconnect")
    client.close()

    with connect(server.root, client="test") as host:
        other = server.connect()
        other.launch(program=str(script("print(1)\n")))
        assert other.finish() == 0
        other.close()
        assert host.attached.project == str(server.root)


def test_disconnect_can_leave_the_run_to_itself(server, script):
    path = script("import time\nx = 1\ntime.sleep(0.2)\nprint('done')\n")
    client = server.connect()
    client.launch({path: [2]}, program=str(path))
    client.stopped("breakpoint")
    with connect(server.root, client="test", subscribe=True) as host:
        client.request("disconnect", terminateDebuggee=False)
        client.close()

        ended = next(message for message in host.messages() if isinstance(message, hp.RunFinished))

    assert ended.result.outcome == "success"


def test_attach_debugs_what_others_start_on_the_host(server, client, engine):
    client.attach({server.root / "triggers/area_trigger.py": [8]}, engine=engine)
    with connect(server.root, client="test") as host:
        for _ in range(2):
            text = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "1", "income": 4})\n'
            entry = hp.ExecEntry(path="scripts/a.py", text=text)
            host.send(hp.StartRun(request=host.next_request(), run=hp.RunRequest(entry=entry)))

            client.stopped("breakpoint")
            assert client.place() == ("area_trigger.py", 8)
            client.resume()
            client.event("thread", lambda body: body["reason"] == "exited")

        client.request("disconnect")


def test_event_can_be_launched(client, server):
    body = {"type": "ContactCreate", "locationId": "l", "id": "c1", "firstName": "A", "lastName": "B"}
    path = server.write("events/contact.json", json.dumps(body))

    client.launch(event=str(path), source="ghl")

    assert client.finish() == 0


def test_every_capability_that_is_told_is_kept(client, server):
    unknown = client.refusal("disassemble", memoryReference="0", instructionCount=1)

    assert "not supported" in unknown["message"]
    assert client.capabilities["supportsConfigurationDoneRequest"]
    assert {one["filter"] for one in client.capabilities["exceptionBreakpointFilters"]} == {
        "raised",
        "uncaught",
        "userUnhandled",
    }


def test_sources_and_modules_are_the_projects_scripts(client, server):
    sources = {source["name"] for source in client.request("loadedSources")["sources"]}
    modules = client.request("modules", startModule=0, moduleCount=2)
    text = client.request("source", source={"path": str(server.root / "classes/maths.py")}, sourceReference=0)

    assert {"maths.py", "area_trigger.py"} <= sources
    assert modules["totalModules"] >= 3
    assert len(modules["modules"]) == 2
    assert "def double" in text["content"]


def test_lines_count_from_where_the_client_says(server, script):
    path = script("x = 1\ny = 2\n")
    client = server.connect(linesStartAt1=False, columnsStartAt1=False)
    answers = client.launch({path: [1]}, program=str(path))

    client.stopped("breakpoint")

    place = client.place()
    client.close()
    assert answers[path][0]["line"] == 1
    assert place == ("script.py", 1)


def test_arguments_that_are_not_as_the_protocol_has_them_are_refused(client):
    assert (
        "arguments"
        in client.refusal("setBreakpoints", source={"path": "x.py"}, breakpoints=[{"no": 1}])["message"]
    )


def test_X10_time_at_a_breakpoint_is_charged_to_no_limit(debug, client):
    text = (
        "import time\nfrom circuitos import CircuitGovernor\nx = 1\nprint(CircuitGovernor.get_usage('wall_ms'))\n"
    )
    debug(text, 3)
    client.stopped("breakpoint")
    client.evaluate("time.sleep(4)", "repl")

    client.resume()

    assert client.finish() == 0
    assert int(client.output("stdout")) < 3500


def test_G05_breakpoint_in_a_file_that_was_changed_binds_to_what_runs_and_says_so(client, server, script):
    path = server.write("classes/edited.py", "def f():\n    return 1\n")
    program = script("from classes.edited import f\nx = 1\nprint(f())\n")
    client.launch({program: [2]}, program=str(program))
    client.stopped("breakpoint")
    path.write_text("\n\n\ndef f():\n    return 1\n")

    (answer,) = client.set_breakpoints(path, [2])

    assert answer["verified"]
    assert "changed after the run began" in answer["message"]
    client.resume()
    client.stopped("breakpoint")
    assert client.place() == ("edited.py", 2)


@pytest.fixture
def settrace_project(server):
    server.write("circuit.toml", FILES["circuit.toml"] + '[debugger]\nengine = "settrace"\n')
    yield server
    server.write("circuit.toml", FILES["circuit.toml"])


@pytest.mark.parametrize(("asked", "is_traced"), [({}, True), ({"engine": "slots"}, False)])
def test_project_chooses_how_breakpoints_are_noticed_unless_the_launch_does(
    settrace_project, client, script, asked, is_traced
):
    path = script("import sys\nprint(sys.gettrace() is not None)\nx = 1\n")

    client.launch({path: [3]}, program=str(path), **asked)

    client.stopped("breakpoint")
    assert client.output("stdout") == f"{is_traced}\n"


def test_disconnect_ends_an_evaluation_that_is_in_a_C_call(server, script):
    path = script("import time\nx = 1\n")
    client = server.connect()
    client.launch({path: [2]}, program=str(path))
    client.stopped("breakpoint")
    frame = client.stack()[0]["id"]
    client.send("evaluate", {"expression": "time.sleep(60)", "frameId": frame, "context": "repl"})

    client.request("disconnect")

    client.close()
