"""Clients that are wrong, rude, or many: each request gets one answer, and no session is in another one's way."""

import contextlib
import os
import signal
import socket

import pytest

from circuit_link.client import connect

SCRIPT = "x = 1\ny = 2\nprint(x + y)\n"


def test_requests_before_initialize_are_refused(server):
    client = server.connect_only()

    response = client.refusal("launch", program="script.py")

    assert "initialize" in response["message"]
    client.request("initialize", adapterID="circuit")
    client.close()


def test_session_is_initialized_once(client):
    assert "already" in client.refusal("initialize", adapterID="circuit")["message"]


@pytest.mark.parametrize("command", ["setDataBreakpoints", "readMemory", "disassemble", "terminateThreads", "no"])
def test_requests_that_are_not_supported_are_refused(client, command):
    assert "not supported" in client.refusal(command)["message"]


def test_number_that_no_handle_can_have_is_refused_and_the_session_goes_on(client, script):
    path = script(SCRIPT)
    client.launch({path: [3]}, program=str(path))
    client.stopped("breakpoint")

    client.refusal("scopes", frameId=10**30)

    assert client.evaluate("x")["result"] == "1"


@pytest.mark.parametrize("command", ["continue", "next", "stepIn", "stepOut", "pause", "goto", "exceptionInfo"])
def test_requests_about_another_thread_are_refused(client, script, command):
    path = script(SCRIPT)
    client.launch({path: [3]}, program=str(path))
    client.stopped("breakpoint")

    assert "no thread 7" in client.refusal(command, threadId=7, targetId=1)["message"]


def test_files_that_are_no_scripts_are_not_shown(client):
    assert "no script" in client.refusal("source", source={"path": "/etc/passwd"}, sourceReference=0)["message"]


def test_sessions_stand_side_by_side(server, script):
    path = script(SCRIPT)
    first, second = server.connect(), server.connect()
    for client in (first, second):
        client.launch({path: [3]}, program=str(path))
        client.stopped("breakpoint")

    first.request("setExpression", expression="x", value="10", frameId=first.stack()[0]["id"])

    assert (first.evaluate("x")["result"], second.evaluate("x")["result"]) == ("10", "1")
    for client in (first, second):
        client.resume()
        assert client.finish() == 0
        client.close()


def test_client_that_goes_away_at_a_stop_leaves_the_database_to_others(server, script):
    path = script("from circuitos import CircuitDB\nCircuitDB.insert('Area', {'zip': '1'})\nx = 1\n")
    gone = server.connect()
    gone.launch({path: [3]}, program=str(path))
    gone.stopped("breakpoint")

    gone.close()

    other = server.connect()
    for _ in range(20):  # until the first one's transaction has been rolled back
        other.launch(program=str(path))
        if other.finish() == 0:
            break
        other.close()
        other = server.connect()
    else:
        raise AssertionError(other.output("stderr"))
    other.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 99999999999\r\n\r\n",
        b"Content-Length: 3\r\n\r\nabc",
        b'Content-Length: 43\r\n\r\n{"type":"request","command":"threads","a":1}',
        b"\0" * 10_000,
    ],
)
def test_connection_that_speaks_something_else_is_ended(server, sent):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(sent)

        received = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert b"no DAP" in received


def test_host_that_has_ended_is_started_again_for_the_next_session(server, script):
    with connect(server.root, client="test") as host:
        pid = host.attached.pid
    with contextlib.closing(os.fdopen(os.pidfd_open(pid))):
        os.kill(pid, signal.SIGKILL)
    path = script(SCRIPT)

    client = server.connect()

    client.launch(program=str(path))
    assert client.finish() == 0
    client.close()


def test_pause_that_comes_before_the_script_begins_is_kept(client, script, engine):
    path = script("while True:\n    x = 1\n")
    client.launch(program=str(path), engine=engine)

    client.request("pause", threadId=1)

    client.stopped("pause")


def test_pause_that_comes_during_a_restart_is_kept(client, script, engine):
    path = script("while True:\n    x = 1\n")
    client.launch(program=str(path), engine=engine)
    client.request("restart")

    client.request("pause", threadId=1)

    client.stopped("pause")
    assert client.place()[0] == "script.py"
