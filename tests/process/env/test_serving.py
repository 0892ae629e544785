"""A server that cannot start says why; one that is killed at any step of a deployment stands whole."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from circuit_link import env_protocol as env
from circuit_link.bundle import read_files
from circuit_link.env_client import EnvironmentClient
from circuit_link.errors import UserFacingError

# A moment of a deployment (the beginning of an event's message), and whether the new release serves after it.
# None: it has gone on while the message was on its way.
MOMENTS = [
    pytest.param("check started", False, marks=pytest.mark.long),
    pytest.param("check done", False, marks=pytest.mark.long),
    pytest.param("test started", False),
    pytest.param("test done", False, marks=pytest.mark.long),
    pytest.param("expand started", None),
    pytest.param("expand done", None, marks=pytest.mark.long),
    pytest.param("activate started", None),
    pytest.param("activate done", True),
    pytest.param("verify started", True, marks=pytest.mark.long),
    pytest.param("verify done", True, marks=pytest.mark.long),
]


def serve(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "circuit_cli", "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    root = tmp_path / "Small"
    for folder in ("classes", "tests", "objects"):
        (root / folder).mkdir(parents=True)
    (root / "circuit.toml").write_text('[project]\nname = "Small"\n')
    (root / "objects" / "Contact.toml").write_text('[fields.shoe_size]\ntype = "integer"\n')
    (root / "classes" / "answers.py").write_text("class Answers:\n    value = 41\n")
    (root / "tests" / "test_answers.py").write_text(
        "from circuitos.testing import test\n\nfrom classes.answers import Answers\n\n\n"
        "@test\nclass AnswersTest:\n    @test\n    def has_one(self):\n        assert Answers.value\n"
    )
    return root


def add_long_test(root: Path) -> None:
    """A test that works on for so long that the news of its start arrives before its end."""
    (root / "tests" / "test_long.py").write_text(
        "from circuitos.testing import test\n\n\n"
        "@test\nclass LongTest:\n    @test\n    def counts(self):\n        assert sum(range(60_000_000))\n"
    )


@pytest.mark.parametrize(("moment", "is_new"), MOMENTS)
def test_a_server_killed_at_a_step_serves_one_release_wholly(
    client: EnvironmentClient, server: Any, token: str, small_project: Path, moment: str, is_new: bool | None
) -> None:
    first = client.deploy(read_files(small_project))
    assert first.state == "SUCCEEDED", first.error
    (small_project / "classes" / "answers.py").write_text("class Answers:\n    value = 42\n")
    (small_project / "objects" / "Contact.toml").write_text('[fields.hat_size]\ntype = "integer"\n')
    add_long_test(small_project)
    interrupted: list[env.Deployment] = []

    class Killed(Exception):
        pass

    def kill(event: env.DeploymentEvent) -> None:
        if event.message == moment:
            server.stop(signal.SIGKILL)
            interrupted.append(event.deployment)
            raise Killed

    with pytest.raises(Killed):
        client.deploy(read_files(small_project), on_event=kill)
    server.start()

    with server.client(token) as after:
        status = after.status()
        ended = after.deployment(interrupted[0].deployment)
        assert (status.healthy, status.lock) == (True, None)
        assert ended.activated is (status.generation == 2)
        assert status.release == (ended.release if ended.activated else first.release)
        assert ended.state == ("SUCCEEDED" if ended.activated else "FAILED")
        if is_new is not None:
            assert ended.activated is is_new
        again = after.deploy(read_files(small_project))
        assert again.state == "SUCCEEDED", again.error
        assert after.status().release == again.release != first.release


def test_a_deployment_whose_server_is_gone_is_told_as_still_running(
    server: Any, token: str, small_project: Path
) -> None:
    client = EnvironmentClient(server.url, token, reconnect_pause_s=0.01)
    add_long_test(small_project)

    def kill(event: env.DeploymentEvent) -> None:
        if event.message == "test started":
            server.stop(signal.SIGKILL)

    with client, pytest.raises(UserFacingError) as lost:
        client.deploy(read_files(small_project), on_event=kill)

    assert lost.value.code == "STILL_RUNNING"
    assert "dep_" in lost.value.message


def test_a_stream_is_refused_at_once_for_a_wrong_token(server: Any) -> None:
    with server.client("wrong") as stranger, pytest.raises(UserFacingError) as refused:
        next(stranger.tail_logs())

    assert refused.value.code == "TOKEN_INVALID"


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = serve("--port", taken.getsockname()[1], "--data", tmp_path / "data", "--json")

    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (1, "ADDRESS_UNAVAILABLE")
    assert "--port" in ended.stderr


def test_a_second_server_on_the_same_data_is_refused(server: Any, tmp_path: Path) -> None:
    ended = serve("--port", 0, "--data", tmp_path / "staging", "--json")

    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (1, "DATA_FOLDER_IN_USE")


def test_a_data_folder_that_is_a_file_or_holds_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "environment.db").write_text("no database at all, but long enough to be read as one")

    codes = [
        json.loads(serve("--port", 0, "--data", tmp_path / name, "--json").stdout)["error"]["code"]
        for name in ("file", "damaged")
    ]

    assert codes == ["DATA_FOLDER_UNUSABLE", "DATABASE_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("address", "code"), [("postgresql://nobody@127.0.0.1:1/none", 1), ("mysql://x", 2), ("nonsense", 2)]
)
def test_a_database_that_cannot_be_opened_is_told_without_a_traceback(
    tmp_path: Path, address: str, code: int
) -> None:
    ended = serve("--port", 0, "--data", tmp_path / "data", "--database", address)

    assert ended.returncode == code
    assert "database" in ended.stderr
    assert "Traceback" not in ended.stderr
