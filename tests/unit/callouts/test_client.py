import time

import pytest

from circuit_link.http import HttpError, HttpResponse
from circuit_runtime.callouts.client import MAX_BODY_BYTES, CalloutClient
from circuit_runtime.callouts.port import CalloutFailed

ALLOW = ("https://api.census.gov", "https://example.com/data", "http://localhost:8099")
PUBLIC = "93.184.216.34"


class Wire:
    """Stands for the network: answers what it is told and remembers what was sent."""

    def __init__(self, *answers):
        self.answers = list(answers) or [HttpResponse(200, "OK", {}, b"{}")]
        self.sent = []
        self.resolved = []
        self.addresses = [PUBLIC]

    def send(self, method, url, *, address, headers, body, timeout_s, max_bytes):
        self.sent.append((method, url, address, dict(headers)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def resolve(self, host, port, timeout_s):
        self.resolved.append((host, port))
        return self.addresses


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def call(wire):
    client = CalloutClient(wire.resolve, wire.send)

    def run(url, method="GET", headers=None, body=b"", timeout_ms=1000, allow=ALLOW):
        return client.send(method, url, headers or {}, body, timeout_ms, allow)

    return run


def redirect(location, status=302):
    return HttpResponse(status, "Found", {"location": location}, b"")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.census.gov",
        "https://API.census.gov:443/data/2023?get=NAME",
        "https://api.census.gov./x",
        "https://example.com/data",
        "https://example.com/data/x?y=1",
    ],
)
def test_an_address_below_an_entry_is_called_at_the_resolved_ip(call, wire, url):
    answer = call(url)

    assert answer.status_code == 200
    assert wire.sent == [("GET", url, PUBLIC, {})]
    assert len(wire.resolved) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://api.census.gov/",
        "https://api.census.gov:8443/",
        "https://api.census.gov.evil.com/",
        "https://evil.com/https://api.census.gov",
        "https://example.com/",
        "https://example.com/database",
        "https://example.com/data/../secret",
        "https://example.com/data/%2E%2e/secret",
        "https://api.census.gov@evil.com/",
        "https://user:password@api.census.gov/",
        "https://evil.com\\@api.census.gov/",
        "https://api.census.gov\n.evil.com/",
        "file:///etc/passwd",
        "ftp://api.census.gov/",
        "https://",
        "https://[::1",
        "https://api.census.gov:0/",
        "https://api.census.gov:99999/",
        "",
    ],
)
def test_any_other_address_is_refused_before_anything_is_sent(call, wire, url):
    with pytest.raises(CalloutFailed):
        call(url)

    assert (wire.sent, wire.resolved) == ([], [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
        "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_refused(call, wire, address):
    wire.addresses = [PUBLIC, address]

    with pytest.raises(CalloutFailed, match="private network"):
        call("https://api.census.gov/")

    assert wire.sent == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:8098/", "http://2130706433/", "http://0x7f.1/"]
)
def test_loopback_needs_its_own_entry(call, wire, url):
    with pytest.raises(CalloutFailed):
        call(url)


def test_a_loopback_entry_allows_loopback_alone(call, wire):
    wire.addresses = ["127.0.0.1"]
    assert call("http://localhost:8099/x").status_code == 200

    wire.addresses = ["10.0.0.1"]
    with pytest.raises(CalloutFailed, match="private"):
        call("http://localhost:8099/x")


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.20", "169.254.10.1", "[fd00::5]"])
def test_a_private_address_is_called_where_the_list_names_it(call, wire, address):
    assert call(f"http://{address}:8080/x", allow=(f"http://{address}:8080",)).status_code == 200
    assert wire.sent[0][2] == address.strip("[]")


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "[::]", "[ff02::1]"])
def test_an_address_of_nobody_or_many_is_refused_even_where_the_list_names_it(call, wire, address):
    with pytest.raises(CalloutFailed, match="private network"):
        call(f"http://{address}/x", allow=(f"http://{address}",))


def test_a_name_on_the_list_never_leads_into_a_private_network(call, wire):
    wire.addresses = ["10.0.0.5"]

    with pytest.raises(CalloutFailed, match="private network"):
        call("http://intranet.example.com/", allow=("http://intranet.example.com", "http://10.0.0.5"))


