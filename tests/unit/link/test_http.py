"""HTTP sessions against a transport that answers what a test says."""

import httpx
import pytest

from circuit_link.http import HttpError, HttpSession, ServerSentEvent, StreamRefused


def session(answer):
    return HttpSession("http://env.test", "secret", transport=httpx.MockTransport(lambda _request: answer))


def stream(text):
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)


def test_comments_that_keep_a_stream_alive_are_no_events():
    with session(stream(": alive\n\nid: 1\ndata: a\n\n: alive\n\n: alive\n\nid: 2\ndata: b\n\n")) as http:
        events = list(http.events("/events"))

    assert events == [ServerSentEvent("1", "message", "a"), ServerSentEvent("2", "message", "b")]


def test_a_refused_stream_brings_the_servers_answer():
    with session(httpx.Response(401, text="who are you")) as http, pytest.raises(StreamRefused) as refused:
        list(http.events("/events"))

    assert (refused.value.response.status_code, refused.value.response.body) == (401, b"who are you")
    assert "secret" not in str(refused.value)


def test_an_answer_that_is_no_stream_is_an_error():
    with session(httpx.Response(200, text="<html>")) as http, pytest.raises(HttpError):
        list(http.events("/events"))
