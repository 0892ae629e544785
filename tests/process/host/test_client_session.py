"""A client's session over a real socket: bad clients end themselves and nobody else."""

import socket
import struct
import threading
import time

import pytest

import circuit_link.host_protocol as hp
from circuit_link.errors import UserFacingError
from circuit_link.framing import ConnectionEnded, FrameSocket
from circuit_log.events import UserDebug
from circuit_log.levels import Level
from circuit_runtime.host import client_session as client_session_module
from circuit_runtime.host import outbox as outbox_module
from circuit_runtime.host.client_session import ClientSession

WELCOME = hp.Attached(version=hp.PROTOCOL_VERSION, project="/p", pid=1, python="3.11", dap_address="")
TIMEOUT_S = 10.0


class Side:
    """A session and the client's end of its connection."""

    def __init__(self, handle):
        ours, theirs = socket.socketpair()
        self.raw = theirs
        self.client = FrameSocket(theirs)
        self.ended = threading.Event()
        self.session = ClientSession(FrameSocket(ours), WELCOME, handle, lambda _: self.ended.set())
        self.session.start()

    def send(self, message):
        self.client.send(hp.encode(message), time.monotonic() + TIMEOUT_S)

    def receive(self):
        return hp.decode_from_host(self.client.receive(time.monotonic() + TIMEOUT_S))

    def attach(self, subscribe=False):
        self.send(hp.Attach(version=hp.PROTOCOL_VERSION, client="test", subscribe=subscribe))
        assert self.receive() == WELCOME

    def close(self):
        self.client.close()
        self.session.close()
        self.session.join(TIMEOUT_S)
        assert self.ended.wait(TIMEOUT_S)


@pytest.fixture
def connect():
    sides = []

    def make(handle=lambda session, message: session.send(hp.Accepted(request=message.request))):
        sides.append(Side(handle))
        return sides[-1]

    yield make
    for side in sides:
        side.close()


def test_a_request_is_answered_after_attaching(connect):
    side = connect()
    side.attach()

    side.send(hp.ResetData(request=5))

    assert side.receive() == hp.Accepted(request=5)


def refused(side):
    answer = side.receive()
    assert isinstance(answer, hp.Failed)
    with pytest.raises(ConnectionEnded):
        side.client.receive(time.monotonic() + TIMEOUT_S)
    assert side.ended.wait(TIMEOUT_S)
    return answer.error.code


def test_another_version_is_refused(connect):
    side = connect()
    side.send(hp.Attach(version=99, client="test"))

    assert refused(side) == "VERSION_MISMATCH"


def test_a_request_before_attaching_is_refused(connect):
    side = connect()
    side.send(hp.ResetData(request=1))

    assert refused(side) == "ATTACH_EXPECTED"


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\x81\xa1t\xa4nope", b"\x81\xa1t\xa9start_run", b"{}", b"\x00" * 1000]
)
def test_a_message_that_cannot_be_read_ends_the_session(connect, payload):
    side = connect()
    side.attach()
    side.client.send(payload)

    assert refused(side) == "MESSAGE_MALFORMED"


def test_a_frame_that_is_announced_too_long_is_refused_before_it_comes(connect):
    side = connect()
    side.attach()
    side.raw.sendall(struct.pack(">I", 0xFFFF_FFFF))

    assert refused(side) == "FRAME_TOO_LONG"


def test_a_refusal_of_the_handler_is_answered_and_the_session_goes_on(connect):
    def handle(session, message):
        raise UserFacingError("no", code="NO", hint="try", path="a.py", line=3)

    side = connect(handle)
    side.attach()
    side.send(hp.ResetData(request=1))
    side.send(hp.ResetData(request=2))

    answers = {side.receive().request, side.receive().request}
    assert answers == {1, 2}


def test_a_fault_of_ours_is_told_and_ends_no_other_request(connect, caplog):
    def handle(session, message):
        raise ZeroDivisionError("ours")

    side = connect(handle)
    side.attach()
    side.send(hp.ResetData(request=1))

    answer = side.receive()
    assert answer.error.code == "INTERNAL_ERROR"
    assert "ZeroDivisionError" in answer.error.message
    assert "Traceback" not in answer.error.message


def test_a_slow_request_does_not_hold_up_a_quick_one(connect):
    release = threading.Event()

    def handle(session, message):
        if message.request == 1:
            release.wait(TIMEOUT_S)
        session.send(hp.Accepted(request=message.request))

    side = connect(handle)
    side.attach()
    side.send(hp.ResetData(request=1))
    side.send(hp.ResetData(request=2))

    assert side.receive() == hp.Accepted(request=2)
    release.set()
    assert side.receive() == hp.Accepted(request=1)


def test_too_many_open_requests_are_refused_one_by_one(connect, monkeypatch):
    monkeypatch.setattr(client_session_module, "_MAX_OPEN_REQUESTS", 1)
    release = threading.Event()

    def handle(session, message):
        release.wait(TIMEOUT_S)
        session.send(hp.Accepted(request=message.request))

    side = connect(handle)
    side.attach()
    side.send(hp.ResetData(request=1))
    side.send(hp.ResetData(request=2))

    answer = side.receive()
    assert (answer.request, answer.error.code) == (2, "TOO_MANY_REQUESTS")
    release.set()
    assert side.receive() == hp.Accepted(request=1)


def test_a_client_that_never_reads_costs_bounded_memory_and_loses_its_session(connect, monkeypatch):
    monkeypatch.setattr(client_session_module, "_WRITE_TIMEOUT_S", 0.3)
    monkeypatch.setattr(outbox_module, "MAX_EVENTS", 1000)
    side = connect()
    side.attach(subscribe=True)
    text = "x" * 10_000
    events = [UserDebug(seq=seq, ns=seq, level=Level.DEBUG, text=text) for seq in range(300)]

    for number in range(20):
        side.session.outbox.put_events(f"run-{number}", events)

    assert side.ended.wait(TIMEOUT_S)


def test_events_that_are_too_long_for_one_frame_come_in_several(connect):
    side = connect()
    side.attach(subscribe=True)
    events = tuple(UserDebug(seq=seq, ns=seq, level=Level.DEBUG, text="x" * 1_000_000) for seq in range(12))

    side.session.outbox.put_events("r", events)

    received = []
    while len(received) < len(events):
        received += side.receive().events
    assert tuple(received) == events


def test_an_answer_that_is_too_long_is_told(connect):
    def handle(session, message):
        rows = [{"text": "x" * 1000}] * 10_000
        session.send(
            hp.QueryAnswered(
                request=message.request,
                object_name="A",
                columns=("text",),
                rows=rows,
                count=1,
                limits={},
                duration_ms=0,
            )
        )

    side = connect(handle)
    side.attach()
    side.send(hp.RunQuery(request=3, text="SELECT id FROM A"))

    answer = side.receive()
    assert (answer.request, answer.error.code) == (3, "ANSWER_TOO_LARGE")


def test_a_client_that_vanishes_in_the_middle_of_a_frame_ends_its_session(connect):
    side = connect()
    side.attach()
    side.raw.sendall(struct.pack(">I", 100) + b"half")
    side.client.close()

    assert side.ended.wait(TIMEOUT_S)