def test_a_redirect_into_a_private_network_is_refused(call, wire):
    wire.answers = [redirect("http://169.254.169.254/latest/meta-data"), redirect("/inside")]

    with pytest.raises(CalloutFailed, match="Unauthorized endpoint"):
        call("https://example.com/data/x")

    assert len(wire.sent) == 1


def test_a_name_that_leads_elsewhere_at_the_redirect_is_refused(call, wire):
    def answer_and_rebind(*arguments, **named):
        wire.addresses = ["127.0.0.1"]
        return redirect("/data/y")

    client = CalloutClient(wire.resolve, answer_and_rebind)

    with pytest.raises(CalloutFailed, match="private network"):
        client.send("GET", "https://example.com/data/x", {}, b"", 1000, ALLOW)


def test_an_api_that_asks_for_patience_is_left_alone(wire):
    wire.answers = [HttpResponse(429, "Too Many", {"retry-after": "60"}, b"")]
    client = CalloutClient(wire.resolve, wire.send)

    first = client.send("GET", "https://api.census.gov/x", {}, b"", 1000, ALLOW)
    with pytest.raises(
        CalloutFailed, match=r"Rate limit: https://api.census.gov:443 takes no request for the next"
    ):
        client.send("GET", "https://api.census.gov/y", {}, b"", 1000, ALLOW)

    assert first.status_code == 429
    assert len(wire.sent) == 1


def test_a_short_wait_is_waited_within_the_callout_s_time(wire):
    wire.answers = [
        HttpResponse(200, "OK", {"ratelimit-remaining": "0", "ratelimit-reset": "0.2"}, b""),
        HttpResponse(200, "OK", {}, b""),
    ]
    client = CalloutClient(wire.resolve, wire.send)
    client.send("GET", "https://api.census.gov/x", {}, b"", 5000, ALLOW)
    began = time.monotonic()

    client.send("GET", "https://api.census.gov/y", {}, b"", 5000, ALLOW)

    assert time.monotonic() - began >= 0.15


def test_a_redirect_on_the_list_is_followed_and_resolved_again(call, wire):
    wire.answers = [redirect("/data/y"), HttpResponse(200, "OK", {}, b"there")]

    assert call("https://example.com/data/x", headers={"Authorization": "secret"}).body == b"there"
    assert [sent[1] for sent in wire.sent] == ["https://example.com/data/x", "https://example.com/data/y"]
    assert wire.sent[1][3] == {"Authorization": "secret"}
    assert len(wire.resolved) == 2


def test_a_redirect_to_another_origin_loses_the_credentials(call, wire):
    wire.answers = [redirect("https://api.census.gov/x"), HttpResponse(200, "OK", {}, b"")]

    call("https://example.com/data/x", headers={"Authorization": "secret", "Accept": "*/*"})

    assert wire.sent[1][3] == {"Accept": "*/*"}


@pytest.mark.parametrize(
    "location", ["https://evil.com/", "//evil.com/x", "http://169.254.169.254/", "file:///etc"]
)
def test_a_redirect_off_the_list_is_refused(call, wire, location):
    wire.answers = [redirect(location)]

    with pytest.raises(CalloutFailed):
        call("https://example.com/data/x")

    assert len(wire.sent) == 1


def test_redirects_end_after_five(call, wire):
    wire.answers = [redirect("/data/x") for _ in range(10)]

    with pytest.raises(CalloutFailed, match="redirects"):
        call("https://example.com/data/x")

    assert len(wire.sent) == 6


def test_a_redirected_post_is_the_scripts_to_follow(call, wire):
    wire.answers = [redirect("https://evil.com/", 307)]

    assert call("https://example.com/data/x", "POST").status_code == 307


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
def test_headers_that_steer_the_connection_are_refused(call, wire, name):
    with pytest.raises(CalloutFailed, match=name):
        call("https://api.census.gov/", headers={name: "x"})

    assert wire.sent == []


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "GET /x HTTP/1.1\r\n", ""])
def test_other_methods_are_refused(call, method):
    with pytest.raises(CalloutFailed):
        call("https://api.census.gov/", method)


def test_a_body_that_is_too_long_is_refused(call):
    with pytest.raises(CalloutFailed, match="body"):
        call("https://api.census.gov/", "POST", body=b"x" * (MAX_BODY_BYTES + 1))


def test_a_fault_of_the_network_is_told_to_the_script(call, wire):
    wire.answers = [HttpError("https://api.census.gov: connection refused")]

    with pytest.raises(CalloutFailed, match="connection refused"):
        call("https://api.census.gov/")
