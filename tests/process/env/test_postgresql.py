"""An environment whose releases, records and tests live on a PostgreSQL server."""

from __future__ import annotations

import datetime as dt
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from circuit_link.bundle import read_files
from circuit_link.env_client import EnvironmentClient
from circuit_link.env_protocol import LoginRequest
from circuit_link.host_protocol import EventEntry, RunRequest

SCORES = "SELECT name, vlpr_score, (SELECT subject FROM tasks) FROM Contact WHERE ghl_id = 'mArcusThompson000001'"


@pytest.fixture
def database(postgresql_database: Callable[[], str]) -> str:
    return postgresql_database()


@pytest.fixture
def server(new_server: Callable[..., Any], tmp_path: Path, database: str) -> Iterator[Any]:
    running = new_server(tmp_path / "production", database)
    running.start()
    yield running
    running.stop()


def test_deploy_run_kill_and_roll_back_on_postgresql(server: Any, database: str, project: Path) -> None:
    with server.client(None) as client:
        token = client.login(LoginRequest(token=server.announced["setup_token"], user="ada")).token
    with server.client(token) as client:
        first = client.deploy(read_files(project))
        deliver_marcus(client, project)
        (project / "classes" / "greeting.py").write_text("WORD = 'hello'\n")
        second = client.deploy(read_files(project))
    server.stop(signal.SIGKILL)
    server.start()
    with server.client(token) as client:
        after_kill = client.query(SCORES).rows
        back = client.rollback()

    assert (first.state, second.state, back.state) == ("SUCCEEDED", "SUCCEEDED", "SUCCEEDED"), first.error
    assert first.tests is not None and first.tests.failed == first.tests.errors == 0
    assert back.release == first.release
    assert [(row["name"], row["vlpr_score"]) for row in after_kill] == [("Marcus Thompson", 78)]
    assert after_kill[0]["tasks"]
    with psycopg.connect(database) as connection:
        tables = {row[0] for row in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
    assert {"o_contact", "env_release", "env_activation"} <= tables


def deliver_marcus(client: EnvironmentClient, project: Path) -> None:
    """At the moment for which his score is known."""
    path = "events/marcus_create.json"
    entry = EventEntry(source="ghl", path=path, payload=(project / path).read_bytes())
    now = dt.datetime.fromisoformat("2025-11-13T17:45:23Z")
    result = client.run(RunRequest(entry=entry, commit=True, now=now))
    assert result.outcome == "success", result.error
