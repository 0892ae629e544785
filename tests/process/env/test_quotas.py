"""Quotas of a real environment server."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request

import pytest

from circuit_link.bundle import read_files
from circuit_link.env_protocol import LoginRequest
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import ExecEntry, RunRequest

RUN = RunRequest(entry=ExecEntry(path="a.py", text="print(1)"))


@pytest.fixture
def limited(new_server, tmp_path):
    running = new_server(tmp_path / "limited", options=("--executions-per-month", "2"))
    running.start()
    yield running
    running.stop()


def test_a_killed_server_remembers_what_it_has_executed(limited, project):
    with limited.client(None) as client:
        token = client.login(LoginRequest(token=limited.announced["setup_token"], user="ada")).token
    with limited.client(token) as client:
        client.deploy(read_files(project))
        first = client.run(RUN)
    limited.stop(signal.SIGKILL)
    limited.start()

    with limited.client(token) as client:
        second = client.run(RUN)
        with pytest.raises(UserFacingError) as refused:
            client.run(RUN)
        usage = client.status().usage

    assert (first.outcome, second.outcome) == ("success", "success")
    assert refused.value.code == "QUOTA_MONTH"
    assert (usage.executions, usage.executions_per_month, usage.running) == (2, 2, 0)
    assert int(_retry_after(limited.url, token)) > 0


def _retry_after(url, token):
    request = urllib.request.Request(
        f"{url}/api/v1/runs",
        data=b'{"entry": {"type": "exec", "path": "a.py", "text": "print(1)"}}',
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        assert answer.code == 429, answer.read()
        return answer.headers["retry-after"]
