"""What goes to a debugger's client that reads slowly, or not at all."""

import json
import threading

import pytest

from circuit_runtime.host.dap.outbox import MAX_PRINTED_CHARACTERS, Outbox

DEADLINE_S = 20


class Client:
    """Takes nothing until it is told to read, apart from the first write."""

    def __init__(self):
        self.received = b""
        self.reads = threading.Event()
        self.is_written_to = threading.Event()

    def write(self, data):
        self.is_written_to.set()
        assert self.reads.wait(DEADLINE_S)
        self.received += data

    @property
    def messages(self):
        parts = self.received.split(b"Content-Length: ")[1:]
        return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts]


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def outbox(client):
    """One whose writer waits for its client already."""
    outbox = Outbox(client.write)
    outbox.put(event("first"))
    assert client.is_written_to.wait(DEADLINE_S)
    return outbox


def event(name, **body):
    return {"type": "event", "event": name, "body": body}


def printed(text, category="stdout", line=0):
    return event("output", category=category, output=text, line=line)


def finish(outbox, client):
    client.reads.set()
    outbox.close(DEADLINE_S)
    return client.messages


def test_messages_are_numbered_in_their_order(outbox, client):
    outbox.put(event("second"))
    outbox.answer({"type": "response", "command": "threads"})

    assert [message["seq"] for message in finish(outbox, client)] == [1, 2, 3]


def test_what_is_printed_by_one_place_is_joined_while_the_client_does_not_read(outbox, client):
    for number in range(1000):
        outbox.put(printed(f"{number}\n"))
    outbox.put(event("stopped"))
    outbox.put(printed("after\n"))
    outbox.put(printed("elsewhere\n", line=3))

    _first, *messages = finish(outbox, client)

    texts = [message["body"].get("output", message["event"]) for message in messages]
    assert texts == ["".join(f"{number}\n" for number in range(1000)), "stopped", "after\n", "elsewhere\n"]


def test_flood_is_left_out_beyond_a_bound_and_counted(outbox, client):
    for _ in range(100):
        outbox.put(printed("x" * 50_000))
    outbox.put(event("terminated"))

    messages = finish(outbox, client)

    told = sum(message["body"]["output"].count("x") for message in messages if message["event"] == "output")
    assert told == MAX_PRINTED_CHARACTERS
    assert messages[-2]["event"] == "terminated"
    assert messages[-1]["body"]["output"].startswith("[1,000,000 characters are left out")


def test_nobody_waits_for_a_client_that_has_gone():
    def write(_data):
        raise BrokenPipeError

    outbox = Outbox(write)

    for _ in range(20_000):
        outbox.answer({"type": "response", "command": "threads"})

    outbox.close(DEADLINE_S)


def test_answers_wait_for_a_client_that_asks_and_does_not_read(outbox, client):
    number_put = 0
    is_full = threading.Event()

    def ask():
        nonlocal number_put
        for _ in range(20_000):
            outbox.answer({"type": "response", "command": "threads"})
            number_put += 1
            if number_put == 10_000:
                is_full.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert is_full.wait(DEADLINE_S)
    client.reads.set()
    asking.join(DEADLINE_S)

    assert len(finish(outbox, client)) == 20_001
