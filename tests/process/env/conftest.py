"""A real environment server as a child process, and the sample project beside it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from circuit_link.env_client import EnvironmentClient
from circuit_link.env_protocol import LoginRequest


class Server:
    """`circuit-cli serve` on a free port; can be killed and started again on the same data."""

    def __init__(self, folder: Path, database: str = "", options: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._options = [*(["--database", database] if database else []), *options]
        self._process: subprocess.Popen[str] | None = None
        self.announced: dict[str, Any] = {}

    def start(self) -> None:
        command = [sys.executable, "-m", "circuit_cli", "serve", "--port", "0", "--data", str(self._folder)]
        command += self._options
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.announced = json.loads(self._process.stdout.readline())

    @property
    def url(self) -> str:
        return str(self.announced["url"])

    def client(self, token: str | None) -> EnvironmentClient:
        return EnvironmentClient(self.url, token)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@pytest.fixture
def new_server() -> type[Server]:
    return Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "staging")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def token(server: Server) -> str:
    with server.client(None) as client:
        return client.login(LoginRequest(token=server.announced["setup_token"], user="ada")).token


@pytest.fixture
def client(server: Server, token: str) -> Iterator[EnvironmentClient]:
    with server.client(token) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sample project, with one quick test file that covers everything the gate asks for."""
    target = tmp_path / "VirtualLPR"
    with as_file(files("circuit_resources") / "samples" / "virtual_lpr") as source:
        shutil.copytree(source, target)
    return target
